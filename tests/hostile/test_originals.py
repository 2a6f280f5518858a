"""Whatever stands in the part `proof` of an import, it is the proof that it says it is, or refused with a problem; and
the subject of an import is what the specification says."""

from dataclasses import replace
from hashlib import sha256
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings

from anchors.core.cosignature import WitnessSecret
from anchors.core.encoding import encode_base64
from anchors.core.merkle import MAX_SIZE
from anchors.core.tlog_proof import Extra, TlogProof
from ledger_service.kinds import KINDS
from ledger_service.originals import TrustedOrigins, import_subject, read_original, without_personal_parts
from ledger_service.parts import PART_FORMS
from ledger_service.problems import Refused
from tests.fixtures.examples import examples
from tests.fixtures.other_log import ORIGIN, OtherLog, original
from tests.hostile.mutations import PIECES, mutated

OTHER = OtherLog()
REPORT = OTHER.add(OTHER.hospital.issued())
AMENDED = OTHER.add(OTHER.hospital.amended(REPORT))
PROOFS = [OTHER.proof(REPORT), OTHER.proof(AMENDED)]
TRUSTED = TrustedOrigins([OTHER.trust()])
CODES = {"proof-malformed", "original-differs", "original-key-unknown", "proof-fails", "origin-unknown"}


def forms_of(file: str, **link: Any) -> dict[str, Any]:
    values = {"proof": {"file": file}, "links": [original(OTHER, REPORT, **link)]}
    return {name: msgspec.convert(value, PART_FORMS[name]) for name, value in values.items()}


def judge(file: str, **link: Any) -> str:
    """The problem's code, "" where the proof is taken."""
    try:
        TRUSTED.check(read_original(KINDS["import.issued"], forms_of(file, **link)))
    except Refused as refused:
        assert refused.detail and "\n" not in refused.detail
        return refused.problem.code
    return ""


def test_the_right_one_is_taken() -> None:
    assert judge(PROOFS[0].decode()) == ""


def test_every_flipped_bit_is_refused() -> None:
    for offset, byte in enumerate(PROOFS[0]):
        for bit in range(8):
            changed = bytes((*PROOFS[0][:offset], byte ^ 1 << bit, *PROOFS[0][offset + 1 :]))
            try:
                file = changed.decode()
            except UnicodeDecodeError:
                continue  # no JSON text holds it
            assert judge(file) in CODES, (offset, bit)


@settings(max_examples=examples(300, thorough=3_000))
@given(mutated(PROOFS))
def test_whatever_is_changed_is_refused(changed: bytes) -> None:
    file = changed.decode("utf-8", errors="replace")
    assert file.encode() == PROOFS[0] or judge(file) in CODES


@pytest.mark.parametrize("piece", PIECES)
def test_what_no_proof_looks_like(piece: bytes) -> None:
    assert judge(piece.decode("utf-8", errors="replace")) == "proof-malformed"


def test_bounds() -> None:
    proof = TlogProof.parse(PROOFS[0])
    head, rest = proof.checkpoint.split(b"\n2\n")
    sizes = [replace(proof, checkpoint=head + b"\n%d\n" % size + rest) for size in (0, 1, MAX_SIZE, MAX_SIZE + 1)]
    hashes = [replace(proof, hashes=[bytes(32)] * count) for count in (0, 63, 64)]
    assert {judge(each.format().decode()) for each in sizes + hashes} <= {"proof-fails", "proof-malformed"}
    far = replace(proof, index=2**53 - 1).format().decode()
    assert judge(far, index=2**53 - 1) == "proof-fails"


def test_a_cosignature_that_fails_is_refused_and_none_is_not() -> None:
    witness = WitnessSecret("witness.example/1", b"\x01" * 32)
    lines = (f"witness one {witness.key} https://witness.example/", "quorum one")
    trusted = TrustedOrigins([replace(OTHER.trust(), witnesses=lines)])
    trusted.check(read_original(KINDS["import.issued"], forms_of(PROOFS[0].decode())))
    name, key_id, _ = str(witness.key).split("+", 2)
    forged = encode_base64(bytes.fromhex(key_id) + bytes(72))
    with pytest.raises(Refused, match="cosigned FAILED") as refused:
        file = f"{PROOFS[0].decode()}— {name} {forged}\n"
        trusted.check(read_original(KINDS["import.issued"], forms_of(file)))
    assert refused.value.problem.code == "proof-fails"


def test_a_role_that_signs_no_report_there() -> None:
    other = OtherLog(role="insurer")
    report = other.add(other.hospital.issued())
    values = {"proof": {"file": other.proof(report).decode()}, "links": [original(other, report)]}
    forms = {name: msgspec.convert(value, PART_FORMS[name]) for name, value in values.items()}
    with pytest.raises(Refused, match="no role") as refused:
        TrustedOrigins([other.trust()]).check(read_original(KINDS["import.issued"], forms))
    assert refused.value.problem.code == "proof-fails"


def test_the_subject_of_an_import_is_what_the_specification_says() -> None:
    expected = sha256(b"huzheng import\0ledger.example/other-city\0" + b"\x05" * 32 + b"\0SYN-A").digest()[:24]
    assert import_subject(ORIGIN, b"\x05" * 32, "SYN-A") == expected + b"imported"


def test_withholding_keeps_the_content() -> None:
    proof = TlogProof.parse(without_personal_parts(PROOFS[0]))
    assert Extra.decode(proof.extra).content.hash == REPORT.content.hash and proof.format() == PROOFS[0]
