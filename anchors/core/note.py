"""C2SP signed-note with Ed25519 keys (signature type 0x01).

A note is text that ends in a newline, an empty line, and signature lines `— <name> <base64(key id || signature)>`.
The text means nothing until `open_note` returned it.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from anchors.core.encoding import decode_base64, encode_base64
from anchors.core.errors import MalformedInput, VerificationFailed

MAX_NOTE_BYTES = 65_536
MAX_SIGNATURES = 16
ED25519 = b"\x01"

_SIGNATURE_LINE = re.compile(r"— (?P<name>[^\s+]+) (?P<signature>[A-Za-z0-9+/=]+)")
_VERIFIER_KEY = re.compile(r"(?P<name>[^\s+]+)\+(?P<key_id>[0-9a-f]{8})\+(?P<key>[A-Za-z0-9+/=]+)")


def check_name(name: str) -> str:
    """Return a key name that is non-empty and free of Unicode spaces and plus, else raise `MalformedInput`."""
    if not re.fullmatch(r"[^\s+]+", name) or not name.isprintable():
        raise MalformedInput(f"key name {name[:80]!r}: must not be empty nor hold spaces, control characters or +")
    return name


def parse_vkey(text: str) -> tuple[str, str, bytes]:
    """Name, key id in hex, and type byte with key of `<name>+<hex key id>+<base64>`. Raises `MalformedInput`."""
    match = _VERIFIER_KEY.fullmatch(text)
    if not match:
        raise MalformedInput("verifier key: expected <name>+<8 hex digits>+<base64>")
    return check_name(match["name"]), match["key_id"], decode_base64(match["key"], "verifier key")


@dataclass(frozen=True)
class VerifierKey:
    """A key that a reader trusts: its name and its Ed25519 public key (32 bytes)."""

    name: str
    public_key: bytes

    @property
    def key_id(self) -> bytes:
        """sha256(name || 0x0A || 0x01 || public key)[:4]."""
        return sha256(self.name.encode("utf-8") + b"\n" + ED25519 + self.public_key).digest()[:4]

    @classmethod
    def parse(cls, text: str) -> "VerifierKey":
        """The key of `<name>+<hex key id>+<base64(0x01 || public key)>`. Raises `MalformedInput`."""
        name, key_id, encoded = parse_vkey(text)
        if len(encoded) != 33 or encoded[:1] != ED25519:
            raise MalformedInput("verifier key: only Ed25519 (type 0x01, 32 bytes) is known here")
        key = cls(name, encoded[1:])
        if key.key_id.hex() != key_id:
            raise MalformedInput(f"verifier key: its id is {key.key_id.hex()}, not {key_id}")
        return key

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{encode_base64(ED25519 + self.public_key)}"

    def verify(self, text: bytes, signature: bytes) -> bool:
        """Whether `signature` (64 bytes) is this key's over the note's text."""
        try:
            Ed25519PublicKey.from_public_bytes(self.public_key).verify(signature, text)
        except (InvalidSignature, ValueError):
            return False
        return True


@dataclass(frozen=True)
class SignerKey:
    """A key that signs notes: its name and its Ed25519 seed (32 bytes)."""

    name: str
    seed: bytes = field(repr=False)

    @property
    def verifier(self) -> VerifierKey:
        """The public half."""
        private = Ed25519PrivateKey.from_private_bytes(self.seed)
        return VerifierKey(check_name(self.name), private.public_key().public_bytes_raw())

    def sign(self, text: str) -> str:
        """The signed note over `text`, which ends in a newline."""
        _check_text(text)
        signature = Ed25519PrivateKey.from_private_bytes(self.seed).sign(text.encode("utf-8"))
        return f"{text}\n— {self.name} {encode_base64(self.verifier.key_id + signature)}\n"


@dataclass(frozen=True)
class Note:
    """A note whose signatures by `signers` were verified. `signed` is the note with their lines and no others: what to
    keep of a note that anybody may have written more lines on."""

    text: str
    signers: tuple[VerifierKey, ...]
    signed: bytes


class NotSigned(VerificationFailed):
    """None of the trusted keys signed the note."""


def open_note(data: bytes, trusted: Iterable[VerifierKey]) -> Note:
    """Read a signed note and verify every signature by a trusted key; others are ignored.

    Raises `MalformedInput` where the form is wrong, `VerificationFailed` where a trusted key's signature does not
    verify, `NotSigned` where none of the trusted keys signed.
    """
    text, lines = split_note(data)
    trusted_by_id = {(key.name, key.key_id): key for key in trusted}
    signers: dict[VerifierKey, str] = {}
    for name, encoded in lines:
        signature = decode_base64(encoded, "note signature")
        key = trusted_by_id.get((name, signature[:4]))
        if key is None:
            continue
        if not key.verify(text.encode("utf-8"), signature[4:]):
            raise VerificationFailed(f"note: the signature of {key.name} does not verify")
        signers.setdefault(key, f"— {name} {encoded}\n")
    if not signers:
        raise NotSigned("note: not signed by any trusted key")
    return Note(text, tuple(signers), f"{text}\n{''.join(signers.values())}".encode())


def split_note(data: bytes) -> tuple[str, list[tuple[str, str]]]:
    """The text of a note, and of each signature the name and the base64 of key id and signature. Nothing is verified.
    Raises `MalformedInput`."""
    if len(data) > MAX_NOTE_BYTES:
        raise MalformedInput(f"note: {len(data)} bytes, at most {MAX_NOTE_BYTES} are accepted")
    try:
        note = data.decode("utf-8")
    except UnicodeDecodeError:
        raise MalformedInput("note: not UTF-8") from None
    head, separator, tail = note.rpartition("\n\n")
    if not separator or not tail.endswith("\n"):
        raise MalformedInput("note: expected text, an empty line and signature lines that end in newlines")
    text, lines = head + "\n", tail[:-1].split("\n")
    _check_text(text)
    if any(ord(character) < 0x20 for line in lines for character in line):
        raise MalformedInput("note: control character in a signature line")
    if len(lines) > MAX_SIGNATURES:
        raise MalformedInput(f"note: {len(lines)} signatures, at most {MAX_SIGNATURES} are accepted")
    return text, [_read_signature(line) for line in lines]


def _read_signature(line: str) -> tuple[str, str]:
    match = _SIGNATURE_LINE.fullmatch(line)
    if not match:
        raise MalformedInput("note: a signature line is not '— <name> <base64>'")
    if len(decode_base64(match["signature"], "note signature")) < 5:
        raise MalformedInput("note: a signature is shorter than its key id")
    return match["name"], match["signature"]


def _check_text(text: str) -> None:
    if not text.endswith("\n"):
        raise MalformedInput("note: the text must end in a newline")
    if any(ord(character) < 0x20 and character != "\n" for character in text):
        raise MalformedInput("note: control character in the text")
