"""Figures over the beginning of a log, as a document that anyone can make again (docs/spec/statistics.md)."""

import re
from collections.abc import Sequence
from datetime import date, timedelta
from functools import lru_cache
from hashlib import sha256

import msgspec

from anchors.core import canonical
from anchors.core.encoding import encode_hex
from anchors.core.errors import MalformedInput
from anchors.core.merkle import leaf_hash, tree_root

FORMAT = "huzheng figures v1"
FIGURES = (
    "accesses",
    "accessesDenied",
    "corrections",
    "emergencies",
    "recognitions",
    "refusals",
    "remindersDismissed",
    "remindersFollowed",
    "remindersShown",
    "repeats",
    "repeatsNecessary",
    "repeatsUndecided",
    "repeatsUnnecessary",
    "savings",
    "unpriced",
    "withdrawals",
)
"""In alphabetical order. `savings` are cents of a yuan; all others are numbers of statements."""

_ZONE = re.compile(r"[+-](0[0-9]|1[0-4]):[0-5][0-9]")
_SECONDS_PER_DAY = 86_400
_LAST_DAY = date.max.toordinal() - date(1970, 1, 1).toordinal()


class Period(msgspec.Struct, frozen=True):
    """Days from `since` to `until`, both among them, in a zone such as `+08:00`."""

    since: date
    until: date
    zone: str

    def __post_init__(self) -> None:
        if self.until < self.since:
            raise MalformedInput(f"the period ends on {self.until}, before it begins on {self.since}; exchange them")
        if not _ZONE.fullmatch(self.zone):
            raise MalformedInput(f"zone {self.zone!r}: give the city's offset from UTC, such as +08:00")

    @property
    def offset_seconds(self) -> int:
        """How far the zone's clocks are ahead of UTC."""
        seconds = int(self.zone[1:3]) * 3_600 + int(self.zone[4:6]) * 60
        return -seconds if self.zone[0] == "-" else seconds


def read_day(text: str) -> date:
    """The day of a text such as `2026-03-01`. Raises `MalformedInput`."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = None
    if day is None or day.isoformat() != text:
        raise MalformedInput(f"day {text[:40]!r}: give one of the calendar, such as 2026-03-01")
    return day


def local_day(issued_at: int, offset_seconds: int) -> str:
    """The day of a moment in Unix seconds, "" where no calendar has it."""
    return _day_text((issued_at + offset_seconds) // _SECONDS_PER_DAY)


@lru_cache(maxsize=16_384)
def _day_text(number: int) -> str:
    return (date(1970, 1, 1) + timedelta(days=number)).isoformat() if 0 <= number <= _LAST_DAY else ""


class Figure(msgspec.Struct, frozen=True):
    """One figure: what was counted and what of it was taken away again.

    `evidence` is the RFC 9162 root over the ids of the statements that were counted, in log order, `against` that over
    those that took something away."""

    gross: int
    subtracted: int
    evidence: bytes
    against: bytes

    @property
    def net(self) -> int:
        """What is left."""
        return self.gross - self.subtracted


class Row(msgspec.Struct, frozen=True, order=True):
    """What of a figure falls to one value of a dimension."""

    by: str
    value: tuple[str, ...]
    figure: str
    gross: int
    subtracted: int


class Gaps(msgspec.Struct, frozen=True):
    """How many of the first `size` entries were missing, or their content was, and the first of them."""

    count: int
    first: int


class Figures(msgspec.Struct, frozen=True):
    """All figures for one period, over the first `size` entries of a log, whose tree has `root` (None: with gaps).

    `broken` counts statements that break the rules of their kind by the code of the rule; `said_again` those that say
    what was counted before."""

    origin: str
    size: int
    root: bytes | None
    period: Period
    figures: dict[str, Figure]
    rows: tuple[Row, ...]
    said_again: int
    broken: dict[str, int]
    gaps: Gaps | None = None

    def document(self) -> canonical.Json:
        """Themselves as JSON."""
        return {
            "broken": self.broken,
            "figures": {name: _figure_members(figure) for name, figure in self.figures.items()},
            "format": FORMAT,
            "gaps": {"count": self.gaps.count, "first": self.gaps.first} if self.gaps else None,
            "origin": self.origin,
            "root": encode_hex(self.root) if self.root is not None else None,
            "rows": [_row_members(row) for row in self.rows],
            "saidAgain": self.said_again,
            "since": self.period.since.isoformat(),
            "size": self.size,
            "until": self.period.until.isoformat(),
            "zone": self.period.zone,
        }

    def digest(self) -> bytes:
        """SHA-256 of the document's RFC 8785 text, 32 bytes."""
        return sha256(canonical.encode(self.document())).digest()

    def evidence(self) -> bytes:
        """The root over all figures in alphabetical order, 32 bytes: a leaf is leaf_hash(name || 0x00 || evidence ||
        against)."""
        named = sorted(self.figures.items())
        return tree_root(leaf_hash(name.encode() + b"\x00" + one.evidence + one.against) for name, one in named)

    def part(self) -> dict[str, canonical.Json]:
        """The value of the part `statistics` that publishes them."""
        return {
            "evidence": self.evidence().hex(),
            "figures": self.digest().hex(),
            "since": self.period.since.isoformat(),
            "size": self.size,
            "until": self.period.until.isoformat(),
            "zone": self.period.zone,
        }

    def of(self, by: str) -> Sequence[Row]:
        """The rows of one dimension."""
        return [row for row in self.rows if row.by == by]

    def table(self) -> tuple[tuple[str, ...], list[tuple]]:
        """Everything as one table: its columns, and a row for each row, those of the whole first, by `all`."""
        whole = [Row("all", (), name, one.gross, one.subtracted) for name, one in self.figures.items()]
        return TABLE_COLUMNS, [
            (row.by, *(*row.value, "", "")[:2], row.figure, row.gross, row.subtracted, row.gross - row.subtracted)
            for row in (*whole, *self.rows)
        ]


TABLE_COLUMNS = ("by", "value", "second", "figure", "gross", "subtracted", "net")


def _figure_members(figure: Figure) -> dict[str, canonical.Json]:
    return {
        "against": encode_hex(figure.against),
        "evidence": encode_hex(figure.evidence),
        "gross": figure.gross,
        "net": figure.net,
        "subtracted": figure.subtracted,
    }


def _row_members(row: Row) -> dict[str, canonical.Json]:
    members = {"by": row.by, "figure": row.figure, "gross": row.gross, "net": row.gross - row.subtracted}
    return members | {"subtracted": row.subtracted, "value": list(row.value)}
