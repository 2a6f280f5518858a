"""The thread that commits: it outlives whoever stops waiting, a group of many requests, and an orderly end."""

from collections.abc import Iterator
from concurrent.futures import Future, wait
from contextlib import AbstractContextManager, suppress
from pathlib import Path

import pytest

from anchors.core.typed_data import Domain, log_id
from ledger_service import problems
from ledger_service.problems import Refused
from ledger_service.storage.database import open_database
from ledger_service.storage.identity import LogIdentity, claim_log
from ledger_service.storage.ledger import SqlLedger, SqlSequencing
from ledger_service.usecases import accept
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


class CountingLedger(SqlLedger):
    """A ledger that counts its transactions."""

    transactions = 0

    def sequencing(self) -> AbstractContextManager[SqlSequencing]:
        self.transactions += 1
        return super().sequencing()


@pytest.fixture
def counting(ledger: SqlLedger) -> Iterator[tuple[CountingLedger, GroupCommit]]:
    """The thread at work on a ledger that counts."""
    counting = CountingLedger(ledger._engine)
    commit = GroupCommit(Door(counting, DOMAIN, b"\x03" * 32, 600, lambda: 1_000))
    yield counting, commit
    commit.close()


def test_those_on_their_way_are_waited_for_and_share_a_transaction(
    counting: tuple[CountingLedger, GroupCommit], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accept, "LONGEST_WAIT_SECONDS", 60.0)
    ledger, commit = counting
    with commit.expecting(), suppress(Refused), commit.expecting():
        futures = [submit(commit), submit(commit)]
        wait([futures[0]], 0.1)
        assert ledger.transactions == 0
        raise Refused(problems.MALFORMED_REQUEST, "one of them never comes")
    assert [len(future.result(10).results) for future in futures] == [1, 1]
    assert ledger.transactions == 1


def test_enough_statements_wait_for_nobody(
    counting: tuple[CountingLedger, GroupCommit], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accept, "LONGEST_WAIT_SECONDS", 60.0)
    monkeypatch.setattr(accept, "ENOUGH_STATEMENTS", 3)
    commit = counting[1]
    with commit.expecting():
        futures = [submit(commit) for _ in range(3)]
        assert len(futures[-1].result(10).results) == 1


def test_whoever_never_comes_is_not_waited_for_long(
    counting: tuple[CountingLedger, GroupCommit], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accept, "LONGEST_WAIT_SECONDS", 0.05)
    with counting[1].expecting():
        assert len(submit(counting[1]).result(10).results) == 1


def test_it_ends_with_everything_answered(ledger: SqlLedger) -> None:
    commit = GroupCommit(Door(ledger, DOMAIN, b"\x03" * 32, 600, lambda: 1_000))
    futures = [submit(commit) for _ in range(20)]
    commit.close()
    assert all(future.done() for future in futures)
