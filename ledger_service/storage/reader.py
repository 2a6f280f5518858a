"""Looking things up: statements, timelines, documents, promises."""

import struct
from collections.abc import Sequence

from sqlalchemy import Engine, Select, func, select

from ledger_service.storage import schema
from ledger_service.storage.database import unavailable_on_error
from ledger_service.storage.promises import LONGEST_RECEIPT
from ledger_service.usecases.ports import StoredStatement, Stream


class SqlReader:
    """`ports.Reader` over SQLAlchemy Core."""

    def __init__(self, engine: Engine):
        self._engine = engine

    def statement(self, id: bytes) -> StoredStatement | None:
        """See `ports.Reader`."""
        return next(iter(self._read(_select().where(schema.statements.c.id == id))), None)

    def timeline(self, subject: bytes, after: int | None, limit: int) -> list[StoredStatement]:
        """See `ports.Reader`."""
        return self._page(_select().where(schema.statements.c.subject == subject), after, limit)

    def by_document(self, digest: bytes, after: int | None, limit: int) -> list[StoredStatement]:
        """See `ports.Reader`."""
        documents = schema.documents.c
        query = _select().join(schema.documents, documents.position == schema.statements.c.position)
        return self._page(query.where(documents.digest == digest), after, limit)

    def streams(self, keys: Sequence[bytes]) -> dict[bytes, Stream]:
        """See `ports.Reader`."""
        query = select(schema.streams).where(schema.streams.c.key.in_(list(keys)))
        with unavailable_on_error(), self._engine.connect() as connection:
            rows = connection.execute(query).all()
        return {row.key: Stream(row.next_sequence, row.observed_size, bool(row.frozen)) for row in rows}

    def earliest_witness_by(self, from_index: int) -> int | None:
        """See `ports.Reader`."""
        columns = schema.receipts.c
        query = select(func.min(columns.witness_by)).where(columns.last >= from_index)
        with unavailable_on_error(), self._engine.connect() as connection:
            return connection.execute(query).scalar()

    def promised_by(self, index: int) -> int | None:
        """See `ports.Reader`."""
        columns, place = schema.receipts.c, (index,)
        query = select(columns.witness_by, columns.positions).where(
            columns.last >= index, columns.last < index + LONGEST_RECEIPT, columns.first <= index
        )
        with unavailable_on_error(), self._engine.connect() as connection:
            rows = connection.execute(query.order_by(columns.witness_by))
            return next((row.witness_by for row in rows if place in struct.iter_unpack(">Q", row.positions)), None)

    def _page(self, query: Select, after: int | None, limit: int) -> list[StoredStatement]:
        position = schema.statements.c.position
        if after is not None:
            query = query.where(position > after)
        return self._read(query.order_by(position).limit(limit))

    def _read(self, query: Select) -> list[StoredStatement]:
        with unavailable_on_error(), self._engine.connect() as connection:
            return [StoredStatement(*row) for row in connection.execute(query)]


def _select() -> Select:
    statements, entries, contents = schema.statements, schema.entries, schema.contents
    return (
        select(statements.c.position, statements.c.id, statements.c.key, entries.c.entry, contents.c.parts)
        .join(entries, entries.c.position == statements.c.position)
        .join(contents, contents.c.position == statements.c.position)
    )
