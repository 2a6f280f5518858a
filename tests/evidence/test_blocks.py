"""Step 7 over a running ledger: the blocks of a package's heads, by a trust file that fixes them, or does not."""

import json
from dataclasses import replace

from anchors.core.block.consensus import Consensus
from anchors.core.block.header import Header
from anchors.core.block.proof import BlockProof
from anchors.core.block.seals import block_hash
from anchors.core.trust import FixedBlock
from anchors.evidence.archive import read_archive
from anchors.evidence.report import Report
from ledger_service.usecases.judge_evidence import judge_evidence
from tests.evidence.conftest import Exported


def state(report: Report, claim: str) -> str:
    return next(step.state.value for step in report.steps if step.claim == claim)


def test_blocks_and_times_are_proved_where_the_trust_file_fixes_the_blocks(exported: Exported) -> None:
    ledger = exported.people.ledger
    ledger.wait_for(lambda: ledger.heads_without_proof() == 0)
    package = exported.fetch("opener", exported.report.subject)
    heads = [json.loads(data) for path, data in read_archive(package).items() if path.startswith("heads/")]
    assert heads and all(head["block"] for head in heads)
    headers = [Header.decode(BlockProof.from_json(head["block"]).header) for head in heads]
    fixed = {header.number: FixedBlock(header.number, block_hash(header, Consensus.NONE)) for header in headers}
    for block in fixed.values():
        assert "0x" + block.hash.hex() == ledger.chain.block_hash(block.number)

    believed = judge_evidence(package, replace(exported.trust, blocks=tuple(fixed.values()))).package.report
    assert (state(believed, "blocks"), state(believed, "times"), believed.holds) == ("VERIFIED", "VERIFIED", True)
    unknown = judge_evidence(package, replace(exported.trust, blocks=())).package.report
    assert (state(unknown, "blocks"), unknown.holds) == ("NOT_CHECKED", True)
    number = min(fixed)
    false = replace(exported.trust, blocks=(FixedBlock(number, bytes(32)),))
    contradicted = judge_evidence(package, false).package.report
    assert (state(contradicted, "blocks"), contradicted.holds) == ("FAILED", False)
