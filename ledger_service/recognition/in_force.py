"""Which profile of an institution and which price of an item held on a day, by what was in the log at a position.

Both are asked as of a position, so that what is taken away from a figure later is exactly what was added."""

from typing import NamedTuple

from ledger_service.parts import Catalogue, Profile
from ledger_service.recognition.remembered import NOBODY


class Standing(NamedTuple):
    """What figures tell of an institution: its tier as text, its ownership, city and district; all empty if unknown."""

    tier: str = NOBODY
    ownership: str = NOBODY
    city: str = NOBODY
    district: str = NOBODY


UNKNOWN = Standing()
MOST_CACHED = 65_536


class InForce:
    """Profiles and catalogues as published. What was asked about the end of the log is remembered until more is
    published; questions as of an earlier position are rare."""

    def __init__(self) -> None:
        self._profiles = _Profiles()
        self._prices = _Prices()
        self._published_at = -1
        self._standings: dict[tuple[str, str], Standing] = {}
        self._editions: dict[str, tuple[_Edition, ...]] = {}
        self._priced: dict[tuple[tuple[_Edition, ...], str], int | None] = {}

    def publish(self, position: int, published: Profile | Catalogue) -> None:
        """A profile, or a section of a catalogue, that stands at a position; it holds for what comes after it."""
        if isinstance(published, Profile):
            self._profiles.publish(position, published)
        else:
            self._prices.publish(position, published)
        self._published_at = position
        for remembered in (self._standings, self._editions, self._priced):
            remembered.clear()

    def standing(self, institution: str, day: str, position: int) -> Standing:
        """How the institution stood on a day, by what was in the log below a position."""
        if position < self._published_at:
            return self._profiles.standing(institution, day, position)
        key = (institution, day)
        if key not in self._standings:
            _bound(self._standings)
            self._standings[key] = self._profiles.standing(institution, day, position)
        return self._standings[key]

    def price(self, item: str, day: str, position: int) -> int | None:
        """The price of an item on a day in cents of a yuan, by what was in the log below a position. None where no
        catalogue in force prices it, or two differ."""
        if position < self._published_at:
            return _price_in(self._prices.in_force(day, position), item, position)
        editions = self._editions.get(day)
        if editions is None:
            _bound(self._editions)
            editions = self._editions[day] = self._prices.in_force(day, position)
        key = (editions, item)
        if key not in self._priced:
            _bound(self._priced)
            self._priced[key] = _price_in(editions, item, position)
        return self._priced[key]


def _bound(remembered: dict) -> None:
    if len(remembered) >= MOST_CACHED:
        remembered.clear()


class _Profiles:
    """Profiles by institution, as published."""

    def __init__(self) -> None:
        self._profiles: dict[str, list[tuple[str, int, Standing]]] = {}

    def publish(self, position: int, profile: Profile) -> None:
        """See `InForce`."""
        standing = Standing(str(profile.tier), profile.ownership, profile.city, profile.district)
        self._profiles.setdefault(profile.institution, []).append((profile.since, position, standing))

    def standing(self, institution: str, day: str, position: int) -> Standing:
        """The profile in force on a day: of those below the position the one that began last, and of two that began on
        one day the later in the log."""
        held = [found for found in self._profiles.get(institution, ()) if found[0] <= day and found[1] < position]
        return max(held)[2] if held else UNKNOWN


class _Edition:
    """One version of a catalogue from one day on: prices in cents by item, each as of its section's position."""

    def __init__(self, since: str, position: int) -> None:
        self.since = since
        self.position = position
        self.prices: dict[str, list[tuple[int, int | None]]] = {}

    def price(self, item: str, position: int) -> int | None:
        """None where it names none, or two."""
        prices = {price for at, price in self.prices.get(item, ()) if at < position}
        return prices.pop() if len(prices) == 1 else None


class _Prices:
    """Prices by catalogue, as published section by section."""

    def __init__(self) -> None:
        self._catalogues: dict[str, dict[tuple[str, str], _Edition]] = {}

    def publish(self, position: int, catalogue: Catalogue) -> None:
        """See `InForce`."""
        editions = self._catalogues.setdefault(catalogue.catalogue, {})
        edition = editions.setdefault((catalogue.version, catalogue.since), _Edition(catalogue.since, position))
        for item in catalogue.items:
            edition.prices.setdefault(item.item, []).append((position, item.price))

    def in_force(self, day: str, position: int) -> tuple[_Edition, ...]:
        """Of each catalogue the edition in force: the one that began last, and of two that began on one day the later
        in the log."""
        found = []
        for editions in self._catalogues.values():
            held = [edition for edition in editions.values() if edition.since <= day and edition.position < position]
            if held:
                found.append(max(held, key=lambda edition: (edition.since, edition.position)))
        return tuple(found)


def _price_in(editions: tuple[_Edition, ...], item: str, position: int) -> int | None:
    prices = {edition.price(item, position) for edition in editions} - {None}
    return prices.pop() if len(prices) == 1 else None
