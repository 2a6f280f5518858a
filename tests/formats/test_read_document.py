"""Every document at hand goes through its reader, and is hashed whatever the reader made of it."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest
import rfc8785

from anchors.core.errors import MalformedInput
from anchors.formats import FORMATS, read_document
from anchors.formats.facts import MAX_FACTS_BYTES
from tests.formats.documents import FORMAT_OF_FOLDER, SAMPLES, documents, folders, sample

# What make_samples.py writes about the patient, and what the published documents say of theirs.
PATIENTS = ("样例患者甲", "SAMPLE-PATIENT", "Yangli", "1980", "示例路")
PATIENTS += ("DUCK", "10006579", "Huckleberry", "SPRING STREET", "Everyman", "Daws Rd", "XiaoDong", "小东")
PATIENTS += ("X2EXAMPLE", "CompressedSamples", "AAAAAAAA")


@pytest.mark.parametrize("path", documents(), ids=lambda path: f"{path.parent.name}/{path.name}")
def test_every_document(path: Path) -> None:
    raw = path.read_bytes()
    document = read_document(raw, name=path.name)
    assert document.format == FORMAT_OF_FOLDER[path.parent.name]
    assert document.parsed is not path.name.startswith("broken-"), document.why_not
    assert document.part_value() == {
        "bytes": len(raw),
        "format": document.format,
        "sha256": hashlib.sha256(raw).hexdigest(),
        "sm3": hashlib.new("sm3", raw).hexdigest(),
    }
    assert bool(document.why_not) is document.raw_only
    assert "\n" not in document.why_not
    assert bool(document.facts) is document.parsed
    canonical_json = rfc8785.dumps(document.facts)
    assert len(canonical_json) <= MAX_FACTS_BYTES
    assert b"." not in b"".join(_numbers(document.facts))
    assert document == read_document(raw)


@pytest.mark.parametrize("path", documents(), ids=lambda path: f"{path.parent.name}/{path.name}")
def test_facts_name_no_patient(path: Path) -> None:
    document = read_document(path.read_bytes())
    facts = json.dumps(document.facts, ensure_ascii=False)
    assert [words for words in PATIENTS if words in facts + document.why_not] == []


@pytest.mark.parametrize("folder", folders(), ids=str)
@pytest.mark.parametrize("name", FORMAT_OF_FOLDER)
def test_each_format_has_a_parsed_document(folder: Path, name: str) -> None:
    assert any(read_document(path.read_bytes()).parsed for path in (folder / name).glob("*"))


def test_samples_are_what_the_script_makes(tmp_path: Path) -> None:
    script = SAMPLES.parent / "scripts" / "make_samples.py"
    subprocess.run([sys.executable, script, tmp_path], check=True)
    made = {path.relative_to(tmp_path): path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    kept = {path.relative_to(SAMPLES): path.read_bytes() for path in documents() if path.is_relative_to(SAMPLES)}
    assert made == kept
    assert sum(map(len, kept.values())) < 300_000


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"", "the document is empty"),
        (b"\x00" * 5000, "its content is of no format that is read here"),
        (b'{"a": 1}', "its content is of no format that is read here"),
        (b"<html><body>CDA</body></html>", "its content is of no format that is read here"),
        ("检验报告".encode("gb18030"), "its content is of no format that is read here"),
    ],
)
def test_anything_else_is_attested_raw(raw: bytes, why: str) -> None:
    document = read_document(raw)
    assert (document.format, document.parsed, document.why_not) == ("raw", False, why)
    assert document.sha256 == hashlib.sha256(raw).digest()
    assert document.canonical is None


def test_the_name_only_makes_the_reason_clearer() -> None:
    plain, named = read_document(b"scan"), read_document(b"scan", name="报告.PDF")
    assert named.part_value() == plain.part_value()
    assert "not what a .pdf file should hold" in named.why_not


@pytest.mark.parametrize("name", ["report.pdf", "report.hl7", "report", "../x.dcm"])
def test_the_format_is_told_by_content(name: str) -> None:
    assert read_document(sample("cda/chest-ct.xml"), name=name).format == "cda"


def test_only_bytes_are_read() -> None:
    with pytest.raises(MalformedInput, match="given as bytes, not as str"):
        read_document("text")  # type: ignore[arg-type]


def test_readers_are_imported_when_needed() -> None:
    code = "import sys, anchors.formats as f; f.read_document(b'x')\n"
    code += "print([n for n in ('fhir', 'pypdf', 'pydicom', 'lxml', 'hl7') if n in sys.modules])"
    out = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=SAMPLES.parent)
    assert out.stdout.strip() == "[]"


def test_formats_are_those_of_the_specification() -> None:
    kinds = (SAMPLES.parent / "docs/spec/kinds.md").read_text(encoding="utf-8")
    assert all(f"`{name}`" in kinds for name in FORMATS)


def _numbers(value: object) -> list[bytes]:
    if isinstance(value, dict):
        return [number for child in value.values() for number in _numbers(child)]
    if isinstance(value, list):
        return [number for child in value for number in _numbers(child)]
    return [] if isinstance(value, str | bool | None) else [str(value).encode()]
