"""A head as the witness contract emitted it, the block in which it did so, and their id (docs/spec/witness.md)."""

from collections.abc import Sequence
from dataclasses import dataclass

from anchors.core.encoding import MAX_UINT64, WORD_BYTES, keccak256, uint_word
from anchors.core.errors import MalformedInput

WITNESSED = keccak256(b"Witnessed(bytes32,uint64,uint64,bytes32,bytes32,uint64,bytes32)")
"""The first topic of the event."""


@dataclass(frozen=True)
class Block:
    """A block's place: number, its own and its parent's hash (32 bytes), time in Unix seconds."""

    number: int
    hash: bytes
    parent: bytes
    timestamp: int


@dataclass(frozen=True)
class WitnessedHead:
    """What a `Witnessed` event says. Roots, heads and ids are 32 bytes."""

    log: bytes
    old_size: int
    new_size: int
    root: bytes
    registry_head: bytes
    registry_count: int
    witness_id: bytes


def read_witnessed(topics: Sequence[bytes], data: bytes) -> WitnessedHead:
    """The head in a log of the witness contract: its topics of 32 bytes, the first one included, and its data.

    Raises `MalformedInput` where it is no `Witnessed` event."""
    if len(topics) != 3 or topics[0] != WITNESSED or len(data) != 5 * WORD_BYTES:
        raise MalformedInput("Witnessed event: expected its topic, two topics behind it and five words of data")
    old_size, new_size, root, registry_head, registry_count = (
        data[start : start + WORD_BYTES] for start in range(0, len(data), WORD_BYTES)
    )
    return WitnessedHead(
        topics[1], _uint64(old_size), _uint64(new_size), root, registry_head, _uint64(registry_count), topics[2]
    )


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


def id_in_block(head: WitnessedHead, block: Block) -> bytes:
    """The id that the contract gives this head in this block, whatever the event says that it is."""
    values = (head.log, head.old_size, head.new_size, head.root, head.registry_head, head.registry_count)
    return witness_id(*values, block.timestamp, block.parent)


def _uint64(word: bytes) -> int:
    value = int.from_bytes(word, "big")
    if value > MAX_UINT64:
        raise MalformedInput(f"Witnessed event: {value} does not fit 64 bits")
    return value
