"""What the two contracts do, in Python: their state, their rules, and their errors by name."""

from dataclasses import dataclass, field

from anchors.chain.acts import Act, AddKey, Admit, Exit, OpenLog, Resume, RevokeKey, Suspend
from anchors.chain.port import Head, TransactionRefused, WitnessCall
from anchors.core import signature as signatures
from anchors.core.encoding import ZERO_WORD, code_word, uint_word
from anchors.core.errors import Error
from anchors.core.merkle import EMPTY_ROOT, MAX_PROOF_HASHES, MAX_SIZE, verify_consistency
from anchors.core.registry import NO_KEY, Action, Change, Purpose, Registry, note_key_address
from anchors.core.typed_data import Domain, log_id

_OPERATOR_PURPOSES = (Purpose.CHECKPOINT, Purpose.RECEIPT, Purpose.NOTE)


@dataclass
class State:
    """Both contracts after some block, and the nonces of the accounts that pay."""

    registry: Registry
    heads: dict[bytes, Head] = field(default_factory=dict)
    nonces: dict[bytes, int] = field(default_factory=dict)

    def copy(self) -> "State":
        """The same, to be changed apart."""
        now = self.registry
        registry = Registry(
            now.chain_id,
            now.address,
            now.count,
            now.head,
            dict(now.institutions),
            dict(now.keys),
            dict(now.operators),
        )
        return State(registry, dict(self.heads), dict(self.nonces))

    def head(self, log: bytes) -> Head:
        """The head of a log."""
        return self.heads.get(log, Head(0, EMPTY_ROOT))


def administer(state: State, act: Act, time: int) -> list[tuple[Change, bytes]]:
    """Do one act in `state`: its changes, each with the head after it. Raises `TransactionRefused` before it changes
    anything."""
    _RULES[type(act)](state.registry, act)
    done = []
    for fields in _EFFECTS[type(act)](state.registry, act):
        change = Change(number=state.registry.count + 1, time=time, **fields)
        state.registry.apply(change)
        done.append((change, state.registry.head))
    return done


def check_head(state: State, call: WitnessCall) -> None:
    """Raise `TransactionRefused` where the witness contract would refuse (docs/spec/witness.md, in its order)."""
    _require(len(call.proof) <= MAX_PROOF_HASHES, "ProofTooLong")
    _require(call.new_size <= MAX_SIZE, "SizeOutOfRange")
    _require(call.new_size >= call.old_size, "SizeShrinks")
    domain = Domain(state.registry.chain_id, state.registry.address, call.log)
    try:
        signer = signatures.recover(domain.checkpoint(call.new_size, call.new_root), call.signature)
    except Error:
        signer = NO_KEY
    key = state.registry.keys.get(signer)
    authorized = key and key.purpose == Purpose.CHECKPOINT and key.log == call.log and key.revoked_by is None
    _require(bool(authorized), "UnauthorizedSigner")
    head = state.head(call.log)
    _require(call.old_size == head.size, "StaleHead")
    _require(call.new_size != call.old_size or call.new_root == head.root, "RootMismatch")
    try:
        verify_consistency(call.old_size, call.new_size, list(call.proof), head.root, call.new_root)
    except Error:
        raise _refused("InvalidConsistencyProof") from None


def _refused(reason: str) -> TransactionRefused:
    return TransactionRefused(reason, f"the contract refuses: {reason}")


def _require(holds: bool, reason: str) -> None:
    if not holds:
        raise _refused(reason)


def _require_present(registry: Registry, code: str) -> None:
    code_word(code)
    _require(code in registry.institutions, "UnknownInstitution")
    _require(not registry.institutions[code].exited, "InstitutionExited")


def _may_admit(registry: Registry, act: Admit) -> None:
    known = registry.institutions.get(act.institution)
    _require(known is None or not known.exited, "InstitutionExited")
    _require(bool(act.roles), "NoRole")
    held = set(known.roles) if known else set()
    for role in act.roles:
        _require(role not in held, "RoleAlreadyHeld")
        held.add(role)


def _may_suspend(registry: Registry, act: Suspend) -> None:
    _require_present(registry, act.institution)
    _require(not registry.institutions[act.institution].suspended, "NotActive")


