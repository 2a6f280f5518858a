"""What a database knows of its own past: the port of the guard and of recovery (see `ports.py` for the others)."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class SentHead:
    """A head that was signed for the contract: the transaction's hash, its size, all bytes that were signed."""

    hash: bytes
    size: int
    raw: bytes


@dataclass(frozen=True)
class Restored:
    """A restored copy that nobody released yet: how many entries the backup held, and when it was made."""

    entries: int
    made_at: int


class Past(Protocol):
    """What a database knows of its own past, which no honest copy of it contradicts."""

    def extent(self) -> tuple[int, int]:
        """How many entries the log counts, and one more than the highest stored index: equal in a whole database."""

    def codes(self) -> tuple[bytes, bytes] | None:
        """The code hashes of registry and witness as first seen."""

    def record_codes(self, registry: bytes, witness: bytes) -> None:
        """Remember both code hashes, unless that was done. Durable on return."""

    def largest_sent(self) -> list[SentHead]:
        """All transactions for the largest head that was ever signed for the contract."""

    def largest_mined(self) -> SentHead | None:
        """The transaction that moved the head furthest and was final."""

    def open_restore(self) -> Restored | None:
        """The restore that was not released yet."""

    def release(self, now: int) -> None:
        """Let the restored copy go on. Durable on return."""

    def forget_moves(self, above: int) -> int:
        """Whatever became of the moves of the head beyond `above`, the chain has lost it, and their nonces are free
        again; how many transactions that were. Durable on return."""
