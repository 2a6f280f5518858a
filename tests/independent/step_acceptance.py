"""Step 15, `acceptance`: docs/spec/acceptance.md."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.x509.oid import NameOID

from .evidence_forms import Refused, Unchecked, require, unhex
from .signed_data import SignedData, check_path, paths, read_asn1
from .standards import sha256

if TYPE_CHECKING:
    from .evidence import Package

NAME = re.compile(r"acceptance/([0-9a-f]{64})\.p7s", re.ASCII)
LAST = """The institution accepts what this key signs in this log as its own electronic signature.
本机构确认：该密钥在该日志中所作的签名，即为本机构的电子签名。
"""


def acceptance(package: "Package") -> None:
    """Every acceptance, by the change that names it."""
    package.need("registry", "statements")
    package.look(
        "acceptance", package.files("acceptance").items(), lambda *file: read_asn1(lambda: judge(package, *file))
    )


def judge(package: "Package", path: str, file: bytes) -> None:
    """One file: FAILED before NOT_CHECKED, whatever comes first."""
    named = NAME.fullmatch(path)
    require(named and named[1] == sha256(file).hex(), f"{path} is not named by its digest")
    change, keys = recorded(package, sha256(file))
    signed = SignedData.read(file, strict=False)
    signer = signed.signer()
    unchecked: list[str] = []
    for claim in (
        lambda: check_text(signed, [text(package, change["institution"], key) for key in keys]),
        lambda: signed.verify(signer.public_key()),
        lambda: check_chain(signed, signer, package.roots, change["time"]),
        lambda: check_usage(signer),
        lambda: check_holder(signer, change["institution"]),
    ):
        try:
            claim()
        except Unchecked as error:
            unchecked.append(str(error))
    if unchecked:
        raise Unchecked(f"{path}: {'; '.join(unchecked)}")


def recorded(package: "Package", digest: bytes) -> tuple[dict[str, Any], list[str]]:
    """The known change that names the file, and the keys that the file may be about."""
    known = package.registry.until(package.known).changes
    naming = [change for change in known if unhex(change["data"], 32) == digest]
    keys = [
        one for one in known if (one["action"], one["log"], one["role"]) == ("key-added", package.log_hex, "statement")
    ]
    for change in naming:
        if change in keys:
            return change, [change["key"]]
    for change in naming:
        own = [one["key"] for one in keys if one["institution"] == change["institution"] and not int(one["data"], 16)]
        if change["action"] == "admitted" and own:
            return change, own
    raise Refused("no change of the registry names it")


def text(package: "Package", institution: str, key: str) -> bytes:
    """What is signed for a key."""
    return "\n".join(
        [
            "huzheng acceptance v1",
            f"institution {institution}",
            f"key {key}",
            "purpose statement",
            f"chain {package.chain_id}",
            f"registry {package.contract}",
            f"log {package.manifest['origin']}",
            LAST,
        ]
    ).encode()


def check_text(signed: SignedData, texts: Sequence[bytes]) -> None:
    """Detached, over the text."""
    require(signed.content is None, "not detached")
    require(any([signed.digest_of(text, ("sm3",)) for text in texts]), "over another text")


def check_chain(signed: SignedData, signer: x509.Certificate, roots: Sequence[x509.Certificate], at: int) -> None:
    """From the signer's certificate to a root that was given."""
    if not roots:
        raise Unchecked("no root was given")
    wrong = "no given root"
    for way in paths(signer, signed.certificates, roots):
        try:
            return check_path(way, at)
        except Refused as error:
            wrong = str(error)
    raise Refused(wrong)


def check_usage(signer: x509.Certificate) -> None:
    """The certificate's key signs."""
    usages = [one.value for one in signer.extensions if isinstance(one.value, x509.KeyUsage)]
    if not usages:
        raise Unchecked("the certificate says nothing of its use")
    require(usages[0].digital_signature or usages[0].content_commitment, "the certificate is not for signing")


def check_holder(signer: x509.Certificate, institution: str) -> None:
    """The certificate names the institution's code."""
    names = [*signer.subject.get_attributes_for_oid(NameOID.ORGANIZATION_IDENTIFIER)]
    names += signer.subject.get_attributes_for_oid(NameOID.SERIAL_NUMBER)
    if institution not in [name.value for name in names]:
        raise Unchecked("the certificate does not name the institution's code")
