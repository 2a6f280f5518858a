"""The registry as a list of numbered changes: its head, its keys, and who speaks for whom (docs/spec/registry.md)."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import IntEnum

from anchors.core.encoding import (
    ZERO_WORD,
    address_word,
    code_word,
    keccak256,
    require_bytes,
    require_uint64,
    uint_word,
    word_code,
)
from anchors.core.errors import MalformedInput, VerificationFailed

NO_KEY = bytes(20)


class Action(IntEnum):
    """What a change does."""

    ADMITTED = 1
    SUSPENDED = 2
    RESUMED = 3
    EXITED = 4
    LOG_OPENED = 5
    KEY_ADDED = 6
    KEY_REVOKED = 7

    @property
    def text(self) -> str:
        """The action's name in JSON, for example `key-added`."""
        return self.name.lower().replace("_", "-")


class Purpose:
    """What a key is for."""

    STATEMENT = "statement"
    CHECKPOINT = "checkpoint"
    RECEIPT = "receipt"
    NOTE = "note"


@dataclass(frozen=True)
class Change:
    """One numbered change. Codes are text ("" for zero), `log` and `data` 32 bytes, `key` 20 bytes, time in seconds."""

    number: int
    time: int
    action: Action
    institution: str
    role: str = ""
    log: bytes = ZERO_WORD
    key: bytes = NO_KEY
    data: bytes = ZERO_WORD

    def __post_init__(self) -> None:
        require_uint64(self.number, "change number")
        require_uint64(self.time, "change time")
        require_bytes(self.log, 32, "change log")
        require_bytes(self.key, 20, "change key")
        require_bytes(self.data, 32, "change data")
        _optional_code_word(self.institution)
        _optional_code_word(self.role)

    def encode(self) -> bytes:
        """`abi.encode` of the eight fields, 256 bytes."""
        return b"".join(
            (
                uint_word(self.number),
                uint_word(self.time),
                uint_word(self.action),
                _optional_code_word(self.institution),
                _optional_code_word(self.role),
                self.log,
                address_word(self.key),
                self.data,
            )
        )

    @property
    def end_sequence(self) -> int:
        """Of `key-revoked`: the first sequence number that no longer counts."""
        return int.from_bytes(self.data, "big")

    @property
    def successor(self) -> str:
        """Of `exited`: the code of the successor, or ""."""
        return optional_code(self.data)


def optional_code(word: bytes) -> str:
    """The code in a bytes32, "" for zero."""
    return "" if word == ZERO_WORD else word_code(word)


def _optional_code_word(code: str) -> bytes:
    return code_word(code) if code else ZERO_WORD


def initial_head(chain_id: int, registry: bytes) -> bytes:
    """The registry head before the first change: keccak256(abi.encode(chain id, registry address))."""
    return keccak256(uint_word(chain_id) + address_word(registry))


def next_head(head: bytes, change: Change) -> bytes:
    """keccak256(head || keccak256(change))."""
    return keccak256(head + keccak256(change.encode()))


def note_key_address(public_key: bytes) -> bytes:
    """The address under which an Ed25519 public key is registered: keccak256(public key)[12:]."""
    return keccak256(public_key)[12:]


@dataclass(frozen=True)
class Key:
    """A registered key: whose, for which log and purpose, and the changes that added and revoked it."""

    address: bytes
    institution: str
    log: bytes
    purpose: str
    data: bytes
    added_by: int
    revoked_by: int | None = None
    end_sequence: int | None = None


@dataclass(frozen=True)
class Institution:
    """An institution as of some change."""

    code: str
    roles: frozenset[str]
    suspended: bool = False
    exited: bool = False
    successor: str = ""


