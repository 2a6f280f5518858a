"""Topic `evidence`: whole packages, judged by `anchors` with the rules of the service, and by the second verifier."""

from hashlib import sha256
from typing import Any

from anchors.core.trust import parse_trust
from ledger_service.usecases.judge_evidence import judge_evidence
from tests.conformance.vectors import SPEC_VECTORS, Vector, of_topic
from tests.independent.evidence import verify


def package_of(vector: Vector) -> bytes:
    """The file beside the vector, which must be the one that it means."""
    package = (SPEC_VECTORS / "evidence" / vector.input["package"]).read_bytes()
    assert sha256(package).hexdigest() == vector.input["sha256"]
    return package


@of_topic("evidence")
def test_package(vector: Vector) -> None:
    def attempt() -> dict[str, Any]:
        report = judge_evidence(package_of(vector), parse_trust(vector.input["trust"].encode())).package.report
        return {"holds": report.holds, "steps": {step.claim: step.state.value for step in report.steps}}

    vector.check(attempt)


@of_topic("evidence")
def test_package_by_the_second_verifier(vector: Vector) -> None:
    states = verify(package_of(vector), vector.input["trust"].encode())
    assert len(states) == 17
    assert states == {claim: vector.expect["steps"][claim] for claim in states}
