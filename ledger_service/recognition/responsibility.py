"""Responsibility at a moment: what the log says of who did what about one report, and on which grounds.

    facts = responsibility(Case(timeline, elsewhere, book, size))

Facts, never liability: each is a claim that is VERIFIED, FAILED, NOT_CHECKED or NOT_PROVABLE (docs/RESPONSIBILITY.md).
"""

from ledger_service.recognition.case import Case, Fact
from ledger_service.recognition.of_decisions import decisions
from ledger_service.recognition.of_reports import accesses, reminders, versions, what_became


def responsibility(case: Case) -> list[Fact]:
    """All facts about the report of a case, in the log order of the statements that they are about."""
    facts = [fact for ask in (versions, reminders, accesses, decisions, what_became) for fact in ask(case)]
    return sorted(facts, key=lambda fact: fact.index)
