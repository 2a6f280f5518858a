"""A running service captures the proof of each head's block; a node that cannot give receipts holds up nothing."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from anchors.chain.ethereum import EthereumChain
from anchors.chain.port import WitnessEvent
from anchors.chain.trust_builder import build_trust
from anchors.core.block.verify import Strength, verify_block_proof
from anchors.core.trust import Finality
from ledger_service.storage.database import open_database
from ledger_service.storage.head_proofs import SqlHeadProofs
from tests.faults.rpc_proxy import RpcProxy, result
from tests.fixtures.chain import ScratchChain
from tests.fixtures.ledger import FINALITY_BLOCKS, Ledger, running_ledger


@pytest.fixture
def proxy(module_chain: ScratchChain) -> Iterator[RpcProxy]:
    with RpcProxy(module_chain.url) as proxy:
        yield proxy


def test_proofs_are_captured_late_where_the_node_cannot_give_them_and_nothing_waits(
    module_chain: ScratchChain, proxy: RpcProxy, tmp_path: Path
) -> None:
    pruned = proxy.on("eth_getBlockReceipts", result([]))
    database = f"sqlite:///{tmp_path / 'ledger.db'}"
    with running_ledger(module_chain, tmp_path, database, rpc=proxy.url) as ledger:
        for _ in range(2):
            statement = ledger.signer(0).issued()
            ledger.submit(statement)
            ledger.wait_for_state(statement, "final")
        assert ledger.heads_without_proof() >= 1
        asked = len(proxy.asked("eth_getBlockReceipts"))
        ledger.wait_for(lambda: len(proxy.asked("eth_getBlockReceipts")) >= asked + 2)
        assert ledger.get("/readyz").status_code == 200
        pruned.stop()
        ledger.wait_for(lambda: ledger.heads_without_proof() == 0)
        check_all(ledger, module_chain, database)


def check_all(ledger: Ledger, chain: ScratchChain, database: str) -> None:
    """Every final head's stored proof shows it, by a trust file that fixes its block."""
    city = ledger.city
    registry, witness = city.deployment.registry, city.deployment.witness
    node, engine = EthereumChain(chain.url, registry, witness), open_database(database)
    events = {event.new_size: event for event in node.witness_events(0, chain.height) if event.log == city.domain.log}
    numbers = [event.place.block_number for event in events.values()]
    trust = build_trust(node, registry, witness, (), Finality(FINALITY_BLOCKS), fixed_blocks=numbers)
    proofs = SqlHeadProofs(engine, city.domain.log).proofs(events)
    assert proofs.keys() == events.keys() and proofs
    for size, proof in proofs.items():
        proven = verify_block_proof(proof, trust)
        assert proven.strength is Strength.FIXED
        assert WitnessEvent(**vars(proven.head), place=events[size].place) == events[size]
    engine.dispose()
