"""Signature blobs by their structure: CMS (RFC 5652), its SM2 variant (GM/T 0010) and seals (GM/T 0031, GB/T 38540).

They are described here, never judged: whether a signature verifies is another question.
"""

import warnings
from dataclasses import dataclass

from asn1crypto import cms, core
from asn1crypto import x509 as asn1_x509
from cryptography import x509

from anchors.formats.document import Unreadable

CMS = "cms"
CMS_GM = "cms-gm"
SEAL = "seal"
MAX_BLOB_BYTES = 1024 * 1024

_SIGNED_DATA = "1.2.840.113549.1.7.2"
_SIGNED_DATA_GM = "1.2.156.10197.6.1.4.2.2"  # GM/T 0010: the same structure under an OID of its own
_FORMATS = {_SIGNED_DATA: CMS, _SIGNED_DATA_GM: CMS_GM}
_MAX_SIGNERS = 10
_MAX_CERTIFICATES = 20

# Some authorities number their certificates against RFC 5280; what is found is described, and nobody here can mend it.
warnings.filterwarnings("ignore", message="Parsed a serial number")


@dataclass(frozen=True)
class Certificate:
    """A certificate as its signer gave it: DER, names as RFC 4514 texts (empty where they cannot be read), serial."""

    der: bytes
    subject: str
    issuer: str
    serial: int


@dataclass(frozen=True)
class Signer:
    """One signer of a blob. Algorithms are OIDs.

    `signed_attributes` is the DER of the attributes as signed (a SET), None where the content is signed itself;
    `message_digest` and `signing_time` (Unix seconds, as the signer claims) are of them. `certificate` is None where
    the blob does not hold it; then `serial` alone tells which it was, if anything does.
    """

    digest: str
    algorithm: str
    signature: bytes
    certificate: Certificate | None
    serial: int | None = None
    signed_attributes: bytes | None = None
    message_digest: bytes | None = None
    signing_time: int | None = None


@dataclass(frozen=True)
class Blob:
    """What a signature blob says of itself. `detached`: the signed content is not in it. `certificates` are the
    first 20 that it holds, as DER."""

    format: str
    signers: tuple[Signer, ...]
    detached: bool
    certificates: tuple[bytes, ...]


def read_blob(data: bytes) -> Blob:
    """The signature in `data`, which zero bytes may follow, as in PDF. Raises `Unreadable`."""
    if len(data) > MAX_BLOB_BYTES:
        raise Unreadable(f"the signature is larger than {MAX_BLOB_BYTES} bytes")
    try:
        blob = _read_cms(data) or _read_seal(data)
    except Exception as error:
        # The parser of others behind this line raises nearly anything; the type is named, the text may quote the blob.
        raise Unreadable(f"the signature is no readable CMS or seal ({type(error).__name__})") from None
    if blob is None or not blob.signers:
        raise Unreadable("the signature is ASN.1, and neither CMS SignedData nor a seal, or nobody signed")
    return blob


class _ContentInfo(core.Sequence):
    _fields = [("type", core.ObjectIdentifier), ("content", core.Any, {"explicit": 0, "optional": True})]  # noqa: RUF012


def _read_cms(data: bytes) -> Blob | None:
    first = core.Sequence.load(data)  # what follows it is no part of it
    if len(first) == 0 or not isinstance(first[0], core.ObjectIdentifier):
        return None
    info = _ContentInfo.load(first.dump())
    name = _FORMATS.get(info["type"].dotted)
    if name is None:
        return None
    signed = info["content"].parse(cms.SignedData)
    held = list(signed["certificates"] or ())[:_MAX_CERTIFICATES]
    certificates = [choice.chosen for choice in held if choice.name == "certificate"]
    signers = tuple(_signer(signer, certificates) for signer in list(signed["signer_infos"])[:_MAX_SIGNERS])
    content = signed["encap_content_info"]["content"]
    detached = isinstance(content, core.Void) or content.native is None
    return Blob(name, signers, detached, tuple(certificate.dump() for certificate in certificates))


def _signer(signer: cms.SignerInfo, certificates: list[asn1_x509.Certificate]) -> Signer:
    attributes = signer["signed_attrs"]
    absent = isinstance(attributes, core.Void)
    values = {attribute["type"].dotted: attribute["values"] for attribute in ([] if absent else attributes)}
    digest, time = values.get("1.2.840.113549.1.9.4"), values.get("1.2.840.113549.1.9.5")
    found = next((certificate for certificate in certificates if _is_of(signer["sid"], certificate)), None)
    by_serial = signer["sid"].name == "issuer_and_serial_number"
    return Signer(
        digest=signer["digest_algorithm"]["algorithm"].dotted,
        algorithm=signer["signature_algorithm"]["algorithm"].dotted,
        signature=signer["signature"].native,
        certificate=_certificate(found.dump()) if found else None,
        serial=signer["sid"].chosen["serial_number"].native if by_serial else None,
        # RFC 5652 section 5.4: signed under the tag of a SET, not under that of the field.
        signed_attributes=None if absent else b"\x31" + attributes.dump()[1:],
        message_digest=digest[0].native if digest else None,
        signing_time=int(time[0].native.timestamp()) if time else None,
    )


def _is_of(sid: cms.SignerIdentifier, certificate: asn1_x509.Certificate) -> bool:
    if sid.name == "issuer_and_serial_number":
        chosen = sid.chosen
        same_issuer = chosen["issuer"].dump() == certificate.issuer.dump()
        return same_issuer and chosen["serial_number"].native == certificate.serial_number
    return certificate.key_identifier == sid.chosen.native


def read_certificate(der: bytes) -> Certificate | None:
    """The certificate in `der`, or None where there is none."""
    try:
        return _certificate(der)
    except Exception:  # as in read_blob
        return None


def _certificate(der: bytes) -> Certificate:
    serial = asn1_x509.Certificate.load(der).serial_number
    try:
        read = x509.load_der_x509_certificate(der)
        return Certificate(der, read.subject.rfc4514_string(), read.issuer.rfc4514_string(), serial)
    except (ValueError, TypeError):  # a strict reader; the signature is there all the same
        return Certificate(der, "", "", serial)


def _read_seal(data: bytes) -> Blob | None:
    """A seal's signature. GB/T 38540 section 7: to-sign, certificate, algorithm, signature; GM/T 0031 has the
    certificate and the algorithm at the end of what is signed."""
    outer = core.Sequence.load(data)
    if len(outer) == 2 and isinstance(outer[0], core.Sequence) and isinstance(outer[1], core.BitString):
        certificate, algorithm = outer[0][5], outer[0][6]
    elif len(outer) in (4, 5) and isinstance(outer[0], core.Sequence):
        certificate, algorithm = outer[1], outer[2]
    else:
        return None
    if not isinstance(certificate, core.OctetString) or not isinstance(algorithm, core.ObjectIdentifier):
        return None
    signature = outer[1] if len(outer) == 2 else outer[3]
    held = _certificate(certificate.native)
    signer = Signer("", algorithm.dotted, signature.contents[1:], held, held.serial)
    return Blob(SEAL, (signer,), True, (held.der,))
