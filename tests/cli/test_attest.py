"""`huzheng attest` over the project's samples, over HUZHENG_SAMPLES where that is set, and over what is no document."""

import hashlib
import os
from pathlib import Path

import pytest

from tests.cli.command import answer, huzheng

OWN = Path(__file__).parents[2] / "samples"
GIVEN = os.environ.get("HUZHENG_SAMPLES")


@pytest.fixture(scope="module", params=[OWN, *([Path(GIVEN).absolute()] if GIVEN else [])], ids=lambda path: path.name)
def attested(request: pytest.FixtureRequest) -> dict:
    return answer("attest", request.param)


def test_digests_are_those_of_the_bytes(attested: dict) -> None:
    assert attested["documents"]
    for document in attested["documents"]:
        raw = Path(document["file"]).read_bytes()
        assert document["bytes"] == len(raw)
        assert document["sha256"] == hashlib.sha256(raw).hexdigest()
        assert document["sm3"] == hashlib.new("sm3", raw).hexdigest()


def test_all_five_formats_are_read(attested: dict) -> None:
    parsed = {document["format"] for document in attested["documents"] if document["parsed"]}
    assert parsed == {"fhir-json", "hl7v2", "cda", "dicom", "pdf"}


def test_the_counts_add_up(attested: dict) -> None:
    formats = attested["formats"].values()
    assert attested["parsed"] == sum(counts["parsed"] for counts in formats)
    assert attested["raw_only"] == sum(counts["raw_only"] for counts in formats)
    assert attested["parsed"] + attested["raw_only"] == len(attested["documents"])


def test_what_cannot_be_parsed_is_attested_and_says_why(attested: dict) -> None:
    for document in attested["documents"]:
        assert document["parsed"] == (document["whyNot"] is None)
        assert document["parsed"] or document["facts"] == {}


def test_broken_documents_do_not_fail() -> None:
    broken = sorted(path for path in OWN.rglob("broken-*"))
    result = answer("attest", *broken)
    assert broken and result["raw_only"] == len(broken)


def test_people_see_both_digests_and_the_counts() -> None:
    ran = huzheng("attest", OWN / "hl7v2" / "blood-count.hl7", "--facts")
    assert ran.status == 0 and ran.err == ""
    raw = (OWN / "hl7v2" / "blood-count.hl7").read_bytes()
    assert hashlib.sha256(raw).hexdigest() in ran.out and hashlib.new("sm3", raw).hexdigest() in ran.out
    assert "raw bytes only" in ran.out


def test_of_a_folder_hidden_files_and_its_description_are_left_out(tmp_path: Path) -> None:
    for name in ("README.md", ".hidden", ".git/config", "inside/readme.txt", "inside/report.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"anything")
    named = [Path(document["file"]).name for document in answer("attest", tmp_path)["documents"]]
    assert named == ["report.txt"]
    assert len(answer("attest", tmp_path / "README.md")["documents"]) == 1


def test_facts_are_shown_only_where_there_are_any(tmp_path: Path) -> None:
    document = tmp_path / "document"
    document.write_bytes(b"anything")
    assert "\n  facts" not in huzheng("attest", document, "--facts").out


def test_unreadable_files_are_named_and_the_others_attested(tmp_path: Path) -> None:
    document = tmp_path / "document"
    document.write_bytes(b"anything")
    ran = huzheng("attest", document, tmp_path / "none", "--json")
    assert ran.status == 2
    assert len(ran.object["documents"]) == 1 and len(ran.object["unreadable"]) == 1
    huzheng("attest", tmp_path / "none").failed_in_one_line(2)
    empty = tmp_path / "empty"
    empty.mkdir()
    huzheng("attest", empty).failed_in_one_line(2)
