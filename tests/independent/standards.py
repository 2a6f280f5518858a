"""The few primitives that every topic needs, from libraries of others: hashes, ABI words, base64, keys."""

import base64
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from Crypto.Hash import keccak as pycryptodome_keccak
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from eth_account import Account

ORIGIN = "log.example/huzheng"
CHAIN_ID = 31337
REGISTRY = "0x5fbdb2315678afecb367f032d93f642f64180aa3"
SECP256K1_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


@dataclass(frozen=True)
class Case:
    """One vector file: `docs/spec/vectors/<topic>/<name>.json`. Exactly one of `expect` and `error` is given."""

    topic: str
    name: str
    desc: str
    input: dict[str, Any]
    expect: dict[str, Any] | None = None
    error: str | None = None
    package: bytes | None = None
    """Stands beside the file, as `<name>.zip`."""

    def document(self) -> dict[str, Any]:
        """The file's members in their order."""
        if (self.expect is None) == (self.error is None):
            raise ValueError(f"{self.topic}/{self.name}: give either expect or error")
        if self.error not in (None, "malformed", "failed", "refused"):
            raise ValueError(f"{self.topic}/{self.name}: unknown error {self.error!r}")
        outcome = {"error": self.error} if self.expect is None else {"expect": self.expect}
        return {"desc": self.desc, "input": self.input, **outcome}


Cases = Iterator[Case]


def sha256(data: bytes) -> bytes:
    """FIPS 180-4."""
    return hashlib.sha256(data).digest()


def keccak256(data: bytes) -> bytes:
    """The Keccak-256 of Ethereum (pycryptodome's)."""
    return pycryptodome_keccak.new(digest_bits=256, data=data).digest()


def pseudo_random(label: str) -> bytes:
    """32 bytes that are the same in every run."""
    return sha256(b"huzheng test vectors: " + label.encode())


def uint_word(number: int) -> bytes:
    """An unsigned integer as one ABI word."""
    return number.to_bytes(32, "big")


def address_word(address: str) -> bytes:
    """An address as one ABI word."""
    return bytes(12) + bytes.fromhex(address.removeprefix("0x"))


def code_word(code: str) -> bytes:
    """A code in 32 bytes, left-aligned (docs/spec/README.md); "" is the zero word."""
    encoded = code.encode("ascii")
    if len(encoded) > 32:
        raise ValueError(f"code too long: {code}")
    return encoded.ljust(32, b"\0")


def log_id(origin: str) -> bytes:
    """docs/spec/log.md."""
    return keccak256(origin.encode())


def base64_text(data: bytes) -> str:
    """RFC 4648 section 4, padded."""
    return base64.b64encode(data).decode()


def flip_bit(data: bytes, bit: int) -> bytes:
    """The same bytes with one bit turned, bit 0 being the highest of the first byte."""
    changed = bytearray(data)
    changed[bit // 8] ^= 0x80 >> (bit % 8)
    return bytes(changed)


@dataclass(frozen=True)
class AccountKey:
    """A secp256k1 test key that is the same in every run."""

    label: str

    @property
    def secret(self) -> bytes:
        return pseudo_random(f"secp256k1 {self.label}")

    @property
    def address(self) -> str:
        return Account.from_key(self.secret).address.lower()

    def sign(self, digest: bytes) -> bytes:
        """`r || s || v` over a digest, by eth-account (RFC 6979 nonce, low s, v 27 or 28)."""
        return bytes(Account.unsafe_sign_hash(digest, self.secret).signature)


@dataclass(frozen=True)
class NoteKey:
    """An Ed25519 test key of the C2SP signed-note format that is the same in every run."""

    name: str
    label: str = ""

    @property
    def _private(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(pseudo_random(f"ed25519 {self.name} {self.label}"))

    @property
    def public(self) -> bytes:
        return self._private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)

    @property
    def key_id(self) -> bytes:
        """SHA-256(key name || 0x0A || 0x01 || public key)[:4]."""
        return sha256(self.name.encode() + b"\n\x01" + self.public)[:4]

    @property
    def verifier_key(self) -> str:
        typed = bytes([1]) + self.public
        return f"{self.name}+{self.key_id.hex()}+{base64_text(typed)}"

    @property
    def address(self) -> str:
        """How the registry names it (docs/spec/registry.md)."""
        return "0x" + keccak256(self.public)[12:].hex()

    def signature(self, text: str) -> bytes:
        """Key id and Ed25519 signature (RFC 8032) over the note text."""
        return self.key_id + self._private.sign(text.encode())

    def line(self, text: str) -> str:
        """The signature line for a note text."""
        return f"— {self.name} {base64_text(self.signature(text))}\n"


def signed_note(text: str, *keys: NoteKey) -> str:
    """A note over `text`, which ends in a newline."""
    return text + "\n" + "".join(key.line(text) for key in keys)
