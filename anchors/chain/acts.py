"""The acts of the registry's administrator as values, so that they can be looked at, sent, or given to a multisig."""

from dataclasses import dataclass

from anchors.chain import artifacts
from anchors.chain.call_data import call_data
from anchors.core import signature as signatures
from anchors.core.encoding import ZERO_WORD, code_word
from anchors.core.registry import Purpose, note_key_address
from anchors.core.typed_data import Domain

# Upper bounds: acts that wait for earlier ones in the same batch cannot be estimated.
_GAS_BASE = 150_000
_GAS_A_ROLE = 150_000
_GAS_ADD_KEY = 400_000


@dataclass(frozen=True)
class Admit:
    """Admit an institution in roles it does not have yet; `acceptance` is the digest of its acceptance, or zero."""

    institution: str
    roles: tuple[str, ...]
    acceptance: bytes = ZERO_WORD

    @property
    def gas_limit(self) -> int:
        """More than it can use."""
        return _GAS_BASE + _GAS_A_ROLE * len(self.roles)

    def call_data(self) -> bytes:
        """The bytes that call the registry."""
        roles = [code_word(role) for role in self.roles]
        return _call("admit", code_word(self.institution), roles, self.acceptance)


@dataclass(frozen=True)
class Suspend:
    """Suspend an institution; `reason` is a code or ""."""

    institution: str
    reason: str = ""
    gas_limit: int = _GAS_BASE

    def call_data(self) -> bytes:
        """The bytes that call the registry."""
        return _call("suspend", code_word(self.institution), _optional(self.reason))


@dataclass(frozen=True)
class Resume:
    """Lift a suspension."""

    institution: str
    gas_limit: int = _GAS_BASE

    def call_data(self) -> bytes:
        """The bytes that call the registry."""
        return _call("resume", code_word(self.institution))


@dataclass(frozen=True)
class Exit:
    """Record that an institution left for good; `successor` is the code of another institution or ""."""

    institution: str
    successor: str = ""
    gas_limit: int = _GAS_BASE

    def call_data(self) -> bytes:
        """The bytes that call the registry."""
        return _call("exit", code_word(self.institution), _optional(self.successor))


@dataclass(frozen=True)
class OpenLog:
    """Open the log of `origin`, run by the institution `operator`."""

    origin: str
    operator: str
    gas_limit: int = 2 * _GAS_BASE

    def call_data(self) -> bytes:
        """The bytes that call the registry."""
        return _call("openLog", self.origin, code_word(self.operator))


@dataclass(frozen=True)
class AddKey:
    """Admit a key (20 bytes) of an institution for one log (its id) and purpose, with the key's consent.

    `data` is the digest of the acceptance or zero; for purpose `note` the Ed25519 public key (see `add_note_key`).
    """

    institution: str
    log: bytes
    purpose: str
    key: bytes
    consent: bytes
    data: bytes = ZERO_WORD
    gas_limit: int = _GAS_ADD_KEY

    def call_data(self) -> bytes:
        """The bytes that call the registry."""
        purpose, institution = code_word(self.purpose), code_word(self.institution)
        return _call("addKey", institution, self.log, purpose, self.key, self.data, self.consent)


@dataclass(frozen=True)
class RevokeKey:
    """Revoke a key; `end_sequence` is the first number of a statement key that was not accepted, else 0."""

    key: bytes
    end_sequence: int = 0
    gas_limit: int = 2 * _GAS_BASE

    def call_data(self) -> bytes:
        """The bytes that call the registry."""
        return _call("revokeKey", self.key, self.end_sequence)


Act = Admit | Suspend | Resume | Exit | OpenLog | AddKey | RevokeKey


def consent(domain: Domain, institution: str, purpose: str, secret: bytes) -> bytes:
    """The key's consent to speak for `institution` in the log of `domain`: its signature, 65 bytes, over KeyConsent
    (docs/spec/statement.md)."""
    key = signatures.address_from_secret(secret)
    return signatures.sign(domain.key_consent(code_word(institution), code_word(purpose), key), secret)


def add_key(domain: Domain, institution: str, purpose: str, secret: bytes, data: bytes = ZERO_WORD) -> AddKey:
    """`AddKey` with its consent, made where the key's secret is at hand."""
    key = signatures.address_from_secret(secret)
    return AddKey(institution, domain.log, purpose, key, consent(domain, institution, purpose, secret), data)


def add_note_key(log: bytes, institution: str, public_key: bytes) -> AddKey:
    """`AddKey` of an Ed25519 public key (32 bytes) that signs the log's checkpoints as notes."""
    return AddKey(institution, log, Purpose.NOTE, note_key_address(public_key), b"", public_key)


def _call(function: str, *arguments: object) -> bytes:
    return call_data(artifacts.REGISTRY, function, *arguments)


def _optional(code: str) -> bytes:
    return code_word(code) if code else ZERO_WORD
