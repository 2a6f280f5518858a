"""A block's header (docs/spec/block.md, The form): which items it has, strictly read."""

from collections.abc import Sequence
from dataclasses import dataclass

from anchors.core.block.proof import MAX_HEADER_BYTES
from anchors.core.block.rlp_text import Item, decode_list, encode, read_number
from anchors.core.encoding import require_bytes
from anchors.core.errors import MalformedInput

FEWEST_FIELDS = 15


@dataclass(frozen=True)
class Field:
    """An item of a header, by its name in JSON-RPC: a number of at most `size` bytes, or `size` bytes, None for any."""

    name: str
    size: int | None
    is_number: bool = False


FIELDS = (
    Field("parentHash", 32),
    Field("sha3Uncles", 32),
    Field("miner", 20),
    Field("stateRoot", 32),
    Field("transactionsRoot", 32),
    Field("receiptsRoot", 32),
    Field("logsBloom", 256),
    Field("difficulty", 32, is_number=True),
    Field("number", 8, is_number=True),
    Field("gasLimit", 8, is_number=True),
    Field("gasUsed", 8, is_number=True),
    Field("timestamp", 8, is_number=True),
    Field("extraData", None),
    Field("mixHash", 32),
    Field("nonce", 8),
    Field("baseFeePerGas", 32, is_number=True),
    Field("withdrawalsRoot", 32),
    Field("blobGasUsed", 8, is_number=True),
    Field("excessBlobGas", 8, is_number=True),
    Field("parentBeaconBlockRoot", 32),
    Field("requestsHash", 32),
)
"""In a header's order. Those behind the fifteenth stand there as far as the chain's rules have them."""

_PLACES = {field.name: place for place, field in enumerate(FIELDS)}


@dataclass(frozen=True)
class Header:
    """A header whose items have the right form. `items` are its fields as RLP holds them."""

    items: tuple[bytes, ...]

    @classmethod
    def decode(cls, data: bytes) -> "Header":
        """The header that `data` is the RLP of. Raises `MalformedInput`."""
        if len(data) > MAX_HEADER_BYTES:
            raise MalformedInput(f"header: {len(data)} bytes, at most {MAX_HEADER_BYTES} are accepted")
        return cls.of_items(decode_list(data, "header"))

    @classmethod
    def of_items(cls, items: Sequence[Item]) -> "Header":
        """The header of these items. Raises `MalformedInput`."""
        if not FEWEST_FIELDS <= len(items) <= len(FIELDS):
            raise MalformedInput(f"header: {len(items)} items, known are {FEWEST_FIELDS} to {len(FIELDS)}")
        return cls(tuple(_check(item, field) for field, item in zip(FIELDS, items, strict=False)))

    def encode(self) -> bytes:
        """The header's RLP, as it was decoded."""
        return encode(self.items)

    def with_extra(self, extra_data: bytes) -> "Header":
        """The same header with other extra data."""
        place = _PLACES["extraData"]
        return Header((*self.items[:place], extra_data, *self.items[place + 1 :]))

    @property
    def parent(self) -> bytes:
        """The hash of the block before it, 32 bytes."""
        return self.items[_PLACES["parentHash"]]

    @property
    def receipts_root(self) -> bytes:
        """The root of the trie of its receipts, 32 bytes."""
        return self.items[_PLACES["receiptsRoot"]]

    @property
    def number(self) -> int:
        """Its block's number."""
        return self._number("number")

    @property
    def timestamp(self) -> int:
        """Its block's time, Unix seconds."""
        return self._number("timestamp")

    @property
    def extra_data(self) -> bytes:
        """What its consensus writes there."""
        return self.items[_PLACES["extraData"]]

    def _number(self, name: str) -> int:
        return int.from_bytes(self.items[_PLACES[name]], "big")


def _check(item: Item, field: Field) -> bytes:
    what = f"header: {field.name}"
    if field.is_number:
        assert field.size is not None
        read_number(item, field.size, what)
        return bytes(item)
    if not isinstance(item, bytes):
        raise MalformedInput(f"{what}: expected bytes, not a list")
    return item if field.size is None else require_bytes(item, field.size, what)
