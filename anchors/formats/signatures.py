"""Signatures that the source system put into a document: found and described, never judged.

Looked for in PDF (signature fields), FHIR JSON (members `signature` of a Bundle, a Provenance, …) and CDA (XML
signatures, `signatureText`). SM2 ones are found as others are, by their OIDs. Whether one verifies is a separate claim,
and `NOT_CHECKED` here: it would need the certificate authorities that its reader trusts, and a time.
"""

import base64
import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from anchors.core.errors import MalformedInput
from anchors.formats import json_text
from anchors.formats.detect import detect
from anchors.formats.document import CDA, FHIR_JSON, PDF, Unreadable
from anchors.formats.fhir_bundle import objects, string
from anchors.formats.recursion import default_recursion_limit

# As in read.py, what is slow to import (pypdf, lxml, asn1crypto) is imported where it is first needed.
if TYPE_CHECKING:
    from anchors.formats.cms import Signer

MAX_SIGNATURES = 20
NOT_CHECKED = "NOT_CHECKED"
JWS, XML_SIGNATURE, UNREADABLE = "jws", "xml-dsig", "unreadable"

_MAX_TEXT = 300
_MAX_BASE64_CHARACTERS = 2 * 1024 * 1024
_DSIG = "{http://www.w3.org/2000/09/xmldsig#}"
_ENVELOPED = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"


@dataclass(frozen=True)
class Found:
    """One signature. Empty texts: the document does not say.

    `place` is where it stands; `format` how it is written (cms, cms-gm, seal, jws, xml-dsig, or unreadable);
    `algorithm` and `digest` are OIDs, URIs (XML) or a JWS name, as written; `subject`, `issuer` and `serial` (hex) are
    of the signer's certificate; `ranges` are (start, length) in bytes of the document, where it is signed by bytes;
    `whole` says that they leave out nothing but the signature; `claimed_at` is a time as written, which nobody checked.
    """

    place: str
    format: str = UNREADABLE
    algorithm: str = ""
    digest: str = ""
    subject: str = ""
    issuer: str = ""
    serial: str = ""
    ranges: tuple[tuple[int, int], ...] = ()
    whole: bool = False
    claimed_at: str = ""

    def value(self) -> dict[str, Any]:
        """As one item of the part `signatures`."""
        return {
            "place": _bounded(self.place),
            "format": self.format,
            "algorithm": _bounded(self.algorithm),
            "digest": _bounded(self.digest),
            "signer": {
                "subject": _bounded(self.subject),
                "issuer": _bounded(self.issuer),
                "serial": _bounded(self.serial),
            },
            "ranges": [list(pair) for pair in self.ranges],
            "whole": self.whole,
            "claimedAt": _bounded(self.claimed_at),
            "state": NOT_CHECKED,
        }


@dataclass(frozen=True)
class Signatures:
    """The signatures of one document; `why_not` says why none could be looked for, in one line that quotes nothing."""

    found: tuple[Found, ...]
    why_not: str = ""

    def part_value(self) -> dict[str, Any]:
        """The value of the personal part `signatures` (docs/FORMATS.md, Signatures)."""
        return {"found": [found.value() for found in self.found], "whyNot": self.why_not}


def find_signatures(raw: bytes) -> Signatures:
    """The first `MAX_SIGNATURES` signatures in a document as received. Never raises for what the bytes are.

    Raises MalformedInput only when `raw` is not bytes.
    """
    if not isinstance(raw, bytes):
        raise MalformedInput(f"a document is given as bytes, not as {type(raw).__name__}; read the file in binary mode")
    search = {PDF: _in_pdf, FHIR_JSON: _in_fhir, CDA: _in_cda}.get(detect(raw))
    if search is None:
        return Signatures((), "signatures are looked for in PDF, FHIR JSON and CDA documents only")
    try:
        with default_recursion_limit():
            found = tuple(described for described, _ in zip(search(raw), range(MAX_SIGNATURES), strict=False))
    except Unreadable as reason:
        return Signatures((), str(reason))
    except Exception as error:
        # As in read_document: parsers of others raise nearly anything, and their texts may quote the document.
        return Signatures((), f"the document could not be searched ({type(error).__name__})")
    return Signatures(found)


