"""What is added to figures and taken away from them, told apart by every dimension; and the evidence of it.

A count belongs to one place on each of three axes: who acted on whose report, what was examined, when and why. Every
dimension follows from one axis, so a count is three additions, and the dimensions are made at the end.
"""

from array import array
from collections.abc import Callable, Iterator
from typing import NamedTuple

from anchors.core.merkle import CompactRange, leaf_hash
from ledger_service.recognition.figures import FIGURES, Figure, Row
from ledger_service.recognition.in_force import Standing
from ledger_service.recognition.remembered import NOBODY, Names

Values = Iterator[tuple[str, tuple[str, ...]]]


class Cell(NamedTuple):
    """Where one statement is counted: numbers on the three axes, and its day."""

    who: int
    what: int
    when: int
    day: str


class _Axis:
    """Counts of every figure by the number of a place, and the places by number."""

    def __init__(self, values: Callable[[tuple, str], Values]) -> None:
        """`values` gives a place's value in each dimension, for a figure."""
        self._values = values
        self.places = Names()
        self._counts = {name: (array("q"), array("q")) for name in FIGURES}

    def add(self, figure: str, place: int, gross: int, subtracted: int) -> None:
        """Count at a place."""
        counts = self._counts[figure]
        if place >= len(counts[0]):
            more = array("q", [0]) * (place + 1 - len(counts[0]) + place // 8)
            counts[0].extend(more)
            counts[1].extend(more)
        counts[0][place] += gross
        counts[1][place] += subtracted

    def spread(self, rows: dict[tuple[str, tuple[str, ...], str], list[int]]) -> None:
        """Add all counts to the rows of their dimensions."""
        for figure, (gross, subtracted) in self._counts.items():
            for place, value in enumerate(self.places.values[: len(gross)]):
                if gross[place] or subtracted[place]:
                    for by, named in self._values(value, figure):
                        counts = rows.setdefault((by, named, figure), [0, 0])
                        counts[0] += gross[place]
                        counts[1] += subtracted[place]


class Counters:
    """Figures of one period. A cell of another day adds nothing."""

    def __init__(self, since: str, until: str) -> None:
        self._since = since
        self._until = until
        self._axes = (_Axis(_who), _Axis(_what), _Axis(_when))
        self._who, self._what, self._when = (axis.places for axis in self._axes)
        self._totals = {name: [0, 0] for name in FIGURES}
        self._evidence = {name: CompactRange() for name in FIGURES}
        self._against = {name: CompactRange() for name in FIGURES}
        self._last_against: dict[str, bytes] = {}

    def holds(self, day: str) -> bool:
        """Whether a day belongs to the period."""
        return self._since <= day <= self._until

    def cell(
        self, institution: str, standing: Standing, issuer: str, examined: tuple | str, day: str, reason: str
    ) -> Cell:
        """The cell of one statement: who acted and how that institution stood, whose report it was about, what was
        examined (category, code system, item; `NOBODY` where the report does not say), the day, the reason."""
        if not self.holds(day):
            return Cell(0, 0, 0, day)
        who = self._who.number((institution, standing, issuer))
        return Cell(who, self._what.number(examined), self._when.number((day[:7], reason)), day)

    def add(self, figure: str, cell: Cell, by: bytes, amount: int = 1) -> None:
        """Count `amount`, on the evidence of the statement with the id `by`."""
        if self.holds(cell.day):
            self._change(figure, cell, amount, 0)
            self._evidence[figure].append(leaf_hash(by))

    def add_again(self, figure: str, cell: Cell, amount: int = 1) -> None:
        """Count `amount` more, on evidence that was given already."""
        if self.holds(cell.day):
            self._change(figure, cell, amount, 0)

    def take_away(self, figure: str, cell: Cell, by: bytes, amount: int = 1) -> None:
        """Subtract what was counted, because of the statement with the id `by`."""
        if self.holds(cell.day):
            self._change(figure, cell, 0, amount)
            if self._last_against.get(figure) != by:
                self._last_against[figure] = by
                self._against[figure].append(leaf_hash(by))

    def give_back(self, figure: str, cell: Cell, amount: int = 1) -> None:
        """Undo `take_away`."""
        if self.holds(cell.day):
            self._change(figure, cell, 0, -amount)

    def figures(self) -> dict[str, Figure]:
        """Every figure."""
        return {
            name: Figure(*self._totals[name], self._evidence[name].root(), self._against[name].root())
            for name in FIGURES
        }

    def rows(self) -> tuple[Row, ...]:
        """Every row that is not nothing, in order."""
        rows: dict[tuple[str, tuple[str, ...], str], list[int]] = {}
        for axis in self._axes:
            axis.spread(rows)
        return tuple(sorted(Row(*named, *counts) for named, counts in rows.items()))

    def _change(self, figure: str, cell: Cell, gross: int, subtracted: int) -> None:
        totals = self._totals[figure]
        totals[0] += gross
        totals[1] += subtracted
        for axis, place in zip(self._axes, cell, strict=False):
            axis.add(figure, place, gross, subtracted)


_WITH_REASON = frozenset({"refusals", "repeats"})


def _who(place: tuple, _figure: str) -> Values:
    institution, (tier, ownership, city, district), issuer = place
    yield "institution", (institution,)
    yield "tier", (tier,)
    yield "ownership", (ownership,)
    yield "city", (city,)
    yield "district", (city, district)
    yield "direction", (institution, issuer)


def _what(place: tuple | str, _figure: str) -> Values:
    category, system, item = place or (NOBODY, NOBODY, NOBODY)
    yield "category", (category,)
    yield "item", (system, item)


def _when(place: tuple, figure: str) -> Values:
    month, reason = place
    yield "month", (month,)
    if figure in _WITH_REASON:
        yield "reason", (reason,)
