"""Signatures of source systems are found where they stand and described by what they say; nobody claims that they hold.

Object identifiers below are those of the standards: RFC 5758 (ECDSA), RFC 8017 (RSA), GM/T 0006 (SM2 and SM3).
"""

import base64
import json
import time
from io import BytesIO
from pathlib import Path

import pypdf
import pytest
from asn1crypto import algos, cms, core
from hypothesis import given
from hypothesis import strategies as st
from pypdf.generic import ArrayObject, ByteStringObject, DictionaryObject, NameObject, NumberObject, TextStringObject

from anchors.core.content import MAX_PART_BYTES, Part
from anchors.core.errors import MalformedInput
from anchors.formats.cms import read_blob
from anchors.formats.document import Unreadable
from anchors.formats.signatures import MAX_SIGNATURES, Found, find_signatures
from tests.fhir.certificates import Holder, authority, institution
from tests.formats.documents import documents, sample

SHA256 = "2.16.840.1.101.3.4.2.1"
ECDSA_SHA256 = "1.2.840.10045.4.3.2"
RSA_PKCS1 = "1.2.840.113549.1.1.1"
SM2_SM3, SM3 = "1.2.156.10197.1.501", "1.2.156.10197.1.401"
GM_SIGNED_DATA, GM_DATA = "1.2.156.10197.6.1.4.2.2", "1.2.156.10197.6.1.4.2.1"
ECDSA_URI = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"
SHA256_URI = "http://www.w3.org/2001/04/xmlenc#sha256"


@pytest.fixture(scope="module", params=["ecdsa", "rsa"])
def hospital(request: pytest.FixtureRequest) -> Holder:
    return institution(authority(), algorithm=request.param)


@pytest.fixture(scope="module")
def ecdsa() -> Holder:
    return institution(authority())


def only(raw: bytes) -> Found:
    """The one signature of a document."""
    signatures = find_signatures(raw)
    assert signatures.why_not == ""
    assert len(signatures.found) == 1
    return signatures.found[0]


def is_of(found: Found, holder: Holder) -> bool:
    assert "样例医院 SYNTHETIC" in found.subject
    return (found.issuer, int(found.serial, 16)) == ("CN=Sample CA", holder.certificate.serial_number)


# PDF


def signed_pdf(holder: Holder, *, appended: bytes = b"") -> bytes:
    """The sample report with one signature field (ISO 32000-1 section 12.8): everything but the hole is signed."""
    writer = pypdf.PdfWriter(clone_from=BytesIO(sample("pdf/blood-count.pdf")))
    hole = 8192
    value = DictionaryObject(
        {
            NameObject("/Type"): NameObject("/Sig"),
            NameObject("/Filter"): NameObject("/Adobe.PPKLite"),
            NameObject("/SubFilter"): NameObject("/adbe.pkcs7.detached"),
            NameObject("/ByteRange"): ArrayObject([NumberObject(0)] + [NumberObject(2_000_000_000)] * 3),
            NameObject("/Contents"): ByteStringObject(b"\xff" * hole),
            NameObject("/M"): TextStringObject("D:20261120090200+08'00'"),
        }
    )
    field = {NameObject("/FT"): NameObject("/Sig"), NameObject("/T"): TextStringObject("s1")}
    field[NameObject("/V")] = writer._add_object(value)
    fields = ArrayObject([writer._add_object(DictionaryObject(field))])
    writer.root_object[NameObject("/AcroForm")] = DictionaryObject({NameObject("/Fields"): fields})
    stream = BytesIO()
    writer.write(stream)
    raw = stream.getvalue()
    start, end = raw.index(b"<" + b"ff" * hole), raw.index(b"ff>") + 3
    ranges = [0, start, end, len(raw) - end]
    for number in ranges[1:]:
        raw = raw.replace(b"2000000000", str(number).rjust(10).encode(), 1)
    signature = holder.sign(raw[:start] + raw[end:]).hex().encode().ljust(2 * hole, b"0")
    return raw[:start] + b"<" + signature + b">" + raw[end:] + appended


def test_a_signed_pdf(hospital: Holder) -> None:
    raw = signed_pdf(hospital)
    found = only(raw)
    assert (found.place, found.format, found.digest) == ("signature field 1, adbe.pkcs7.detached", "cms", SHA256)
    assert found.algorithm == (RSA_PKCS1 if hospital.key.key_size == 2048 else ECDSA_SHA256)
    assert is_of(found, hospital)
    assert found.whole
    assert found.value()["state"] == "NOT_CHECKED"
    # What the ranges say is what was signed: the signature over exactly these bytes is the one in the hole.
    (_, length), (again, rest) = found.ranges
    assert raw[length : length + 3] == b"<30"
    assert again + rest == len(raw)


def test_a_pdf_that_grew_after_its_signature(ecdsa: Holder) -> None:
    assert not only(signed_pdf(ecdsa, appended=b"% more\n")).whole


def test_a_pdf_without_signature() -> None:
    assert find_signatures(sample("pdf/blood-count.pdf")).part_value() == {"found": [], "whyNot": ""}


