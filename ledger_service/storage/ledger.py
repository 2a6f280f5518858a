"""Accepting statements: the log's lock, what a statement depends on, and the one write that makes it durable."""

import struct
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, Select, func, select, update

from anchors.core.encoding import word_code
from anchors.core.registry import Change
from ledger_service.storage import schema
from ledger_service.storage.bulk import insert_rows
from ledger_service.storage.chain_view import read_changes
from ledger_service.storage.database import begin_writing, unavailable_on_error
from ledger_service.storage.upsert import upsert_rows
from ledger_service.usecases.ports import (
    Logged,
    NewReceipt,
    NewStatement,
    RegistryVersion,
    Stream,
    SubjectState,
)

LOG_ROW = 1


class SqlLedger:
    """`ports.Ledger` over SQLAlchemy Core."""

    def __init__(self, engine: Engine):
        self._engine = engine

    @contextmanager
    def sequencing(self) -> Iterator["SqlSequencing"]:
        """See `ports.Ledger`."""
        with unavailable_on_error(), begin_writing(self._engine) as connection:
            yield SqlSequencing(connection)

    def freeze(self, key: bytes) -> int:
        """See `ports.Ledger`."""
        with self.sequencing() as transaction:
            stream = transaction.streams([key]).get(key, Stream())
            transaction.append([], {key: Stream(stream.next_sequence, stream.observed_size, frozen=True)}, {}, [])
        return stream.next_sequence


class SqlSequencing:
    """`ports.SequencingTransaction`: exists only while the log's row is locked."""

    def __init__(self, connection: Connection):
        self._connection = connection
        lock = select(schema.log.c.size).where(schema.log.c.id == LOG_ROW).with_for_update()
        self.size: int = connection.execute(lock).scalar_one()

    def registry_version(self) -> RegistryVersion:
        """See `ports.SequencingTransaction`."""
        changes = schema.registry_changes.c
        final = select(schema.chain.c.final_number).scalar_subquery()
        newest = self._connection.execute(
            select(changes.number, changes.head).order_by(changes.number.desc()).limit(1)
        ).first()
        final_count = self._connection.execute(select(func.max(changes.number)).where(changes.block_number <= final))
        count, head = (newest.number, newest.head) if newest else (0, b"")
        return RegistryVersion(head, count, final_count.scalar() or 0)

    def registry_changes(self) -> list[Change]:
        """See `ports.SequencingTransaction`."""
        return [event.change for event in read_changes(self._connection)]

    def logged(self, ids: Iterable[bytes]) -> dict[bytes, Logged]:
        """See `ports.SequencingTransaction`."""
        rows = self._read_logged(_select_logged().where(schema.statements.c.id.in_(list(ids))))
        return {item.id: item for item in rows}

    def _read_logged(self, query: Select) -> list[Logged]:
        rows = self._connection.execute(query).all()
        links: dict[int, dict[str, int]] = {row.position: {} for row in rows}
        if links:
            columns = schema.links.c
            for link in self._connection.execute(select(schema.links).where(columns.position.in_(list(links)))):
                links[link.position][link.rel] = link.target
        return [
            Logged(
                row.position,
                row.id,
                word_code(row.entry[:32]),
                word_code(row.entry[32:64]),
                row.subject,
                links[row.position],
            )
            for row in rows
        ]

    def streams(self, keys: Iterable[bytes]) -> dict[bytes, Stream]:
        """See `ports.SequencingTransaction`."""
        rows = self._connection.execute(select(schema.streams).where(schema.streams.c.key.in_(list(keys))))
        return {row.key: Stream(row.next_sequence, row.observed_size, bool(row.frozen)) for row in rows}

    def subjects(self, subjects: Iterable[bytes]) -> dict[bytes, SubjectState]:
        """See `ports.SequencingTransaction`."""
        rows = self._connection.execute(select(schema.subjects).where(schema.subjects.c.subject.in_(list(subjects))))
        return {row.subject: SubjectState(row.owner, row.current) for row in rows}

    def final_heads(self, witness_ids: Iterable[bytes]) -> dict[bytes, int]:
        """See `ports.SequencingTransaction`."""
        wanted = list(witness_ids)
        if not wanted:
            return {}
        heads = schema.heads.c
        final = select(schema.chain.c.final_number).scalar_subquery()
        query = select(heads.witness_id, heads.new_size).where(
            heads.witness_id.in_(wanted), heads.block_number <= final
        )
        return {row.witness_id: row.new_size for row in self._connection.execute(query)}

    def append(
        self,
        statements: Sequence[NewStatement],
        streams: dict[bytes, Stream],
        subjects: dict[bytes, SubjectState],
        receipts: Sequence[NewReceipt],
    ) -> None:
        """See `ports.SequencingTransaction`."""
        write = self._connection
        insert_rows(write, schema.entries, [(item.logged.index, item.entry) for item in statements])
        insert_rows(write, schema.contents, [(item.logged.index, item.parts) for item in statements])
        insert_rows(
            write,
            schema.statements,
            [(item.logged.index, item.logged.id, item.key, item.sequence, item.logged.subject) for item in statements],
        )
        insert_rows(
            write,
            schema.links,
            [(item.logged.index, rel, target) for item in statements for rel, target in item.logged.links.items()],
        )
        insert_rows(
            write, schema.documents, [(digest, item.logged.index) for item in statements for digest in item.digests]
        )
        upsert_rows(
            write,
            schema.streams,
            [(key, stream.next_sequence, stream.observed_size, stream.frozen) for key, stream in streams.items()],
        )
        upsert_rows(
            write, schema.subjects, [(subject, state.owner, state.current) for subject, state in subjects.items()]
        )
        self._append_receipts(receipts)
        if statements:
            self.size = statements[-1].logged.index + 1
            write.execute(update(schema.log).where(schema.log.c.id == LOG_ROW).values(size=self.size))

    def _append_receipts(self, receipts: Sequence[NewReceipt]) -> None:
        for receipt in receipts:
            self._connection.execute(
                schema.receipts.insert(),
                {
                    "first": min(receipt.indexes),
                    "last": max(receipt.indexes),
                    "positions": struct.pack(f">{len(receipt.indexes)}Q", *receipt.indexes),
                    "accepted": receipt.accepted,
                    "accepted_at": receipt.accepted_at,
                    "witness_by": receipt.witness_by,
                    "key": receipt.key,
                    "signature": receipt.signature,
                },
            )


def _select_logged() -> Select:
    statements, entries = schema.statements, schema.entries
    return select(
        statements.c.position, statements.c.id, statements.c.subject, func.substr(entries.c.entry, 1, 64).label("entry")
    ).join(entries, entries.c.position == statements.c.position)
