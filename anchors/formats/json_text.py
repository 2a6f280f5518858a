"""JSON as its source wrote it: numbers keep their text, so 1.00 stays 1.00; doubtful JSON is refused."""

import json
import re
from typing import Any

from anchors.formats.document import Unreadable

MAX_JSON_BYTES = 8 * 1024 * 1024
MAX_JSON_TOKENS = 400_000
MAX_JSON_DEPTH = 64
MAX_NUMBER_CHARACTERS = 100

# A string, closed or running to the end, or a bracket. It matches at every quote, so the scan is linear.
_STRING_OR_BRACKET = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*(?:"|\\?\Z)|[\[\]{}]', re.DOTALL)


class Number(str):
    """A JSON number as its text."""

    __slots__ = ()


def load(raw: bytes) -> Any:
    """The value of a JSON text (RFC 8259, UTF-8, a byte-order mark allowed), numbers as `Number`.

    Raises Unreadable: not UTF-8, not JSON, a member named twice, too large, too deep, NaN or Infinity.
    """
    if len(raw) > MAX_JSON_BYTES:
        raise Unreadable(f"it is larger than {MAX_JSON_BYTES} bytes")
    # Counted before parsing: each token becomes an object, so this bounds the memory that the value takes.
    if sum(raw.count(sign) for sign in (b"{", b"[", b",", b":")) > MAX_JSON_TOKENS:
        raise Unreadable(f"it holds more than {MAX_JSON_TOKENS} members and items")
    _refuse_depth(raw)
    try:
        return json.loads(
            raw.decode("utf-8-sig"),
            object_pairs_hook=_members,
            parse_float=_number,
            parse_int=_number,
            parse_constant=_constant,
        )
    except UnicodeDecodeError:
        raise Unreadable("it is not UTF-8") from None
    except json.JSONDecodeError as error:
        raise Unreadable(f"it is not JSON: {error.msg} at character {error.pos}") from None


def canonical_text(value: Any) -> str:
    """A value of `load` in one way only: members sorted by code point, no white space, numbers as they were written.

    Strings are escaped as in RFC 8785 section 3.2.2.2. Unlike RFC 8785, numbers are not rewritten: FHIR holds 1.00 and
    1 apart.
    """
    if isinstance(value, Number):
        return str(value)
    if isinstance(value, str):
        # With ensure_ascii off, json escapes just what RFC 8785 does.
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, dict):
        members = (f"{canonical_text(name)}:{canonical_text(value[name])}" for name in sorted(value))
        return "{" + ",".join(members) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(canonical_text, value)) + "]"
    return {True: "true", False: "false", None: "null"}[value]


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise Unreadable("an object names a member twice, so readers may disagree on what it says")
    return members


def _number(text: str) -> Number:
    if len(text) > MAX_NUMBER_CHARACTERS:
        raise Unreadable(f"it holds a number of more than {MAX_NUMBER_CHARACTERS} characters")
    return Number(text)


def _constant(text: str) -> Number:
    raise Unreadable(f"{text} is no JSON number")


def _refuse_depth(raw: bytes) -> None:
    # Before parsing: where the interpreter's recursion limit was raised, json ends the process on deep nesting.
    depth = 0
    for token in _STRING_OR_BRACKET.finditer(raw):
        sign = raw[token.start()]
        if sign in b"[{":
            depth += 1
            if depth > MAX_JSON_DEPTH:
                raise Unreadable(f"it is nested more than {MAX_JSON_DEPTH} deep")
        elif sign in b"]}":
            depth -= 1
