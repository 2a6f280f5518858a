"""Findings after which nothing may be signed or promised until a person has decided."""


class Incident(Exception):
    """The database and the chain contradict each other. The message says what was found and what to do."""
