"""Well-formed statements that are refused: for their signature, key, institution, number, time, parts or what they
are about. Each case says which problem it is; none spoils another stream, and the key's next statement comes again."""

import secrets
import time
from collections.abc import Callable
from typing import Any

import pytest

from anchors import Part
from anchors.chain.acts import Exit, OpenLog, Resume, RevokeKey, Suspend, add_key
from anchors.core.encoding import encode_base64, encode_hex
from anchors.core.registry import Purpose
from anchors.core.typed_data import Domain, log_id
from scripts.city.founding import OPERATOR
from tests.fixtures.ledger import LABORATORY, Ledger
from tests.fixtures.signer import Signed, Signer, access, document, links, reason

RETRY = {
    "key-not-final", "institution-suspended", "sequence-gap", "observed-unknown", "issued-in-future", "link-unknown",
    "subject-unknown",
}  # fmt: skip
STATUS = {
    "wrong-signature": 401, "wrong-log": 401, "unknown-kind": 422, "unknown-key": 403, "key-not-final": 403,
    "key-revoked": 403, "wrong-institution": 403, "institution-suspended": 403, "institution-exited": 403,
    "role-missing": 403, "sequence-gap": 409, "sequence-fork": 409, "observed-unknown": 409, "observed-backwards": 409,
    "issued-in-future": 422, "missing-part": 422, "invalid-part": 422, "invalid-links": 422, "link-unknown": 409,
    "link-refused": 422, "subject-taken": 409, "subject-unknown": 409, "not-owner": 403, "not-current": 409,
}  # fmt: skip


def check_refused(ledger: Ledger, bad: Signed, code: str, signed: bool = True) -> dict[str, Any]:
    """`bad` alone, and in the midst of another key's statements, is refused for `code`."""
    bystander = ledger.signer(8)
    before, after = bystander.issued(), bystander.issued()
    answer = ledger.submit(before, bad, after)
    first = answer.outcomes[0]
    assert answer.outcomes == [first, code, first + 1], answer.results[1]
    result = answer.results[1]
    assert result["statement"] == bad.name
    assert bool(result["refusal"]) is signed
    problem = result["problem"]
    assert (problem["status"], problem["retry"]) == (STATUS[code], code in RETRY)
    again = ledger.submit(bad)
    assert again.outcomes == [code] and again.receipt is None
    assert ledger.get(f"/v1/statements/{bad.name}").status_code == 404
    return problem


def check_comes_again(ledger: Ledger, signer: Signer, bad: Signed, code: str, signed: bool = True) -> None:
    """`bad` is refused, what stands behind it is told to come again, and is taken behind a good one in its place."""
    check_refused(ledger, bad, code, signed)
    behind = signer.issued()
    assert ledger.submit(bad, behind).outcomes == [code, "sequence-gap"]
    good = signer.issued(sequence=bad.sequence)
    outcomes = ledger.submit(good, behind).outcomes
    assert outcomes == [outcomes[0], outcomes[0] + 1]


# The signature


def test_a_statement_that_was_changed_after_it_was_signed(ledger: Ledger) -> None:
    signer, other = ledger.signer(0), ledger.signer(0)
    signed, changed = signer.issued(), other.issued()
    forged = Signed(
        changed.id, changed.subject, changed.sequence, changed.entry, changed.content,
        changed.wire | {"entry": encode_base64(changed.entry.to_bytes()[:224] + signed.entry.signature)},
    )  # fmt: skip
    check_comes_again(ledger, signer, forged, "wrong-signature", signed=False)


def test_a_statement_signed_by_another_key_than_it_claims(ledger: Ledger) -> None:
    signer = ledger.signer(0)
    bad = signer.issued(claimed=ledger.signer(1).key)
    check_refused(ledger, bad, "wrong-signature", signed=False)


def test_a_statement_signed_for_another_chain(ledger: Ledger) -> None:
    signer, domain = ledger.signer(0), ledger.city.domain
    bad = signer.issued(domain=Domain(domain.chain_id + 1, domain.registry, domain.log))
    check_comes_again(ledger, signer, bad, "wrong-signature", signed=False)


