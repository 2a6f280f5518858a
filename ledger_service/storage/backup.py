"""A backup: one ZIP file from which any supported database can be filled
(docs/adr/0013-what-a-restored-ledger-may-sign.md).

    manifest.json       what is in it: schema revision, log, entries, newest checkpoint; of each table its columns, how
                        many rows, and the SHA-256 of its member
    <table>.rows        by primary key, each row as a big-endian uint32 length and a MessagePack array of its values

All tables are read in one transaction, so they are of one moment, while the service goes on. Nothing is kept in memory
but some rows. What was written is read back before it counts as a backup.
"""

import hashlib
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, BinaryIO

import msgspec
from alembic.migration import MigrationContext
from sqlalchemy import Connection, Engine, Table, func, insert, select, text
from sqlalchemy.exc import DatabaseError

from anchors.core.encoding import encode_hex
from anchors.core.errors import Error
from ledger_service.storage import schema
from ledger_service.storage.bulk import insert_rows
from ledger_service.storage.database import begin_setting_up, unavailable_on_error
from ledger_service.storage.finder import index_anew
from ledger_service.storage.identity import LogIdentity
from ledger_service.storage.snapshot import open_snapshot
from ledger_service.usecases.ports import StoreUnavailable

FORMAT = "huzheng backup 1"
MANIFEST = "manifest.json"
MAX_MANIFEST_BYTES = 2**20
MAX_ROW_BYTES = 2**26
NOT_KEPT = frozenset({"anchorer", "prefixes", "sessions"})
"""Who holds the lease and who is signed in is of the moment, and of the old database alone; what SQLite finds entries
by is made anew."""
ROWS_PER_FETCH = 500
BYTES_PER_INSERT = 2**21

Advance = Callable[[int], object]


class BackupError(Error):
    """A backup cannot be made or used; the message says why and what to do."""


class Kept(msgspec.Struct, forbid_unknown_fields=True):
    """One table in a backup: the columns in the order of a row's values, how many rows, the member's SHA-256 in hex."""

    columns: list[str]
    rows: int
    sha256: str


