"""A patient checks a document without an account: what is told, what is proved, and that nothing else is."""

import json
import secrets
from hashlib import sha256

import pytest

from anchors import Part
from anchors.core.verify import verify_proof
from tests.fixtures.ledger import Ledger
from tests.fixtures.signer import Signed, document, example, links
from tests.service.test_proofs import trust_of


def sha256_of(signed: Signed) -> str:
    return signed.content.value("document")["sha256"]


def check(ledger: Ledger, digest: str) -> list[dict]:
    """What anybody is told."""
    answer = ledger.get(f"/v1/documents/{digest}/check", token=False)
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


def versions(ledger: Ledger, *statements: Signed) -> list[tuple[str, str]]:
    """By statement what is told of the documents of these, one after the other."""
    told = [item for signed in statements for item in check(ledger, sha256_of(signed))]
    return [(item["statement"], item["version"]) for item in told]


def test_the_proof_leads_to_the_patients_own_file(ledger: Ledger) -> None:
    issuer, file = ledger.signer(0), secrets.token_bytes(40)
    digest = sha256(file).hexdigest()
    part = document(bytes=len(file), sha256=digest)
    report = issuer.sign("report.issued", secrets.token_bytes(32), part, example("examination"), example("reason"))
    ledger.submit(report)
    ledger.wait_for_state(report, "final")
    (item,) = check(ledger, digest)
    said = ("statement", "kind", "institution", "state", "version")
    assert [item[name] for name in said] == [report.name, "report.issued", issuer.institution, "final", "current"]
    chain, trust = trust_of(ledger)
    verdict = verify_proof(item["proof"].encode(), trust)
    chain.close()
    assert verdict.holds and verdict.statement_id == report.id
    assert verdict.content.names() == {"document"} and verdict.content.value("document")["sha256"] == digest
    (by_sm3,) = check(ledger, part.value["sm3"])
    assert by_sm3["statement"] == report.name


def test_what_became_of_a_version_is_told(ledger: Ledger) -> None:
    issuer = ledger.signer(0)
    report = issuer.issued()
    amended = issuer.amended(report)
    ledger.submit(report, amended)
    assert versions(ledger, report, amended) == [(report.name, "superseded"), (amended.name, "current")]
    ledger.submit(issuer.withdrawn(amended))
    assert versions(ledger, report, amended) == [(report.name, "withdrawn"), (amended.name, "withdrawn")]


def test_an_amendment_with_the_same_document_is_current(ledger: Ledger) -> None:
    issuer = ledger.signer(0)
    report = issuer.issued()
    same = issuer.sign("report.amended", report.subject, report.content.parts[0], links(replaces=report))
    ledger.submit(report, same)
    assert versions(ledger, report) == [(report.name, "superseded"), (same.name, "current")]
    first = ledger.get(f"/v1/documents/{sha256_of(report)}/check?limit=1", token=False).json()
    assert [item["statement"] for item in first["items"]] == [report.name]
    rest = ledger.get(f"/v1/documents/{sha256_of(report)}/check?after={first['next']}", token=False).json()
    assert [item["statement"] for item in rest["items"]] == [same.name] and rest["next"] is None


def test_what_others_did_does_not_show(ledger: Ledger) -> None:
    issuer, reader = ledger.signer(0), ledger.signer(1)
    report = issuer.issued()
    opened = reader.granted(report)
    ledger.submit(report, opened, reader.declined(opened, report))
    told = check(ledger, sha256_of(report))
    assert [item["statement"] for item in told] == [report.name]
    assert reader.institution not in json.dumps(told) and opened.name not in json.dumps(told)


@pytest.mark.parametrize("name", ["document", "note"])
def test_a_document_that_only_stands_beside_is_not_attested(ledger: Ledger, name: str) -> None:
    """Of another kind's statement a document is personal: it may be erased, and nobody is led to it."""
    issuer, reader = ledger.signer(0), ledger.signer(1)
    report, value = issuer.issued(), document().value
    opened = reader.sign(
        "access.granted", report.subject, example("access"), links(report=report), Part.create(name, value)
    )
    assert len(ledger.submit(report, opened).outcomes) == 2
    assert check(ledger, value["sha256"]) == [] and len(check(ledger, sha256_of(report))) == 1
