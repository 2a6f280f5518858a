"""The Merkle tree by the recursive definitions of RFC 9162 section 2.1, and its two verification algorithms."""

from collections.abc import Sequence

from .standards import sha256

EMPTY = sha256(b"")


def leaf(data: bytes) -> bytes:
    """MTH({d}) = HASH(0x00 || d)."""
    return sha256(b"\x00" + data)


def node(left: bytes, right: bytes) -> bytes:
    """HASH(0x01 || left || right)."""
    return sha256(b"\x01" + left + right)


def split(size: int) -> int:
    """The largest power of two smaller than `size` (k < n <= 2k)."""
    half = 1
    while half * 2 < size:
        half *= 2
    return half


def root(leaves: Sequence[bytes]) -> bytes:
    """MTH over leaf hashes (section 2.1.1)."""
    if not leaves:
        return EMPTY
    if len(leaves) == 1:
        return leaves[0]
    half = split(len(leaves))
    return node(root(leaves[:half]), root(leaves[half:]))


def inclusion_proof(index: int, leaves: Sequence[bytes]) -> list[bytes]:
    """PATH(m, D_n) (section 2.1.3.1)."""
    if len(leaves) == 1:
        return []
    half = split(len(leaves))
    if index < half:
        return [*inclusion_proof(index, leaves[:half]), root(leaves[half:])]
    return [*inclusion_proof(index - half, leaves[half:]), root(leaves[:half])]


def consistency_proof(old_size: int, leaves: Sequence[bytes]) -> list[bytes]:
    """PROOF(m, D_n) for 0 < m < n (section 2.1.4.1); empty for m = 0 and m = n, as docs/spec/log.md says."""
    if old_size in (0, len(leaves)):
        return []
    return _subproof(old_size, leaves, True)


def _subproof(old_size: int, leaves: Sequence[bytes], known: bool) -> list[bytes]:
    if old_size == len(leaves):
        return [] if known else [root(leaves)]
    half = split(len(leaves))
    if old_size <= half:
        return [*_subproof(old_size, leaves[:half], known), root(leaves[half:])]
    return [*_subproof(old_size - half, leaves[half:], False), root(leaves[:half])]


def inclusion_holds(leaf_hash: bytes, index: int, size: int, proof: Sequence[bytes], expected: bytes) -> bool:
    """Section 2.1.3.2, step by step."""
    if index >= size:
        return False
    first, second = index, size - 1
    result = leaf_hash
    for sibling in proof:
        if second == 0:
            return False
        if first % 2 == 1 or first == second:
            result = node(sibling, result)
            while first % 2 == 0 and first != 0:
                first >>= 1
                second >>= 1
        else:
            result = node(result, sibling)
        first >>= 1
        second >>= 1
    return second == 0 and result == expected


def consistency_holds(old: int, new: int, proof: Sequence[bytes], old_root: bytes, new_root: bytes) -> bool:
    """Section 2.1.4.2, with the rules of docs/spec/log.md for size 0 and equal sizes."""
    if old > new:
        return False
    if old == 0:
        return not proof and old_root == EMPTY and (new != 0 or new_root == EMPTY)
    if old == new:
        return not proof and old_root == new_root
    if not proof:
        return False
    path = [old_root, *proof] if old & (old - 1) == 0 else list(proof)
    first, second = old - 1, new - 1
    while first % 2 == 1:
        first >>= 1
        second >>= 1
    old_result = new_result = path[0]
    for sibling in path[1:]:
        if second == 0:
            return False
        if first % 2 == 1 or first == second:
            old_result = node(sibling, old_result)
            new_result = node(sibling, new_result)
            while first % 2 == 0 and first != 0:
                first >>= 1
                second >>= 1
        else:
            new_result = node(new_result, sibling)
        first >>= 1
        second >>= 1
    return second == 0 and old_result == old_root and new_result == new_root
