"""Cosignatures and policies, judged by what others published and by tables written by hand."""

import base64
import struct

import pytest

from anchors.core.checkpoint import open_checkpoint
from anchors.core.cosignature import WitnessKey, WitnessSecret, cosigned_message, open_cosignatures
from anchors.core.encoding import encode_base64
from anchors.core.errors import MalformedInput, VerificationFailed
from anchors.core.note import SignerKey, VerifierKey, open_note, split_note
from anchors.core.quorum import parse_policy
from tests.conformance.test_published import TESTDATA_KEY, checkpoint_file
from tests.conformance.vectors import published

# The example of c2sp.org/tlog-cosignature: its note, and what it says is signed.
EXAMPLE = """example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+\
xeMcTOAYQ8=
— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZ\
qhf5nNo0xUe+mbIUBkBIfZ+qnA==
"""
EXAMPLE_MESSAGE = b"""cosignature/v1
time 1679315147
example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=
"""
FIRST, SECOND, THIRD = (WitnessSecret(f"witness.example/{n}", bytes([n]) * 32) for n in (1, 2, 3))
LOG = SignerKey("ledger.example/cosigned", b"\x09" * 32)
TEXT = "ledger.example/cosigned\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n"


def note(*lines: str) -> bytes:
    return (LOG.sign(TEXT) + "".join(lines)).encode()


def test_the_published_example() -> None:
    text, lines = split_note(EXAMPLE.encode())
    ((name, encoded),) = [line for line in lines if line[0].startswith("witness")]
    signature = base64.b64decode(encoded)
    (time,) = struct.unpack(">Q", signature[4:12])
    assert (name, len(signature), time) == ("witness.example.com/w1", 76, 1_679_315_147)
    assert cosigned_message(text, time) == EXAMPLE_MESSAGE


def test_the_log_s_signature_of_published_checkpoints_verifies_beside_cosignatures() -> None:
    data = checkpoint_file(published("tlog"), 3)
    cosigned = data + FIRST.cosign(split_note(data)[0], 1_700_000_000).encode()
    assert open_checkpoint(cosigned, [VerifierKey.parse(TESTDATA_KEY)]).size == 3
    (found,) = open_cosignatures(cosigned, [FIRST.key])
    assert (found.key.name, found.time) == ("witness.example/1", 1_700_000_000)


def test_of_an_opened_note_the_lines_that_were_verified_are_told_from_the_others() -> None:
    other, stranger = SignerKey(LOG.name, b"\x0a" * 32), SignerKey("stranger.example/log", b"\x0b" * 32)
    line, its_other, foreign = (key.sign(TEXT).split("\n")[-2] + "\n" for key in (LOG, other, stranger))
    forged = "— stranger.example/log " + encode_base64(stranger.verifier.key_id + bytes(64)) + "\n"
    data = f"{TEXT}\n{forged}{its_other}{foreign}{line}{FIRST.cosign(TEXT, 7)}{line}".encode()
    assert open_note(data, [LOG.verifier]).signed == f"{TEXT}\n{line}".encode()
    assert open_note(data, [LOG.verifier, other.verifier]).signed == f"{TEXT}\n{its_other}{line}".encode()


def test_a_witness_key_has_one_text() -> None:
    key = FIRST.key
    assert WitnessKey.parse(str(key)) == key
    # Type 0x04 in the key, and in what its id is the hash of: a log's key of the same secret is another one.
    assert base64.b64decode(str(key).split("+", 2)[2])[0] == 4
    log_key = SignerKey(FIRST.name, FIRST.seed).verifier
    assert log_key.public_key == key.public_key and log_key.key_id != key.key_id
    for wrong in (str(log_key), str(key)[:-4], str(key).replace("witness.example/1", "witness.example/2"), ""):
        with pytest.raises(MalformedInput):
            WitnessKey.parse(wrong)
    with pytest.raises(MalformedInput):
        VerifierKey.parse(str(key))


def test_cosignatures_are_found_and_others_are_left_alone() -> None:
    signed = note(FIRST.cosign(TEXT, 5), SECOND.cosign(TEXT, 7), FIRST.cosign(TEXT, 6))
    found = open_cosignatures(signed, [FIRST.key, THIRD.key])
    assert [(one.key, one.time, one.line) for one in found] == [(FIRST.key, 6, FIRST.cosign(TEXT, 6))]
    assert open_cosignatures(signed, []) == []
    other_name = WitnessSecret("witness.example/elsewhere", FIRST.seed).key
    assert open_cosignatures(signed, [other_name]) == []


def changed(line: str, position: int, value: bytes | None = None) -> str:
    head, encoded = line.rstrip("\n").rsplit(" ", 1)
    data = bytearray(base64.b64decode(encoded))
    data[position:] = value if value is not None else bytes([data[position] ^ 1]) + data[position + 1 :]
    return f"{head} {base64.b64encode(bytes(data)).decode()}\n"


