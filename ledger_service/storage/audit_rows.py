"""Every table, read only and in one view, in pieces: what the audit sees of the database."""

from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from types import NoneType
from typing import NamedTuple, TypeVar

import msgspec
from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    Connection,
    Integer,
    LargeBinary,
    Select,
    Table,
    func,
    or_,
    select,
)
from sqlalchemy.exc import DatabaseError
from sqlalchemy.types import TypeEngine

from anchors.core.encoding import word_code
from anchors.core.errors import MalformedInput
from anchors.core.statement import SUBJECT_FIELD
from anchors.core.tiles import TILE_WIDTH
from ledger_service.storage import schema
from ledger_service.storage.bulk import in_pieces
from ledger_service.storage.chain_view import CHAIN_ROW
from ledger_service.storage.finder import check_prefixes, select_by_ids
from ledger_service.storage.head_proofs import decode_proof
from ledger_service.storage.ledger import LOG_ROW
from ledger_service.storage.links import decode_links, encode_links
from ledger_service.storage.packed_entry import unpack_suspect
from ledger_service.storage.snapshot import open_snapshot
from ledger_service.storage.statistics import read_pieces
from ledger_service.usecases.audit.rows import (
    BlockRow,
    ChainRow,
    ChangeRow,
    CheckpointRow,
    CosignatureRow,
    HeadProofRow,
    HeadRow,
    LogRow,
    OutboxRow,
    PrefixCheck,
    ReceiptRow,
    StatementRow,
    Stretch,
    TileRow,
    TimestampRow,
)
from ledger_service.usecases.hashed_log import StoredEntry
from ledger_service.usecases.ports import Logged, StoreUnavailable
from ledger_service.usecases.privacy_ports import ReadingRow

ROWS_PER_FETCH = 2_000
NO_NUMBER = -1
"""Stands for what is no number in a column of numbers: no column holds it otherwise."""
_LOGGED = "SELECT position, id, entry, links FROM entries WHERE"

R = TypeVar("R")

_TIMESTAMPS = select(*(schema.timestamps.c[name] for name in TimestampRow._fields))


@contextmanager
def open_audit_rows(url: str) -> Iterator["SqlAuditRows"]:
    """One view of the database at `sqlite:///path` or `postgresql://…`, which is not written to, not even migrated.

    Raises `StoreUnavailable` where it cannot be opened or its tables are not those of this version."""
    with open_snapshot(url) as connection:
        rows = SqlAuditRows(connection)
        try:
            rows.log()  # The first read fixes the view.
        except DatabaseError as error:
            raise StoreUnavailable(f"database: it does not hold a ledger: {error.orig}".splitlines()[0]) from error
        yield rows


