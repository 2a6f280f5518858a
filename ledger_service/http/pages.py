"""Pages that end before they are too large, whatever the limit: one row may hold megabytes."""

from collections.abc import Callable
from typing import TypeVar

Row = TypeVar("Row")
PAGE_BYTES = 8 * 2**20
FOUND_AT_ONCE = 16


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
