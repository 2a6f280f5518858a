"""Who sealed a block of the Clique chain: the last 65 bytes of a header's extra data sign the rest of the header."""

from typing import Any

from anchors.core.encoding import encode_hex, keccak256
from anchors.core.signature import recover
from scripts.qbft_genesis import Rlp, encode_rlp
from tests.validators.network import SEAL_BYTES

_BYTES = (  # in a header's order; a number where the name is in _NUMBERS
    "parentHash", "sha3Uncles", "miner", "stateRoot", "transactionsRoot", "receiptsRoot", "logsBloom", "difficulty",
    "number", "gasLimit", "gasUsed", "timestamp", "extraData", "mixHash", "nonce", "baseFeePerGas",
)  # fmt: skip
_NUMBERS = {"difficulty", "number", "gasLimit", "gasUsed", "timestamp", "baseFeePerGas"}
_LOWEST_V = 27


def block_hash(header: dict[str, Any]) -> str:
    """The hash of a header as JSON-RPC gives it: keccak256 of its RLP."""
    return encode_hex(keccak256(encode_rlp(_fields(header, unsealed=False))))


def signer_of(header: dict[str, Any]) -> str:
    """The account whose seal the header carries, 0x and 40 lower-case hex digits."""
    seal = bytes.fromhex(header["extraData"][2:])[-SEAL_BYTES:]
    signature = seal[:-1] + bytes((seal[-1] + _LOWEST_V,))
    return encode_hex(recover(keccak256(encode_rlp(_fields(header, unsealed=True))), signature))


def _fields(header: dict[str, Any], *, unsealed: bool) -> list[Rlp]:
    fields: list[Rlp] = []
    for name in _BYTES:
        text = header[name][2:]
        if name in _NUMBERS:
            number = int(text, 16)
            fields.append(number.to_bytes((number.bit_length() + 7) // 8, "big"))
            continue
        value = bytes.fromhex(text)
        fields.append(value[:-SEAL_BYTES] if unsealed and name == "extraData" else value)
    return fields
