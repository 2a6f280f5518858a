"""Content: the parts of a statement and the hash that commits to them (docs/spec/content.md)."""

import re
import secrets
from collections.abc import Iterable, Sequence
from hashlib import sha256

import msgspec

from anchors.core import canonical
from anchors.core.encoding import WORD_BYTES, decode_bare_hex, require_bytes
from anchors.core.errors import MalformedInput

MAX_PARTS = 64
MAX_PART_BYTES = 65_536
CONTENT_PREFIX = b"huzheng content v1\x00"

_MEMBERS = frozenset({"name", "salt", "value"})
_NAME = re.compile(r"[a-z][a-z0-9._-]{0,63}")
_SALT = re.compile(r"[0-9a-f]{64}")


class Part(msgspec.Struct, frozen=True, gc=False):
    """One part as received: its canonical text, with what the text says. `read` and `create` build it."""

    text: bytes
    name: str
    value: canonical.Json
    leaf: bytes
    """sha256(0x00 || text), 32 bytes."""

    @classmethod
    def read(cls, text: bytes) -> "Part":
        """The part that `text` (RFC 8785, at most 65,536 bytes) is. Raises `MalformedInput`."""
        part = canonical.decode(text, MAX_PART_BYTES)
        if not isinstance(part, dict) or part.keys() != _MEMBERS:
            raise MalformedInput("part: expected an object with exactly the members name, salt and value")
        name, salt = part["name"], part["salt"]
        _check_name(name)
        if not isinstance(salt, str) or not _SALT.fullmatch(salt):
            raise MalformedInput(f"part {name}: salt must be 64 lower-case hex digits")
        return cls(text, name, part["value"], sha256(b"\x00" + text).digest())

    @classmethod
    def create(cls, name: str, value: canonical.Json, salt: bytes | None = None) -> "Part":
        """A new part with a fresh 32-byte salt; `salt` is given only to rebuild a part that was made before."""
        salt = secrets.token_bytes(WORD_BYTES) if salt is None else require_bytes(salt, WORD_BYTES, "salt")
        return cls.read(canonical.encode({"name": name, "salt": salt.hex(), "value": value}))


class Withheld(msgspec.Struct, frozen=True, gc=False):
    """A part of which only the name and the leaf are shown."""

    name: str
    leaf: bytes

    def __post_init__(self) -> None:
        _check_name(self.name)
        require_bytes(self.leaf, WORD_BYTES, f"withheld part {self.name}: leaf")


class Content(msgspec.Struct, frozen=True, gc=False):
    """1 to 64 parts in order, each shown or withheld. Their names are unique."""

    parts: tuple[Part | Withheld, ...]

    def __post_init__(self) -> None:
        if not 1 <= len(self.parts) <= MAX_PARTS:
            raise MalformedInput(f"content: {len(self.parts)} parts, expected 1 to {MAX_PARTS}")
        if len({part.name for part in self.parts}) != len(self.parts):
            names = [part.name for part in self.parts]
            twice = next(name for name in names if names.count(name) > 1)
            raise MalformedInput(f"content: two parts are named {twice!r}; names are unique, also of withheld parts")

    @classmethod
    def of(cls, parts: Iterable[Part | Withheld]) -> "Content":
        """Content of these parts, in this order."""
        return cls(tuple(parts))

    @classmethod
    def from_wire(cls, items: Sequence[str | dict[str, str]]) -> "Content":
        """Content from a JSON array of texts and `{"leaf": hex, "name": name}` objects. Raises `MalformedInput`."""
        if not isinstance(items, list | tuple):
            raise MalformedInput("parts: expected an array")
        if len(items) > MAX_PARTS:
            raise MalformedInput(f"content: {len(items)} parts, expected 1 to {MAX_PARTS}")
        return cls(tuple(_part_from_wire(item) for item in items))

    def to_wire(self, *, shown: bool = True) -> list[str | dict[str, str]]:
        """The JSON array of the parts; with `shown=False` every part is withheld."""
        return [
            part.text.decode("utf-8")
            if shown and isinstance(part, Part)
            else {"leaf": part.leaf.hex(), "name": part.name}
            for part in self.parts
        ]

    @property
    def hash(self) -> bytes:
        """sha256("huzheng content v1" || 0x00 || name_1 || 0x00 || leaf_1 || …), 32 bytes."""
        named = [part.name.encode("ascii") + b"\x00" + part.leaf for part in self.parts]
        return sha256(CONTENT_PREFIX + b"".join(named)).digest()

    def value(self, name: str) -> canonical.Json:
        """The value of the shown part `name`, or None where there is none."""
        return next((part.value for part in self.parts if isinstance(part, Part) and part.name == name), None)

    def names(self) -> frozenset[str]:
        """Names of the shown parts."""
        return frozenset(part.name for part in self.parts if isinstance(part, Part))


def _check_name(name: str) -> None:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise MalformedInput("part: name must be a lower-case word of at most 64 characters from a-z 0-9 . _ -")


def _part_from_wire(item: str | dict[str, str]) -> Part | Withheld:
    if isinstance(item, str):
        try:
            return Part.read(item.encode("utf-8"))
        except UnicodeEncodeError:
            raise MalformedInput("part: text holds a lone surrogate") from None
    if isinstance(item, dict) and item.keys() == {"leaf", "name"}:
        return Withheld(item["name"], decode_bare_hex(item["leaf"], WORD_BYTES, "withheld part: leaf"))
    raise MalformedInput('part: expected its text as a string, or {"leaf": hex, "name": name}')
