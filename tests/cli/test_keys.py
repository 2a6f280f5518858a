"""`huzheng keys` and the key files it makes."""

import json
import stat
from pathlib import Path

import pytest
from eth_account import Account

from anchors.core.encoding import code_word
from anchors.core.note import SignerKey, VerifierKey
from anchors.core.signature import recover
from anchors.core.typed_data import Domain, log_id
from ledger_service.client.keystore import PURPOSES, create_key_file, read_key_file
from tests.cli.command import PASSPHRASE, answer, huzheng
from tests.cli.conftest import Here
from tests.cli.evidence import ORIGIN, city

PURPOSES_WITH_ACCOUNT = ("statement", "checkpoint", "receipt", "account")


@pytest.mark.parametrize("purpose", PURPOSES)
def test_a_key_of_every_purpose(tmp_path: Path, purpose: str) -> None:
    path = tmp_path / "key.json"
    made = answer("keys", "new", "--purpose", purpose, "--out", path, "--light")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    wire = json.loads(path.read_text())
    assert wire["huzheng"] == {"purpose": purpose, "public": made["public"]}
    assert ("address" in wire) == (purpose in PURPOSES_WITH_ACCOUNT)
    shown = answer("keys", "show", path, "--check")
    assert shown["public"] == made["public"] and shown["unlocked"] is True
    assert PASSPHRASE not in path.read_text()


@pytest.mark.parametrize("light", [True, False])
def test_other_tools_open_it(tmp_path: Path, light: bool) -> None:
    key_file = create_key_file(tmp_path / "key.json", "statement", PASSPHRASE, light=light)
    wire = json.loads(key_file.path.read_text())
    assert wire["crypto"]["kdfparams"]["n"] == (2**12 if light else 2**18)
    secret = Account.decrypt(wire, PASSPHRASE)
    assert Account.from_key(secret).address.lower() == key_file.public


def test_a_key_file_of_another_tool_is_an_account(tmp_path: Path) -> None:
    account = Account.create()
    path = tmp_path / "other.json"
    path.write_text(json.dumps(Account.encrypt(account.key, PASSPHRASE, kdf="scrypt", iterations=2**10)))
    key_file = read_key_file(path)
    assert key_file.purpose == "account" and key_file.unlock(PASSPHRASE) == bytes(account.key)


def test_a_number_under_a_key(tmp_path: Path) -> None:
    """The number comes on standard input; the pseudonym is the vector that OpenSSL made (tests/privacy)."""
    path = tmp_path / "key.json"
    create_key_file(path, "pseudonym", PASSPHRASE, secret=bytes(range(32)), light=True)
    made = answer("keys", "pseudonym", path, "patient-number", stdin="A-17\n")
    assert made["pseudonym"] == "p1.50cf0a13565e4a60.e290ba2b712bb41e6205b77a8c3d2cb13ed116562b4987242bc4363f6ed7006b"
    huzheng("keys", "pseudonym", path, "patient-number").failed_in_one_line(2)
    answer("keys", "new", "--purpose", "subject", "--out", tmp_path / "subject.json", "--light")
    wrong = huzheng("keys", "pseudonym", tmp_path / "subject.json", "patient-number", stdin="A-17\n")
    assert "of purpose subject" in wrong.failed_in_one_line(2)


def test_a_note_key_signs_notes(tmp_path: Path) -> None:
    path = tmp_path / "note.json"
    answer("keys", "new", "--purpose", "note", "--out", path, "--light")
    shown = answer("keys", "show", path, "--origin", ORIGIN)
    seed = read_key_file(path).unlock(PASSPHRASE)
    assert shown["verifierKey"] == str(SignerKey(ORIGIN, seed).verifier)
    assert VerifierKey.parse(shown["verifierKey"]).name == ORIGIN


