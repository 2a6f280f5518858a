"""Where the entries are whose id, subject or document is known.

PostgreSQL has indexes on `entries`. On SQLite each of them would write nearly a page a statement, because ids and
digests are scattered. There, how they begin is kept in the table `prefixes`, which is written in large sorted batches,
and each process remembers it of the entries since the last one. A batch becomes young rows, which are few pages; with
each further batch one slice of the young rows becomes old, in turn (docs/adr/0017-what-sqlite-finds-entries-by.md).

What is found begins alike: whoever asks compares the whole.
"""

import threading
from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Sequence
from enum import IntEnum
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Engine

from ledger_service.storage.bulk import select_for_each, select_rows
from ledger_service.storage.packed_entry import read_heading
from ledger_service.usecases.audit.rows import PrefixCheck
from ledger_service.usecases.ports import PREFIX_BYTES

BATCH_ENTRIES = 32_768
SLICES = 32
"""Of all prefixes, by their first byte: a power of two. Before so many batches are there, nothing becomes old."""


class What(IntEnum):
    """What an entry is found by, as it stands in the table `prefixes`."""

    ID = 0
    SUBJECT = 1
    DOCUMENT = 2


_ID, _SUBJECT = f"substr(id, 1, {PREFIX_BYTES})", f"substr(entry, 1, {PREFIX_BYTES})"
_EXTENT = "SELECT (SELECT indexed FROM log), (SELECT max(position) + 1 FROM entries)"
_RECENT = f"SELECT position, {_ID}, {_SUBJECT}, sha256, sm3 FROM entries WHERE position >= ?"
_FOUND_IDS = "SELECT position FROM prefixes WHERE young IN (0, 1) AND what = 0 AND prefix"
# Of one prefix, what is old stands before what is young.
_FIRST_OF = """SELECT position FROM prefixes WHERE young = {} AND what = 1 AND prefix = value
    AND typeof(position) = 'integer' ORDER BY position LIMIT 1"""
_FIRST = f"SELECT value, coalesce(({_FIRST_OF.format(0)}), ({_FIRST_OF.format(1)})) FROM wanted"
_BEGUN = "SELECT position, entry FROM entries WHERE position"
_BEGUN_ON_POSTGRESQL = f"""SELECT begun.* FROM wanted CROSS JOIN LATERAL (
    SELECT position, entry FROM entries
    WHERE {_SUBJECT} = value ORDER BY {_SUBJECT}, position LIMIT 1) AS begun"""
_FOUND = """SELECT position FROM prefixes WHERE young IN (0, 1) AND what = ? AND prefix = ?
    AND position > ? AND typeof(position) = 'integer' ORDER BY young, position LIMIT ?"""
_ALL = f"""SELECT 0 AS what, {_ID} AS prefix, position FROM entries WHERE position >= ?1 AND position < ?2
    UNION ALL SELECT 1, {_SUBJECT}, position FROM entries WHERE position >= ?1 AND position < ?2
    UNION ALL SELECT 2, sha256, position FROM entries WHERE position >= ?1 AND position < ?2 AND sha256 IS NOT NULL
    UNION ALL SELECT 2, sm3, position FROM entries
        WHERE position >= ?1 AND position < ?2 AND sm3 IS NOT NULL AND sm3 IS NOT sha256"""
_INSERT = f"INSERT INTO prefixes SELECT 1, * FROM ({_ALL}) ORDER BY what, prefix, position"
_SLICE = "FROM prefixes WHERE young = 1 AND what = ? AND prefix BETWEEN ? AND ?"
# Half of what an UPDATE of the key takes.
_AGE = f"INSERT INTO prefixes SELECT 0, what, prefix, position {_SLICE}", f"DELETE {_SLICE}"
_INDEXED = "UPDATE log SET indexed = ?"
_MISSING = f"""SELECT min(position) FROM ({_ALL}) AS wanted WHERE NOT EXISTS (SELECT 1 FROM prefixes AS found
    WHERE found.young IN (0, 1) AND found.what = wanted.what AND found.prefix = wanted.prefix
    AND found.position = wanted.position)"""