# FHIR


def bundle(data: bytes, **members: str) -> bytes:
    """The sample Bundle, signed."""
    document = json.loads(sample("fhir/blood-count.bundle.json"))
    kind = {"system": "urn:iso-astm:E1762-95:2013", "code": "1.2.840.10065.1.12.1.1"}
    signature = {"type": [kind], "when": "2026-11-20T09:02:00+08:00", "who": {"display": "x"}, **members}
    document["signature"] = signature | {"data": base64.b64encode(data).decode()}
    return json.dumps(document).encode()


def test_a_signed_bundle(hospital: Holder) -> None:
    found = only(bundle(hospital.sign(b"the canonical Bundle")))
    assert (found.place, found.format) == ("Bundle at signature", "cms")
    assert found.claimed_at == "2026-11-20T09:02:00+08:00"
    assert (found.ranges, found.whole) == ((), False)
    assert is_of(found, hospital)


def test_a_signed_provenance(ecdsa: Holder) -> None:
    document = json.loads(sample("fhir/blood-count.bundle.json"))
    data = base64.b64encode(ecdsa.sign(b"x")).decode()
    document["entry"].insert(
        0, {"resource": {"resourceType": "Provenance", "signature": [{"data": data}, {"data": data}]}}
    )
    found = find_signatures(json.dumps(document).encode()).found
    assert [one.place for one in found] == ["Provenance at entry[0].resource.signature"] * 2


def test_a_json_web_signature(ecdsa: Holder) -> None:
    header = {"alg": "ES256", "x5c": [base64.b64encode(ecdsa.der).decode()]}
    first = base64.urlsafe_b64encode(json.dumps(header).encode()).rstrip(b"=")
    found = only(bundle(first + b"..AAAA", sigFormat="application/jose"))
    assert (found.format, found.algorithm, found.digest) == ("jws", "ES256", "")
    assert is_of(found, ecdsa)


def test_what_is_no_signature_is_found_and_said_to_be_unreadable() -> None:
    found = only(bundle(b"a drawn name, as a picture"))
    assert (found.format, found.algorithm, found.subject) == ("unreadable", "", "")


# SM2


def gm_signed(holder: Holder) -> bytes:
    """SignedData as GM/T 0010 has it: the structure of CMS, other object identifiers. The certificate is no SM2 one:
    its names are what is described."""
    signed = cms.ContentInfo.load(holder.sign(b"x", attributes=False))["content"].copy()
    algorithm = {"algorithm": SM2_SM3}
    signer = signed["signer_infos"][0]
    signer["signature_algorithm"] = algos.SignedDigestAlgorithm(algorithm)
    signer["digest_algorithm"] = algos.DigestAlgorithm({"algorithm": SM3})
    signed["digest_algorithms"] = [algos.DigestAlgorithm({"algorithm": SM3})]
    signed["encap_content_info"]["content_type"] = GM_DATA
    body = core.ObjectIdentifier(GM_SIGNED_DATA).dump() + core.Any(signed, explicit=0).dump()
    return core.Sequence(contents=body).dump()


def seal(holder: Holder, *, old: bool) -> bytes:
    """A seal's signature by GB/T 38540, or by GM/T 0031, which it replaced; what is sealed is left empty."""
    fields = [core.Integer(4), core.Sequence(contents=b""), core.BitString((0,) * 8), core.BitString((1,) * 8)]
    fields.append(core.IA5String("Doc.xml"))
    held = [core.OctetString(holder.der), core.ObjectIdentifier(SM2_SM3)]
    signed = core.Sequence(contents=b"".join(part.dump() for part in fields + (held if old else [])))
    parts = [signed] + ([] if old else held) + [core.BitString((1, 0) * 8)]
    return core.Sequence(contents=b"".join(part.dump() for part in parts)).dump()


def test_sm2_in_cms(ecdsa: Holder) -> None:
    found = only(bundle(gm_signed(ecdsa)))
    assert (found.format, found.algorithm, found.digest) == ("cms-gm", SM2_SM3, SM3)
    assert is_of(found, ecdsa)


@pytest.mark.parametrize("old", [True, False], ids=["GM/T 0031", "GB/T 38540"])
def test_seals(ecdsa: Holder, old: bool) -> None:
    found = only(bundle(seal(ecdsa, old=old)))
    assert (found.format, found.algorithm) == ("seal", SM2_SM3)
    assert is_of(found, ecdsa)


# CDA


def cda(inside: str, *, at: str = "</legalAuthenticator>") -> bytes:
    return sample("cda/chest-ct.xml").decode().replace(at, inside + at, 1).encode()


