"""Time-stamp authorities whose tokens are the same in every run: RFC 3161 and 5816 by asn1crypto and cryptography."""

import datetime
import hashlib
from dataclasses import dataclass

from asn1crypto import cms, tsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from .standards import base64_text, pseudo_random, sha256

NAME = "SAMPLE clock"


def _key(label: str) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(int.from_bytes(pseudo_random(label)) >> 1, ec.SECP256R1())


@dataclass(frozen=True)
class Clock:
    """An authority: a root, and below it a signer whose certificate holds until a year and is for these usages. `label`
    names its keys."""

    label: str = "clock"
    name: str = NAME
    until: int = 2046
    usages: tuple[x509.ObjectIdentifier, ...] = (ExtendedKeyUsageOID.TIME_STAMPING,)
    critical: bool = True

    def certificate(self, label: str, serial: int) -> x509.Certificate:
        """Of `root` or `signer`."""
        root = label == "root"
        begin, end = (
            datetime.datetime(year, 1, 1, tzinfo=datetime.UTC) for year in (2026, 2046 if root else self.until)
        )
        subject, issuer = (
            x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"{self.name} {who}")]) for who in (label, "root")
        )
        key, by = _key(f"{self.label} {label}"), _key(f"{self.label} root")
        builder = (
            x509.CertificateBuilder(issuer, subject, key.public_key(), serial, begin, end)
            .add_extension(x509.BasicConstraints(ca=root, path_length=None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(by.public_key()), critical=False)
        )
        if not root:
            builder = builder.add_extension(x509.ExtendedKeyUsage(self.usages), critical=self.critical)
        return builder.sign(by, SHA256(), ecdsa_deterministic=True)

    @property
    def authority(self) -> dict[str, str]:
        """As a trust file names it."""
        root = self.certificate("root", 1).public_bytes(Encoding.DER)
        return {"name": self.name, "certificate": base64_text(root)}

    def token(
        self, message: bytes, time: int, digest: str = "sha256", committed: bytes = b"", version: str = "v1"
    ) -> bytes:
        """A TimeStampToken over a message, at a time in Unix seconds, which commits to the signer's certificate unless
        another is given."""
        certificate = asn1_x509.Certificate.load(self.certificate("signer", 2).public_bytes(Encoding.DER))
        imprint = {"hash_algorithm": {"algorithm": digest}, "hashed_message": hashlib.new(digest, message).digest()}
        stated = tsp.TSTInfo(
            {
                "version": version,
                "policy": "1.2.3.4.1",
                "message_imprint": imprint,
                "serial_number": 1,
                "gen_time": datetime.datetime.fromtimestamp(time, datetime.UTC),
                "accuracy": {"seconds": 1},
            }
        )
        commits = [{"certs": [{"cert_hash": sha256(committed or certificate.dump())}]}]
        attributes = cms.CMSAttributes(
            [
                {"type": "content_type", "values": ["tst_info"]},
                {"type": "message_digest", "values": [sha256(stated.dump())]},
                {"type": "signing_certificate_v2", "values": commits},
            ]
        )
        named = cms.IssuerAndSerialNumber({"issuer": certificate.issuer, "serial_number": certificate.serial_number})
        key, way = _key(f"{self.label} signer"), ec.ECDSA(SHA256(), deterministic_signing=True)
        signer = {
            "version": "v1",
            "sid": cms.SignerIdentifier("issuer_and_serial_number", named),
            "digest_algorithm": {"algorithm": "sha256"},
            "signed_attrs": attributes,
            "signature_algorithm": {"algorithm": "sha256_ecdsa"},
            "signature": key.sign(attributes.dump(), way),
        }
        signed = {
            "version": "v3",
            "digest_algorithms": [{"algorithm": "sha256"}],
            "encap_content_info": {"content_type": "tst_info", "content": stated},
            "certificates": [cms.CertificateChoices("certificate", certificate)],
            "signer_infos": [signer],
        }
        return cms.ContentInfo({"content_type": "signed_data", "content": cms.SignedData(signed)}).dump()


CLOCK = Clock()
"""That of the vectors."""