def test_a_statement_signed_for_another_log(ledger: Ledger) -> None:
    signer, domain, origin = ledger.signer(0), ledger.city.domain, "ledger.example/elsewhere"
    bad = signer.issued(domain=Domain(domain.chain_id, domain.registry, log_id(origin)))
    check_refused(ledger, bad, "wrong-signature", signed=False)  # nobody opened that log yet
    ledger.perform(OpenLog(origin, OPERATOR))
    ledger.submit(ledger.signer(1).issued())  # with the first acceptance the door has seen the registry anew
    check_comes_again(ledger, signer, bad, "wrong-log", signed=False)


# The key


def test_a_key_that_nobody_admitted(ledger: Ledger) -> None:
    stranger = Signer(ledger.city.domain, ledger.city.institutions[0].code, secrets.token_bytes(32))
    bad, behind = stranger.issued(), stranger.issued()
    check_refused(ledger, bad, "unknown-key")
    assert ledger.submit(bad, behind).outcomes == ["unknown-key", "unknown-key"]


@pytest.mark.parametrize("purpose", ["checkpoint", "receipt"])
def test_a_key_of_another_purpose(ledger: Ledger, purpose: str) -> None:
    secret = getattr(ledger.city.operator, purpose)
    check_refused(ledger, Signer(ledger.city.domain, OPERATOR, secret).issued(), "unknown-key")


def test_a_key_of_another_log(ledger: Ledger) -> None:
    origin = f"ledger.example/{secrets.token_hex(4)}"
    ledger.perform(OpenLog(origin, OPERATOR))
    domain = ledger.city.domain
    other = Domain(domain.chain_id, domain.registry, log_id(origin))
    signer = Signer(domain, ledger.city.institutions[0].code, secrets.token_bytes(32))
    ledger.perform(add_key(other, signer.institution, Purpose.STATEMENT, signer.secret))
    check_refused(ledger, signer.issued(), "unknown-key")


def test_a_key_whose_admission_is_not_final(ledger: Ledger) -> None:
    signer = ledger.new_signer(0, final=False)
    statement = signer.issued()
    check_refused(ledger, statement, "key-not-final")
    ledger.chain.mine(2)
    height = ledger.chain.height
    ledger.wait_for(lambda: ledger.followed_block() >= height)
    assert isinstance(ledger.submit(statement).outcomes[0], int)


def test_a_frozen_key(ledger: Ledger) -> None:
    signer = ledger.new_signer(0)
    first, second = signer.issued(), signer.issued()
    accepted = ledger.submit(first).outcomes
    assert ledger.freeze(signer.key).json() == {"key": encode_hex(signer.key), "endSequence": 1}
    check_refused(ledger, second, "key-revoked")
    assert ledger.freeze(signer.key).json()["endSequence"] == 1
    assert ledger.submit(first).outcomes == accepted, "what was accepted keeps its index"


def test_a_revoked_key_at_and_past_its_end_sequence(ledger: Ledger) -> None:
    signer = ledger.new_signer(0)
    first, at_end, past_end = signer.issued(), signer.issued(), signer.issued()
    accepted = ledger.submit(first).outcomes
    end = ledger.freeze(signer.key).json()["endSequence"]
    ledger.perform(RevokeKey(signer.key, end))
    assert (at_end.sequence, past_end.sequence) == (end, end + 1)
    check_refused(ledger, at_end, "key-revoked")
    check_refused(ledger, past_end, "key-revoked")
    assert ledger.submit(first, at_end).outcomes == [*accepted, "key-revoked"]
    found = ledger.get(f"/v1/keys/{encode_hex(signer.key)}").json()
    assert (found["endSequence"], found["frozen"], found["nextSequence"]) == (1, True, 1)


def test_a_revocation_counts_before_it_is_final(ledger: Ledger) -> None:
    signer = ledger.new_signer(0)
    ledger.perform(RevokeKey(signer.key, 0), final=False)
    check_refused(ledger, signer.issued(), "key-revoked")


def test_a_key_of_another_institution(ledger: Ledger) -> None:
    signer = ledger.signer(0)
    bad = signer.issued(institution=ledger.city.institutions[1].code)
    check_comes_again(ledger, signer, bad, "wrong-institution")