class SqlAuditRows:
    """`audit.rows.AuditRows` over one open transaction."""

    def __init__(self, connection: Connection):
        self._connection = connection

    @property
    def tables(self) -> "SqlAuditRows":
        """See `AuditRows`."""
        return self

    def why_missing(self, level: int | None, number: int) -> str:
        """See `AuditRows`."""
        return "none"

    def log(self) -> LogRow | None:
        """See `AuditRows`."""
        query = select(*(schema.log.c[name] for name in LogRow._fields)).where(schema.log.c.id == LOG_ROW)
        return self._one(LogRow._make, query)

    def extent(self) -> int:
        """See `AuditRows`."""
        highest = self._connection.execute(select(func.max(schema.entries.c.position))).scalar()
        return 0 if highest is None else highest + 1

    def next_position(self, position: int) -> int | None:
        """See `AuditRows`."""
        column = schema.entries.c.position
        return self._connection.execute(select(func.min(column)).where(column >= position)).scalar()

    def stretch(self, begin: int, end: int) -> Stretch:
        """See `AuditRows`."""
        tiles = schema.tiles.c
        first, last = begin // TILE_WIDTH, -(-end // TILE_WIDTH)
        query = select(tiles.number, tiles.hashes, tiles.root).where(
            tiles.level == 0, tiles.number >= first, tiles.number < last
        )
        entries = self._within(schema.entries, begin, end)
        return Stretch(
            entries={position: unpack_suspect(entry) for position, entry, *_ in entries},
            contents=dict(self._within(schema.contents, begin, end)),
            statements={
                position: StatementRow(id, key, _links(links), sha256, sm3)
                for position, _, id, key, links, sha256, sm3 in entries
            },
            tiles={row[0]: TileRow._make(row[1:]) for row in self._tuples(query)},
        )

    def _within(self, table: Table, begin: int, end: int) -> list[tuple]:
        position = table.c.position
        return self._tuples(select(table).where(position >= begin, position < end))

    def ids_at(self, positions: Collection[int]) -> dict[int, bytes]:
        """See `AuditRows`."""
        return self._at(schema.entries.c.position, schema.entries.c.id, positions)

    def contents_at(self, positions: Collection[int]) -> dict[int, bytes]:
        """See `AuditRows`."""
        return self._at(schema.contents.c.position, schema.contents.c.parts, positions)

    def _at(self, position: Column, value: Column, positions: Collection[int]) -> dict[int, bytes]:
        found: dict[int, bytes] = {}
        for some in in_pieces(sorted(positions)):
            without_gap = some[-1] - some[0] == len(some) - 1
            within = position.between(some[0], some[-1]) if without_gap else position.in_(some)
            found.update(self._tuples(select(position, value).where(within)))
        return found

    def counted(self, size: int) -> Iterator[list[StoredEntry]]:
        """See `AuditRows`."""
        return read_pieces(self._connection, size)

    def logged(self, ids: Collection[bytes]) -> dict[bytes, Logged]:
        """See `AuditRows`."""
        found: dict[bytes, Logged] = {}
        for some in in_pieces(list(ids)):
            found.update((item.id, item) for item in self._read_logged(frozenset(some)))
        return found

    def _read_logged(self, ids: Collection[bytes]) -> Iterator[Logged]:
        for position, id, packed, links in select_by_ids(self._connection, _LOGGED, ids):
            if id not in ids:
                continue
            entry = unpack_suspect(packed)
            with suppress(MalformedInput):
                kind, institution = word_code(entry[:32]), word_code(entry[32:64])
                yield Logged(position, id, kind, institution, entry[SUBJECT_FIELD], _links(links) or {})

    def count(self, table: str) -> int:
        """See `AuditRows`."""
        return self._connection.execute(select(func.count()).select_from(schema.metadata.tables[table])).scalar_one()

    def outside(self, table: str, end: int) -> int | None:
        """See `AuditRows`."""
        position = schema.metadata.tables[table].c.position
        return self._connection.execute(select(func.min(position)).where(or_(position < 0, position >= end))).scalar()

    def prefixes(self) -> PrefixCheck | None:
        """See `AuditRows`."""
        return check_prefixes(self._connection)

    def tile(self, level: int, number: int) -> TileRow | None:
        """See `AuditRows`."""
        c = schema.tiles.c
        return self._one(TileRow._make, select(c.hashes, c.root).where(c.level == level, c.number == number))

    def surplus_tile(self, widths: dict[int, int]) -> tuple[int, int] | None:
        """See `AuditRows`."""
        c = schema.tiles.c
        conditions: list[ColumnElement[bool]] = [c.level.not_in(list(widths))]
        for level, width in widths.items():
            conditions += [(c.level == level) & (c.number < 0), (c.level == level) & (c.number >= width)]
        return self._one(tuple, select(c.level, c.number).where(or_(*conditions)))

    def checkpoints(self) -> Iterator[CheckpointRow]:
        """See `AuditRows`."""
        c = schema.checkpoints.c
        return self._all(CheckpointRow._make, select(c.size, c.root, c.note, c.signature).order_by(c.size))

    def subjects(self) -> Iterator[tuple[bytes, str, int, int | None]]:
        """See `AuditRows`."""
        return self._all(tuple, select(schema.subjects).order_by(schema.subjects.c.subject))

    def rulebook(self) -> Iterator[int]:
        """See `AuditRows`."""
        return (position for (position,) in self._all(tuple, select(schema.rulebook).order_by("position")))

    def streams(self) -> Iterator[tuple[bytes, int, int, bool]]:
        """See `AuditRows`."""
        return self._all(tuple, select(schema.streams).order_by(schema.streams.c.key))

    def receipts(self) -> Iterator[ReceiptRow]:
        """See `AuditRows`."""
        return self._all(ReceiptRow._make, select(schema.receipts).order_by(schema.receipts.c.id))

    def repeated_receipts(self) -> Iterator[tuple[int, int]]:
        """See `AuditRows`."""
        c, many = schema.receipts.c, func.count()
        return self._all(tuple, select(func.min(c.id), many).group_by(c.signature).having(many > 1))

    def holds(self) -> Iterator[tuple[int, int]]:
        """See `AuditRows`."""
        return self._all(tuple, select(schema.holds).order_by(schema.holds.c.position))

    def timestamps(self) -> Iterator[TimestampRow]:
        """See `AuditRows`."""
        return self._all(TimestampRow._make, _TIMESTAMPS.order_by(schema.timestamps.c.number))

    def timestamp(self, number: int) -> TimestampRow | None:
        """See `AuditRows`."""
        return self._one(TimestampRow._make, _TIMESTAMPS.where(schema.timestamps.c.number == number))

    def cosignatures(self) -> Iterator[CosignatureRow]:
        """See `AuditRows`."""
        c = schema.cosignatures.c
        return self._all(CosignatureRow._make, select(schema.cosignatures).order_by(c.size, c.witness))

    def checkpoint_root(self, size: int) -> bytes | None:
        """See `AuditRows`."""
        c = schema.checkpoints.c
        return next(iter(self._one(tuple, select(c.root).where(c.size == size)) or ()), None)

    def readings(self) -> Iterator[ReadingRow]:
        """See `AuditRows`."""
        return self._all(ReadingRow._make, select(schema.readings).order_by(schema.readings.c.number))

    def outbox(self) -> Iterator[OutboxRow]:
        """See `AuditRows`."""
        c = schema.outbox.c
        return self._all(OutboxRow._make, select(c.id, c.new_size, c.hash, c.raw, c.outcome).order_by(c.id))

    def chain(self) -> ChainRow | None:
        """See `AuditRows`."""
        c = schema.chain.c
        query = select(c.tip_number, c.tip_hash, c.tip_parent, c.tip_time, c.final_number).where(c.id == CHAIN_ROW)
        return self._one(ChainRow._make, query)

    def blocks(self) -> Iterator[BlockRow]:
        """See `AuditRows`."""
        return self._all(BlockRow._make, select(schema.blocks).order_by(schema.blocks.c.number))

    def registry_changes(self) -> Iterator[ChangeRow]:
        """See `AuditRows`."""
        return self._all(ChangeRow._make, select(schema.registry_changes).order_by(schema.registry_changes.c.number))

    def heads(self) -> Iterator[HeadRow]:
        """See `AuditRows`."""
        return self._all(HeadRow._make, select(schema.heads).order_by(schema.heads.c.new_size))

    def head_proofs(self) -> Iterator[HeadProofRow]:
        """See `AuditRows`."""
        return self._all(_head_proof, select(schema.head_proofs).order_by(schema.head_proofs.c.new_size))

    def _tuples(self, query: Select) -> list[tuple]:
        return list(self._read(query))

    def _one(self, make: Callable[[Iterable], R], query: Select) -> R | None:
        return next(map(make, self._tuples(query.limit(1))), None)

    def _all(self, make: Callable[[Iterable], R], query: Select) -> Iterator[R]:
        return map(make, self._read(query.execution_options(yield_per=ROWS_PER_FETCH)))

    def _read(self, query: Select) -> Iterator[tuple]:
        columns = [_column(column.type) for column in query.selected_columns]
        for rows in self._connection.execute(query).partitions(ROWS_PER_FETCH):
            if all(map(_Column.is_sound, columns, zip(*rows, strict=True))):
                yield from rows
            else:
                for row in rows:
                    yield tuple([column.read(value) for column, value in zip(columns, row, strict=True)])


