"""Stalls: no blocks, a node that hangs, one that answers late. Everything is accepted, pending, overdue, then final."""

import time
from collections.abc import Iterator

import pytest

from anchors.chain.ethereum import EthereumChain
from anchors.core.trust import Finality
from tests.faults.lagging import at_block
from tests.faults.rpc_proxy import RpcProxy, late
from tests.faults.world_ledger import WorldLedger
from tests.fixtures.chain import ScratchChain
from tests.fixtures.ledger import Ledger, running_ledger
from tests.fixtures.signer import Signed
from tests.ports.chain_world import AnvilWorld

PROMISE_SECONDS = 4


@pytest.fixture(scope="module")
def node(module_chain: ScratchChain) -> Iterator[RpcProxy]:
    with RpcProxy(module_chain.url) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def ledger(module_chain: ScratchChain, node: RpcProxy, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    """A service behind the proxy that promises little; every test leaves it ready."""
    folder = tmp_path_factory.mktemp("ledger")
    quick = {"rpc": node.url, "promise_seconds": str(PROMISE_SECONDS), "lease_seconds": "2"}
    with running_ledger(module_chain, folder, f"sqlite:///{folder / 'ledger.db'}", **quick) as ledger:
        yield ledger


def seen(ledger: Ledger, signed: Signed) -> tuple[str, bool]:
    """State and overdue, as the API tells them."""
    found = ledger.get(f"/v1/statements/{signed.name}").json()
    return found["state"], found["overdue"]


def reasons(ledger: Ledger) -> str:
    return "; ".join(ledger.get("/readyz").json()["reasons"])


def accepted_pending_overdue(ledger: Ledger) -> list[Signed]:
    """What a stall looks like from outside; the statements that were accepted in it."""
    signer = ledger.signer(0)
    statements = [signer.issued() for _ in range(5)]
    answer = ledger.submit(*statements)
    assert all(isinstance(outcome, int) for outcome in answer.outcomes), "accepting does not wait for the chain"
    ledger.wait_for_state(statements[-1], "integrated")
    assert ledger.get(f"/v1/statements/{statements[0].name}/proof").status_code == 200, "proofs stay"
    before = seen(ledger, statements[0])
    if time.time() < answer.receipt["witnessBy"]:
        assert before == ("integrated", False)
    ledger.wait_for(lambda: seen(ledger, statements[0]) == ("integrated", True))
    assert time.time() >= answer.receipt["witnessBy"]
    assert all(seen(ledger, signed) == ("integrated", True) for signed in statements)
    assert "receipts are overdue since" in ledger.wait_for(lambda: reasons(ledger))
    late_one = signer.issued()
    assert isinstance(ledger.submit(late_one).outcomes[0], int), "a broken promise is no reason to accept nothing"
    assert ledger.submit(statements[0]).receipt["witnessBy"] > answer.receipt["witnessBy"]
    assert seen(ledger, statements[0])[1], "a new receipt does not mend the old one"
    return [*statements, late_one]


def all_is_final(ledger: Ledger, statements: list[Signed]) -> None:
    for signed in statements:
        ledger.wait_for_state(signed, "final")
    ledger.wait_for(lambda: reasons(ledger) == "")
    assert all(seen(ledger, signed) == ("final", True) for signed in statements[:5]), "what was broken stays visible"


def test_a_chain_that_makes_no_blocks(ledger: Ledger) -> None:
    chain = ledger.chain
    chain.set_automine(False)
    height = chain.height
    statements = accepted_pending_overdue(ledger)
    assert chain.height == height and int(chain.rpc("txpool_status")["pending"], 16) == 1, "sent, and one only"
    chain.mine()
    chain.set_automine(True)
    all_is_final(ledger, statements)


def test_a_node_that_hangs(ledger: Ledger, node: RpcProxy) -> None:
    with node.on("*", late(3_600)):
        statements = accepted_pending_overdue(ledger)
        assert f"chain node {node.url}" in ledger.wait_for(
            lambda: reasons(ledger) if "chain node" in reasons(ledger) else ""
        )
    node.close()  # what hangs is cut, as a node's end does
    node.open()
    all_is_final(ledger, statements)


def test_a_node_that_answers_late_is_slow_and_nothing_else(ledger: Ledger, node: RpcProxy) -> None:
    signed, warnings = ledger.signer(0).issued(), ledger.log().count("WARNING")
    with node.on("*", late(0.3)):
        ledger.submit(signed)
        ledger.wait_for_state(signed, "final")
    assert ledger.log().count("WARNING") == warnings and "CRITICAL" not in ledger.log()
    ledger.wait_for(lambda: reasons(ledger) == "")


def test_a_head_seen_at_a_node_that_lags_moves_nothing(chain: ScratchChain, sqlite_url: str) -> None:
    """It shows an older size: no incident, no transaction, and all goes on when it has caught up."""
    world = AnvilWorld(chain)
    with RpcProxy(chain.url) as node:
        world.chain = EthereumChain(node.url, world.registry, world.witness)
        lags_and_catches_up(WorldLedger(world, sqlite_url, Finality(5)), node)


def lags_and_catches_up(ledger: WorldLedger, node: RpcProxy) -> None:
    world, chain = ledger.world, ledger.world.scratch
    ledger.found()
    ledger.accept(ledger.signers[0])
    ledger.witness()
    height, raw = chain.height, len(ledger.outbox.open())
    ledger.accept(ledger.signers[0])
    with node.on("*", at_block(lambda: height - 1)):
        assert world.chain.head(ledger.domain.log).size == 0
        for _ in range(3):
            ledger.clock.seconds += 1
            assert ledger.witnesser.run_once() is None
            ledger.follow()
        assert len(ledger.outbox.open()) == raw and chain.height == height
        assert ledger.view.newest_head().new_size == 1
    ledger.witness()
    assert ledger.view.newest_head().new_size == 2 and ledger.is_sound()
