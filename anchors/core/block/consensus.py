"""How a chain hashes and seals its blocks (docs/spec/block.md, The hash of a block)."""

from enum import StrEnum


class Consensus(StrEnum):
    """What a trust file calls a chain's consensus. NONE: a header's hash is that of its bytes, and nobody seals it."""

    NONE = "none"
    QBFT = "qbft"
    IBFT2 = "ibft2"


def quorum(validators: int) -> int:
    """How many of so many validators must have sealed a block: ceil(2n/3)."""
    return -(-2 * validators // 3)
