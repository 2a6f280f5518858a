"""A timeline as FHIR R4: the models of fhir.resources judge the form, tables written by hand what it says."""

import json
from typing import Any

import pytest
from fhir.resources.R4B.auditevent import AuditEvent
from fhir.resources.R4B.bundle import Bundle
from fhir.resources.R4B.provenance import Provenance
from hypothesis import example, given
from hypothesis import strategies as st

from anchors.core.canonical import Json
from anchors.core.content import Content, Part
from anchors.core.encoding import encode_base64, encode_hex
from ledger_service.fhir.outward import ENTRY_EXTENSION, resource_of, timeline_bundle
from ledger_service.kinds import KINDS
from tests.fixtures.parts import EXAMPLES

NUMBER = 11
ID = "0x" + "0b" * 32
SUBJECT, KEY, WITNESS = "0x" + "05" * 32, "0x" + "0e" * 20, "0x" + "0d" * 32
VERSION, ACCESS = "0x" + "07" * 32, "0x" + "08" * 32
ENTRY = encode_base64(bytes(289))


def told(kind: str, *, withheld: bool = False, state: str = "final", **parts: Json) -> dict[str, Any]:
    """A statement as the API answers it."""
    content = Content.of(Part.create(name, value) for name, value in ({"note": "样例患者甲"} | parts).items())
    return {
        "statement": ID,
        "index": NUMBER,
        "state": state,
        "overdue": False,
        "kind": kind,
        "institution": "SAMPLE-HOSPITAL-01",
        "subject": SUBJECT,
        "sequence": 3,
        "issuedAt": 1_795_000_000,
        "observed": WITNESS,
        "content": encode_hex(content.hash),
        "key": KEY,
        "entry": ENTRY,
        "parts": content.to_wire(shown=not withheld),
        "head": {"witnessId": WITNESS} if state in ("witnessed", "final") else None,
    }


def links(**named: str) -> Json:
    return [{"rel": rel, "statement": target} for rel, target in named.items()]


def check(resource: dict[str, Any]) -> dict[str, Any]:
    """The resource, once its model took it and gave the same back."""
    model = {"Provenance": Provenance, "AuditEvent": AuditEvent}[resource["resourceType"]]
    assert json.loads(model.model_validate(resource).model_dump_json()) == resource
    return resource


def identified(reference: dict[str, Any]) -> str:
    return reference["identifier"]["value"]


def extension(resource: dict[str, Any]) -> dict[str, Any]:
    (said,) = resource["extension"]
    assert said["url"] == ENTRY_EXTENSION
    return {item["url"]: next(value for name, value in item.items() if name != "url") for item in said["extension"]}


def test_an_amended_report() -> None:
    resource = check(resource_of(told("report.amended", document=EXAMPLES["document"], links=links(replaces=VERSION))))
    assert (resource["resourceType"], resource["id"]) == ("Provenance", "0b" * 32)
    assert [identified(target) for target in resource["target"]] == [ID]
    assert resource["recorded"] == "2026-11-18T11:06:40Z"
    assert [(one["role"], identified(one["what"])) for one in resource["entity"]] == [
        ("revision", VERSION),
        ("source", "ab" * 32),
    ]
    assert [identified(agent["who"]) for agent in resource["agent"]] == ["SAMPLE-HOSPITAL-01"]
    assert [one["code"] for one in resource["activity"]["coding"]] == ["UPDATE", "report.amended"]
    (signature,) = resource["signature"]
    assert (signature["data"], signature["sigFormat"]) == (ENTRY, "application/octet-stream")
    assert [one["system"] for one in signature["type"]] == ["urn:huzheng:signature-type"]
    assert extension(resource) == {
        "state": "final",
        "overdue": False,
        "index": "11",
        "subject": {"system": "urn:huzheng:subject", "value": SUBJECT},
        "key": KEY,
        "head": WITNESS,
    }


@pytest.mark.parametrize(
    ("kind", "parts", "roles", "operation"),
    [
        ("report.issued", {}, [], ["CREATE"]),
        ("report.withdrawn", {"links": links(replaces=VERSION)}, [("removal", VERSION)], ["NULLIFY"]),
        ("hold.released", {"links": links(replaces=VERSION)}, [("removal", VERSION)], []),
        ("qualification.revoked", {"links": links(replaces=VERSION)}, [("removal", VERSION)], []),
        (
            "recognition.accepted",
            {"links": links(access=ACCESS, report=VERSION)},
            [("source", ACCESS), ("source", VERSION)],
            [],
        ),
        (
            "repeat.ordered",
            {"links": links(access=ACCESS, repeats=VERSION)},
            [("source", ACCESS), ("source", VERSION)],
            [],
        ),
    ],
)
def test_what_is_said_of_records(kind: str, parts: dict[str, Json], roles: list, operation: list[str]) -> None:
    resource = check(resource_of(told(kind, **parts)))
    assert [(one["role"], identified(one["what"])) for one in resource.get("entity", [])] == roles
    assert [one["code"] for one in resource["activity"]["coding"]] == [*operation, kind]


