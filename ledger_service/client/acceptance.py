"""A hospital's acceptance of its key under a certificate of a certificate authority (docs/spec/acceptance.md).

1. the file's digest is in the registry                       -> registered
2. what was signed is the text for this key, log and chain    -> text
3. the certificate's key signed it                            -> signature
4. the certificate leads to a given root at a given time      -> chain
5. the certificate is for signing                             -> usage
6. the certificate is the institution's                       -> holder
7. the certificate was not revoked                            -> revocation (never checked here)

All evidence comes as arguments: no network, no clock. Signatures and certificates of SM2 are NOT_CHECKED.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import NameOID
from cryptography.x509.verification import ExtensionPolicy, PolicyBuilder, Store, VerificationError

from anchors.core.encoding import ZERO_WORD, code_word, encode_hex, require_bytes
from anchors.core.errors import MalformedInput
from anchors.core.registry import Action, Change
from anchors.core.typed_data import log_id
from anchors.core.verify import Claim, State
from anchors.formats.cms import SEAL, Blob, Signer, read_blob
from anchors.formats.document import Unreadable

ELECTRONIC_SIGNATURE = "electronic signature 电子签名"
ACCEPTED_SIGNATURE = (
    "electronic signature by a key that the institution accepted under its CA certificate "
    "电子签名（密钥经机构以其数字证书确认）"
)
NEEDED = ("registered", "text", "signature", "chain", "usage", "holder")
"""The claims that must be VERIFIED before a product may say `ACCEPTED_SIGNATURE`."""

_FIRST_LINE = "huzheng acceptance v1"
_LAST_LINES = (
    "The institution accepts what this key signs in this log as its own electronic signature.",
    "本机构确认：该密钥在该日志中所作的签名，即为本机构的电子签名。",
)
_HASHES = {
    "2.16.840.1.101.3.4.2.1": hashes.SHA256(),
    "2.16.840.1.101.3.4.2.2": hashes.SHA384(),
    "2.16.840.1.101.3.4.2.3": hashes.SHA512(),
    "1.2.156.10197.1.401": hashes.SM3(),
}
_RSA = {
    "1.2.840.113549.1.1.1": None,  # rsaEncryption: with the digest that the signer names beside it
    "1.2.840.113549.1.1.11": "2.16.840.1.101.3.4.2.1",
    "1.2.840.113549.1.1.12": "2.16.840.1.101.3.4.2.2",
    "1.2.840.113549.1.1.13": "2.16.840.1.101.3.4.2.3",
}
_ECDSA = {
    "1.2.840.10045.4.3.2": "2.16.840.1.101.3.4.2.1",
    "1.2.840.10045.4.3.3": "2.16.840.1.101.3.4.2.2",
    "1.2.840.10045.4.3.4": "2.16.840.1.101.3.4.2.3",
}
_SM = "1.2.156.10197."  # SM2, SM3 and what is built of them (GM/T 0006)
_MAX_CERTIFICATES = 10
_REGISTERED_ID = re.compile(r"[A-Z]{5}-")  # ETSI EN 319 412-1 section 5.1.4: kind of register, country


@dataclass(frozen=True)
class Terms:
    """What an acceptance is about: a key (20 bytes) that signs statements for an institution in one log."""

    institution: str
    key: bytes
    chain_id: int
    registry: bytes
    origin: str

    def __post_init__(self) -> None:
        code_word(self.institution)
        require_bytes(self.key, 20, "key")
        require_bytes(self.registry, 20, "registry address")
        if self.chain_id < 0 or not self.origin or not self.origin.isprintable():
            raise MalformedInput("acceptance: the chain id is a number, and the origin one printable line")

    def text(self) -> bytes:
        """The exact bytes that the institution signs: UTF-8, each line ended by one LF."""
        lines = (
            _FIRST_LINE,
            f"institution {self.institution}",
            f"key {encode_hex(self.key)}",
            "purpose statement",
            f"chain {self.chain_id}",
            f"registry {encode_hex(self.registry)}",
            f"log {self.origin}",
            *_LAST_LINES,
        )
        return "".join(f"{line}\n" for line in lines).encode("utf-8")


@dataclass(frozen=True)
class Recorded:
    """What the registry holds of an acceptance: the digest (32 bytes) of the file, and the block's time (Unix s)."""

    digest: bytes
    time: int


def acceptance_digest(file: bytes) -> bytes:
    """What goes into the registry's `data` when the key is added: SHA-256 of the signature file, 32 bytes."""
    return sha256(file).digest()


