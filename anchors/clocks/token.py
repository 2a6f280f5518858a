"""One time-stamp token (RFC 3161, RFC 5816), judged in the steps of docs/spec/timestamps.md from its arguments alone.

The path to the authority's certificate and the signature are OpenSSL's to judge, through rfc3161_client, which judges
certificates at the token's own time. The rest of what the page demands, and that library does not, is checked here.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from asn1crypto import cms, tsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from rfc3161_client import VerificationError, VerifierBuilder, decode_timestamp_response

from anchors.core.errors import MalformedInput, VerificationFailed
from anchors.core.trust import Authority

MAX_TOKEN_BYTES = 65_536
MAX_PATH = 8
_HASHES = {"sha256": hashlib.sha256, "sha384": hashlib.sha384, "sha512": hashlib.sha512}
_SIGNATURES = {"rsassa_pkcs1v15"} | {f"{digest}_{key}" for digest in _HASHES for key in ("rsa", "ecdsa")}
_MILLION = 1_000_000


class UnknownAuthority(VerificationFailed):
    """The token is of an authority that nobody here was told to believe; nothing else is known against it."""


@dataclass(frozen=True)
class Timestamp:
    """What a token says that holds: its message existed before `time + accuracy`, by the authority's clock.

    `time` is in Unix seconds, a fraction rounded up; `accuracy` in seconds, rounded up, None where the token does not
    say; `expires` is when the first certificate of the path ends. Whether one was revoked was not checked."""

    authority: str
    time: int
    accuracy: int | None
    expires: int

    @property
    def before(self) -> int:
        """The message existed before this, Unix seconds."""
        return self.time + (self.accuracy or 0)


def verify_timestamp(token: bytes, message: bytes, authorities: Sequence[Authority]) -> Timestamp:
    """What the token says about `message`, where it holds under one of the authorities.

    Raises `MalformedInput` where it is no token, `UnknownAuthority` where it is a stranger's, `VerificationFailed`
    where it does not hold."""
    read = _Token(token)  # step 1
    read.check_message(message)  # step 2
    read.check_signer()  # steps 3 and 4
    problem = None
    for authority in authorities:
        path = read.path_to(authority)  # step 5
        if path is None:
            continue
        try:
            _check_algorithms(path)
            _check_with_library(token, message, path, authority.name)  # step 6
        except VerificationFailed as error:
            problem = error
            continue
        expires = min(int(certificate.not_valid_after_utc.timestamp()) for certificate in path)
        return Timestamp(authority.name, read.time, read.accuracy, expires)
    raise problem or UnknownAuthority(f"time-stamp: signed by {read.issuer}, which is no authority that is believed")


class _Token:
    """A token taken apart. Raises `MalformedInput` where it is none."""

    def __init__(self, token: bytes):
        if len(token) > MAX_TOKEN_BYTES:
            raise MalformedInput(f"time-stamp: {len(token)} bytes, at most {MAX_TOKEN_BYTES} are accepted")
        try:
            self._take_apart(token)
        except MalformedInput:
            raise
        except Exception as error:
            # The parser of others behind this raises nearly anything.
            raise MalformedInput(f"time-stamp: not a TimeStampToken ({type(error).__name__})") from None

    def _take_apart(self, token: bytes) -> None:
        info = cms.ContentInfo.load(token, strict=True)
        signed = info["content"]
        content = signed["encap_content_info"]
        if info["content_type"].native != "signed_data" or content["content_type"].native != "tst_info":
            raise MalformedInput("time-stamp: not SignedData over a TSTInfo (RFC 3161 section 2.4.2)")
        if len(signed["signer_infos"]) != 1:
            raise MalformedInput(f"time-stamp: {len(signed['signer_infos'])} signers, one is expected")
        stated: tsp.TSTInfo = content["content"].parsed
        if stated["version"].native != "v1":
            raise MalformedInput("time-stamp: not a TSTInfo of version 1")
        imprint = stated["message_imprint"]
        self._imprint = imprint["hash_algorithm"]["algorithm"].native, imprint["hashed_message"].native
        self.time = _ceil(round(stated["gen_time"].native.timestamp() * _MILLION))
        self.accuracy = _accuracy(stated["accuracy"])
        self.nonce: int | None = stated["nonce"].native
        signer = signed["signer_infos"][0]
        self._digest = signer["digest_algorithm"]["algorithm"].native
        self._signature = signer["signature_algorithm"]["algorithm"].native
        self._committed = _committed_certificate(signer)
        held = [choice.chosen for choice in signed["certificates"] or () if choice.name == "certificate"]
        found = next((one for one in held if _is_of(signer["sid"], one)), None)
        self._certificates = [x509.load_der_x509_certificate(one.dump()) for one in held]
        self._signer = x509.load_der_x509_certificate(found.dump()) if found else None
        self._signer_der = found.dump() if found else b""

    @property
    def issuer(self) -> str:
        """Who issued the signer's certificate, as an RFC 4514 text."""
        return self._signer.issuer.rfc4514_string() if self._signer else ""

    def check_message(self, message: bytes) -> None:
        """Step 2."""
        algorithm, found = self._imprint
        if algorithm not in _HASHES:
            raise VerificationFailed(f"time-stamp: its imprint is {algorithm}; SHA-256 or more is demanded")
        if _HASHES[algorithm](message).digest() != found:
            raise VerificationFailed("time-stamp: is over another message")

    def check_signer(self) -> None:
        """Steps 3 and 4, as far as they are about the signer."""
        if self._signer is None:
            raise VerificationFailed("time-stamp: does not hold its signer's certificate")
        if self._digest not in _HASHES or self._signature not in _SIGNATURES:
            raise VerificationFailed(
                f"time-stamp: signed with {self._digest} and {self._signature}; "
                "RSA (PKCS #1 v1.5) or ECDSA with SHA-256 or more is demanded"
            )
        algorithm, committed = self._committed
        if algorithm not in _HASHES or _HASHES[algorithm](self._signer_der).digest() != committed:
            raise VerificationFailed("time-stamp: does not commit to its signer's certificate (signing-certificate-v2)")
        try:
            usage = self._signer.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
        except (x509.ExtensionNotFound, ValueError):
            usage = None
        if usage is None or not usage.critical or list(usage.value) != [x509.ExtendedKeyUsageOID.TIME_STAMPING]:
            raise VerificationFailed("time-stamp: its signer's certificate is not for time-stamping alone, critically")

    def path_to(self, authority: Authority) -> list[x509.Certificate] | None:
        """By names, the certificates from the signer's to the authority's; None where they do not lead there."""
        root = x509.load_der_x509_certificate(authority.certificate)
        path = [self._signer]
        while path[-1] != root:
            issuer = path[-1].issuer
            if issuer == root.subject:
                return [*path, root]
            following = next((one for one in self._certificates if one.subject == issuer and one not in path), None)
            if following is None or len(path) == MAX_PATH:
                return None
            path.append(following)
        return path


