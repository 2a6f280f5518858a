"""What it costs to move a head, by how many statements it covers, measured on a local chain with the real contracts."""

import secrets
from hashlib import sha256
from pathlib import Path

from anchors.chain.ethereum import EthereumChain
from anchors.chain.port import WitnessCall
from anchors.chain.sender import EthereumWitnessSender
from anchors.core import signature as signatures
from anchors.core.merkle import CompactRange, consistency_proof, node_hash, verify_consistency
from scripts.benchmark.waiting import wait_for_receipt
from scripts.city.founding import City, found_city
from scripts.city.run import development_account
from scripts.local_chain import LocalChain

STATEMENTS_PER_CHECKPOINT = (1, 256, 4_096, 100_000)
HEAD_2_20 = (1_044_481, 1_048_577)


class SparseTree:
    """A tree whose leaves are all alike: every complete subtree of one height has one hash, so any size is at hand."""

    def __init__(self) -> None:
        self._by_level = [sha256(b"\x00bench").digest()]

    def read_nodes(self, nodes: list[tuple[int, int]]) -> list[bytes]:
        """See `anchors.core.merkle.NodeReader`."""
        return [self._node(level) for level, _ in nodes]

    def root(self, size: int) -> bytes:
        """The root over `size` leaves."""
        levels = [level for level in reversed(range(size.bit_length())) if size >> level & 1]
        return CompactRange(size, [self._node(level) for level in levels]).root()

    def _node(self, level: int) -> bytes:
        while len(self._by_level) <= level:
            self._by_level.append(node_hash(self._by_level[-1], self._by_level[-1]))
        return self._by_level[level]


def measure_gas(folder: Path) -> dict[str, int]:
    """Gas of one move, by statements covered (as text), and for the move named in HEAD_2_20 (`head_2_20`)."""
    with LocalChain(folder / "chain", block_seconds=0.1) as chain:
        city = found_city(chain.url, f"bench.example/{secrets.token_hex(4)}", development_account(0), "gas", 1)
        mover = _Mover(city)
        mover.move(1_000_000)
        gas = {"head_2_20": mover.move_between(*HEAD_2_20)}
        for statements in STATEMENTS_PER_CHECKPOINT:
            gas[str(statements)] = mover.move(mover.size + statements)
        return gas


class _Mover:
    def __init__(self, city: City):
        self._city = city
        self._tree = SparseTree()
        self._chain = EthereumChain(city.rpc, city.deployment.registry, city.deployment.witness)
        self._sender = EthereumWitnessSender(city.rpc, city.deployment.witness, city.operator.relay)
        self.size = 0

    def move_between(self, old_size: int, new_size: int) -> int:
        """Move to `old_size`, then to `new_size`; the gas of the second move."""
        self.move(old_size)
        return self.move(new_size)

    def move(self, size: int) -> int:
        """Move the head and return the gas used."""
        root, proof = self._tree.root(size), consistency_proof(self.size, size, self._tree)
        if self.size:
            verify_consistency(self.size, size, proof, self._tree.root(self.size), root)
        signature = signatures.sign(self._city.domain.checkpoint(size, root), self._city.operator.checkpoint)
        call = WitnessCall(self._city.domain.log, self.size, size, root, proof, signature)
        signed = self._sender.sign(call, self._sender.next_nonce(), self._sender.fees())
        self._sender.broadcast(signed.raw)
        receipt = wait_for_receipt(self._sender, signed.hash)
        if not receipt.succeeded or self._chain.head(self._city.domain.log).size != size:
            raise RuntimeError(f"the head did not move to {size}")
        self.size = size
        return receipt.gas_used