def find_recorded(changes: Iterable[Change], terms: Terms, digest: bytes) -> Recorded | None:
    """The acceptance that the registry names for a key, of several the one with this digest: that of the change that
    added it, else those of its institution's admissions (each role's has its own). None where none is named."""
    log, admitted, added = log_id(terms.origin), [], []
    for change in changes:
        if change.institution != terms.institution or change.data == ZERO_WORD:
            continue
        if change.action is Action.KEY_ADDED and (change.key, change.log) == (terms.key, log):
            added.append(Recorded(change.data, change.time))
        elif change.action is Action.ADMITTED:
            admitted.append(Recorded(change.data, change.time))
    named = added or admitted
    return next((recorded for recorded in named if recorded.digest == digest), named[-1] if named else None)


def verify_acceptance(
    file: bytes,
    terms: Terms,
    *,
    recorded: Recorded | None,
    roots: Sequence[bytes],
    at: int,
    holder: str | None = None,
) -> tuple[Claim, ...]:
    """Judge a signature file (CMS, DER, detached) by the terms that it should accept.

    `roots` are the certificates (DER) of authorities that the verifier trusts, `at` the Unix second at which the
    certificate should have been valid, as a rule `recorded.time`. `holder` is the subject (RFC 4514) that the verifier
    knows to be the institution's. Raises `MalformedInput` where the file is no such signature.
    """
    blob, signer = _read(file)
    certificate = _certificate(signer)
    if certificate is None:
        why = "the file does not hold the signer's certificate in a readable form"
        judged = [Claim(name, State.FAILED, why) for name in ("signature", "chain", "usage", "holder")]
    else:
        judged = [
            _signature(signer, certificate),
            _chain(blob, signer, certificate, roots, at),
            _usage(certificate),
            _holder(certificate, terms, holder),
        ]
    return (
        _registered(file, recorded),
        _text(signer, terms),
        *judged,
        Claim("revocation", State.NOT_CHECKED, "ask its authority for the revocation list of that time, or by OCSP"),
    )


def signature_words(claims: Sequence[Claim] | None) -> str:
    """What a product may call a statement's signature. Whether one is 可靠 by the law is not for a product to say."""
    states = {claim.name: claim.state for claim in claims or ()}
    verified = all(states.get(name) is State.VERIFIED for name in NEEDED)
    return ACCEPTED_SIGNATURE if verified and State.FAILED not in states.values() else ELECTRONIC_SIGNATURE


def _read(file: bytes) -> tuple[Blob, Signer]:
    try:
        blob = read_blob(file)
    except Unreadable as reason:
        raise MalformedInput(f"acceptance: {reason}; give the CMS signature in DER (.p7s)") from None
    if blob.format == SEAL or len(blob.signers) != 1 or not blob.detached:
        raise MalformedInput("acceptance: expected a detached CMS signature of one signer; sign the text again so")
    return blob, blob.signers[0]


def _registered(file: bytes, recorded: Recorded | None) -> Claim:
    if recorded is None:
        return Claim("registered", State.NOT_CHECKED, "the registry names no acceptance of this key, or was not given")
    if recorded.digest != acceptance_digest(file):
        return Claim("registered", State.FAILED, "the registry names another file than this one by its digest")
    return Claim(
        "registered", State.VERIFIED, f"the registry names this file, by its digest, since second {recorded.time}"
    )


def _text(signer: Signer, terms: Terms) -> Claim:
    digest = _HASHES.get(signer.digest)
    if digest is None:
        return Claim("text", State.NOT_CHECKED, f"the digest algorithm {signer.digest} is not computed here")
    if signer.message_digest is None:
        return Claim("text", State.FAILED, "it has no signed digest of a text; sign with signed attributes")
    computed = hashes.Hash(digest)
    computed.update(terms.text())
    if computed.finalize() != signer.message_digest:
        return Claim("text", State.FAILED, "another text was signed than that for this institution, key, log and chain")
    return Claim("text", State.VERIFIED, "the digest that was signed is that of the text for this key, log and chain")


def _signature(signer: Signer, certificate: x509.Certificate) -> Claim:
    if signer.signed_attributes is None:
        return Claim("signature", State.FAILED, "nothing that was signed names the text; sign with signed attributes")
    if signer.digest not in _HASHES or signer.algorithm not in {**_RSA, **_ECDSA}:
        return _unchecked("signature", signer)
    if {**_RSA, **_ECDSA}[signer.algorithm] not in (None, signer.digest):
        return Claim("signature", State.FAILED, "its signature algorithm has another digest than it names")
    digest = _HASHES[signer.digest]
    try:
        key = certificate.public_key()
        if isinstance(key, rsa.RSAPublicKey) and signer.algorithm in _RSA:
            key.verify(signer.signature, signer.signed_attributes, padding.PKCS1v15(), digest)
        elif isinstance(key, ec.EllipticCurvePublicKey) and signer.algorithm in _ECDSA:
            key.verify(signer.signature, signer.signed_attributes, ec.ECDSA(digest))
        else:
            return Claim("signature", State.FAILED, "its certificate's key is not of the algorithm that it names")
    except (ValueError, UnsupportedAlgorithm):
        return _unchecked("signature", signer)
    except InvalidSignature:
        return Claim("signature", State.FAILED, "the certificate's key did not make this signature")
    return Claim("signature", State.VERIFIED, f"signed with the certificate of {_subject(certificate)}")


