"""What each reader reads, and the traps of its format."""

import base64
import hashlib
import json
import zlib
from io import BytesIO
from typing import Any

import pydicom
import pytest
import rfc8785
from reportlab.pdfgen.canvas import Canvas

from anchors.formats import read_document
from anchors.formats.facts import MAX_FACTS_BYTES, MAX_RESULTS, MAX_VALUE_CHARACTERS
from tests.formats.documents import sample

BLOOD_COUNT = [
    ("6690-2", "白细胞计数", "6.20", "10*9/L", "3.50-9.50", "N"),
    ("789-8", "红细胞计数", "4.80", "10*12/L", "4.30-5.80", "N"),
    ("718-7", "血红蛋白", "145", "g/L", "130-175", "N"),
    ("777-3", "血小板计数", "98", "10*9/L", "125-350", "L"),
]
FHIR, HL7V2 = "fhir/blood-count.bundle.json", "hl7v2/blood-count.hl7"


def facts_of(raw: bytes) -> Any:
    document = read_document(raw)
    assert document.parsed, document.why_not
    return document.facts


def why_not(raw: bytes) -> str:
    return read_document(raw).why_not


def l1(raw: bytes) -> bytes:
    canonical = read_document(raw).canonical
    assert canonical is not None
    return canonical.value


@pytest.mark.parametrize("path", [FHIR, HL7V2, "hl7v2/blood-count-gb18030-framed.hl7"])
def test_a_blood_count_reads_the_same_from_both_formats(path: str) -> None:
    facts = facts_of(sample(path))
    members = ("code", "text", "value", "unit", "range", "flag")
    rows = [tuple(result[name] for name in members) for result in facts["results"] if result["code"]]
    assert rows == BLOOD_COUNT
    assert {"code": "58410-2", "text": "血常规"}.items() <= facts["examined"][0].items()
    assert "SAMPLE-2026-000123" in [identifier["value"] for identifier in facts["identifiers"]]
    assert {"role": "performer", "name": "样例市示例检验中心"} in facts["issuers"]
    assert {"role": "interpreter", "name": "示例医师甲"} in facts["issuers"]
    assert facts["cut"] is False


