"""The service is killed at every named step; after each restart the whole ledger is checked.

Each case proves that its step was reached: the process left the step's name behind and died of SIGKILL at that moment,
or, where a write persisted and was reported as failed, lived on.
"""

import signal
import time
from collections.abc import Iterator

import pytest

from tests.crashes.dying_ledger import FINALITY_BLOCKS, WITHIN_SECONDS, DyingLedger, running_dying_ledger
from tests.crashes.steps import STEPS
from tests.fixtures.chain import ScratchChain
from tests.fixtures.ledger import database_of

SURVIVED = ("persisted-but-failed", "sent-but-failed")


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def ledger(
    request: pytest.FixtureRequest, module_chain: ScratchChain, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[DyingLedger]:
    """One ledger a database; it dies again and again."""
    folder = tmp_path_factory.mktemp("crashes")
    server = lambda: request.getfixturevalue("postgres_server")  # noqa: E731
    with (
        database_of(request.param, folder, server) as database,
        running_dying_ledger(module_chain, folder, database) as running,
    ):
        yield running


def _provoke(ledger: DyingLedger, step: str) -> None:
    """Do what brings the service to the step, until it was reached."""
    if step == "accept/after-answer":
        assert ledger.send_something()
        ledger.service.kill()
        return
    ledger.orders.give(step)
    deadline = time.monotonic() + WITHIN_SECONDS
    while not ledger.orders.reached():
        assert time.monotonic() < deadline, f"{step} was not reached: {ledger.service.tail()}"
        ledger.send_something()
        if step.startswith("follow/roll-back"):
            time.sleep(0.3)  # the head is witnessed, and followed
            ledger.chain.reorg(FINALITY_BLOCKS - 1)
        else:
            ledger.chain.mine()
        time.sleep(0.02)
    assert ledger.orders.reached() == step
    if not step.endswith(SURVIVED):
        assert ledger.service.ended(WITHIN_SECONDS) == -signal.SIGKILL


@pytest.mark.timeout(150)
@pytest.mark.parametrize("step", STEPS)
def test_whoever_dies_here_loses_nothing(ledger: DyingLedger, step: str) -> None:
    ledger.start()
    _provoke(ledger, step)
    ledger.orders.take_back()
    ledger.start()
    ledger.send_everything_again()
    ledger.wait_until_final()
    ledger.check_everything()
