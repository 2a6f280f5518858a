"""A final block left the chain, and the process that found it died at once: the next one knows all the same."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.crashes.dying_ledger import FINALITY_BLOCKS, WITHIN_SECONDS, DyingLedger, running_dying_ledger
from tests.fixtures.chain import ScratchChain
from tests.fixtures.ledger import database_of


@pytest.fixture(params=["sqlite", "postgresql"])
def ledger(request: pytest.FixtureRequest, chain: ScratchChain, tmp_path: Path) -> Iterator[DyingLedger]:
    """A ledger of its own: it does not recover."""
    server = lambda: request.getfixturevalue("postgres_server")  # noqa: E731
    with database_of(request.param, tmp_path, server) as url, running_dying_ledger(chain, tmp_path, url) as running:
        yield running


def test_an_incident_outlives_the_process_that_met_it(ledger: DyingLedger) -> None:
    ledger.start()
    assert ledger.send_something()
    ledger.wait_until_final()
    ledger.orders.give("follow/roll-back/after-commit")
    ledger.chain.reorg(2 * FINALITY_BLOCKS)
    assert ledger.service.ended(WITHIN_SECONDS) == -signal.SIGKILL and ledger.orders.reached()
    ledger.start_and_hear("was final and has left the chain")
    assert not ledger.send_something(), "it promises in spite of the incident"
    ledger.service.kill()
    ledger.start_and_hear("was final and has left the chain")