_MISPLACED = """SELECT min(position) FROM prefixes AS found WHERE young = 1 AND EXISTS (SELECT 1 FROM prefixes AS later
    WHERE later.young = 0 AND later.what = found.what AND later.prefix = found.prefix
    AND later.position > found.position)"""
_COUNTS = f"SELECT (SELECT count(*) FROM ({_ALL})), (SELECT count(*) FROM prefixes)"
_ON_POSTGRESQL = {
    What.SUBJECT: f"{_SUBJECT} = %(prefix)b",
    What.DOCUMENT: "(sha256 = %(prefix)b OR sm3 = %(prefix)b)",
}


class _Places:
    """Where entries stand, by how something of theirs begins. Most begin like no other: a list for each would take more
    memory than all the rest."""

    def __init__(self) -> None:
        self.first: dict[bytes, int] = {}
        self._later: dict[bytes, list[int]] = {}

    def add(self, prefix: bytes, position: int) -> None:
        """Add a position that stands behind those that were added before."""
        if self.first.setdefault(prefix, position) != position:
            self._later.setdefault(prefix, []).append(position)

    def of(self, prefix: bytes) -> list[int]:
        """All that have this beginning, in order."""
        return [self.first[prefix], *self._later.get(prefix, ())] if prefix in self.first else []


class _Recent:
    """The entries that `prefixes` does not cover yet, as one process knows them. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._forget(0)

    def _forget(self, indexed: int) -> None:
        self._begin = self._end = indexed
        self._places = tuple(_Places() for _ in What)

    def positions(self, connection: Connection, what: What, prefixes: Iterable[bytes]) -> list[int]:
        """Where entries stand that have one of these, those of one prefix in order."""
        with self._lock:
            self._catch_up(connection)
            places = self._places[what]
            return [position for prefix in prefixes for position in places.of(prefix)]

    def first(self, connection: Connection, what: What, prefixes: Iterable[bytes]) -> dict[bytes, int]:
        """Where the first entry stands that has each of these, by prefix."""
        with self._lock:
            self._catch_up(connection)
            first = self._places[what].first
            return {prefix: first[prefix] for prefix in prefixes if prefix in first}

    def _catch_up(self, connection: Connection) -> None:
        indexed, size = _extent(connection)
        if indexed != self._begin or size < self._end:
            self._forget(indexed)
        if size > self._end:
            self._remember(connection.connection.driver_connection.execute(_RECENT, (self._end,)))

    def add(self, rows: Sequence[tuple]) -> None:
        """Remember committed rows of `entries` that follow each other, where nobody has read them since."""
        with self._lock:
            if rows[0][0] == self._end:
                self._remember(
                    (position, id[:PREFIX_BYTES], entry[:PREFIX_BYTES], sha256, sm3)
                    for position, entry, id, _, _, sha256, sm3 in rows
                )

    def _remember(self, rows: Iterable[tuple]) -> None:
        ids, subjects, documents = self._places
        for position, id, subject, sha256, sm3 in rows:
            ids.add(id, position)
            subjects.add(subject, position)
            if sha256 is not None:
                documents.add(sha256, position)
            if sm3 is not None:
                documents.add(sm3, position)
            self._end = position + 1


# SQLite keeps in any column whatever somebody puts there. The audit names the row; whoever looks finds nothing by it.


def _numbers(found: Iterable[object]) -> Iterator[int]:
    return (position for position in found if isinstance(position, int))


def _extent(connection: Connection) -> tuple[int, int]:
    """How many entries are indexed, and how many there are."""
    indexed, size = connection.connection.driver_connection.execute(_EXTENT).fetchone()
    return indexed if isinstance(indexed, int) else 0, size or 0


_recents: WeakKeyDictionary[Engine, _Recent] = WeakKeyDictionary()


def _recent(engine: Engine) -> _Recent:
    return _recents.setdefault(engine, _Recent())


def remember(engine: Engine, rows: Sequence[tuple]) -> None:
    """Rows of `entries` that follow each other were committed over `engine`: they need not be read again."""
    if engine.dialect.name != "postgresql":
        _recent(engine).add(rows)


def select_by_ids(connection: Connection, query: str, ids: Collection[bytes]) -> Iterator[Sequence]:
    """The rows of `query`, an SQL text over `entries` that ends in WHERE, of entries whose ids begin as these do."""
    prefixes = {id[:PREFIX_BYTES] for id in ids}
    if connection.dialect.name == "postgresql":
        return select_rows(connection, f"{query} {_ID}", prefixes)
    # The recent ones first: what becomes indexed between the two questions is known to both.
    found = set(_recent(connection.engine).positions(connection, What.ID, prefixes))
    found.update(_numbers(position for (position,) in select_rows(connection, _FOUND_IDS, prefixes)))
    return select_rows(connection, f"{query} position", found)


def find_beginnings(connection: Connection, subjects: Collection[bytes]) -> Iterator[tuple[int, str, bytes]]:
    """For each way in which the subjects begin, the first entry about one that begins so: position, institution,
    subject. It may be another's beginning, and costs the same however long the timeline is."""
    for position, entry in _select_beginnings(connection, subjects):
        _, institution, subject = read_heading(entry)
        yield position, institution, subject


