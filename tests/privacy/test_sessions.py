"""Signing in: what is signed, who gets a token, and when a token dies."""

import secrets
import time
from pathlib import Path
from typing import Any

import pytest
from eth_account.messages import _hash_eip191_message, encode_typed_data

from anchors.chain.acts import Act, Admit, Exit, RevokeKey, Suspend, add_key
from anchors.core.encoding import code_word, encode_hex
from anchors.core.registry import Purpose
from anchors.core.typed_data import Domain, log_id
from ledger_service.problems import Refused
from ledger_service.storage.sessions import SqlRegistryStore, SqlSessions
from ledger_service.usecases.sessions import (
    CHALLENGE_SECONDS,
    SESSIONS_PER_KEY,
    TOKEN_SECONDS,
    Challenge,
    KnownRegistry,
    SignIn,
)
from tests.fixtures.ledger import check_problem_response
from tests.fixtures.signer import Signer
from tests.ports.chain_world import secret
from tests.privacy.people import People, answer_to, challenge_of, sign_in, typed_session
from tests.usecases.world import HOSPITAL, InProcessLedger


@pytest.mark.parametrize("chain_id", [1, 31337, 2**256 - 1])
@pytest.mark.parametrize("origin", ["log.example/huzheng", "日志.example/2026"])
def test_the_digest_is_that_of_others(chain_id: int, origin: str) -> None:
    domain, key, nonce = Domain(chain_id, b"\x11" * 20, log_id(origin)), b"\x22" * 20, bytes(range(32))
    challenge = {"nonce": encode_hex(nonce), "expires": 2**64 - 1}
    typed = typed_session(domain, challenge, "SYN000000000000000", key)
    expected = _hash_eip191_message(encode_typed_data(full_message=typed))
    assert domain.session(nonce, 2**64 - 1, code_word("SYN000000000000000"), key) == expected


# Over HTTP


def refused(people: People, body: dict[str, Any], code: str, status: int) -> None:
    """Signing in with this body is refused so."""
    check_problem_response(people.ledger.http.post("/v1/session", json=body), code, status)


def test_a_session_says_whose_it_is(people: People) -> None:
    signer = people.signers["regulator"]
    response = people.ledger.http.post("/v1/session", json=answer_to(challenge_of(people.ledger), signer))
    session = response.json()
    assert (session["institution"], session["roles"]) == (signer.institution, ["regulator"])
    assert session["key"] == encode_hex(signer.key)
    assert abs(session["expires"] - time.time() - TOKEN_SECONDS) < 60


def test_an_answer_is_taken_once(people: People) -> None:
    body = answer_to(challenge_of(people.ledger), people.signers["issuer"])
    assert people.ledger.http.post("/v1/session", json=body).status_code == 200
    refused(people, body, "challenge-refused", 401)


def test_a_challenge_is_answered_once_whoever_answers(people: People) -> None:
    challenge = challenge_of(people.ledger)
    assert (
        people.ledger.http.post("/v1/session", json=answer_to(challenge, people.signers["issuer"])).status_code == 200
    )
    refused(people, answer_to(challenge, people.signers["opener"]), "challenge-refused", 401)


def test_a_stolen_answer_is_no_use_to_another_key(people: People) -> None:
    thief, body = people.signers["stranger"], answer_to(challenge_of(people.ledger), people.signers["issuer"])
    refused(people, body | {"key": encode_hex(thief.key)}, "wrong-signature", 401)


@pytest.mark.parametrize("change", ["nonce", "expires"])
def test_a_challenge_of_ones_own_making(people: People, change: str) -> None:
    challenge = challenge_of(people.ledger)
    forged = {"nonce": encode_hex(secrets.token_bytes(32)), "expires": challenge["expires"] + 3_600}
    made = challenge | {change: forged[change]}
    refused(people, answer_to(made, people.signers["issuer"]), "challenge-refused", 401)


def test_what_was_signed_for_another_log_or_institution(people: People) -> None:
    ledger, issuer = people.ledger, people.signers["issuer"]
    other = Domain(issuer.domain.chain_id, issuer.domain.registry, log_id("ledger.example/other"))
    refused(people, answer_to(challenge_of(ledger), issuer, domain=other), "wrong-signature", 401)
    court = people.signers["court"].institution
    refused(people, answer_to(challenge_of(ledger), issuer, institution=court), "wrong-signature", 401)


