"""Recursive length prefix (Yellow Paper appendix B): one encoding per value, and every failure a `MalformedInput`."""

from collections.abc import Sequence

import rlp
from rlp.exceptions import RLPException

from anchors.core.errors import MalformedInput

Item = bytes | Sequence["Item"]

encode = rlp.encode


def decode_list(data: bytes, what: str) -> list[Item]:
    """The list that `data` is the one encoding of: items are bytes or lists. Raises `MalformedInput`."""
    try:
        item = rlp.decode(data)
        again = rlp.encode(item)
    except (RLPException, RecursionError) as error:
        raise MalformedInput(f"{what}: not RLP: {' '.join(str(error).split())[:120]}") from None
    if not isinstance(item, list) or again != data:
        raise MalformedInput(f"{what}: expected the one RLP encoding of a list")
    return item


def require_list(item: Item, what: str) -> Sequence[Item]:
    """`item` where it is a list, else `MalformedInput`."""
    if isinstance(item, bytes):
        raise MalformedInput(f"{what}: expected a list")
    return item


def read_number(item: Item, most_bytes: int, what: str) -> int:
    """The number that `item` is: big-endian, without a leading zero byte. Raises `MalformedInput`."""
    if not isinstance(item, bytes) or len(item) > most_bytes or item[:1] == b"\x00":
        raise MalformedInput(f"{what}: expected a number of at most {most_bytes} bytes without a leading zero")
    return int.from_bytes(item, "big")


def number_bytes(value: int) -> bytes:
    """A number as RLP holds it."""
    return value.to_bytes((value.bit_length() + 7) // 8, "big")
