"""Topics `leaf`, `root`, `inclusion` and `consistency`."""

from anchors import leaf_hash, verify_consistency, verify_inclusion
from anchors.core.merkle import tree_root
from tests.conformance.vectors import Vector, of_topic


@of_topic("leaf")
def test_leaf(vector: Vector) -> None:
    vector.check(lambda: {"leaf": leaf_hash(bytes.fromhex(vector.input["entry"])).hex()})


@of_topic("root")
def test_root(vector: Vector) -> None:
    leaves = [leaf_hash(bytes.fromhex(entry)) for entry in vector.input["entries"]]
    vector.check(lambda: {"root": tree_root(leaves).hex()})


def unhexed(hashes: list[str]) -> list[bytes]:
    """A vector's proof."""
    return [bytes.fromhex(item) for item in hashes]


@of_topic("inclusion")
def test_inclusion(vector: Vector) -> None:
    given = vector.input

    def attempt() -> dict:
        leaf, root = bytes.fromhex(given["leaf"]), bytes.fromhex(given["root"])
        assert verify_inclusion(leaf, int(given["index"]), int(given["size"]), unhexed(given["proof"]), root) is None
        return {"verified": True}

    vector.check(attempt)


@of_topic("consistency")
def test_consistency(vector: Vector) -> None:
    given = vector.input

    def attempt() -> dict:
        old_size, new_size = int(given["oldSize"]), int(given["newSize"])
        old_root, new_root = bytes.fromhex(given["oldRoot"]), bytes.fromhex(given["newRoot"])
        assert verify_consistency(old_size, new_size, unhexed(given["proof"]), old_root, new_root) is None
        return {"verified": True}

    vector.check(attempt)
