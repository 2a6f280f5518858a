"""What is added to figures and taken away from them, told apart by every dimension; and the evidence of it.

A count belongs to one place on each of three axes: who acted on whose report, what was examined, when and why. Every
dimension follows from one axis, so a count is three additions, and the dimensions are made at the end.
"""

from array import array
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from anchors.core.merkle import CompactRange, leaf_hash
from ledger_service.recognition.figures import FIGURES, Figure, Period, Row
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
    """Counts of every figure by the number of a place."""

    def __init__(self, values: Callable[[tuple, str], Values], places: Names) -> None:
        """`values` gives a place's value in each dimension, for a figure."""
        self._values = values
        self._places = places
        self._counts = {name: (array("q"), array("q")) for name in FIGURES}

    def add(self, figure: str, place: int, gross: int, subtracted: int) -> None:
        """Count at a place."""
        counted, taken = self._counts[figure]
        if place >= len(counted):
            more = array("q", [0]) * (place + 1 - len(counted) + place // 8)
            counted.extend(more)
            taken.extend(more)
        if gross:
            counted[place] += gross
        if subtracted:
            taken[place] += subtracted

    def spread(self, rows: dict[tuple[str, tuple[str, ...], str], list[int]]) -> None:
        """Add all counts to the rows of their dimensions."""
        for figure, (gross, subtracted) in self._counts.items():
            for place, value in enumerate(self._places.values[: len(gross)]):
                if gross[place] or subtracted[place]:
                    for by, named in self._values(value, figure):
                        counts = rows.setdefault((by, named, figure), [0, 0])
                        counts[0] += gross[place]
                        counts[1] += subtracted[place]


class Counted:
    """What was counted in one period. `broken` are statements that break a rule, by its code; `said_again` those that
    say what was counted before."""

    def __init__(self, period: Period, places: Iterable[Names]) -> None:
        self.since, self.until = period.since.isoformat(), period.until.isoformat()
        self.broken: dict[str, int] = {}
        self.said_again = 0
        self._axes = tuple(_Axis(values, own) for values, own in zip((_who, _what, _when), places, strict=True))
        self._totals = {name: [0, 0] for name in FIGURES}
        self._evidence = {name: _Evidence() for name in FIGURES}
        self._against = {name: _Evidence() for name in FIGURES}

    def change(self, figure: str, cell: Cell, gross: int, subtracted: int) -> None:
        """Count, or subtract."""
        totals = self._totals[figure]
        totals[0] += gross
        totals[1] += subtracted
        who, what, when = self._axes
        who.add(figure, cell.who, gross, subtracted)
        what.add(figure, cell.what, gross, subtracted)
        when.add(figure, cell.when, gross, subtracted)

    def rest_on(self, figure: str, by: bytes) -> None:
        """What was counted rests on this statement."""
        self._evidence[figure].add(by)

    def taken_by(self, figure: str, by: bytes) -> None:
        """This statement took away what was counted."""
        self._against[figure].add(by)

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


class _Evidence:
    """Ids of statements in log order, each once."""

    def __init__(self) -> None:
        self._tree = CompactRange()
        self._last = b""

    def add(self, id: bytes) -> None:
        """The next one, or the last again."""
        if id != self._last:
            self._last = id
            self._tree.append(leaf_hash(id))

    def root(self) -> bytes:
        """Over all of them."""
        return self._tree.root()


class Counters:
    """Figures of some periods, all counted at once; a day that belongs to none adds nothing."""

    def __init__(self, periods: Iterable[Period]) -> None:
        self._who, self._what, self._when = self._places = (Names(), Names(), Names())
        self._counted = {period: Counted(period, self._places) for period in periods}
        self._holding: dict[str, tuple[Counted, ...]] = {}

    def of(self, period: Period) -> Counted:
        """What was counted so far in one of the periods."""
        return self._counted[period]

    def cell(
        self, institution: str, standing: Standing, issuer: str, examined: tuple | str, day: str, reason: str
    ) -> Cell:
        """The cell of one statement: who acted and how that institution stood, whose report it was about, what was
        examined (category, code system, item; `NOBODY` where the report does not say), the day, the reason."""
        if not self._of_day(day):
            return Cell(0, 0, 0, day)
        who = self._who.number((institution, standing, issuer))
        return Cell(who, self._what.number(examined), self._when.number((day[:7], reason)), day)

    def add(self, figure: str, cell: Cell, by: bytes, amount: int = 1) -> None:
        """Count `amount`, on the evidence of the statement with the id `by`."""
        for counted in self._of_day(cell.day):
            counted.change(figure, cell, amount, 0)
            counted.rest_on(figure, by)

    def take_away(self, figure: str, cell: Cell, by: bytes, amount: int = 1) -> None:
        """Subtract what was counted, because of the statement with the id `by`."""
        for counted in self._of_day(cell.day):
            counted.change(figure, cell, 0, amount)
            counted.taken_by(figure, by)

    def give_back(self, figure: str, cell: Cell, amount: int = 1) -> None:
        """Undo `take_away`."""
        for counted in self._of_day(cell.day):
            counted.change(figure, cell, 0, -amount)

    def say_again(self, day: str) -> None:
        """A statement of a day says what was counted before."""
        for counted in self._of_day(day):
            counted.said_again += 1

    def break_rule(self, day: str, code: str) -> None:
        """A statement of a day breaks a rule."""
        for counted in self._of_day(day):
            counted.broken[code] = counted.broken.get(code, 0) + 1

    def _of_day(self, day: str) -> tuple[Counted, ...]:
        found = self._holding.get(day)
        if found is None:
            if len(self._holding) >= MOST_DAYS:
                self._holding.clear()
            every = self._counted.values()
            found = self._holding[day] = tuple(each for each in every if each.since <= day <= each.until)
        return found


MOST_DAYS = 16_384
"""How many days are remembered with the periods that hold them."""


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
