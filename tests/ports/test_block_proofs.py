"""Proofs of blocks taken from a real node, with the real contracts, and judged without it (docs/spec/block.md)."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from anchors.chain.block_capture import EthereumBlockProofs
from anchors.chain.port import ChainUnavailable, WitnessEvent
from anchors.chain.trust_builder import build_trust
from anchors.core.block.consensus import Consensus
from anchors.core.block.head import id_in_block
from anchors.core.block.verify import NotBelieved, Strength, verify_block_proof
from anchors.core.errors import Error
from anchors.core.trust import Finality, FixedBlock, Trust
from tests.faults.rpc_proxy import RpcProxy, hide, refuse, result
from tests.fixtures.chain import ScratchChain
from tests.ports.chain_world import AnvilWorld, SampleLog

CROWD = 20
"""So many other transactions in the block, so that its receipts have branches, extensions and keys of two bytes."""


@pytest.fixture(scope="module")
def world(module_chain: ScratchChain) -> AnvilWorld:
    return AnvilWorld(module_chain)


@pytest.fixture(scope="module")
def crowded(world: AnvilWorld) -> WitnessEvent:
    """A head whose transaction stands among others in its block, of every type that anvil sends by itself."""
    log = SampleLog(world).set_up()
    world.set_automine(False)
    try:
        chain, sender = world.scratch, world.sender()
        others = [chain.accounts[5].address, chain.accounts[6].address]
        for place in range(CROWD):
            fees = ({"gasPrice": hex(10**10)}, {"maxFeePerGas": hex(10**10), "maxPriorityFeePerGas": hex(10**9)})
            chain.rpc(
                "eth_sendTransaction", {"from": others[0], "to": others[1], "value": hex(place), **fees[place % 2]}
            )
        signed = sender.sign(log.call(0, 5), sender.next_nonce(), sender.fees())
        sender.broadcast(signed.raw)
        chain.mine()
    finally:
        world.set_automine(True)
    (event,) = world.chain.witness_events(0, chain.height)
    assert len(chain.rpc("eth_getBlockByNumber", hex(event.place.block_number), False)["transactions"]) == CROWD + 1
    return event


@pytest.fixture
def proxy(world: AnvilWorld) -> Iterator[RpcProxy]:
    with RpcProxy(world.scratch.url) as proxy:
        yield proxy


def trust_with(world: AnvilWorld, *numbers: int) -> Trust:
    return build_trust(world.chain, world.registry, world.witness, (), Finality(1), fixed_blocks=numbers)


def test_a_head_among_many_transactions_is_proved_by_the_fixed_hash_of_its_block(world, crowded) -> None:
    proof = EthereumBlockProofs(world.scratch.url, world.witness).block_proof(crowded)
    proven = verify_block_proof(proof, trust_with(world, 0, crowded.place.block_number))
    block = world.chain.block(crowded.place.block_number)
    assert (proven.strength, proven.block) == (Strength.FIXED, block)
    assert proven.parent == world.chain.block(block.number - 1)
    assert WitnessEvent(**vars(proven.head), place=crowded.place) == crowded
    assert id_in_block(proven.head, proven.block) == crowded.witness_id
    assert len(proof.receipt) > 1
    with pytest.raises(NotBelieved):
        verify_block_proof(proof, trust_with(world))
    for wrong in (replace(proof, transaction_index=0), replace(proof, receipt=proof.receipt[1:])):
        with pytest.raises(Error):
            verify_block_proof(wrong, trust_with(world, block.number))


def test_a_node_without_receipts_of_whole_blocks_is_asked_for_each(world, crowded, proxy) -> None:
    whole = EthereumBlockProofs(proxy.url, world.witness).block_proof(crowded)
    proxy.on("eth_getBlockReceipts", refuse(-32601, "the method does not exist"))
    assert EthereumBlockProofs(proxy.url, world.witness).block_proof(crowded) == whole
    assert len(proxy.asked("eth_getTransactionReceipt")) == CROWD + 1


def test_a_node_that_cannot_prove_it_says_so_and_gives_nothing(world, crowded, proxy) -> None:
    proofs = EthereumBlockProofs(proxy.url, world.witness, timeout_seconds=5)

    def unavailable(event: WitnessEvent, words: str) -> None:
        with pytest.raises(ChainUnavailable, match=words) as caught:
            proofs.block_proof(event)
        assert "\n" not in str(caught.value)

    place = crowded.place
    unavailable(replace(crowded, place=replace(place, block_hash=bytes(32))), "another block")
    unavailable(replace(crowded, place=replace(place, transaction=bytes(32))), "not among its receipts")
    unavailable(replace(crowded, place=replace(place, position=7)), "not among its receipts")
    unavailable(replace(crowded, new_size=6), "another head")
    unavailable(replace(crowded, place=replace(place, block_number=place.block_number + 999)), "not there")
    with proxy.on("eth_getBlockReceipts", result([])), proxy.on("eth_getTransactionReceipt", hide()):
        unavailable(crowded, "cannot be proved")
    with proxy.on("eth_getBlockReceipts", hide()), proxy.on("eth_getTransactionReceipt", hide()):
        unavailable(crowded, "not there")
    receipts = world.scratch.rpc("eth_getBlockReceipts", hex(place.block_number))
    for spoilt in (receipts[:-1], receipts[::-1], [receipts[0] | {"status": "0x0"}, *receipts[1:]], [None], [7]):
        with proxy.on("eth_getBlockReceipts", result(spoilt)):
            unavailable(crowded, "cannot be proved")
    block = world.scratch.rpc("eth_getBlockByNumber", hex(place.block_number), False)
    for name in ("stateRoot", "timestamp", "number", "nonce"):
        with proxy.on("eth_getBlockByNumber", result({n: v for n, v in block.items() if n != name})):
            unavailable(crowded, "block")
    proofs.block_proof(crowded)


def test_a_fixed_block_must_be_final_and_in_the_chain(world, crowded) -> None:
    made = trust_with(world, crowded.place.block_number)
    assert made.blocks == (FixedBlock(crowded.place.block_number, crowded.place.block_hash),)
    assert made.consensus is Consensus.NONE
    with pytest.raises(Error, match="not final"):
        trust_with(world, world.scratch.height + 1)