def test_keys_that_speak_for_nobody(people: People) -> None:
    ledger = people.ledger
    unknown = Signer(ledger.city.domain, "SYN000000000000000", secrets.token_bytes(32))
    refused(people, answer_to(challenge_of(ledger), unknown), "unknown-key", 403)
    receipts = Signer(ledger.city.domain, "SYN-OPERATOR", ledger.city.operator.receipt)
    refused(people, answer_to(challenge_of(ledger), receipts), "unknown-key", 403)


def is_signed_in(people: People, token: str) -> bool:
    """Whether the token opens what needs one."""
    response = people.ledger.http.get("/v1/readings", headers={"Authorization": f"Bearer {token}"})
    assert response.status_code in (401, 403), response.text
    return response.status_code == 403


@pytest.mark.parametrize("mend", [lambda t: t[:-1], lambda t: t[:-1] + "z", lambda t: t[64:] + t[:64], lambda t: t * 2])
def test_a_token_of_ones_own_making(people: People, mend: Any) -> None:
    token = sign_in(people.ledger, people.signers["issuer"])
    assert is_signed_in(people, token) and not is_signed_in(people, mend(token))
    other_end = "0" if token[-1] != "0" else "1"
    assert not is_signed_in(people, token[:-1] + other_end)


def test_the_token_dies_with_its_key(people: People) -> None:
    ledger = people.ledger
    revoked, frozen = ledger.new_signer(5), ledger.new_signer(6)
    tokens = [sign_in(ledger, signer) for signer in (revoked, frozen)]
    assert all(is_signed_in(people, token) for token in tokens)
    ledger.perform(RevokeKey(revoked.key, 0), final=False)
    assert ledger.freeze(frozen.key).status_code == 200
    assert not any(is_signed_in(people, token) for token in tokens)
    refused(people, answer_to(challenge_of(ledger), revoked), "key-revoked", 403)
    refused(people, answer_to(challenge_of(ledger), frozen), "key-revoked", 403)


def test_signing_out_ends_one_session_at_once(people: People) -> None:
    signer = people.signers["issuer"]
    body = answer_to(challenge_of(people.ledger), signer)
    gone, stays = people.ledger.http.post("/v1/session", json=body).json()["token"], sign_in(people.ledger, signer)
    ended = people.ledger.http.delete("/v1/session", headers={"Authorization": f"Bearer {gone}"})
    assert (ended.status_code, ended.content) == (204, b"")
    assert not is_signed_in(people, gone) and is_signed_in(people, stays)
    refused(people, body, "challenge-refused", 401)
    again = people.ledger.http.delete("/v1/session", headers={"Authorization": f"Bearer {gone}"})
    check_problem_response(again, "unauthorized", 401)
    check_problem_response(people.ask("token", "DELETE", "/v1/session"), "malformed-request", 400)


# In the hands of the test: time and the registry


class Desk:
    """Signing in on a ledger in this process."""

    def __init__(self, folder: Path):
        self.ledger = InProcessLedger(f"sqlite:///{folder / 'ledger.db'}")
        self.signer = self.ledger.found()
        self.ledger.follower.run_once()
        self.desk = self.another()

    def another(self, receipt_secret: bytes = b"\x01" * 32) -> SignIn:
        """Another process of the same log."""
        ledger = self.ledger
        registry = KnownRegistry(ledger.domain, SqlRegistryStore(ledger.engine))
        return SignIn(ledger.domain, receipt_secret, SqlSessions(ledger.engine), registry, ledger.clock)

    def answer(self, challenge: Challenge, signer: Signer | None = None) -> tuple[bytes, Challenge, bytes]:
        """Key, challenge and signature, as `sign_in` takes them."""
        signer = signer or self.signer
        body = answer_to({"nonce": encode_hex(challenge.nonce), "expires": challenge.expires}, signer)
        return signer.key, challenge, bytes.fromhex(body["signature"][2:])

    def perform(self, *acts: Act) -> None:
        """The registry changes, finally."""
        self.ledger.chain.perform(*acts)
        self.ledger.follower.run_once()


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_another_process_takes_what_one_gave(desk: Desk) -> None:
    signed_in = desk.another().sign_in(*desk.answer(desk.desk.challenge()))
    assert desk.another().viewer(signed_in.token).institution == HOSPITAL
    assert desk.another(b"\x02" * 32).viewer(signed_in.token) is None
    with pytest.raises(Refused, match="challenge-refused"):
        desk.another(b"\x02" * 32).sign_in(*desk.answer(desk.desk.challenge()))


