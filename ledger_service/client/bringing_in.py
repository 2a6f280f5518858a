"""From another log's proof file to what an import says (docs/spec/kinds.md, Reports of other logs)."""

from dataclasses import dataclass, field

from anchors.core.canonical import Json
from anchors.core.encoding import ZERO_WORD, encode_hex
from anchors.core.errors import MalformedInput
from anchors.core.tlog_proof import TlogProof
from anchors.core.verify import claimed_checkpoint, verify_proof
from ledger_service.client.errors import WrongInput
from ledger_service.originals import TrustedOrigins, import_subject, why_not, without_personal_parts


@dataclass(frozen=True)
class BroughtIn:
    """A statement of another log whose proof holds: the values of the link and the part `proof`, and the subject (32
    bytes) that it has there."""

    origin: str
    link: dict[str, Json]
    proof: dict[str, Json] = field(repr=False)
    subject_there: bytes

    def subject(self, institution: str) -> bytes:
        """The subject under which an institution brings it in here."""
        return import_subject(self.origin, self.subject_there, institution)


def bring_in(proof: bytes, trusted: TrustedOrigins, witness_id: bytes = ZERO_WORD) -> BroughtIn:
    """What a `.tlog-proof` of another log gives to an import, its personal parts withheld. `witness_id` names a head of
    that log that covers the statement, where one is known.

    Raises `WrongInput` where the proof does not hold by the trust file for its log."""
    try:
        file = without_personal_parts(proof)
        origin = claimed_checkpoint(TlogProof.parse(file).checkpoint).origin
    except MalformedInput as error:
        raise WrongInput(f"the proof of the other log: {error}; ask for it again") from None
    trust = trusted.trust(origin)
    if trust is None:
        known = ", ".join(sorted(trusted.origins)) or "no log"
        raise WrongInput(f"the proof is of the log {origin}; the trust files given name {known}: add --foreign-trust")
    verdict = verify_proof(file, trust)
    if not verdict.holds or verdict.entry is None or verdict.statement_id is None:
        claim = why_not(verdict)
        raise WrongInput(f"the proof of the other log does not hold: {claim.name} {claim.state}: {claim.why}")
    link: dict[str, Json] = {
        "index": verdict.index,
        "origin": origin,
        "rel": "original",
        "statement": encode_hex(verdict.statement_id),
        "witnessId": encode_hex(witness_id),
    }
    return BroughtIn(origin, link, {"file": file.decode()}, verdict.entry.statement.subject)
