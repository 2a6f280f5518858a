"""From a log line of the node to an event of ours. All fields are static, so each is one word."""

from dataclasses import dataclass
from typing import Any

from anchors.chain.hexadecimal import octets, quantity
from anchors.chain.port import Place, RegistryEvent, WitnessEvent
from anchors.core.block.head import read_witnessed as read_head
from anchors.core.encoding import MAX_UINT64, WORD_BYTES, keccak256
from anchors.core.registry import Action, Change, optional_code

REGISTRY_CHANGED = keccak256(b"RegistryChanged(uint64,uint64,uint8,bytes32,bytes32,bytes32,address,bytes32,bytes32)")


@dataclass(frozen=True)
class LogLine:
    """What a contract logged: the topics behind the first, the data as words, all of 32 bytes."""

    emitter: bytes
    topic: bytes
    indexed: tuple[bytes, ...]
    words: tuple[bytes, ...]
    place: Place


def read_log_line(wire: dict[str, Any]) -> LogLine:
    """An element of the answer to `eth_getLogs`. Raises `ValueError`, `KeyError` or `TypeError` where it is none."""
    if wire.get("removed", False) is not False:
        raise ValueError("a log of a block that left the chain")
    topic, *indexed = (octets(item, WORD_BYTES) for item in wire["topics"])
    data = octets(wire["data"])
    if len(data) % WORD_BYTES:
        raise ValueError(f"log data of {len(data)} bytes, expected whole words")
    return LogLine(
        emitter=octets(wire["address"], 20),
        topic=topic,
        indexed=tuple(indexed),
        words=tuple(data[start : start + WORD_BYTES] for start in range(0, len(data), WORD_BYTES)),
        place=Place(
            block_number=quantity(wire["blockNumber"]),
            block_hash=octets(wire["blockHash"], 32),
            transaction=octets(wire["transactionHash"], 32),
            position=quantity(wire["logIndex"]),
        ),
    )


def read_witnessed(line: LogLine) -> WitnessEvent:
    """A `Witnessed` event (docs/spec/witness.md). Raises `MalformedInput`."""
    head = read_head((line.topic, *line.indexed), b"".join(line.words))
    return WitnessEvent(**vars(head), place=line.place)


def read_registry_changed(line: LogLine) -> RegistryEvent:
    """A `RegistryChanged` event (docs/spec/registry.md). Raises `ValueError` or `MalformedInput`."""
    number, institution, key = line.indexed
    time, action, role, log, data, head = line.words
    change = Change(
        number=_uint64(number),
        time=_uint64(time),
        action=Action(_uint64(action)),
        institution=optional_code(institution),
        role=optional_code(role),
        log=log,
        key=_address(key),
        data=data,
    )
    return RegistryEvent(change, head, line.place)


def _uint64(word: bytes) -> int:
    value = int.from_bytes(word, "big")
    if value > MAX_UINT64:
        raise ValueError(f"{value} does not fit 64 bits")
    return value


def _address(word: bytes) -> bytes:
    if any(word[:12]):
        raise ValueError(f"0x{word.hex()} is no address")
    return word[12:]
