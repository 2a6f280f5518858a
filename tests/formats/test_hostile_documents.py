"""Documents made to hurt: they are hashed like any other, and cost little."""

import hashlib
import struct
import sys
import tracemalloc
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anchors.formats import FORMATS, Document, read_document
from tests.formats.documents import documents, sample
from tests.formats.test_facts_per_format import pdf_of

CDA_OPEN = b'<ClinicalDocument xmlns="urn:hl7-org:v3"'
MEBIBYTE = 1024 * 1024
UNFOLDED_BYTES = 256 * MEBIBYTE
PEAK_BYTES = 80 * MEBIBYTE
PARSED_SAMPLES = [path.read_bytes() for path in documents() if not path.name.startswith("broken-")]


def attested(raw: bytes) -> Document:
    document = read_document(raw)
    assert document.format in FORMATS
    assert document.size == len(raw)
    assert document.sha256 == hashlib.sha256(raw).digest()
    assert document.sm3 == hashlib.new("sm3", raw).digest()
    assert document.parsed is not bool(document.why_not)
    return document


def billion_laughs() -> bytes:
    entities = b"".join(b'<!ENTITY a%d "%b">' % (n, b"&a%d;" % (n - 1) * 10 if n else b"ha" * 10) for n in range(10))
    return b"<!DOCTYPE ClinicalDocument [" + entities + b"]>" + CDA_OPEN + b">&a9;</ClinicalDocument>"


def deflate_bomb() -> bytes:
    raw = sample("dicom/chest-ct-1.dcm")
    start = 144 + int.from_bytes(raw[140:144], "little")
    meta = raw[144:start].replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.1.99")
    meta = meta.replace(b"\x02\x00\x10\x00UI\x14\x00", b"\x02\x00\x10\x00UI\x16\x00")
    unfolded = zlib.compressobj(9, zlib.DEFLATED, -15)
    body = unfolded.compress(raw[start:]) + unfolded.compress(bytes(UNFOLDED_BYTES)) + unfolded.flush()
    return raw[:140] + struct.pack("<L", len(meta)) + meta + body


def dicom_with(elements: bytes) -> bytes:
    raw = sample("dicom/chest-ct-1.dcm")
    start = 144 + int.from_bytes(raw[140:144], "little")
    return raw[:start] + elements + raw[start:]


SEQUENCE = b"\x08\x00\x05\x11SQ\0\0\xff\xff\xff\xff"
ITEM, ITEM_END = b"\xfe\xff\x00\xe0\xff\xff\xff\xff", b"\xfe\xff\x0d\xe0\0\0\0\0"

BOMBS = {
    "billion laughs": (billion_laughs(), "document type definition"),
    "xml too deep": (CDA_OPEN + b">" + b"<a>" * 100_000, "not well-formed"),
    "xml too many elements": (CDA_OPEN + b">" + b"<a/>" * 400_000 + b"</ClinicalDocument>", "more elements"),
    "xml too many attributes": (CDA_OPEN + b"".join(b' a%d=""' % n for n in range(50_000)) + b"/>", "100 attributes"),
    "xml namespaces": (
        CDA_OPEN + b' xmlns:p="urn:' + b"u" * 100_000 + b'">' + b"<p:a/>" * 10_000 + b"</ClinicalDocument>",
        "many times larger than itself",
    ),
    "json too deep": (b'{"resourceType":"Bundle","a":' + b"[" * 300_000, "more than 64 deep"),
    "json brackets in strings": (b'{"resourceType":"' + b'\\"[' * 300_000, "not JSON"),
    "json just too deep": (b'{"resourceType":"Bundle","a":' + b"[" * 70 + b"]" * 70 + b"}", "more than 64 deep"),
    "json too wide": (b'{"resourceType":"Bundle","a":[' + b"0," * 500_000 + b"0]}", "members and items"),
    "json number": (b'{"resourceType":"Bundle","a":' + b"9" * 1_000_000 + b"}", "a number of more than"),
    "hl7 too wide": (sample("hl7v2/blood-count.hl7") + b"OBX|1|TX|" + b"^" * 200_000, "fields and components"),
    "dicom deflated": (deflate_bomb(), "unfolds to more"),
    "dicom too deep": (dicom_with((SEQUENCE + ITEM) * 20_000), "nested too deep"),
    "dicom too many items": (dicom_with(SEQUENCE + (ITEM + ITEM_END) * 100_000), "more elements before its pixel data"),
    "pdf pages in a ring": (pdf_of().replace(b"Kids[3 0 R]", b"Kids[2 0 R]"), "pages"),
    "pdf too deep": (
        pdf_of().replace(b"<</Type/Pages/Kids[3 0 R]", b"[" * 200_000),
        "pdf reader|nested too deep|pages",
    ),
}