class TestFhir:
    def test_a_report_alone_says_which_results_it_misses(self) -> None:
        facts = facts_of(sample("fhir/report-without-results.json"))
        assert facts["details"]["missingResults"] == [f"Observation/observation-{n}" for n in (1, 2, 3, 4)]
        assert facts["details"]["closure"] == {"resources": 1, "missing": 7}

    def test_the_closure_digest_is_the_documented_manifest(self) -> None:
        entries = json.loads(sample(FHIR), parse_float=lambda text: f"<{text}>", parse_int=lambda text: f"<{text}>")[
            "entry"
        ]
        lines = []
        for resource in (entry["resource"] for entry in entries):
            text = json.dumps(resource, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
            text = text.replace('"<', "").replace('>"', "")
            name = f'"{resource["resourceType"]}/{resource["id"]}"'
            lines.append(f"{hashlib.sha256(text.encode()).hexdigest()} {name}\n")
        manifest = "fhir-json-closure-v1\n" + "".join(sorted(lines))
        assert l1(sample(FHIR)) == hashlib.sha256(manifest.encode()).digest()

    def test_wrapping_does_not_change_the_closure_but_a_digit_does(self) -> None:
        raw = sample(FHIR)
        other = raw.replace(b'"id": "synthetic-sample"', b'"id":"another"').replace(b"\n", b"\r\n ")
        assert l1(other) == l1(raw)
        assert read_document(other).sha256 != read_document(raw).sha256
        assert l1(raw.replace(b"6.20", b"6.2")) != l1(raw)
        assert l1(raw.replace("样例患者甲".encode(), "样例患者乙".encode())) != l1(raw)

    def test_real_reports_that_break_the_model_are_read_and_say_so(self) -> None:
        facts = facts_of(sample(FHIR).replace(b'"status": "final",', b"", 1))
        assert facts["details"]["conforms"] == ""
        assert facts_of(sample(FHIR))["details"]["conforms"] == "R4B"

    def test_a_patient_who_performs_is_not_named(self) -> None:
        performer = b'"performer": [{"reference": "Patient/patient-1", "display": "\xe6\xa0\xb7\xe4\xbe\x8b"}, '
        other = sample(FHIR).replace(b'"performer": [', performer, 1)
        assert facts_of(other)["issuers"] == facts_of(sample(FHIR))["issuers"]

    @pytest.mark.parametrize(
        ("old", "new", "why"),
        [
            (b'"type": "collection"', b'"type": "collection", "type": "batch"', "names a member twice"),
            (b"6.20", b"NaN", "no JSON number"),
            (b"6.20", b"6.20,", "not JSON"),
            ("血".encode(), b"\xd1", "not UTF-8"),
            ("血".encode(), b"\\ud800", "no Unicode text"),
            (b"DiagnosticReport", b"Questionnaire", ""),
            (b"Observation/observation-2", b"Observation/observation-1", ""),
            (b'"id": "observation-2"', b'"id": "observation-1"', "two different resources go by one name"),
        ],
    )
    def test_doubtful_json(self, old: bytes, new: bytes, why: str) -> None:
        raw = sample(FHIR)
        assert old in raw
        document = read_document(raw.replace(old, new))
        assert document.parsed is (why == "")
        assert why in document.why_not

    def test_other_resources_are_no_report(self) -> None:
        assert "a FHIR Patient is no report" in why_not(b'{"resourceType": "Patient", "id": "a"}')

    def test_roles_that_hold_each_other_end(self) -> None:
        roles = [{"resourceType": "PractitionerRole", "id": a, "organization": {"reference": f"PractitionerRole/{b}"}}
                 for a, b in ("ab", "ba")]  # fmt: skip
        seen = {"resourceType": "Observation", "id": "o", "performer": [{"reference": "PractitionerRole/a"}]}
        bundle = {"resourceType": "Bundle", "entry": [{"resource": resource} for resource in [*roles, seen]]}
        assert facts_of(json.dumps(bundle).encode())["issuers"] == []


class TestHl7v2:
    @pytest.mark.parametrize(
        "wrap",
        [
            lambda raw: raw.replace(b"\r", b"\n"),
            lambda raw: raw.replace(b"\r", b"\r\n"),
            lambda raw: b"\xef\xbb\xbf" + raw,
            lambda raw: b"\x0b" + raw + b"\x1c\r",
            lambda raw: b"\x0b\xef\xbb\xbf" + raw.rstrip(b"\r") + b"\x1c\r\n",
        ],
    )
    def test_wrapping_changes_the_raw_digest_only(self, wrap: Any) -> None:
        raw, wrapped = sample(HL7V2), wrap(sample(HL7V2))
        assert facts_of(wrapped) == facts_of(raw)
        assert l1(wrapped) == l1(raw)
        assert read_document(wrapped).sha256 != read_document(raw).sha256

    def test_the_canonical_digest_is_over_the_received_bytes(self) -> None:
        raw = sample(HL7V2)
        assert l1(raw) == hashlib.sha256(raw).digest()

    def test_a_delimiter_inside_a_chinese_character_is_none(self) -> None:
        inside = "亅"  # 0x81 0x7C in GB18030: its second byte is the field separator
        assert inside.encode("gb18030")[1:] == b"|"
        text = sample("hl7v2/blood-count-gb18030-framed.hl7").decode("gb18030").replace("白细胞计数", inside)
        assert facts_of(text.encode("gb18030"))["results"][0]["text"] == inside

    def test_undeclared_characters_are_assumed_and_said_to_be(self) -> None:
        text = sample(HL7V2).decode()
        assert facts_of(text.replace("UNICODE UTF-8", "").encode())["details"]["charset"] == "utf-8 assumed"
        assert facts_of(text.replace("UNICODE UTF-8", "").encode("gb18030"))["details"]["charset"] == "gb18030 assumed"
        assert "not of the character set" in why_not(text.encode("gb18030"))
        assert "names a character set that is not read" in why_not(text.replace("UTF-8", "UTF-9").encode())

    def test_observations_about_patient_and_specimen_are_no_results(self) -> None:
        lines = sample(HL7V2).rstrip(b"\r").split(b"\r")
        stray = b"OBX|1|NM|8867-4^Heart rate^LN||60|/min"
        raw = b"\r".join([*lines[:2], stray, *lines[2:], stray])
        facts = facts_of(raw)
        assert facts["resultsTotal"] == 4
        assert facts["details"]["observationsElsewhere"] == 2

    def test_values_stay_as_written(self) -> None:
        raw = sample(HL7V2).replace(b"||6.20|", rb"||<0.50~1\T\2^x&y|")
        assert facts_of(raw)["results"][0]["value"] == r"<0.50~1\T\2^x&y"

    def test_results_of_a_specimen_message_are_read(self) -> None:
        raw = sample(HL7V2).replace(b"ORU^R01^ORU_R01", b"OUL^R22^OUL_R22")
        assert facts_of(raw)["details"]["message"] == "OUL^R22"
        assert facts_of(raw)["resultsTotal"] == 4

    @pytest.mark.parametrize(
        ("old", "new", "why"),
        [
            (b"ORU^R01^ORU_R01", b"ADT^A01", "a message of type ADT^A01 is no report"),
            (b"ORU^R01^ORU_R01", b"", "a message of type ? is no report"),
            (b"\rOBR|", b"\rZBR|", "no OBR segment"),
            (b"\rOBX|2", b"\r\nbroken off|", "line 6 is no segment"),
            (b"\rSPM|", b"\rMSH|", "several messages"),
            (b"MSH|", b"FHS|", "a batch"),
        ],
    )
    def test_what_is_no_one_report(self, old: bytes, new: bytes, why: str) -> None:
        assert old in sample(HL7V2)
        assert why in why_not(sample(HL7V2).replace(old, new, 1))

    def test_an_open_frame_is_cut_off(self) -> None:
        assert "MLLP frame is not closed" in why_not(b"\x0b" + sample(HL7V2))

    def test_many_and_long_results_are_cut_and_say_so(self) -> None:
        many = sample(HL7V2) + b"OBR|2\r" + b"OBX|1|TX|a^b^c||v\r" * 500
        facts = facts_of(many)
        assert (len(facts["results"]), facts["resultsTotal"], facts["cut"]) == (MAX_RESULTS, 504, True)
        long = facts_of(sample(HL7V2).replace(b"6.20", b"6" * 5000))
        assert long["cut"] and long["results"][0]["cut"] and "cut" not in long["results"][1]
        assert long["results"][0]["value"] == "6" * MAX_VALUE_CHARACTERS

    def test_facts_always_fit_a_content_part(self) -> None:
        result = f"OBX|1|TX|{'码' * 150}^{'名' * 150}^LN||{'值' * 2000}|{'单' * 150}||\x01\r".encode()
        facts = facts_of(sample(HL7V2) + b"OBR|2\r" + result * 300)
        size = len(rfc8785.dumps(facts))
        assert MAX_FACTS_BYTES // 2 < size <= MAX_FACTS_BYTES
        assert facts["cut"] and facts["resultsTotal"] == 304 and facts["results"][0]["value"] == "6.20"


class TestCda:
    def test_what_is_read(self) -> None:
        facts = facts_of(sample("cda/chest-ct.xml"))
        assert facts["examined"] == [{"code": "24627-2", "system": "2.16.840.1.113883.6.1", "text": "胸部 CT 平扫"}]
        assert [result["text"] for result in facts["results"]] == ["影像所见", "诊断意见"]
        assert facts["results"][1]["value"] == "右肺上叶磨玻璃结节，建议复查。"
        assert {"role": "custodian", "name": "样例市第一示例医院"} in facts["issuers"]
        assert {"what": "document", "value": "2.999.1^SAMPLE-2026-000456"} in facts["identifiers"]

    def test_the_canonical_form_forgets_quotes_order_and_comments_only(self) -> None:
        raw = sample("cda/chest-ct.xml")
        other = raw.replace(b'<versionNumber value="1"/>', b"<versionNumber   value='1'></versionNumber>")
        other = other.replace(b'<id root="2.999.1" extension="SAMPLE-2026-000456"/>',
                              b'<id extension="SAMPLE-2026-000456" root="2.999.1"/><!-- -->')  # fmt: skip
        assert l1(other) == l1(raw)
        assert l1(raw.replace(b"6 mm", b"6  mm")) != l1(raw)

    def test_utf16_is_read_as_well(self) -> None:
        text = sample("cda/chest-ct.xml").decode().replace('encoding="UTF-8"', 'encoding="UTF-16"')
        assert facts_of(text.encode("utf-16")) == facts_of(sample("cda/chest-ct.xml"))

    def test_a_patient_who_is_the_author_is_not_named(self) -> None:
        raw = sample("cda/chest-ct.xml").replace(b'root="2.999.3" extension="DOCTOR-A"',
                                                 b'root="2.999.2" extension="SAMPLE-PATIENT-0001"')  # fmt: skip
        assert "author" not in [issuer["role"] for issuer in facts_of(raw)["issuers"]]


class TestDicom:
    def test_what_is_read(self) -> None:
        facts = facts_of(sample("dicom/chest-ct-2.dcm"))
        assert [item["what"] for item in facts["identifiers"]] == ["instance", "study", "series", "accession"]
        assert facts["examined"][0]["text"] == "胸部CT平扫"
        assert facts["issuers"] == [{"role": "institution", "name": "样例市第一示例医院"}]
        assert facts["details"]["modality"] == "CT"
        assert facts["details"]["pixels"] == "complete"

    def test_a_receiver_may_rewrite_group_0002(self) -> None:
        raw = sample("dicom/chest-ct-1.dcm")
        dataset = pydicom.dcmread(BytesIO(raw))
        dataset.file_meta.ImplementationVersionName = "RECEIVER"
        dataset.file_meta.SourceApplicationEntityTitle = "PACS"
        dataset.preamble = b"II*\0" + b"\0" * 124
        stream = BytesIO()
        dataset.save_as(stream)
        assert stream.getvalue() != raw
        assert l1(stream.getvalue()) == l1(raw)

    def test_the_same_instance_with_another_pixel_is_another_document(self) -> None:
        raw = sample("dicom/chest-ct-1.dcm")
        other = raw[:-1] + b"\x01"
        assert facts_of(other) == facts_of(raw)
        assert l1(other) != l1(raw)

    def test_cut_off(self) -> None:
        raw = sample("dicom/chest-ct-1.dcm")
        assert "ends before its pixel data do" in why_not(raw[:-1])
        assert "within its file meta information" in why_not(raw[:200])
        assert read_document(raw[:500]).parsed is False


class TestPdf:
    def test_what_is_read(self) -> None:
        details = facts_of(sample("pdf/blood-count.pdf"))["details"]
        expected = {"pages": 1, "text": True, "signed": False, "encrypted": False}
        assert {name: details[name] for name in expected} == expected

    def test_a_page_without_text_is_told(self) -> None:
        stream = BytesIO()
        canvas = Canvas(stream, invariant=1)
        canvas.setTitle("样例患者甲")
        canvas.rect(10, 10, 100, 100, fill=1)
        canvas.showPage()
        canvas.rect(10, 10, 100, 100)
        canvas.save()
        facts = facts_of(stream.getvalue())
        assert (facts["details"]["pages"], facts["details"]["text"]) == (2, False)
        assert "样例患者甲" not in json.dumps(facts, ensure_ascii=False)

    def test_a_filled_signature_field_is_counted(self) -> None:
        value = b"<</Type/Sig/Filter/Adobe.PPKLite/Contents<00>>>"
        signed = pdf_of(b"/AcroForm<</SigFlags 3/Fields[<</FT/Sig/T(s)/V" + value + b">>]>>")
        unsigned = pdf_of(b"/AcroForm<</SigFlags 1/Fields[<</FT/Sig/T(s)>>]>>")
        assert facts_of(signed)["details"]["signed"] is True
        assert facts_of(unsigned)["details"]["signed"] is False

    def test_cut_off(self) -> None:
        assert "no end mark" in why_not(sample("pdf/blood-count.pdf")[:-40])
        assert "what a page shows is damaged" in why_not(pdf_of(content=b"!!!!!~>"))
        assert "pages cannot be found" in why_not(b"%PDF-1.7\n%%EOF")

    def test_compressed_text_is_found(self) -> None:
        data = base64.a85encode(zlib.compress(b"BT /F1 9 Tf (a) Tj ET")) + b"~>"
        assert facts_of(pdf_of(content=data))["details"]["text"] is True


def pdf_of(catalog: bytes = b"", content: bytes = b"~>") -> bytes:
    """A PDF of one page; `content` is compressed and in ASCII85."""
    objects = [
        b"<</Type/Catalog/Pages 2 0 R" + catalog + b">>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]/Contents 4 0 R>>",
        b"<</Length %d/Filter[/ASCII85Decode/FlateDecode]>>\nstream\n%b\nendstream" % (len(content), content),
    ]
    raw, offsets = b"%PDF-1.7\n", []
    for number, text in enumerate(objects, start=1):
        offsets.append(len(raw))
        raw += b"%d 0 obj\n%b\nendobj\n" % (number, text)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    end = b"trailer\n<</Size 5/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % len(raw)
    return raw + b"xref\n0 5\n0000000000 65535 f \n" + table + end
