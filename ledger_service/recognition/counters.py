"""What is added to figures and taken away from them, told apart by every dimension; and the evidence of it.

A count belongs to one place on each of three axes: who acted on whose report, what was examined, when and why. Every
dimension follows from one axis, so a count is three additions, and the dimensions are made at the end.
"""

from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

from anchors.core.merkle import CompactRange, leaf_hash
from ledger_service.recognition.figures import FIGURES, Figure, Period, Row
from ledger_service.recognition.in_force import Standing
from ledger_service.recognition.remembered import NOBODY, Names

Values = Iterator[tuple[str, tuple[str, ...]]]


Amounts = Mapping[str, int]
"""How much is counted, by figure."""


class Cell(NamedTuple):
    """Where one statement is counted: numbers on the three axes, and its day. `what` and `when` are numbers of what
    statements say (`Remembered.names`): what was examined, and the day with the reason."""

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

    def add(self, figure: str, place: int, amount: int, subtract: bool) -> None:
        """Count at a place, or subtract."""
        counts = self._counts[figure]
        if place >= len(counts[0]):
            more = array("q", [0]) * (place + 1 - len(counts[0]) + place // 8)
            for each in counts:
                each.extend(more)
        counts[subtract][place] += amount

    def total(self, figure: str) -> tuple[int, int]:
        """What was counted at all places, and what was subtracted."""
        gross, subtracted = self._counts[figure]
        return sum(gross), sum(subtracted)

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
        self._evidence = {name: _Evidence() for name in FIGURES}
        self._against = {name: _Evidence() for name in FIGURES}

    def add(self, amounts: Amounts, cell: Cell, leaf: bytes) -> None:
        """Count: this rests on the statement whose id has the leaf hash `leaf`."""
        self._change(amounts, cell, subtract=False)
        for figure in amounts:
            self._evidence[figure].add(leaf)

    def take_away(self, amounts: Amounts, cell: Cell, leaf: bytes) -> None:
        """Subtract, because of the statement whose id has the leaf hash `leaf`."""
        self._change(amounts, cell, subtract=True)
        for figure in amounts:
            self._against[figure].add(leaf)

    def give_back(self, amounts: Amounts, cell: Cell) -> None:
        """Undo `take_away`."""
        self._change({figure: -amount for figure, amount in amounts.items()}, cell, subtract=True)

    def _change(self, amounts: Amounts, cell: Cell, *, subtract: bool) -> None:
        who, what, when = self._axes
        for figure, amount in amounts.items():
            who.add(figure, cell.who, amount, subtract)
            what.add(figure, cell.what, amount, subtract)
            when.add(figure, cell.when, amount, subtract)

    def figures(self) -> dict[str, Figure]:
        """Every figure."""
        return {
            name: Figure(*self._axes[0].total(name), self._evidence[name].root(), self._against[name].root())
            for name in FIGURES
        }

    def rows(self) -> tuple[Row, ...]:
        """Every row that is not nothing, in order."""
        rows: dict[tuple[str, tuple[str, ...], str], list[int]] = {}
        for axis in self._axes:
            axis.spread(rows)
        return tuple(sorted(Row(*named, *counts) for named, counts in rows.items()))


class _Evidence:
    """Leaf hashes of statements' ids in log order, each once."""

    def __init__(self) -> None:
        self._tree = CompactRange()
        self._last = b""

    def add(self, leaf: bytes) -> None:
        """The next one, or the last again."""
        if leaf != self._last:
            self._last = leaf
            self._tree.append(leaf)

    def root(self) -> bytes:
        """Over all of them."""
        return self._tree.root()


class Counters:
    """Figures of some periods, all counted at once; a day that belongs to none adds nothing."""

    def __init__(self, periods: Iterable[Period], said: Names) -> None:
        """`said` are the numbers of what statements say."""
        self._who = Names()
        self._counted = {period: Counted(period, (self._who, said, said)) for period in periods}
        self._holding: dict[str, tuple[Counted, ...]] = {}

    def of(self, period: Period) -> Counted:
        """What was counted so far in one of the periods."""
        return self._counted[period]

    def holds(self, day: str) -> bool:
        """Whether a day belongs to any period."""
        return bool(self._of_day(day))

    def who(self, institution: str, standing: Standing, issuer: str) -> int:
        """The number of who acted, how that institution stood, and whose report it was about."""
        return self._who.number((institution, standing, issuer))

    def add(self, amounts: Amounts, cell: Cell, by: bytes) -> None:
        """Count, on the evidence of the statement with the id `by`."""
        if holding := self._of_day(cell.day):
            leaf = leaf_hash(by)
            for counted in holding:
                counted.add(amounts, cell, leaf)

    def take_away(self, amounts: Amounts, cell: Cell, by: bytes) -> None:
        """Subtract what was counted, because of the statement with the id `by`."""
        if holding := self._of_day(cell.day):
            leaf = leaf_hash(by)
            for counted in holding:
                counted.take_away(amounts, cell, leaf)

    def give_back(self, amounts: Amounts, cell: Cell) -> None:
        """Undo `take_away`."""
        for counted in self._of_day(cell.day):
            counted.give_back(amounts, cell)

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
    day, reason = place
    yield "month", (day[:7],)
    if figure in _WITH_REASON:
        yield "reason", (reason,)
