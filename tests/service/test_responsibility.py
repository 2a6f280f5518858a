"""The route that tells who did what about a report, over a running service."""

import json
import secrets
from typing import Any

import pytest

from anchors import Part
from anchors.core.encoding import encode_hex
from ledger_service.recognition.policies import shipped_policy
from scripts.city.founding import COMMISSION, QUALITY_CENTRE
from scripts.city.service import TOKEN
from tests.cli.command import answer, huzheng
from tests.fixtures.ledger import Ledger, check_problem_response
from tests.fixtures.signer import Signed, Signer, document, example, links

ZHANJIANG = json.loads(shipped_policy("zhanjiang-2024"))
EXAMINATION = {
    "at": "2026-03-01T08:30+08:00",
    "channel": "platform",
    "marks": ["湛江市 HR"],
    "system": "SAMPLE-catalogue",
}
DECIDED = Part.create("decision", {"at": "2026-03-05T10:15:00+08:00", "extent": ["result"]})


def facts(ledger: Ledger, subject: bytes) -> list[dict[str, Any]]:
    """What the service tells of a report."""
    found = ledger.get(f"/v1/subjects/{encode_hex(subject)}/responsibility", token=True)
    assert found.status_code == 200, found.text
    assert found.json()["subject"] == encode_hex(subject)
    return found.json()["facts"]


