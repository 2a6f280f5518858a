"""A hospital accepts its key under its certificate: each claim holds where it should, and fails for one reason each.

Authorities and hospitals are made here and are of nobody. OpenSSL's own command is the second judge of the file.
"""

import base64
import datetime
import hashlib
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from asn1crypto import cms, core
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given, settings
from hypothesis import strategies as st

from anchors.core.encoding import ZERO_WORD
from anchors.core.errors import MalformedInput
from anchors.core.registry import Action, Change
from anchors.core.typed_data import log_id
from anchors.core.verify import Claim, State
from ledger_service.client.acceptance import (
    ACCEPTED_SIGNATURE,
    ELECTRONIC_SIGNATURE,
    NEEDED,
    Recorded,
    Terms,
    acceptance_digest,
    find_recorded,
    signature_words,
    verify_acceptance,
)
from tests.fhir.certificates import SECONDS, Holder, authority, institution
from tests.fixtures.examples import examples

CODE = "SAMPLE-HOSPITAL-01"
TERMS = Terms(CODE, bytes([7]) * 20, 31_337, bytes([9]) * 20, "ledger.example/city")
V, F, N = State.VERIFIED, State.FAILED, State.NOT_CHECKED


@pytest.fixture(scope="module")
def root() -> Holder:
    return authority()


@pytest.fixture(scope="module")
def hospital(root: Holder) -> Holder:
    return institution(root, CODE)


def judge(file: bytes, root: Holder, terms: Terms = TERMS, **changes: Any) -> dict[str, State]:
    """The claims' states by name."""
    given = {"recorded": Recorded(acceptance_digest(file), SECONDS), "roots": [root.der], "at": SECONDS} | changes
    claims = verify_acceptance(file, terms, **given)
    assert all("\n" not in claim.why for claim in claims)
    return {claim.name: claim.state for claim in claims}


def words(file: bytes, root: Holder, **changes: Any) -> str:
    given = {"recorded": Recorded(acceptance_digest(file), SECONDS), "roots": [root.der], "at": SECONDS} | changes
    return signature_words(verify_acceptance(file, TERMS, **given))


SOUND = {"registered": V, "text": V, "signature": V, "chain": V, "usage": V, "holder": V, "revocation": N}


def test_the_text_is_these_bytes() -> None:
    assert TERMS.text().decode() == (
        "huzheng acceptance v1\n"
        "institution SAMPLE-HOSPITAL-01\n"
        "key 0x0707070707070707070707070707070707070707\n"
        "purpose statement\n"
        "chain 31337\n"
        "registry 0x0909090909090909090909090909090909090909\n"
        "log ledger.example/city\n"
        "The institution accepts what this key signs in this log as its own electronic signature.\n"
        "本机构确认：该密钥在该日志中所作的签名，即为本机构的电子签名。\n"
    )


@pytest.mark.parametrize("by", ["ecdsa", "rsa"])
@pytest.mark.parametrize("of", ["ecdsa", "rsa"])
def test_a_sound_acceptance(by: str, of: str) -> None:
    root = authority(algorithm=by)
    file = institution(root, CODE, algorithm=of).sign(TERMS.text())
    assert judge(file, root) == SOUND
    assert words(file, root) == ACCEPTED_SIGNATURE


def test_an_authority_below_the_root(root: Holder) -> None:
    below = authority("Sample CA below", by=root)
    hospital = institution(below, CODE)
    file = hospital.sign(TERMS.text())
    # The file holds the hospital's certificate alone: without the one between, nothing leads to the root.
    assert judge(file, root)["chain"] is F
    assert judge(with_certificate(file, below), root) == SOUND
    assert judge(file, below)["chain"] is V  # who trusts the lower one needs no more


@pytest.mark.parametrize(
    "other",
    [
        Terms("SAMPLE-HOSPITAL-02", TERMS.key, TERMS.chain_id, TERMS.registry, TERMS.origin),
        Terms(CODE, bytes([8]) * 20, TERMS.chain_id, TERMS.registry, TERMS.origin),
        Terms(CODE, TERMS.key, 31_338, TERMS.registry, TERMS.origin),
        Terms(CODE, TERMS.key, TERMS.chain_id, bytes([8]) * 20, TERMS.origin),
        Terms(CODE, TERMS.key, TERMS.chain_id, TERMS.registry, "ledger.example/other"),
    ],
    ids=["institution", "key", "chain", "registry", "log"],
)
def test_it_accepts_one_key_in_one_log(hospital: Holder, root: Holder, other: Terms) -> None:
    states = judge(hospital.sign(TERMS.text()), root, other)
    assert (states["text"], states["signature"], states["chain"]) == (F, V, V)