def _may_resume(registry: Registry, act: Resume) -> None:
    _require_present(registry, act.institution)
    _require(registry.institutions[act.institution].suspended, "NotSuspended")


def _may_exit(registry: Registry, act: Exit) -> None:
    _require_present(registry, act.institution)
    if act.successor:
        heir = registry.institutions.get(act.successor)
        _require(heir is not None and not heir.exited and act.successor != act.institution, "InvalidSuccessor")


def _may_open_log(registry: Registry, act: OpenLog) -> None:
    _require_present(registry, act.operator)
    _require(log_id(act.origin) not in registry.operators, "LogAlreadyOpen")


def _may_add_key(registry: Registry, act: AddKey) -> None:
    _require_present(registry, act.institution)
    _require(act.log in registry.operators, "UnknownLog")
    if act.purpose != Purpose.STATEMENT:
        _require(act.purpose in _OPERATOR_PURPOSES, "UnknownPurpose")
        _require(registry.operators[act.log] == act.institution, "NotLogOperator")
    _require(act.key not in registry.keys, "KeyAlreadyAdmitted")
    if act.purpose == Purpose.NOTE:
        _require(act.data != ZERO_WORD and act.key == note_key_address(act.data), "NoteKeyMismatch")
        _require(act.consent == b"", "InvalidConsent")
        return
    domain = Domain(registry.chain_id, registry.address, act.log)
    digest = domain.key_consent(code_word(act.institution), code_word(act.purpose), act.key)
    try:
        consents = signatures.recover(digest, act.consent) == act.key
    except Error:
        consents = False
    _require(consents, "InvalidConsent")


def _may_revoke_key(registry: Registry, act: RevokeKey) -> None:
    key = registry.keys.get(act.key)
    if key is None:
        raise _refused("UnknownKey")
    _require(key.revoked_by is None, "KeyAlreadyRevoked")
    _require(key.purpose == Purpose.STATEMENT or act.end_sequence == 0, "EndSequenceNotZero")


_RULES = {
    Admit: _may_admit,
    Suspend: _may_suspend,
    Resume: _may_resume,
    Exit: _may_exit,
    OpenLog: _may_open_log,
    AddKey: _may_add_key,
    RevokeKey: _may_revoke_key,
}


def _code_data(code: str) -> bytes:
    return code_word(code) if code else ZERO_WORD


def _admit(registry: Registry, act: Admit) -> list[dict]:
    shared = {"action": Action.ADMITTED, "institution": act.institution, "data": act.acceptance}
    return [{**shared, "role": role} for role in act.roles]


def _suspend(registry: Registry, act: Suspend) -> list[dict]:
    return [{"action": Action.SUSPENDED, "institution": act.institution, "data": _code_data(act.reason)}]


def _resume(registry: Registry, act: Resume) -> list[dict]:
    return [{"action": Action.RESUMED, "institution": act.institution}]


def _exit(registry: Registry, act: Exit) -> list[dict]:
    return [{"action": Action.EXITED, "institution": act.institution, "data": _code_data(act.successor)}]


def _open_log(registry: Registry, act: OpenLog) -> list[dict]:
    return [{"action": Action.LOG_OPENED, "institution": act.operator, "log": log_id(act.origin)}]


def _add_key(registry: Registry, act: AddKey) -> list[dict]:
    fields = {"institution": act.institution, "role": act.purpose, "log": act.log, "key": act.key, "data": act.data}
    return [{"action": Action.KEY_ADDED, **fields}]


def _revoke_key(registry: Registry, act: RevokeKey) -> list[dict]:
    key = registry.keys[act.key]
    fields = {"institution": key.institution, "role": key.purpose, "log": key.log, "key": key.address}
    return [{"action": Action.KEY_REVOKED, **fields, "data": uint_word(act.end_sequence)}]


_EFFECTS = {
    Admit: _admit,
    Suspend: _suspend,
    Resume: _resume,
    Exit: _exit,
    OpenLog: _open_log,
    AddKey: _add_key,
    RevokeKey: _revoke_key,
}
