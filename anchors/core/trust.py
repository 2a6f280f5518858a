"""The trust file: what a verifier must already believe (docs/spec/trust.md)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Literal, Self

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from anchors.core import canonical
from anchors.core.block.consensus import Consensus
from anchors.core.checkpoint import check_origin
from anchors.core.encoding import decode_base64, decode_hex, encode_base64, encode_hex
from anchors.core.errors import MalformedInput, VerificationFailed
from anchors.core.note import VerifierKey
from anchors.core.quorum import Policy, parse_policy
from anchors.core.registry import Change, Purpose, Registry, note_key_address, parse_action
from anchors.core.typed_data import Domain, log_id

MAX_TRUST_BYTES = 64 * 2**20
MAX_CONFIRMATIONS = 10_000
_BLOCKS = re.compile(r"[1-9][0-9]{0,4}")


class _Wire(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    pass


class _Finality(_Wire):
    rule: Literal["instant", "confirmations", "finalized"]
    blocks: int | msgspec.UnsetType = msgspec.UNSET


class _Block(_Wire):
    number: Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
    hash: str


class _Chain(_Wire):
    id: Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
    genesis: str
    finality: _Finality
    validators: list[str]
    consensus: Consensus = Consensus.NONE
    blocks: list[_Block] = []


class _Contract(_Wire):
    address: str
    codeHash: str


class _Contracts(_Wire):
    registry: _Contract
    witness: _Contract


class _Log(_Wire):
    origin: str
    keys: list[str]


class _Change(_Wire):
    number: int
    time: int
    action: str
    institution: str
    role: str
    log: str
    key: str
    data: str


class _Registry(_Wire):
    count: int
    head: str
    changes: list[_Change]


class _Authority(_Wire):
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
    certificate: str


class _Trust(_Wire):
    version: Literal[1]
    chain: _Chain
    contracts: _Contracts
    logs: list[_Log]
    registry: _Registry
    authorities: list[_Authority] = []
    witnesses: list[str] = []


@dataclass(frozen=True)
class Finality:
    """When a block is final: at once (`blocks` is 1, as on QBFT and IBFT), when the tip's number is at least
    block + blocks - 1, or (`blocks` is None) when the node's newest `finalized` block is not below it.

    As text: `instant`, `confirmations:N`, `finalized`.
    """

    blocks: int | None

    def newest_final(self, tip: int, finalized: int | None) -> int:
        """The number of the newest final block under a chain whose newest block is `tip`, below 0 where none is final.
        `finalized` is what the node calls so, None where it names none; only the rule `finalized` looks at it."""
        if self.blocks is not None:
            return tip - self.blocks + 1
        return -1 if finalized is None else min(finalized, tip)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the text form. Raises `MalformedInput`."""
        rule, _, number = text.partition(":")
        if text in ("instant", "finalized"):
            return cls(1 if text == "instant" else None)
        if rule == "confirmations" and _BLOCKS.fullmatch(number) and int(number) <= MAX_CONFIRMATIONS:
            return cls(int(number))
        raise MalformedInput(
            f"finality: expected instant, confirmations:N with N from 1 to {MAX_CONFIRMATIONS}, or finalized"
        )

    def __str__(self) -> str:
        if self.blocks is None:
            return "finalized"
        return "instant" if self.blocks == 1 else f"confirmations:{self.blocks}"


@dataclass(frozen=True)
class FixedBlock:
    """A block that is believed by its number and its 32-byte hash."""

    number: int
    hash: bytes


@dataclass(frozen=True)
class Contract:
    """A deployed contract: its 20-byte address and the keccak256 of its code."""

    address: bytes
    code_hash: bytes


@dataclass(frozen=True)
class Authority:
    """A time-stamp authority that is believed: the name that its reader gives it, and its root certificate, DER."""

    name: str
    certificate: bytes

    @classmethod
    def parse(cls, name: str, text: str) -> Self:
        """The authority of a certificate as PEM or base64 of its DER. Raises `MalformedInput`."""
        try:
            if text.lstrip().startswith("-----BEGIN"):
                certificate = x509.load_pem_x509_certificate(text.encode())
            else:
                certificate = x509.load_der_x509_certificate(decode_base64(text, f"certificate of {name}"))
        except (ValueError, TypeError):
            raise MalformedInput(f"certificate of {name}: expected an X.509 certificate, PEM or base64") from None
        return cls(name, certificate.public_bytes(Encoding.DER))


@dataclass(frozen=True)
class TrustedLog:
    """A log that is trusted, with the keys that sign its checkpoints."""

    origin: str
    keys: tuple[VerifierKey, ...]

    @property
    def id(self) -> bytes:
        """keccak256(origin)."""
        return log_id(self.origin)


