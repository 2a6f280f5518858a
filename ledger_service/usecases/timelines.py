"""A whole timeline, read a piece at a time and up to a bound: one statement may hold megabytes."""

from collections.abc import Iterator

from ledger_service.usecases.ports import Reader, StoredStatement

READ_AT_ONCE = 64
MOST_STATEMENTS = 2_000
LEADS_ELSEWHERE = ("consent", "result")
"""Links behind which the timeline of another subject belongs to the case: consents, and reports of repeats."""


class TooLong(Exception):
    """More than `MOST_STATEMENTS` statements are about one subject."""


def read_timeline(reader: Reader, subject: bytes, size: int) -> Iterator[list[StoredStatement]]:
    """The statements about a subject among the first `size` entries, in log order, in pieces. Raises `TooLong`."""
    after, count = None, 0
    while found := reader.timeline(subject, after, READ_AT_ONCE):
        after = found[-1].index
        piece = [stored for stored in found if stored.index < size]
        count += len(piece)
        if count > MOST_STATEMENTS:
            raise TooLong
        yield piece
        if len(piece) < len(found):
            return
