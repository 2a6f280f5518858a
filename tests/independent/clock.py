"""A time-stamp authority whose tokens are the same in every run: RFC 3161 and 5816 by asn1crypto and cryptography."""

import datetime

from asn1crypto import cms, tsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from .standards import base64_text, pseudo_random, sha256

NAME = "SAMPLE clock"
_BEGIN, _END = (datetime.datetime(year, 1, 1, tzinfo=datetime.UTC) for year in (2026, 2046))


def _key(label: str) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(int.from_bytes(pseudo_random(f"clock {label}")) >> 1, ec.SECP256R1())


def _certificate(label: str, serial: int) -> x509.Certificate:
    root = label == "root"
    subject, issuer = (x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"{NAME} {who}")]) for who in (label, "root"))
    builder = (
        x509.CertificateBuilder(issuer, subject, _key(label).public_key(), serial, _BEGIN, _END)
        .add_extension(x509.BasicConstraints(ca=root, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(_key(label).public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(_key("root").public_key()), critical=False)
    )
    if not root:
        usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING])
        builder = builder.add_extension(usage, critical=True)
    return builder.sign(_key("root"), SHA256(), ecdsa_deterministic=True)


_ROOT, _SIGNER = _certificate("root", 1), _certificate("signer", 2)
AUTHORITY = {"name": NAME, "certificate": base64_text(_ROOT.public_bytes(Encoding.DER))}
"""As a trust file names it."""


def token(message: bytes, time: int) -> bytes:
    """A TimeStampToken over a message, at a time in Unix seconds."""
    certificate = asn1_x509.Certificate.load(_SIGNER.public_bytes(Encoding.DER))
    stated = tsp.TSTInfo(
        {
            "version": "v1",
            "policy": "1.2.3.4.1",
            "message_imprint": {"hash_algorithm": {"algorithm": "sha256"}, "hashed_message": sha256(message)},
            "serial_number": 1,
            "gen_time": datetime.datetime.fromtimestamp(time, datetime.UTC),
            "accuracy": {"seconds": 1},
        }
    )
    committed = [{"certs": [{"cert_hash": sha256(certificate.dump())}]}]
    attributes = cms.CMSAttributes(
        [
            {"type": "content_type", "values": ["tst_info"]},
            {"type": "message_digest", "values": [sha256(stated.dump())]},
            {"type": "signing_certificate_v2", "values": committed},
        ]
    )
    named = cms.IssuerAndSerialNumber({"issuer": certificate.issuer, "serial_number": certificate.serial_number})
    signer = {
        "version": "v1",
        "sid": cms.SignerIdentifier("issuer_and_serial_number", named),
        "digest_algorithm": {"algorithm": "sha256"},
        "signed_attrs": attributes,
        "signature_algorithm": {"algorithm": "sha256_ecdsa"},
        "signature": _key("signer").sign(attributes.dump(), ec.ECDSA(SHA256(), deterministic_signing=True)),
    }
    signed = {
        "version": "v3",
        "digest_algorithms": [{"algorithm": "sha256"}],
        "encap_content_info": {"content_type": "tst_info", "content": stated},
        "certificates": [cms.CertificateChoices("certificate", certificate)],
        "signer_infos": [signer],
    }
    return cms.ContentInfo({"content_type": "signed_data", "content": cms.SignedData(signed)}).dump()
