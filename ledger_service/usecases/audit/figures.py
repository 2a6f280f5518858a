"""Step 12: every published figure counted again, over as many entries as it names (docs/spec/statistics.md).

The log is read once more, and only where something was published: for each zone, and for each 32 periods, one pass. In
memory are 20 bytes an entry and 28 a subject, as for `huzheng stats`, and the counts of those periods. What the walk
found damaged is not counted, and neither is what is no longer what was signed and logged.
"""

import secrets
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import NamedTuple

import msgspec

from anchors.core.errors import MalformedInput, VerificationFailed
from anchors.core.typed_data import Domain
from ledger_service.parts import Statistics
from ledger_service.recognition.book import CORRECTED
from ledger_service.recognition.figures import Period, read_day
from ledger_service.recognition.statistics import Tally
from ledger_service.usecases.audit.findings import Findings
from ledger_service.usecases.audit.rows import LogRows
from ledger_service.usecases.audit.stretches import Item
from ledger_service.usecases.hashed_log import Hashing, parts_of
from ledger_service.usecases.ports import Logged
from ledger_service.usecases.statistics import differences
from ledger_service.usecases.taken_apart import take_apart

STEP = 12
PUBLISHED = "statistics.published"
PERIODS_AT_ONCE = 32


class _Figure(NamedTuple):
    """A part `statistics`, and where it stands."""

    position: int
    said: Statistics
    period: Period


class SavedFigures(msgspec.Struct, frozen=True):
    """See `PublishedFigures`."""

    parts: dict[int, Statistics | None]
    put_right: set[int]
    first_unsound: int | None
    last_unread: int | None


class PublishedFigures:
    """Collects what was published, in log order, and then counts it again. `first_unsound` is the first entry of which
    entry, index or content are not what was logged, None where all are; `last_unread` the last statement that may
    replace or correct figures and whose content cannot be read, None where there is none."""

    def __init__(self, findings: Findings):
        self._findings = findings
        self._parts: dict[int, Statistics | None] = {}
        self._put_right: set[int] = set()
        self.first_unsound: int | None = None
        self.last_unread: int | None = None

    def doubt(self, position: int) -> None:
        """What is stored at a position is not what was logged."""
        if self.first_unsound is None:
            self.first_unsound = position

    def take(self, item: Item, targets: Mapping[str, Logged]) -> None:
        """The next statement that has an effect."""
        kind = item.statement.kind
        if kind in (PUBLISHED, CORRECTED) and not item.readable:
            self.last_unread = item.position
        if kind == PUBLISHED:
            replaced = targets.get("replaces")
            self._parts[item.position] = _part_of(item)
        elif kind == CORRECTED and _corrects_figures(item, targets):
            replaced, part = targets["corrects"], _part_of(item)
            if part is not None:
                self._parts[item.position] = part
        else:
            return
        if replaced is not None:
            self._put_right.add(replaced.index)

    def saved(self) -> SavedFigures:
        """What was published, and what is doubted."""
        return SavedFigures(self._parts, self._put_right, self.first_unsound, self.last_unread)

    def resume(self, saved: SavedFigures) -> None:
        """Go on from there."""
        self._parts, self._put_right = saved.parts, saved.put_right
        self.first_unsound, self.last_unread = saved.first_unsound, saved.last_unread

    def check(self, rows: LogRows, origin: str, domain: Domain, successors: Mapping[str, str]) -> None:
        """Every figure is what the log gives. One that was replaced or corrected since is only warned of."""
        self._findings.counts["published figures"] = len(self._parts)
        figures = sorted(self._countable(), key=_zone)
        for _, of_zone in groupby(figures, _zone):
            same_zone = list(of_zone)
            periods = list(dict.fromkeys(figure.period for figure in same_zone))
            for begin in range(0, len(periods), PERIODS_AT_ONCE):
                some = periods[begin : begin + PERIODS_AT_ONCE]
                counted = sorted((each for each in same_zone if each.period in some), key=_size)
                self._count(rows, origin, domain, successors, some, counted)

    def _countable(self) -> Iterator[_Figure]:
        for position, said in self._parts.items():
            if said is None:
                self._leave(position, "its content cannot be read")
                continue
            if said.size > position:
                self._differ(position, "size", f"at most {position}: what was in the log by then", said.size)
                continue
            try:
                period = Period(read_day(said.since), read_day(said.until), said.zone)
            except MalformedInput as error:
                self._differ(position, "period", "days of the calendar, in order", error)
                continue
            if self.first_unsound is not None and self.first_unsound < said.size:
                self._leave(
                    position, f"entry {self.first_unsound} below its size is missing, damaged or without content"
                )
                continue
            yield _Figure(position, said, period)

    def _count(
        self,
        rows: LogRows,
        origin: str,
        domain: Domain,
        successors: Mapping[str, str],
        periods: Sequence[Period],
        figures: Sequence[_Figure],
    ) -> None:
        """One pass over the log for figures in the order of their sizes."""
        waiting, largest = deque(figures), figures[-1].said.size
        tally, hashing = Tally(largest, periods, secrets.token_bytes(16), successors), Hashing(domain)
        try:
            self._compare_due(waiting, tally, hashing, origin)
            for row in (row for piece in rows.counted(largest) for row in piece):
                parts = parts_of(row)
                hashing.add(row, parts)
                tally.add(take_apart(row, parts))
                self._compare_due(waiting, tally, hashing, origin)
        except VerificationFailed as error:
            for figure in waiting:
                self._leave(figure.position, str(error))

    def _compare_due(self, waiting: deque[_Figure], tally: Tally, hashing: Hashing, origin: str) -> None:
        while waiting and waiting[0].said.size == hashing.size:
            self._compare(waiting.popleft(), tally, hashing, origin)

    def _compare(self, figure: _Figure, tally: Tally, hashing: Hashing, origin: str) -> None:
        self._findings.counts["figures counted again"] += 1
        for name, said, found in differences(tally.figures(origin, hashing.root(), figure.period), figure.said):
            self._differ(figure.position, name, found, said)

    def _differ(self, position: int, what: str, expected: object, found: object) -> None:
        put_right = position in self._put_right
        if not put_right and self.last_unread is not None and position < self.last_unread:
            self._leave(position, f"it may have been replaced: the content of entry {self.last_unread} cannot be read")
            return
        tell = self._findings.warn if put_right else self._findings.fault
        tell(STEP, "entries", position, what, expected, found)

    def _leave(self, position: int, why: str) -> None:
        self._findings.leave(STEP, "entries", position, "figures", "counted again", why)


def _zone(figure: _Figure) -> str:
    return figure.said.zone


def _size(figure: _Figure) -> int:
    return figure.said.size


def _part_of(item: Item) -> Statistics | None:
    return item.forms.get("statistics") if item.readable else None


def _corrects_figures(item: Item, targets: Mapping[str, Logged]) -> bool:
    target = targets.get("corrects")
    if not item.readable or target is None or target.kind != PUBLISHED:
        return False
    return "statistics" in item.forms["correction"].parts
