"""C2SP tlog-proof: one entry's proof in one file, with what is needed to hash the entry in its `extra` line."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from anchors.core import canonical
from anchors.core.content import Content
from anchors.core.encoding import (
    MAX_UINT64,
    WORD_BYTES,
    decode_base64,
    decode_decimal,
    decode_hex,
    encode_base64,
    encode_hex,
    require_bytes,
)
from anchors.core.errors import MalformedInput
from anchors.core.merkle import MAX_PROOF_HASHES

HEADER = "c2sp.org/tlog-proof@v1"
MAX_EXTRA_BYTES = 2**20
MAX_PROOF_BYTES = 2**21


@dataclass(frozen=True)
class TlogProof:
    """A proof file: index, inclusion proof (32-byte hashes, leaf to root), the signed checkpoint, opaque extra."""

    index: int
    hashes: Sequence[bytes]
    checkpoint: bytes
    extra: bytes | None = field(default=None, repr=False)

    @classmethod
    def parse(cls, data: bytes) -> "TlogProof":
        """Read a `.tlog-proof` file. Only its form is checked. Raises `MalformedInput`."""
        if len(data) > MAX_PROOF_BYTES:
            raise MalformedInput(f"tlog-proof: {len(data)} bytes, at most {MAX_PROOF_BYTES} are accepted")
        head, separator, checkpoint = data.partition(b"\n\n")
        try:
            lines = head.decode("ascii").split("\n")
        except UnicodeDecodeError:
            raise MalformedInput("tlog-proof: a line before the checkpoint is not ASCII") from None
        if lines[0] != HEADER:
            raise MalformedInput(f"tlog-proof: the first line is not {HEADER}")
        if not separator:
            raise MalformedInput("tlog-proof: no empty line before the checkpoint")
        lines = lines[1:]
        extra = None
        if lines and lines[0].startswith("extra "):
            extra = decode_base64(lines.pop(0).removeprefix("extra "), "tlog-proof extra")
        if not lines or not lines[0].startswith("index "):
            raise MalformedInput("tlog-proof: expected the line 'index <number>'")
        index = decode_decimal(lines.pop(0).removeprefix("index "), "tlog-proof index")
        if len(lines) > MAX_PROOF_HASHES:
            raise MalformedInput(f"tlog-proof: {len(lines)} hashes, at most {MAX_PROOF_HASHES} are possible")
        hashes = [require_bytes(decode_base64(line, "proof hash"), WORD_BYTES, "proof hash") for line in lines]
        return cls(index, hashes, checkpoint, extra)

    def format(self) -> bytes:
        """The bytes of the file."""
        if not 0 <= self.index <= MAX_UINT64:
            raise MalformedInput(f"tlog-proof: index {self.index} is outside uint64")
        lines = [HEADER]
        if self.extra is not None:
            lines.append(f"extra {encode_base64(self.extra)}")
        lines.append(f"index {self.index}")
        lines.extend(encode_base64(item) for item in self.hashes)
        return "\n".join(lines).encode("ascii") + b"\n\n" + self.checkpoint


@dataclass(frozen=True)
class Extra:
    """What a Huzheng proof carries in `extra`. A claim of whoever made the file, until it hashed and verified."""

    key: bytes
    entry: bytes
    content: Content

    @classmethod
    def decode(cls, data: bytes) -> "Extra":
        """Read canonical JSON `{"entry", "key", "parts"}`. Raises `MalformedInput`."""
        members = canonical.decode(data, MAX_EXTRA_BYTES)
        if not isinstance(members, dict) or members.keys() != {"entry", "key", "parts"}:
            raise MalformedInput("extra: expected an object with exactly the members entry, key and parts")
        if not isinstance(members["entry"], str):
            raise MalformedInput("extra: entry must be base64 text")
        return cls(
            key=decode_hex(members["key"], 20, "extra: key"),
            entry=decode_base64(members["entry"], "extra: entry"),
            content=Content.from_wire(members["parts"]),
        )

    def encode(self, *, parts_shown: bool = True) -> bytes:
        """Canonical JSON; with `parts_shown=False` every part is withheld."""
        return canonical.encode(
            {
                "entry": encode_base64(self.entry),
                "key": encode_hex(self.key),
                "parts": self.content.to_wire(shown=parts_shown),
            }
        )
