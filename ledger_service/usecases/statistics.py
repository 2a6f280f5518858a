"""Figures from a log as it is stored, and whether they are those that somebody published (docs/spec/statistics.md).

Every entry is hashed into the log's tree, its id is computed again, and its parts are hashed: what was changed is
refused, and so is a log with a gap, unless it is said to count what is there. Signatures, keys and roles are the
audit's.
"""

import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple, Protocol

import msgspec

from anchors.core.encoding import encode_hex, word_code
from anchors.core.errors import MalformedInput, VerificationFailed
from anchors.core.merkle import EMPTY_ROOT
from anchors.core.typed_data import Domain
from ledger_service.parts import Statistics
from ledger_service.recognition.figures import Figures, Period
from ledger_service.recognition.kept_rules import Event
from ledger_service.recognition.statistics import Tally
from ledger_service.usecases.hashed_log import Hashing, StoredEntry, parts_of
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


class Piece(NamedTuple):
    """Some entries, one behind the other: taken apart, or the position of one whose content is missing; and the root of
    the tree over all entries up to here that are there."""

    entries: list[Event | int]
    root: bytes


def take_log_apart(rows: StatisticsRows, size: int) -> Iterator[Piece]:
    """The first `size` entries, hashed and taken apart: half of the work, and it needs nothing of the other half.

    Raises `VerificationFailed` for what was changed."""
    hashing = Hashing(rows.log().domain)
    for piece in rows.entries(size):
        entries: list[Event | int] = []
        for row in piece:
            if row.parts is None:
                entries.append(row.position)
                continue
            parts = parts_of(row)
            hashing.add(row, parts)
            entries.append(take_apart(row, parts))
        yield Piece(entries, hashing.root())


def compute(
    rows: StatisticsRows,
    size: int,
    period: Period,
    pieces: Iterable[Piece] | None = None,
    *,
    with_gaps: bool = False,
    advance: Callable[[int], object] = lambda count: None,
) -> Figures:
    """The figures of a period over the first `size` entries. `advance` is told of entries.

    `pieces` are these entries as `take_log_apart` gives them elsewhere; else they are taken apart here. Raises
    `VerificationFailed` for what was changed, and for a gap unless `with_gaps`."""
    tally = Tally(size, [period], secrets.token_bytes(16), rows.successors())
    expected, root = 0, EMPTY_ROOT
    for piece in take_log_apart(rows, size) if pieces is None else pieces:
        for entry in piece.entries:
            is_empty = type(entry) is int
            position = entry if is_empty else entry.position
            while expected < position:
                _miss(tally, expected, "entry", with_gaps)
                expected += 1
            expected += 1
            if is_empty:
                _miss(tally, position, "content", with_gaps)
            else:
                tally.add(entry)
        root = piece.root
        advance(len(piece.entries))
    for position in range(expected, size):
        _miss(tally, position, "entry", with_gaps)
    return tally.figures(rows.log().origin, root, period)


def published(rows: StatisticsRows, id: bytes) -> Statistics:
    """What a `statistics.published` of the log says. Raises `MalformedInput` where it is none, and `VerificationFailed`
    where its id or content is another."""
    row = rows.statement(id)
    if row is None:
        raise MalformedInput(f"{encode_hex(id)} is not in this log; give the id of a statement that is")
    Hashing(rows.log().domain).add(row, parts_of(row))
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