def test_a_decision_says_rules_reason_and_time() -> None:
    decision = {"at": "2026-11-20T10:15+08:00", "extent": ["result"]}
    policy = {"policy": "city rules", "version": "2026:01"}
    named = {"decision": decision, "policy": policy, "reason": {"code": "condition-changed"}}
    resource = check(resource_of(told("recognition.declined", links=links(access=ACCESS, report=VERSION), **named)))
    assert resource["policy"] == ["urn:huzheng:policy:city%20rules:2026%3A01"]
    assert resource["reason"] == [{"text": "condition-changed"}]
    assert resource["occurredDateTime"] == "2026-11-20T10:15:00+08:00"


@pytest.mark.parametrize(
    ("kind", "event_type", "outcome", "purposes"),
    [
        ("access.granted", "access", "0", ["outpatient-visit"]),
        ("access.denied", "access", "4", ["outpatient-visit"]),
        ("access.emergency", "access", "0", ["BTG", "outpatient-visit"]),
    ],
)
def test_what_is_seen_of_records(kind: str, event_type: str, outcome: str, purposes: list[str]) -> None:
    access = {"at": 1_794_999_000, "basis": "outpatient-visit"}
    consent = links(report=VERSION, consent=ACCESS)
    resource = check(resource_of(told(kind, access=access, reason={"code": "no-consent"}, links=consent)))
    assert (resource["resourceType"], resource["id"]) == ("AuditEvent", "0b" * 32)
    assert (resource["type"]["code"], resource["outcome"], resource["action"]) == (event_type, outcome, "R")
    assert [one["code"] for one in resource["subtype"]] == [kind]
    told_purposes = [one.get("text") or one["coding"][0]["code"] for one in resource["purposeOfEvent"]]
    assert told_purposes == purposes
    assert resource["period"] == {"start": "2026-11-18T10:50:00Z"}
    assert resource["outcomeDesc"] == "no-consent"
    assert [identified(one["what"]) for one in resource["entity"]] == [VERSION]
    assert [identified(agent["who"]) for agent in resource["agent"]] == ["SAMPLE-HOSPITAL-01"]
    assert extension(resource)["entry"] == ENTRY


@pytest.mark.parametrize("state", ["accepted", "integrated", "witnessed", "final"])
@pytest.mark.parametrize("withheld", [True, False])
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_a_valid_resource_without_patient(kind: str, withheld: bool, state: str) -> None:
    parts = {name: EXAMPLES[name] for name in KINDS[kind].parts if name != "links"}
    parts["links"] = links(**{rel: VERSION for rel in sorted(KINDS[kind].rels)})
    resource = check(resource_of(told(kind, withheld=withheld, state=state, **parts)))
    assert extension(resource)["state"] == state
    assert "样例患者甲" not in json.dumps(resource, ensure_ascii=False)
    assert "patient" not in json.dumps({name: value for name, value in resource.items() if name != "activity"}).lower()


def test_the_bundle() -> None:
    items = [told("report.issued"), told("access.granted", access={"at": 1, "basis": "x"}, links=links(report=VERSION))]
    bundle = timeline_bundle(
        items, address="/v1/subjects/x/fhir?limit=2", following="/v1/subjects/x/fhir?limit=2&after=11"
    )
    Bundle.model_validate(bundle)
    assert bundle["type"] == "searchset"
    assert [link["relation"] for link in bundle["link"]] == ["self", "next"]
    assert [entry["resource"]["resourceType"] for entry in bundle["entry"]] == ["Provenance", "AuditEvent"]
    assert {entry["fullUrl"] for entry in bundle["entry"]} == {f"urn:huzheng:statement:{ID}"}


def test_an_empty_bundle_has_no_empty_lists() -> None:
    assert timeline_bundle([]) == {"resourceType": "Bundle", "type": "searchset"}
    Bundle.model_validate(timeline_bundle([]))


WORD = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=1, max_size=64)
SECONDS = st.integers(0, 2**53 - 1)


MOMENT = st.from_regex(
    r"\A20[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?(Z|[+-]0[1-9]:00)\Z"
)


@given(
    basis=WORD, code=WORD, at=SECONDS, issued=SECONDS, kind=st.sampled_from(sorted(KINDS)), policy=WORD, decided=MOMENT
)
@example(basis="x", code="x", at=1, issued=1, kind="repeat.ordered", policy="x", decided="2026-02-31T10:15+08:00")
def test_whatever_the_forms_allow_is_valid_fhir(
    basis: str, code: str, at: int, issued: int, kind: str, policy: str, decided: str
) -> None:
    parts = {
        "decision": {"at": decided, "extent": ["result"]},
        "access": {"at": at, "basis": basis},
        "explanation": {"at": at, "of": ["purpose"]},
        "policy": {"policy": policy, "version": basis},
        "reason": {"code": code},
    }
    check(resource_of(told(kind, **parts) | {"issuedAt": issued}))
