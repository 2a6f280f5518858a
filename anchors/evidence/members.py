"""What stands in a package beside proofs, documents and tokens: JSON members (docs/spec/evidence.md, Members)."""

from collections.abc import Sequence
from hashlib import sha256
from typing import Annotated, Any, Literal, Self, TypeVar

import msgspec

from anchors.core import canonical
from anchors.core.encoding import decode_hex, encode_hex
from anchors.core.errors import MalformedInput
from anchors.core.typed_data import Domain

MANIFEST = "manifest.json"
SIGNATURE = "signature.json"
COMPLETENESS = "completeness.json"
CUSTODY = "custody.json"
METHOD = "method.json"
REGISTRY = "registry.json"
CHECKPOINT = "checkpoint.txt"
ROLES = ("timeline", "linked", "rules")
STATEMENTS, HEADS, DOCUMENTS, ACCEPTANCE, TIMESTAMPS = "statements", "heads", "documents", "acceptance", "timestamps"

MAX_JSON_BYTES = 16 * 2**20
"""Three times what a manifest of the most members takes; parsed, JSON may take thirty times its size."""

Count = Annotated[int, msgspec.Meta(ge=0, le=2**53 - 1)]
Hex32 = Annotated[str, msgspec.Meta(pattern=r"^0x[0-9a-f]{64}\Z")]
Address = Annotated[str, msgspec.Meta(pattern=r"^0x[0-9a-f]{40}\Z")]
SignatureHex = Annotated[str, msgspec.Meta(pattern=r"^0x[0-9a-f]{130}\Z")]
Code = Annotated[str, msgspec.Meta(pattern=r"^[!-~]{1,32}\Z")]
Line = Annotated[str, msgspec.Meta(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f-\x9f]*\Z")]
Origin = Annotated[str, msgspec.Meta(min_length=1, max_length=128, pattern=r"^[^\x00-\x20\x7f-\x9f]*\Z")]
Path = Annotated[str, msgspec.Meta(max_length=120, pattern=r"^[a-z0-9._/-]+\Z")]
r"""Patterns end in `\Z`: `$` would let a line end through."""


class Member(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A JSON member of a package; its bytes are the RFC 8785 text of its fields."""

    @classmethod
    def read(cls, text: bytes) -> Self:
        """Raises `MalformedInput`."""
        return read_json(text, cls, cls.__name__.lower())

    def write(self) -> bytes:
        """The member's bytes."""
        return canonical.encode(msgspec.to_builtins(self))


Form = TypeVar("Form")


def read_json(text: bytes, form: type[Form], name: str) -> Form:
    """The value of canonical `text` in its form. Raises `MalformedInput`."""
    try:
        return msgspec.convert(canonical.decode(text, MAX_JSON_BYTES), form)
    except msgspec.ValidationError as error:
        raise MalformedInput(f"{name}: {error}") from None


class Listed(Member, frozen=True):
    """A member as the manifest names it. `sha256` has no prefix."""

    bytes: Count
    path: Path
    sha256: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}\Z")]


class Roles(Member, frozen=True):
    """What the statements are there for, each index once."""

    linked: list[Count]
    rules: list[Count]
    timeline: list[Count]

    def of(self) -> dict[int, str]:
        """The role of each index. Raises `MalformedInput` where one has two."""
        roles: dict[int, str] = {}
        for role, indexes in (("timeline", self.timeline), ("linked", self.linked), ("rules", self.rules)):
            for index in indexes:
                if index in roles:
                    raise MalformedInput(f"manifest: statement {index} stands twice in roles")
                roles[index] = role
        return roles


class Manifest(Member, frozen=True):
    """What is in the package, as of which checkpoint, by whom. `bytes` is the sum over `members`."""

    bytes: Count
    exportedAt: Count
    exporter: Code
    members: list[Listed]
    origin: Origin
    roles: Roles
    size: Count
    subject: Hex32
    tool: Line
    version: Literal[1]


class Signed(Member, frozen=True):
    """A key's 65-byte signature over the manifest."""

    key: Address
    signature: SignatureHex


class Completeness(Member, frozen=True):
    """Which statements of the case are among the first `size` entries, by the operator's word: those in the package by
    their roles, and those to which links in it lead on."""

    key: Address
    linked: list[Hex32]
    notCarried: list[Hex32]
    rules: list[Hex32]
    signature: SignatureHex
    size: Count
    subject: Hex32
    timeline: list[Hex32]

    def digest(self, domain: Domain) -> bytes:
        """What is signed."""
        ids = [hash_ids(hashes(named)) for named in (self.timeline, self.linked, self.rules, self.notCarried)]
        return domain.completeness(decode_hex(self.subject, 32, "subject"), self.size, ids)


class Act(Member, frozen=True):
    """One act of custody. `did` is `assembled` or `added`; `members` are the paths that were added."""

    at: Count
    by: Code
    did: Literal["assembled", "added"]
    members: list[Path]
    tool: Line


def read_acts(text: bytes) -> list[Act]:
    """The custody log. Raises `MalformedInput`."""
    return read_json(text, list[Act], "custody")


def write_acts(acts: Sequence[Act]) -> bytes:
    """The custody log's bytes."""
    return canonical.encode(msgspec.to_builtins(list(acts)))


class HeadEvent(Member, frozen=True):
    """What the event `Witnessed` says of a head (docs/spec/witness.md), but for its log."""

    newSize: Count
    oldSize: Count
    registryCount: Count
    registryHead: Hex32
    root: Hex32
    witnessId: Hex32


class Head(Member, frozen=True):
    """A head, the RFC 9162 proof from it to the package's checkpoint, and its block proof, where there is one."""

    block: dict[str, Any] | None
    consistency: list[Hex32]
    event: HeadEvent


def list_members(members: dict[str, bytes]) -> list[Listed]:
    """The manifest's list of all members but the manifest and its signature, in the archive's order."""
    return [
        Listed(len(data), path, sha256(data).hexdigest())
        for path, data in sorted(members.items())
        if path not in (MANIFEST, SIGNATURE)
    ]


def hash_ids(ids: Sequence[bytes]) -> bytes:
    """SHA-256 of statement ids (32 bytes each) one after the other."""
    return sha256(b"".join(ids)).digest()


def statement_path(index: int) -> str:
    """Where the proof of the entry at `index` stands."""
    return f"{STATEMENTS}/{index:012}.tlog-proof"


def head_path(size: int) -> str:
    """Where the head of `size` stands."""
    return f"{HEADS}/{size:012}.json"


def timestamp_path(size: int, chain: int, number: int) -> str:
    """Where a token of a chain over the checkpoint of `size` stands."""
    return f"{TIMESTAMPS}/{size:012}-{chain:02}-{number:04}.tsr"


def hashes(texts: Sequence[str]) -> list[bytes]:
    """32-byte hashes of their hex."""
    return [decode_hex(text, 32, "hash") for text in texts]


def hex_of(values: Sequence[bytes]) -> list[str]:
    """Hex of hashes."""
    return [encode_hex(value) for value in values]