@pytest.mark.parametrize("position", [4, 11, 12, 40, 75])
def test_a_changed_bit_of_time_or_signature(position: int) -> None:
    with pytest.raises(VerificationFailed, match=r"witness.example/1 does not verify"):
        open_cosignatures(note(changed(FIRST.cosign(TEXT, 5), position)), [FIRST.key])


def test_a_cosignature_of_another_form() -> None:
    line = FIRST.cosign(TEXT, 5)
    for wrong in (changed(line, 75, b""), changed(line, 76, b"\x00"), changed(line, 12, b"")):
        with pytest.raises(VerificationFailed, match="bytes, expected 76"):
            open_cosignatures(note(wrong), [FIRST.key])
    with pytest.raises(VerificationFailed):
        open_cosignatures(note(FIRST.cosign(TEXT, 2**63)), [FIRST.key])
    with pytest.raises(VerificationFailed):
        open_cosignatures(note(FIRST.cosign(TEXT + "extension\n", 5)), [FIRST.key])


POLICY = f"""# the example of c2sp.org/tlog-policy, smaller
log {LOG.verifier} https://ledger.example/log
\twitness  X1 {FIRST.key}\t
witness X2 {SECOND.key} https://x2.example/
group X all X1 X2

witness Y {THIRD.key}
group X-or-Y any X Y
quorum X-or-Y
"""


@pytest.mark.parametrize(
    ("quorum", "holds"),
    [
        # Which of 1, 2, 3 cosigned, written out: none, 1, 2, 3, 12, 13, 23, 123.
        ("quorum X-or-Y", [False, False, False, True, True, True, True, True]),
        ("quorum X", [False, False, False, False, True, False, False, True]),
        ("quorum Y", [False, False, False, True, False, True, True, True]),
        ("quorum none", [True] * 8),
    ],
)
def test_who_makes_a_quorum(quorum: str, holds: list[bool]) -> None:
    policy = parse_policy(POLICY.replace("quorum X-or-Y", quorum).encode())
    keys = [FIRST.key, SECOND.key, THIRD.key]
    sets = [(), (0,), (1,), (2,), (0, 1), (0, 2), (1, 2), (0, 1, 2)]
    assert [policy.holds([keys[index] for index in one]) for one in sets] == holds
    assert [(witness.name, witness.url) for witness in policy.witnesses] == [
        ("X1", ""), ("X2", "https://x2.example/"), ("Y", "")
    ]  # fmt: skip
    assert list(policy.logs.values()) == ["https://ledger.example/log"]


def test_two_of_three() -> None:
    lines = [f"witness {n} {one.key}" for n, one in zip("abc", (FIRST, SECOND, THIRD), strict=True)]
    policy = parse_policy("\n".join([*lines, "group g 2 a b c", "quorum g", ""]).encode())
    assert not policy.holds([FIRST.key]) and policy.holds([FIRST.key, THIRD.key])
    assert not policy.holds([FIRST.key, WitnessSecret("other", b"\x08" * 32).key])


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        ("", "no line 'quorum"),
        ("quorum x\n", "line 1: 'x' is not defined"),
        ("quorum none\nquorum none\n", "second quorum"),
        ("quorum none", "does not end in a newline"),
        ("quorum none\r\n", "control characters"),
        ("quorum none extra\n", "expected 'quorum"),
        ("wittness a\n", "expected log, witness"),
        (f"witness a {FIRST.key}\nwitness b {WitnessSecret('other', FIRST.seed).key}\nquorum a\n", "the same key"),
        (f"witness a {FIRST.key}\nwitness a {SECOND.key}\nquorum a\n", "'a' is taken"),
        (f"witness none {FIRST.key}\nquorum none\n", "'none' is taken"),
        (f"witness a {LOG.verifier}\nquorum a\n", "only Ed25519 cosignature keys"),
        (f"log {FIRST.key}\nquorum none\n", "only Ed25519"),
        (f"witness a {FIRST.key}\ngroup g 2 a\nquorum g\n", "expected all, any, or 1 to 1"),
        (f"witness a {FIRST.key}\ngroup g 0 a\nquorum g\n", "expected all, any"),
        (f"witness a {FIRST.key}\ngroup g 01 a\nquorum g\n", "expected all, any"),
        (f"witness a {FIRST.key}\ngroup g all\nquorum g\n", "expected 'group"),
        (f"witness a {FIRST.key}\ngroup g any a none\nquorum g\n", "'none' is not defined"),
        (f"witness a {FIRST.key}\ngroup g any a a\nquorum g\n", "a member already"),
        (f"witness a {FIRST.key}\ngroup g any a\ngroup h any a\nquorum g\n", "a member already"),
        (f"group g any a\nwitness a {FIRST.key}\nquorum g\n", "line 1: 'a' is not defined"),
        (f"witness a {FIRST.key}\ngroup g any g a\nquorum g\n", "'g' is not defined"),
    ],
)  # fmt: skip
def test_a_policy_that_is_none(lines: str, why: str) -> None:
    with pytest.raises(MalformedInput, match=why):
        parse_policy(lines.encode())