@pytest.mark.parametrize(("late", "taken"), [(0, True), (CHALLENGE_SECONDS, True), (CHALLENGE_SECONDS + 1, False)])
def test_a_challenge_expires(desk: Desk, late: int, taken: bool) -> None:
    answer = desk.answer(desk.desk.challenge())
    desk.ledger.clock.seconds += late
    if taken:
        desk.desk.sign_in(*answer)
        return
    with pytest.raises(Refused, match="challenge-refused"):
        desk.desk.sign_in(*answer)


def test_a_token_expires_and_its_answer_stays_used(desk: Desk) -> None:
    answer = desk.answer(desk.desk.challenge())
    token = desk.desk.sign_in(*answer).token
    desk.ledger.clock.seconds += TOKEN_SECONDS - 1
    assert desk.desk.viewer(token)
    desk.ledger.clock.seconds += 1
    assert desk.desk.viewer(token) is None
    desk.desk.sign_in(*desk.answer(desk.desk.challenge()))  # what expired is forgotten now
    with pytest.raises(Refused, match="challenge-refused"):
        desk.desk.sign_in(*answer)


@pytest.mark.parametrize("late", [0, CHALLENGE_SECONDS, CHALLENGE_SECONDS + 1, TOKEN_SECONDS])
def test_an_ended_session_cannot_be_had_again(desk: Desk, late: int) -> None:
    answer = desk.answer(desk.desk.challenge())
    token = desk.desk.sign_in(*answer).token
    desk.desk.sign_out(token)
    desk.desk.sign_out(token)
    desk.ledger.clock.seconds += late
    desk.desk.sign_in(*desk.answer(desk.desk.challenge()))
    with pytest.raises(Refused, match="challenge-refused"):
        desk.desk.sign_in(*answer)
    assert desk.desk.viewer(token) is None


def test_an_ended_session_makes_room(desk: Desk) -> None:
    tokens = [desk.desk.sign_in(*desk.answer(desk.desk.challenge())).token for _ in range(SESSIONS_PER_KEY)]
    forged = tokens[0][:64] + tokens[1][64:]
    desk.desk.sign_out(forged)
    assert all(desk.desk.viewer(token) for token in tokens), "who has not the token ends no session"
    desk.desk.sign_out(tokens[0])
    desk.desk.sign_in(*desk.answer(desk.desk.challenge()))


def test_a_key_has_so_many_sessions(desk: Desk) -> None:
    for _ in range(SESSIONS_PER_KEY):
        desk.desk.sign_in(*desk.answer(desk.desk.challenge()))
    with pytest.raises(Refused, match="challenge-refused"):
        desk.desk.sign_in(*desk.answer(desk.desk.challenge()))
    desk.ledger.clock.seconds += TOKEN_SECONDS
    desk.desk.sign_in(*desk.answer(desk.desk.challenge()))


def test_standing_and_succession(desk: Desk) -> None:
    signed_in = desk.desk.sign_in(*desk.answer(desk.desk.challenge()))
    desk.perform(Suspend(HOSPITAL))
    assert desk.desk.viewer(signed_in.token).speaks_for == {HOSPITAL}, "what is suspended must still answer for itself"
    heir = Signer(desk.ledger.domain, "SAMPLE-HEIR", secret("heir"))
    desk.perform(
        Admit(heir.institution, ("laboratory",)), add_key(heir.domain, heir.institution, Purpose.STATEMENT, heir.secret)
    )
    desk.perform(Exit(HOSPITAL, heir.institution))
    assert desk.desk.viewer(signed_in.token) is None
    viewer = desk.desk.sign_in(*desk.answer(desk.desk.challenge(), heir)).viewer
    assert (viewer.institution, viewer.roles) == (heir.institution, {"laboratory"})
    assert viewer.speaks_for == {HOSPITAL, heir.institution}
