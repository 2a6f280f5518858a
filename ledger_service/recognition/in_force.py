"""What figures ask the book of rules: how an institution stood on a day, and what an item cost.

Both are asked as of a position, so that what is taken away from a figure later is exactly what was added."""

from collections.abc import Callable, Iterable
from datetime import date
from typing import Any, NamedTuple, TypeVar

from ledger_service.recognition.book import CORRECTED, PROFILED, Book
from ledger_service.recognition.remembered import NOBODY
from ledger_service.recognition.stated import Stated

T = TypeVar("T")

KINDS = frozenset({PROFILED, "catalogue.published"})
"""The kinds of the book on which figures rest; corrections of these belong to it too."""
MOST_CACHED = 65_536


class Standing(NamedTuple):
    """What figures tell of an institution: its tier as text, its ownership, city and district; each empty where it is
    not known, or profiles that hold contradict each other."""

    tier: str = NOBODY
    ownership: str = NOBODY
    city: str = NOBODY
    district: str = NOBODY


UNKNOWN = Standing()


class InForce:
    """The book, as far as figures ask it. Answers at the end of the log are remembered until more is published."""

    def __init__(self) -> None:
        self._book = Book()
        self._published_at = -1
        self._standings: dict[tuple[str, str], Standing] = {}
        self._prices: dict[tuple[str, str], int | None] = {}

    def publish(self, stated: Stated) -> None:
        """The next statement of one of the `KINDS`, or a correction of one; it holds for what comes after it."""
        assert stated.kind in KINDS or stated.kind == CORRECTED
        self._book.add(stated)
        self._published_at = stated.index
        self._standings.clear()
        self._prices.clear()

    def standing(self, institution: str, day: str, position: int) -> Standing:
        """How the institution stood on a day, by what was in the log below a position."""
        if position <= self._published_at:
            return self._standing(institution, day, position)
        return _remembered(self._standings, (institution, day), self._standing, position)

    def price(self, item: str, day: str, position: int) -> int | None:
        """The price of an item on a day in cents of a yuan, by what was in the log below a position. None where no
        catalogue in force prices it, or two differ."""
        if position <= self._published_at:
            return self._price(item, day, position)
        return _remembered(self._prices, (item, day), self._price, position)

    def _price(self, item: str, day: str, position: int) -> int | None:
        if not day:
            return None
        catalogues = self._book.as_of(position).catalogues(date.fromisoformat(day))
        listed = (_only(listing.price for listing in each.items.get(item, ())) for each in catalogues)
        return _only(price for price in listed if price is not None)

    def _standing(self, institution: str, day: str, position: int) -> Standing:
        if not day:
            return UNKNOWN
        candidates = self._book.as_of(position).profile(institution, date.fromisoformat(day)).candidates
        return Standing(
            _only(str(each.tier) for each in candidates) or NOBODY,
            _only(each.ownership for each in candidates) or NOBODY,
            _only(each.city for each in candidates) or NOBODY,
            _only(each.district for each in candidates) or NOBODY,
        )


def _remembered(
    answers: dict[tuple[str, str], T], key: tuple[str, str], answer: Callable[[str, str, int], T], position: int
) -> T:
    found = answers.get(key, _UNASKED)
    if found is _UNASKED:
        if len(answers) >= MOST_CACHED:
            answers.clear()
        found = answers[key] = answer(*key, position)
    return found


_UNASKED: Any = object()


def _only(values: Iterable[T]) -> T | None:
    """What all values are; None where there is none, or another."""
    different = set(values)
    return different.pop() if len(different) == 1 else None
