"""One suite for the anchorer's lease and its fence, over SQLite and over PostgreSQL: one holder at a time, and whoever
lost it writes nothing."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from sqlalchemy import Engine, insert, select, text, update

from anchors.chain.port import Block
from ledger_service.storage import schema
from ledger_service.storage.chain_view import SqlChainView
from ledger_service.storage.database import open_database
from ledger_service.storage.identity import LogIdentity, claim_log
from ledger_service.storage.lease import SqlLease, anchorer_name, begin_fenced, read_standing
from ledger_service.storage.outbox import SqlOutbox
from ledger_service.storage.tree import SqlTree
from ledger_service.usecases.ports import (
    ChainStatus,
    Fence,
    FollowedBlocks,
    LeaseLost,
    OutgoingTransaction,
    SignedCheckpoint,
    Standing,
    StoreUnavailable,
    WorkerStanding,
)

IDENTITY = LogIdentity("ledger.example/lease", 31337, b"\x01" * 32, b"\x02" * 20, b"\x03" * 20)
LOG = b"\x04" * 32
SECONDS = 3_600.0
"""Nothing here waits for a lease to run out: `expire` does that."""
CHECKPOINT = SignedCheckpoint(3, b"\x05" * 32, b"note", b"\x06" * 65, 100)
BLOCK = Block(7, b"\x07" * 32, b"\x08" * 32, 100)
NEXT_BLOCK = Block(8, b"\x0a" * 32, BLOCK.hash, 101)


@pytest.fixture
def url(store_url: str) -> str:
    """The database as the service's setting names it."""
    return store_url.replace("postgresql+psycopg:", "postgresql:")


@pytest.fixture
def candidate(url: str) -> Iterator[Callable[[str], SqlLease]]:
    """Makes candidates, each with connections of its own, as processes have them."""
    engines: list[Engine] = []

    def make(name: str) -> SqlLease:
        engine = open_database(url, anchorer_name(name))
        engines.append(engine)
        claim_log(engine, IDENTITY)
        return SqlLease(engine, name, SECONDS)

    yield make
    for engine in engines:
        engine.dispose()


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    """The database, as an API process opens it."""
    engine = open_database(url)
    claim_log(engine, IDENTITY)
    yield engine
    engine.dispose()


def expire(engine: Engine, expires_at: int = 0) -> None:
    """Set when the lease runs out, as time would."""
    with begin_fenced(engine, None) as connection:
        connection.execute(update(schema.anchorer).values(expires_at=expires_at))


def followed(block: Block) -> FollowedBlocks:
    return FollowedBlocks([block], [], [], {}, ChainStatus(block, block.number))


def a_transaction(nonce: int = 0) -> OutgoingTransaction:
    return OutgoingTransaction(0, b"\x0b" * 20, 0, 3, nonce, bytes([nonce]) * 32, b"raw", 2, 1, 100)


def everything(engine: Engine) -> dict[str, list]:
    """All that an anchorer writes, as it stands."""
    tables = (schema.anchorer, schema.tiles, schema.checkpoints, schema.outbox, schema.blocks, schema.chain)
    with engine.connect() as connection:
        return {table.name: [tuple(row) for row in connection.execute(select(table))] for table in tables}


# Who holds it


def test_before_the_first_term_nobody_is_the_anchorer(engine: Engine) -> None:
    assert read_standing(engine) == Standing()
    assert not read_standing(engine).held


def test_one_holds_it_and_the_others_wait(candidate: Callable[[str], SqlLease], engine: Engine) -> None:
    first, second = candidate("first"), candidate("second")
    assert first.take() == Fence(1)
    assert second.take() is None and first.take() is None
    standing = read_standing(engine)
    assert (standing.term, standing.holder, standing.held) == (1, "first", True)
    assert 0 < standing.remaining_seconds <= SECONDS


def test_it_is_taken_over_when_it_ran_out_and_not_while_it_is_renewed(
    candidate: Callable[[str], SqlLease], engine: Engine
) -> None:
    first, second = candidate("first"), candidate("second")
    fence = first.take()
    expire(engine)
    assert not read_standing(engine).held
    first.renew(fence, [WorkerStanding("follow", "no answer")])
    assert read_standing(engine).workers == (WorkerStanding("follow", "no answer"),)
    assert second.take() is None, "renewed late, but before anybody else came"
    expire(engine)
    assert second.take() == Fence(2)
    assert read_standing(engine) == replace(
        Standing(2, "second", compared=False, caught_up=False), remaining_seconds=pytest.approx(SECONDS, abs=60)
    )


def test_given_back_it_is_free_at_once(candidate: Callable[[str], SqlLease], engine: Engine) -> None:
    first, second = candidate("first"), candidate("second")
    first.give_back(first.take())
    assert (read_standing(engine).held, read_standing(engine).holder) == (False, "")
    assert second.take() == Fence(2)


def test_of_many_who_come_at_once_one_gets_it(candidate: Callable[[str], SqlLease], engine: Engine) -> None:
    candidates = [candidate(f"number {number}") for number in range(5)]
    for term in range(1, 6):
        together, taken = threading.Barrier(len(candidates)), []

        def come(one: SqlLease, together: threading.Barrier = together, taken: list = taken) -> None:
            together.wait()
            taken.append(one.take())

        threads = [threading.Thread(target=come, args=(one,)) for one in candidates]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(fence is not None for fence in taken) == [False] * 4 + [True]
        assert read_standing(engine).term == term
        expire(engine)