def failing(root: Holder, hospital: Holder) -> dict[str, tuple[bytes, dict[str, Any], dict[str, State]]]:
    """What is wrong, by name: the file, what is given otherwise, and the claims that end otherwise."""
    file, elsewhere = hospital.sign(TERMS.text()), authority("Other CA")
    ended = institution(root, CODE, until=datetime.datetime(2026, 6, 1, tzinfo=datetime.UTC))
    sealing = institution(root, CODE, usages=("key_encipherment",))
    stranger = institution(root, "SAMPLE-HOSPITAL-02")
    below = institution(Holder(hospital.certificate, hospital.key), CODE)
    subject = hospital.certificate.subject.rfc4514_string()
    return {
        "not in the registry": (file, {"recorded": None}, {"registered": N}),
        "another file in the registry": (file, {"recorded": Recorded(ZERO_WORD, SECONDS)}, {"registered": F}),
        "no root": (file, {"roots": []}, {"chain": N}),
        "another root": (file, {"roots": [elsewhere.der]}, {"chain": F}),
        "one of two roots": (file, {"roots": [elsewhere.der, root.der]}, {}),
        "before it was valid": (file, {"at": SECONDS - 365 * 86_400}, {"chain": F}),
        "after it was valid": (ended.sign(TERMS.text()), {}, {"chain": F}),
        "while it was valid": (ended.sign(TERMS.text()), {"at": SECONDS - 200 * 86_400}, {}),
        "not for signing": (sealing.sign(TERMS.text()), {}, {"usage": F}),
        "of another institution": (stranger.sign(TERMS.text()), {}, {"holder": N}),
        "known by its subject": (file, {"holder": subject}, {}),
        "not the subject that is known": (file, {"holder": "CN=Somebody"}, {"holder": F}),
        "issued by no authority": (with_certificate(below.sign(TERMS.text()), hospital), {}, {"chain": F}),
        "no attributes": (hospital.sign(TERMS.text(), attributes=False), {}, {"text": F, "signature": F}),
        "changed signature": (changed_signature(file), {}, {"signature": F}),
        "another's certificate": (with_signer(file, institution(root, CODE)), {}, {"signature": F}),
        "without certificate": (
            without_certificates(file),
            {},
            {"signature": F, "chain": F, "usage": F, "holder": F},
        ),
        "SM2": (sm2_file(file), {}, {"signature": N, "chain": N, "usage": N}),
    }


WRONG = (
    "not in the registry", "another file in the registry", "no root", "another root", "one of two roots",
    "before it was valid", "after it was valid", "while it was valid", "not for signing", "of another institution",
    "known by its subject", "not the subject that is known", "issued by no authority", "no attributes",
    "changed signature", "another's certificate", "without certificate", "SM2",
)  # fmt: skip


@pytest.mark.parametrize("what", WRONG)
def test_one_thing_wrong(hospital: Holder, root: Holder, what: str) -> None:
    cases = failing(root, hospital)
    assert set(cases) == set(WRONG)
    file, changes, expected = cases[what]
    assert judge(file, root, **changes) == SOUND | expected
    assert words(file, root, **changes) == (ELECTRONIC_SIGNATURE if expected else ACCEPTED_SIGNATURE)


def test_nothing_is_called_reliable_by_the_product() -> None:
    for states in [(V,) * 7, (V,) * 6 + (N,), (N,) * 7, (F,) * 7]:
        claims = [Claim(name, state, "") for name, state in zip([*NEEDED, "revocation"], states, strict=True)]
        assert "可靠" not in signature_words(claims)
        assert "reliable" not in signature_words(claims)
    assert signature_words(None) == signature_words([]) == "electronic signature 电子签名"


@pytest.mark.parametrize("name", NEEDED)
@pytest.mark.parametrize("state", [F, N, State.NOT_PROVABLE, None])
def test_every_claim_is_needed_for_the_wording(name: str, state: State | None) -> None:
    claims = [Claim(one, V, "") for one in NEEDED if one != name] + ([Claim(name, state, "")] if state else [])
    assert signature_words(claims) == ELECTRONIC_SIGNATURE