@dataclass(frozen=True)
class Trust:
    """A trust file that is consistent in itself. Whether to believe it is the reader's decision."""

    chain_id: int
    genesis: bytes
    finality: Finality
    validators: tuple[bytes, ...]
    registry_contract: Contract
    witness_contract: Contract
    logs: tuple[TrustedLog, ...]
    changes: tuple[Change, ...]
    registry: Registry
    authorities: tuple[Authority, ...] = ()
    consensus: Consensus = Consensus.NONE
    blocks: tuple[FixedBlock, ...] = ()
    witnesses: tuple[str, ...] = ()
    """The lines of a tlog-policy; empty where no cosignature is asked for."""

    @cached_property
    def policy(self) -> Policy | None:
        """Whose cosignatures make a quorum, where the file says."""
        return parse_policy("".join(f"{line}\n" for line in self.witnesses).encode("utf-8")) if self.witnesses else None

    def log(self, origin: str) -> TrustedLog:
        """The log of `origin`; without any key where the file does not name it, so that no checkpoint of it is
        believed."""
        return next((log for log in self.logs if log.origin == origin), TrustedLog(origin, ()))

    def is_revoked(self, key: VerifierKey) -> bool:
        """Whether the registry in this file has revoked a note key: its signatures may be anybody's since."""
        return self.registry.keys[note_key_address(key.public_key)].revoked_by is not None

    def domain(self, log: TrustedLog) -> Domain:
        """The EIP-712 domain of a log."""
        return Domain(self.chain_id, self.registry_contract.address, log.id)


def parse_trust(data: bytes) -> Trust:
    """Read a trust file. Raises `MalformedInput` for its form, `VerificationFailed` where it contradicts itself."""
    if len(data) > MAX_TRUST_BYTES:
        raise MalformedInput(f"trust file: {len(data)} bytes, at most {MAX_TRUST_BYTES} are accepted")
    try:
        wire = msgspec.json.decode(data, type=_Trust)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise MalformedInput(f"trust file: {str(error)[:200]}") from None
    canonical.refuse_duplicates(data)
    changes = tuple(_read_change(change) for change in wire.registry.changes)
    registry_contract = _read_contract(wire.contracts.registry, "registry")
    registry = _read_registry(wire, registry_contract, changes)
    origins = [log.origin for log in wire.logs]
    if len(set(origins)) != len(origins):
        raise MalformedInput("trust file: two logs have one origin; name each once, with all its keys")
    if len({authority.name for authority in wire.authorities}) != len(wire.authorities):
        raise MalformedInput("trust file: two authorities have one name; give each its own")
    if any("\n" in line for line in wire.witnesses):
        raise MalformedInput("trust file: witnesses: one line of the policy an item")
    trust = Trust(
        chain_id=wire.chain.id,
        genesis=decode_hex(wire.chain.genesis, 32, "trust file: genesis"),
        finality=_read_finality(wire.chain.finality),
        validators=_read_validators(wire.chain),
        registry_contract=registry_contract,
        witness_contract=_read_contract(wire.contracts.witness, "witness"),
        logs=tuple(_read_log(log, registry) for log in wire.logs),
        changes=changes,
        registry=registry,
        authorities=tuple(Authority.parse(one.name, one.certificate) for one in wire.authorities),
        consensus=wire.chain.consensus,
        blocks=_read_blocks(wire.chain.blocks),
        witnesses=tuple(wire.witnesses),
    )
    if trust.policy is not None and trust.policy.logs:
        raise MalformedInput("trust file: witnesses: name logs under logs, not here")
    return trust


def format_trust(trust: Trust) -> bytes:
    """The trust file's bytes."""
    wire = _Trust(
        version=1,
        chain=_Chain(
            id=trust.chain_id,
            genesis=encode_hex(trust.genesis),
            finality=_write_finality(trust.finality),
            validators=[encode_hex(item) for item in trust.validators],
            consensus=trust.consensus,
            blocks=[_Block(block.number, encode_hex(block.hash)) for block in trust.blocks],
        ),
        contracts=_Contracts(_write_contract(trust.registry_contract), _write_contract(trust.witness_contract)),
        logs=[_Log(log.origin, [str(key) for key in log.keys]) for log in trust.logs],
        registry=_Registry(
            trust.registry.count, encode_hex(trust.registry.head), [write_change(change) for change in trust.changes]
        ),
        authorities=[_Authority(one.name, encode_base64(one.certificate)) for one in trust.authorities],
        witnesses=list(trust.witnesses),
    )
    return msgspec.json.format(msgspec.json.encode(wire), indent=2) + b"\n"


