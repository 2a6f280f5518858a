"""What figures ask the book of rules: how an institution stood on a day, and what an item cost.

Both are asked as of a position, so that what is taken away from a figure later is exactly what was added."""

from datetime import date
from typing import NamedTuple

from ledger_service.recognition.book import CORRECTED, PROFILED, Book
from ledger_service.recognition.publications import agreed
from ledger_service.recognition.remembered import NOBODY
from ledger_service.recognition.stated import Stated

KINDS = frozenset({PROFILED, "catalogue.published"})
"""The kinds of the book on which figures rest; corrections of these belong to it too."""


class Standing(NamedTuple):
    """What figures tell of an institution: its tier as text, its ownership, city and district; each empty where it is
    not known, or profiles that hold contradict each other."""

    tier: str = NOBODY
    ownership: str = NOBODY
    city: str = NOBODY
    district: str = NOBODY


UNKNOWN = Standing()


class InForce:
    """The book, as far as figures ask it."""

    def __init__(self) -> None:
        self._book = Book()

    def publish(self, stated: Stated) -> None:
        """The next statement of one of the `KINDS`, or a correction of one; it holds for what comes after it."""
        assert stated.kind in KINDS or stated.kind == CORRECTED
        self._book.add(stated)

    def standing(self, institution: str, day: str, position: int) -> Standing:
        """How the institution stood on a day, by what was in the log below a position."""
        key = ("standing", institution, day)
        return self._book.remembered(position, key, lambda: self._standing(institution, day, position))

    def price(self, item: str, day: str, position: int) -> int | None:
        """The price of an item on a day in cents of a yuan, by what was in the log below a position. None where no
        catalogue in force prices it, or two differ."""
        key = ("price", item, day)
        return self._book.remembered(position, key, lambda: self._price(item, day, position))

    def _price(self, item: str, day: str, position: int) -> int | None:
        if not day:
            return None
        catalogues = self._book.as_of(position).catalogues(date.fromisoformat(day))
        listed = (agreed(listing.price for listing in each.items.get(item, ())) for each in catalogues)
        return agreed(price for price in listed if price is not None)

    def _standing(self, institution: str, day: str, position: int) -> Standing:
        if not day:
            return UNKNOWN
        candidates = self._book.as_of(position).profile(institution, date.fromisoformat(day)).candidates
        told = [(str(each.tier), each.ownership, each.city, each.district) for each in candidates]
        return Standing(*[agreed(values) or NOBODY for values in zip(*told, strict=True)])
