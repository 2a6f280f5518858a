"""What a sender reads: answers of a service, key files, its own store, settings. All of it may be anything."""

import json
import sqlite3
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from anchors.core.encoding import encode_hex
from anchors.core.promise import Receipt, Refusal, accepted_hash
from anchors.core.signature import address_from_secret
from ledger_service.client.answers import ReceiptKeys, read_answer
from ledger_service.client.errors import BrokenAnswer, ClientError, WrongInput
from ledger_service.client.keystore import create_key_file, list_key_files, read_key_file
from ledger_service.client.store import Store
from ledger_service.settings import SettingsError, read_settings
from tests.cli.evidence import City, city
from tests.fixtures.examples import examples
from tests.hostile.mutations import PIECES, anything

EXAMPLES = examples(250, thorough=2_500)
CITY: City = city(statements=2)
SENT = [entry.statement.id(CITY.domain) for entry in CITY.entries]
RECEIPT_SECRET = CITY.secret("receipt")
RECEIPT_KEY = encode_hex(address_from_secret(RECEIPT_SECRET))
KEYS = ReceiptKeys(frozenset({address_from_secret(RECEIPT_SECRET)}))
LOG = encode_hex(CITY.domain.log)


def _answer() -> bytes:
    """The second statement was accepted, the first refused; both are signed."""
    receipt = Receipt(accepted_hash([(SENT[1], 7)]), 1_760_000_000, 1_760_000_600)
    refusal = Refusal(SENT[0], "sequence-gap", 1_760_000_000)
    problem = {"type": "urn:huzheng:problem:sequence-gap", "title": "t", "status": 409, "detail": "d", "retry": True}
    signed = {"log": LOG, "key": RECEIPT_KEY}
    return json.dumps(
        {
            "receipt": signed
            | {
                "accepted": encode_hex(receipt.accepted),
                "acceptedAt": receipt.accepted_at,
                "witnessBy": receipt.witness_by,
                "signature": encode_hex(receipt.sign(CITY.domain, RECEIPT_SECRET)),
            },
            "results": [
                {
                    "statement": encode_hex(SENT[0]),
                    "problem": problem,
                    "refusal": signed
                    | {
                        "statement": encode_hex(SENT[0]),
                        "reason": refusal.reason,
                        "refusedAt": refusal.refused_at,
                        "signature": encode_hex(refusal.sign(CITY.domain, RECEIPT_SECRET)),
                    },
                },
                {"statement": encode_hex(SENT[1]), "index": 7, "state": "accepted"},
            ],
        }
    ).encode()


ANSWER = _answer()
NUMBERS = (b"7", b"1760000000", b"1760000600", b"409")


def test_the_answer_holds() -> None:
    results = read_answer(ANSWER, SENT, CITY.domain, KEYS).results
    assert [result.index for result in results] == [None, 7]


@settings(max_examples=EXAMPLES)
@given(anything([ANSWER]))
def test_an_answer_holds_or_is_broken(body: bytes) -> None:
    try:
        answer = read_answer(body, SENT, CITY.domain, KEYS)
    except BrokenAnswer as broken:
        assert "\n" not in str(broken)
        return
    assert [result.index for result in answer.results] == [None, 7]


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("other", [b"-1", b"0", b"1e3", b"18446744073709551616", b"9" * 400, b"1.5", b"null", b'"7"'])
def test_another_number_breaks_an_answer(number: bytes, other: bytes) -> None:
    for place in range(ANSWER.count(b" " + number)):
        parts = ANSWER.split(b" " + number)
        body = (b" " + number).join(parts[: place + 1]) + b" " + other + (b" " + number).join(parts[place + 1 :])
        try:
            answer = read_answer(body, SENT, CITY.domain, KEYS)
        except BrokenAnswer:
            continue
        assert number == b"409", "a status is for people to read; everything else is signed"
        assert answer.results[1].index == 7


@pytest.fixture(scope="module")
def key_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key file that is cheap to open."""
    path = tmp_path_factory.mktemp("keys") / "key.json"
    create_key_file(path, "statement", "a passphrase", light=True)
    return path


def test_a_key_file_is_read_or_wrong(key_file: Path, tmp_path: Path) -> None:
    sound = key_file.read_bytes()
    public = read_key_file(key_file).public

    @settings(max_examples=EXAMPLES)
    @given(anything([sound]))
    def check(data: bytes) -> None:
        path = tmp_path / "changed.json"
        path.write_bytes(data)
        try:
            found = read_key_file(path)
        except WrongInput as wrong:
            assert "\n" not in str(wrong)
            assert not list_key_files(tmp_path)
            return
        parameters = found.keystore["crypto"]["kdfparams"]
        if parameters.get("n", 0) != 4_096 or parameters.get("r") != 8 or parameters.get("p") != 1:
            return  # a cost that is allowed, and too dear for so many tries
        try:
            found.unlock("a passphrase")
        except WrongInput as wrong:
            assert "\n" not in str(wrong)
        else:
            assert found.public == public, "a secret goes by its own name only"

    check()


def test_a_store_that_was_damaged_is_wrong_input(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    with Store(path) as store:
        store.open_stream(
            b"k" * 20, chain_id=1, registry=b"r" * 20, origin="ledger.example/tests", institution="SAMPLE-HOSPITAL-01"
        )
    sound = path.read_bytes()
    damaged = tmp_path / "damaged.db"

    @settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck))
    @given(anything([sound]))
    def check(data: bytes) -> None:
        for file in tmp_path.glob("damaged.db*"):
            file.unlink(missing_ok=True)
        damaged.write_bytes(data)
        try:
            with Store(damaged) as store:
                for stream in store.streams():
                    store.statements(stream.key)
                    store.unsent([stream.key])
                    store.counts(stream.key)
                store.answers()
        except (ClientError, sqlite3.DatabaseError):
            pass

    check()


SOUND_SETTINGS = {
    "origin": "ledger.example/2026",
    "rpc": "http://127.0.0.1:8545",
    "registry": "0x" + "11" * 20,
    "witness": "0x" + "22" * 20,
}
SECRET = "hunter2-is-no-passphrase"


@settings(max_examples=EXAMPLES)
@given(
    st.sampled_from(["origin", "rpc", "registry", "witness", "database", "port", "finality", "entry_bundles", "host"]),
    st.one_of(st.text(max_size=40), st.sampled_from([piece.decode("utf-8", "surrogateescape") for piece in PIECES])),
)
def test_settings_are_taken_or_named(name: str, value: str) -> None:
    given_settings = SOUND_SETTINGS | {"passphrase": SECRET, "operator_token": SECRET} | {name: value}
    try:
        taken = read_settings(**given_settings)
    except SettingsError as wrong:
        assert "HUZHENG_" in str(wrong) and SECRET not in str(wrong)
        assert "\n" not in str(wrong)
        return
    assert SECRET not in repr(taken) + str(taken) + repr(taken.model_dump())
