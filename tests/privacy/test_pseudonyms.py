"""Pseudonyms: fixed by vectors that OpenSSL's command made, one a person, nothing without the key."""

import secrets
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anchors.core.errors import MalformedInput
from ledger_service.client.errors import WrongInput
from ledger_service.client.keystore import PSEUDONYM, create_key_file, read_key_file
from ledger_service.client.pseudonyms import RESIDENT, PseudonymKeys, key_id

KEY, OTHER = bytes(range(32)), bytes(range(32, 64))
KEY_ID = "50cf0a13565e4a60"
# The two examples that GB 11643 prints; nobody's.
EXAMPLE, SECOND_EXAMPLE = "11010519491231002X", "440524188001010014"
# openssl dgst -sha256 -mac HMAC -macopt hexkey:00…1f over "huzheng pseudonym v1" 00 system 00 number
VECTORS = {
    (RESIDENT, EXAMPLE): "105acffe88ff29cb24323609464ff45d1eba189d67df4212f253e2a5872a9931",
    ("patient-number", "A-17"): "e290ba2b712bb41e6205b77a8c3d2cb13ed116562b4987242bc4363f6ed7006b",
}


@pytest.mark.parametrize(("system", "number"), VECTORS)
def test_vectors(system: str, number: str) -> None:
    assert key_id(KEY) == KEY_ID
    assert PseudonymKeys([KEY]).pseudonym(system, number) == f"p1.{KEY_ID}.{VECTORS[system, number]}"


@pytest.mark.parametrize("written", [EXAMPLE, EXAMPLE.lower(), f" {EXAMPLE}\n", "110105 19491231 002x"])
def test_one_person_has_one_pseudonym_however_the_number_is_written(written: str) -> None:
    assert PseudonymKeys([KEY]).pseudonym(RESIDENT, written).endswith(VECTORS[RESIDENT, EXAMPLE])


def test_elsewhere_case_tells_two_numbers_apart() -> None:
    keys = PseudonymKeys([KEY])
    assert keys.pseudonym("patient-number", "a-17") != keys.pseudonym("patient-number", "A-17")
    assert keys.pseudonym("patient-number", " A- 17") == f"p1.{KEY_ID}.{VECTORS['patient-number', 'A-17']}"


@pytest.mark.parametrize(
    "number",
    ["", "  ", "1" * 129, "a\x00b", "110105194912310021", EXAMPLE[:-1], EXAMPLE + "1", "440524188001010015", "１" * 18],
)
def test_numbers_that_are_none(number: str) -> None:
    with pytest.raises(WrongInput) as raised:
        PseudonymKeys([KEY]).pseudonym(RESIDENT, number)
    assert not number.strip() or number not in str(raised.value), "an error quotes the number"


@pytest.mark.parametrize("system", ["", "Resident", "a b", "a\x00", "x" * 65])
def test_systems_that_are_none(system: str) -> None:
    with pytest.raises(WrongInput):
        PseudonymKeys([KEY]).pseudonym(system, "1")


def test_the_same_number_elsewhere_or_under_another_key_has_nothing_in_common() -> None:
    keys = PseudonymKeys([KEY])
    other_key = PseudonymKeys([OTHER]).pseudonym(RESIDENT, EXAMPLE)
    found = {keys.pseudonym(RESIDENT, EXAMPLE), keys.pseudonym("passport", EXAMPLE), other_key}
    assert len({pseudonym.rpartition(".")[2] for pseudonym in found}) == 3
    assert keys.pseudonym(RESIDENT, EXAMPLE) != keys.pseudonym(RESIDENT, SECOND_EXAMPLE)


def test_after_a_rotation_the_holder_links_and_nobody_else() -> None:
    before, after = PseudonymKeys([OTHER]), PseudonymKeys([KEY, OTHER])
    old = before.pseudonym(RESIDENT, EXAMPLE)
    assert after.current == KEY_ID
    assert after.all_pseudonyms(RESIDENT, EXAMPLE) == [after.pseudonym(RESIDENT, EXAMPLE), old]
    assert after.is_of(old, RESIDENT, EXAMPLE) and not after.is_of(old, RESIDENT, SECOND_EXAMPLE)
    with pytest.raises(WrongInput, match=key_id(OTHER)):
        PseudonymKeys([KEY]).is_of(old, RESIDENT, EXAMPLE)
    for text in ("", old.upper(), f"{old} ", old[:-1], old.replace("p1", "p2")):
        with pytest.raises(WrongInput):
            after.is_of(text, RESIDENT, EXAMPLE)


def test_keys_that_are_none() -> None:
    for wrong in ([], [b""], [KEY[:31]]):
        with pytest.raises((WrongInput, MalformedInput)):
            PseudonymKeys(wrong)


def test_nothing_that_is_shown_of_the_keys_holds_one() -> None:
    secret = secrets.token_bytes(32)
    keys = PseudonymKeys([secret])
    shown = f"{keys!r} {keys} {keys.pseudonym(RESIDENT, EXAMPLE)}"
    assert secret.hex() not in shown and repr(secret) not in shown and EXAMPLE not in shown


@given(st.binary(min_size=32, max_size=32), st.text(min_size=1, max_size=40))
def test_any_number_gives_a_pseudonym_or_an_error_in_words(secret: bytes, number: str) -> None:
    keys = PseudonymKeys([secret])
    try:
        pseudonym = keys.pseudonym("patient-number", number)
    except WrongInput:
        return
    assert keys.is_of(pseudonym, "patient-number", number)
    assert keys.pseudonym("patient-number", f" {number} ") == pseudonym


def test_a_key_file_names_the_key(tmp_path: Path) -> None:
    made = create_key_file(tmp_path / "key.json", PSEUDONYM, "synthetic", secret=KEY, light=True)
    found = read_key_file(made.path)
    assert found.public[2:18] == KEY_ID and found.unlock("synthetic") == KEY
    with pytest.raises(WrongInput, match="no address"):
        _ = found.address
    assert '"address"' not in made.path.read_text()
