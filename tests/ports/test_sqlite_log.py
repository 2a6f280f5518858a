"""SQLite's write-ahead log stays short, whoever writes and whoever reads."""

import os
from itertools import pairwise
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from ledger_service.storage import database
from ledger_service.storage.database import begin_writing, open_database

KIB = 2**10
ALLOWED = 512 * KIB
ONE_WRITE = 64 * KIB


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(database, "SQLITE_LOG_BYTES", ALLOWED)
    monkeypatch.setattr(database, "SQLITE_SHORTEN_SECONDS", 0.01)
    return tmp_path / "ledger.sqlite"


@pytest.fixture
def writers(path: Path) -> list[Engine]:
    """Two of them, as two processes are: each with its own connections."""
    return [open_database(f"sqlite:///{path}") for _ in range(2)]


def write(engine: Engine) -> None:
    with begin_writing(engine) as connection:
        connection.execute(text("CREATE TABLE IF NOT EXISTS filling (octets BLOB)"))
        connection.execute(text("DELETE FROM filling"))
        connection.execute(text(f"INSERT INTO filling VALUES (randomblob({ONE_WRITE}))"))


def log_bytes(path: Path) -> int:
    return os.stat(f"{path}-wal").st_size


def test_it_begins_anew_while_two_write_in_turn(path: Path, writers: list[Engine]) -> None:
    sizes = []
    for number in range(40):
        write(writers[number % 2])
        sizes.append(log_bytes(path))
    assert max(sizes) < ALLOWED + 4 * ONE_WRITE
    assert sum(later < earlier for earlier, later in pairwise(sizes)) >= 2


def test_who_reads_for_long_holds_nobody_up_and_it_is_short_again_afterwards(path: Path, writers: list[Engine]) -> None:
    write(writers[0])
    with writers[0].connect() as reading:
        reading.exec_driver_sql("BEGIN")
        before = reading.exec_driver_sql("SELECT octets FROM filling").scalar_one()
        for number in range(40):
            write(writers[number % 2])
        assert log_bytes(path) > 2 * ALLOWED
        assert reading.exec_driver_sql("SELECT octets FROM filling").scalar_one() == before
        reading.exec_driver_sql("COMMIT")
    # Looked at again once it has grown by as much as is allowed.
    for number in range(4 * ALLOWED // ONE_WRITE):
        write(writers[number % 2])
    assert log_bytes(path) < 2 * ALLOWED