def test_an_institution_that_nobody_admitted(ledger: Ledger) -> None:
    signer = ledger.signer(0)
    check_comes_again(ledger, signer, signer.issued(institution="SYN-NOBODY"), "wrong-institution")


# The institution


def test_a_suspended_institution_may_only_mend_and_save(ledger: Ledger) -> None:
    signer, reader = ledger.signer(5), ledger.signer(0)
    report, other = signer.issued(), signer.issued()
    foreign = reader.issued()
    ledger.submit(report, other, foreign)
    ledger.perform(Suspend(signer.institution), final=False)
    try:
        check_refused(ledger, signer.issued(sequence=signer.sequence), "institution-suspended")
        check_refused(ledger, signer.granted(foreign, sequence=signer.sequence), "institution-suspended")
        amended = signer.amended(report)
        outcomes = ledger.submit(amended, signer.withdrawn(amended), signer.emergency(foreign)).outcomes
        assert outcomes == [outcomes[0], outcomes[0] + 1, outcomes[0] + 2]
        standing = ledger.get(f"/v1/institutions/{signer.institution}").json()["standing"]
        assert standing == "suspended"
    finally:
        ledger.perform(Resume(signer.institution))
    assert isinstance(ledger.submit(signer.issued()).outcomes[0], int)


def test_an_institution_that_left_and_its_successor(ledger: Ledger) -> None:
    leaving, successor, other = ledger.signer(6), ledger.signer(7), ledger.signer(0)
    report = leaving.issued()
    opened = leaving.granted(report)
    ledger.submit(report, opened)
    check_refused(ledger, successor.amended(report, sequence=successor.sequence), "not-owner")
    ledger.perform(Exit(leaving.institution, successor.institution))
    check_refused(ledger, leaving.issued(), "institution-exited")
    check_refused(ledger, leaving.emergency(report), "institution-exited")
    check_refused(ledger, other.amended(report, sequence=other.sequence), "not-owner")
    recognised = successor.recognised(opened, report)  # the access is now the successor's own
    amended = successor.amended(report)
    outcomes = ledger.submit(recognised, amended, successor.withdrawn(amended)).outcomes
    assert outcomes == [outcomes[0], outcomes[0] + 1, outcomes[0] + 2]
    found = ledger.get(f"/v1/institutions/{leaving.institution}").json()
    assert (found["standing"], found["successor"]) == ("exited", successor.institution)


def test_a_laboratory_may_not_decide(ledger: Ledger) -> None:
    laboratory = ledger.signer(LABORATORY)
    report = laboratory.issued()
    opened = laboratory.granted(report)
    ledger.submit(report, opened)
    check_comes_again(ledger, laboratory, laboratory.recognised(opened, report), "role-missing")


# The number


def test_a_gap(ledger: Ledger) -> None:
    signer = ledger.signer(0)
    first, second = signer.issued(), signer.issued()
    problem = check_refused(ledger, second, "sequence-gap")
    assert str(first.sequence) in problem["detail"]
    outcomes = ledger.submit(first, second).outcomes
    assert outcomes == [outcomes[0], outcomes[0] + 1]


def test_the_wrong_order_in_one_request(ledger: Ledger) -> None:
    signer = ledger.signer(0)
    first, second = signer.issued(), signer.issued()
    assert [type(outcome) for outcome in ledger.submit(second, first).outcomes] == [str, int]
    assert isinstance(ledger.submit(second).outcomes[0], int)


def test_the_largest_number(ledger: Ledger) -> None:
    signer = ledger.signer(0)
    check_refused(ledger, signer.issued(sequence=2**64 - 1), "sequence-gap")


def test_a_fork(ledger: Ledger) -> None:
    signer = ledger.signer(0)
    first = signer.issued()
    ledger.submit(first)
    check_refused(ledger, signer.issued(sequence=first.sequence), "sequence-fork")
    a, b = signer.issued(), signer.issued(sequence=first.sequence + 1)
    assert [type(outcome) for outcome in ledger.submit(a, b).outcomes] == [int, str]


# Times


