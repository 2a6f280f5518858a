"""Another chain, other contracts, another history or a fork behind the same settings: each on a real node."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from anchors.chain.port import ChainUnavailable, WitnessCall
from anchors.core import signature as signatures
from anchors.core.merkle import consistency_proof, leaf_hash, tree_root
from ledger_service.usecases.guard import check_against_chain, read_codes
from ledger_service.usecases.incident import Incident
from scripts.anvil import Anvil
from scripts.local_chain import CHAIN_ID
from tests.fixtures.chain import ScratchChain
from tests.ports.chain_world import AnvilWorld, Leaves, secret
from tests.rollback.on_anvil import AnvilLedger, found


@pytest.fixture
def world(chain: ScratchChain) -> AnvilWorld:
    return AnvilWorld(chain)


@pytest.fixture
def ledger(world: AnvilWorld, store_url: str) -> Iterator[AnvilLedger]:
    """Five entries, final; the guard has passed once, so that it knows the contracts' code."""
    ledger = AnvilLedger(world, found(world), store_url).start()
    ledger.grow(ledger.signer(), 5)
    ledger.guard().check()
    yield ledger
    ledger.close()


def refused(ledger: AnvilLedger) -> str:
    """What the guard of a process that starts now says: an incident, in one line."""
    guard = ledger.guard()
    with pytest.raises(Incident) as caught:
        guard.check()
    assert not guard.passed and "\n" not in str(caught.value)
    return str(caught.value)


def test_another_chain_id_and_other_code(ledger: AnvilLedger) -> None:
    rpc = ledger.world.scratch.rpc
    rpc("anvil_setChainId", 4_242)
    assert "the node answers for chain 4242" in refused(ledger)
    rpc("anvil_setChainId", CHAIN_ID)
    ledger.guard().check()
    witness = "0x" + ledger.world.witness.hex()
    code = rpc("eth_getCode", witness, "latest")
    rpc("anvil_setCode", witness, code + "00")
    assert "the witness contract's code has hash" in refused(ledger)
    rpc("anvil_setCode", witness, "0x")
    found = refused(ledger)
    assert f"there is no contract at the witness's address {witness}" in found and "HUZHENG_WITNESS" in found
    rpc("anvil_setCode", witness, code)
    ledger.guard().check()


def test_another_genesis_under_the_same_chain_id(world: AnvilWorld, sqlite_url: str, tmp_path: Path) -> None:
    ledger = AnvilLedger(world, found(world), sqlite_url).start()
    options = ["--chain-id", str(CHAIN_ID), "--timestamp", str(int(time.time()) - 86_400)]
    other = Anvil(tmp_path / "other.log", options=options).start()
    try:
        elsewhere = AnvilLedger(world, ledger.domain, sqlite_url, rpc=other.url)
        said = refused(elsewhere)
        assert f"the node answers for chain {CHAIN_ID} with genesis" in said and "set HUZHENG_RPC" in said
        with pytest.raises(Incident, match="there is no contract at the registry's address"):
            read_codes(elsewhere.chain, world.registry, world.witness)
        elsewhere.close()
    finally:
        other.kill()
    ledger.guard().check()
    ledger.close()


def test_another_history_under_the_same_genesis(ledger: AnvilLedger) -> None:
    """The chain is set back below what was final and goes on otherwise: first it lags, then it is another one."""
    world, signer = ledger.world, ledger.signer()
    signer.sequence = 5
    before = world.scratch.rpc("evm_snapshot")
    ledger.grow(signer, 3)
    world.mine(2)
    ledger.follower.run_once()
    ledger.guard().check()
    world.scratch.rpc("evm_revert", before)
    with pytest.raises(ChainUnavailable):
        ledger.guard().check()
    world.mine(20)
    said = refused(ledger)
    assert "was final here as 0x" in said and "another chain with the same id and genesis" in said
    with pytest.raises(Incident, match="was final and has left the chain"):
        ledger.follower.run_once()
    again = AnvilLedger(world, ledger.domain, ledger.url)  # a restart alone decides nothing
    again.follower.run_once()
    assert "had moved it to 8 and was final: the chain was replaced" in refused(again)
    assert again.past.forget_moves(again.chain.head(ledger.domain.log).size) == 1
    again.guard().check()
    again.witness(8)
    again.guard().check()
    again.close()


def test_a_head_that_somebody_signed_over_another_log(ledger: AnvilLedger) -> None:
    """Whoever holds the operator's keys and another tail moves the head first: at a size we hold, and beyond it."""
    world, entries = ledger.world, ledger.tree.entries(0, 5)
    signer = ledger.signer()
    signer.sequence = 5
    foreign = Leaves([leaf_hash(entry) for entry in entries] + Leaves.of_count(10, b"foreign").hashes)
    _move_head(ledger, foreign, 5, 7)
    said = refused(ledger)
    assert "holds a head of 7 entries, this database has 5 and is behind by 2" in said
    assert "'huzheng recover'" in said and "successor log" in said
    ledger.accept(*(signer.issued() for _ in range(4)))
    said = refused(ledger)
    assert "contract's head of 7 entries has root" in said and "the log was forked or changed" in said
    ledger.integrate()
    with pytest.raises(Incident, match="the log was forked or changed"):
        ledger.witnesser.run_once()
    with pytest.raises(Incident, match="forked"):
        check_against_chain(ledger.tree, ledger.chain.head(ledger.domain.log))
    assert world.chain.head(ledger.domain.log).root == foreign.root(7)


def _move_head(ledger: AnvilLedger, leaves: Leaves, old_size: int, new_size: int) -> None:
    assert tree_root(leaves.hashes[:old_size]) == ledger.chain.head(ledger.domain.log).root
    root = leaves.root(new_size)
    signature = signatures.sign(ledger.domain.checkpoint(new_size, root), secret("checkpoint"))
    sender = ledger.world.sender(2)
    proof = consistency_proof(old_size, new_size, leaves)
    call = WitnessCall(ledger.domain.log, old_size, new_size, root, proof, signature)
    sender.broadcast(sender.sign(call, sender.next_nonce(), sender.fees()).raw)
    ledger.world.mine()
    assert ledger.chain.head(ledger.domain.log).size == new_size


def test_transactions_of_an_older_copy_that_were_mined_since(ledger: AnvilLedger, tmp_path: Path) -> None:
    """The copy was made between sending and mining: its open row is found mined, and nothing is sent twice."""
    world, signer = ledger.world, ledger.signer()
    signer.sequence = 5
    world.set_automine(False)
    ledger.accept(*(signer.issued() for _ in range(2)))
    ledger.integrate()
    ledger.witnesser.run_once()
    (sent,) = ledger.outbox.open()
    world.mine()
    world.set_automine(True)
    restarted = AnvilLedger(world, ledger.domain, ledger.url)
    restarted.guard().check()
    nonce = world.sender().next_nonce()
    restarted.witness(7)
    assert world.sender().next_nonce() == nonce, "nothing was sent again"
    assert restarted.outbox.open() == [] and restarted.past.largest_mined().hash == sent.hash
    restarted.close()