@dataclass
class Registry:
    """The state after a list of changes. Fold more with `apply`; an earlier state is folded from fewer changes."""

    chain_id: int
    address: bytes
    count: int = 0
    head: bytes = b""
    institutions: dict[str, Institution] = field(default_factory=dict)
    keys: dict[bytes, Key] = field(default_factory=dict)
    operators: dict[bytes, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.head:
            self.head = initial_head(self.chain_id, self.address)

    @classmethod
    def fold(cls, chain_id: int, address: bytes, changes: Iterable[Change]) -> "Registry":
        """The registry after `changes`, which must be numbered from 1 without a gap."""
        registry = cls(chain_id, address)
        for change in changes:
            registry.apply(change)
        return registry

    def apply(self, change: Change) -> None:
        """Fold in the next change. Raises `VerificationFailed` where it cannot follow."""
        if change.number != self.count + 1:
            raise VerificationFailed(f"registry: change {change.number} does not follow change {self.count}")
        _EFFECTS[change.action](self, change)
        self.count = change.number
        self.head = next_head(self.head, change)

    def institution(self, code: str) -> Institution:
        """The institution of `code`. Raises `VerificationFailed` where it was never admitted."""
        try:
            return self.institutions[code]
        except KeyError:
            raise VerificationFailed(f"registry: institution {code} was never admitted") from None

    def heir(self, code: str) -> str:
        """Who speaks for `code` now: itself, or the last successor in line."""
        for _ in self.institutions:  # a contract that admits a circle of successors ends nobody's search
            institution = self.institutions.get(code)
            if institution is None or not institution.exited or not institution.successor:
                break
            code = institution.successor
        return code

    def _admit(self, change: Change) -> None:
        known = self.institutions.get(change.institution) or Institution(change.institution, frozenset())
        self.institutions[known.code] = replace(known, roles=known.roles | {change.role})

    def _suspend(self, change: Change) -> None:
        self._stand(change.institution, suspended=True)

    def _resume(self, change: Change) -> None:
        self._stand(change.institution, suspended=False)

    def _exit(self, change: Change) -> None:
        self._stand(change.institution, exited=True, successor=change.successor)

    def _stand(self, code: str, **standing: bool | str) -> None:
        self.institutions[code] = replace(self.institution(code), **standing)

    def _open_log(self, change: Change) -> None:
        self.operators[change.log] = change.institution

    def _add_key(self, change: Change) -> None:
        if change.key in self.keys:
            raise VerificationFailed(f"registry: key 0x{change.key.hex()} is added twice")
        self.keys[change.key] = Key(change.key, change.institution, change.log, change.role, change.data, change.number)

    def _revoke_key(self, change: Change) -> None:
        key = self.keys.get(change.key)
        if key is None or key.revoked_by is not None:
            raise VerificationFailed(f"registry: key 0x{change.key.hex()} is revoked but not in force")
        self.keys[change.key] = replace(key, revoked_by=change.number, end_sequence=change.end_sequence)


_EFFECTS = {
    Action.ADMITTED: Registry._admit,
    Action.SUSPENDED: Registry._suspend,
    Action.RESUMED: Registry._resume,
    Action.EXITED: Registry._exit,
    Action.LOG_OPENED: Registry._open_log,
    Action.KEY_ADDED: Registry._add_key,
    Action.KEY_REVOKED: Registry._revoke_key,
}


def check_attribution(key: Key | None, log: bytes, institution: str, sequence: int, count: int) -> None:
    """The rule of attribution (docs/spec/registry.md) for an entry whose signature recovered `key`.

    `count` is the registry count of the first head that covers the entry. Raises `VerificationFailed` with the reason.
    """
    if key is None or key.added_by > count:
        raise VerificationFailed("the key that signed was not in the registry")
    if key.purpose != Purpose.STATEMENT:
        raise VerificationFailed(f"the key that signed is a {key.purpose} key, not a statement key")
    if key.log != log:
        raise VerificationFailed("the key that signed was admitted for another log")
    if key.institution != institution:
        raise VerificationFailed(f"the key that signed belongs to {key.institution}, not to {institution}")
    if key.revoked_by is not None and key.revoked_by <= count and sequence >= key.end_sequence:
        raise VerificationFailed(f"the key that signed was revoked from sequence {key.end_sequence} on")


def parse_action(text: str) -> Action:
    """The action of its name in JSON. Raises `MalformedInput`."""
    for action in Action:
        if action.text == text:
            return action
    known = ", ".join(action.text for action in Action)
    raise MalformedInput(f"registry action {text[:40]!r}: expected one of {known}")
