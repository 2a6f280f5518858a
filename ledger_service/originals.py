"""What another log said, as an import brings it in (docs/spec/kinds.md, Reports of other logs; ADR 21).

    original = read_original(kind, forms)      # what the proof shows; needs nothing but the import's own parts
    trusted.check(original)                    # whether it holds, by the trust file for its log

The door, the audit and the sender ask here.
"""

from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any

import msgspec

from anchors.core.checkpoint import check_origin
from anchors.core.content import Content, Part, Withheld
from anchors.core.encoding import encode_hex
from anchors.core.errors import Error, MalformedInput
from anchors.core.note import NotSigned, open_note
from anchors.core.statement import Entry, Statement
from anchors.core.tlog_proof import Extra, TlogProof
from anchors.core.trust import Trust
from anchors.core.verify import Claim, State, Verdict, claimed_checkpoint, verify_proof
from ledger_service import problems
from ledger_service.kind_rules import read_parts
from ledger_service.kinds import KINDS, Kind
from ledger_service.parts import PART_FORMS, Proof
from ledger_service.problems import Refused

MARK = b"imported"
"""How the subject of every import ends, and no other one."""
_HASHED_BYTES = 24
_OWN = ("links", "proof")


class Original(msgspec.Struct, frozen=True, gc=False):
    """A statement of another log: where the link says that it stands, and what the proof shows of it.

    `id` and `witness_id` are 32 bytes as the link has them; `forms` its structural parts by name; `proof` the file."""

    origin: str
    id: bytes
    index: int
    witness_id: bytes
    statement: Statement
    forms: dict[str, Any]
    proof: bytes

    def subject(self, institution: str) -> bytes:
        """The subject under which this institution brings its report in, 32 bytes."""
        return import_subject(self.origin, self.statement.subject, institution)

    def parts(self, own: Mapping[str, Any]) -> dict[str, Any]:
        """What its import says, as forms by name: what the proof shows, and of the import's `own` parts the links and
        the proof. Nothing else that whoever brought it in puts beside the proof is the other log's word."""
        shown = {name: form for name, form in self.forms.items() if name not in _OWN}
        return shown | {name: own[name] for name in _OWN if name in own}


def import_subject(origin: str, subject: bytes, institution: str) -> bytes:
    """The subject of an import: 24 bytes of SHA-256("huzheng import" || 0x00 || origin || 0x00 || subject there || 0x00
    || institution), then the eight bytes `imported`."""
    named = (b"huzheng import", origin.encode(), subject, institution.encode())
    return sha256(b"\x00".join(named)).digest()[:_HASHED_BYTES] + MARK


def read_original(kind: Kind, forms: Mapping[str, Any]) -> Original:
    """The statement that an import of this kind links to, as its part `proof` shows it.

    Raises `Refused` where the proof cannot be read, is about another statement, or shows parts that it must not."""
    link = next((link for link in forms["links"] if link.rel == kind.original.rel and link.is_foreign), None)
    if link is None:
        raise Refused(problems.INVALID_LINKS, f"{kind.name} needs the link 'original' with origin, index and witnessId")
    try:
        check_origin(link.origin)
        proof, extra, entry = _read(forms["proof"])
        claimed = claimed_checkpoint(proof.checkpoint)
    except MalformedInput as error:
        raise Refused(problems.PROOF_MALFORMED, f"{error}; give the proof file as the other log gave it") from None
    statement = entry.statement
    _check_same("origin", link.origin, claimed.origin)
    _check_same("index", link.index, proof.index)
    if statement.kind not in kind.original.targets:
        wanted = " or ".join(sorted(kind.original.targets))
        raise Refused(problems.ORIGINAL_DIFFERS, f"the proof is of a {statement.kind}; {kind.name} brings in {wanted}")
    return Original(
        link.origin,
        bytes.fromhex(link.statement[2:]),
        link.index,
        bytes.fromhex(link.witnessId[2:]),
        statement,
        _structural(statement.kind, extra.content),
        forms["proof"].file.encode(),
    )


def without_personal_parts(proof: bytes) -> bytes:
    """The proof file with every part withheld that is not structural. Raises `MalformedInput`."""
    read = TlogProof.parse(proof)
    extra = Extra.decode(read.extra or b"")
    content = Content.of(
        Withheld(part.name, part.leaf) if part.name not in PART_FORMS else part for part in extra.content.parts
    )
    kept = Extra(extra.key, extra.entry, content).encode()
    return TlogProof(read.index, read.hashes, read.checkpoint, kept).format()


