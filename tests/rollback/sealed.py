"""A log in process with two full tiles and a tail, whose head the contract holds; and ways to change its database."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, select, text

from anchors.chain.port import ChainIdentity
from ledger_service.storage import schema
from ledger_service.storage.bulk import insert_rows
from ledger_service.storage.database import begin_writing
from ledger_service.storage.past import SqlPast
from ledger_service.usecases.guard import Guard
from tests.fakes.chain import REGISTRY, WITNESS
from tests.fixtures.signer import Signer
from tests.usecases.world import InProcessLedger

ENTRIES = 600
FIRST_CHECKPOINT = 250
"""Before the first full tile: a database whose newest checkpoint is this one has none."""

Change = Callable[[Connection], None]


def guard_of(ledger: InProcessLedger) -> Guard:
    """The guard that a service which starts now would make."""
    identity = ledger.chain.identity()
    return Guard(
        ledger.chain,
        ledger.tree,
        ledger.view,
        SqlPast(ledger.engine),
        ChainIdentity(identity.chain_id, identity.genesis),
        (REGISTRY, WITNESS),
        ledger.domain.log,
    )


def advance(ledger: InProcessLedger, signer: Signer, count: int) -> None:
    """Accept `count` statements, integrate them, have them witnessed and final."""
    for begin in range(0, count, 100):
        results = ledger.submit(*(signer.issued().wire for _ in range(min(100, count - begin))))
        assert all(hasattr(result, "index") for result in results), results
    settle(ledger)


def settle(ledger: InProcessLedger) -> None:
    """Integrate, witness and follow until nothing moves."""
    while ledger.integrator.run_once():
        pass
    for _ in range(3):
        ledger.witnesser.run_once()
        ledger.chain.mine()
        ledger.follower.run_once()
    ledger.witnesser.run_once()


def sealed_ledger(url: str, entries: int = ENTRIES) -> tuple[InProcessLedger, Signer]:
    """A log of so many entries under two checkpoints, and its hospital's signer."""
    ledger = InProcessLedger(url)
    signer = ledger.found()
    ledger.follower.run_once()
    advance(ledger, signer, min(entries, FIRST_CHECKPOINT))
    advance(ledger, signer, max(0, entries - FIRST_CHECKPOINT))
    assert ledger.chain.head(ledger.domain.log).size == entries
    return ledger, signer


def change(*statements: str) -> Change:
    """Run these; each must hit something."""

    def run(connection: Connection) -> None:
        for statement in statements:
            assert connection.execute(text(statement)).rowcount > 0, statement

    return run


@contextmanager
def changed(ledger: InProcessLedger, how: Change) -> Iterator[None]:
    """The database with this change, and as it was afterwards."""
    tables = list(schema.metadata.tables.values())
    with ledger.engine.connect() as connection:
        before = {table.name: [tuple(row) for row in connection.execute(select(table))] for table in tables}
    with begin_writing(ledger.engine) as connection:
        how(connection)
    try:
        yield
    finally:
        with begin_writing(ledger.engine) as connection:
            for table in tables:
                connection.execute(table.delete())
                insert_rows(connection, table, before[table.name])
