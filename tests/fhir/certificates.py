"""Certificate authorities and certificates of institutions that do not exist, made anew for every run."""

import datetime
from dataclasses import dataclass
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import pkcs7
from cryptography.x509.oid import NameOID

FROM = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
UNTIL = datetime.datetime(2028, 1, 1, tzinfo=datetime.UTC)
SECONDS = int(datetime.datetime(2026, 11, 20, tzinfo=datetime.UTC).timestamp())
"""A moment at which all certificates are valid that do not say otherwise."""

_KEYS = {"rsa": lambda: rsa.generate_private_key(65537, 2048), "ecdsa": lambda: ec.generate_private_key(ec.SECP256R1())}
_USAGES = (
    "digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
    "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
)  # fmt: skip


@dataclass(frozen=True)
class Holder:
    """A certificate with its private key."""

    certificate: x509.Certificate
    key: Any

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.DER)

    def sign(self, data: bytes, *, detached: bool = True, attributes: bool = True) -> bytes:
        """A CMS signature over `data`, DER."""
        builder = pkcs7.PKCS7SignatureBuilder().set_data(data).add_signer(self.certificate, self.key, hashes.SHA256())
        options = [pkcs7.PKCS7Options.Binary]
        options += [pkcs7.PKCS7Options.DetachedSignature] if detached else []
        options += [] if attributes else [pkcs7.PKCS7Options.NoAttributes]
        return builder.sign(serialization.Encoding.DER, options)


def authority(name: str = "Sample CA", by: Holder | None = None, algorithm: str = "ecdsa") -> Holder:
    """A root, or an authority below one."""
    return _issue(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]), by, algorithm, ("key_cert_sign",), None)


def institution(
    by: Holder,
    code: str = "SAMPLE-HOSPITAL-01",
    *,
    algorithm: str = "ecdsa",
    usages: tuple[str, ...] = ("digital_signature", "content_commitment"),
    until: datetime.datetime = UNTIL,
) -> Holder:
    """A certificate of an institution whose code is its organisation identifier."""
    name = [
        x509.NameAttribute(NameOID.COUNTRY_NAME, "CN"),
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, "样例医院 SYNTHETIC"),
        x509.NameAttribute(NameOID.ORGANIZATION_IDENTIFIER, code),
    ]
    return _issue(x509.Name(name), by, algorithm, usages, until)


def _issue(
    name: x509.Name,
    by: Holder | None,
    algorithm: str,
    usages: tuple[str, ...],
    until: datetime.datetime | None,
) -> Holder:
    key = _KEYS[algorithm]()
    signer_name, signer_key = (by.certificate.subject, by.key) if by else (name, key)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(signer_name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(FROM)
        .not_valid_after(until or UNTIL)
        .add_extension(x509.BasicConstraints(ca=until is None, path_length=None), critical=True)
        .add_extension(x509.KeyUsage(**{usage: usage in usages for usage in _USAGES}), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer_key.public_key()), critical=False)
    )
    return Holder(builder.sign(signer_key, hashes.SHA256()), key)
