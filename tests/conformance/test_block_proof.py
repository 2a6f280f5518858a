"""Topic `block-proof`."""

from anchors.core.block.proof import BlockProof
from anchors.core.block.verify import verify_block_proof
from anchors.core.trust import parse_trust
from tests.conformance.vectors import Vector, of_topic


@of_topic("block-proof")
def test_block_proof(vector: Vector) -> None:
    def attempt() -> dict:
        proof = BlockProof.decode(vector.input["proof"].encode())
        proven = verify_block_proof(proof, parse_trust(vector.input["trust"].encode()))
        head, block, parent = proven.head, proven.block, proven.parent
        return {
            "number": str(block.number),
            "hash": block.hash.hex(),
            "time": str(block.timestamp),
            "parentHash": parent.hash.hex(),
            "parentTime": str(parent.timestamp),
            "strength": str(proven.strength),
            "log": head.log.hex(),
            "oldSize": str(head.old_size),
            "newSize": str(head.new_size),
            "witnessId": head.witness_id.hex(),
        }

    vector.check(attempt)