class Manifest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What a backup says of itself. Hashes and addresses are 0x and hex; `made_at` is in Unix seconds."""

    format: str
    revision: str
    made_at: int
    origin: str
    chain_id: int
    genesis: str
    registry: str
    witness: str
    entries: int
    checkpoint_size: int
    checkpoint_root: str
    tables: dict[str, Kept]

    @property
    def rows(self) -> int:
        """How many rows of all tables."""
        return sum(kept.rows for kept in self.tables.values())

    def check_identity(self, identity: LogIdentity) -> None:
        """Raise `BackupError` where the backup is of another log, chain or contract."""
        for name in ("origin", "chain_id", "genesis", "registry", "witness"):
            wanted, found = getattr(identity, name), getattr(self, name)
            wanted = encode_hex(wanted) if isinstance(wanted, bytes) else wanted
            if found != wanted:
                raise BackupError(
                    f"the backup is of another log: its {name} is {found}, here it is {wanted}; "
                    "name its own backup, or give the settings of its log"
                )


def kept_tables() -> list[Table]:
    """The tables of a backup, in an order that never changes."""
    return [table for table in sorted(schema.metadata.tables.values(), key=_name) if table.name not in NOT_KEPT]


def _name(table: Table) -> str:
    return table.name


# Making one


def write_backup(url: str, file: BinaryIO, made_at: int, advance: Advance) -> Manifest:
    """Copy the database at `url` into an open empty file and read it back; `advance` is told of rows as they are done.

    Raises `BackupError`, or `StoreUnavailable` where the database does not answer."""
    with open_snapshot(url) as connection, zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        manifest = _describe(connection, made_at)
        for table in kept_tables():
            manifest.tables[str(table.name)] = _write_table(connection, archive, table, advance)
        archive.writestr(MANIFEST, msgspec.json.format(msgspec.json.encode(manifest)))
    file.flush()
    with open_backup(file) as backup:
        backup.verify()
    return manifest


def _describe(connection: Connection, made_at: int) -> Manifest:
    revision = MigrationContext.configure(connection).get_current_revision()
    if revision is None:
        raise BackupError("the database does not hold a ledger; name it with --database")
    try:
        log = connection.execute(select(schema.log)).first()
    except DatabaseError as error:
        raise StoreUnavailable(f"database: its tables are not those of this version: {error.orig}") from error
    if log is None:
        raise BackupError("the database holds no log yet; there is nothing to keep before the first start")
    sizes = schema.checkpoints.c.size
    newest = connection.execute(select(schema.checkpoints).order_by(sizes.desc()).limit(1)).first()
    return Manifest(
        format=FORMAT,
        revision=revision,
        made_at=made_at,
        origin=log.origin,
        chain_id=log.chain_id,
        genesis=encode_hex(log.genesis),
        registry=encode_hex(log.registry),
        witness=encode_hex(log.witness),
        entries=log.size,
        checkpoint_size=newest.size if newest else 0,
        checkpoint_root=encode_hex(newest.root) if newest else "",
        tables={},
    )


def _write_table(connection: Connection, archive: zipfile.ZipFile, table: Table, advance: Advance) -> Kept:
    encode, digest, count = msgspec.msgpack.Encoder().encode, hashlib.sha256(), 0
    query = select(table).order_by(*table.primary_key)
    rows = connection.execution_options(stream_results=True, yield_per=ROWS_PER_FETCH).execute(query)
    with archive.open(_member(table.name), "w", force_zip64=True) as member:
        for some in rows.partitions():
            block = bytearray()
            for row in some:
                packed = encode(tuple(row))
                block += len(packed).to_bytes(4, "big") + packed
            member.write(block)
            digest.update(block)
            count += len(some)
            advance(len(some))
    return Kept([str(column.name) for column in table.columns], count, digest.hexdigest())


def _member(table: str) -> str:
    return f"{table}.rows"


# Using one


@dataclass(frozen=True)
class Backup:
    """An open backup."""

    name: str
    archive: zipfile.ZipFile
    manifest: Manifest

    def verify(self) -> None:
        """Read everything and compare it with the manifest. Raises `BackupError`."""
        for name in self.manifest.tables:
            for _ in self.rows(name):
                pass

    def rows(self, table: str) -> Iterator[tuple]:
        """The rows of a table, in order. Raises `BackupError` at the latest after the last."""
        kept, digest, count = self.manifest.tables[table], hashlib.sha256(), 0
        decode = msgspec.msgpack.Decoder(tuple).decode
        try:
            with self.archive.open(_member(table)) as member:
                while packed := _read_row(member, digest):
                    row = decode(packed)
                    if len(row) != len(kept.columns):
                        raise ValueError(f"row {count} has {len(row)} values")
                    count += 1
                    yield row
        except (zipfile.BadZipFile, KeyError, ValueError, EOFError, OSError, msgspec.MsgspecError) as error:
            raise self._damaged(f"{table}: {error}") from None
        if (count, digest.hexdigest()) != (kept.rows, kept.sha256):
            raise self._damaged(f"{table} has {count} rows of another digest than the manifest says")

    def _damaged(self, what: str) -> BackupError:
        return BackupError(f"{self.name} is damaged: {what}; nothing was restored, use another backup")


def _read_row(member: IO[bytes], digest: "hashlib._Hash") -> bytes:
    length = member.read(4)
    if not length:
        return b""
    size = int.from_bytes(length, "big")
    packed = member.read(size) if len(length) == 4 and 0 < size <= MAX_ROW_BYTES else b""
    if not packed or len(packed) != size:
        raise ValueError("a row is cut off")
    digest.update(length + packed)
    return packed


@contextmanager
def open_backup(file: BinaryIO | Path) -> Iterator[Backup]:
    """The backup in a file, its manifest read. Raises `BackupError` where it is none, or of another version."""
    name = str(file) if isinstance(file, Path) else "what was written"
    try:
        archive = zipfile.ZipFile(file)
    except (OSError, zipfile.BadZipFile, ValueError) as error:
        raise BackupError(f"{name} is no backup or a damaged one ({error}); name a file of 'huzheng backup'") from None
    with archive:
        try:
            if archive.getinfo(MANIFEST).file_size > MAX_MANIFEST_BYTES:
                raise ValueError("its manifest is too long")
            manifest = msgspec.json.decode(archive.read(MANIFEST), type=Manifest)
        except (zipfile.BadZipFile, KeyError, ValueError, OSError, msgspec.MsgspecError) as error:
            raise BackupError(f"{name} is no backup or a damaged one ({error}); name another file") from None
        if manifest.format != FORMAT:
            raise BackupError(f"{name} has the format {manifest.format[:40]!r}, this version reads {FORMAT!r}")
        yield Backup(name, archive, manifest)


def fill_database(engine: Engine, backup: Backup, restored_at: int, advance: Advance) -> None:
    """Fill an empty database, in one transaction: all of the backup or nothing. It stays held until it is released.

    Raises `BackupError` where the database is not empty, or the backup is damaged or of another schema."""
    manifest, tables = backup.manifest, kept_tables()
    with unavailable_on_error(), begin_setting_up(engine) as connection:
        _check_schema(connection, manifest, tables)
        for table in tables:
            if connection.execute(select(*table.primary_key).limit(1)).first() is not None:
                raise BackupError(
                    f"the database is not empty, its table {table.name} has rows; a backup goes into a new one only"
                )
        for table in tables:
            _fill_table(connection, table, backup.rows(table.name), advance)
            _go_on_counting(connection, table)
        index_anew(connection, manifest.entries)
        connection.execute(
            insert(schema.restores).values(
                entries=manifest.entries, made_at=manifest.made_at, restored_at=restored_at, released_at=None
            )
        )


def _check_schema(connection: Connection, manifest: Manifest, tables: list[Table]) -> None:
    revision = MigrationContext.configure(connection).get_current_revision()
    here = {table.name: [column.name for column in table.columns] for table in tables}
    if manifest.revision != revision or here != {name: kept.columns for name, kept in manifest.tables.items()}:
        raise BackupError(
            f"the backup has the schema revision {manifest.revision[:40]!r}, this version has {revision!r} or other "
            "columns; restore it with the version that made it, then start this one, which brings it up to date"
        )


def _fill_table(connection: Connection, table: Table, rows: Iterator[tuple], advance: Advance) -> None:
    some, weight = [], 0
    for row in rows:
        some.append(row)
        weight += 64 + sum(len(value) for value in row if isinstance(value, bytes | str))
        if weight > BYTES_PER_INSERT:
            insert_rows(connection, table, some)
            advance(len(some))
            some, weight = [], 0
    insert_rows(connection, table, some)
    advance(len(some))


def _go_on_counting(connection: Connection, table: Table) -> None:
    """PostgreSQL numbers rows by a counter beside the table; SQLite looks at the table."""
    column = table.autoincrement_column
    if connection.dialect.name != "postgresql" or column is None:
        return
    highest = connection.execute(select(func.max(column))).scalar()
    if highest is not None:
        counter = text("SELECT setval(pg_get_serial_sequence(:table, :column), :highest)")
        connection.execute(counter, {"table": table.name, "column": column.name, "highest": highest})