def test_issued_too_far_in_the_future(ledger: Ledger) -> None:
    signer = ledger.signer(0)
    check_comes_again(ledger, signer, signer.issued(issued_at=int(time.time()) + 400), "issued-in-future")
    check_comes_again(ledger, signer, signer.issued(issued_at=2**64 - 1), "issued-in-future")
    times = [int(time.time()) + 200, 0]
    assert all(isinstance(ledger.submit(signer.issued(issued_at=at)).outcomes[0], int) for at in times)


def test_an_observed_head_must_be_known_and_final_and_never_older(ledger: Ledger) -> None:
    signer = ledger.new_signer(0)
    unknown = signer.issued(observed=secrets.token_bytes(32), sequence=0)
    check_refused(ledger, unknown, "observed-unknown")
    older, newer = _final_head(ledger), _final_head(ledger)
    assert older != newer
    signer.observed = newer
    assert isinstance(ledger.submit(signer.issued()).outcomes[0], int)
    signer.observed = older
    check_refused(ledger, signer.issued(sequence=1), "observed-backwards")
    signer.observed = bytes(32)
    check_refused(ledger, signer.issued(sequence=1), "observed-backwards")
    signer.observed = newer
    assert isinstance(ledger.submit(signer.issued()).outcomes[0], int)


def test_a_witnessed_head_is_not_known_before_it_is_final(ledger: Ledger) -> None:
    signer, witnessed = ledger.new_signer(0), ledger.signer(1).issued()
    ledger.submit(witnessed)
    head = ledger.wait_for_state(witnessed, "witnessed")["head"]
    early = signer.issued(observed=bytes.fromhex(head["witnessId"][2:]))
    check_refused(ledger, early, "observed-unknown")
    ledger.wait_for_state(witnessed, "final")
    assert isinstance(ledger.submit(early).outcomes[0], int)


def _final_head(ledger: Ledger) -> bytes:
    statement = ledger.signer(1).issued()
    ledger.submit(statement)
    return bytes.fromhex(ledger.wait_for_state(statement, "final")["head"]["witnessId"][2:])


# Kind and parts


def test_an_unknown_kind(ledger: Ledger) -> None:
    signer = ledger.signer(0)
    bad = signer.sign("report.imagined", secrets.token_bytes(32), document())
    check_comes_again(ledger, signer, bad, "unknown-kind")


def _withheld(part: Part) -> dict[str, str]:
    return {"leaf": part.leaf.hex(), "name": part.name}


def test_a_required_part_is_missing(ledger: Ledger) -> None:
    signer = ledger.signer(0)
    bad = signer.sign("report.issued", secrets.token_bytes(32), Part.create("report", "synthetic"))
    check_comes_again(ledger, signer, bad, "missing-part")


def test_a_required_part_is_withheld(ledger: Ledger) -> None:
    signer, part = ledger.signer(0), document()
    bad = signer.sign("report.issued", secrets.token_bytes(32), part, shown=[_withheld(part)])
    check_comes_again(ledger, signer, bad, "missing-part")


@pytest.mark.parametrize("missing", ["access", "reason", "links"])
def test_each_required_part_is_required(ledger: Ledger, missing: str) -> None:
    signer = ledger.signer(0)
    report = signer.issued()
    ledger.submit(report)
    parts = [part for part in (access(), reason(), links(report=report)) if part.name != missing]
    check_comes_again(ledger, signer, signer.sign("access.denied", report.subject, *parts), "missing-part")


INVALID: dict[str, Part] = {
    "null": Part.create("document", None),
    "a text": Part.create("document", "x"),
    "an empty object": Part.create("document", {}),
    "a member too many": document(more=1),
    "bytes a text": document(bytes="3"),
    "bytes a truth": document(bytes=True),
    "bytes below zero": document(bytes=-1),
    "an unknown format": document(format="docx"),
    "a digest in upper case": document(sha256="AB" * 32),
    "a digest too short": document(sm3="ab" * 31),
    "a digest with 0x": document(sha256="0x" + "ab" * 32),
    "a digest with a line break": document(sha256="ab" * 32 + "\n"),
}


@pytest.mark.parametrize("part", INVALID.values(), ids=INVALID)
def test_a_document_of_the_wrong_form(ledger: Ledger, part: Part) -> None:
    signer = ledger.signer(0)
    check_comes_again(ledger, signer, signer.sign("report.issued", secrets.token_bytes(32), part), "invalid-part")


