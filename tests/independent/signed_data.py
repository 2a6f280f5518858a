"""CMS SignedData with one signer (RFC 5652) and certification paths (RFC 5280), by asn1crypto and cryptography.

Of algorithms: RSA (PKCS #1 v1.5) and ECDSA, with SHA-256, SHA-384 and SHA-512.
"""

import datetime
import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from asn1crypto import cms
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import SignatureAlgorithmOID

from .evidence_forms import Refused, Unchecked, require

DIGESTS = {"sha256": hashes.SHA256(), "sha384": hashes.SHA384(), "sha512": hashes.SHA512()}
SIGNED_WITH = {
    getattr(SignatureAlgorithmOID, f"{kind}_WITH_{digest}")
    for kind in ("RSA", "ECDSA")
    for digest in ("SHA256", "SHA384", "SHA512")
}
UNDERSTOOD = (x509.BasicConstraints, x509.KeyUsage, x509.ExtendedKeyUsage, x509.SubjectAlternativeName)
LONGEST_PATH = 8
Path = list[x509.Certificate]


def read_asn1(read: Callable[[], Any]) -> Any:
    """What is read; `Refused` where the bytes are not of the form."""
    try:
        return read()
    except (ValueError, TypeError, KeyError, OverflowError, x509.InvalidVersion, UnsupportedAlgorithm) as error:
        raise Refused(f"form: {error}") from None


@dataclass
class SignedData:
    """What one signer signed, and the certificates beside it."""

    content_type: str
    content: bytes | None
    info: Any
    certificates: list[x509.Certificate]
    attributes: dict[str, list[Any]]

    @classmethod
    def read(cls, data: bytes, strict: bool = True) -> "SignedData":
        """DER, `strict` without a byte behind it; one signer, signed attributes of which each occurs once."""
        return read_asn1(lambda: cls._read(data, strict))

    @classmethod
    def _read(cls, data: bytes, strict: bool) -> "SignedData":
        whole = cms.ContentInfo.load(data, strict)
        require(whole["content_type"].native == "signed_data" and whole.native, "no SignedData")
        signed = whole["content"]
        require(len(signed["signer_infos"]) == 1, "not one signer")
        info, held = signed["signer_infos"][0], signed["encap_content_info"]
        encoded = [one.chosen.dump() for one in signed["certificates"] or () if one.name == "certificate"]
        attributes = {one["type"].native: list(one["values"]) for one in info["signed_attrs"] or ()}
        require(attributes and len(attributes) == len(info["signed_attrs"]), "signed attributes")
        content = held["content"].contents if held["content"].native is not None else None
        certificates = [x509.load_der_x509_certificate(one) for one in encoded]
        return cls(held["content_type"].native, content, info, certificates, attributes)

    def attribute(self, name: str) -> Any:
        """The one value of a signed attribute."""
        values = self.attributes.get(name, [])
        require(len(values) == 1, f"attribute {name}")
        return values[0]

    def signer(self) -> x509.Certificate:
        """The certificate that the signer's issuer and serial number, or key identifier, name."""
        named = self.info["sid"]
        for one in self.certificates:
            if named.name == "issuer_and_serial_number":
                issuer = named.chosen["issuer"].dump() == one.issuer.public_bytes()
                found = issuer and named.chosen["serial_number"].native == one.serial_number
            else:
                found = named.native in [
                    extension.value.digest
                    for extension in one.extensions
                    if isinstance(extension.value, x509.SubjectKeyIdentifier)
                ]
            if found:
                return one
        raise Refused("the signer's certificate is not there")

    def digest_of(self, content: bytes, more: Sequence[str] = ()) -> bool:
        """Whether the signed digest is that of the content; `Unchecked` for a digest beyond those of `DIGESTS` and
        `more`."""
        name = self.info["digest_algorithm"]["algorithm"].native
        name = {"1.2.156.10197.1.401": "sm3"}.get(name, name)
        if name not in (*DIGESTS, *more):
            raise Unchecked(f"digest {name}")
        return self.attribute("message_digest").native == hashlib.new(name, content).digest()

    def verify(self, key: Any) -> None:
        """The signature over the attributes. `Unchecked` for other algorithms, `Refused` where it is wrong."""
        signed = self.info["signed_attrs"].dump()
        signed = b"\x31" + signed[1:]
        named, digest = self.info["signature_algorithm"], self.info["digest_algorithm"]["algorithm"].native
        try:
            kind = named.signature_algo
            digest = named.hash_algo if named["algorithm"].native != "rsassa_pkcs1v15" else digest
        except ValueError:
            raise Unchecked(f"signature {named['algorithm'].native}") from None
        if digest not in DIGESTS or kind not in ("rsassa_pkcs1v15", "ecdsa"):
            raise Unchecked(f"signature {kind} with {digest}")
        try:
            if kind == "ecdsa":
                require(isinstance(key, ec.EllipticCurvePublicKey), "the key is of another kind")
                key.verify(self.info["signature"].native, signed, ec.ECDSA(DIGESTS[digest]))
            else:
                require(isinstance(key, rsa.RSAPublicKey), "the key is of another kind")
                key.verify(self.info["signature"].native, signed, padding.PKCS1v15(), DIGESTS[digest])
        except InvalidSignature:
            raise Refused("the signature does not verify") from None


def paths(
    leaf: x509.Certificate, between: Sequence[x509.Certificate], roots: Sequence[x509.Certificate]
) -> Iterator[Path]:
    """All ways by the names of issuers from a certificate to a root."""
    ways: list[Path] = [[leaf]]
    while ways:
        way = ways.pop()
        for root in roots:
            if root.subject == way[-1].issuer:
                yield [*way, root]
        if len(way) < LONGEST_PATH:
            ways += [[*way, one] for one in between if one.subject == way[-1].issuer and one not in way]


def check_path(path: Path, at: int) -> None:
    """RFC 5280 section 6.1 for a path whose last is believed: signatures, validity at a Unix time, authorities."""
    moment = datetime.datetime.fromtimestamp(at, datetime.UTC)
    for one in path:
        require(one.not_valid_before_utc <= moment <= one.not_valid_after_utc, "a certificate was not valid then")
    for place, (one, issuer) in enumerate(pairwise(path)):
        require(one.signature_algorithm_oid in SIGNED_WITH, "the algorithm of a certificate")
        try:
            one.verify_directly_issued_by(issuer)
        except (InvalidSignature, ValueError, TypeError) as error:
            raise Refused(f"a certificate is not by its issuer: {error}") from None
        _is_authority(issuer, place)
        unknown = [item for item in one.extensions if item.critical and not isinstance(item.value, UNDERSTOOD)]
        require(not unknown, "a critical extension that is not understood")


def _is_authority(issuer: x509.Certificate, below: int) -> None:
    """May issue certificates, with so many authorities between it and the leaf."""
    of = {type(item.value): item.value for item in issuer.extensions}
    basic, usage = of.get(x509.BasicConstraints), of.get(x509.KeyUsage)
    require(basic and basic.ca, "an issuer is no authority")
    require(basic.path_length is None or basic.path_length >= below, "the path is longer than an authority allows")
    require(usage is None or usage.key_cert_sign, "an issuer's key signs no certificates")


def der(certificate: x509.Certificate) -> bytes:
    """Its bytes."""
    return certificate.public_bytes(Encoding.DER)
