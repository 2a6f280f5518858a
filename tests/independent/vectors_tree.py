"""Topics `leaf`, `root`, `inclusion` and `consistency`: RFC 9162 section 2.1 and docs/spec/log.md."""

from collections.abc import Sequence
from typing import Any

from . import tree
from .standards import Case, Cases, flip_bit, pseudo_random

LEAVES = [tree.leaf(number.to_bytes(4, "big")) for number in range(257)]
EDGES = (15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 129, 255, 256, 257)
VERIFIED = {"verified": True}


def leaf_cases() -> Cases:
    """Leaf hashes of single entries."""
    data = {
        "empty-data": b"",
        "one-zero-byte": b"\x00",
        "one-byte-0x01": b"\x01",
        "289-zeros": bytes(289),
        "looks-like-a-node": b"\x01" + bytes(64),
        "text": "互证".encode(),
    }
    for name, entry in data.items():
        yield Case("leaf", name, "sha256(0x00 || entry)", {"entry": entry.hex()}, {"leaf": tree.leaf(entry).hex()})


def root_cases() -> Cases:
    """Roots by the recursive definition, over entries 0, 1, 2, … as four big-endian bytes each."""
    for size in (*range(0, 21), 31, 32, 33, 63, 64, 65):
        entries = [number.to_bytes(4, "big").hex() for number in range(size)]
        expect = {"root": tree.root(LEAVES[:size]).hex()}
        yield Case("root", f"size-{size:03}", f"a tree of {size} leaves", {"entries": entries}, expect)


def _hexes(hashes: Sequence[bytes]) -> list[str]:
    return [item.hex() for item in hashes]


