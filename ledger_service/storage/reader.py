"""Looking things up: statements, timelines, documents, promises."""

import struct
from collections.abc import Callable, Sequence

from sqlalchemy import Engine, Select, bindparam, func, or_, select

from anchors.core.statement import SUBJECT_FIELD
from ledger_service.storage import schema
from ledger_service.storage.database import unavailable_on_error
from ledger_service.storage.promises import LONGEST_RECEIPT
from ledger_service.usecases.ports import StoredStatement, Stream, digest_number


class SqlReader:
    """`ports.Reader` over SQLAlchemy Core."""

    def __init__(self, engine: Engine):
        self._engine = engine

    def statement(self, id: bytes) -> StoredStatement | None:
        """See `ports.Reader`."""
        with unavailable_on_error(), self._engine.connect() as connection:
            row = connection.execute(_STATEMENT, {"wanted": id}).first()
        return StoredStatement(*row) if row else None

    def timeline(self, subject: bytes, after: int | None, limit: int) -> list[StoredStatement]:
        """See `ports.Reader`."""
        begins_alike = schema.subject_prefix == subject[: schema.SUBJECT_PREFIX_BYTES]
        return self._page(
            _select().where(begins_alike), after, limit, lambda found: found.entry[SUBJECT_FIELD] == subject
        )

    def by_document(self, digest: bytes, after: int | None, limit: int) -> list[StoredStatement]:
        """See `ports.Reader`."""
        number, columns, text = digest_number(digest), schema.entries.c, digest.hex().encode()
        begins_alike = or_(columns.sha256 == number, columns.sm3 == number)
        return self._page(_select().where(begins_alike), after, limit, lambda found: text in found.parts)

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

    def _page(
        self, query: Select, after: int | None, limit: int, is_meant: Callable[[StoredStatement], bool]
    ) -> list[StoredStatement]:
        """The first `limit` statements after a position that are meant: an index finds also what only begins alike."""
        position, meant = schema.entries.c.position, []
        while len(meant) < limit:
            following = query if after is None else query.where(position > after)
            found = self._read(following.order_by(position).limit(limit))
            meant += filter(is_meant, found)
            if len(found) < limit:
                break
            after = found[-1].index
        return meant[:limit]

    def _read(self, query: Select) -> list[StoredStatement]:
        with unavailable_on_error(), self._engine.connect() as connection:
            return [StoredStatement(*row) for row in connection.execute(query)]


def _select() -> Select:
    entries, contents = schema.entries, schema.contents
    return select(entries.c.position, entries.c.id, entries.c.key, entries.c.entry, contents.c.parts).join(
        contents, contents.c.position == entries.c.position
    )


_STATEMENT = _select().where(schema.entries.c.id == bindparam("wanted"))