def write_change(change: Change) -> _Change:
    """A change as it stands in JSON."""
    return _Change(
        change.number,
        change.time,
        change.action.text,
        change.institution,
        change.role,
        encode_hex(change.log),
        encode_hex(change.key),
        encode_hex(change.data),
    )


def read_changes(text: bytes, what: str) -> tuple[int, bytes, tuple[Change, ...]]:
    """Count, head and changes of a registry that stands alone in RFC 8785 text; whether they fold is the caller's
    question. Raises `MalformedInput`."""
    try:
        wire = msgspec.convert(canonical.decode(text, MAX_TRUST_BYTES), _Registry)
    except msgspec.ValidationError as error:
        raise MalformedInput(f"{what}: {error}") from None
    changes = tuple(_read_change(change, what) for change in wire.changes)
    return wire.count, decode_hex(wire.head, 32, f"{what}: head"), changes


def write_changes(registry: Registry, changes: Sequence[Change]) -> bytes:
    """The RFC 8785 text of a registry and the changes that fold to it."""
    wire = _Registry(registry.count, encode_hex(registry.head), [write_change(change) for change in changes])
    return canonical.encode(msgspec.to_builtins(wire))


def _read_change(wire: _Change, whole: str = "trust file") -> Change:
    what = f"{whole}: change {wire.number}"
    return Change(
        wire.number,
        wire.time,
        parse_action(wire.action),
        wire.institution,
        wire.role,
        decode_hex(wire.log, 32, f"{what}: log"),
        decode_hex(wire.key, 20, f"{what}: key"),
        decode_hex(wire.data, 32, f"{what}: data"),
    )


def _read_registry(wire: _Trust, contract: Contract, changes: tuple[Change, ...]) -> Registry:
    registry = Registry.fold(wire.chain.id, contract.address, changes)
    if registry.count != wire.registry.count:
        raise VerificationFailed(f"trust file: holds {registry.count} registry changes, says {wire.registry.count}")
    if registry.head != decode_hex(wire.registry.head, 32, "trust file: registry head"):
        raise VerificationFailed("trust file: the registry head does not recompute from its changes")
    return registry


def _read_validators(wire: _Chain) -> tuple[bytes, ...]:
    validators = tuple(decode_hex(item, 20, "trust file: validator") for item in wire.validators)
    if wire.consensus is not Consensus.NONE and len(set(validators)) != len(validators):
        raise MalformedInput("trust file: a validator is named twice; name each once, the quorum is counted by them")
    return validators


def _read_blocks(wire: list[_Block]) -> tuple[FixedBlock, ...]:
    blocks = tuple(FixedBlock(item.number, decode_hex(item.hash, 32, "trust file: block hash")) for item in wire)
    if len({block.number for block in blocks}) != len(blocks):
        raise MalformedInput("trust file: blocks names a number twice; name each block once")
    return blocks


def _read_finality(wire: _Finality) -> Finality:
    if wire.rule != "confirmations" and wire.blocks is msgspec.UNSET:
        return Finality.parse(wire.rule)
    if wire.rule != "confirmations" or wire.blocks is msgspec.UNSET or not 1 <= wire.blocks <= MAX_CONFIRMATIONS:
        raise MalformedInput(
            f"trust file: finality is instant, finalized, or confirmations with blocks from 1 to {MAX_CONFIRMATIONS}"
        )
    return Finality(wire.blocks)


def _write_finality(finality: Finality) -> _Finality:
    rule = str(finality).partition(":")[0]
    return _Finality(rule, finality.blocks if rule == "confirmations" else msgspec.UNSET)


def _read_contract(wire: _Contract, name: str) -> Contract:
    return Contract(
        decode_hex(wire.address, 20, f"trust file: {name} address"),
        decode_hex(wire.codeHash, 32, f"trust file: {name} code hash"),
    )


def _write_contract(contract: Contract) -> _Contract:
    return _Contract(encode_hex(contract.address), encode_hex(contract.code_hash))


def _read_log(wire: _Log, registry: Registry) -> TrustedLog:
    log = TrustedLog(check_origin(wire.origin), tuple(VerifierKey.parse(key) for key in wire.keys))
    for key in log.keys:
        if key.name != log.origin:
            raise VerificationFailed(
                f"trust file: a key of {log.origin} is named {key.name}; it must be named as its log"
            )
        registered = registry.keys.get(note_key_address(key.public_key))
        if (
            registered is None
            or registered.purpose != Purpose.NOTE
            or registered.log != log.id
            or registered.data != key.public_key
        ):
            raise VerificationFailed(f"trust file: a key of {log.origin} is not a note key of it in the registry")
    return log
