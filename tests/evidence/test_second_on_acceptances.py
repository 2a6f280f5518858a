"""Step 15 by both verifiers: they say the same, and what docs/spec/acceptance.md says."""

import datetime
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
import rfc8785
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.serialization import pkcs7

from tests.evidence.made import believing, both
from tests.fhir.certificates import Holder, authority, institution
from tests.independent.standards import ORIGIN, REGISTRY, AccountKey, sha256
from tests.independent.story import CHANGES, Story
from tests.independent.vectors_evidence import Package, the_case, usual
from tests.independent.vectors_registry import HOSPITAL, OTHER_HOSPITAL, OTHER_LOG, Registry, heads

NEW = AccountKey("accepted")
DETACHED = (pkcs7.PKCS7Options.Binary, pkcs7.PKCS7Options.DetachedSignature)
ROOT = authority()
BETWEEN = authority("Sample CA below", ROOT)
Change = Callable[[Registry, str], object]


def terms(key: str = NEW.address, code: str = HOSPITAL, **changed: str) -> bytes:
    """The text of acceptance.md, with lines changed."""
    told = {"purpose": "statement", "chain": "31337", "registry": REGISTRY, "log": ORIGIN, **changed}
    lines = ["huzheng acceptance v1", f"institution {code}", f"key {key}", *(f"{name} {told[name]}" for name in told)]
    lines.append("The institution accepts what this key signs in this log as its own electronic signature.")
    lines.append("本机构确认：该密钥在该日志中所作的签名，即为本机构的电子签名。")
    return "".join(f"{line}\n" for line in lines).encode()


def sign(
    by: Holder,
    text: bytes,
    beside: Sequence[Holder] = (),
    digest: hashes.HashAlgorithm | None = None,
    options: Sequence[pkcs7.PKCS7Options] = DETACHED,
) -> bytes:
    """The file."""
    builder = pkcs7.PKCS7SignatureBuilder().set_data(text)
    builder = builder.add_signer(by.certificate, by.key, digest or hashes.SHA256())
    for one in beside:
        builder = builder.add_certificate(one.certificate)
    return builder.sign(serialization.Encoding.DER, list(options))


def hospital(by: Holder = ROOT, code: str = HOSPITAL, **told: Any) -> Holder:
    """A certificate that names the hospital."""
    return institution(by, code, **told)


def by_key(registry: Registry, digest: str) -> object:
    return registry.add_key(HOSPITAL, NEW.address, data=digest)


def by_admission(registry: Registry, digest: str) -> object:
    return registry.add_key(HOSPITAL, NEW.address).add("admitted", HOSPITAL, role="laboratory", data=digest)


def before_the_key(registry: Registry, digest: str) -> object:
    return registry.add("admitted", HOSPITAL, role="laboratory", data=digest).add_key(HOSPITAL, NEW.address)


def by_both(registry: Registry, digest: str) -> object:
    """An admission of somebody else, and the key."""
    return by_key(registry.add("admitted", OTHER_HOSPITAL, role="laboratory", data=digest), digest)


def in_another_log(registry: Registry, digest: str) -> object:
    return registry.add_key(HOSPITAL, NEW.address, log=OTHER_LOG, data=digest)


def for_receipts(registry: Registry, digest: str) -> object:
    return registry.add_key(HOSPITAL, NEW.address, "receipt", data=digest)


def superseded(registry: Registry, digest: str) -> object:
    """Both keys of the hospital are there; the one that the file is about names another."""
    registry.add("admitted", HOSPITAL, role="laboratory", data=digest)
    return registry.add_key(HOSPITAL, NEW.address, data="0x" + "ab" * 32)


def by_another(registry: Registry, digest: str) -> object:
    return nobody(registry.add("admitted", OTHER_HOSPITAL, role="laboratory", data=digest), digest)


def by_revocation(registry: Registry, digest: str) -> object:
    registry.add_key(HOSPITAL, NEW.address)
    return registry.add("key-revoked", HOSPITAL, role="statement", key=NEW.address, data=digest)


def nobody(registry: Registry, digest: str) -> object:
    return registry.add_key(HOSPITAL, NEW.address)


@dataclass
class Given:
    """A file, the change that names it, the roots that are given, and what is said of it."""

    file: bytes
    state: str
    change: Change = by_key
    roots: Sequence[Holder] = (ROOT,)
    name: str = ""
    known: bool = True