def _head_proof(values: Iterable) -> HeadProofRow:
    new_size, block_number, stored = values
    try:
        proof = decode_proof(stored)
    except MalformedInput:
        proof = None
    return HeadProofRow(new_size, block_number, proof)


# SQLite keeps in any column whatever somebody puts there. A value of another type becomes one of the right type that no
# service writes, so that the audit names its row instead of ending at it.


class _Column(NamedTuple):
    """The types that values have, and what becomes of one that has another."""

    types: frozenset[type]
    read: Callable[[object], object]

    def is_sound(self, values: tuple) -> bool:
        """Whether all are as they should be."""
        return self.types.issuperset(map(type, values))


def _octets(value: object) -> object:
    if value is None or type(value) is bytes:
        return value
    return str(value).encode()


def _number(value: object) -> object:
    return value if value is None or isinstance(value, int) else NO_NUMBER


def _text(value: object) -> object:
    return value if value is None or type(value) is str else str(value)


def _links(text: object) -> dict[str, int] | None:
    try:
        links = decode_links(text)
    except (msgspec.MsgspecError, TypeError, UnicodeEncodeError, RecursionError):
        return None
    return links if encode_links(links) == text else None


_OCTETS = _Column(frozenset({bytes, NoneType}), _octets)
_NUMBER = _Column(frozenset({int, bool, NoneType}), _number)
_TEXT = _Column(frozenset({str, NoneType}), _text)


def _column(kind: TypeEngine) -> _Column:
    if isinstance(kind, LargeBinary):
        return _OCTETS
    return _NUMBER if isinstance(kind, Boolean | Integer) else _TEXT
