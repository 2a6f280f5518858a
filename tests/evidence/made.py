"""Both verifiers over packages of the made-up log of docs/spec/vectors: they must say the same."""

import json
from collections.abc import Sequence
from typing import Any

from cryptography import x509

from anchors.core.trust import parse_trust
from ledger_service.client.accepted import acceptance_check
from ledger_service.usecases.judge_evidence import judge_evidence
from tests.independent.evidence import verify
from tests.independent.evidence_forms import rebuild
from tests.independent.signed_data import der
from tests.independent.story import Story
from tests.independent.vectors_evidence import Package


def both(package: Package, trust: str, roots: Sequence[x509.Certificate] = ()) -> dict[str, str]:
    """What both say, for the claims that the second one knows."""
    archive = rebuild(package.seal())
    second = verify(archive, trust.encode(), roots)
    outside = {"acceptance": acceptance_check([der(root) for root in roots])}
    steps = judge_evidence(archive, parse_trust(trust.encode()), outside).package.report.steps
    assert second == {step.claim: step.state for step in steps if step.claim in second}
    return second


def believing(story: Story, **changed: Any) -> str:
    """The story's trust file with other members; `None` leaves one out."""
    document = {**json.loads(story.trust()), **changed}
    return json.dumps({name: value for name, value in document.items() if value is not None})