def _in_pdf(raw: bytes) -> Iterator[Found]:
    from anchors.formats import pdf

    with pdf.opened(raw) as reader:
        for number, value in enumerate(pdf.signature_values(reader), 1):
            place = f"signature field {number}, {_name(value.get('/SubFilter'))}"
            contents, ranges = value.get("/Contents"), value.get("/ByteRange")
            described = _blob(place, getattr(contents, "original_bytes", contents))
            pairs = _pairs(ranges.get_object() if ranges is not None else [])
            claimed = described.claimed_at or _text(value.get("/M"))
            yield replace(described, ranges=pairs, whole=_is_whole(raw, pairs), claimed_at=claimed)


def _in_fhir(raw: bytes) -> Iterator[Found]:
    pending: list[tuple[str, Any]] = [("", json_text.load(raw))]
    while pending:
        place, value = pending.pop()
        if isinstance(value, list):
            pending += [(f"{place}[{number}]"[:_MAX_TEXT], item) for number, item in reversed(list(enumerate(value)))]
        if not isinstance(value, dict):
            continue
        for name, child in reversed(value.items()):
            if name != "signature":
                # Bounded at once: a long name stands in the place of everything below it.
                pending.append((f"{place}.{name[:_MAX_TEXT]}"[:_MAX_TEXT].lstrip("."), child))
        signed = value.get("signature")
        for item in [signed] if isinstance(signed, dict) else objects(signed):
            if string(item.get("data")):
                where = f"{place}.signature" if place else "signature"
                yield _in_fhir_signature(f"{string(value.get('resourceType'))[:40]} at {where}"[:_MAX_TEXT], item)


def _in_fhir_signature(place: str, item: dict[str, Any]) -> Found:
    data = _base64(string(item.get("data")))
    if data.startswith(b"<"):
        from anchors.formats import xml_text

        try:
            # What is whole there is the XML inside, not the document.
            found = replace(next(_xml_signatures(place, xml_text.parse(data)), Found(place)), whole=False)
        except Unreadable:
            found = Found(place)
    elif re.fullmatch(rb"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*\.[A-Za-z0-9_-]+", data):
        found = _jws(place, data)
    else:
        found = _blob(place, data)
    return replace(found, claimed_at=string(item.get("when")) or found.claimed_at)


def _in_cda(raw: bytes) -> Iterator[Found]:
    from anchors.formats import xml_text

    root = xml_text.parse(raw)
    yield from _xml_signatures("document", root)
    for element in root.iter("{*}signatureText"):
        # R2 has no such element; the extension of the namespace urn:hl7-org:sdtc, and documents by R1 habits, do.
        if element.find(f".//{_DSIG}Signature") is None and (element.text or "").strip():
            parent = element.getparent()
            role = "" if parent is None else f"{parent.tag.rpartition('}')[2]}/"
            yield _blob(f"{role}signatureText"[:_MAX_TEXT], _base64(element.text))


def _xml_signatures(place: str, root: Any) -> Iterator[Found]:
    """XML signatures (W3C xmldsig-core), also those of XAdES."""
    for number, element in enumerate(root.iter(f"{_DSIG}Signature"), 1):
        method = element.find(f"{_DSIG}SignedInfo/{_DSIG}SignatureMethod")
        references = element.findall(f"{_DSIG}SignedInfo/{_DSIG}Reference")
        digest = references[0].find(f"{_DSIG}DigestMethod") if references else None
        held = element.find(f"{_DSIG}KeyInfo/{_DSIG}X509Data/{_DSIG}X509Certificate")
        yield _with_certificate(
            Found(
                f"{place}, XML signature {number}",
                XML_SIGNATURE,
                "" if method is None else method.get("Algorithm", ""),
                "" if digest is None else digest.get("Algorithm", ""),
                whole=any(_covers_all(reference) for reference in references),
            ),
            _base64("" if held is None else held.text or ""),
        )