def _select_beginnings(connection: Connection, subjects: Collection[bytes]) -> Iterator[Sequence]:
    prefixes = {subject[:PREFIX_BYTES] for subject in subjects}
    if connection.dialect.name == "postgresql":
        return select_for_each(connection, _BEGUN_ON_POSTGRESQL, prefixes)
    first = _recent(connection.engine).first(connection, What.SUBJECT, prefixes)
    first.update((prefix, at) for prefix, at in select_for_each(connection, _FIRST, prefixes) if at is not None)
    return select_rows(connection, _BEGUN, first.values())


def find_positions(connection: Connection, what: What, value: bytes, after: int, limit: int) -> list[int]:
    """The first positions after one of them, in order, of the entries whose subject or document may be `value`."""
    prefix = value[:PREFIX_BYTES]
    if connection.dialect.name == "postgresql":
        query = f"SELECT position FROM entries WHERE {_ON_POSTGRESQL[what]} AND position > %(after)s"
        values = {"prefix": prefix, "after": after, "limit": limit}
        return list(connection.exec_driver_sql(f"{query} ORDER BY position LIMIT %(limit)s", values).scalars())
    recent = _recent(connection.engine).positions(connection, what, [prefix])
    indexed = connection.exec_driver_sql(_FOUND, (what, prefix, after, limit)).scalars()
    return sorted({*_numbers(indexed), *recent[bisect_right(recent, after) :]})[:limit]


def index_batch(connection: Connection, size: int) -> None:
    """Bring the entries of a log of `size` under `prefixes` once they are enough, in the transaction that adds some."""
    if connection.dialect.name == "postgresql":
        return
    indexed, _ = _extent(connection)
    while size - indexed >= BATCH_ENTRIES:
        end = min(size, indexed + 2 * BATCH_ENTRIES)
        connection.exec_driver_sql(_INSERT, (indexed, end))
        for turn in range(max(SLICES, indexed // BATCH_ENTRIES), end // BATCH_ENTRIES):
            _make_old(connection, turn % SLICES)
        indexed = end
        connection.exec_driver_sql(_INDEXED, (indexed,))


def _make_old(connection: Connection, number: int) -> None:
    """Put the young rows of a slice among the old ones, in the order of their keys."""
    width = 256 // SLICES
    first, last = bytes([number * width]), bytes([(number + 1) * width - 1]).ljust(1 + PREFIX_BYTES, b"\xff")
    for what in What:
        for statement in _AGE:
            connection.exec_driver_sql(statement, (what, first, last))


def index_anew(connection: Connection, size: int) -> None:
    """Fill the empty table `prefixes` for entries that were copied from elsewhere."""
    connection.exec_driver_sql("UPDATE log SET indexed = 0")
    index_batch(connection, size)


def check_prefixes(connection: Connection) -> PrefixCheck | None:
    """Compare all of it with `entries`; None on PostgreSQL, which checks its own indexes."""
    if connection.dialect.name == "postgresql":
        return None
    indexed = connection.exec_driver_sql("SELECT indexed FROM log").scalar()
    within = (0, _extent(connection)[0])
    missing = connection.exec_driver_sql(_MISSING, within).scalar()
    misplaced = connection.exec_driver_sql(_MISPLACED).scalar()
    return PrefixCheck(indexed, missing, misplaced, *connection.exec_driver_sql(_COUNTS, within).one())
