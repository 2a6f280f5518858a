"""Sending: order, batches, problems that pass, and answers that are not believed."""

import json
from collections.abc import Callable

import pytest

from anchors.core.encoding import encode_hex
from anchors.core.signature import address_from_secret
from anchors.core.statement import Entry
from ledger_service.client.answers import ReceiptKeys
from ledger_service.client.api import Api
from ledger_service.client.compose import Material, compose
from ledger_service.client.errors import BrokenAnswer, ServiceProblem, ServiceUnavailable, WrongInput
from ledger_service.client.stored import ACCEPTED, UNSENT
from tests.client.conftest import DOCUMENT, Office, secret_of


def test_everything_is_sent_in_order_and_in_batches(office: Office) -> None:
    key = office.sign(*range(25))[0].key
    outcome = office.sender(batch=10).send([key])
    assert outcome.complete and outcome.requests == 3
    assert list(outcome.accepted.values()) == list(range(25))
    assert [len(request["statements"]) for request in office.ledger.requests] == [10, 10, 5]
    assert all(stored.state == ACCEPTED for stored in office.store.statements(key))


def test_a_request_stays_under_four_mebibytes(office: Office) -> None:
    key = office.open()
    for number in range(90):
        draft = compose("report.issued", bytes([number + 1]) * 32, Material(DOCUMENT, more={"note": "x" * 60_000}))
        office.store.sign(key, secret_of("ward"), draft)
    outcome = office.sender().send([key])
    assert outcome.complete and outcome.requests > 1
    assert all(len(body) <= 4 * 2**20 for body in office.ledger.bodies)
    assert list(outcome.accepted.values()) == list(range(90))


def test_what_may_pass_is_sent_again_in_order(office: Office) -> None:
    signed = office.sign(0, 1, 2)
    refusals = iter(["observed-unknown", "observed-unknown", None, None, None])
    office.ledger.rules = lambda statement: next(refusals)
    outcome = office.sender(patience_seconds=10).send([signed[0].key])
    assert outcome.complete and outcome.requests == 3
    assert office.ledger.entries == [stored.entry for stored in signed]


def test_patience_ends(office: Office) -> None:
    (stored,) = office.sign(0)
    office.ledger.rules = lambda statement: "link-unknown"
    outcome = office.sender(patience_seconds=2).send([stored.key])
    assert not outcome.complete and outcome.refused == []
    assert [(one.state, one.problem) for one in outcome.waiting] == [(UNSENT, "link-unknown")]
    assert outcome.requests == 4


def test_one_keys_problem_holds_up_no_other(office: Office) -> None:
    ward = office.sign(0, 1, name="ward")[0].key
    laboratory = office.sign(2, 3, name="laboratory")[0].key
    bad = Entry.from_bytes(office.store.statements(ward)[0].entry).statement.subject
    office.ledger.rules = lambda statement: "subject-taken" if statement.subject == bad else None
    outcome = office.sender(batch=1).send([ward, laboratory])
    assert len(outcome.refused) == 1 and len(outcome.waiting) == 1 and len(outcome.accepted) == 2
    assert all(stored.state == ACCEPTED for stored in office.store.statements(laboratory))


def test_busy_is_waited_for(office: Office) -> None:
    (stored,) = office.sign(0)
    office.ledger.busy = 2
    assert office.sender().send([stored.key]).complete


def test_busy_for_long_is_a_problem_and_nothing_is_lost(office: Office) -> None:
    (stored,) = office.sign(0)
    office.ledger.busy = 100
    with pytest.raises(ServiceProblem) as caught:
        office.sender().send([stored.key])
    assert (caught.value.code, caught.value.status, caught.value.retry) == ("busy", 503, True)
    office.ledger.busy = 0
    assert office.sender().send([stored.key]).complete


def test_nobody_there(office: Office) -> None:
    (stored,) = office.sign(0)
    office.url = "http://127.0.0.1:9"
    with pytest.raises(ServiceUnavailable, match="is the service running there"):
        office.sender().send([stored.key])
    assert office.store.statement(stored.statement).state == UNSENT


def test_keys_of_one_log_at_a_time(office: Office) -> None:
    office.open("ward")
    other = address_from_secret(secret_of("other"))
    office.store.open_stream(other, chain_id=1, registry=b"\x22" * 20, origin="b.example", institution="SAMPLE")
    with pytest.raises(WrongInput, match="one log at a time"):
        office.sender().send([office.open("ward"), other])