class TrustedOrigins:
    """The trust files that one has for other logs."""

    def __init__(self, trusts: Iterable[Trust] = ()):
        """Raises `MalformedInput` where two of them name one log."""
        self._trusts: dict[str, Trust] = {}
        for trust in trusts:
            for log in trust.logs:
                if log.origin in self._trusts:
                    raise MalformedInput(f"two trust files name the log {log.origin}; give one for each log")
                self._trusts[log.origin] = trust

    @property
    def origins(self) -> frozenset[str]:
        """The logs that are known."""
        return frozenset(self._trusts)

    def trust(self, origin: str) -> Trust | None:
        """The trust file that names this log."""
        return self._trusts.get(origin)

    def judge(self, original: Original) -> Verdict | None:
        """The verdict over its proof; None where no trust file names its log."""
        trust = self._trusts.get(original.origin)
        return None if trust is None else verify_proof(original.proof, trust)

    def check(self, original: Original) -> None:
        """`judge` and `require`."""
        self.require(original, self.judge(original))

    def require(self, original: Original, verdict: Verdict | None) -> None:
        """Raise `Refused` unless the proof, judged as `verdict`, holds, is of the statement that the link names, and
        its signer has a role there that may."""
        if verdict is None:
            known = ", ".join(sorted(self._trusts)) or "none"
            raise Refused(
                problems.ORIGIN_UNKNOWN,
                f"there is no trust file here for the log {original.origin!r}; known are: {known} "
                "请运营方配置该日志的信任文件",
            )
        if not verdict.holds:
            raise self._why_not(original, verdict)
        _check_same("statement", encode_hex(original.id), encode_hex(verdict.statement_id))
        signed = original.statement
        if not KINDS[signed.kind].roles & self._trusts[original.origin].registry.institution(signed.institution).roles:
            raise Refused(
                problems.PROOF_FAILS, f"{signed.institution} has no role in {original.origin} that signs {signed.kind}"
            )

    def _why_not(self, original: Original, verdict: Verdict) -> Refused:
        trust = self._trusts[original.origin]
        claim = why_not(verdict)
        unknown = (claim.name == "signed" and verdict.key not in trust.registry.keys) or (
            claim.name == "logged" and _is_signed_by_none(original.proof, trust, original.origin)
        )
        if unknown:
            return Refused(
                problems.ORIGINAL_KEY_UNKNOWN,
                f"{claim.name}: {claim.why}; if the key is new there, a newer trust file is needed here "
                "请更新该日志的信任文件",
            )
        return Refused(problems.PROOF_FAILS, f"{claim.name} {claim.state}: {claim.why}")


def why_not(verdict: Verdict) -> Claim:
    """Of a verdict that does not hold, the first claim by which it does not."""
    return next(claim for claim in verdict.claims if claim.state in (State.FAILED, State.NOT_PROVABLE))


def _read(proof: Proof) -> tuple[TlogProof, Extra, Entry]:
    read = TlogProof.parse(proof.file.encode())
    if read.extra is None:
        raise MalformedInput("the proof has no extra line, so the statement is not in it")
    extra = Extra.decode(read.extra)
    entry = Entry.from_bytes(extra.entry)
    if extra.content.hash != entry.statement.content:
        raise MalformedInput("the parts in the proof do not hash to the content that its entry names")
    return read, extra, entry


def _structural(kind: str, content: Content) -> dict[str, Any]:
    """The shown parts in their forms: all that the kind requires, and nothing personal."""
    shown = {part.name: part.value for part in content.parts if isinstance(part, Part)}
    personal = sorted(shown.keys() - PART_FORMS.keys())
    if personal:
        raise Refused(
            problems.PROOF_MALFORMED,
            f"the proof shows the part {personal[0]!r}, which may be personal; withhold it there 请在证明中隐去该部分",
        )
    try:
        return read_parts(KINDS[kind], shown)
    except Refused as refused:
        raise Refused(problems.PROOF_MALFORMED, f"of the other log's statement: {refused.detail}") from None


def _check_same(what: str, linked: object, shown: object) -> None:
    if linked != shown:
        raise Refused(problems.ORIGINAL_DIFFERS, f"link 'original' names the {what} {linked}, its proof shows {shown}")


def _is_signed_by_none(proof: bytes, trust: Trust, origin: str) -> bool:
    """Whether no note key that the trust file has for the log signed the checkpoint."""
    try:
        open_note(TlogProof.parse(proof).checkpoint, trust.log(origin).keys)
    except NotSigned:
        return True
    except Error:
        return False
    return False
