"""Blocks of a real network of four validators, proved without it: headers and receipts of geth."""

import pytest

from anchors.chain.acts import Act
from anchors.chain.administration import Administrator, deploy
from anchors.chain.block_capture import EthereumBlockProofs, read_header
from anchors.chain.ethereum import EthereumChain
from anchors.chain.port import WitnessEvent
from anchors.chain.sender import EthereumWitnessSender
from anchors.chain.trust_builder import build_trust
from anchors.core.block.consensus import Consensus
from anchors.core.block.seals import consensus_of
from anchors.core.block.verify import NotBelieved, Strength, verify_block_proof
from anchors.core.trust import Finality
from tests.ports.chain_world import SampleLog
from tests.validators.network import ADMINISTRATOR, BUILD_AND_TEST_SECONDS, CHAIN_ID, COUNT, RELAY, Network

pytestmark = pytest.mark.timeout(BUILD_AND_TEST_SECONDS)


class NetworkWorld:
    """What `SampleLog` asks of a chain, on the validators; blocks come by themselves."""

    def __init__(self, network: Network):
        self.url, self.chain_id = network[0].url, CHAIN_ID
        deployed = deploy(self.url, ADMINISTRATOR)
        self.registry, self.witness, self.first_block = deployed.registry, deployed.witness, deployed.block_number
        self.chain = EthereumChain(self.url, self.registry, self.witness)
        self._administrator = Administrator(self.url, self.registry, ADMINISTRATOR)

    def sender(self, number: int = 0) -> EthereumWitnessSender:
        return EthereumWitnessSender(self.url, self.witness, RELAY)

    def perform(self, *acts: Act) -> None:
        self._administrator.perform(*acts)


@pytest.mark.parametrize("fees", ["free", "fee"])
def test_heads_on_real_validators_are_proved_by_fixed_blocks(request: pytest.FixtureRequest, fees: str) -> None:
    network: Network = request.getfixturevalue(f"{fees}_network")
    world = NetworkWorld(network)
    log = SampleLog(world).set_up()
    assert log.witness(0, 5).succeeded and log.witness(5, 8).succeeded
    network.wait_blocks(COUNT)
    events = world.chain.witness_events(world.first_block, world.chain.tip().number)
    assert [(event.old_size, event.new_size) for event in events] == [(0, 5), (5, 8)]
    numbers = [event.place.block_number for event in events]
    trust = build_trust(
        world.chain, world.registry, world.witness, (), Finality(COUNT), first_block=world.first_block,
        fixed_blocks=numbers,
    )  # fmt: skip
    empty = build_trust(world.chain, world.registry, world.witness, (), Finality(COUNT), first_block=world.first_block)
    for event in events:
        proofs = [EthereumBlockProofs(url, world.witness).block_proof(event) for url in network.urls]
        assert len(set(proofs)) == 1, "all validators tell the same"
        proven = verify_block_proof(proofs[0], trust)
        block = world.chain.block(event.place.block_number)
        assert (proven.strength, proven.block) == (Strength.FIXED, block)
        assert proven.parent == world.chain.block(block.number - 1)
        assert WitnessEvent(**vars(proven.head), place=event.place) == event
        with pytest.raises(NotBelieved):
            verify_block_proof(proofs[0], empty)


def test_the_header_of_every_block_hashes_as_it_is(fee_network: Network) -> None:
    node = fee_network[0]
    for number in range(node.height + 1):
        wire = node.block(number)
        assert consensus_of(read_header(wire), bytes.fromhex(wire["hash"][2:])) is Consensus.NONE
