"""Which block of a chain is final at present, by the chain's own rule (docs/spec/trust.md)."""

from anchors.chain.port import Block, Chain, ChainUnavailable
from anchors.core.trust import Finality


def newest_final(chain: Chain, finality: Finality, tip: Block) -> int:
    """The number of the newest final block under `tip`, below 0 where none is final. Only under the rule `finalized`
    the node is asked. Raises `ChainUnavailable`, also where what it calls final is not in its chain."""
    if finality.blocks is not None:
        return finality.newest_final(tip.number, None)
    finalized = chain.finalized()
    if finalized is None:
        return finality.newest_final(tip.number, None)
    present = chain.block(finalized.number)
    if present is None or present.hash != finalized.hash:
        raise ChainUnavailable(f"block {finalized.number} is called final and is not in the node's chain; try again")
    return finality.newest_final(tip.number, finalized.number)
