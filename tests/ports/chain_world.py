"""What the chain's suite runs on: a fake or a real chain with the contracts deployed, and a log to witness."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import pytest

from anchors.chain.acts import Act, Admit, OpenLog, add_key, add_note_key
from anchors.chain.administration import Administrator, deploy
from anchors.chain.ethereum import EthereumChain
from anchors.chain.port import Chain, TransactionReceipt, WitnessCall, WitnessSender
from anchors.chain.sender import EthereumWitnessSender
from anchors.core import signature as signatures
from anchors.core.encoding import keccak256
from anchors.core.merkle import consistency_proof, inclusion_proof, tree_root
from anchors.core.note import SignerKey
from anchors.core.registry import Purpose
from anchors.core.typed_data import Domain, log_id
from tests.fakes.chain import REGISTRY, WITNESS, FakeChain, FakeSender
from tests.fixtures.chain import ScratchChain

MINED_WITHIN_SECONDS = 30
OPERATOR, HOSPITAL = "SAMPLE-OPERATOR", "SAMPLE-HOSPITAL"


def secret(name: str) -> bytes:
    """A secret of a sample's own."""
    return keccak256(b"sample secret " + name.encode())


class World(Protocol):
    """A chain with the contracts, and power over it."""

    chain: Chain
    chain_id: int
    registry: bytes
    witness: bytes

    def sender(self, number: int = 0) -> WitnessSender:
        """A sender whose account is rich; several numbers, several accounts."""

    def poor_sender(self) -> WitnessSender:
        """A sender whose account owns nothing."""

    def perform(self, *acts: Act) -> None:
        """The administrator's acts, mined."""

    def mine(self, blocks: int = 1) -> None:
        """Make blocks."""

    def reorg(self, depth: int) -> None:
        """Replace the last blocks by empty ones."""

    def set_automine(self, on: bool) -> None:
        """Whether each transaction makes its block at once."""


class FakeWorld:
    """In memory."""

    def __init__(self) -> None:
        self.chain = FakeChain()
        self.chain_id = self.chain.chain_id
        self.registry, self.witness = REGISTRY, WITNESS
        self.perform, self.mine, self.reorg = self.chain.perform, self.chain.mine, self.chain.reorg

    def sender(self, number: int = 0) -> FakeSender:
        return FakeSender(self.chain, secret(f"payer {number}"))

    def poor_sender(self) -> FakeSender:
        return FakeSender(self.chain, secret("poor"), balance=0)

    def set_automine(self, on: bool) -> None:
        self.chain.automine = on


class AnvilWorld:
    """A real node with the real contracts."""

    def __init__(self, scratch: ScratchChain) -> None:
        self.scratch, self.chain_id = scratch, scratch.chain_id
        administrator = bytes(scratch.accounts[0].key)
        deployed = deploy(scratch.url, administrator)
        self.registry, self.witness = deployed.registry, deployed.witness
        self.chain = EthereumChain(scratch.url, self.registry, self.witness)
        self.administrator = Administrator(scratch.url, self.registry, administrator)
        self.mine, self.reorg, self.set_automine = scratch.mine, scratch.reorg, scratch.set_automine

    def sender(self, number: int = 0) -> EthereumWitnessSender:
        return EthereumWitnessSender(self.scratch.url, self.witness, bytes(self.scratch.accounts[1 + number].key))

    def poor_sender(self) -> EthereumWitnessSender:
        return EthereumWitnessSender(self.scratch.url, self.witness, secret("poor"))

    def perform(self, *acts: Act) -> None:
        self.administrator.perform(*acts)


def open_world(request: pytest.FixtureRequest) -> World:
    """The world of a fixture that is parametrized with `fake` and `anvil`."""
    if request.param == "fake":
        return FakeWorld()
    return AnvilWorld(request.getfixturevalue("chain"))


@dataclass
class Leaves:
    """A log's leaves, and the proofs about them."""

    hashes: list[bytes]

    @classmethod
    def of_count(cls, count: int, label: bytes = b"leaf") -> "Leaves":
        """So many sample leaves."""
        return cls([keccak256(label + number.to_bytes(8, "big")) for number in range(count)])

    def root(self, size: int) -> bytes:
        """The root over the first `size` leaves."""
        return tree_root(self.hashes[:size])

    def consistency(self, old_size: int, new_size: int) -> list[bytes]:
        """The consistency proof."""
        return consistency_proof(old_size, new_size, self)

    def inclusion(self, index: int, size: int) -> list[bytes]:
        """The inclusion proof."""
        return inclusion_proof(index, size, self)

    def read_nodes(self, nodes: Sequence[tuple[int, int]]) -> list[bytes]:
        """The `NodeReader` port."""
        return [tree_root(self.hashes[index << level : (index + 1) << level]) for level, index in nodes]


@dataclass
class SampleLog:
    """A log with its operator and one hospital, set up on a world."""

    world: World
    origin: str = "log.example/sample"
    checkpoint_secret: bytes = secret("checkpoint")
    hospital_secret: bytes = secret("hospital")
    leaves: Leaves = field(default_factory=lambda: Leaves.of_count(40))

    def __post_init__(self) -> None:
        self.id = log_id(self.origin)
        self.domain = Domain(self.world.chain_id, self.world.registry, self.id)
        self.note_key = SignerKey(self.origin, secret("note " + self.origin))

    def set_up(self) -> "SampleLog":
        """Admit both, open the log, add its keys: 7 changes."""
        self.world.perform(
            Admit(OPERATOR, ("operator",)),
            Admit(HOSPITAL, ("hospital", "laboratory")),
            OpenLog(self.origin, OPERATOR),
            add_key(self.domain, OPERATOR, Purpose.CHECKPOINT, self.checkpoint_secret),
            add_note_key(self.id, OPERATOR, self.note_key.verifier.public_key),
            add_key(self.domain, HOSPITAL, Purpose.STATEMENT, self.hospital_secret),
        )
        return self

    def call(self, old_size: int, new_size: int, leaves: Leaves | None = None, **fields: object) -> WitnessCall:
        """A head rightly signed; `fields` replace arguments after that."""
        leaves = leaves or self.leaves
        root = leaves.root(new_size)
        signed = signatures.sign(self.domain.checkpoint(new_size, root), self.checkpoint_secret)
        proof = leaves.consistency(old_size, new_size) if old_size <= new_size else []
        arguments = {"log": self.id, "old_size": old_size, "new_size": new_size, "new_root": root}
        return WitnessCall(**{**arguments, "proof": proof, "signature": signed, **fields})

    def witness(self, old_size: int, new_size: int, leaves: Leaves | None = None) -> TransactionReceipt:
        """Witness a head and mine it."""
        return send(self.world.sender(), self.call(old_size, new_size, leaves))


def send(sender: WitnessSender, call: WitnessCall) -> TransactionReceipt:
    """Sign, send, and wait until it is mined. A node that mines at once answers a little before it has mined."""
    signed = sender.sign(call, sender.next_nonce(), sender.fees())
    sender.broadcast(signed.raw)
    deadline = time.monotonic() + MINED_WITHIN_SECONDS
    while (receipt := sender.receipt(signed.hash)) is None:
        assert time.monotonic() < deadline, "not mined: is automine off?"
        time.sleep(0.002)
    return receipt
