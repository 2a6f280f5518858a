"""A hospital's way with FHIR through a running service: a draft, a statement, a timeline."""

import json
import secrets
from typing import Any

import httpx
import pytest
from fhir.resources.R4B.bundle import Bundle

from anchors.core.content import Content, Part
from anchors.core.encoding import decode_hex, encode_hex
from scripts.city.service import TOKEN
from tests.fhir.bundles import NUMBER, bundle
from tests.fixtures.ledger import Ledger, check_problem_response
from tests.fixtures.signer import Signed, Signer

FHIR_JSON = "application/fhir+json"


def draft(ledger: Ledger, raw: bytes, *, token: bool = True, **query: str) -> httpx.Response:
    headers = {"Content-Type": FHIR_JSON} | ({"Authorization": f"Bearer {TOKEN}"} if token else {})
    return ledger.http.post("/v1/fhir/$draft", params=query, content=raw, headers=headers)


def signed(hospital: Signer, answer: dict[str, Any]) -> Signed:
    """The statement that a draft describes, signed by the caller: the service has no key of it."""
    parts = [Part.read(text.encode()) for text in answer["parts"]]
    assert encode_hex(Content.of(parts).hash) == answer["content"]
    return hospital.sign(answer["kind"], decode_hex(answer["subject"], 32, "subject"), *parts)


def fhir(ledger: Ledger, subject: bytes, query: str = "") -> dict[str, Any]:
    """The timeline as FHIR; its form is judged by the models."""
    response = ledger.get(f"/v1/subjects/{encode_hex(subject)}/fhir{query}", token=True)
    assert (response.status_code, response.headers["content-type"]) == (200, FHIR_JSON), response.text
    Bundle.model_validate(response.json())
    return response.json()


def test_from_a_report_to_its_timeline(sqlite_ledger: Ledger) -> None:
    ledger, subject = sqlite_ledger, secrets.token_bytes(32)
    hospital, other = ledger.signer(0), ledger.signer(1)
    answer = draft(ledger, bundle(), subject=encode_hex(subject)).json()
    assert (answer["kind"], answer["reportNumber"], answer["conforms"]) == ("report.issued", NUMBER, "R4B")
    # Nothing of the draft was kept.
    assert "entry" not in fhir(ledger, subject)
    issued = signed(hospital, answer)
    opened = other.granted(issued)
    decided = other.recognised(opened, issued)
    assert all(isinstance(one, int) for one in ledger.submit(issued, opened, decided).outcomes)
    amended = draft(ledger, bundle(status="corrected"), subject=encode_hex(subject), replaces=issued.name).json()
    version = signed(hospital, amended)
    withdrawal = draft(ledger, bundle(status="entered-in-error"), subject=encode_hex(subject), replaces=version.name)
    withdrawn = signed(hospital, withdrawal.json())
    denied = other.denied(version)
    assert all(isinstance(one, int) for one in ledger.submit(version, withdrawn, denied).outcomes)
    ledger.wait_for_state(denied, "final")

    entries = fhir(ledger, subject)["entry"]
    expected = [
        (issued, "Provenance", "report.issued"),
        (opened, "AuditEvent", "access.granted"),
        (decided, "Provenance", "recognition.accepted"),
        (version, "Provenance", "report.amended"),
        (withdrawn, "Provenance", "report.withdrawn"),
        (denied, "AuditEvent", "access.denied"),
    ]
    told = [(entry["resource"]["id"], entry["resource"]["resourceType"]) for entry in entries]
    assert told == [(one.id.hex(), resource) for one, resource, _ in expected]
    for entry, (_, _, kind) in zip(entries, expected, strict=True):
        assert kind in json.dumps(entry["resource"])
        (extension,) = entry["resource"]["extension"]
        assert {"url": "state", "valueCode": "final"} in extension["extension"]
    text = json.dumps(entries, ensure_ascii=False)
    assert not [word for word in ("样例患者甲", "SAMPLE-PATIENT", "血小板", "6690-2", NUMBER) if word in text]
    assert issued.wire["entry"] in text


def test_page_by_page(sqlite_ledger: Ledger) -> None:
    hospital = sqlite_ledger.signer(0)
    first = hospital.issued()
    second = hospital.amended(first)
    third = hospital.amended(second)
    sqlite_ledger.submit(first, second, third)
    page = fhir(sqlite_ledger, first.subject, "?limit=2")
    assert [entry["resource"]["id"] for entry in page["entry"]] == [first.id.hex(), second.id.hex()]
    following = {link["relation"]: link["url"] for link in page["link"]}["next"]
    rest = sqlite_ledger.get(following, token=True).json()
    assert [entry["resource"]["id"] for entry in rest["entry"]] == [third.id.hex()]
    assert "next" not in {link["relation"] for link in rest["link"]}


def test_nobody_reads_or_drafts_without_token(sqlite_ledger: Ledger) -> None:
    subject = encode_hex(secrets.token_bytes(32))
    check_problem_response(sqlite_ledger.get(f"/v1/subjects/{subject}/fhir"), "unauthorized", 401)
    check_problem_response(draft(sqlite_ledger, bundle(), token=False, subject=subject), "unauthorized", 401)


@pytest.mark.parametrize(
    ("raw", "query", "why"),
    [
        (
            bundle(effectiveDateTime="2026-11-20T08:15:00"),
            {},
            "DiagnosticReport.effectiveDateTime: '2026-11-20T08:15:00'",
        ),
        (bundle(category=None), {}, "DiagnosticReport.category: has no code here"),
        (bundle(), {"replaces": "0x" + "01" * 32}, "DiagnosticReport.status: 'final' issues a report"),
        (b"", {}, "no FHIR JSON document"),
    ],
)
def test_what_is_wrong_is_named(sqlite_ledger: Ledger, raw: bytes, query: dict[str, str], why: str) -> None:
    subject = encode_hex(secrets.token_bytes(32))
    problem = check_problem_response(draft(sqlite_ledger, raw, subject=subject, **query), "malformed-request", 400)
    assert why in problem["detail"]


def test_no_secret_is_asked_for(sqlite_ledger: Ledger) -> None:
    check_problem_response(draft(sqlite_ledger, bundle()), "malformed-request", 400)  # the caller names the subject
    described = sqlite_ledger.get("/openapi.json").json()["paths"]["/v1/fhir/$draft"]["post"]
    assert not [item["name"] for item in described["parameters"] if "secret" in item["name"].lower()]


def test_a_report_that_is_too_large(sqlite_ledger: Ledger) -> None:
    subject = encode_hex(secrets.token_bytes(32))
    raw = bundle(conclusion="长" * (2 * 2**20))
    check_problem_response(draft(sqlite_ledger, raw, subject=subject), "too-large", 413)