EXPIRED = datetime.datetime(2026, 2, 1, tzinfo=datetime.UTC)
GOOD = sign(hospital(), terms())
GIVEN = {
    "as it should be": Given(GOOD, "VERIFIED"),
    "named by an admission": Given(GOOD, "VERIFIED", by_admission),
    "named by an admission before the key": Given(GOOD, "VERIFIED", before_the_key),
    "named by a key and by another's admission": Given(GOOD, "VERIFIED", by_both),
    "by RSA": Given(sign(hospital(algorithm="rsa"), terms()), "VERIFIED"),
    "below another authority": Given(sign(hospital(BETWEEN), terms(), [BETWEEN]), "VERIFIED"),
    "with the root beside it": Given(sign(hospital(), terms(), [ROOT]), "VERIFIED"),
    "one authority is not there": Given(sign(hospital(BETWEEN), terms()), "FAILED"),
    "no root": Given(GOOD, "NOT_CHECKED", roots=()),
    "another root": Given(GOOD, "FAILED", roots=[authority("Another CA")]),
    "another root of the name": Given(GOOD, "FAILED", roots=[authority()]),
    "two roots of the name": Given(GOOD, "VERIFIED", roots=[authority(), ROOT]),
    "below a hospital": Given(sign(hospital(hospital()), terms()), "FAILED"),
    "SHA-512": Given(sign(hospital(), terms(), digest=hashes.SHA512()), "VERIFIED"),
    "SHA-224": Given(sign(hospital(), terms(), digest=hashes.SHA224()), "NOT_CHECKED"),
    "of another key": Given(sign(hospital(), terms("0x" + "07" * 20)), "FAILED"),
    "of another purpose": Given(sign(hospital(), terms(purpose="receipt")), "FAILED"),
    "of another chain": Given(sign(hospital(), terms(chain="1")), "FAILED"),
    "of another log": Given(sign(hospital(), terms(log="other.example/log")), "FAILED"),
    "of another institution": Given(sign(hospital(), terms(code=OTHER_HOSPITAL)), "FAILED"),
    "without its last newline": Given(sign(hospital(), terms()[:-1]), "FAILED"),
    "another text without a root": Given(sign(hospital(), terms()[:-1]), "FAILED", roots=()),
    "not detached": Given(sign(hospital(), terms(), options=[pkcs7.PKCS7Options.Binary]), "FAILED"),
    "no attributes": Given(sign(hospital(), terms(), options=[*DETACHED, pkcs7.PKCS7Options.NoAttributes]), "FAILED"),
    "no certificate": Given(sign(hospital(), terms(), options=[*DETACHED, pkcs7.PKCS7Options.NoCerts]), "FAILED"),
    "a certificate that had ended": Given(sign(hospital(until=EXPIRED), terms()), "FAILED"),
    "a certificate for nothing": Given(sign(hospital(usages=()), terms()), "FAILED"),
    "a certificate for other things": Given(sign(hospital(usages=("key_agreement",)), terms()), "FAILED"),
    "a certificate of somebody": Given(sign(hospital(code="SOMEBODY"), terms()), "NOT_CHECKED"),
    "a byte behind": Given(GOOD + b"\0", "VERIFIED"),
    "cut short": Given(GOOD[:-1], "FAILED"),
    "its signature is another": Given(GOOD[:-1] + bytes([GOOD[-1] ^ 1]), "FAILED"),
    "noise": Given(b"noise", "FAILED"),
    "nothing": Given(b"", "FAILED"),
    "named by nobody": Given(GOOD, "FAILED", nobody),
    "named by a key of another log": Given(GOOD, "FAILED", in_another_log),
    "named by a key that gives receipts": Given(GOOD, "FAILED", for_receipts),
    "named by an admission, and the key names another": Given(GOOD, "FAILED", superseded),
    "named by the admission of another": Given(GOOD, "FAILED", by_another),
    "named by a revocation": Given(GOOD, "FAILED", by_revocation),
    "named by a change that nobody knows": Given(GOOD, "FAILED", known=False),
    "under another name": Given(GOOD, "FAILED", name="0" * 64),
    "under no name": Given(GOOD, "FAILED", name="acceptance"),
}


def with_changes(change: Change, digest: bytes) -> dict[str, Any]:
    """The story's registry, gone further."""
    registry = Registry(list(CHANGES))
    change(registry, "0x" + digest.hex())
    return written(registry)


def written(registry: Registry) -> dict[str, Any]:
    """As registry.json and a trust file write it."""
    head = "0x" + heads(registry.changes)[-1].hex()
    return {"changes": registry.changes, "count": len(registry.changes), "head": head}


def package_of(story: Story, registry: dict[str, Any], files: dict[str, bytes]) -> Package:
    """About the report, with these acceptances."""
    package = the_case(story)
    package.members["registry.json"] = rfc8785.dumps(registry)
    package.members |= {f"acceptance/{name}.p7s": file for name, file in files.items()}
    return package


def certificates(roots: Sequence[Holder]) -> list[x509.Certificate]:
    return [root.certificate for root in roots]


@pytest.mark.parametrize("name", GIVEN)
def test_an_acceptance(name: str) -> None:
    given = GIVEN[name]
    registry = with_changes(given.change, sha256(given.file))
    package = package_of(usual(), registry, {given.name or sha256(given.file).hex(): given.file})
    trust = believing(usual(), registry=registry) if given.known else usual().trust()
    assert both(package, trust, certificates(given.roots))["acceptance"] == given.state


def test_the_worst_of_two() -> None:
    """One whose certificate names nobody, beside one that is as it should be."""
    key = AccountKey("accepted too").address
    other = sign(hospital(code="SOMEBODY"), terms(key))
    registry = Registry(list(CHANGES)).add_key(HOSPITAL, NEW.address, data="0x" + sha256(GOOD).hex())
    registry.add_key(HOSPITAL, key, data="0x" + sha256(other).hex())
    registry = written(registry)
    files = {sha256(file).hex(): file for file in (GOOD, other)}
    package, trust = package_of(usual(), registry, files), believing(usual(), registry=registry)
    assert both(package, trust, [ROOT.certificate])["acceptance"] == "NOT_CHECKED"