def test_keys_are_listed_by_folder(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    first = answer("keys", "new", "--keys", folder, "--light")
    second = answer("keys", "new", "--purpose", "receipt", "--keys", folder, "--light")
    (folder / "something.json").write_text("{}")
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    listed = answer("keys", "list", "--keys", folder)["keys"]
    assert {key["public"] for key in listed} == {first["public"], second["public"]}
    assert first["public"] in huzheng("keys", "list", "--keys", folder).out


def test_consent_is_the_keys_own(tmp_path: Path) -> None:
    path, trust = tmp_path / "key.json", tmp_path / "trust.json"
    made = answer("keys", "new", "--out", path, "--light")
    trust.write_bytes((known := city(statements=0)).trust_file())
    by_trust = answer("keys", "consent", path, "--institution", "SAMPLE", "--trust", trust)
    digest = known.domain.key_consent(code_word("SAMPLE"), code_word("statement"), bytes.fromhex(made["public"][2:]))
    assert "0x" + recover(digest, bytes.fromhex(by_trust["consent"][2:])).hex() == made["public"]
    registry = "0x" + "ab" * 20
    options = ("--chain-id", 5, "--registry", registry, "--origin", "other.example")
    by_hand = answer("keys", "consent", path, "--institution", "SAMPLE", *options)
    domain = Domain(5, bytes.fromhex(registry[2:]), log_id("other.example"))
    digest = domain.key_consent(code_word("SAMPLE"), code_word("statement"), bytes.fromhex(made["public"][2:]))
    assert "0x" + recover(digest, bytes.fromhex(by_hand["consent"][2:])).hex() == made["public"]


def test_passphrases_come_from_the_environment_or_a_file(tmp_path: Path) -> None:
    path, file = tmp_path / "key.json", tmp_path / "passphrase"
    file.write_text("from a file\nsecond line\n")
    from_file = {"HUZHENG_PASSPHRASE": "", "HUZHENG_PASSPHRASE_FILE": str(file)}
    answer("keys", "new", "--out", path, "--light", environment=from_file)
    answer("keys", "show", path, "--check", environment={"HUZHENG_PASSPHRASE": "from a file"})
    assert "wrong passphrase" in huzheng("keys", "show", path, "--check").failed_in_one_line(2)
    nothing = {"HUZHENG_PASSPHRASE": ""}
    assert "HUZHENG_PASSPHRASE" in huzheng("keys", "show", path, "--check", environment=nothing).failed_in_one_line(2)
    missing = {"HUZHENG_PASSPHRASE": "", "HUZHENG_PASSPHRASE_FILE": str(tmp_path / "none")}
    huzheng("keys", "show", path, "--check", environment=missing).failed_in_one_line(2)


def test_a_key_file_is_never_replaced(tmp_path: Path) -> None:
    path = tmp_path / "key.json"
    answer("keys", "new", "--out", path, "--light")
    before = path.read_bytes()
    assert "exists already" in huzheng("keys", "new", "--out", path, "--light").failed_in_one_line(2)
    assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]


def _other_public(wire: dict) -> None:
    wire["huzheng"]["public"] = "0x" + "12" * 20


def _other_ciphertext(wire: dict) -> None:
    wire["crypto"]["ciphertext"] = "00" * 32


def _costly(wire: dict) -> None:
    wire["crypto"]["kdfparams"]["n"] = 2**40


def _of_wrong_type(wire: dict) -> None:
    wire["crypto"] = ["x"]


def _of_no_purpose(wire: dict) -> None:
    wire["huzheng"]["purpose"] = "everything"


def _without_salt(wire: dict) -> None:
    del wire["crypto"]["kdfparams"]["salt"]


@pytest.mark.parametrize(
    "spoil", [_other_public, _other_ciphertext, _costly, _of_wrong_type, _of_no_purpose, _without_salt]
)
def test_a_spoilt_key_file_is_wrong_input(tmp_path: Path, here: Here, spoil) -> None:
    path = tmp_path / "key.json"
    create_key_file(path, "statement", PASSPHRASE, light=True)
    wire = json.loads(path.read_text())
    spoil(wire)
    path.write_text(json.dumps(wire))
    here("keys", "show", path, "--check").failed_in_one_line(2)


@pytest.mark.parametrize("content", [b"", b"\xff\x00", b"[]", b"null", b"1", b'{"a":' * 100_000])
def test_what_is_no_key_file_is_wrong_input(tmp_path: Path, content: bytes, here: Here) -> None:
    path = tmp_path / "key.json"
    path.write_bytes(content)
    here("keys", "show", path).failed_in_one_line(2)
