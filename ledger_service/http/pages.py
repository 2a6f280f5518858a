"""Pages that end before they are too large, whatever the limit: one row may hold megabytes."""

from collections.abc import Callable
from typing import TypeVar

Row = TypeVar("Row")
PAGE_BYTES = 8 * 2**20
FOUND_AT_ONCE = 16
MOST_LOOKED_AT = 1_000
"""Of rows that a viewer may not know of, before a page without any ends."""


def find_page(
    find: Callable[[int | None, int], list[Row]],
    after: int | None,
    limit: int,
    *,
    place: Callable[[Row], int],
    size: Callable[[Row], int],
) -> tuple[list[Row], int | None]:
    """A page of what `find` gives behind a place, and where to go on; None at the end. Looked up few at a time."""
    rows: list[Row] = []
    size_bytes = 0
    while len(rows) < limit and size_bytes < PAGE_BYTES:
        asked = min(limit - len(rows), FOUND_AT_ONCE)
        found = find(after, asked)
        rows += found
        size_bytes += sum(map(size, found))
        if len(found) < asked:
            return rows, None
        after = place(found[-1])
    return rows, after


def find_known_page(
    find: Callable[[int | None, int], list[Row]],
    after: int | None,
    limit: int,
    *,
    known: Callable[[list[Row]], list[bool]],
    place: Callable[[Row], int],
    size: Callable[[Row], int],
) -> tuple[list[Row], int | None]:
    """A page, as `find_page` gives it, of those rows of which the viewer may know."""
    looked_at = 0
    while True:
        found, following = find_page(find, after, limit, place=place, size=size)
        rows = [row for row, is_known in zip(found, known(found), strict=True) if is_known]
        looked_at += len(found)
        if rows or following is None or looked_at >= MOST_LOOKED_AT:
            # Where a page goes on is no row of which the viewer may not know.
            return rows, place(rows[-1]) if rows and following is not None else following
        after = following
