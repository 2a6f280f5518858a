"""Canonical JSON: RFC 8785 narrowed to values that every language writes alike (docs/spec/content.md).

A reader decodes, encodes again and compares: one text per value, and the bytes received are the bytes hashed.
"""

import contextlib
import json
import re

import msgspec

from anchors.core.errors import MalformedInput

MAX_DEPTH = 16
MAX_INTEGER = 2**53 - 1

Json = str | bool | None | int | list["Json"] | dict[str, "Json"]


class DuplicateKey(MalformedInput):
    """An object names a member twice: two readers could see two different values."""


class FloatFound(MalformedInput):
    """A number that is not an integer: two systems would print it differently."""


_BRACKET_OR_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[\]{}]', re.DOTALL)
_STEP = {b"[": 1, b"{": 1, b"]": -1, b"}": -1}
_encoder = msgspec.json.Encoder(order="sorted")
_decoder = msgspec.json.Decoder()


def encode(value: Json) -> bytes:
    """The canonical text of `value`. Raises `MalformedInput` for floats, large integers, bad keys and deep nesting."""
    _check(value, 1)
    try:
        return _encoder.encode(value)
    except (TypeError, ValueError, msgspec.MsgspecError) as error:
        raise MalformedInput(f"JSON: {error}") from None


def decode(text: bytes, limit: int) -> Json:
    """The value of canonical `text` of at most `limit` bytes.

    Raises `DuplicateKey`, `FloatFound` or another `MalformedInput`; the message says what the text breaks.
    """
    if len(text) > limit:
        raise MalformedInput(f"JSON: {len(text)} bytes, at most {limit} are allowed")
    _check_depth(text)
    try:
        value = _decoder.decode(text)
        _check(value, 1)
        again = _encoder.encode(value)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        _explain(text)
        raise MalformedInput(f"JSON: {error}") from None
    except MalformedInput:
        _explain(text)
        raise
    if again != text:
        _explain(text)
        raise MalformedInput(f"JSON: not canonical (RFC 8785) from byte {_first_difference(text, again)} on")
    return value


def _check(value: Json, depth: int) -> None:
    kind = type(value)
    if kind is dict:
        _check_keys(value)
        members = value.values()
    elif kind is list or kind is tuple:
        members = value
    else:
        _check_scalar(value)
        return
    if depth > MAX_DEPTH:
        raise MalformedInput(f"JSON: nested deeper than {MAX_DEPTH}")
    for member in members:
        # Most members are strings; asking for nothing else about them keeps this loop out of every profile.
        if type(member) is not str:
            _check(member, depth + 1)


def _check_keys(value: dict) -> None:
    try:
        if (keys := "".join(value)).isascii() and keys.isprintable():
            return
    except TypeError:
        pass
    wrong = next(key for key in value if type(key) is not str or not key.isascii() or not key.isprintable())
    raise MalformedInput(f"JSON: key {wrong!r} is not printable ASCII")


def _check_scalar(value: Json) -> None:
    kind = type(value)
    if kind is str or kind is bool or value is None:
        return
    if kind is float:
        raise FloatFound(f"JSON: {value!r} is not an integer; write clinical values as strings")
    if kind is not int:
        raise MalformedInput(f"JSON: {kind.__name__} has no canonical form")
    if not -MAX_INTEGER <= value <= MAX_INTEGER:
        raise MalformedInput(f"JSON: integer {value} is beyond 2^53-1; write it as a string")


def _check_depth(text: bytes) -> None:
    """Refuse deep nesting before a decoder descends into it: some libraries raise the interpreter's recursion limit so
    far that the decoder would overrun the stack and end the process."""
    if text.count(b"[") + text.count(b"{") <= MAX_DEPTH:
        return
    depth = 0
    for bracket in _BRACKET_OR_STRING.findall(text):
        depth += _STEP.get(bracket, 0)
        if depth > MAX_DEPTH:
            raise MalformedInput(f"JSON: nested deeper than {MAX_DEPTH}")


def refuse_duplicates(text: bytes) -> None:
    """Raise `DuplicateKey` where an object of JSON `text` names a member twice. Other faults are left to a decoder."""
    with contextlib.suppress(ValueError, RecursionError):
        json.loads(text, object_pairs_hook=_refuse_duplicates)


def _explain(text: bytes) -> None:
    """Raise the error that names what a sender did wrong, where it is one of the common ones."""
    with contextlib.suppress(ValueError, RecursionError):
        json.loads(text, object_pairs_hook=_refuse_duplicates, parse_float=_refuse_float)


def _refuse_duplicates(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    members: dict[str, Json] = {}
    for key, value in pairs:
        if key in members:
            raise DuplicateKey(f"JSON: member {key[:64]!r} occurs twice in one object; send it once")
        members[key] = value
    return members


def _refuse_float(text: str) -> float:
    raise FloatFound(f"JSON: {text[:40]} is not an integer; write clinical values as strings")


def _first_difference(left: bytes, right: bytes) -> int:
    for position, (a, b) in enumerate(zip(left, right, strict=False)):
        if a != b:
            return position
    return min(len(left), len(right))
