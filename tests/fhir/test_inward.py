"""A FHIR report becomes what a statement says of it; every element that is wrong is named."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anchors.core.errors import Error
from anchors.formats import read_document
from ledger_service.cli.material import Line, draft_of, statement_id
from ledger_service.client.errors import WrongInput
from ledger_service.fhir.inward import Said, draft_report, read_report
from ledger_service.kinds import KINDS
from tests.fhir.bundles import LABORATORY, NUMBER, RADIOLOGY, bundle
from tests.fhir.certificates import authority, institution
from tests.formats.documents import folders, sample

SECRET = bytes(range(32))
BEFORE = bytes([7]) * 32
CONCLUSION = "血小板计数偏低。样例，非真实数据 SYNTHETIC SAMPLE, NOT REAL DATA"


def read(raw: bytes, **said: Any) -> dict[str, Any]:
    """The parts of what was read, by name."""
    return read_report(raw, Said(**said)).material.values()


def test_a_report_becomes_a_draft() -> None:
    raw = bundle()
    draft = draft_report(raw, SECRET)
    assert draft.kind == "report.issued"
    assert draft.subject == hmac.digest(SECRET, NUMBER.encode(), hashlib.sha256)
    parts = {part.name: part.value for part in draft.content.parts}
    assert list(parts) == ["document", "closure", "examination", "facts", "result", "interpretation"]
    assert parts["document"] == {
        "bytes": len(raw),
        "format": "fhir-json",
        "sha256": hashlib.sha256(raw).hexdigest(),
        "sm3": hashlib.new("sm3", raw).hexdigest(),
    }
    assert parts["examination"] == {
        "at": "2026-11-20T08:15:00+08:00",
        "category": "laboratory",
        "item": "58410-2",
        "system": "http://loinc.org",
    }
    assert parts["interpretation"] == {"conclusion": CONCLUSION, "codes": [], "cut": False}
    assert [(one["code"], one["value"]) for one in parts["result"]["results"]] == [
        ("6690-2", "6.2"),
        ("789-8", "4.8"),
        ("718-7", "145"),
        ("777-3", "98"),
    ]


def test_results_are_as_the_source_wrote_them() -> None:
    parts = read(sample("fhir/blood-count.bundle.json"), category="laboratory")
    assert [one["value"] for one in parts["result"]["results"]] == ["6.20", "4.80", "145", "98"]


def test_each_part_keeps_to_itself() -> None:
    parts = read(bundle(conclusionCode=[{"coding": [{"system": "urn:s", "code": "D69.6", "display": "血小板减少"}]}]))
    texts = {name: json.dumps(value, ensure_ascii=False) for name, value in parts.items()}
    assert [name for name, text in texts.items() if "血小板计数偏低" in text] == ["interpretation"]
    assert [name for name, text in texts.items() if "D69.6" in text] == ["interpretation"]
    assert [name for name, text in texts.items() if "6690-2" in text] == ["result"]
    assert [name for name, text in texts.items() if "示例医师甲" in text] == ["facts"]
    assert [name for name, text in texts.items() if "样例患者甲" in text or "SAMPLE-PATIENT" in text] == []


def test_the_closure_is_that_of_the_document() -> None:
    raw = bundle()
    whole = read_document(raw).canonical
    assert read(raw)["closure"] == {"method": whole.method, "sha256": whole.value.hex()}
    # Another result, another closure, though the report itself is the same.
    changed = raw.replace(b'"value": 98', b'"value": 89')
    assert read(changed)["closure"] != read(raw)["closure"]
    assert read(changed)["result"] != read(raw)["result"]


def test_signatures_of_the_source_are_a_part(tmp_path: Path) -> None:
    data = base64.b64encode(institution(authority()).sign(b"x")).decode()
    raw = bundle(lambda document: document.__setitem__("signature", {"data": data}))
    (tmp_path / "report.json").write_bytes(raw)
    given = {"kind": "report.issued", "subject": "0x" + "09" * 32, "document": "report.json"}
    drafted = draft_of(Line(**given, facts=True), tmp_path, None, statement_id)
    for value in (read(raw)["signatures"], drafted.content.value("signatures")):
        assert [(one["place"], one["state"]) for one in value["found"]] == [("Bundle at signature", "NOT_CHECKED")]
    assert "signatures" not in draft_of(Line(**given), tmp_path, None, statement_id).content.names()


def test_what_is_too_long_says_so() -> None:
    parts = read(bundle(many_results, conclusion="长" * 20_000, conclusionCode=[{"text": "码" * 300}] * 30))
    interpretation, result = parts["interpretation"], parts["result"]
    assert (len(interpretation["conclusion"]), len(interpretation["codes"]), interpretation["cut"]) == (8_000, 20, True)
    # Four of the sample and 250; the facts of a document hold 200 together with the 31 conclusions, by size or fewer.
    assert (result["resultsTotal"], result["cut"]) == (254, True)
    assert 0 < len(result["results"]) <= 200 - 31
    assert {one["code"] for one in result["results"][4:]} == {"X"}
    assert "长" not in json.dumps(result, ensure_ascii=False)
    assert draft_report(bundle(many_results, conclusion="\x01" * 20_000), SECRET).kind == "report.issued"


def many_results(document: dict[str, Any]) -> None:
    report = entry(document, 0)
    for number in range(250):
        report["result"].append({"reference": f"Observation/many-{number}"})
        code = {"coding": [{"code": "X"}]}
        resource = {"resourceType": "Observation", "id": f"many-{number}", "code": code, "valueString": str(number)}
        document["entry"].append({"resource": resource})


def test_another_report_of_the_bundle_is_left_out() -> None:
    other = {"resourceType": "DiagnosticReport", "id": "r2", "identifier": [{"value": "OTHER-1"}], "status": "partial"}
    raw = bundle(lambda document: document["entry"].append({"resource": other}))
    with pytest.raises(WrongInput, match="2 DiagnosticReports are in it"):
        read(raw)
    parts = read(raw, report_number=NUMBER)
    assert "OTHER-1" not in json.dumps(parts)
    signed = {
        "resourceType": "Provenance",
        "signature": [{"sigFormat": "application/jose", "data": "ZXlKaGJHY2lPaUpTVXpJMU5pSjkuLmFh"}],
    }
    with_signature = bundle(lambda document: document["entry"].extend(({"resource": other}, {"resource": signed})))
    assert "signatures" in read(bundle(lambda document: document["entry"].append({"resource": signed})))
    assert "signatures" not in read(with_signature, report_number=NUMBER), "whose it is is not known"
    assert parts["closure"] == read(bundle())["closure"]


@pytest.mark.parametrize(
    ("status", "said", "kind", "reason"),
    [
        ("final", {}, "report.issued", None),
        ("amended", {"replaces": BEFORE}, "report.amended", None),
        ("corrected", {"replaces": BEFORE}, "report.amended", None),
        ("appended", {"replaces": BEFORE}, "report.amended", None),
        ("amended", {"kind": "report.issued"}, "report.issued", None),
        ("entered-in-error", {"replaces": BEFORE}, "report.withdrawn", "entered-in-error"),
        ("cancelled", {"replaces": BEFORE}, "report.withdrawn", "cancelled"),
        ("cancelled", {"replaces": BEFORE, "reason": "sample-mixed-up"}, "report.withdrawn", "sample-mixed-up"),
    ],
)
def test_status_says_the_kind(status: str, said: dict[str, Any], kind: str, reason: str | None) -> None:
    found = read_report(bundle(status=status), Said(**said))
    values = found.material.values()
    assert found.kind == kind
    assert set(KINDS[kind].parts) <= values.keys()
    assert values.get("reason") == ({"code": reason} if reason else None)
    assert values.get("links") == (
        [{"rel": "replaces", "statement": "0x" + "07" * 32}] if kind != "report.issued" else None
    )


def test_a_withdrawal_needs_no_results() -> None:
    raw = bundle(lambda document: document.__setitem__("entry", document["entry"][:1]), status="cancelled", code=None)
    assert list(read(raw, replaces=BEFORE)) == ["document", "reason", "links", "closure"]


def entry(document: dict[str, Any], number: int) -> dict[str, Any]:
    return document["entry"][number]["resource"]


PERFORMER = {"system": "urn:huzheng:institution", "value": "SAMPLE-LABORATORY-02"}


def with_role(document: dict[str, Any]) -> None:
    organization = next(item["resource"] for item in document["entry"] if item["resource"]["id"] == "laboratory-1")
    organization["identifier"] = [{"system": "urn:elsewhere", "value": "9"}, PERFORMER]
    role = {"resourceType": "PractitionerRole", "id": "p", "organization": {"reference": "Organization/laboratory-1"}}
    document["entry"].append({"resource": role})


@pytest.mark.parametrize(
    ("report", "said", "member", "expected"),
    [
        ({"category": [RADIOLOGY]}, {}, "category", "imaging"),
        ({"category": [RADIOLOGY]}, {"category": "imaging"}, "category", "imaging"),
        ({"category": None}, {"category": "functional"}, "category", "functional"),
        ({"category": [{"coding": [{"system": "urn:x", "code": "LAB"}]}, LABORATORY]}, {}, "category", "laboratory"),
        ({"effectiveDateTime": "2026-11-20T08:15:00.123Z"}, {}, "at", "2026-11-20T08:15:00Z"),
        (
            {"effectiveDateTime": None, "effectivePeriod": {"start": "2026-11-20T08:15:00+08:00"}},
            {},
            "at",
            "2026-11-20T08:15:00+08:00",
        ),
        (
            {"code": {"coding": [{"code": "x"}, {"system": "urn:local", "code": "血常规 1".encode().hex()}]}},
            {},
            "system",
            "urn:local",
        ),
        ({}, {"performer": "SAMPLE-LABORATORY-02"}, "performer", "SAMPLE-LABORATORY-02"),
        ({"performer": [{"reference": "PractitionerRole/p"}]}, {}, "performer", "SAMPLE-LABORATORY-02"),
        ({"performer": [{"identifier": PERFORMER, "display": "x"}]}, {}, "performer", "SAMPLE-LABORATORY-02"),
    ],
)
def test_what_was_examined(report: dict[str, Any], said: dict[str, Any], member: str, expected: str) -> None:
    change = with_role if "Practitioner" in str(report) else None
    assert read(bundle(change, **report), **said)["examination"][member] == expected


DCM, SECTIONS = "http://dicom.nema.org/resources/ontology/DCM", "http://terminology.hl7.org/CodeSystem/v2-0074"


@pytest.mark.parametrize(
    ("codings", "modality"),
    [
        ([(DCM, "US")], "US"),
        ([(SECTIONS, "VUS")], "US"),
        ([(SECTIONS, "RUS"), (DCM, "US")], "US"),
        ([(SECTIONS, "NMR")], "MR"),
        ([(DCM, "CT"), (DCM, "PT")], None),
        ([(SECTIONS, "RAD")], None),
        ([(DCM, "us")], None),
        ([("urn:x", "US")], None),
    ],
)
def test_by_what_pictures_were_made(codings: list[tuple[str, str]], modality: str | None) -> None:
    coded = {"coding": [{"system": system, "code": code} for system, code in codings]}
    parts = read(bundle(None, category=[RADIOLOGY, coded]))
    assert parts["examination"].get("modality") == modality


# What the caller gives wrong is named as that; everything else is an element of the DiagnosticReport.
WRONG: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    ({"status": None}, {}, "status: says nothing"),
    ({"status": "unknown"}, {}, "status: says 'unknown'"),
    ({"status": "preliminary"}, {}, "status: 'preliminary' is not issued yet"),
    ({"status": "modified"}, {}, "status: 'modified' is not issued yet"),
    ({"status": "amended"}, {}, "status: 'amended' replaces a version"),
    ({"status": "cancelled"}, {"kind": "report.issued"}, "status: 'cancelled' makes it report.withdrawn"),
    ({}, {"replaces": BEFORE}, "status: 'final' issues a report"),
    ({}, {"kind": "report.amended"}, "status: 'final' makes it report.issued"),
    ({}, {"reason": "x"}, "status: 'final' needs no reason"),
    ({"identifier": None}, {}, "identifier: is missing"),
    ({"identifier": [{"value": "A"}, {"value": "B"}]}, {}, "identifier: 2 numbers"),
    ({}, {"report_number": "OTHER"}, "identifier: 0 of 1 reports"),
    ({"code": None}, {}, "code.coding: is missing"),
    ({"code": {"text": "血常规"}}, {}, "code.coding: is missing"),
    ({"code": {"coding": [{"code": "1"}]}}, {}, "code.coding: none has both"),
    ({"code": {"coding": [{"system": "urn:x", "code": "血常规"}]}}, {}, "code.coding.code: must be"),
    ({"code": {"coding": [{"system": "urn:" + "x" * 61, "code": "1"}]}}, {}, "code.coding.system: must"),
    ({"category": None}, {}, "category: has no code here"),
    ({"category": [LABORATORY, RADIOLOGY]}, {}, "category: says imaging and laboratory"),
    ({}, {"category": "imaging"}, "category: says laboratory, and imaging was given"),
    ({"category": None}, {"category": "other"}, "category 'other': must be one of"),
    ({"effectiveDateTime": None}, {}, "effectiveDateTime: is missing"),
    ({"effectiveDateTime": "2026-11-20"}, {}, "effectiveDateTime: '2026-11-20' has no time of day"),
    ({"effectiveDateTime": "2026-11-20T08:15:00"}, {}, "has no zone; write it with one, for example 2026"),
    ({"effectiveDateTime": "2026-02-30T08:15:00Z"}, {}, "is no time that there was"),
    ({"effectiveDateTime": "2026-11-20T08:15:60Z"}, {}, "is no time that there was"),
    ({"effectiveDateTime": None, "effectivePeriod": {"start": "2026"}}, {}, "effectivePeriod.start: '2026'"),
    ({"result": [{"reference": "Observation/9"}]}, {}, "result[0]: is not in the document"),
    ({"modifierExtension": [{"url": "urn:not"}]}, {}, "modifierExtension: can turn"),
    ({}, {"performer": "样例"}, "performer: an institution's code"),
    ({"performer": [{"identifier": PERFORMER}]}, {"performer": "OTHER"}, "performer: names more than one"),
]  # fmt: skip


@pytest.mark.parametrize(("report", "said", "why"), WRONG, ids=[row[2][:60] for row in WRONG])
def test_what_is_wrong_is_named(report: dict[str, Any], said: dict[str, Any], why: str) -> None:
    with pytest.raises(WrongInput) as caught:
        read(bundle(**report), **said)
    assert why in str(caught.value).removeprefix("DiagnosticReport.")
    assert "\n" not in str(caught.value)


def test_the_performing_sides_number_is_the_reports() -> None:
    kind: Callable[[str], dict[str, Any]] = lambda code: {"coding": [{"code": code}]}  # noqa: E731
    numbers = [{"value": "P-1", "type": kind("PLAC")}, {"value": "F-1", "type": kind("FILL")}]
    assert read_report(bundle(identifier=numbers), Said()).report_number == "F-1"
    assert read_report(bundle(identifier=numbers), Said(report_number="P-1")).report_number == "P-1"


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (sample("fhir/report-without-results.json"), r"DiagnosticReport.result\[0\]: is not in the document"),
        (sample("fhir/broken-member-named-twice.bundle.json"), "names a member twice"),
        (sample("hl7v2/blood-count.hl7"), "no FHIR JSON document"),
        (b"", "no FHIR JSON document"),
        (b'{"resourceType": "Bundle"}', "no DiagnosticReport is in it"),
        (b'{"resourceType": "Patient"}', "no DiagnosticReport is in it"),
    ],
)
def test_what_is_no_report(raw: bytes, why: str) -> None:
    with pytest.raises(WrongInput, match=why):
        read(raw, category="laboratory")


def test_every_sample_is_read_or_refused_in_words() -> None:
    paths = [path for folder in folders() for path in sorted((folder / "fhir").glob("*"))]
    outcomes = {path.name: outcome(path) for path in paths}
    assert outcomes["blood-count.bundle.json"] == "report.issued"
    # Published examples of others, where they are at hand, have several reports in one Bundle.
    for name, number in (("LAB-ORU-1.bundle.json", 2), ("ORU-R01-01.bundle.json", 3)):
        assert outcomes.get(name, f"{number} DiagnosticReports are in it") == f"{number} DiagnosticReports are in it"


def outcome(path: Path) -> str:
    try:
        return read_report(path.read_bytes(), Said(category="laboratory")).kind
    except WrongInput as error:
        return str(error).partition(": ")[2].partition(",")[0]


def test_a_line_of_a_file_of_the_command(tmp_path: Path) -> None:
    (tmp_path / "report.json").write_bytes(bundle(status="amended"))
    before = "0x" + "07" * 32
    line = Line(fhir="report.json", links={"replaces": before}, withhold=["interpretation"])
    draft = draft_of(line, tmp_path, SECRET, statement_id)
    assert (draft.kind, draft.withhold) == ("report.amended", {"interpretation"})
    assert draft.subject == hmac.digest(SECRET, NUMBER.encode(), hashlib.sha256)
    with pytest.raises(WrongInput, match="needs --secret"):
        draft_of(line, tmp_path, None, statement_id)
    with pytest.raises(WrongInput, match="says its document and facts itself"):
        draft_of(Line(fhir="report.json", facts=True), tmp_path, SECRET, statement_id)
    named = Line(fhir="report.json", links={"replaces": before}, subject="0x" + "09" * 32)
    assert draft_of(named, tmp_path, None, statement_id).subject == bytes([9]) * 32


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-9, 9)
    | st.text(max_size=6)
    | st.sampled_from(["final", NUMBER, "2026-11-20"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["reference", "coding", "code", "system", "value", "identifier", "name"]), inner
        )
    ),
    max_leaves=6,
)
MEMBERS = [*sorted(json.loads(bundle())["entry"][0]["resource"]), "effectivePeriod", "conclusionCode", "contained"]


@given(name=st.sampled_from(MEMBERS), value=JSON, status=st.sampled_from(["final", "amended", "cancelled"]))
def test_any_member_may_be_anything(name: str, value: Any, status: str) -> None:
    changed = bundle(**{"status": status, name: value})
    said = Said(replaces=None if status == "final" else BEFORE)
    try:
        read_report(changed, said).material.values()
        draft_report(changed, SECRET, said)
    except Error as error:
        assert "\n" not in str(error)


@given(value=JSON, at=st.integers(0, 7), name=st.sampled_from(["resource", "fullUrl", "id", "code", "hasMember"]))
def test_any_resource_may_be_anything(value: Any, at: int, name: str) -> None:
    def change(document: dict[str, Any]) -> None:
        place = document["entry"][at] if name in ("resource", "fullUrl") else entry(document, at)
        place[name] = value

    try:
        draft_report(bundle(change), SECRET)
    except Error as error:
        assert "\n" not in str(error)


@given(data=st.data())
def test_changed_bytes_are_refused_or_read(data: st.DataObject) -> None:
    raw = bytearray(WHOLE)
    for _ in range(data.draw(st.integers(1, 3))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    try:
        draft_report(bytes(raw), SECRET)
    except Error as error:
        assert "\n" not in str(error)


WHOLE = bundle()
