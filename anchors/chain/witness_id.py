"""The id of a witnessed head (docs/spec/witness.md)."""

from anchors.chain.port import Block, WitnessEvent
from anchors.core.encoding import keccak256, uint_word


def witness_id(
    log: bytes,
    old_size: int,
    new_size: int,
    root: bytes,
    registry_head: bytes,
    registry_count: int,
    timestamp: int,
    parent: bytes,
) -> bytes:
    """keccak256 over the eight values as words: those of the event, the block's time in Unix seconds and the hash of
    the block before it. 32 bytes."""
    words = (
        log,
        uint_word(old_size),
        uint_word(new_size),
        root,
        registry_head,
        uint_word(registry_count),
        uint_word(timestamp),
        parent,
    )
    return keccak256(b"".join(words))


def id_in_block(event: WitnessEvent, block: Block) -> bytes:
    """The id that the contract gives this head in this block, whatever the event says that it is."""
    values = (event.log, event.old_size, event.new_size, event.root, event.registry_head, event.registry_count)
    return witness_id(*values, block.timestamp, block.parent)
