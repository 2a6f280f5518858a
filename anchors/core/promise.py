"""What the operator promises or refuses, signed with a receipt key (docs/spec/api.md, Receipt and refusal)."""

from collections.abc import Iterable
from hashlib import sha256

import msgspec

from anchors.core import signature as signatures
from anchors.core.encoding import code_word
from anchors.core.typed_data import Domain


def accepted_hash(accepted: Iterable[tuple[bytes, int]]) -> bytes:
    """sha256(statement id || uint64 index || …) over the accepted statements in the answer's order, 32 bytes."""
    return sha256(b"".join([statement + index.to_bytes(8, "big") for statement, index in accepted])).digest()


class Receipt(msgspec.Struct, frozen=True, gc=False):
    """A promise: these statements have these indexes and are witnessed by `witness_by` (Unix seconds)."""

    accepted: bytes
    accepted_at: int
    witness_by: int

    def digest(self, domain: Domain) -> bytes:
        """The EIP-712 digest, 32 bytes."""
        return domain.receipt(self.accepted, self.accepted_at, self.witness_by)

    def sign(self, domain: Domain, secret: bytes) -> bytes:
        """The receipt key's 65-byte signature."""
        return signatures.sign(self.digest(domain), secret)


class Refusal(msgspec.Struct, frozen=True, gc=False):
    """A rightly signed statement was refused for `reason` (a problem's code) at `refused_at` (Unix seconds)."""

    statement: bytes
    reason: str
    refused_at: int

    def digest(self, domain: Domain) -> bytes:
        """The EIP-712 digest, 32 bytes."""
        return domain.refusal(self.statement, code_word(self.reason), self.refused_at)

    def sign(self, domain: Domain, secret: bytes) -> bytes:
        """The receipt key's 65-byte signature."""
        return signatures.sign(self.digest(domain), secret)