def test_an_xml_signature_in_cda(ecdsa: Holder) -> None:
    signature = f"""<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:SignedInfo>
      <ds:SignatureMethod Algorithm="{ECDSA_URI}"/><ds:Reference URI=""><ds:DigestMethod Algorithm="{SHA256_URI}"/>
      </ds:Reference></ds:SignedInfo><ds:SignatureValue>AAAA</ds:SignatureValue><ds:KeyInfo><ds:X509Data>
      <ds:X509Certificate>{base64.b64encode(ecdsa.der).decode()}</ds:X509Certificate></ds:X509Data></ds:KeyInfo>
      </ds:Signature>"""
    found = only(cda(signature, at="</ClinicalDocument>"))
    assert (found.place, found.format) == ("document, XML signature 1", "xml-dsig")
    assert (found.algorithm, found.digest, found.whole) == (ECDSA_URI, SHA256_URI, True)
    for transform, whole in (("2000/09/xmldsig#enveloped-signature", True), ("TR/1999/REC-xpath-19991116", False)):
        taken = f'<ds:Transforms><ds:Transform Algorithm="http://www.w3.org/{transform}"/></ds:Transforms>'
        with_transform = signature.replace("<ds:DigestMethod", taken + "<ds:DigestMethod")
        assert only(cda(with_transform, at="</ClinicalDocument>")).whole is whole, transform
    assert is_of(found, ecdsa)


def test_a_signature_text_in_cda(hospital: Holder) -> None:
    text = base64.encodebytes(hospital.sign(b"the document")).decode()
    found = only(cda(f'<s:signatureText xmlns:s="urn:hl7-org:sdtc" representation="B64">{text}</s:signatureText>'))
    assert (found.place, found.format) == ("legalAuthenticator/signatureText", "cms")
    assert is_of(found, hospital)


def test_a_cda_document_without_signature() -> None:
    assert find_signatures(sample("cda/chest-ct.xml")).found == ()


# Anything


def test_formats_that_are_not_searched_say_so() -> None:
    assert "PDF, FHIR JSON and CDA" in find_signatures(b"a scan").why_not
    assert "PDF, FHIR JSON and CDA" in find_signatures(sample("hl7v2/blood-count.hl7")).why_not
    assert find_signatures(sample("pdf/broken-cut-off.pdf")).why_not == "it has no end mark: the file is cut off"
    with pytest.raises(MalformedInput, match="given as bytes, not as str"):
        find_signatures("text")  # type: ignore[arg-type]


@pytest.mark.parametrize("path", documents(), ids=lambda path: f"{path.parent.name}/{path.name}")
def test_every_document_has_a_part(path: Path) -> None:
    value = find_signatures(path.read_bytes()).part_value()
    assert len(Part.create("signatures", value).text) <= MAX_PART_BYTES


def test_the_part_is_bounded(ecdsa: Holder) -> None:
    data = base64.b64encode(ecdsa.sign(b"x")).decode()
    many = [{"data": data, "when": "长" * 5_000}] * (MAX_SIGNATURES + 5)
    raw = json.dumps({"resourceType": "Provenance", "x" * 400: {"signature": many}}).encode()
    signatures = find_signatures(raw)
    assert len(signatures.found) == MAX_SIGNATURES
    assert len(Part.create("signatures", signatures.part_value()).text) <= MAX_PART_BYTES


def test_long_names_and_many_certificates_cost_little(ecdsa: Holder) -> None:
    started = time.process_time()
    long = {"n" * 2_000_000: {str(number): {"x": [1]} for number in range(20_000)}}
    assert find_signatures(json.dumps({"resourceType": "Bundle"} | long).encode()).part_value() == {
        "found": [],
        "whyNot": "",
    }
    signed = cms.ContentInfo.load(ecdsa.sign(b"x"))
    signed["content"]["certificates"] = [cms.Certificate.load(ecdsa.der)] * 500
    assert len(read_blob(signed.dump(force=True)).certificates) == 20
    assert time.process_time() - started < 10


@given(data=st.data())
def test_changed_signatures_are_described_or_unreadable(data: st.DataObject) -> None:
    raw = bytearray(data.draw(st.sampled_from(BLOBS)))
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    try:
        assert read_blob(bytes(raw[: data.draw(st.integers(0, len(raw)))] or raw)).signers
    except Unreadable as reason:
        assert "\n" not in str(reason)
    Part.create("signatures", find_signatures(bundle(bytes(raw))).part_value())


@given(text=st.text(st.characters(codec=None, categories=None), max_size=50), data=st.binary(max_size=60))
def test_any_text_and_any_data_have_a_part(text: str, data: bytes) -> None:
    signature = {"data": base64.b64encode(data).decode(), "when": text}
    raw = json.dumps({"resourceType": text, text: {"signature": signature}, "signature": [{"data": text}]}).encode()
    Part.create("signatures", find_signatures(raw).part_value())


@given(cut=st.integers(0, 40_000), at=st.integers(0, 40_000), byte=st.integers(0, 255))
def test_damaged_pdfs_never_raise(cut: int, at: int, byte: int) -> None:
    raw = bytearray(SIGNED_PDF)
    raw[at % len(raw)] = byte
    find_signatures(bytes(raw[: max(cut, 30_000)]) if cut % 2 else bytes(raw))


_HOLDER = institution(authority())
BLOBS = [_HOLDER.sign(b"x"), gm_signed(_HOLDER), seal(_HOLDER, old=True), seal(_HOLDER, old=False)]
SIGNED_PDF = signed_pdf(_HOLDER)
