"""Who asks."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Viewer:
    """An institution that signed in by a key, with its roles; `speaks_for` are its own code and those of its
    predecessors. Without a key: whoever holds the operator token."""

    institution: str | None = None
    key: bytes | None = None
    roles: frozenset[str] = frozenset()
    speaks_for: frozenset[str] = frozenset()

    @property
    def is_operator(self) -> bool:
        """Whether this is the holder of the operator token."""
        return self.key is None


OPERATOR = Viewer()
"""The holder of the operator token."""
