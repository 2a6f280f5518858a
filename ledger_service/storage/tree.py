"""Entries, full tiles and checkpoints."""

from collections.abc import Iterable

from sqlalchemy import Engine, Row, bindparam, func, literal_column, select

from anchors.core.tiles import FullTile
from ledger_service.storage import schema
from ledger_service.storage.bulk import insert_rows
from ledger_service.storage.chain_view import NEWEST_FINAL_HEAD
from ledger_service.storage.database import unavailable_on_error
from ledger_service.storage.lease import begin_fenced
from ledger_service.storage.ledger import LOG_ROW
from ledger_service.storage.packed_entry import unpack_entry
from ledger_service.storage.question import Question
from ledger_service.storage.reader import read_statement
from ledger_service.usecases.ports import Fence, Provable, SignedCheckpoint

_SIZE = Question(select(schema.log.c.size).where(schema.log.c.id == LOG_ROW))
_positions = schema.entries.c.position
_ENTRIES = Question(
    select(schema.entries.c.entry)
    .where(_positions >= bindparam("begin"), _positions < bindparam("end"))
    .order_by(_positions)
)
_TILES = Question(
    select(schema.tiles).where(
        schema.tiles.c.level == bindparam("level"),
        schema.tiles.c.number >= bindparam("begin"),
        schema.tiles.c.number < bindparam("end"),
    )
)
# With every checkpoint the lines that witnesses added to its note.
_lines = select(func.aggregate_strings(schema.cosignatures.c.line, literal_column("''"))).where(
    schema.cosignatures.c.size == schema.checkpoints.c.size
)
_CHECKPOINTS = select(schema.checkpoints, _lines.scalar_subquery().label("lines"))
_CHECKPOINT_AT = Question(_CHECKPOINTS.where(schema.checkpoints.c.size == bindparam("at")))
_NEWEST_SIZE = Question(select(func.coalesce(func.max(schema.checkpoints.c.size), 0)))
_NEWEST_CHECKPOINT = Question(_CHECKPOINTS.order_by(schema.checkpoints.c.size.desc()).limit(1))
_FINAL_CHECKPOINT = Question(
    _CHECKPOINTS.where(
        schema.checkpoints.c.size == NEWEST_FINAL_HEAD.with_only_columns(schema.heads.c.new_size).scalar_subquery()
    )
)


class SqlTree:
    """`ports.Tree` over SQLAlchemy Core."""

    def __init__(self, engine: Engine, fence: Fence | None = None):
        self._engine = engine
        self._fence = fence

    def size(self) -> int:
        """See `ports.Tree`."""
        with unavailable_on_error(), self._engine.connect() as connection:
            return _SIZE.ask_values(connection)[0]

    def entries(self, begin: int, end: int) -> list[bytes]:
        """See `ports.Tree`."""
        with unavailable_on_error(), self._engine.connect() as connection:
            return list(map(unpack_entry, _ENTRIES.ask_values(connection, begin=begin, end=end)))

    def tiles(self, level: int, begin: int, end: int) -> dict[int, FullTile]:
        """See `ports.Tree`."""
        with unavailable_on_error(), self._engine.connect() as connection:
            return {row.number: FullTile(*row) for row in _TILES.ask(connection, level=level, begin=begin, end=end)}

    def tile_roots(self, level: int, begin: int, end: int) -> list[bytes]:
        """See `ports.Tree`."""
        columns = schema.tiles.c
        query = select(columns.root).where(columns.level == level, columns.number >= begin, columns.number < end)
        with unavailable_on_error(), self._engine.connect() as connection:
            return list(connection.execute(query.order_by(columns.number)).scalars())

    def newest_checkpoint(self) -> SignedCheckpoint | None:
        """See `ports.Tree`."""
        with unavailable_on_error(), self._engine.connect() as connection:
            return next(map(_checkpoint, _NEWEST_CHECKPOINT.ask(connection)), None)

    def checkpoint_at(self, size: int) -> SignedCheckpoint | None:
        """See `ports.Tree`."""
        with unavailable_on_error(), self._engine.connect() as connection:
            return next(map(_checkpoint, _CHECKPOINT_AT.ask(connection, at=size)), None)

    def checkpoints(self, before: int | None, limit: int) -> list[SignedCheckpoint]:
        """See `ports.Tree`."""
        size = schema.checkpoints.c.size
        query = _CHECKPOINTS.order_by(size.desc()).limit(limit)
        if before is not None:
            query = query.where(size < before)
        with unavailable_on_error(), self._engine.connect() as connection:
            return [_checkpoint(row) for row in connection.execute(query)]

    def provable(self, id: bytes) -> Provable | None:
        """See `ports.Tree`."""
        with unavailable_on_error(), self._engine.connect() as connection:
            stored = read_statement(connection, id)
            if stored is None:
                return None
            final, newest = _FINAL_CHECKPOINT.ask(connection), _NEWEST_CHECKPOINT.ask(connection)
        return Provable(stored, next(map(_checkpoint, final), None), next(map(_checkpoint, newest), None))

    def add_checkpoint(self, tiles: Iterable[FullTile], checkpoint: SignedCheckpoint, expected_size: int) -> bool:
        """See `ports.Tree`."""
        with unavailable_on_error(), begin_fenced(self._engine, self._fence) as connection:
            if connection.dialect.name == "postgresql":
                connection.exec_driver_sql("LOCK TABLE checkpoints IN SHARE ROW EXCLUSIVE MODE")
            if _NEWEST_SIZE.ask_values(connection) != [expected_size]:
                return False
            insert_rows(connection, schema.tiles, [(tile.level, tile.number, tile.hashes, tile.root) for tile in tiles])
            insert_rows(
                connection,
                schema.checkpoints,
                [(checkpoint.size, checkpoint.root, checkpoint.note, checkpoint.signature, checkpoint.signed_at)],
            )
            return True


def _checkpoint(row: Row) -> SignedCheckpoint:
    note = row.note + row.lines.encode("utf-8") if row.lines else row.note
    return SignedCheckpoint(row.size, row.root, note, row.signature, row.signed_at)
