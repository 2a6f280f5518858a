"""Looking things up: statements, timelines, documents, promises."""

import struct
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

from sqlalchemy import Connection, Engine, func, select

from anchors.core.statement import SUBJECT_FIELD
from ledger_service.storage import schema
from ledger_service.storage.bulk import select_rows
from ledger_service.storage.database import unavailable_on_error
from ledger_service.storage.finder import What, find_beginnings, find_positions, select_by_ids
from ledger_service.storage.packed_entry import unpack_entry
from ledger_service.storage.promises import LONGEST_RECEIPT
from ledger_service.usecases.ports import StoredStatement, Stream, SubjectState


class SqlReader:
    """`ports.Reader` over SQLAlchemy Core."""

    def __init__(self, engine: Engine):
        self._engine = engine

    def statement(self, id: bytes) -> StoredStatement | None:
        """See `ports.Reader`."""
        with unavailable_on_error(), self._engine.connect() as connection:
            return read_statement(connection, id)

    def timeline(self, subject: bytes, after: int | None, limit: int) -> list[StoredStatement]:
        """See `ports.Reader`."""
        return self._page(What.SUBJECT, subject, after, limit, lambda found: found.entry[SUBJECT_FIELD] == subject)

    def by_document(self, digest: bytes, after: int | None, limit: int) -> list[StoredStatement]:
        """See `ports.Reader`."""
        text = digest.hex().encode()
        return self._page(What.DOCUMENT, digest, after, limit, lambda found: text in found.parts)

    def subjects(self, subjects: Collection[bytes]) -> dict[bytes, SubjectState]:
        """See `ports.Reader`."""
        with unavailable_on_error(), self._engine.connect() as connection:
            return read_subjects(connection, subjects, find_beginnings(connection, subjects))

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
        self, what: What, value: bytes, after: int | None, limit: int, is_meant: Callable[[StoredStatement], bool]
    ) -> list[StoredStatement]:
        """The first `limit` statements after a position that are meant: what is found may only begin alike."""
        begin, meant = -1 if after is None else after, []
        with unavailable_on_error(), self._engine.connect() as connection:
            while len(meant) < limit:
                positions = find_positions(connection, what, value, begin, limit)
                found = list(stored_statements(select_rows(connection, f"{_STATEMENTS} position", positions)))
                found.sort(key=lambda statement: statement.index)
                meant += filter(is_meant, found)
                if len(positions) < limit:
                    break
                begin = positions[-1]
        return meant[:limit]


def read_statement(connection: Connection, id: bytes) -> StoredStatement | None:
    """The statement of this id."""
    found = stored_statements(select_by_ids(connection, _STATEMENTS, [id]))
    return next((statement for statement in found if statement.id == id), None)


def read_subjects(
    connection: Connection, subjects: Collection[bytes], beginnings: Iterable[tuple[int, str, bytes]]
) -> dict[bytes, SubjectState]:
    """Those of the subjects that exist; `beginnings` as `find_beginnings` gives them for these."""
    states = {
        subject: SubjectState(institution, position, position)
        for position, institution, subject in beginnings
        if subject in subjects
    }
    for subject, owner, first, current in select_rows(connection, _SUBJECTS, subjects):
        states[subject] = SubjectState(owner, first, current)
    return states


def read_statements(connection: Connection, positions: Collection[int]) -> dict[int, StoredStatement]:
    """The statements at these positions, by position."""
    found = stored_statements(select_rows(connection, f"{_STATEMENTS} position", positions))
    return {statement.index: statement for statement in found}


def stored_statements(rows: Iterable[Sequence]) -> Iterator[StoredStatement]:
    """Rows of position, id, key, entry and parts as statements."""
    return (StoredStatement(position, id, key, unpack_entry(entry), parts) for position, id, key, entry, parts in rows)


_SUBJECTS = "SELECT subject, owner, first, current FROM subjects WHERE subject"
_STATEMENTS = "SELECT position, id, key, entry, parts FROM entries JOIN contents USING (position) WHERE"