def _covers_all(reference: Any) -> bool:
    """Whether a reference names the whole document, and no transform but known ones may take something away from it."""
    named = {transform.get("Algorithm", "") for transform in reference.iter(f"{_DSIG}Transform")}
    return reference.get("URI") == "" and all(name == _ENVELOPED or "c14n" in name for name in named)


def _jws(place: str, data: bytes) -> Found:
    """A JWS in compact form (RFC 7515 section 3.1)."""
    try:
        header = json_text.load(_base64_url(data.partition(b".")[0]))
    except Unreadable:
        return Found(place)
    if not isinstance(header, dict):
        return Found(place)
    chain = header.get("x5c")
    first = string(chain[0]) if isinstance(chain, list) and chain else ""
    return _with_certificate(Found(place, JWS, string(header.get("alg"))), _base64(first))


def _blob(place: str, data: object) -> Found:
    """A signature in ASN.1; its first signer is the one that is described."""
    if not isinstance(data, bytes) or not data:
        return Found(place)
    from anchors.formats.cms import read_blob

    try:
        blob = read_blob(data)
    except Unreadable:
        return Found(place)
    return _of_signer(Found(place, blob.format), blob.signers[0])


def _of_signer(found: Found, signer: "Signer") -> Found:
    held = signer.certificate
    serial = held.serial if held else signer.serial
    return replace(
        found,
        algorithm=signer.algorithm,
        digest=signer.digest,
        subject=held.subject if held else "",
        issuer=held.issuer if held else "",
        serial="" if serial is None else f"{serial:x}",
        claimed_at="" if signer.signing_time is None else str(signer.signing_time),
    )


def _with_certificate(found: Found, der: bytes) -> Found:
    if not der:
        return found
    from anchors.formats.cms import read_certificate

    held = read_certificate(der)
    if held is None:
        return found
    return replace(found, subject=held.subject, issuer=held.issuer, serial=f"{held.serial:x}")


def _pairs(values: object) -> tuple[tuple[int, int], ...]:
    """A ByteRange as (start, length) pairs; anything that is none gives nothing."""
    if not isinstance(values, list) or len(values) % 2 or len(values) > 2 * MAX_SIGNATURES:
        return ()
    if not all(isinstance(value, int) and 0 <= value < 2**53 for value in values):
        return ()
    numbers = [int(value) for value in values]
    return tuple(zip(numbers[::2], numbers[1::2], strict=True))


def _is_whole(raw: bytes, pairs: tuple[tuple[int, int], ...]) -> bool:
    """Whether two ranges leave out one hexadecimal string and nothing else (ISO 32000-1 section 12.8.1)."""
    if len(pairs) != 2:
        return False
    (start, length), (again, rest) = pairs
    hole = raw[start + length : again]
    return start == 0 and again + rest == len(raw) and re.fullmatch(rb"<[0-9A-Fa-f\s]*>", hole) is not None


def _name(value: object) -> str:
    text = value if isinstance(value, str) else ""
    return text.removeprefix("/")[:60] if re.fullmatch(r"/[!-~]+", text) else "of no named kind"


def _bounded(text: str) -> str:
    """The beginning of a text as Unicode text: JSON can write halves of characters."""
    return text[:_MAX_TEXT].encode("utf-8", "replace").decode("utf-8")


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _base64(text: str) -> bytes:
    """The bytes of a base64 text with any white space, or none where it is no base64."""
    if len(text) > _MAX_BASE64_CHARACTERS:
        return b""
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        return b""


def _base64_url(text: bytes) -> bytes:
    try:
        return base64.b64decode(text + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise Unreadable("a signature's header is no base64url") from None