def test_what_the_registry_names() -> None:
    def change(number: int, action: Action, **values: Any) -> Change:
        given = {"institution": CODE, "role": "", "log": ZERO_WORD, "key": bytes(20), "data": ZERO_WORD} | values
        return Change(number=number, time=100 + number, action=action, **given)

    log, first, second = log_id(TERMS.origin), bytes([1]) * 32, bytes([2]) * 32
    admitted = change(1, Action.ADMITTED, role="hospital", data=first)
    added = {"role": "statement", "log": log, "key": TERMS.key}
    assert find_recorded([], TERMS, first) is None
    assert find_recorded([change(1, Action.ADMITTED, role="hospital")], TERMS, first) is None
    assert find_recorded([admitted, change(2, Action.KEY_ADDED, **added)], TERMS, first) == Recorded(first, 101)
    assert find_recorded([admitted, change(2, Action.KEY_ADDED, data=second, **added)], TERMS, first) == Recorded(
        second, 102
    )
    other = change(2, Action.KEY_ADDED, data=second, **(added | {"key": bytes([3]) * 20}))
    assert find_recorded([admitted, other], TERMS, first) == Recorded(first, 101)
    elsewhere = change(2, Action.KEY_ADDED, data=second, **(added | {"log": log_id("another")}))
    assert find_recorded([elsewhere], TERMS, first) is None
    later = change(3, Action.ADMITTED, role="laboratory", data=second)
    assert find_recorded([admitted, later], TERMS, first) == Recorded(first, 101), "a later role hides no acceptance"
    assert find_recorded([admitted, later], TERMS, bytes([9]) * 32) == Recorded(second, 103)


def test_a_subject_of_many_lines_is_told_in_one(root: Holder) -> None:
    file = institution(root, "SAMPLE\nVERIFIED\x0b").sign(TERMS.text())
    claims = verify_acceptance(file, TERMS, recorded=None, roots=[root.der], at=SECONDS)
    assert {claim.name: claim.state for claim in claims}["holder"] is N
    assert not [claim.why for claim in claims if len(claim.why.splitlines()) != 1]


@pytest.mark.parametrize("file", [b"", b"no signature", b"\x30\x00", b"\x30\x80\x00\x00"])
def test_what_is_no_signature_is_malformed(root: Holder, file: bytes) -> None:
    with pytest.raises(MalformedInput, match="acceptance: "):
        judge(file, root)


def test_the_text_is_not_in_the_file(hospital: Holder, root: Holder) -> None:
    with pytest.raises(MalformedInput, match="detached"):
        judge(hospital.sign(TERMS.text(), detached=False), root)


@settings(max_examples=examples(1_000, thorough=10_000))
@given(at=st.integers(0, 3_000), byte=st.integers(0, 255), cut=st.booleans())
def test_no_changed_file_is_sound(at: int, byte: int, cut: bool) -> None:
    file = bytearray(FILE)
    if file[at % len(file)] == byte:
        return
    file[at % len(file)] = byte
    try:
        states = judge(bytes(file[: at % len(file)]) if cut else bytes(file), ROOT, recorded=RECORDED)
    except MalformedInput as error:
        assert "\n" not in str(error)
    else:
        assert states["registered"] is F