def _chain(blob: Blob, signer: Signer, certificate: x509.Certificate, roots: Sequence[bytes], at: int) -> Claim:
    """RFC 5280 section 6, by `cryptography`. What a certificate is for is another claim."""
    if not roots:
        return Claim("chain", State.NOT_CHECKED, "no root was given; name the authorities that you trust")
    if certificate.signature_algorithm_oid.dotted_string.startswith(_SM):
        return _unchecked("chain", signer)
    try:
        unknown = [one.oid.dotted_string for one in certificate.extensions if _is_unknown_and_critical(one)]
        store = Store([x509.load_der_x509_certificate(root) for root in roots])
        others = [x509.load_der_x509_certificate(der) for der in blob.certificates[:_MAX_CERTIFICATES]]
        moment = datetime.fromtimestamp(at, UTC)
    except (ValueError, TypeError, OverflowError, OSError) as error:
        raise MalformedInput(f"acceptance: a root, a certificate or the time cannot be read ({error})") from None
    if unknown:
        return Claim("chain", State.FAILED, f"its certificate has a critical extension that is not known: {unknown[0]}")
    policies = {"ca_policy": ExtensionPolicy.webpki_defaults_ca(), "ee_policy": ExtensionPolicy.permit_all()}
    verifier = PolicyBuilder().store(store).time(moment).extension_policies(**policies).build_client_verifier()
    try:
        verifier.verify(certificate, [other for other in others if other != certificate])
    except VerificationError as error:
        why = " ".join(str(error).split())
        return Claim("chain", State.FAILED, f"it leads to no given root at {moment:%Y-%m-%d}: {why}")
    return Claim("chain", State.VERIFIED, f"it leads to a given root, and was valid on {moment:%Y-%m-%d}")


def _usage(certificate: x509.Certificate) -> Claim:
    try:
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return Claim("usage", State.NOT_CHECKED, "the certificate does not say what it is for")
    if usage.digital_signature or usage.content_commitment:
        return Claim("usage", State.VERIFIED, "the certificate is for signing")
    return Claim("usage", State.FAILED, "the certificate is not for signing")


def _holder(certificate: x509.Certificate, terms: Terms, expected: str | None) -> Claim:
    subject = _subject(certificate)
    if expected is not None:
        if certificate.subject.rfc4514_string() != expected:
            return Claim("holder", State.FAILED, f"the certificate is of {subject}, and another was expected")
        return Claim("holder", State.VERIFIED, f"the certificate is of {subject}, as was expected")
    named = [
        str(attribute.value)
        for attribute in certificate.subject
        if attribute.oid in (NameOID.ORGANIZATION_IDENTIFIER, NameOID.SERIAL_NUMBER)
    ]
    if terms.institution in named or terms.institution in [_REGISTERED_ID.sub("", text, count=1) for text in named]:
        return Claim("holder", State.VERIFIED, f"the certificate names {terms.institution}: {subject}")
    return Claim("holder", State.NOT_CHECKED, f"the certificate does not name the code; compare its subject: {subject}")


def _certificate(signer: Signer) -> x509.Certificate | None:
    """The signer's certificate, if all of it that is asked below can be read: the library reads it late."""
    try:
        certificate = x509.load_der_x509_certificate(signer.certificate.der) if signer.certificate else None
        if certificate is not None:
            _ = certificate.subject, certificate.extensions
    except (ValueError, TypeError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
        return None
    return certificate


def _subject(certificate: x509.Certificate) -> str:
    """The subject in one line, whatever is in it."""
    return " ".join(certificate.subject.rfc4514_string().split())


def _is_unknown_and_critical(extension: x509.Extension) -> bool:
    return extension.critical and isinstance(extension.value, x509.UnrecognizedExtension)


def _unchecked(name: str, signer: Signer) -> Claim:
    what = "SM2" if signer.algorithm.startswith(_SM) else f"the algorithm {signer.algorithm}"
    return Claim(name, State.NOT_CHECKED, f"{what} is not checked here; have it checked by a tool that knows it")