def test_a_clock_that_was_set_back_keeps_no_dead_holder(candidate: Callable[[str], SqlLease], engine: Engine) -> None:
    first, second = candidate("first"), candidate("second")
    first.take()
    expire(engine, expires_at=2**52)
    assert second.take() == Fence(2)


# What it tells


def test_what_a_term_found_out_ends_with_it(candidate: Callable[[str], SqlLease], engine: Engine) -> None:
    first, second = candidate("first"), candidate("second")
    fence = first.take()
    first.passed_guard(fence)
    first.reached_tip(fence)
    assert (read_standing(engine).compared, read_standing(engine).caught_up) == (True, True)
    expire(engine)
    second.take()
    assert (read_standing(engine).compared, read_standing(engine).caught_up) == (False, False)


def test_going_back_in_the_chain_takes_caught_up_away(candidate: Callable[[str], SqlLease], engine: Engine) -> None:
    lease = candidate("first")
    fence = lease.take()
    view = SqlChainView(engine, LOG, fence)
    view.add(followed(BLOCK))
    lease.reached_tip(fence)
    view.roll_back(6)
    assert not read_standing(engine).caught_up
    lease.reached_tip(fence)
    assert read_standing(engine).caught_up


def test_an_incident_outlives_a_death_and_ends_when_a_person_stops_the_holder(
    candidate: Callable[[str], SqlLease], engine: Engine
) -> None:
    first, second = candidate("first"), candidate("second")
    first.met_incident(first.take(), "witness: stopped: two heads")
    expire(engine)
    fence = second.take()
    assert read_standing(engine).incident == "witness: stopped: two heads"
    second.give_back(fence)
    assert read_standing(engine).incident == ""


# The fence


@pytest.mark.parametrize(
    "write",
    [
        lambda engine, fence: SqlTree(engine, fence).add_checkpoint([], CHECKPOINT, 0),
        lambda engine, fence: SqlOutbox(engine, fence).add(a_transaction()),
        lambda engine, fence: SqlOutbox(engine, fence).close(1, "mined", 1),
        lambda engine, fence: SqlChainView(engine, LOG, fence).add(followed(NEXT_BLOCK)),
        lambda engine, fence: SqlChainView(engine, LOG, fence).roll_back(3),
        lambda engine, fence: SqlLease(engine, "first", SECONDS).renew(fence, []),
        lambda engine, fence: SqlLease(engine, "first", SECONDS).passed_guard(fence),
        lambda engine, fence: SqlLease(engine, "first", SECONDS).reached_tip(fence),
        lambda engine, fence: SqlLease(engine, "first", SECONDS).met_incident(fence, "nothing"),
        lambda engine, fence: SqlLease(engine, "first", SECONDS).give_back(fence),
    ],
    ids=[
        "checkpoint", "outbox add", "outbox close", "chain add", "chain roll back",
        "renew", "guard", "tip", "incident", "give back",
    ],
)  # fmt: skip
def test_whoever_lost_it_writes_nothing(
    candidate: Callable[[str], SqlLease], engine: Engine, write: Callable[[Engine, Fence], object]
) -> None:
    first, second = candidate("first"), candidate("second")
    lost = first.take()
    SqlOutbox(engine, lost).add(a_transaction(nonce=1))
    SqlChainView(engine, LOG, lost).add(followed(BLOCK))
    expire(engine)
    held = second.take()
    before = everything(engine)
    with pytest.raises(LeaseLost, match="term 1 of the anchorer's lease is over"):
        write(engine, lost)
    assert everything(engine) == before
    write(engine, held)
    assert everything(engine) != before, "the holder can do what the other could not"


def test_a_term_that_nobody_had_is_no_fence(engine: Engine) -> None:
    with pytest.raises(LeaseLost):
        SqlOutbox(engine, Fence(1)).add(a_transaction())


@contextmanager
def _hanging(engine: Engine, fence: Fence) -> Iterator[list[BaseException]]:
    """A holder that was stopped in the middle of a write, and wakes up at the end of the block: what it meets then."""
    began, wake, met = threading.Event(), threading.Event(), []

    def write() -> None:
        try:
            with begin_fenced(engine, fence) as connection:
                connection.execute(insert(schema.blocks).values(tuple(vars(BLOCK).values())))
                began.set()
                wake.wait(60)
                connection.execute(text("SELECT 1"))
        except BaseException as error:
            met.append(error)

    thread = threading.Thread(target=write)
    thread.start()
    assert began.wait(60)
    try:
        yield met
    finally:
        wake.set()
        thread.join()


def _take_over(lease: SqlLease) -> Fence:
    deadline = time.monotonic() + 30
    while (fence := lease.take()) is None:
        assert time.monotonic() < deadline, "the hanging holder is waited for"
        time.sleep(0.05)
    return fence


def test_a_holder_that_hangs_in_a_transaction_is_not_waited_for(postgres_url: str) -> None:
    """On SQLite nobody can end another's transaction; there all processes are on one machine, and a person can."""
    url = postgres_url.replace("postgresql+psycopg:", "postgresql:")
    engines = [open_database(url, anchorer_name(name)) for name in ("first", "second")]
    claim_log(engines[0], IDENTITY)
    first, second = (SqlLease(engine, name, SECONDS) for engine, name in zip(engines, ("first", "second"), strict=True))
    fence = first.take()
    expire(engines[1])
    with _hanging(engines[0], fence) as met:
        assert _take_over(second) == Fence(2)
    assert len(met) == 1, "what it wrote was lost with its connection"
    assert SqlChainView(engines[1], LOG).recent_blocks() == []
    with pytest.raises((LeaseLost, StoreUnavailable)):
        first.renew(fence, [])
    for engine in engines:
        engine.dispose()