@pytest.mark.skipif(shutil.which("openssl") is None, reason="the command openssl is not installed")
def test_openssl_makes_and_judges_the_same_file(tmp_path: Path, hospital: Holder, root: Holder) -> None:
    for name, data in (("text", TERMS.text()), ("file", hospital.sign(TERMS.text()))):
        (tmp_path / name).write_bytes(data)
    pem = serialization.Encoding.PEM
    (tmp_path / "root.pem").write_bytes(root.certificate.public_bytes(pem))
    (tmp_path / "hospital.pem").write_bytes(hospital.certificate.public_bytes(pem))
    private = (pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (tmp_path / "key.pem").write_bytes(hospital.key.private_bytes(*private))
    openssl = ["openssl", "cms", "-binary", "-inform", "DER", "-purpose", "any"]
    verify = [*openssl, "-verify", "-in", "file", "-content", "text", "-CAfile", "root.pem", "-out", "read"]
    subprocess.run(verify, cwd=tmp_path, check=True, capture_output=True)
    assert (tmp_path / "read").read_bytes() == TERMS.text()
    sign = ["openssl", "cms", "-sign", "-binary", "-in", "text", "-signer", "hospital.pem", "-inkey", "key.pem"]
    subprocess.run([*sign, "-md", "sha384", "-outform", "DER", "-out", "made"], cwd=tmp_path, check=True)
    assert judge((tmp_path / "made").read_bytes(), root) == SOUND


# Files taken apart


def opened(file: bytes) -> tuple[cms.ContentInfo, cms.SignedData]:
    info = cms.ContentInfo.load(file)
    return info, info["content"]


def with_certificate(file: bytes, holder: Holder) -> bytes:
    info, signed = opened(file)
    held = [choice.chosen for choice in signed["certificates"]]
    signed["certificates"] = [*held, cms.Certificate.load(holder.der)]
    return info.dump(force=True)


def without_certificates(file: bytes) -> bytes:
    info, signed = opened(file)
    signed["certificates"] = []
    return info.dump(force=True)


def with_signer(file: bytes, holder: Holder) -> bytes:
    """The same signature, said to be by another certificate."""
    info, signed = opened(file)
    certificate = cms.Certificate.load(holder.der)
    signed["certificates"] = [certificate]
    name = {"issuer": certificate.issuer, "serial_number": certificate.serial_number}
    signed["signer_infos"][0]["sid"] = cms.SignerIdentifier({"issuer_and_serial_number": name})
    return info.dump(force=True)


def changed_signature(file: bytes) -> bytes:
    info, signed = opened(file)
    signer = signed["signer_infos"][0]
    other = ec.generate_private_key(ec.SECP256R1())
    signer["signature"] = core.OctetString(other.sign(b"another text", ec.ECDSA(hashes.SHA256())))
    return info.dump(force=True)


# A certificate with an SM2 key, signed by that key with SM3, made by OpenSSL 3.0; of nobody.
SM2_CERTIFICATE = base64.b64decode(
    "MIIB0TCCAXegAwIBAgIUBk/Pewi+NKVOaJ6goqCwpEH34ggwCgYIKoEcz1UBg3UwPjELMAkGA1UEBhMCQ04xEjAQBgNVBAoMCVNZTlRIRVRJQz"
    "EbMBkGA1UEYQwSU0FNUExFLUhPU1BJVEFMLTAxMB4XDTI2MTEyNzIxMjAzM1oXDTI5MDUxNTIxMjAzM1owPjELMAkGA1UEBhMCQ04xEjAQBgNV"
    "BAoMCVNZTlRIRVRJQzEbMBkGA1UEYQwSU0FNUExFLUhPU1BJVEFMLTAxMFkwEwYHKoZIzj0CAQYIKoEcz1UBgi0DQgAE76+lTgUpbyRDsULyqg"
    "82lMjI3PBk/3On8nFO4IDnwGDKSc36vqxeVvA95+NaCZM1+BhrB0q9o+POf5f4lxJRyqNTMFEwHQYDVR0OBBYEFIeur7NHDCldu6RGkwnqUg1c"
    "+o3kMB8GA1UdIwQYMBaAFIeur7NHDCldu6RGkwnqUg1c+o3kMA8GA1UdEwEB/wQFMAMBAf8wCgYIKoEcz1UBg3UDSAAwRQIgO9KVTMIhFT/5a7"
    "NmpKe1cLLNAEKzl6RYPMTC1H7hNz4CIQDWnWrhAxwYz7sX1FL0YrYOamnfdhoOufTZGmy1gzv/lg=="
)


def sm2_file(file: bytes) -> bytes:
    """The file as one of an SM2 certificate: the digest is SM3's of the text; the signature is not one of SM2."""
    info, signed = opened(file)
    certificate = cms.Certificate.load(SM2_CERTIFICATE)
    signed["certificates"] = [certificate]
    signer = signed["signer_infos"][0]
    name = {"issuer": certificate.issuer, "serial_number": certificate.serial_number}
    signer["sid"] = cms.SignerIdentifier({"issuer_and_serial_number": name})
    signer["digest_algorithm"]["algorithm"] = "1.2.156.10197.1.401"
    signer["signature_algorithm"]["algorithm"] = "1.2.156.10197.1.501"
    for attribute in signer["signed_attrs"]:
        if attribute["type"].native == "message_digest":
            attribute["values"] = [hashlib.new("sm3", TERMS.text()).digest()]
    return info.dump(force=True)


ROOT = authority()
FILE = institution(ROOT, CODE).sign(TERMS.text())
RECORDED = Recorded(acceptance_digest(FILE), SECONDS)
