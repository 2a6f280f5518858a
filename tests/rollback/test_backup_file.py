"""A backup is whole or refused, of one moment, and fills either database from either."""

import itertools
import json
import random
import sqlite3
import threading
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from ledger_service.client.errors import WrongInput
from ledger_service.client.files import new_file
from ledger_service.storage import schema
from ledger_service.storage.backup import (
    MANIFEST,
    NOT_KEPT,
    BackupError,
    Manifest,
    fill_database,
    kept_tables,
    open_backup,
    write_backup,
)
from ledger_service.storage.database import open_database
from ledger_service.storage.identity import read_identity
from ledger_service.storage.past import SqlPast
from ledger_service.usecases.incident import Incident
from tests.fixtures.postgres import PostgresServer
from tests.rollback.sealed import ENTRIES, advance, guard_of, sealed_ledger
from tests.usecases.world import InProcessLedger

MADE_AT = 1_760_000_000
OpenStore = Callable[[str], str]


@pytest.fixture
def open_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[OpenStore]:
    """The URL of a new empty database of a kind; any number of them."""
    numbers, databases = itertools.count(), []

    def new(kind: str) -> str:
        name = f"backup_{next(numbers)}"
        if kind == "sqlite":
            return f"sqlite:///{tmp_path / name}.db"
        server: PostgresServer = request.getfixturevalue("postgres_server")
        server.administer(f"CREATE DATABASE {name}")
        databases.append((name, server))
        return server.url(name)

    yield new
    for name, server in databases:
        server.administer(f"DROP DATABASE {name} WITH (FORCE)")


def make(url: str, path: Path) -> Manifest:
    """A backup of the database at `path`."""
    with new_file(path) as file:
        return write_backup(url, file, MADE_AT, lambda count: None)


def fill(url: str, path: Path) -> Engine:
    """The database, filled from the backup."""
    engine = open_database(url)
    with open_backup(path) as backup:
        fill_database(engine, backup, MADE_AT + 60, lambda count: None)
    return engine


def contents(engine: Engine) -> dict[str, list[tuple]]:
    """Every row of every table that a backup keeps."""
    with engine.connect() as connection:
        return {
            table.name: sorted(tuple(row) for row in connection.execute(select(table)))
            for table in kept_tables()
            if table.name != "restores"
        }


