"""Figures from a log as it is stored, and whether they are those that somebody published (docs/spec/statistics.md).

Every entry is hashed into the log's tree, its id is computed again, and its parts are hashed: what was changed is
refused, and so is a log with a gap, unless it is said to count what is there. Signatures, keys and roles are the
audit's.
"""

import secrets
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple, Protocol

import msgspec

from anchors.core.encoding import encode_hex, word_code
from anchors.core.errors import MalformedInput, VerificationFailed
from anchors.core.typed_data import Domain
from ledger_service.parts import Statistics
from ledger_service.recognition.figures import Figures, Period
from ledger_service.recognition.statistics import Tally
from ledger_service.usecases.hashed_log import Hashed, Hashing, Seen, StoredEntry
from ledger_service.usecases.submission import content_of, decode_parts
from ledger_service.usecases.taken_apart import take_apart


class StoredLog(NamedTuple):
    """Which log it is, and how many entries it says it has."""

    origin: str
    domain: Domain
    size: int


class StatisticsRows(Protocol):
    """One view of the database. Raises `StoreUnavailable`."""

    def log(self) -> StoredLog:
        """The log."""

    def entries(self, size: int) -> Iterator[list[StoredEntry]]:
        """The entries below position `size` that are there, in order, in pieces."""

    def successors(self) -> Mapping[str, str]:
        """The successors that the registry names, by the institution that left."""

    def statement(self, id: bytes) -> StoredEntry | None:
        """The row of a statement."""


def compute(
    rows: StatisticsRows,
    size: int,
    period: Period,
    hashed: Callable[[], Hashed] | None = None,
    *,
    with_gaps: bool = False,
    advance: Callable[[int], object] = lambda count: None,
) -> Figures:
    """The figures of a period over the first `size` entries. `advance` is told of entries.

    `hashed` gives, when all is counted, what hashing the same entries elsewhere gave; else they are hashed here. Raises
    `VerificationFailed` for what was changed, and for a gap unless `with_gaps`."""
    log = rows.log()
    tally = Tally(size, [period], secrets.token_bytes(16), rows.successors())
    seen, hashing, expected = Seen(), Hashing(log.domain) if hashed is None else None, 0
    for piece in rows.entries(size):
        for row in piece:
            while expected < row.position:
                _miss(tally, expected, "entry", with_gaps)
                expected += 1
            expected += 1
            if row.parts is None:
                _miss(tally, row.position, "content", with_gaps)
                continue
            seen.add(row)
            if hashing is not None:
                hashing.add(row)
            tally.add(take_apart(row))
        advance(len(piece))
    for position in range(expected, size):
        _miss(tally, position, "entry", with_gaps)
    result = hashing.result() if hashing is not None else hashed()
    if result.seen != seen.digest():
        raise VerificationFailed("the database was changed while it was counted; count again, and see 'huzheng audit'")
    return tally.figures(log.origin, result.root, period)


def published(rows: StatisticsRows, id: bytes) -> Statistics:
    """What a `statistics.published` of the log says. Raises `MalformedInput` where it is none, and `VerificationFailed`
    where its id or content is another."""
    row = rows.statement(id)
    if row is None:
        raise MalformedInput(f"{encode_hex(id)} is not in this log; give the id of a statement that is")
    Hashing(rows.log().domain).add(row)
    kind, value = word_code(row.entry[:32]), content_of(decode_parts(row.parts)).value("statistics")
    try:
        if kind == "statistics.published":
            return msgspec.convert(value, Statistics)
    except msgspec.ValidationError as error:
        raise MalformedInput(f"{encode_hex(id)} breaks a rule: part 'statistics': {error}") from None
    raise MalformedInput(f"{encode_hex(id)} is a {kind}; give the id of a statistics.published")


def differences(figures: Figures, said: Statistics) -> list[tuple[str, Any, Any]]:
    """Where figures differ from a published statement: member, what it says, what was computed."""
    return [
        (name, getattr(said, name), value) for name, value in figures.part().items() if getattr(said, name) != value
    ]


def _miss(tally: Tally, position: int, what: str, with_gaps: bool) -> None:
    if not with_gaps:
        raise VerificationFailed(
            f"the {what} at {position} is missing; restore it, or count what is there with --with-gaps: figures tell so"
        )
    tally.miss(position)
