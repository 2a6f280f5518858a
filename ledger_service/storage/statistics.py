"""The log read from its beginning for counting: entries, ids, links and parts, in large pieces and one view."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from sqlalchemy import Connection, select
from sqlalchemy.exc import DatabaseError

from anchors.core.registry import Action, optional_code
from anchors.core.typed_data import Domain, log_id
from ledger_service.storage import schema
from ledger_service.storage.finder import select_by_ids
from ledger_service.storage.packed_entry import unpack_suspect
from ledger_service.storage.snapshot import open_snapshot
from ledger_service.usecases.hashed_log import StoredEntry
from ledger_service.usecases.ports import StoreUnavailable
from ledger_service.usecases.statistics import Piece, StoredLog, take_log_apart

ENTRIES_PER_PIECE = 4_096
_ROWS = "SELECT position, entry, id, links, parts FROM entries LEFT JOIN contents USING (position) WHERE"
_PIECE = f"{_ROWS} position >= {{begin}} AND position < {{end}} ORDER BY position"


@contextmanager
def open_statistics_rows(url: str) -> Iterator["SqlStatisticsRows"]:
    """One view of the database at `sqlite:///path` or `postgresql://…`, only read.

    Raises `StoreUnavailable` where it cannot be opened or holds no log."""
    with open_snapshot(url) as connection:
        rows = SqlStatisticsRows(connection)
        try:
            rows.log()
        except DatabaseError as error:
            raise StoreUnavailable(f"database: it does not hold a ledger: {error.orig}".splitlines()[0]) from error
        yield rows


def log_taken_apart(url: str, size: int) -> Iterator[Piece]:
    """The first `size` entries of the database at `url`, in a view of its own.

    Raises `VerificationFailed` or `StoreUnavailable`."""
    with open_statistics_rows(url) as rows:
        yield from take_log_apart(rows, size)


class SqlStatisticsRows:
    """`statistics.StatisticsRows` over one open transaction."""

    def __init__(self, connection: Connection):
        self._connection = connection

    def log(self) -> StoredLog:
        """See `StatisticsRows`."""
        row = self._connection.execute(select(schema.log)).first()
        if row is None:
            raise StoreUnavailable("database: no log was begun in it; name the ledger's own database")
        return StoredLog(row.origin, Domain(row.chain_id, row.registry, log_id(row.origin)), row.size)

    def entries(self, size: int) -> Iterator[list[StoredEntry]]:
        """See `StatisticsRows`."""
        return read_pieces(self._connection, size)

    def successors(self) -> dict[str, str]:
        """See `StatisticsRows`."""
        c = schema.registry_changes.c
        query = select(c.institution, c.data).where(c.action == Action.EXITED).order_by(c.number)
        named = ((row.institution, optional_code(row.data)) for row in self._connection.execute(query))
        return {institution: successor for institution, successor in named if successor}

    def statement(self, id: bytes) -> StoredEntry | None:
        """See `StatisticsRows`."""
        found = (_stored(row) for row in select_by_ids(self._connection, _ROWS, [id]))
        return next((row for row in found if row.id == id), None)


def read_pieces(connection: Connection, size: int) -> Iterator[list[StoredEntry]]:
    """The entries below position `size` that are there, in order, in pieces."""
    for begin in range(0, size, ENTRIES_PER_PIECE):
        query = _PIECE.format(begin=begin, end=min(begin + ENTRIES_PER_PIECE, size))
        # Rows as the driver gives them: to wrap a million takes longer than to read them.
        yield [_stored(row) for row in connection.exec_driver_sql(query).cursor.fetchall()]


def _stored(row: Sequence) -> StoredEntry:
    position, entry, *rest = row
    return StoredEntry(position, unpack_suspect(entry), *rest)
