"""The thread that commits: it outlives whoever stops waiting, a group of many requests, and an orderly end."""

from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path

import pytest

from anchors.core.typed_data import Domain, log_id
from ledger_service import problems
from ledger_service.problems import Refused
from ledger_service.storage.database import open_database
from ledger_service.storage.identity import LogIdentity, claim_log
from ledger_service.storage.ledger import SqlLedger
from ledger_service.usecases.accept import WAITING_REQUESTS, Answer, Door, GroupCommit
from ledger_service.usecases.check import Rejected

DOMAIN = Domain(31337, b"\x01" * 20, log_id("ledger.example/group"))
REQUEST = [Rejected(None, Refused(problems.MALFORMED_STATEMENT, "synthetic"))]


def submit(commit: GroupCommit) -> "Future[Answer]":
    """One request that waits for its answer."""
    future: Future[Answer] = Future()
    commit.submit(REQUEST, future)
    return future


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[SqlLedger]:
    """A ledger of its own, without a service."""
    engine = open_database(f"sqlite:///{tmp_path / 'ledger.db'}")
    claim_log(engine, LogIdentity("ledger.example/group", 31337, bytes(32), DOMAIN.registry, b"\x02" * 20))
    yield SqlLedger(engine)
    engine.dispose()


@pytest.fixture
def commit(ledger: SqlLedger) -> Iterator[GroupCommit]:
    """The thread at work."""
    commit = GroupCommit(Door(ledger, DOMAIN, b"\x03" * 32, 600, lambda: 1_000))
    yield commit
    commit.close()


def test_whoever_stops_waiting_does_not_stop_the_others(ledger: SqlLedger, commit: GroupCommit) -> None:
    with ledger.sequencing():  # the thread waits for the lock
        futures = [submit(commit) for _ in range(5)]
        for future in futures[:3]:
            future.cancel()
    assert len(submit(commit).result(10).results) == 1
    assert all(future.done() for future in futures)


def test_past_the_bound_it_says_busy_and_loses_nothing(ledger: SqlLedger, commit: GroupCommit) -> None:
    waiting = []
    with ledger.sequencing(), pytest.raises(Refused, match="busy"):
        for _ in range(2 * WAITING_REQUESTS):
            waiting.append(submit(commit))
    assert len(waiting) >= WAITING_REQUESTS
    assert all(len(future.result(30).results) == 1 for future in waiting)


def test_it_ends_with_everything_answered(ledger: SqlLedger) -> None:
    commit = GroupCommit(Door(ledger, DOMAIN, b"\x03" * 32, 600, lambda: 1_000))
    futures = [submit(commit) for _ in range(20)]
    commit.close()
    assert all(future.done() for future in futures)
