"""What SQLite itself answers where no disk can be made to fail: each is told in words, and nothing is lost."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Engine, event

from ledger_service.storage.ledger import SqlLedger
from ledger_service.storage.reader import SqlReader
from ledger_service.usecases.ports import StoreUnavailable
from ledger_service.usecases.writable import SHOWN_SECONDS, WatchedLedger
from tests.usecases.world import InProcessLedger


@contextmanager
def _no_more_pages(engine: Engine) -> Iterator[None]:
    """The database may not grow: SQLite says what it says of a full disk."""

    def limit(connection: sqlite3.Connection, *_: object) -> None:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages}")

    event.listen(engine, "connect", limit)
    engine.dispose()
    try:
        yield
    finally:
        event.remove(engine, "connect", limit)
        engine.dispose()


def test_a_full_disk_loses_nothing_that_was_promised(sqlite_url: str) -> None:
    ledger = InProcessLedger(sqlite_url)
    signer = ledger.found()
    ledger.follower.run_once()
    promised, waiting = {}, []
    with _no_more_pages(ledger.engine), pytest.raises(StoreUnavailable, match=r"^database: the disk is full; free"):
        while len(promised) < 10_000:
            waiting.append(signer.issued())
            (accepted,) = ledger.submit(waiting[-1].wire)
            promised[waiting.pop().id] = accepted.index
    assert promised and len(waiting) == 1, "it was full at once, or never"
    (accepted,) = ledger.submit(waiting[0].wire)
    promised[waiting[0].id] = accepted.index
    assert sorted(promised.values()) == list(range(len(promised))), "an index was lost, or given twice"
    reader = SqlReader(ledger.engine)
    assert {id: reader.statement(id).index for id in promised} == promised


def test_a_damaged_file_is_told_in_one_line(tmp_path: Path) -> None:
    file = tmp_path / "ledger.db"
    ledger = InProcessLedger(f"sqlite:///{file}")
    signer = ledger.found()
    ledger.follower.run_once()
    ledger.submit(*(signer.issued().wire for _ in range(20)))
    ledger.engine.dispose()
    with closing(sqlite3.connect(file)) as connection:
        page_bytes = connection.execute("PRAGMA page_size").fetchone()[0]
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with file.open("r+b") as damaged:
        damaged.seek(page_bytes)
        damaged.write(b"\xff" * (os.stat(file).st_size - page_bytes))
    with pytest.raises(StoreUnavailable, match=r"^database: the file is damaged; stop"):
        ledger.submit(signer.issued().wire)


def test_a_failure_of_the_door_is_shown_until_it_works_or_is_old(sqlite_url: str) -> None:
    ledger, seconds = InProcessLedger(sqlite_url), [0.0]
    watched = WatchedLedger(SqlLedger(ledger.engine), lambda: seconds[0])
    assert watched.problem == ""

    def fail() -> None:
        with pytest.raises(StoreUnavailable), watched.sequencing():
            raise StoreUnavailable("database: made by the test")

    fail()
    assert watched.problem == "database: made by the test"
    with watched.sequencing():
        pass
    assert watched.problem == ""
    fail()
    seconds[0] = SHOWN_SECONDS
    assert watched.problem == ""
    with pytest.raises(ValueError, match="a defect"), watched.sequencing():
        raise ValueError("a defect is no fault of the database")
    assert watched.problem == ""
