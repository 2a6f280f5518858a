"""One encoding per value: strict hex, base64, codes and 32-byte words (docs/spec/README.md, Conventions)."""

import base64
import binascii
import re
from functools import lru_cache

from sha3 import keccak_256

from anchors.core.errors import MalformedInput

WORD_BYTES = 32
ZERO_WORD = bytes(WORD_BYTES)
MAX_UINT64 = 2**64 - 1

_CODE = re.compile(r"[!-~]{1,32}")
_HEX = re.compile(r"(?:[0-9a-f]{2})*")
_DECIMAL = re.compile(r"0|[1-9][0-9]{0,19}")


def keccak256(data: bytes) -> bytes:
    """Ethereum's Keccak-256 (not FIPS 202 SHA3-256) of `data`, 32 bytes."""
    return keccak_256(data).digest()


def require_bytes(value: bytes, length: int, what: str) -> bytes:
    """Return `value` if it is exactly `length` bytes, else raise `MalformedInput`."""
    if type(value) is bytes and len(value) == length:
        return value
    if not isinstance(value, bytes | bytearray | memoryview):
        raise MalformedInput(f"{what}: expected {length} bytes, got {type(value).__name__}")
    if len(value) != length:
        raise MalformedInput(f"{what}: expected {length} bytes, got {len(value)}")
    return bytes(value)


def require_uint64(value: int, what: str) -> int:
    """Return `value` if it is an integer from 0 to 2^64-1, else raise `MalformedInput`."""
    if type(value) is int and 0 <= value <= MAX_UINT64:
        return value
    if isinstance(value, bool) or not isinstance(value, int):
        raise MalformedInput(f"{what}: expected an integer, got {type(value).__name__}")
    if not 0 <= value <= MAX_UINT64:
        raise MalformedInput(f"{what}: {value} is outside 0 to 2^64-1")
    return value


def uint_word(value: int) -> bytes:
    """`value` as a 32-byte ABI word."""
    return value.to_bytes(WORD_BYTES, "big")


def address_word(address: bytes) -> bytes:
    """A 20-byte address as a 32-byte ABI word."""
    return b"\x00" * 12 + address


def code_word(code: str) -> bytes:
    """A code as a bytes32, left-aligned and zero-padded. Raises `MalformedInput` for anything that is no code."""
    try:
        return _code_word(code)
    except TypeError:  # of the cache, for what has no hash
        raise MalformedInput(f"code: expected text, got {type(code).__name__}") from None


@lru_cache(maxsize=4096)
def _code_word(code: str) -> bytes:
    if not isinstance(code, str) or not _CODE.fullmatch(code):
        raise MalformedInput(f"code {str(code)[:40]!r}: expected 1 to 32 characters from ! to ~, without spaces")
    return code.encode("ascii").ljust(WORD_BYTES, b"\x00")


@lru_cache(maxsize=4096)
def word_code(word: bytes) -> str:
    """The code in a bytes32. Raises `MalformedInput` where the padding or a character is wrong."""
    text = word.rstrip(b"\x00").decode("latin-1")
    if not _CODE.fullmatch(text):
        raise MalformedInput(f"bytes32 {word.hex()}: not a code (1 to 32 characters from ! to ~, then zero bytes)")
    return text


def decode_base64(text: str, what: str) -> bytes:
    """Bytes of a padded RFC 4648 section 4 text that encodes back to itself, else `MalformedInput`."""
    try:
        encoded = text.encode("ascii")
        data = binascii.a2b_base64(encoded, strict_mode=True)
    except (binascii.Error, ValueError, AttributeError):
        raise MalformedInput(f"{what}: not base64 (RFC 4648 section 4, padded)") from None
    if binascii.b2a_base64(data, newline=False) != encoded:
        raise MalformedInput(f"{what}: base64 with unused bits set; encode the bytes again")
    return data


def encode_base64(data: bytes) -> str:
    """Padded RFC 4648 section 4 text."""
    return base64.b64encode(data).decode("ascii")


def decode_hex(text: str, length: int, what: str) -> bytes:
    """`length` bytes from lower-case hex with the prefix 0x, else `MalformedInput`."""
    if not isinstance(text, str) or not text.startswith("0x"):
        raise MalformedInput(f"{what}: expected 0x and {2 * length} lower-case hex digits")
    return decode_bare_hex(text[2:], length, what)


def decode_bare_hex(text: str, length: int, what: str) -> bytes:
    """`length` bytes from lower-case hex without prefix, else `MalformedInput`."""
    if not isinstance(text, str) or len(text) != 2 * length or not _HEX.fullmatch(text):
        raise MalformedInput(f"{what}: expected {2 * length} lower-case hex digits")
    return bytes.fromhex(text)


def encode_hex(data: bytes) -> str:
    """Lower-case hex with the prefix 0x."""
    return "0x" + data.hex()


def decode_decimal(text: str, what: str) -> int:
    """A uint64 from ASCII decimal without sign or leading zero, else `MalformedInput`."""
    if not _DECIMAL.fullmatch(text):
        raise MalformedInput(f"{what}: {text[:24]!r} is not a decimal number without leading zeros")
    return require_uint64(int(text), what)
