"""EIP-712 digests of every structure that is signed for a log (docs/spec/statement.md).

All values are static words, so each digest is a few concatenations; the domain carries the log's id as salt, so that
no signature fits another log.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from anchors.core.encoding import address_word, keccak256, require_bytes, uint_word

_DOMAIN_TYPE = keccak256(
    b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract,bytes32 salt)"
)
_NAME, _VERSION = keccak256(b"Huzheng"), keccak256(b"1")

STATEMENT_TYPE = keccak256(
    b"Statement(bytes32 kind,bytes32 institution,bytes32 subject,uint64 sequence,"
    b"uint64 issuedAt,bytes32 observed,bytes32 content)"
)
KEY_CONSENT_TYPE = keccak256(b"KeyConsent(bytes32 institution,bytes32 log,bytes32 purpose,address key)")
CHECKPOINT_TYPE = keccak256(b"Checkpoint(bytes32 log,uint64 size,bytes32 root)")
RECEIPT_TYPE = keccak256(b"Receipt(bytes32 log,bytes32 accepted,uint64 acceptedAt,uint64 witnessBy)")
REFUSAL_TYPE = keccak256(b"Refusal(bytes32 log,bytes32 statement,bytes32 reason,uint64 refusedAt)")
EVIDENCE_TYPE = keccak256(b"Evidence(bytes32 log,bytes32 manifest)")
COMPLETENESS_TYPE = keccak256(
    b"Completeness(bytes32 log,bytes32 subject,uint64 size,bytes32 timeline,bytes32 linked,bytes32 rules,"
    b"bytes32 notCarried)"
)
SESSION_TYPE = keccak256(b"Session(bytes32 log,bytes32 nonce,uint64 expires,bytes32 institution,address key)")


def log_id(origin: str) -> bytes:
    """keccak256 over the origin's UTF-8 bytes, 32 bytes."""
    return keccak256(origin.encode("utf-8"))


@dataclass(frozen=True)
class Domain:
    """One log on one chain: what every signature for that log is bound to."""

    chain_id: int
    registry: bytes
    log: bytes
    _prefix: bytes = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        require_bytes(self.registry, 20, "registry address")
        require_bytes(self.log, 32, "log id")
        words = (_DOMAIN_TYPE, _NAME, _VERSION, uint_word(self.chain_id), address_word(self.registry), self.log)
        object.__setattr__(self, "_prefix", b"\x19\x01" + keccak256(b"".join(words)))

    @property
    def separator(self) -> bytes:
        """The EIP-712 domain separator, 32 bytes."""
        return self._prefix[2:]

    def _digest(self, type_hash: bytes, words: bytes) -> bytes:
        return keccak256(self._prefix + keccak256(type_hash + words))

    def statement(self, words: bytes) -> bytes:
        """The statement id: digest over the seven ABI words (224 bytes) of a statement."""
        return self._digest(STATEMENT_TYPE, words)

    def key_consent(self, institution: bytes, purpose: bytes, key: bytes) -> bytes:
        """Digest of KeyConsent: two codes as bytes32 and a 20-byte address."""
        return self._digest(KEY_CONSENT_TYPE, institution + self.log + purpose + address_word(key))

    def checkpoint(self, size: int, root: bytes) -> bytes:
        """Digest of Checkpoint, which a checkpoint key signs for the contract."""
        return self._digest(CHECKPOINT_TYPE, self.log + uint_word(size) + root)

    def receipt(self, accepted: bytes, accepted_at: int, witness_by: int) -> bytes:
        """Digest of Receipt; times in Unix seconds."""
        return self._digest(RECEIPT_TYPE, self.log + accepted + uint_word(accepted_at) + uint_word(witness_by))

    def refusal(self, statement: bytes, reason: bytes, refused_at: int) -> bytes:
        """Digest of Refusal; `reason` is the problem's code as a bytes32, the time in Unix seconds."""
        return self._digest(REFUSAL_TYPE, self.log + statement + reason + uint_word(refused_at))

    def evidence(self, manifest: bytes) -> bytes:
        """Digest of Evidence, by which an exporter signs a package; `manifest` is the SHA-256 of its manifest."""
        return self._digest(EVIDENCE_TYPE, self.log + manifest)

    def completeness(self, subject: bytes, size: int, named: Sequence[bytes]) -> bytes:
        """Digest of Completeness; `named` are the SHA-256 of the ids of timeline, linked, rules, those not carried."""
        return self._digest(COMPLETENESS_TYPE, b"".join((self.log, subject, uint_word(size), *named)))

    def session(self, nonce: bytes, expires: int, institution: bytes, key: bytes) -> bytes:
        """Digest of Session, by which an institution's key signs in; a 32-byte nonce, Unix seconds, a code as a
        bytes32, a 20-byte address."""
        return self._digest(SESSION_TYPE, self.log + nonce + uint_word(expires) + institution + address_word(key))