@pytest.mark.parametrize("name", BOMBS)
def test_bombs_are_refused_in_little_memory(name: str) -> None:
    raw, why = BOMBS[name]
    read_document(raw)  # imports are not the bomb's doing
    tracemalloc.start()
    document = attested(raw)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert not document.parsed
    assert any(words in document.why_not for words in why.split("|")), document.why_not
    assert peak_bytes < PEAK_BYTES


def test_the_recursion_limit_is_lowered_and_restored() -> None:
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(100_000)
    try:
        for name in ("dicom too deep", "pdf too deep", "json too deep"):
            assert not attested(BOMBS[name][0]).parsed
            assert sys.getrecursionlimit() == 100_000
    finally:
        sys.setrecursionlimit(before)


def test_a_stream_that_unfolds_without_end_is_read_in_part() -> None:
    bomb = zlib.compress(bytes(UNFOLDED_BYTES), 9)
    raw = (
        pdf_of()
        .replace(b"[/ASCII85Decode/FlateDecode]", b"/FlateDecode")
        .replace(b"/Length 2", b"/Length %d" % len(bomb))
    )
    raw = raw.replace(b"stream\n~>", b"stream\n" + bomb)
    tracemalloc.start()
    document = attested(raw)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert document.parsed and document.facts["details"]["text"] is False
    assert peak_bytes < PEAK_BYTES


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_an_external_entity_is_never_read(tmp_path: Path, encoding: str) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("must-not-be-read", encoding="ascii")
    text = sample("cda/broken-external-entity.xml").decode().replace("file:///etc/hostname", secret.as_uri())
    document = attested(text.replace("UTF-8", encoding, 1).encode(encoding))
    assert secret.as_uri() in text
    assert "document type definition" in document.why_not
    assert "must-not-be-read" not in repr(document)


@pytest.mark.parametrize("encoding", ["UTF-7", "IBM037", "x-unknown"])
def test_xml_that_could_hide_its_markup_is_refused(encoding: str) -> None:
    raw = sample("cda/chest-ct.xml").replace(b"UTF-8", encoding.encode(), 1)
    assert "encoding" in attested(raw).why_not


@pytest.mark.parametrize("raw", PARSED_SAMPLES, ids=lambda raw: hashlib.sha256(raw).hexdigest()[:8])
def test_no_truncation_raises(raw: bytes) -> None:
    for length in range(0, len(raw), max(1, len(raw) // 40)):
        attested(raw[:length])


@given(st.binary(max_size=2000))
def test_random_bytes(raw: bytes) -> None:
    attested(raw)


@given(
    st.sampled_from([b"MSH|^~\\&|", b"%PDF-1.7\n", b'{"resourceType":', bytes(128) + b"DICM", CDA_OPEN]), st.binary()
)
def test_random_bytes_behind_a_known_beginning(head: bytes, tail: bytes) -> None:
    assert attested(head + tail).parsed is False


@given(
    st.sampled_from(PARSED_SAMPLES),
    st.lists(st.tuples(st.integers(0), st.integers(0, 255), st.sampled_from(["set", "drop", "insert"])), max_size=8),
)
def test_mutated_documents(raw: bytes, changes: list[tuple[int, int, str]]) -> None:
    mutated = bytearray(raw)
    for position, byte, what in changes:
        at = position % len(mutated)
        if what == "set":
            mutated[at] = byte
        elif what == "insert":
            mutated.insert(at, byte)
        else:
            del mutated[at]
    attested(bytes(mutated))
