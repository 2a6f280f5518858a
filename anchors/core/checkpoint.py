"""C2SP tlog-checkpoint: origin, size and root of a log, signed as a note (docs/spec/log.md)."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from anchors.core.encoding import WORD_BYTES, decode_base64, decode_decimal, encode_base64, require_bytes
from anchors.core.errors import MalformedInput
from anchors.core.merkle import EMPTY_ROOT, MAX_SIZE
from anchors.core.note import SignerKey, VerifierKey, open_note

MAX_ORIGIN_BYTES = 128


def check_origin(origin: str) -> str:
    """Return an origin of a Huzheng log: 1 to 128 bytes without white space, control character or plus."""
    if not re.fullmatch(r"[^\s+]+", origin) or not origin.isprintable() or len(origin.encode()) > MAX_ORIGIN_BYTES:
        raise MalformedInput(f"origin {origin[:80]!r}: expected a schema-less URL of 1 to 128 bytes, no spaces, no +")
    return origin


@dataclass(frozen=True)
class Checkpoint:
    """The head of one log: `root` (32 bytes) over its first `size` entries. `extensions` are other logs' lines."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.origin or "\n" in self.origin:
            raise MalformedInput("checkpoint: the origin line must not be empty")
        require_bytes(self.root, WORD_BYTES, "checkpoint root")
        if not 0 <= self.size <= MAX_SIZE:
            raise MalformedInput(f"checkpoint: size {self.size} is outside 0 to 2^63")
        if self.size == 0 and self.root != EMPTY_ROOT:
            raise MalformedInput("checkpoint: size 0 with a root that is not the empty tree's")

    @classmethod
    def from_text(cls, text: str) -> "Checkpoint":
        """The checkpoint of a note's text. Raises `MalformedInput`."""
        lines = text.split("\n")
        if len(lines) < 4 or lines[-1] != "" or "" in lines[:-1]:
            raise MalformedInput("checkpoint: expected at least the lines origin, size and root, none of them empty")
        origin, size, root = lines[:3]
        return cls(
            origin,
            decode_decimal(size, "checkpoint size"),
            decode_base64(root, "checkpoint root"),
            tuple(lines[3:-1]),
        )

    def to_text(self) -> str:
        """The note's text."""
        return "\n".join((self.origin, str(self.size), encode_base64(self.root), *self.extensions)) + "\n"

    def sign(self, key: SignerKey) -> bytes:
        """The signed note."""
        return key.sign(self.to_text()).encode("utf-8")


def open_checkpoint(data: bytes, trusted: Iterable[VerifierKey]) -> Checkpoint:
    """Verify a signed checkpoint against trusted keys. Raises `MalformedInput` or `VerificationFailed`."""
    return Checkpoint.from_text(open_note(data, trusted).text)
