"""The hex of JSON-RPC: quantities and byte strings, with `0x` in front. Everything wrong is a `ValueError`."""

from typing import Any


def quantity(value: Any) -> int:
    """The number of a QUANTITY, for example 26 of `0x1a`."""
    return int.from_bytes(_digits(value, "number"), "big")


def octets(value: Any, length: int | None = None) -> bytes:
    """The bytes of DATA, `length` of them where it is given."""
    data = _digits(value, "byte string")
    if len(value) % 2 or (length is not None and len(data) != length):
        raise ValueError(f"expected {length} bytes in hex, got {value[:80]!r}")
    return data


def _digits(value: Any, what: str) -> bytes:
    if not isinstance(value, str) or not value.startswith("0x"):
        raise ValueError(f"expected a {what} with 0x in front, got {str(value)[:80]!r}")
    digits = value[2:]
    if not digits.isalnum() and digits:
        raise ValueError(f"expected a {what} of hex digits alone, got {value[:80]!r}")  # `fromhex` skips white space
    return bytes.fromhex("0" + digits if len(digits) % 2 else digits)
