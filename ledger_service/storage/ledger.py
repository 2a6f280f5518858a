"""Accepting statements: the log's lock, what a statement depends on, and the one write that makes it durable."""

import struct
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, bindparam, select, update

from anchors.core.registry import Change
from ledger_service.recognition.book import KINDS as RULES
from ledger_service.storage import schema
from ledger_service.storage.bulk import insert_rows, replace_rows, select_rows
from ledger_service.storage.chain_view import read_changes
from ledger_service.storage.database import begin_writing, unavailable_on_error
from ledger_service.storage.finder import find_beginnings, index_batch, remember, select_by_ids
from ledger_service.storage.links import decode_links, encode_links
from ledger_service.storage.packed_entry import pack_entry, read_heading
from ledger_service.storage.reader import read_subjects
from ledger_service.usecases.ports import (
    HOLDING_KINDS,
    HOLDING_REL,
    PREFIX_BYTES,
    Logged,
    NewReceipt,
    NewStatement,
    RegistryVersion,
    Stream,
    SubjectState,
    digest_prefixes,
)

LOG_ROW = 1
# Made once: making a query costs as much as running it.
_LOCK = select(schema.log.c.size).where(schema.log.c.id == LOG_ROW).with_for_update()
_GROW = update(schema.log).where(schema.log.c.id == LOG_ROW).values(size=bindparam("grown"))
_REGISTRY_VERSION = """SELECT max(number), (SELECT head FROM registry_changes ORDER BY number DESC LIMIT 1),
    (SELECT max(number) FROM registry_changes WHERE block_number <= (SELECT final_number FROM chain))
    FROM registry_changes"""
_LOGGED = "SELECT position, id, links, entry FROM entries WHERE"
_STREAMS = "SELECT key, next_sequence, observed_size, frozen FROM streams WHERE key"


class SqlLedger:
    """`ports.Ledger` over SQLAlchemy Core."""

    def __init__(self, engine: Engine):
        self._engine = engine

    @contextmanager
    def sequencing(self) -> Iterator["SqlSequencing"]:
        """See `ports.Ledger`."""
        with unavailable_on_error(), begin_writing(self._engine) as connection:
            transaction = SqlSequencing(connection)
            yield transaction
        if transaction.appended:
            remember(self._engine, transaction.appended)

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
        self.size: int = lock_log(connection)
        self._begun: dict[bytes, bytes] = {}
        """The first subject in the log that begins so, by how it begins."""
        self.appended: list[tuple] = []
        """Rows of `entries`."""

    def registry_version(self) -> RegistryVersion:
        """See `ports.SequencingTransaction`."""
        return read_registry_version(self._connection)

    def registry_changes(self) -> list[Change]:
        """See `ports.SequencingTransaction`."""
        return [event.change for event in read_changes(self._connection)]

    def logged(self, ids: Collection[bytes]) -> dict[bytes, Logged]:
        """See `ports.SequencingTransaction`."""
        return {
            id: Logged(position, id, *read_heading(entry), decode_links(links))
            for position, id, links, entry in select_by_ids(self._connection, _LOGGED, ids)
            if id in ids
        }

    def streams(self, keys: Collection[bytes]) -> dict[bytes, Stream]:
        """See `ports.SequencingTransaction`."""
        return {
            key: Stream(next_sequence, observed_size, bool(frozen))
            for key, next_sequence, observed_size, frozen in select_rows(self._connection, _STREAMS, keys)
        }

    def subjects(self, subjects: Collection[bytes]) -> dict[bytes, SubjectState]:
        """See `ports.SequencingTransaction`."""
        beginnings = list(find_beginnings(self._connection, subjects))
        self._begun.update((subject[:PREFIX_BYTES], subject) for _, _, subject in beginnings)
        return read_subjects(self._connection, subjects, beginnings)

    def final_heads(self, witness_ids: Collection[bytes]) -> dict[bytes, int]:
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
        self.appended = [_entry_row(item) for item in statements]
        insert_rows(write, schema.entries, self.appended)
        insert_rows(write, schema.contents, [(item.logged.index, item.parts) for item in statements])
        insert_rows(write, schema.receipts, [_receipt_row(receipt) for receipt in receipts])
        insert_rows(write, schema.rulebook, [(item.logged.index,) for item in statements if item.logged.kind in RULES])
        replace_rows(
            write,
            schema.streams,
            [(key, stream.next_sequence, stream.observed_size, stream.frozen) for key, stream in streams.items()],
        )
        replace_rows(
            write,
            schema.subjects,
            [
                (subject, state.owner, state.first, state.current)
                for subject, state in subjects.items()
                if self._has_row(subject, state)
            ],
        )
        holding = [item.logged for item in statements if item.logged.kind in HOLDING_KINDS]
        insert_rows(write, schema.holds, [(logged.links[HOLDING_REL], logged.index) for logged in holding])
        if statements:
            self.size = statements[-1].logged.index + 1
            write.execute(_GROW, {"grown": self.size})
            index_batch(write, self.size)

    def _has_row(self, subject: bytes, state: SubjectState) -> bool:
        """Whether the first entry about what begins like the subject does not tell its state."""
        begun = self._begun.setdefault(subject[:PREFIX_BYTES], subject)
        return begun != subject or state.current != state.first


def lock_log(connection: Connection) -> int:
    """Lock the log's row until the transaction ends; how many entries there are."""
    return connection.execute(_LOCK).scalar_one()


def read_registry_version(connection: Connection) -> RegistryVersion:
    """Which state of the registry the follower has stored."""
    count, head, final_count = connection.exec_driver_sql(_REGISTRY_VERSION).one()
    return RegistryVersion(head or b"", count or 0, final_count or 0)


def _entry_row(item: NewStatement) -> tuple:
    logged = item.logged
    sha256, sm3 = digest_prefixes(item.digests)
    return logged.index, pack_entry(item.entry), logged.id, item.key, encode_links(logged.links), sha256, sm3


def _receipt_row(receipt: NewReceipt) -> tuple:
    return (
        min(receipt.indexes),
        max(receipt.indexes),
        struct.pack(f">{len(receipt.indexes)}Q", *receipt.indexes),
        receipt.receipt.accepted_at,
        receipt.receipt.witness_by,
        receipt.signature,
    )