def is_empty(url: str) -> bool:
    """Whether no table has a row."""
    engine = open_database(url)
    with engine.connect() as connection:
        found = [connection.execute(select(table).limit(1)).first() for table in kept_tables()]
    engine.dispose()
    return not any(found)


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A backup of a sealed ledger."""
    folder = tmp_path_factory.mktemp("sample")
    ledger, _ = sealed_ledger(f"sqlite:///{folder / 'ledger.db'}")
    make(ledger.url, folder / "sample.backup")
    ledger.engine.dispose()
    return folder / "sample.backup"


@pytest.mark.parametrize(
    ("source", "target"),
    [("sqlite", "postgresql"), ("postgresql", "sqlite"), ("sqlite", "sqlite"), ("postgresql", "postgresql")],
)
def test_either_database_fills_either(open_store: OpenStore, tmp_path: Path, source: str, target: str) -> None:
    ledger, signer = sealed_ledger(open_store(source), 300)
    ledger.submit(signer.issued().wire)  # accepted, and under no checkpoint yet
    manifest = make(ledger.url, tmp_path / "a.backup")
    assert (manifest.entries, manifest.checkpoint_size) == (301, 300)
    url = open_store(target)
    engine = fill(url, tmp_path / "a.backup")
    assert contents(engine) == contents(ledger.engine)
    assert read_identity(engine) == read_identity(ledger.engine)
    moved = InProcessLedger(url, chain=ledger.chain, clock=ledger.clock)
    with pytest.raises(Incident, match="restored from a backup of 301 entries and is not released"):
        guard_of(moved).check()
    assert guard_of(moved).compare().size == 300
    SqlPast(engine).release(MADE_AT + 120)
    guard_of(moved).check()
    advance(moved, signer, 5)  # rows that the database numbers go on where they stood
    assert moved.chain.head(moved.domain.log).size == 306
    guard_of(moved).check()
    for each in (ledger.engine, moved.engine, engine):
        each.dispose()


def test_a_backup_while_statements_are_accepted_is_of_one_moment(store_url: str, tmp_path: Path) -> None:
    ledger, signer = sealed_ledger(store_url, 300)
    stop, failures = threading.Event(), []

    def accept() -> None:
        try:
            while not stop.is_set():
                advance(ledger, signer, 20)
        except Exception as failure:
            failures.append(failure)

    thread = threading.Thread(target=accept)
    thread.start()
    manifests = []
    try:
        for number in range(4):
            manifests.append(make(ledger.url, tmp_path / f"{number}.backup"))
    finally:
        stop.set()
        thread.join()
    assert not failures and manifests[-1].entries > 300
    for number, manifest in enumerate(manifests):
        url = f"sqlite:///{tmp_path / f'{number}.db'}"
        engine = fill(url, tmp_path / f"{number}.backup")
        moved = InProcessLedger(url, chain=ledger.chain)
        assert moved.tree.size() == manifest.entries
        guard = guard_of(moved)
        head = ledger.chain.head(ledger.domain.log).size
        if head > manifest.entries:
            with pytest.raises(Incident, match="is behind by"):
                guard.compare()
        elif head > manifest.checkpoint_size:  # made after they were accepted and before they were integrated
            with pytest.raises(Incident, match="under no checkpoint"):
                guard.compare()
        else:
            guard.compare()
        rows = contents(engine)
        assert len(rows["entries"]) == len(rows["contents"]) == manifest.entries
        moved.engine.dispose()
        engine.dispose()
    ledger.engine.dispose()


def test_what_is_damaged_restores_nothing(sample: Path, tmp_path: Path) -> None:
    whole, chance = sample.read_bytes(), random.Random(6)
    url = f"sqlite:///{tmp_path / 'target.db'}"
    places = [0, 3, 30, len(whole) - 1, len(whole) - 22] + [chance.randrange(len(whole)) for _ in range(25)]
    damaged = tmp_path / "damaged.backup"
    for place in places:
        damaged.write_bytes(whole[:place] + bytes((whole[place] ^ 0x20,)) + whole[place + 1 :])
        _refused_or_equal(url, damaged, sample, place)
    for length in [0, 1, 100, len(whole) // 2, len(whole) - 30, len(whole) - 1]:
        damaged.write_bytes(whole[:length])
        with pytest.raises(BackupError):
            fill(url, damaged)
    assert is_empty(url)


def _refused_or_equal(url: str, damaged: Path, sample: Path, place: int) -> None:
    """A bit that means nothing to a ZIP reader (a date, an attribute) may be passed over; a row may not."""
    try:
        with open_backup(damaged) as backup:
            backup.verify()
            assert {name: list(backup.rows(name)) for name in backup.manifest.tables} == _rows(sample), place
    except BackupError as refused:
        assert "\n" not in str(refused)
        with pytest.raises(BackupError):
            fill(url, damaged)


def _rows(path: Path) -> dict[str, list[tuple]]:
    with open_backup(path) as backup:
        return {name: list(backup.rows(name)) for name in backup.manifest.tables}


def test_rows_that_do_not_have_the_manifest_s_digest_restore_nothing(sample: Path, tmp_path: Path) -> None:
    """Not damage but intent: a ZIP that is whole by its own checks."""
    url = f"sqlite:///{tmp_path / 'target.db'}"
    with zipfile.ZipFile(sample) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    entries = members["entries.rows"]
    for forged in (entries[:-1] + bytes((entries[-1] ^ 1,)), entries + entries[-295:], entries[:-295], b"\xff" * 64):
        _write(tmp_path / "forged.backup", members | {"entries.rows": forged})
        with pytest.raises(BackupError, match="damaged: entries"):
            fill(url, tmp_path / "forged.backup")
    del members["contents.rows"]
    _write(tmp_path / "forged.backup", members)
    with pytest.raises(BackupError, match="damaged: contents"):
        fill(url, tmp_path / "forged.backup")
    assert is_empty(url)


def _write(path: Path, members: dict[str, bytes]) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": "huzheng backup 2"}, "has the format 'huzheng backup 2', this version reads"),
        ({"revision": "9999"}, "schema revision '9999', this version has"),
        ({"tables": {}}, "other columns"),
        ({"unknown": 1}, "is no backup or a damaged one"),
        ({"entries": "many"}, "is no backup or a damaged one"),
    ],
)
def test_another_version_is_refused(sample: Path, tmp_path: Path, changes: dict, message: str) -> None:
    with zipfile.ZipFile(sample) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members[MANIFEST] = json.dumps(json.loads(members[MANIFEST]) | changes).encode()
    _write(tmp_path / "other.backup", members)
    url = f"sqlite:///{tmp_path / 'target.db'}"
    with pytest.raises(BackupError, match=message):
        fill(url, tmp_path / "other.backup")
    assert is_empty(url)


def test_only_an_empty_database_is_filled(sample: Path, store_url: str) -> None:
    fill(store_url, sample).dispose()
    with pytest.raises(BackupError, match="the database is not empty, its table "):
        fill(store_url, sample)


def test_a_restored_copy_keeps_no_lease_and_knows_where_it_came_from(sample: Path, store_url: str) -> None:
    engine = fill(store_url, sample)
    restored = SqlPast(engine).open_restore()
    assert restored is not None and (restored.entries, restored.made_at) == (ENTRIES, MADE_AT)
    assert {"anchorer", "prefixes", "sessions"} == NOT_KEPT and schema.metadata.tables.keys() > NOT_KEPT
    with engine.connect() as connection:
        rows = connection.execute(select(schema.anchorer)).all()
    assert all(not row.compared and not row.holder for row in rows)
    engine.dispose()


def test_a_backup_takes_no_other_file_s_place_and_leaves_nothing_half(sample: Path, tmp_path: Path) -> None:
    path, before = tmp_path / "taken.backup", b"another file"
    path.write_bytes(before)
    with pytest.raises(WrongInput, match="exists already"):
        make(f"sqlite:///{sample.parent / 'ledger.db'}", path)
    assert path.read_bytes() == before
    empty = tmp_path / "empty.db"
    sqlite3.connect(empty).close()
    empty.touch()
    with pytest.raises(BackupError, match="does not hold a ledger"):
        make(f"sqlite:///{empty}", tmp_path / "none.backup")
    open_database(f"sqlite:///{tmp_path / 'unclaimed.db'}").dispose()
    with pytest.raises(BackupError, match="holds no log yet"):
        make(f"sqlite:///{tmp_path / 'unclaimed.db'}", tmp_path / "none.backup")
    assert not list(tmp_path.glob("*none*")) and not list(tmp_path.glob(".*none*"))
    assert sample.stat().st_mode & 0o777 == 0o600
