"""What the rules say beyond one report that stays as it is: versions, consents, holds, decisions, what is published."""

import secrets

import pytest

from anchors.core.content import Content, Part
from anchors.core.encoding import encode_hex
from tests.fixtures.ledger import check_problem_response
from tests.fixtures.signer import Signed, access, example, links
from tests.privacy.people import PERSONAL, STRUCTURAL, People, a_report, place_hold

EVERYTHING = {*STRUCTURAL, *PERSONAL}


def accepted(people: People, *statements: Signed) -> None:
    """All of them are in the log."""
    outcomes = people.ledger.submit(*statements).outcomes
    assert all(isinstance(outcome, int) for outcome in outcomes), outcomes


def test_who_opened_one_version_sees_no_other(people: People) -> None:
    issuer, opener = people.signers["issuer"], people.signers["opener"]
    report = a_report(issuer)
    opened, amended = opener.granted(report), issuer.amended(report)
    accepted(people, report, opened, amended)
    seen = people.timeline("opener", report)
    assert seen == {report.name: EVERYTHING, opened.name: {"access", "links"}, amended.name: set()}
    accepted(people, opener.granted(amended))
    assert people.seen("opener", amended) == {"document", "links"}


def test_the_issuer_sees_what_others_did_and_nothing_personal_of_it(people: People) -> None:
    issuer, opener = people.signers["issuer"], people.signers["opener"]
    report = a_report(issuer)
    note = example("explanation")
    opened = opener.granted(report)
    declined = opener.declined(opened, report)
    personal = Content.of(people.report.content.parts).parts[-1]
    explained = opener.sign("explanation.given", report.subject, note, links(explains=declined), personal)
    accepted(people, report, opened, declined, explained)
    assert people.timeline("issuer", report) == {
        report.name: EVERYTHING,
        opened.name: {"access", "links"},
        declined.name: {"policy", "reason", "links"},
        explained.name: {"explanation", "links"},
    }
    assert people.seen("opener", explained) == {"explanation", "links", personal.name}


def test_a_denied_access_is_no_basis_and_ties_to_the_report(people: People) -> None:
    report = a_report(people.signers["issuer"])
    denied = people.signers["opener"].denied(report)
    accepted(people, report, denied)
    assert people.timeline("opener", report) == {report.name: set(), denied.name: {"access", "reason", "links"}}


def test_an_emergency_opens(people: People) -> None:
    report = a_report(people.signers["issuer"])
    accepted(people, report, people.signers["opener"].emergency(report))
    assert people.seen("opener", report) == EVERYTHING


def test_what_rested_on_a_consent_ends_with_it(people: People) -> None:
    issuer, opener = people.signers["issuer"], people.signers["opener"]
    report, consent = a_report(issuer), opener.sign("consent.given", secrets.token_bytes(32), example("consent"))
    opened = opener.sign("access.granted", report.subject, access(), links(report=report, consent=consent))
    accepted(people, report, consent, opened)
    assert people.seen("opener", report) == EVERYTHING
    withdrawn = opener.sign("consent.withdrawn", consent.subject, links(replaces=consent))
    accepted(people, withdrawn)
    assert people.seen("opener", report) == set()
    assert people.seen("opener", opened) == {"access", "links"}
    accepted(people, opener.granted(report))  # on another basis
    assert people.seen("opener", report) == EVERYTHING


def test_a_court_sees_what_its_hold_names_while_it_stands(people: People) -> None:
    issuer, court = people.signers["issuer"], people.signers["court"]
    report = a_report(issuer)
    amended, hold = issuer.amended(report), place_hold(court, report)
    accepted(people, report, amended)
    subject = f"/v1/subjects/{encode_hex(report.subject)}"
    check_problem_response(people.get("court", subject), "not-permitted", 403)
    accepted(people, hold)
    assert people.timeline("court", report) == {report.name: EVERYTHING, amended.name: set()}
    dispute = court.sign("dispute.opened", secrets.token_bytes(32), example("basis"), links(about=amended))
    accepted(people, dispute, court.sign("hold.released", hold.subject, example("basis"), links(replaces=hold)))
    assert people.timeline("court", report) == {report.name: set(), amended.name: {"document", "links"}}
    accepted(people, court.sign("dispute.closed", dispute.subject, example("reason"), links(replaces=dispute)))
    check_problem_response(people.get("court", subject), "not-permitted", 403)


def test_a_hold_opens_nothing_to_who_is_no_court(people: People) -> None:
    report = a_report(people.signers["issuer"])
    accepted(people, report, place_hold(people.signers["stranger"], report))
    assert people.seen("stranger", report) == set()
    subject = f"/v1/subjects/{encode_hex(report.subject)}"
    check_problem_response(people.get("stranger", subject), "not-permitted", 403)


def test_a_subject_that_is_not_there_is_like_one_that_is_not_ones_own(people: People) -> None:
    unknown = people.get("stranger", f"/v1/subjects/0x{secrets.token_hex(32)}")
    foreign = people.get("stranger", f"/v1/subjects/{encode_hex(people.report.subject)}")
    problems = [response.json() | {"instance": ""} for response in (unknown, foreign)]
    assert problems[0] == problems[1]
    assert people.get("regulator", f"/v1/subjects/0x{secrets.token_hex(32)}").json() == {"items": [], "next": None}


@pytest.mark.parametrize("role", ["stranger", "court", "quality", "insurer", "operator"])
def test_rules_are_for_everybody_who_is_signed_in(people: People, role: str) -> None:
    commission = people.signers["regulator"]
    profiled = commission.sign("institution.profiled", secrets.token_bytes(32), example("profile"))
    accepted(people, profiled)
    assert people.seen(role, profiled) == {"profile"}
    assert people.get("nobody", f"/v1/statements/{profiled.name}").json()["parts"] is None


def test_an_insurer_sees_what_names_it(people: People) -> None:
    issuer, opener = people.signers["issuer"], people.signers["opener"]
    report = a_report(issuer)
    opened = opener.granted(report)
    on_access, parts = links(access=opened, report=report), (example("policy"), Part.create("note", "（合成）"))
    named, another = (
        opener.sign("recognition.accepted", report.subject, *parts, on_access, example("insurance", insurer=insurer))
        for insurer in ("SYN-INSURER", "SYN-OTHER")
    )
    accepted(people, report, opened, named, another)
    assert people.seen("insurer", named) == {"policy", "links", "insurance"}
    assert people.seen("insurer", another) == people.seen("insurer", report) == set()
    assert people.seen("stranger", named) == set()
    timeline = people.get("insurer", f"/v1/subjects/{encode_hex(report.subject)}")
    check_problem_response(timeline, "not-permitted", 403)


def test_pages_of_a_timeline_are_shown_by_the_same_rules(people: People) -> None:
    subject, after, items = encode_hex(people.report.subject), None, []
    while True:
        parameters = {"limit": 1} if after is None else {"limit": 1, "after": after}
        page = people.get("regulator", f"/v1/subjects/{subject}", params=parameters).json()
        items += page["items"]
        if page["next"] is None:
            break
        after = page["next"]
    assert items == people.get("regulator", f"/v1/subjects/{subject}").json()["items"]
    assert [item["statement"] for item in items] == [people.report.name, people.opened.name]
