"""Which of several publications about one thing holds on a day, and whether those that hold contradict each other.

Who replaces another says so by the link `replaces`. Of one publisher, what holds from a later day takes the place of
what held from an earlier one. Nobody else wins: those that are left all hold, and where they differ they contradict.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from ledger_service.recognition.stated import Stated

T = TypeVar("T")


def holding(statements: Sequence[Stated], since: Callable[[Stated], str], day: str) -> list[Stated]:
    """Those of the statements, all about one thing and in log order, that hold on a day.

    `since` gives the day (`YYYY-MM-DD`) from which on a statement holds."""
    begun = [stated for stated in statements if since(stated) <= day]
    return newest_of_each(not_replaced(begun, statements), since)


def newest_of_each(statements: Sequence[Stated], since: Callable[[Stated], str]) -> list[Stated]:
    """Of each publisher, those of the statements that hold from its latest day."""
    newest: dict[str, str] = {}
    for stated in statements:
        newest[stated.institution] = max(since(stated), newest.get(stated.institution, ""))
    return [stated for stated in statements if since(stated) == newest[stated.institution]]


def not_replaced(statements: Sequence[Stated], known: Sequence[Stated]) -> list[Stated]:
    """Those of the statements that no other of them replaces, be it by way of another one that is `known`."""
    by_id = {stated.id: stated for stated in known}
    replaced: set[str] = set()
    for stated in statements:
        target = stated.links.get("replaces")
        while target is not None and target not in replaced:
            replaced.add(target)
            target = by_id[target].links.get("replaces") if target in by_id else None
    return [stated for stated in statements if stated.id not in replaced]


def agreed(values: Iterable[T]) -> T | None:
    """What all say; None where they do not agree, or nobody says anything."""
    told = set(values)
    return told.pop() if len(told) == 1 else None


def different(values: Sequence[T]) -> bool:
    """Whether not all of them are equal."""
    return any(value != values[0] for value in values[1:])
