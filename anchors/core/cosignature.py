"""C2SP tlog-cosignature, Ed25519 (`cosignature/v1`, key type 0x04): what a witness adds to a checkpoint's note.

A cosignature says that as of its time the checkpoint was the largest consistent one of its log that the witness saw.
"""

import struct
from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from anchors.core.encoding import decode_base64, encode_base64
from anchors.core.errors import MalformedInput, VerificationFailed
from anchors.core.note import check_name, parse_vkey, split_note

COSIGNATURE = b"\x04"
LARGEST_TIME = 2**63 - 1
_SIGNATURE_BYTES = 4 + 8 + 64


@dataclass(frozen=True)
class WitnessKey:
    """A witness as a reader knows it: its name and its Ed25519 public key (32 bytes)."""

    name: str
    public_key: bytes

    @property
    def key_id(self) -> bytes:
        """sha256(name || 0x0A || 0x04 || public key)[:4]."""
        return sha256(self.name.encode("utf-8") + b"\n" + COSIGNATURE + self.public_key).digest()[:4]

    @classmethod
    def parse(cls, text: str) -> "WitnessKey":
        """The key of `<name>+<hex key id>+<base64(0x04 || public key)>`. Raises `MalformedInput`."""
        name, key_id, encoded = parse_vkey(text)
        if len(encoded) != 33 or encoded[:1] != COSIGNATURE:
            raise MalformedInput("witness key: only Ed25519 cosignature keys (type 0x04, 32 bytes) are known here")
        key = cls(name, encoded[1:])
        if key.key_id.hex() != key_id:
            raise MalformedInput(f"witness key: its id is {key.key_id.hex()}, not {key_id}")
        return key

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{encode_base64(COSIGNATURE + self.public_key)}"


@dataclass(frozen=True)
class Cosignature:
    """A cosignature that was verified: whose, its time (Unix seconds), and its line with the newline."""

    key: WitnessKey
    time: int
    line: str


@dataclass(frozen=True)
class WitnessSecret:
    """A key that cosigns: the witness's name and its Ed25519 seed (32 bytes)."""

    name: str
    seed: bytes = field(repr=False)

    @property
    def key(self) -> WitnessKey:
        """The public half."""
        private = Ed25519PrivateKey.from_private_bytes(self.seed)
        return WitnessKey(check_name(self.name), private.public_key().public_bytes_raw())

    def cosign(self, text: str, time: int) -> str:
        """The signature line over a checkpoint's text as of `time`, Unix seconds."""
        signature = Ed25519PrivateKey.from_private_bytes(self.seed).sign(cosigned_message(text, time))
        return f"— {self.name} {encode_base64(self.key.key_id + struct.pack('>Q', time) + signature)}\n"


def cosigned_message(text: str, time: int) -> bytes:
    """What an Ed25519 cosignature is over: two lines, then the whole text of the note."""
    return f"cosignature/v1\ntime {time}\n{text}".encode()


def open_cosignatures(note: bytes, witnesses: Iterable[WitnessKey]) -> list[Cosignature]:
    """The cosignatures of these witnesses on a note, in its order, of each witness the latest; lines of others are
    ignored.

    Raises `MalformedInput` where the note's form is wrong, `VerificationFailed` where a witness's line does not
    verify."""
    text, lines = split_note(note)
    known = {(key.name, key.key_id): key for key in witnesses}
    found: dict[WitnessKey, Cosignature] = {}
    for name, encoded in lines:
        signature = decode_base64(encoded, "note signature")
        key = known.get((name, signature[:4]))
        if key is None:
            continue
        time = _verified_time(key, text, signature)
        if key not in found or found[key].time < time:
            found[key] = Cosignature(key, time, f"— {name} {encoded}\n")
    return list(found.values())


def _verified_time(key: WitnessKey, text: str, signature: bytes) -> int:
    if len(signature) != _SIGNATURE_BYTES:
        raise VerificationFailed(f"note: the cosignature of {key.name} has {len(signature)} bytes, expected 76")
    (time,) = struct.unpack(">Q", signature[4:12])
    try:
        if time > LARGEST_TIME:
            raise InvalidSignature
        Ed25519PublicKey.from_public_bytes(key.public_key).verify(signature[12:], cosigned_message(text, time))
    except (InvalidSignature, ValueError):
        raise VerificationFailed(f"note: the cosignature of {key.name} does not verify") from None
    return time
