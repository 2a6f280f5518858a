"""The form of a block proof (docs/spec/block.md): canonical JSON, of which no byte is free."""

from collections.abc import Sequence
from dataclasses import dataclass

from anchors.core import canonical
from anchors.core.canonical import Json
from anchors.core.encoding import decode_hex, encode_hex
from anchors.core.errors import MalformedInput

MAX_PROOF_BYTES = 4 * 2**20
MAX_HEADER_BYTES = 65_536
MAX_NODES = 16
MAX_NODE_BYTES = 2**20
MAX_INDEX = 2**32 - 1
MAX_SET_CHANGES = 64

_MEMBERS = {"header", "log", "parent", "receipt", "transaction", "validators"}


@dataclass(frozen=True)
class BlockProof:
    """What shows a `Witnessed` event in its block. Headers and nodes are RLP; nothing of it is believed yet.

    `parent` is the header of the block before as it is hashed. `transaction_index` is the place of the transaction in
    its block, `log_index` that of the event in its receipt, both from 0. `receipt` are the nodes from the receipts
    root, root first. `set_changes` are the headers by which one set of validators handed over to the next, oldest
    first."""

    header: bytes
    parent: bytes
    transaction_index: int
    log_index: int
    receipt: tuple[bytes, ...]
    set_changes: tuple[bytes, ...] = ()

    def to_json(self) -> dict[str, Json]:
        """The proof as a JSON value, to stand in a larger text."""
        return {
            "header": encode_hex(self.header),
            "log": self.log_index,
            "parent": encode_hex(self.parent),
            "receipt": [encode_hex(node) for node in self.receipt],
            "transaction": self.transaction_index,
            "validators": [encode_hex(header) for header in self.set_changes],
        }

    @classmethod
    def from_json(cls, value: Json) -> "BlockProof":
        """The proof in a JSON value. Raises `MalformedInput`."""
        if not isinstance(value, dict) or set(value) != _MEMBERS:
            raise MalformedInput(f"block proof: expected an object of {', '.join(sorted(_MEMBERS))}")
        return cls(
            header=_read_bytes(value["header"], MAX_HEADER_BYTES, "header"),
            parent=_read_bytes(value["parent"], MAX_HEADER_BYTES, "parent"),
            transaction_index=_read_index(value["transaction"], "transaction"),
            log_index=_read_index(value["log"], "log"),
            receipt=_read_list(value["receipt"], MAX_NODES, MAX_NODE_BYTES, "receipt"),
            set_changes=_read_list(value["validators"], MAX_SET_CHANGES, MAX_HEADER_BYTES, "validators"),
        )

    def encode(self) -> bytes:
        """The proof's canonical text."""
        return canonical.encode(self.to_json())

    @classmethod
    def decode(cls, text: bytes) -> "BlockProof":
        """The proof in its canonical text. Raises `MalformedInput`."""
        return cls.from_json(canonical.decode(text, MAX_PROOF_BYTES))


def _read_bytes(value: Json, most: int, what: str) -> bytes:
    if not isinstance(value, str) or len(value) > 2 + 2 * most or len(value) % 2:
        raise MalformedInput(f"block proof: {what}: expected 0x and hex digits for at most {most} bytes")
    return decode_hex(value, len(value) // 2 - 1, f"block proof: {what}")


def _read_list(value: Json, most: int, most_bytes: int, what: str) -> tuple[bytes, ...]:
    if not isinstance(value, Sequence) or isinstance(value, str) or len(value) > most:
        raise MalformedInput(f"block proof: {what}: expected a list of at most {most}")
    return tuple(_read_bytes(item, most_bytes, what) for item in value)


def _read_index(value: Json, what: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_INDEX:
        raise MalformedInput(f"block proof: {what}: expected a number from 0 to {MAX_INDEX}")
    return value