def told(found: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
    return [(fact["code"], fact["says"], fact["claim"]) for fact in found]


def rules(ledger: Ledger, issuer: Signer, reader: Signer) -> dict[str, Signed]:
    """Both hospitals described, the issuer qualified, the catalogue, and a policy of this test alone."""
    commission, centre = ledger.authority(COMMISSION), ledger.authority(QUALITY_CENTRE)
    place = {"district": "440883", "city": "440800", "region": "440000", "groups": [], "pilot": []}
    described = [
        commission.sign(
            "institution.profiled",
            secrets.token_bytes(32),
            example("profile", institution=each.institution, since="2026-01-01", tier=3, **place),
        )
        for each in (issuer, reader)
    ]
    valid = {"institution": issuer.institution, "scope": ["440800"], "marks": ["湛江市 HR"], "items": ["S-001"]}
    granted = centre.sign("qualification.granted", secrets.token_bytes(32), example("qualification", **valid))
    policy = commission.published(ZHANJIANG | {"version": secrets.token_hex(8)})
    catalogue = commission.sign("catalogue.published", secrets.token_bytes(32), example("catalogue"))
    return {
        "issuer": described[0],
        "reader": described[1],
        "granted": granted,
        "policy": policy,
        "catalogue": catalogue,
    }


def test_a_whole_story(ledger: Ledger) -> None:
    issuer, reader = ledger.signer(0), ledger.signer(1)
    known = rules(ledger, issuer, reader)
    examined = example("examination", **EXAMINATION)
    report = issuer.sign("report.issued", secrets.token_bytes(32), document(), examined)
    opened = reader.granted(report)
    named = Part.create("policy", known["policy"].content.value("policy"))
    why = Part.create("reason", {"code": "patient-asks"})
    order = reader.sign(
        "repeat.ordered",
        report.subject,
        named,
        why,
        DECIDED,
        links(access=opened, repeats=report, policy=known["policy"]),
    )
    answer = ledger.submit(*known.values(), report, opened, order)
    assert all(isinstance(outcome, int) for outcome in answer.outcomes), answer.outcomes
    ledger.wait_for_state(order, "final")
    found = facts(ledger, report.subject)
    assert told(found) == [
        ("issued", "issued", "VERIFIED"),
        ("qualified", "granted", "VERIFIED"),
        ("marked", "backed", "VERIFIED"),
        ("opened", "granted", "VERIFIED"),
        ("opened-current", "current", "VERIFIED"),
        ("decided", "repeat.ordered", "VERIFIED"),
        ("decided-version", "current", "VERIFIED"),
        ("policy-published", "published", "VERIFIED"),
        ("eligible", "yes", "VERIFIED"),
        ("reason-listed", "listed", "VERIFIED"),
        ("explained", "owed", "NOT_PROVABLE"),
        ("resulted", "none", "NOT_PROVABLE"),
    ]
    assert found[1]["statements"] == [report.name, known["granted"].name]
    assert known["policy"].name in found[7]["statements"]
    assert found[8]["details"]["missing"] == [] and found[8]["details"]["warnings"] == []
    head = ledger.get(f"/v1/statements/{order.name}").json()["head"]
    assert head["final"] and found[5]["signedAfter"] is None and found[5]["signedBefore"] > 0
    assert "患者" in found[10]["zh"] and "explanation" in found[10]["en"]


def test_what_comes_later_is_told_the_next_time(ledger: Ledger) -> None:
    """The book goes on where it was: a suspension that is said after the first question counts in the second."""
    issuer, reader = ledger.signer(2), ledger.signer(3)
    known = rules(ledger, issuer, reader)
    report = issuer.sign("report.issued", secrets.token_bytes(32), document(), example("examination", **EXAMINATION))
    ledger.submit(*known.values(), report)
    ledger.wait_for_state(report, "final")
    assert told(facts(ledger, report.subject))[1][:2] == ("qualified", "granted")
    centre = ledger.authority(QUALITY_CENTRE)
    parts = (example("since", since="2026-02-01"), example("reason"), links(replaces=known["granted"]))
    suspended = centre.sign("qualification.suspended", known["granted"].subject, *parts)
    ledger.submit(suspended)
    ledger.wait_for_state(suspended, "final")
    fact = facts(ledger, report.subject)[1]
    assert (fact["says"], fact["claim"], fact["details"]["when_issued"]) == ("suspended", "FAILED", "granted")
    assert fact["statements"] == [report.name, known["granted"].name, suspended.name]


def test_an_observed_head_tells_after_when(ledger: Ledger) -> None:
    issuer = ledger.signer(5)
    first = issuer.issued()
    ledger.submit(first)
    ledger.wait_for_state(first, "final")
    head = ledger.get("/v1/heads/final").json()
    issuer.observed = bytes.fromhex(head["witnessId"][2:])
    second = issuer.issued()
    ledger.submit(second)
    (waiting, _) = facts(ledger, second.subject)
    assert waiting["claim"] == "NOT_CHECKED" and waiting["signedAfter"] > 0
    ledger.wait_for_state(second, "final")
    (fact, _) = facts(ledger, second.subject)
    assert fact["claim"] == "VERIFIED" and fact["signedAfter"] <= fact["signedBefore"]


def test_a_consent_about_another_subject(ledger: Ledger) -> None:
    issuer, reader = ledger.signer(2), ledger.signer(3)
    report = issuer.issued()
    consent = reader.sign("consent.given", secrets.token_bytes(32), example("consent", until="2100-01-01"))
    kept = reader.sign("access.granted", report.subject, example("access"), links(report=report, consent=consent))
    ended = reader.sign("consent.withdrawn", consent.subject, links(replaces=consent))
    broken = reader.sign("access.granted", report.subject, example("access"), links(report=report, consent=consent))
    assert all(isinstance(each, int) for each in ledger.submit(report, consent, kept, ended, broken).outcomes)
    found = [fact for fact in facts(ledger, report.subject) if fact["code"] == "consented"]
    assert [(fact["says"], fact["statements"]) for fact in found] == [
        ("held", [kept.name, consent.name]),
        ("withdrawn", [broken.name, consent.name, ended.name]),
    ]


@pytest.mark.parametrize("token", [True, False])
def test_who_may_ask_about_what(ledger: Ledger, token: bool) -> None:
    refused = ledger.get(f"/v1/subjects/0x{'ab' * 32}/responsibility", token=token)
    check_problem_response(refused, *(("not-found", 404) if token else ("unauthorized", 401)))


def test_the_command_shows_it_in_both_languages(ledger: Ledger) -> None:
    issuer, reader = ledger.signer(8), ledger.signer(9)
    report = issuer.issued()
    opened = reader.granted(report)
    ledger.submit(report, opened)
    ledger.wait_for_state(opened, "final")
    call = ("responsibility", encode_hex(report.subject), "--url", ledger.service.url, "--token", TOKEN)
    assert answer(*call)["facts"] == facts(ledger, report.subject)
    shown = huzheng(*call)
    assert shown.status == 0 and "VERIFIED" in shown.out and "no verdict" in shown.out
    told_so = "".join(shown.out.split())
    assert f"{reader.institution}调阅第1版" in told_so and f"{reader.institution}openedversion1" in told_so
    assert "not-found" in huzheng(call[0], "0x" + "ab" * 32, *call[2:]).failed_in_one_line(2)
