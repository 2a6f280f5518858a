"""One token: what holds is told in full, and each thing that may be wrong has its own answer."""

import subprocess
import time
from pathlib import Path

import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID
from rfc3161_client import HashAlgorithm

from anchors.clocks import Timestamp, UnknownAuthority, verify_timestamp
from anchors.core.errors import Error, MalformedInput, VerificationFailed
from tests.fixtures.clock_authority import House, make_house

MESSAGE = b"ledger.example/clocks\n1\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"
DAY = 86_400


@pytest.fixture(scope="module", params=["ec", "rsa"])
def house(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> House:
    """A good authority, with a key of each kind."""
    return make_house(tmp_path_factory.mktemp("houses"), f"good-{request.param}", key=request.param)


@pytest.fixture(scope="module")
def token(house: House) -> bytes:
    """Its token over the message."""
    return house.token(MESSAGE)


@pytest.mark.parametrize("algorithm", [HashAlgorithm.SHA256, HashAlgorithm.SHA512])
def test_a_token_that_holds_says_when_by_whom_and_how_exactly(house: House, algorithm: HashAlgorithm) -> None:
    begin = int(time.time())
    stamp = verify_timestamp(house.token(MESSAGE, algorithm), MESSAGE, [house.authority])
    assert isinstance(stamp, Timestamp)
    assert stamp.authority == house.folder.name
    assert begin <= stamp.time <= time.time() + 1
    assert (stamp.accuracy, stamp.before) == (2, stamp.time + 2)  # 1.5 s, rounded up
    assert abs(stamp.expires - (begin + 3_650 * DAY)) < DAY


def test_openssl_says_the_same(house: House, token: bytes, tmp_path: Path) -> None:
    (tmp_path / "token").write_bytes(token)
    (tmp_path / "message").write_bytes(MESSAGE)
    command = ["openssl", "ts", "-verify", "-token_in", "-in", "token", "-data", "message", "-CAfile"]
    judged = subprocess.run([*command, house.folder / "root.pem"], cwd=tmp_path, capture_output=True, text=True)
    assert "Verification: OK" in judged.stdout + judged.stderr


def test_another_message(house: House, token: bytes) -> None:
    with pytest.raises(VerificationFailed, match="over another message"):
        verify_timestamp(token, MESSAGE + b"x", [house.authority])


def test_a_stranger_is_told_from_a_token_that_does_not_hold(house: House, token: bytes, tmp_path: Path) -> None:
    other, posing = make_house(tmp_path, "other"), make_house(tmp_path, "posing", root_of=house)
    with pytest.raises(UnknownAuthority, match="SAMPLE good"):
        verify_timestamp(token, MESSAGE, [other.authority])
    with pytest.raises(UnknownAuthority):
        verify_timestamp(token, MESSAGE, [])
    assert verify_timestamp(token, MESSAGE, [other.authority, house.authority]).authority == house.folder.name
    with pytest.raises(VerificationFailed, match="does not hold under") as refused:
        verify_timestamp(posing.token(MESSAGE), MESSAGE, [house.authority])
    assert not isinstance(refused.value, UnknownAuthority)


@pytest.mark.parametrize(
    ("how", "why"),
    [
        ({"begin": -20, "end": -10}, "does not hold under"),
        ({"begin": 10, "end": 20}, "does not hold under"),
        ({"digest": "sha1"}, "signed with sha1"),
        ({"committed": "sha1"}, "does not commit to its signer's certificate"),
    ],
    ids=["expired", "not yet valid", "signed with SHA-1", "committed by SHA-1"],
)
def test_an_authority_that_is_not_good_enough(tmp_path: Path, how: dict, why: str) -> None:
    house = make_house(tmp_path, "weak", **how)
    token = house.token(MESSAGE)
    with pytest.raises(VerificationFailed, match=why):
        verify_timestamp(token, MESSAGE, [house.authority])


@pytest.mark.parametrize(
    "usage",
    [
        {"critical": False},
        {"usage": (ExtendedKeyUsageOID.TIME_STAMPING, ExtendedKeyUsageOID.CODE_SIGNING)},
        {"usage": (ExtendedKeyUsageOID.CODE_SIGNING,)},
    ],
    ids=["not critical", "for code too", "for code alone"],
)
def test_a_certificate_that_is_not_for_time_stamping_alone(tmp_path: Path, token: bytes, usage: dict) -> None:
    # openssl signs with no such certificate, so a good token is signed again with it.
    house = make_house(tmp_path, "wide", **usage)
    with pytest.raises(VerificationFailed, match="not for time-stamping alone, critically"):
        verify_timestamp(house.sign_again(token), MESSAGE, [house.authority])


def test_signing_again_is_what_makes_a_token(tmp_path: Path, token: bytes) -> None:
    house = make_house(tmp_path, "good-too")
    assert verify_timestamp(house.sign_again(token), MESSAGE, [house.authority]).authority == "good-too"


def test_another_certificate_of_the_same_authority(tmp_path: Path, token: bytes) -> None:
    house = make_house(tmp_path, "good-too")
    swapped = house.sign_again(token, committed=b"another certificate")
    with pytest.raises(VerificationFailed, match="does not commit"):
        verify_timestamp(swapped, MESSAGE, [house.authority])


def test_a_sha1_imprint(house: House, tmp_path: Path) -> None:
    (tmp_path / "message").write_bytes(MESSAGE)
    command = ["openssl", "ts", "-query", "-data", "message", "-sha1", "-cert", "-out", "query"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    (tmp_path / "answer").write_bytes(house.answer((tmp_path / "query").read_bytes()))
    with pytest.raises(VerificationFailed, match="SHA-256 or more"):
        verify_timestamp(house.cut(tmp_path / "answer"), MESSAGE, [house.authority])


def test_garbage(house: House, token: bytes) -> None:
    for data in (
        b"",
        b"garbage",
        token[:-1],
        token + b"\x00",
        b"0" * 65_537,
        token[: len(token) // 2],
        b"\x30\x80" * 99,
    ):
        with pytest.raises(MalformedInput):
            verify_timestamp(data, MESSAGE, [house.authority])


def test_no_flipped_bit_makes_it_say_something_else(house: House, token: bytes) -> None:
    stamp = verify_timestamp(token, MESSAGE, [house.authority])
    for position in range(0, len(token), 9):
        flipped = bytearray(token)
        flipped[position] ^= 1 << (position % 8)
        try:
            found = verify_timestamp(bytes(flipped), MESSAGE, [house.authority])
        except Error:
            continue
        assert found == stamp, f"byte {position} changed what the token says"
