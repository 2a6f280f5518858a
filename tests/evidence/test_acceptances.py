"""Step 15: an institution's acceptance of the key that signed, under the certificate of an authority made here."""

import secrets

import pytest

from anchors.chain.acts import add_key
from anchors.core.registry import Purpose
from anchors.core.trust import Trust
from anchors.evidence.build import Exporter, add_members
from ledger_service.client.acceptance import Terms, acceptance_digest
from ledger_service.client.accepted import acceptance_check
from ledger_service.usecases.judge_evidence import judge_evidence
from tests.evidence.conftest import EXPORTED_AT, Exported
from tests.fhir.certificates import Holder, authority, institution
from tests.fixtures.signer import Signer


@pytest.fixture(scope="module")
def root() -> Holder:
    return authority()


@pytest.fixture(scope="module")
def accepted(exported: Exported, root: Holder) -> tuple[bytes, bytes, Trust]:
    """An acceptance, the package of a report that its key signed, and a trust file made afterwards."""
    ledger = exported.people.ledger
    code, secret = exported.people.signers["issuer"].institution, secrets.token_bytes(32)
    signer = Signer(ledger.city.domain, code, secret)
    domain, origin = ledger.city.domain, ledger.city.origin
    terms = Terms(code, signer.key, domain.chain_id, domain.registry, origin)
    file = institution(root, code).sign(terms.text())
    ledger.perform(add_key(domain, code, Purpose.STATEMENT, secret, data=acceptance_digest(file)))
    report = signer.issued()
    ledger.submit(report)
    ledger.wait_for_state(report, "final")
    return file, exported.fetch("token", report.subject), exported.fetch_trust()


def judged(exported: Exported, accepted: tuple[bytes, bytes, Trust], *roots: Holder, **files: bytes) -> tuple[str, str]:
    """State and reason of the step, over the package with these files."""
    _, package, trust = accepted
    reader = exported.people.signers["opener"]
    exporter = Exporter(reader.institution, reader.secret, EXPORTED_AT, "huzheng test")
    added = {f"acceptance/{name}.p7s": file for name, file in files.items()}
    whole = add_members(package, added, reader.domain, exporter)
    case = judge_evidence(whole, trust, {"acceptance": acceptance_check([root.der for root in roots])}).package
    step = case.report.step("acceptance")
    assert case.report.holds == (step.state != "FAILED"), [one.said.en for one in case.report.steps]
    return step.state.value, step.said.en


def test_it_verifies_under_its_authority(
    exported: Exported, accepted: tuple[bytes, bytes, Trust], root: Holder
) -> None:
    file, *_ = accepted
    name = acceptance_digest(file).hex()
    assert judged(exported, accepted, root, **{name: file})[0] == "VERIFIED"
    state, why = judged(exported, accepted, **{name: file})
    assert state == "NOT_CHECKED" and "no root was given" in why
    assert judged(exported, accepted, authority(), **{name: file})[0] == "FAILED"
    assert judged(exported, accepted, root) == ("NOT_CHECKED", "the package has no acceptances")


def test_one_that_the_registry_does_not_name_fails(
    exported: Exported, accepted: tuple[bytes, bytes, Trust], root: Holder
) -> None:
    terms = Terms("SYN-OTHER", bytes(20), 1, bytes(20), "ledger.example/other")
    other = institution(root, "SYN-OTHER").sign(terms.text())
    state, why = judged(exported, accepted, root, **{acceptance_digest(other).hex(): other})
    assert state == "FAILED" and "no change of the registry names it" in why
    file, *_ = accepted
    state, why = judged(exported, accepted, root, **{acceptance_digest(other).hex(): file})
    assert state == "FAILED" and "is not its name" in why
