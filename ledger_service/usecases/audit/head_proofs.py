"""Step 7, proofs of blocks: each shows, by itself, the very head beside which it is stored."""

from anchors.chain.port import WitnessEvent
from anchors.core.block.header import Header
from anchors.core.block.proof import BlockProof
from anchors.core.block.seals import consensus_of
from anchors.core.block.verify import open_block_proof
from anchors.core.encoding import encode_hex
from anchors.core.errors import Error, VerificationFailed
from ledger_service.usecases.audit.findings import Findings
from ledger_service.usecases.audit.history import ChainHistory
from ledger_service.usecases.audit.rows import AuditRows

_TABLE = "head_proofs"


def check_head_proofs(rows: AuditRows, findings: Findings, history: ChainHistory, witness: bytes) -> None:
    """Every stored proof. That a head has none yet is no finding: it can be captured at any time."""
    heads = {event.new_size: event for event in history.heads}
    for row in rows.head_proofs():
        findings.counts["head proofs"] += 1
        event = heads.get(row.new_size)
        if event is None or event.place.block_number > history.final_number:
            findings.fault(
                7, _TABLE, row.new_size, "row", "none: the contract emitted no such head that is final", "one"
            )
            continue
        findings.compare(7, _TABLE, row.new_size, "block_number", event.place.block_number, row.block_number)
        try:
            _check(row.proof, event, witness)
        except Error as error:
            findings.fault(7, _TABLE, row.new_size, "proof", "one that shows the head", error)


def _check(proof: BlockProof | None, event: WitnessEvent, witness: bytes) -> None:
    if proof is None:
        raise VerificationFailed("no proof of the form")
    consensus = consensus_of(Header.decode(proof.header), event.place.block_hash)
    if consensus is None:
        raise VerificationFailed(f"its header does not hash to block {encode_hex(event.place.block_hash)}")
    shown = open_block_proof(proof, consensus, witness)
    if WitnessEvent(**vars(shown.head), place=event.place) != event:
        raise VerificationFailed("it shows another head")
    if proof.set_changes:
        raise VerificationFailed("it holds headers that no capture puts there")
