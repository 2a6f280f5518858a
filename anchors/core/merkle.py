"""The Merkle tree of RFC 9162 section 2.1 with SHA-256: hashes, compact ranges, proofs (docs/spec/log.md).

Verification needs only its arguments. Making a proof needs stored hashes, which come in through a one-method port.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import reduce
from hashlib import sha256
from typing import Protocol

from anchors.core.encoding import WORD_BYTES, require_bytes, require_uint64
from anchors.core.errors import MalformedInput, VerificationFailed

MAX_SIZE = 2**63
MAX_PROOF_HASHES = 63
EMPTY_ROOT = sha256(b"").digest()
_NODE = sha256(b"\x01")


def leaf_hash(entry: bytes) -> bytes:
    """sha256(0x00 || entry), 32 bytes (RFC 9162 section 2.1.1)."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """sha256(0x01 || left || right), 32 bytes (RFC 9162 section 2.1.1)."""
    return sha256(b"\x01" + left + right).digest()


def verify_inclusion(leaf_hash: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """Check that the leaf at `index` is in the tree of `size` leaves with `root` (RFC 9162 section 2.1.3.2).

    Hashes are 32 bytes, `proof` is ordered leaf to root. Raises `MalformedInput` or `VerificationFailed`.
    """
    running = require_bytes(leaf_hash, WORD_BYTES, "leaf hash")
    root = require_bytes(root, WORD_BYTES, "root")
    _check_size(size, "size")
    if require_uint64(index, "index") >= size:
        raise MalformedInput(f"index {index} is not below the tree size {size}")
    node, last = index, size - 1
    for sibling in _check_proof(proof):
        if last == 0:
            raise VerificationFailed("inclusion proof: longer than the tree is deep")
        if node & 1 or node == last:
            running = node_hash(sibling, running)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            running = node_hash(running, sibling)
        node, last = node >> 1, last >> 1
    if last != 0:
        raise VerificationFailed("inclusion proof: shorter than the tree is deep")
    if running != root:
        raise VerificationFailed("inclusion proof: does not lead to the root")


def verify_consistency(old_size: int, new_size: int, proof: Sequence[bytes], old_root: bytes, new_root: bytes) -> None:
    """Check that the tree of `new_size` leaves extends the one of `old_size` (RFC 9162 section 2.1.4.2).

    Hashes are 32 bytes, `proof` is ordered leaf to root. Raises `MalformedInput` or `VerificationFailed`.
    """
    old_root = require_bytes(old_root, WORD_BYTES, "old root")
    new_root = require_bytes(new_root, WORD_BYTES, "new root")
    _check_size(old_size, "old size")
    _check_size(new_size, "new size")
    if old_size > new_size:
        raise MalformedInput(f"old size {old_size} is above the new size {new_size}")
    hashes = _check_proof(proof)
    if old_size == 0 or old_size == new_size:
        _verify_trivial_consistency(old_size, new_size, hashes, old_root, new_root)
        return
    if old_size & (old_size - 1) == 0:  # a complete subtree: its root is the old root, so the proof leaves it out
        hashes = [old_root, *hashes]
    if not hashes:
        raise VerificationFailed("consistency proof: empty, but the sizes differ")
    node, last = old_size - 1, new_size - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    old_running = new_running = hashes[0]
    for sibling in hashes[1:]:
        if last == 0:
            raise VerificationFailed("consistency proof: longer than the tree is deep")
        if node & 1 or node == last:
            old_running = node_hash(sibling, old_running)
            new_running = node_hash(sibling, new_running)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            new_running = node_hash(new_running, sibling)
        node, last = node >> 1, last >> 1
    if last != 0:
        raise VerificationFailed("consistency proof: shorter than the tree is deep")
    if old_running != old_root:
        raise VerificationFailed("consistency proof: does not lead to the old root")
    if new_running != new_root:
        raise VerificationFailed("consistency proof: does not lead to the new root")


def _verify_trivial_consistency(
    old_size: int, new_size: int, hashes: list[bytes], old_root: bytes, new_root: bytes
) -> None:
    if hashes:
        raise VerificationFailed("consistency proof: must be empty for these sizes")
    if old_size == 0 and old_root != EMPTY_ROOT:
        raise VerificationFailed("consistency proof: the empty tree has another root")
    if old_size == new_size and old_root != new_root:
        raise VerificationFailed("consistency proof: equal sizes with different roots")


def _check_size(size: int, what: str) -> None:
    if require_uint64(size, what) > MAX_SIZE:
        raise MalformedInput(f"{what}: {size} is above 2^63")


def _check_proof(proof: Sequence[bytes]) -> list[bytes]:
    if not isinstance(proof, list | tuple):
        raise MalformedInput("proof: expected a sequence of 32-byte hashes")
    if len(proof) > MAX_PROOF_HASHES:
        raise MalformedInput(f"proof: {len(proof)} hashes, at most {MAX_PROOF_HASHES} are possible")
    return [require_bytes(item, WORD_BYTES, "proof hash") for item in proof]


@dataclass
class CompactRange:
    """The roots of the complete subtrees of a tree's first `size` leaves, largest first: enough to append and to
    compute the root, in memory of one hash per level."""

    size: int = 0
    roots: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        if len(self.roots) != self.size.bit_count():
            raise MalformedInput(f"compact range: {len(self.roots)} roots do not fit {self.size} leaves")

    def append(self, leaf: bytes) -> None:
        """Append one leaf hash."""
        carry, size = leaf, self.size
        while size & 1:
            carry, size = node_hash(self.roots.pop(), carry), size >> 1
        self.roots.append(carry)
        self.size += 1

    def root(self) -> bytes:
        """The RFC 9162 root, 32 bytes."""
        return _join(self.roots) if self.roots else EMPTY_ROOT


def _join(subtrees: Sequence[bytes]) -> bytes:
    """The hash over complete subtrees that stand beside each other, largest first."""
    return reduce(lambda running, left: node_hash(left, running), reversed(subtrees))


def tree_root(leaves: Iterable[bytes]) -> bytes:
    """The root over leaf hashes in order."""
    compact = CompactRange()
    for leaf in leaves:
        compact.append(leaf)
    return compact.root()


def parent_hashes(hashes: bytes) -> bytes:
    """The hashes of the nodes over each two of these, behind each other; over the last of an odd number is none."""
    parents = []
    for end in range(2 * WORD_BYTES, len(hashes) + 1, 2 * WORD_BYTES):
        parent = _NODE.copy()  # takes less time than a new one
        parent.update(hashes[end - 2 * WORD_BYTES : end])
        parents.append(parent.digest())
    return b"".join(parents)


class NodeReader(Protocol):
    """Where the hashes of complete subtrees are kept."""

    def read_nodes(self, nodes: Sequence[tuple[int, int]]) -> list[bytes]:
        """Hashes of the complete subtrees `(level, index)`: the one over leaves index*2^level to (index+1)*2^level.

        All of them lie inside the tree for which the proof is made.
        """


def inclusion_proof(index: int, size: int, reader: NodeReader) -> list[bytes]:
    """The proof that leaf `index` is in the tree of `size` leaves, ordered leaf to root (RFC 9162 section 2.1.3.1)."""
    _check_size(size, "size")
    if require_uint64(index, "index") >= size:
        raise MalformedInput(f"index {index} is not below the tree size {size}")
    ranges, begin, end = [], 0, size
    while end - begin > 1:
        middle = begin + _split(end - begin)
        if index < middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((begin, middle))
            begin = middle
    return _hash_ranges(ranges[::-1], reader)


def consistency_proof(old_size: int, new_size: int, reader: NodeReader) -> list[bytes]:
    """The proof that the tree of `new_size` extends the one of `old_size` (RFC 9162 section 2.1.4.1)."""
    _check_size(new_size, "new size")
    if require_uint64(old_size, "old size") > new_size:
        raise MalformedInput(f"old size {old_size} is above the new size {new_size}")
    if old_size in (0, new_size):
        return []
    ranges, begin, end = [], 0, new_size
    while end != old_size:
        middle = begin + _split(end - begin)
        if old_size <= middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((begin, middle))
            begin = middle
    if begin != 0:
        ranges.append((begin, end))
    return _hash_ranges(ranges[::-1], reader)


def _split(size: int) -> int:
    """The largest power of two below `size` (RFC 9162 section 2.1.1, k)."""
    return 1 << ((size - 1).bit_length() - 1)


def _hash_ranges(ranges: list[tuple[int, int]], reader: NodeReader) -> list[bytes]:
    decomposed = [_complete_subtrees(begin, end) for begin, end in ranges]
    hashes = iter(reader.read_nodes([node for nodes in decomposed for node in nodes]))
    return [_join([next(hashes) for _ in nodes]) for nodes in decomposed]


def _complete_subtrees(begin: int, end: int) -> list[tuple[int, int]]:
    """`begin` to `end` as complete subtrees, largest first; `begin` is aligned to the largest."""
    nodes = []
    while begin < end:
        level = (end - begin).bit_length() - 1
        nodes.append((level, begin >> level))
        begin += 1 << level
    return nodes
