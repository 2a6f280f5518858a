"""Validators stop, one after the other, until the chain stalls; they come back, and everything is final.

On the network without fees, where nobody owns anything: the contracts, the registry's acts and every head cost nothing.
"""

import time
from pathlib import Path

import pytest

from tests.fixtures.signer import Signed
from tests.validators.network import BUILD_AND_TEST_SECONDS, Network
from tests.validators.town import PROMISE_SECONDS, Town, running_town

STALL_SECONDS = PROMISE_SECONDS + 4
pytestmark = pytest.mark.timeout(BUILD_AND_TEST_SECONDS)


def _stop_until_it_stalls(town: Town) -> Signed:
    """Gives a statement that the stall made overdue."""
    network = town.network
    network[3].stop()
    signed = town.senders.newest()
    town.wait_for_state(signed, "final")
    assert town.reasons() == [], "one validator fewer is no event"
    network[0].kill()  # the one that the service prefers to ask
    network.wait_for("the stall", lambda: _stands_still(network))
    signed = town.senders.newest()
    found = town.wait_for_state(signed, "integrated")
    assert found["overdue"] is False and found["head"] is None
    deadline = time.monotonic() + STALL_SECONDS
    while time.monotonic() < deadline:
        found = town.ledger.get(f"/v1/statements/{signed.name}", token=True).json()
        assert found["state"] == "integrated", "nothing is witnessed while the chain stands still"
        time.sleep(0.5)
    assert found["overdue"] is True
    assert town.senders.put_off == 0, "whatever the chain does not do, statements are accepted"
    assert any("overdue" in reason for reason in town.reasons()), town.reasons()
    return signed


def _stands_still(network: Network) -> bool:
    before = network.height()
    time.sleep(4)
    return network.height() == before


def _kill_one_after_the_other(town: Town) -> None:
    """One at a time, so the chain goes on; each has to come back on what its database holds."""
    for validator in town.network.validators[:2]:
        validator.kill()
        town.network.wait_blocks(2)
        town.network.restart(validator)
        town.network.wait_for("its blocks", lambda one=validator: one.height >= town.network.height() - 1)


def _cut_the_power(town: Town) -> None:
    network = town.network
    height, name = (block := network[1].block(network[1].height - 4))["number"], block["hash"]
    for validator in network.validators:
        validator.kill()
    town.senders.newest()
    network.restart(*network.validators)
    assert all(validator.block(int(height, 16))["hash"] == name for validator in network.validators)


def test_everything_is_final_after_stalls_kills_and_a_power_failure(free_network: Network, tmp_path: Path) -> None:
    with running_town(free_network, tmp_path, f"sqlite:///{tmp_path / 'ledger.db'}", "stalls") as town:
        with town.senders.at_work():
            assert town.wait_for_state(town.senders.newest(), "final")["overdue"] is False
            late = _stop_until_it_stalls(town)
            free_network.restart(free_network[0], free_network[3])
            town.wait_for_state(town.senders.newest(), "final")
            assert town.wait_for_state(late, "final")["overdue"] is True, "a broken promise stays one"
            _kill_one_after_the_other(town)
            _cut_the_power(town)
            town.wait_for_state(town.senders.newest(), "final")
        town.settle()
        town.check_everything()
