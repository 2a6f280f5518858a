"""A validator that is cut off forks the chain; a service that believed it is put right when they meet again.

On the network with fees, through one node alone: the one that is cut off.
"""

import time
from pathlib import Path
from typing import Any

import pytest

from tests.validators.network import BUILD_AND_TEST_SECONDS, Network
from tests.validators.node import Validator
from tests.validators.seals import signer_of
from tests.validators.town import Town, running_town

TRIES = 10
LONE_BLOCK_SECONDS = 4
HELD_SECONDS = 4
pytestmark = pytest.mark.timeout(BUILD_AND_TEST_SECONDS)


def test_a_head_on_a_fork_is_never_final_and_is_witnessed_again(fee_network: Network, tmp_path: Path) -> None:
    alone = fee_network[0]
    database = f"sqlite:///{tmp_path / 'ledger.db'}"
    with running_town(fee_network, tmp_path, database, "forks", endpoints=[alone.url]) as town:
        with town.senders.at_work():
            town.wait_for_state(town.senders.newest(), "final")
            lone, on_fork = _fork_with_a_head(town, alone)
            _hold(town, lone, on_fork["head"])
            fee_network.heal(alone)
            fee_network.wait_for("its return", lambda: _is_replaced(fee_network, alone, lone))
            for found in (town.wait_for_state(signed, "final") for signed, _ in town.senders.sent[-1:]):
                assert found["head"]["final"]
            again = town.ledger.get(f"/v1/statements/{on_fork['statement']}", token=True).json()
            assert again["state"] == "final" and again["index"] == on_fork["index"]
            assert again["head"]["blockHash"] != lone["hash"]
        town.settle()
        town.check_everything()


def _fork_with_a_head(town: Town, alone: Validator) -> tuple[dict[str, Any], dict[str, Any]]:
    """A block that nobody else has and that moved the head, and a statement which that head covers first.

    Chance decides whether a validator that is cut off seals its one block, and whether a head is in it: so several
    tries."""
    for _ in range(TRIES):
        town.network.wait_for("its turn and a head on its way", lambda: _may_seal_a_head(alone), 30)
        town.network.part(alone)
        deadline, height = time.monotonic() + LONE_BLOCK_SECONDS, alone.height
        while time.monotonic() < deadline and alone.height == height:
            time.sleep(0.1)
        lone = alone.block("latest")
        if signer_of(lone) == alone.address and int(lone["number"], 16) > height:
            covered = town.covered_in(lone["hash"])
            if covered is not None:
                return lone, covered
        town.network.heal(alone)
        town.network.wait_blocks(2)
    raise AssertionError(f"no fork with a head in {TRIES} tries")


def _may_seal_a_head(alone: Validator) -> bool:
    """It sealed neither of the last two blocks, and a transaction waits."""
    height, waiting = alone.height, int(alone.rpc("txpool_status")["pending"], 16)
    return waiting > 0 and all(signer_of(alone.block(number)) != alone.address for number in (height, height - 1))


def _hold(town: Town, lone: dict[str, Any], head: dict[str, Any]) -> None:
    """The fork stands still. Its head is shown as what it is: witnessed, not final."""
    assert head["final"] is False
    deadline = time.monotonic() + HELD_SECONDS
    while time.monotonic() < deadline:
        newest_final = town.ledger.get("/v1/heads/final").json()
        assert newest_final["blockNumber"] < int(lone["number"], 16)
        time.sleep(0.2)


def _is_replaced(network: Network, alone: Validator, lone: dict[str, Any]) -> bool:
    number = int(lone["number"], 16)
    found = alone.block(number)["hash"]
    return found != lone["hash"] and found == network[1].block(number)["hash"]