def inclusion_input(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> dict[str, Any]:
    """The members of an inclusion case."""
    return {"leaf": leaf.hex(), "index": str(index), "size": str(size), "proof": _hexes(proof), "root": root.hex()}


def _inclusion_positive() -> Cases:
    for size in (*range(1, 10), *EDGES):
        half = tree.split(size) if size > 1 else 0
        for index in sorted({0, 1, size // 2, half - 1, half, size - 2, size - 1} & set(range(size))):
            proof = tree.inclusion_proof(index, LEAVES[:size])
            root = tree.root(LEAVES[:size])
            assert tree.inclusion_holds(LEAVES[index], index, size, proof, root)
            given = inclusion_input(LEAVES[index], index, size, proof, root)
            yield Case("inclusion", f"size-{size:03}-index-{index:03}", f"leaf {index} of {size}", given, VERIFIED)


def _inclusion_failing(index: int, size: int) -> Cases:
    leaf, proof, root = LEAVES[index], tree.inclusion_proof(index, LEAVES[:size]), tree.root(LEAVES[:size])
    attempts: dict[str, tuple[str, tuple]] = {
        "leaf-bit": ("a bit of the leaf turned", (flip_bit(leaf, 0), index, size, proof, root)),
        "leaf-of-neighbour": ("the neighbour's leaf", (LEAVES[index - 1], index, size, proof, root)),
        "leaf-is-root": ("the root in place of the leaf", (root, index, size, proof, root)),
        "root-first-bit": ("the first bit of the root turned", (leaf, index, size, proof, flip_bit(root, 0))),
        "root-last-bit": ("the last bit of the root turned", (leaf, index, size, proof, flip_bit(root, 255))),
        "root-empty-tree": ("the root of the empty tree", (leaf, index, size, proof, tree.EMPTY)),
        "root-of-smaller-tree": (
            "the root of one leaf less",
            (leaf, index, size, proof, tree.root(LEAVES[: size - 1])),
        ),
        "empty-proof": ("no hashes", (leaf, index, size, [], root)),
        "first-hash-missing": ("the sibling is missing", (leaf, index, size, proof[1:], root)),
        "last-hash-missing": ("the hash below the root is missing", (leaf, index, size, proof[:-1], root)),
        "extended-with-zeros": ("a hash of zeros too many", (leaf, index, size, [*proof, bytes(32)], root)),
        "extended-with-root": ("the root too many", (leaf, index, size, [*proof, root], root)),
        "extended-in-front": ("the leaf before its proof", (leaf, index, size, [leaf, *proof], root)),
        "repeated": ("the proof twice", (leaf, index, size, [*proof, *proof], root)),
        "reversed": ("root to leaf", (leaf, index, size, proof[::-1], root)),
        "first-two-swapped": ("two hashes exchanged", (leaf, index, size, [proof[1], proof[0], *proof[2:]], root)),
        "index-one-less": ("the index before", (leaf, index - 1, size, proof, root)),
        "index-zero": ("index 0", (leaf, 0, size, proof, root)),
        "size-one": ("index 0 of size 1", (leaf, 0, 1, proof, root)),
        "size-doubled": ("a size that needs one hash more", (leaf, index, size * 2, proof, root)),
        "63-hashes": ("as many hashes as may be", (leaf, index, size, (proof * 63)[:63], root)),
    }
    if index + 1 < size:
        attempts["index-one-more"] = ("the index after", (leaf, index + 1, size, proof, root))
    for number in range(len(proof)):
        for bit in (0, 127, 255):
            changed = [*proof[:number], flip_bit(proof[number], bit), *proof[number + 1 :]]
            name = f"hash-{number}-bit-{bit}"
            attempts[name] = (f"bit {bit} of hash {number} turned", (leaf, index, size, changed, root))
    for name, (desc, arguments) in attempts.items():
        if tree.inclusion_holds(*arguments):
            raise AssertionError(f"{name} of leaf {index} of {size} holds after all")
        yield Case(
            "inclusion", f"failed-size-{size}-index-{index}-{name}", desc, inclusion_input(*arguments), error="failed"
        )


def _inclusion_malformed() -> Cases:
    leaf, proof, root = LEAVES[3], tree.inclusion_proof(3, LEAVES[:7]), tree.root(LEAVES[:7])
    attempts = {
        "size-zero": ("nothing is in the empty tree", (leaf, 0, 0, [], tree.EMPTY)),
        "size-zero-with-proof": ("nothing is in the empty tree", (leaf, 0, 0, proof, root)),
        "index-is-size": ("index = size", (leaf, 7, 7, proof, root)),
        "index-above-size": ("index > size", (leaf, 8, 7, proof, root)),
        "index-negative": ("index -1", (leaf, -1, 7, proof, root)),
        "index-2-64": ("an index outside uint64", (leaf, 2**64, 2**64 + 1, proof, root)),
        "size-2-64": ("a size outside uint64", (leaf, 3, 2**64, proof, root)),
        "size-negative": ("size -7", (leaf, 3, -7, proof, root)),
        "64-hashes": ("more than 63 hashes", (leaf, 3, 7, [root] * 64, root)),
        "1000-hashes": ("far more than 63 hashes", (leaf, 3, 7, [root] * 1000, root)),
        "leaf-31-bytes": ("a short leaf", (leaf[1:], 3, 7, proof, root)),
        "leaf-33-bytes": ("a long leaf", (leaf + b"\0", 3, 7, proof, root)),
        "leaf-empty": ("an empty leaf", (b"", 3, 7, proof, root)),
        "root-31-bytes": ("a short root", (leaf, 3, 7, proof, root[1:])),
        "root-empty": ("an empty root", (leaf, 3, 7, proof, b"")),
        "hash-31-bytes": ("a short hash", (leaf, 3, 7, [proof[0], proof[1][1:], proof[2]], root)),
        "hash-33-bytes": ("a long hash", (leaf, 3, 7, [proof[0], proof[1] + b"\0", proof[2]], root)),
        "hash-empty-at-end": ("an empty hash at the end", (leaf, 3, 7, [*proof, b""], root)),
        "hashes-run-together": ("two hashes in one", (leaf, 3, 7, [proof[0] + proof[1], proof[2]], root)),
        "boundary-moved": (
            "a byte moved from one hash to the next",
            (leaf, 3, 7, [proof[0][:31], proof[0][31:] + proof[1], proof[2]], root),
        ),
    }
    for name, (desc, arguments) in attempts.items():
        yield Case("inclusion", f"malformed-{name}", desc, inclusion_input(*arguments), error="malformed")


def _fold(leaf: bytes, index: int, size: int, proof: Sequence[bytes]) -> bytes:
    """The root that a proof leads to in a tree too large to build: splits as in section 2.1.1, from the root down."""
    if size == 1:
        assert not proof
        return leaf
    half = tree.split(size)
    if index < half:
        return tree.node(_fold(leaf, index, half, proof[:-1]), proof[-1])
    return tree.node(proof[-1], _fold(leaf, index - half, size - half, proof[:-1]))


def _depth(index: int, size: int) -> int:
    if size == 1:
        return 0
    half = tree.split(size)
    return 1 + (_depth(index, half) if index < half else _depth(index - half, size - half))


def _inclusion_large() -> Cases:
    places = (
        (0, 2**63),
        (2**63 - 1, 2**63),
        (2**62, 2**63),
        (2**53 + 1, 2**53 + 2),
        (2**63 - 2, 2**63 - 1),
        (2**62, 2**62 + 1),
        (5, 2**40),
    )
    for index, size in places:
        proof = [pseudo_random(f"hash {number}") for number in range(_depth(index, size))]
        root = _fold(LEAVES[0], index, size, proof)
        assert tree.inclusion_holds(LEAVES[0], index, size, proof, root)
        name = f"large-index-{index}-of-{size}"
        given = inclusion_input(LEAVES[0], index, size, proof, root)
        yield Case("inclusion", name, f"{len(proof)} hashes; the tree is made up from its proof", given, VERIFIED)


def inclusion_cases() -> Cases:
    """Inclusion proofs that hold, fail or are malformed."""
    yield from _inclusion_positive()
    for index, size in ((3, 7), (5, 7), (5, 8), (16, 33)):
        yield from _inclusion_failing(index, size)
    yield from _inclusion_malformed()
    yield from _inclusion_large()
    proof, root = tree.inclusion_proof(0, LEAVES[:8]), tree.root(LEAVES[:8])
    assert tree.inclusion_holds(LEAVES[0], 0, 7, proof, root)
    given = inclusion_input(LEAVES[0], 0, 7, proof, root)
    desc = "a proof does not bind the size by itself: leaf 0 of 8 passes as leaf 0 of 7; the signed checkpoint binds it"
    yield Case("inclusion", "size-not-bound-by-proof", desc, given, VERIFIED)


def consistency_input(old: int, new: int, proof: Sequence[bytes], old_root: bytes, new_root: bytes) -> dict[str, Any]:
    """The members of a consistency case."""
    return {
        "oldSize": str(old),
        "newSize": str(new),
        "proof": _hexes(proof),
        "oldRoot": old_root.hex(),
        "newRoot": new_root.hex(),
    }


def _consistency(old: int, new: int) -> tuple[int, int, list[bytes], bytes, bytes]:
    leaves = LEAVES[:new]
    return old, new, tree.consistency_proof(old, leaves), tree.root(leaves[:old]), tree.root(leaves)


def _consistency_positive() -> Cases:
    pairs = [(old, new) for new in range(9) for old in range(new + 1)]
    pairs += [
        (15, 16),
        (15, 17),
        (16, 17),
        (16, 32),
        (17, 32),
        (31, 33),
        (32, 33),
        (32, 64),
        (48, 64),
        (63, 65),
        (64, 65),
    ]
    pairs += [(127, 129), (128, 129), (128, 256), (0, 257), (1, 257), (200, 257), (255, 257), (256, 257), (257, 257)]
    for old, new in pairs:
        arguments = _consistency(old, new)
        assert tree.consistency_holds(*arguments)
        desc = f"from {old} to {new} leaves"
        yield Case("consistency", f"old-{old:03}-new-{new:03}", desc, consistency_input(*arguments), VERIFIED)


def _consistency_failing(old: int, new: int) -> Cases:
    _, _, proof, old_root, new_root = _consistency(old, new)
    attempts: dict[str, tuple[str, tuple]] = {
        "old-root-bit": ("a bit of the old root turned", (old, new, proof, flip_bit(old_root, 255), new_root)),
        "new-root-bit": ("a bit of the new root turned", (old, new, proof, old_root, flip_bit(new_root, 0))),
        "roots-swapped": ("the roots exchanged", (old, new, proof, new_root, old_root)),
        "roots-both-new": ("the new root twice", (old, new, proof, new_root, new_root)),
        "roots-both-old": ("the old root twice", (old, new, proof, old_root, old_root)),
        "old-root-empty-tree": ("the empty root as the old one", (old, new, proof, tree.EMPTY, new_root)),
        "empty-proof": ("no hashes", (old, new, [], old_root, new_root)),
        "first-hash-missing": ("the first hash is missing", (old, new, proof[1:], old_root, new_root)),
        "last-hash-missing": ("the last hash is missing", (old, new, proof[:-1], old_root, new_root)),
        "extended-with-zeros": ("a hash of zeros too many", (old, new, [*proof, bytes(32)], old_root, new_root)),
        "extended-with-new-root": ("the new root too many", (old, new, [*proof, new_root], old_root, new_root)),
        "old-root-in-front": ("the old root before the proof", (old, new, [old_root, *proof], old_root, new_root)),
        "repeated": ("the proof twice", (old, new, [*proof, *proof], old_root, new_root)),
        "reversed": ("the hashes in the other order", (old, new, proof[::-1], old_root, new_root)),
        "old-size-one-less": ("an old size one less", (old - 1, new, proof, old_root, new_root)),
        "old-size-zero": ("a proof for old size 0", (0, new, proof, tree.EMPTY, new_root)),
        "old-size-zero-old-root": ("old size 0 with a root", (0, new, [], old_root, new_root)),
        "old-size-is-new-size": ("equal sizes, other roots", (new, new, [], old_root, new_root)),
        "new-size-doubled": ("a new size that needs one hash more", (old, new * 2, proof, old_root, new_root)),
        "63-hashes": ("as many hashes as may be", (old, new, (proof * 63)[:63], old_root, new_root)),
    }
    for number in range(len(proof)):
        for bit in (0, 127, 255):
            changed = [*proof[:number], flip_bit(proof[number], bit), *proof[number + 1 :]]
            name = f"hash-{number}-bit-{bit}"
            attempts[name] = (f"bit {bit} of hash {number} turned", (old, new, changed, old_root, new_root))
    fork = [*LEAVES[: old - 1], tree.leaf(b"rewritten"), *LEAVES[old:new]]
    forked = tree.consistency_proof(old, fork)
    attempts["rewritten-history"] = ("the last old leaf was rewritten", (old, new, forked, old_root, tree.root(fork)))
    if len(proof) == 1:
        del attempts["reversed"]
    for name, (desc, arguments) in attempts.items():
        if tree.consistency_holds(*arguments):
            raise AssertionError(f"{name} from {old} to {new} holds after all")
        yield Case(
            "consistency", f"failed-old-{old}-new-{new}-{name}", desc, consistency_input(*arguments), error="failed"
        )


def _consistency_special() -> Cases:
    root, empty = tree.root(LEAVES[:7]), tree.EMPTY
    failing = {
        "empty-to-empty-other-new-root": ("0 to 0, the new root is not the empty one", (0, 0, [], empty, root)),
        "empty-to-empty-other-roots": ("0 to 0, both roots are not the empty one", (0, 0, [], root, root)),
        "empty-to-empty-with-proof": ("0 to 0 with a hash", (0, 0, [root], empty, empty)),
        "empty-with-proof": ("0 to 7 with a hash", (0, 7, [root], empty, root)),
        "empty-with-zero-root": ("the old root is zeros", (0, 7, [], bytes(32), root)),
        "equal-with-proof": ("7 to 7 with a hash", (7, 7, [root], root, root)),
        "equal-other-roots": ("7 to 7, roots differ", (7, 7, [], root, flip_bit(root, 0))),
        "one-to-two-without-proof": ("1 to 2 without a hash", (1, 2, [], LEAVES[0], tree.root(LEAVES[:2]))),
        "huge-sizes-without-proof": ("2^62 to 2^63 without a hash", (2**62, 2**63, [], root, root)),
    }
    for name, (desc, arguments) in failing.items():
        assert not tree.consistency_holds(*arguments), name
        yield Case("consistency", f"failed-{name}", desc, consistency_input(*arguments), error="failed")
    old, new, proof, old_root, new_root = _consistency(3, 7)
    malformed = {
        "old-above-new": ("the tree shrinks", (7, 3, proof, new_root, old_root)),
        "old-above-new-zero": ("from 1 to 0", (1, 0, [], LEAVES[0], empty)),
        "old-negative": ("old size -1", (-1, new, proof, old_root, new_root)),
        "new-2-64": ("a size outside uint64", (old, 2**64, proof, old_root, new_root)),
        "64-hashes": ("more than 63 hashes", (old, new, [new_root] * 64, old_root, new_root)),
        "64-hashes-equal-sizes": ("more than 63 hashes", (new, new, [new_root] * 64, new_root, new_root)),
        "old-root-31-bytes": ("a short root", (old, new, proof, old_root[1:], new_root)),
        "old-root-empty": ("no old root for size 0", (0, new, [], b"", new_root)),
        "new-root-33-bytes": ("a long root", (old, new, proof, old_root, new_root + b"\0")),
        "equal-roots-31-bytes": ("short roots, equal sizes", (new, new, [], new_root[1:], new_root[1:])),
        "hash-31-bytes": ("a short hash", (old, new, [proof[0][1:], *proof[1:]], old_root, new_root)),
        "hash-empty-at-end": ("an empty hash at the end", (old, new, [*proof, b""], old_root, new_root)),
    }
    for name, (desc, arguments) in malformed.items():
        yield Case("consistency", f"malformed-{name}", desc, consistency_input(*arguments), error="malformed")


def _consistency_large() -> Cases:
    """2^62 to 2^63: the old tree is the left half, so the proof is the right half's root."""
    left, right = pseudo_random("left half"), pseudo_random("right half")
    arguments = (2**62, 2**63, [right], left, tree.node(left, right))
    assert tree.consistency_holds(*arguments)
    desc = "from 2^62 to 2^63 leaves; the tree is made up from its proof"
    yield Case("consistency", "large-old-2-62-new-2-63", desc, consistency_input(*arguments), VERIFIED)
    proof = [pseudo_random(f"hash {number}") for number in range(63)]
    new_root = LEAVES[0]
    for sibling in proof:
        new_root = tree.node(new_root, sibling)
    arguments = (1, 2**63, proof, LEAVES[0], new_root)
    assert tree.consistency_holds(*arguments)
    yield Case(
        "consistency", "large-old-1-new-2-63", "63 hashes, the longest proof", consistency_input(*arguments), VERIFIED
    )


def consistency_cases() -> Cases:
    """Consistency proofs that hold, fail or are malformed."""
    yield from _consistency_positive()
    for old, new in ((3, 7), (4, 7), (6, 8), (17, 33)):
        yield from _consistency_failing(old, new)
    yield from _consistency_special()
    yield from _consistency_large()


def cases() -> Cases:
    """All four topics."""
    yield from leaf_cases()
    yield from root_cases()
    yield from inclusion_cases()
    yield from consistency_cases()