def _no_receipt(answer: dict) -> None:
    answer["receipt"] = None


def _other_indexes(answer: dict) -> None:
    answer["results"][0]["index"] += 1


def _exchanged(answer: dict) -> None:
    answer["results"].reverse()


def _one_missing(answer: dict) -> None:
    answer["results"].pop()


def _other_time(answer: dict) -> None:
    answer["receipt"]["witnessBy"] += 1


def _time_backwards(answer: dict) -> None:
    answer["receipt"]["witnessBy"] = answer["receipt"]["acceptedAt"] - 1


def _other_log(answer: dict) -> None:
    answer["receipt"]["log"] = "0x" + "00" * 32


def _no_signature(answer: dict) -> None:
    answer["receipt"]["signature"] = "0x" + "00" * 65


def _other_key(answer: dict) -> None:
    answer["receipt"]["key"] = "0x" + "12" * 20


def _index_and_problem(answer: dict) -> None:
    answer["results"][0]["problem"] = {"type": "x"}


def _neither(answer: dict) -> None:
    del answer["results"][0]["index"]


def _huge_index(answer: dict) -> None:
    answer["results"][0]["index"] = 2**70


def _text_for_index(answer: dict) -> None:
    answer["results"][0]["index"] = "0"


def _nothing(answer: dict) -> None:
    answer.clear()


SPOILT = [
    _no_receipt, _other_indexes, _exchanged, _one_missing, _other_time, _time_backwards, _other_log, _no_signature,
    _other_key, _index_and_problem, _neither, _huge_index, _text_for_index, _nothing,
]  # fmt: skip


@pytest.mark.parametrize("spoil", SPOILT)
def test_an_answer_that_does_not_hold_is_kept_and_not_believed(office: Office, spoil: Callable) -> None:
    key = office.sign(0, 1)[0].key
    office.ledger.spoil = spoil
    with pytest.raises(BrokenAnswer) as caught:
        office.sender().send([key])
    assert "\n" not in str(caught.value)
    assert [stored.state for stored in office.store.statements(key)] == [UNSENT, UNSENT]
    ((_, verdict, body),) = office.store.answers()
    assert verdict == str(caught.value) and json.loads(body) is not None
    office.ledger.spoil = lambda answer: None
    assert office.sender().send([key]).complete, "an honest answer afterwards is believed"


def test_a_receipt_of_an_unknown_key_is_not_believed(office: Office) -> None:
    (stored,) = office.sign(0)
    nobody = ReceiptKeys(frozenset({b"\x12" * 20}))
    with pytest.raises(BrokenAnswer, match="no receipt key of this log by the registry"):
        office.sender(nobody).send([stored.key])
    assert office.sender(ReceiptKeys(None)).send([stored.key]).complete


def test_an_index_promised_twice_is_noticed(office: Office) -> None:
    """A ledger that rolled back: it gives a new statement the index of an old one, with a right receipt."""
    first, second = office.sign(0, 1)
    office.sender(batch=1).send([first.key])
    third = office.sign(2)[0]
    office.ledger.entries.pop()
    with pytest.raises(BrokenAnswer, match=encode_hex(second.statement)):
        office.sender().send([first.key])
    assert office.store.statement(third.statement).state == UNSENT
    assert [verdict == "ok" for _, verdict, _ in office.store.answers()] == [True, True, False]


def test_a_refusal_that_is_not_the_operators_is_not_believed(office: Office) -> None:
    (stored,) = office.sign(0)
    office.ledger.rules = lambda statement: "role-missing"

    def forge(answer: dict) -> None:
        answer["results"][0]["refusal"]["reason"] = "key-revoked"

    office.ledger.spoil = forge
    with pytest.raises(BrokenAnswer, match="refusal"):
        office.sender().send([stored.key])
    assert office.store.statement(stored.statement).state == UNSENT


def test_what_is_no_service_is_told(office: Office) -> None:
    api = Api(office.url, sleep=lambda seconds: None)
    with pytest.raises(ServiceProblem) as caught:
        api.proof(b"\x01" * 32)
    assert caught.value.code == "not-found"
    assert api.final_head() is None