WORDS = ["", "x" * 65, "合成", "line\n", "\t", 1, None]


@pytest.mark.parametrize("word", WORDS)
def test_words_of_the_wrong_form(ledger: Ledger, word: object) -> None:
    signer = ledger.signer(0)
    report = signer.issued()
    opened = signer.granted(report)
    ledger.submit(report, opened)
    named, decided = links(report=report), links(access=opened, report=report)
    wrong_reason, wrong_basis = Part.create("reason", {"code": word}), access(basis=word)
    wrong_policy = Part.create("policy", {"policy": word, "version": "1"})
    wrong_version = Part.create("policy", {"policy": "x", "version": word})
    for kind, parts in (
        ("access.denied", (access(), wrong_reason, named)),
        ("access.denied", (wrong_basis, reason(), named)),
        ("recognition.accepted", (wrong_policy, decided)),
        ("recognition.accepted", (wrong_version, decided)),
    ):
        bad = signer.sign(kind, report.subject, *parts, sequence=signer.sequence)
        check_refused(ledger, bad, "invalid-part")


@pytest.mark.parametrize("at", [-1, "1", True, None])
def test_an_access_at_no_time(ledger: Ledger, at: object) -> None:
    signer = ledger.signer(0)
    report = signer.issued()
    ledger.submit(report)
    bad = signer.sign("access.granted", report.subject, access(at=at), links(report=report))
    check_comes_again(ledger, signer, bad, "invalid-part")


# The subject


def test_a_subject_that_is_taken(ledger: Ledger) -> None:
    issuer, other = ledger.signer(0), ledger.signer(1)
    report = issuer.issued()
    ledger.submit(report)
    check_comes_again(ledger, issuer, issuer.issued(report.subject), "subject-taken")
    check_comes_again(ledger, other, other.issued(report.subject), "subject-taken")


def test_a_subject_that_is_taken_in_the_same_request(ledger: Ledger) -> None:
    issuer, other = ledger.signer(0), ledger.signer(1)
    report = issuer.issued()
    assert ledger.submit(report, other.issued(report.subject)).outcomes[1] == "subject-taken"


def test_a_subject_that_does_not_exist(ledger: Ledger) -> None:
    signer = ledger.signer(0)
    report = signer.issued()
    ledger.submit(report)
    nowhere = secrets.token_bytes(32)
    bad = signer.sign("access.granted", nowhere, access(), links(report=report))
    check_comes_again(ledger, signer, bad, "subject-unknown")


def test_another_institutions_report(ledger: Ledger) -> None:
    issuer, other = ledger.signer(0), ledger.signer(1)
    report = issuer.issued()
    ledger.submit(report)
    check_comes_again(ledger, other, other.amended(report), "not-owner")
    check_comes_again(ledger, other, other.withdrawn(report), "not-owner")


Make = Callable[[Signer, Signed], Signed]


@pytest.mark.parametrize("make", [Signer.amended, Signer.withdrawn], ids=["amended", "withdrawn"])
def test_a_version_that_is_not_current(ledger: Ledger, make: Make) -> None:
    signer = ledger.signer(0)
    first = signer.issued()
    second = signer.amended(first)
    ledger.submit(first, second)
    check_comes_again(ledger, signer, make(signer, first), "not-current")
    withdrawn = signer.withdrawn(second)
    ledger.submit(withdrawn)
    check_comes_again(ledger, signer, make(signer, second), "not-current")


def test_a_version_that_ceased_to_be_current_in_the_same_request(ledger: Ledger) -> None:
    signer = ledger.signer(0)
    first = signer.issued()
    ledger.submit(first)
    amended = signer.amended(first)
    late = signer.amended(first)
    assert ledger.submit(amended, late).outcomes[1] == "not-current"


def test_a_withdrawal_cannot_be_replaced(ledger: Ledger) -> None:
    signer = ledger.signer(0)
    report = signer.issued()
    withdrawn = signer.withdrawn(report)
    ledger.submit(report, withdrawn)
    check_comes_again(ledger, signer, signer.amended(withdrawn), "link-refused")
    taken = signer.issued(report.subject, sequence=signer.sequence)
    check_refused(ledger, taken, "subject-taken")