def read_nonce(token: bytes) -> int | None:
    """The nonce of a token, of which nothing was verified. Raises `MalformedInput`."""
    return _Token(token).nonce


def _committed_certificate(signer: cms.SignerInfo) -> tuple[str, bytes]:
    """Algorithm and hash of the certificate that the signed attributes commit to (RFC 5816); empty where none."""
    for attribute in signer["signed_attrs"] or ():
        if attribute["type"].native == "signing_certificate_v2":
            certificate = attribute["values"][0]["certs"][0]
            return certificate["hash_algorithm"]["algorithm"].native, certificate["cert_hash"].native
    return "", b""


def _is_of(sid: cms.SignerIdentifier, certificate: asn1_x509.Certificate) -> bool:
    if sid.name != "issuer_and_serial_number":
        return False
    issuer, serial = sid.chosen["issuer"], sid.chosen["serial_number"].native
    return issuer.dump() == certificate.issuer.dump() and serial == certificate.serial_number


def _check_algorithms(path: Sequence[x509.Certificate]) -> None:
    """Step 3, for the certificates below the root, which is believed for itself."""
    for certificate in path[:-1]:
        used = certificate.signature_hash_algorithm
        if used is not None and used.name not in _HASHES:
            raise VerificationFailed(
                f"time-stamp: a certificate is signed with {used.name}; SHA-256 or more is demanded"
            )


def _check_with_library(token: bytes, message: bytes, path: Sequence[x509.Certificate], name: str) -> None:
    """Step 6. The library reads whole answers, so the token is put into one that granted it."""
    try:
        answer = decode_timestamp_response(_granted(token, path))
        VerifierBuilder().add_root_certificate(path[-1]).build().verify_message(answer, message)
    except (VerificationError, ValueError) as error:
        why = str(error).partition("ErrorStack")[0].rstrip(": ") or "no reason given"
        raise VerificationFailed(f"time-stamp: does not hold under {name}: {why[:200]}") from None


def _granted(token: bytes, path: Sequence[x509.Certificate]) -> bytes:
    """The token in a TimeStampResp, with the certificates of the path alone, so that none but this is judged.
    Certificates stand unsigned in a token, and many authorities leave them in any order; the library wants DER's."""
    info = cms.ContentInfo.load(token, strict=True)
    signed = info["content"]
    ordered = sorted(certificate.public_bytes(Encoding.DER) for certificate in path)
    signed["certificates"] = cms.CertificateSet([cms.CertificateChoices.load(one) for one in ordered])
    info["content"] = signed
    return tsp.TimeStampResp({"status": {"status": "granted"}, "time_stamp_token": info}).dump()


def _accuracy(stated: tsp.Accuracy) -> int | None:
    if stated.native is None:
        return None
    seconds, millis, micros = (stated[name].native or 0 for name in ("seconds", "millis", "micros"))
    return _ceil(seconds * _MILLION + millis * 1_000 + micros)


def _ceil(micros: int) -> int:
    return -(-micros // _MILLION)
