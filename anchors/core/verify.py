"""Verify one proof file against a trust file, in numbered steps, from its arguments alone (docs/spec/trust.md).

1. leaves of the shown parts   2. content hash              -> content
3. entry is well-formed        4. signature recovers key
5. key speaks for institution                               -> signed
6. checkpoint of a trusted log 7. inclusion                 -> logged
8. to 10. need a node                                       -> witnessed
11. quorum of the trust file's witnesses, if it names any   -> cosigned
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import StrEnum

from anchors.core.checkpoint import Checkpoint
from anchors.core.content import Content
from anchors.core.cosignature import open_cosignatures
from anchors.core.encoding import encode_hex, require_bytes
from anchors.core.errors import Error, MalformedInput, VerificationFailed
from anchors.core.merkle import leaf_hash, verify_inclusion
from anchors.core.note import open_note
from anchors.core.quorum import Policy
from anchors.core.registry import check_attribution
from anchors.core.statement import CONTENT_FIELD, ENTRY_BYTES, Entry
from anchors.core.times import iso_time
from anchors.core.tlog_proof import Extra, TlogProof
from anchors.core.trust import Trust, TrustedLog


class State(StrEnum):
    """How a claim ends."""

    VERIFIED = "VERIFIED"
    FAILED = "FAILED"
    NOT_CHECKED = "NOT_CHECKED"
    NOT_PROVABLE = "NOT_PROVABLE"


@dataclass(frozen=True)
class Claim:
    """One claim, its state, and a sentence why."""

    name: str
    state: State
    why: str


@dataclass(frozen=True)
class Verdict:
    """The claims about one proof, and what it is a proof of."""

    claims: tuple[Claim, ...]
    index: int
    checkpoint: Checkpoint
    entry: Entry | None = field(default=None, repr=False)
    content: Content | None = field(default=None, repr=False)
    statement_id: bytes | None = None
    key: bytes | None = None

    @property
    def holds(self) -> bool:
        """Whether content, signed and logged are VERIFIED and nothing FAILED."""
        states = {claim.name: claim.state for claim in self.claims}
        proved = all(states[name] is State.VERIFIED for name in ("content", "signed", "logged"))
        return proved and State.FAILED not in states.values()

    def with_claim(self, claim: Claim) -> "Verdict":
        """The same verdict with one claim replaced."""
        return replace(self, claims=tuple(claim if known.name == claim.name else known for known in self.claims))

    def claim(self, name: str) -> Claim:
        """The claim of that name."""
        return next(claim for claim in self.claims if claim.name == name)


def verify_proof(data: bytes, trust: Trust) -> Verdict:
    """Judge a `.tlog-proof` with Huzheng's `extra` by a trust file.

    Raises `MalformedInput` where the file cannot be read as a proof; a proof that can be read ends as a verdict.
    """
    proof = TlogProof.parse(data)
    if proof.extra is None:
        raise MalformedInput("tlog-proof: no extra line, so the entry is not here; ask for the proof with its entry")
    extra = Extra.decode(proof.extra)
    claimed = claimed_checkpoint(proof.checkpoint)
    log = trust.log(claimed.origin)
    content = _claim("content", lambda: _check_content(extra))
    signed = _claim("signed", lambda: _check_signed(extra, log, trust))
    logged = _claim("logged", lambda: _check_logged(proof, extra, log, trust))
    witnessed = Claim("witnessed", State.NOT_CHECKED, "needs a node of the chain: give one with --rpc")
    entry = _readable_entry(extra)
    return Verdict(
        claims=(content, signed, logged, witnessed, *judge_cosigned(proof.checkpoint, trust)),
        index=proof.index,
        checkpoint=claimed,
        entry=entry,
        content=extra.content,
        statement_id=entry.statement.id(trust.domain(log)) if entry else None,
        key=extra.key,
    )


class _NotProvable(Error):
    """Nothing is wrong, and what is at hand does not show it."""


def _claim(name: str, check: Callable[[], str]) -> Claim:
    try:
        return Claim(name, State.VERIFIED, check())
    except _NotProvable as error:
        return Claim(name, State.NOT_PROVABLE, str(error))
    except Error as error:
        return Claim(name, State.FAILED, str(error))


def _check_content(extra: Extra) -> str:
    entry = require_bytes(extra.entry, ENTRY_BYTES, "entry")
    if extra.content.hash != entry[CONTENT_FIELD]:  # steps 1 and 2
        raise VerificationFailed("the parts do not hash to the content that the entry names")
    shown = len(extra.content.names())
    return f"{shown} of {len(extra.content.parts)} parts are shown and hash to the entry's content"


def _check_signed(extra: Extra, log: TrustedLog, trust: Trust) -> str:
    entry = Entry.from_bytes(extra.entry)  # step 3
    signer = entry.signer(trust.domain(log))  # step 4
    if signer != extra.key:
        raise VerificationFailed(f"the signature is by {encode_hex(signer)}, not by {encode_hex(extra.key)}")
    statement = entry.statement
    key = trust.registry.keys.get(signer)  # step 5
    check_attribution(key, log.id, statement.institution, statement.sequence, trust.registry.count)
    return (
        f"{encode_hex(signer)} signed for {statement.institution}, by the registry as of change {trust.registry.count}"
    )


def _check_logged(proof: TlogProof, extra: Extra, log: TrustedLog, trust: Trust) -> str:
    if not log.keys:
        raise VerificationFailed(f"the trust file does not name the log {log.origin!r}")
    note = open_note(proof.checkpoint, log.keys)  # step 6
    checkpoint = Checkpoint.from_text(note.text)
    if checkpoint.origin != log.origin:
        raise VerificationFailed(f"the checkpoint is of {checkpoint.origin}, not of {log.origin}")
    if proof.index >= checkpoint.size:
        raise VerificationFailed(f"index {proof.index} is not below the checkpoint's size {checkpoint.size}")
    verify_inclusion(leaf_hash(extra.entry), proof.index, checkpoint.size, proof.hashes, checkpoint.root)  # step 7
    if all(trust.is_revoked(key) for key in note.signers):
        raise _NotProvable("the checkpoint is signed by a revoked key alone; a node can say whether it was witnessed")
    return f"entry {proof.index} is under the signed checkpoint of {checkpoint.size} entries of {log.origin}"


def judge_cosigned(note: bytes, trust: Trust) -> tuple[Claim, ...]:
    """The claim `cosigned` about a checkpoint's note; none where the trust file names no witnesses."""
    policy = trust.policy
    return () if policy is None else (_claim("cosigned", lambda: _check_cosigned(note, policy)),)


def _check_cosigned(note: bytes, policy: Policy) -> str:
    found = open_cosignatures(note, policy.keys)  # step 11
    named = ", ".join(f"{one.key.name} at {iso_time(one.time)}" for one in found) or "none of the witnesses"
    if not policy.holds([one.key for one in found]):
        raise _NotProvable(f"cosigned by {named}, which is no quorum; a proof under another checkpoint may have one")
    return f"cosigned by {named}, which is a quorum"


def claimed_checkpoint(note: bytes) -> Checkpoint:
    """What the checkpoint says of itself; nothing of it is believed before step 6."""
    text, separator, _ = note.decode("utf-8", errors="replace").rpartition("\n\n")
    if not separator:
        raise MalformedInput("tlog-proof: the checkpoint is not a signed note")
    return Checkpoint.from_text(text + "\n")


def _readable_entry(extra: Extra) -> Entry | None:
    try:
        return Entry.from_bytes(extra.entry)
    except MalformedInput:
        return None
