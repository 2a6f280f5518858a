"""Reminders over a running service: CDS Hooks 2.0, its plain twin, and what is signed of them. All is synthetic."""

import json
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import httpx
import pytest
from hypothesis import example as with_example
from hypothesis import given
from hypothesis import strategies as st

from anchors import Part
from anchors.core.encoding import encode_hex
from ledger_service.client.compose import Draft
from ledger_service.client.errors import BrokenAnswer, WrongInput
from ledger_service.client.reminders import drafts_of
from ledger_service.http.cds import read_call, read_feedback
from ledger_service.problems import Refused
from ledger_service.recognition.policies import shipped_policy
from scripts.city.founding import COMMISSION, QUALITY_CENTRE
from scripts.city.service import TOKEN
from tests.fixtures.ledger import LABORATORY, Ledger, check_problem_response
from tests.fixtures.signer import Signed, Signer, document, example, links, reason
from tests.privacy.people import sign_in

VISIT, ORDER = "recognisable-results", "repeated-examinations"
HUZHENG = "urn:huzheng:reminder"
# Zhanjiang's rules without a last day, so that these tests have none either.
RULES = json.loads(shipped_policy("zhanjiang-2024")) | {"in_force": {"clause": "文末", "first": "2024-01-24"}}
LISTED = [each["code"] for each in RULES["refusal"]["reasons"]]
TODAY = datetime.now(timezone(timedelta(hours=8))).date()
PATIENT = "synthetic-patient-4711"


def ago(days: int) -> str:
    return (TODAY - timedelta(days=days)).isoformat()


@dataclass
class Story:
    """SYN…0 issued five reports; SYN…1 asks, in a session, and issued one itself."""

    ledger: Ledger
    issuer: Signer
    reader: Signer
    policy: Signed
    reports: dict[str, Signed]
    tokens: dict[str, str] = field(default_factory=dict)

    def post(self, path: str, body: Any, who: str = "reader") -> httpx.Response:
        """POST as somebody."""
        token = self.tokens.get(who)
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        if isinstance(body, bytes):
            return self.ledger.http.post(path, content=body, headers=headers)
        return self.ledger.http.post(path, json=body, headers=headers)

    def call(self, service: str, who: str = "reader", **changes: Any) -> dict[str, Any]:
        """The answer to a hook's call about all reports."""
        response = self.post(f"/cds-services/{service}", self.body(service, **changes), who)
        assert response.status_code == 200, response.text
        return response.json()

    def body(self, service: str, **changes: Any) -> dict[str, Any]:
        """A hook's call as a client sends it."""
        context: dict[str, Any] = {"userId": "Practitioner/1", "patientId": PATIENT, "encounterId": "2"}
        if service == ORDER:
            context["draftOrders"] = orders(("SAMPLE-national", "N-1"), ("SAMPLE-local", "S-777"))
        base = {
            "hook": "order-sign" if service == ORDER else "patient-view",
            "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
            "fhirServer": "https://fhir.hospital.example",
            "fhirAuthorization": {"access_token": "opaque", "token_type": "Bearer", "expires_in": 300},
            "context": context,
            "prefetch": {"huzhengSubjects": self.subjects()},
        }
        return base | changes

    def subjects(self) -> list[str]:
        return [encode_hex(report.subject) for report in self.reports.values()]

    def named(self, id: str) -> str:
        """Which report a statement id is of."""
        return next(name for name, report in self.reports.items() if report.name == id)

    def feedback(self, service: str, card: dict[str, Any], who: str = "reader", **changes: Any) -> httpx.Response:
        """Send what became of a card."""
        each = {
            "card": card["uuid"],
            "outcome": "overridden",
            "overrideReason": {"reason": {"code": LISTED[4], "system": card["overrideReasons"][0]["system"]}},
            "outcomeTimestamp": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "extension": card["extension"],
        } | changes
        each = {name: value for name, value in each.items() if value is not None}
        return self.post(f"/cds-services/{service}/feedback", {"feedback": [each]}, who)

    def sign(self, draft: Draft) -> Signed:
        """The reader signs a draft, and has it accepted."""
        signed = self.reader.sign(draft.kind, draft.subject, *draft.content.parts)
        assert isinstance(self.ledger.submit(signed).outcomes[0], int)
        return signed


def orders(*codes: tuple[str, str]) -> dict[str, Any]:
    """A Bundle of draft ServiceRequests (R4), beside an order that is no examination."""
    requests = [
        {
            "resourceType": "ServiceRequest",
            "id": f"order-{number}",
            "status": "draft",
            "intent": "order",
            "subject": {"reference": f"Patient/{PATIENT}"},
            "code": {"coding": [{"system": system, "code": code}]},
        }
        for number, (system, code) in enumerate(codes)
    ]
    other = {"resourceType": "MedicationRequest", "id": "m", "status": "draft", "intent": "order"}
    return {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [{"resource": each} for each in (other, *requests)],
    }


def publish(ledger: Ledger, issuer: Signer, reader: Signer) -> Signed:
    """Both hospitals described, the issuer qualified, the catalogue, a code map; the policy."""
    commission, centre = ledger.authority(COMMISSION), ledger.authority(QUALITY_CENTRE)
    place = {"district": "440883", "city": "440800", "region": "440000", "groups": [], "pilot": []}
    profiles = [
        commission.sign(
            "institution.profiled",
            secrets.token_bytes(32),
            example("profile", institution=each.institution, since="2025-01-01", tier=tier, **place),
        )
        for each, tier in ((issuer, 3), (reader, 2))
    ]
    valid = {"institution": issuer.institution, "scope": ["440800"], "marks": ["湛江市 HR"], "since": ago(200)}
    valid |= {"until": ago(-100), "items": ["S-001", "S-002"]}
    granted = [
        centre.sign("qualification.granted", secrets.token_bytes(32), example("qualification", category=each, **valid))
        for each in ("laboratory", "imaging")
    ]
    lists = [
        commission.sign(f"{name}.published", secrets.token_bytes(32), example(name, **changed))
        for name, changed in (
            ("catalogue", {"catalogue": "SAMPLE-local"}),
            ("codemap", {"pairs": [["N-1", "S-001"]]}),
        )
    ]
    policy = commission.published(RULES)
    answer = ledger.submit(*profiles, *lists, policy)
    assert all(isinstance(outcome, int) for outcome in (*answer.outcomes, *ledger.submit(*granted).outcomes))
    return policy


def report(signer: Signer, days: int, **examination: Any) -> Signed:
    """A report of what was examined so many days ago."""
    at = f"{ago(days)}T08:30:00+08:00"
    value = {"at": at, "channel": "platform", "marks": ["湛江市 HR"], "system": "SAMPLE-local"} | examination
    note = Part.create("note", f"（合成）{PATIENT}")
    return signer.sign("report.issued", secrets.token_bytes(32), document(), example("examination", **value), note)


@pytest.fixture(scope="module")
def story(sqlite_ledger: Ledger) -> Iterator[Story]:
    ledger = sqlite_ledger
    issuer, reader = ledger.signer(0), ledger.signer(1)
    policy = publish(ledger, issuer, reader)
    reports = {
        "good": report(issuer, 3),
        "old": report(issuer, 40, category="imaging", item="S-002"),
        "pathology": report(issuer, 3, category="pathology"),
        "withdrawn": report(issuer, 2),
        "older": report(issuer, 9),
    }
    withdrawn = issuer.sign(
        "report.withdrawn", reports["withdrawn"].subject, reason(), links(replaces=reports["withdrawn"])
    )
    own = report(reader, 1)
    answer = ledger.submit(*reports.values(), withdrawn, own)
    assert all(isinstance(outcome, int) for outcome in answer.outcomes)
    tokens = {
        "reader": sign_in(ledger, reader),
        "issuer": sign_in(ledger, issuer),
        "laboratory": sign_in(ledger, ledger.signer(LABORATORY)),
        "commission": sign_in(ledger, ledger.authority(COMMISSION)),
        "token": TOKEN,
    }
    yield Story(ledger, issuer, reader, policy, reports | {"own": own}, tokens)


# The form, as CDS Hooks 2.0 has it


def check_no_nothing(value: Any) -> None:
    """JSON elements are neither null nor empty (Null and empty JSON elements)."""
    assert value is not None and value != "" and value != {} and value != [], value
    for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        check_no_nothing(each)


def check_card(card: dict[str, Any]) -> None:
    """A card has the members of Card Attributes, each of its form, and no other."""
    allowed = {
        "uuid", "summary", "detail", "indicator", "source", "suggestions", "selectionBehavior", "overrideReasons",
        "links", "extension",
    }  # fmt: skip
    assert {"summary", "indicator", "source"} <= card.keys() <= allowed
    check_no_nothing(card)
    assert str(UUID(card["uuid"])) == card["uuid"]
    assert isinstance(card["summary"], str) and len(card["summary"]) < 140 and "\n" not in card["summary"]
    assert isinstance(card["detail"], str)
    assert card["indicator"] in ("info", "warning", "critical")
    assert isinstance(card["source"]["label"], str) and card["source"].keys() <= {"label", "url", "icon", "topic"}
    assert ("suggestions" in card) <= (card.get("selectionBehavior") in ("at-most-one", "any"))
    for suggestion in card.get("suggestions", []):
        assert suggestion.keys() <= {"label", "uuid", "isRecommended", "actions"} and suggestion["label"]
        assert UUID(suggestion["uuid"])
        for action in suggestion.get("actions", []):
            assert action["type"] == "delete" and action["description"]
            assert re.fullmatch(r"ServiceRequest/[A-Za-z0-9.-]{1,64}", action["resourceId"])
    for coding in card.get("overrideReasons", []):
        assert coding.keys() == {"code", "system", "display"} and all(isinstance(each, str) for each in coding.values())


def test_discovery(story: Story) -> None:
    answer = story.ledger.get("/cds-services")
    assert answer.status_code == 200 and answer.headers["content-type"] == "application/json"
    services = answer.json()["services"]
    check_no_nothing(services)
    assert {each["id"]: each["hook"] for each in services} == {VISIT: "patient-view", ORDER: "order-sign"}
    for each in services:
        assert {"hook", "description", "id"} <= each.keys()
        assert each.keys() <= {"hook", "title", "description", "id", "prefetch", "usageRequirements"}
        assert re.findall(r"{{(.*?)}}", each["prefetch"]["huzhengSubjects"]) == ["context.patientId"]


# The story


def test_at_the_visit(story: Story) -> None:
    answer = story.call(VISIT)
    assert answer.keys() == {"cards", "extension"}
    for card in answer["cards"]:
        check_card(card)
    said = [(story.named(card["extension"][HUZHENG]["report"]), card["indicator"]) for card in answer["cards"]]
    assert said == [("good", "info"), ("old", "info")]
    good, old = (card["detail"] for card in answer["cards"])
    assert "四（三）" in good and "⚠" not in good
    assert "⚠ 超过一般互认时限，由医生判断" in old
    told = answer["extension"][HUZHENG]
    assert told["institution"] == story.reader.institution
    passed = {each["subject"]: each["code"] for each in told["passedOver"]}
    by_name = {name: passed.get(encode_hex(report.subject)) for name, report in story.reports.items()}
    assert by_name == {
        "good": None,
        "old": None,
        "pathology": "not-called-for",
        "withdrawn": "withdrawn",
        "older": "newer",
        "own": "own-report",
    }
    assert len({card["uuid"] for card in answer["cards"]} | {card["uuid"] for card in story.call(VISIT)["cards"]}) == 4


def without_uuids(answer: dict[str, Any]) -> list[dict[str, Any]]:
    """The cards without what is new in every answer."""
    cards = [{name: value for name, value in card.items() if name != "uuid"} for card in answer["cards"]]
    for card in cards:
        card["extension"][HUZHENG]["reminder"].pop("at")
        card["extension"][HUZHENG]["draft"]["parts"]["reminder"].pop("at")
        for suggestion in card.get("suggestions", []):
            suggestion.pop("uuid")
    return cards


def test_subjects_as_identifiers_of_reports(story: Story) -> None:
    identifiers = [{"system": "urn:huzheng:subject", "value": subject} for subject in story.subjects()]
    entries = [
        {
            "resource": {
                "resourceType": "DiagnosticReport",
                "identifier": [{"system": "urn:oid:1.2", "value": "x"}, each],
            }
        }
        for each in identifiers
    ]
    elsewhere = [
        {"resource": {"resourceType": "DiagnosticReport", "identifier": [{"system": "urn:oid:1.2", "value": "y"}]}},
        {"resource": {"resourceType": "OperationOutcome"}},
    ]
    bundle = {"resourceType": "Bundle", "type": "searchset", "entry": [*entries, *elsewhere]}
    found = story.call(VISIT, prefetch={"huzhengSubjects": bundle})
    assert found["cards"] and without_uuids(found) == without_uuids(story.call(VISIT))


def test_at_ordering(story: Story) -> None:
    (card,) = story.call(ORDER)["cards"]
    check_card(card)
    assert story.named(card["extension"][HUZHENG]["report"]) == "good"
    assert card["indicator"] == "warning" and "SAMPLE\\-national N\\-1" in card["detail"]
    assert [each["code"] for each in card["overrideReasons"]] == LISTED
    assert card["overrideReasons"][0]["display"].startswith("因病情变化")
    (suggestion,) = card["suggestions"]
    assert [action["resourceId"] for action in suggestion["actions"]] == ["ServiceRequest/order-0"]


def test_an_order_of_r5_has_its_code_deeper(story: Story) -> None:
    bundle = orders(("SAMPLE-national", "N-1"))
    request = bundle["entry"][1]["resource"]
    request["code"] = {"concept": request["code"]}
    context = {"userId": "Practitioner/1", "patientId": PATIENT, "draftOrders": bundle}
    assert len(story.call(ORDER, context=context)["cards"]) == 1


def test_more_codes_of_orders_than_are_looked_at(story: Story) -> None:
    """One call keeps nobody else waiting for long."""
    for count, status in ((200, 200), (201, 400)):
        draft = orders(*(("SAMPLE-national", f"N-{number}") for number in range(count)))
        context = {"userId": "Practitioner/1", "patientId": PATIENT, "draftOrders": draft}
        assert story.post(f"/cds-services/{ORDER}", story.body(ORDER, context=context)).status_code == status, count


@pytest.mark.parametrize("service", [VISIT, ORDER])
def test_the_plain_twin_says_the_same(story: Story, service: str) -> None:
    asked = {"hook": "order-sign" if service == ORDER else "patient-view", "subjects": story.subjects()}
    if service == ORDER:
        asked["orders"] = [{"system": "SAMPLE-national", "code": "N-1"}, {"system": "SAMPLE-local", "code": "S-777"}]
    answer = story.post("/v1/reminders", asked | {"institution": story.reader.institution})
    assert answer.status_code == 200, answer.text
    plain, hooked = answer.json(), story.call(service)
    assert [each["report"] for each in plain["reminders"]] == [
        card["extension"][HUZHENG]["report"] for card in hooked["cards"]
    ]
    for each, card in zip(plain["reminders"], hooked["cards"], strict=True):
        assert [warning["zh"] in card["detail"] for warning in each["warnings"]] == [True] * card["detail"].count("⚠")
        assert [(reason["code"], reason["system"]) for reason in each["reasons"]] == [
            (reason["code"], reason["system"]) for reason in card["overrideReasons"]
        ]
        assert each["draft"]["parts"]["reminder"].keys() == {"at", "hook", "item"}
        assert each["policy"]["statement"] == story.policy.name
    codes = [(each["subject"], each["code"]) for each in plain["passedOver"]]
    assert codes == [(each["subject"], each["code"]) for each in hooked["extension"][HUZHENG]["passedOver"]]


def test_as_of_another_time(story: Story) -> None:
    asked = {"hook": "patient-view", "subjects": [encode_hex(story.reports["old"].subject)]}
    now = story.post("/v1/reminders", asked).json()["reminders"][0]
    then = story.post("/v1/reminders", asked | {"at": int(datetime.now(UTC).timestamp()) - 20 * 86_400}).json()
    assert [each["code"] for each in now["warnings"]] == ["outside-window"] and now["askedBy"] == ""
    assert then["reminders"][0]["warnings"] == [] and then["reminders"][0]["askedBy"] == "四（三）"
    ahead = story.post("/v1/reminders", asked | {"at": int(datetime.now(UTC).timestamp()) + 4_000})
    check_problem_response(ahead, "malformed-request", 400)


# What is signed


def test_what_was_shown_and_put_aside_is_signed(story: Story) -> None:
    answer = story.call(VISIT)
    card = answer["cards"][0]
    early = story.feedback(VISIT, card).json()["drafts"][0]
    assert (early["card"], early["kind"], early["needs"]) == (card["uuid"], "reminder.dismissed", ["reminder"])
    drafts = drafts_of(answer)
    assert [draft.kind for draft in drafts] == ["reminder.shown"] * 2
    shown = story.sign(drafts[0])
    assert shown.content.value("reminder") == card["extension"][HUZHENG]["reminder"]
    told = story.feedback(
        VISIT, card, overrideReason={"reason": card["overrideReasons"][0], "userComment": "（合成）与临床不符"}
    )
    (draft,) = drafts_of(told.json())
    assert draft.content.value("reason") == {"code": LISTED[0]} and draft.content.value("note") == "（合成）与临床不符"
    assert draft.content.value("links") == [{"rel": "reminder", "statement": shown.name}]
    dismissed = story.sign(draft)
    assert dismissed.content.value("reminder") == shown.content.value("reminder")


def test_what_is_ordered_all_the_same_is_signed_with_its_reason(story: Story) -> None:
    card = story.call(ORDER)["cards"][0]
    shown = story.sign(drafts_of({"cards": [card]})[0])
    opened = story.reader.granted(story.reports["good"])
    early = story.feedback(ORDER, card).json()
    assert early["drafts"][0]["needs"] == ["access"]
    with pytest.raises(WrongInput, match="access"):
        drafts_of(early)
    assert {"rel": "access", "statement": opened.name} in drafts_of(early, access=opened.id)[0].content.value("links")
    story.ledger.submit(opened)
    at = "2026-11-20T23:15:00.250Z"
    answer = story.feedback(ORDER, card, outcomeTimestamp=at).json()
    assert answer.keys() == {"drafts"} and "needs" not in answer["drafts"][0]
    (draft,) = drafts_of(answer)
    named = {link["rel"]: link["statement"] for link in draft.content.value("links")}
    assert named == {
        "repeats": story.reports["good"].name,
        "access": opened.name,
        "reminder": shown.name,
        "policy": story.policy.name,
    }
    assert draft.content.value("policy") == story.policy.content.value("policy")
    assert draft.content.value("decision") == {"at": "2026-11-21T07:15:00+08:00", "extent": ["result"]}
    story.sign(draft)


def test_feedback_as_the_specification_shows_it(story: Story) -> None:
    """Its examples: of cards that were never given here, with suggestions accepted, and with reasons of its own."""
    accepted = {
        "card": "4e0a3a1e-3283-4575-ab82-028d55fe2719",
        "outcome": "accepted",
        "acceptedSuggestions": [{"id": "e56e1945-20b3-4393-8503-a1a20fd73152"}],
        "outcomeTimestamp": "2020-12-11T00:00:00Z",
    }
    overridden = {
        "card": "9368d37b-283f-44a0-93ea-547cebab93ed",
        "outcome": "overridden",
        "overrideReason": {
            "reason": {"code": "d7ecf885", "system": "https://example.com/cds-hooks/override-reason-system"},
            "userComment": "A comment entered by the clinician.",
        },
        "outcomeTimestamp": "2020-12-11T00:00:00Z",
    }
    path = f"/cds-services/{ORDER}/feedback"
    assert story.post(path, {"feedback": [accepted]}).json() == {"drafts": []}
    check_problem_response(story.post(path, {"feedback": [accepted, overridden]}), "malformed-request", 400)
    shown = story.call(ORDER)["cards"][0]["extension"]
    foreign = {"feedback": [accepted, overridden | {"extension": shown}]}
    check_problem_response(story.post(path, foreign), "reason-not-listed", 422)


def test_what_is_said_of_a_card_twice_is_answered_twice(story: Story) -> None:
    card = story.call(ORDER)["cards"][0]
    system, shown = card["overrideReasons"][0]["system"], card["extension"]
    items = [
        {
            "card": card["uuid"],
            "outcome": "overridden",
            "overrideReason": {"reason": {"code": code, "system": system}},
            "outcomeTimestamp": "2026-11-20T23:15:00Z",
            "extension": shown,
        }
        for code in LISTED[:2]
    ]
    drafts = story.post(f"/cds-services/{ORDER}/feedback", {"feedback": items}).json()["drafts"]
    assert [(each["card"], each["parts"]["reason"]["code"]) for each in drafts] == [
        (card["uuid"], code) for code in LISTED[:2]
    ]


def test_a_suggestion_that_was_accepted_comes_to_nothing_signed(story: Story) -> None:
    card = story.call(ORDER)["cards"][0]
    accepted = [{"id": card["suggestions"][0]["uuid"]}]
    changes = {"overrideReason": None, "extension": None, "acceptedSuggestions": accepted}
    assert story.feedback(ORDER, card, outcome="accepted", **changes).json() == {"drafts": []}


@pytest.mark.parametrize(
    "why",
    [
        None,
        {"userComment": "because"},
        {"reason": {"code": "SAMPLE-unlisted", "system": "…"}},
        {"reason": {"code": "patient-asks", "system": "urn:hospital:own"}},
        {"reason": {"code": "patient-asks"}},
    ],
)
@pytest.mark.parametrize("service", [VISIT, ORDER])
def test_a_reason_that_is_not_on_the_list_is_refused(story: Story, service: str, why: dict[str, Any] | None) -> None:
    card = story.call(service)["cards"][0]
    if why and "reason" in why and why["reason"].get("system") == "…":
        why = {"reason": why["reason"] | {"system": card["overrideReasons"][0]["system"]}}
    refused = check_problem_response(story.feedback(service, card, overrideReason=why), "reason-not-listed", 422)
    assert "理由" in refused["detail"] and all(code in refused["detail"] for code in LISTED)
    assert "理由不在办法所列之内" in refused["title"]


def test_a_card_that_was_never_given_is_refused(story: Story) -> None:
    card = story.call(VISIT)["cards"][0]
    shown = card["extension"][HUZHENG]

    def answer(**changes: Any) -> httpx.Response:
        return story.feedback(VISIT, card, extension={HUZHENG: shown | changes})

    check_problem_response(answer(report="0x" + "ab" * 32), "link-unknown", 409)
    check_problem_response(answer(subject="0x" + "ab" * 32), "link-unknown", 409)
    check_problem_response(answer(policy=shown["policy"] | {"digest": "ab" * 32}), "link-unknown", 409)
    check_problem_response(answer(reminder={"at": 1, "hook": "nowhere"}), "malformed-request", 400)
    check_problem_response(story.feedback(VISIT, card, extension=None), "malformed-request", 400)


def test_what_holds_no_drafts() -> None:
    for answer in ({}, {"cards": [{}]}, {"drafts": [{"kind": 1}]}, {"drafts": [1]}, {"reminders": [{}]}):
        with pytest.raises(BrokenAnswer, match="no drafts"):
            drafts_of(answer)


# Who may ask, and what stays behind


PATHS = ["/v1/reminders", f"/cds-services/{VISIT}", f"/cds-services/{VISIT}/feedback"]


@pytest.mark.parametrize("path", PATHS)
def test_who_may_ask(story: Story, path: str) -> None:
    card = story.call(VISIT)["cards"][0]
    system = card["overrideReasons"][0]["system"]
    overridden = {
        "card": card["uuid"],
        "outcome": "overridden",
        "overrideReason": {"reason": {"code": LISTED[0], "system": system}},
        "outcomeTimestamp": "2026-11-20T23:15:00Z",
        "extension": card["extension"],
    }

    def ask(who: str, institution: str | None = None) -> httpx.Response:
        if path == "/v1/reminders":
            named = {} if institution is None else {"institution": institution}
            return story.post(path, {"hook": "patient-view", "subjects": story.subjects()} | named, who)
        named = {} if institution is None else {"extension": {HUZHENG: {"institution": institution}}}
        body = {"feedback": [overridden]} if path.endswith("feedback") else story.body(VISIT)
        return story.post(path, body | named, who)

    reader = story.reader.institution
    check_problem_response(ask("nobody"), "unauthorized", 401)
    for who in ("laboratory", "commission"):
        check_problem_response(ask(who), "not-permitted", 403)
        check_problem_response(ask(who, reader), "not-permitted", 403)
    check_problem_response(ask("issuer", reader), "not-permitted", 403)
    check_problem_response(ask("token"), "malformed-request", 400)
    for who in ("reader", "token"):
        assert ask(who, reader).status_code == 200


def test_what_is_told_is_in_the_reading_log_and_nothing_of_the_patient_anywhere(story: Story) -> None:
    before = story.ledger.get("/v1/readings", token=True, params={"limit": 1_000}).json()["items"]
    answer = story.call(VISIT)
    after = story.ledger.get("/v1/readings", token=True, params={"limit": 1_000}).json()["items"][len(before) :]
    (record,) = (each["record"] for each in after)
    assert record["institution"] == story.reader.institution and record["route"] == "POST /cds-services/{service}"
    told = {each["statement"]: (each["basis"], each["parts"]) for each in record["read"]}
    names = {story.named(id) for id in told}
    assert names == {"good", "old", "older", "pathology"}
    assert all(each == ("reminder", ["examination"]) for each in told.values())
    log = story.ledger.log()
    assert PATIENT not in json.dumps(answer, ensure_ascii=False) and PATIENT not in log
    assert not any(subject[2:] in log for subject in story.subjects())


# What is no request


def refused_calls() -> dict[str, bytes]:
    """Bodies of a visit's call that are none."""
    good = {
        "hook": "patient-view",
        "hookInstance": "1",
        "context": {"patientId": "1", "userId": "Practitioner/1"},
        "prefetch": {"huzhengSubjects": ["0x" + "ab" * 32]},
    }

    def changed(**members: Any) -> bytes:
        return json.dumps({name: value for name, value in (good | members).items() if value is not ...}).encode()

    subjects = {
        "a subject that is too short": ["0x12"],
        "a subject with a line": ["0x" + "ab" * 32 + "\n"],
        "a number": [1],
        "text": "0x" + "ab" * 32,
        "true": True,
        "101 subjects": ["0x" + f"{number:064x}" for number in range(101)],
        "a Bundle with a bad identifier": {
            "entry": [
                {
                    "resource": {
                        "resourceType": "DiagnosticReport",
                        "identifier": [{"system": "urn:huzheng:subject", "value": 7}],
                    }
                }
            ]
        },
    }
    return {
        "nothing": b"",
        "no JSON": b"{",
        "an array": b"[]",
        "null": b"null",
        "no UTF-8": b'{"hook":"\xff"}',
        "a lone surrogate": b'{"hook":"\\ud800"}',
        "nested deep": b'{"prefetch":' + b"[" * 200_000 + b"]" * 200_000 + b"}",
        "nested deep without an end": b'{"extension":' + b'{"a":' * 200_000,
        "no hook": changed(hook=...),
        "another hook": changed(hook="order-sign"),
        "a long hook": changed(hook="x" * 100_000),
        "no hookInstance": changed(hookInstance=...),
        "a hookInstance that is null": changed(hookInstance=None),
        "no context": changed(context=...),
        "a context that is text": changed(context="x"),
        "prefetch that is null": changed(prefetch=None),
        "prefetch that is an array": changed(prefetch=[]),
        "extension that is text": changed(extension="x"),
        "an institution that is a number": changed(extension={HUZHENG: {"institution": 1}}),
        "an institution with a blank": changed(extension={HUZHENG: {"institution": "a b"}}),
        **{what: changed(prefetch={"huzhengSubjects": value}) for what, value in subjects.items()},
    }


CALLS = refused_calls()


@pytest.mark.parametrize("what", CALLS)
def test_a_malformed_call_is_refused_in_one_line(story: Story, what: str) -> None:
    check_problem_response(story.post(f"/cds-services/{VISIT}", CALLS[what]), "malformed-request", 400)


@pytest.mark.parametrize(
    "context", [{}, {"draftOrders": None}, {"draftOrders": []}, {"draftOrders": "x"}, {"draftOrders": 1}]
)
def test_ordering_without_orders_is_refused(story: Story, context: dict[str, Any]) -> None:
    body = story.body(ORDER, context=context)
    check_problem_response(story.post(f"/cds-services/{ORDER}", body), "malformed-request", 400)


ODD = [
    {"entry": 1},
    {"entry": [1, None, {"resource": 1}, {"resource": {"resourceType": "ServiceRequest"}}]},
    {"entry": [{"resource": {"resourceType": "ServiceRequest", "code": "x", "id": 1}}]},
    {"entry": [{"resource": {"resourceType": "ServiceRequest", "code": {"coding": [{"system": 1, "code": {}}]}}}]},
]


@pytest.mark.parametrize("odd", ODD)
def test_odd_orders_are_no_orders(story: Story, odd: dict[str, Any]) -> None:
    assert story.call(ORDER, context={"draftOrders": odd})["cards"] == []


def test_what_was_not_prefetched(story: Story) -> None:
    """412 where the key is missing, as the specification has it; null says that there is nothing."""
    for prefetch in ({}, {"patientToGreet": {"resourceType": "Patient"}}):
        refused = story.post(f"/cds-services/{VISIT}", story.body(VISIT, prefetch=prefetch))
        check_problem_response(refused, "subjects-missing", 412)
    assert story.call(VISIT, prefetch={"huzhengSubjects": None})["cards"] == []
    nobody = {"huzhengSubjects": ["0x" + "ab" * 32]}
    assert story.call(VISIT, prefetch=nobody)["extension"][HUZHENG]["passedOver"][0]["code"] == "not-found"


def test_no_such_service(story: Story) -> None:
    for path in ("/cds-services/nothing", "/cds-services/nothing/feedback"):
        check_problem_response(story.post(path, {}), "not-found", 404)


OVERRIDDEN = {"card": "c", "outcome": "overridden", "outcomeTimestamp": "2026-11-20T00:00:00Z"}


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"feedback": []},
        {"feedback": {}},
        {"feedback": [1]},
        {"feedback": [OVERRIDDEN] * 101},
        {"feedback": [OVERRIDDEN | {"outcome": "ignored"}]},
        {"feedback": [OVERRIDDEN | {"card": ""}]},
        {"feedback": [OVERRIDDEN | {"outcomeTimestamp": "yesterday"}]},
        {"feedback": [OVERRIDDEN | {"outcomeTimestamp": "2026-11-20T00:00:00"}]},
        {"feedback": [OVERRIDDEN | {"outcomeTimestamp": "9999-12-31T23:59:59Z"}]},
        {"feedback": [OVERRIDDEN]},
        {"feedback": [OVERRIDDEN | {"extension": {HUZHENG: {}}}]},
        {"feedback": [OVERRIDDEN | {"overrideReason": {"userComment": "x" * 2_001}}]},
        {"feedback": [OVERRIDDEN | {"overrideReason": {"reason": {"code": "一"}}}]},
    ],
)
def test_malformed_feedback_is_refused_in_one_line(story: Story, body: dict[str, Any]) -> None:
    check_problem_response(story.post(f"/cds-services/{VISIT}/feedback", body), "malformed-request", 400)


@pytest.mark.parametrize(
    "changes",
    [
        {"hook": "nowhere"},
        {"subjects": ["0x12"]},
        {"subjects": ["0x" + "ab" * 32] * 101},
        {"order": []},
        {"orders": [{"system": "", "code": "x"}]},
        {"at": -1},
        {"at": "soon"},
        {"institution": "a b"},
    ],
)
def test_a_malformed_question_is_refused_in_one_line(story: Story, changes: dict[str, Any]) -> None:
    asked = {"hook": "patient-view", "subjects": []} | changes
    check_problem_response(story.post("/v1/reminders", asked), "malformed-request", 400)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=20), inner, max_size=4),
    max_leaves=12,
)
CALL = st.fixed_dictionaries(
    {
        "hook": st.just("order-sign") | JSON,
        "hookInstance": st.just("1") | JSON,
        "context": st.fixed_dictionaries({"draftOrders": st.fixed_dictionaries({"entry": JSON}) | JSON}) | JSON,
    },
    optional={
        "prefetch": st.fixed_dictionaries({"huzhengSubjects": st.fixed_dictionaries({"entry": JSON}) | JSON}),
        "extension": st.fixed_dictionaries({HUZHENG: JSON}) | JSON,
    },
)
FEEDBACK = st.fixed_dictionaries(
    {
        "feedback": st.lists(
            st.fixed_dictionaries(
                {
                    "card": st.text(max_size=5) | JSON,
                    "outcome": st.sampled_from(["accepted", "overridden"]) | JSON,
                    "outcomeTimestamp": st.datetimes().map(lambda at: f"{at.isoformat()}Z") | st.text() | JSON,
                },
                optional={"overrideReason": JSON, "extension": st.fixed_dictionaries({HUZHENG: JSON}) | JSON},
            ),
            max_size=3,
        )
    }
)


@given(st.binary() | st.one_of(JSON, CALL, FEEDBACK).map(lambda value: json.dumps(value).encode()))
@with_example(b'{"feedback":[{"card":"c","outcome":"accepted","outcomeTimestamp":"0001-01-01T00:00:00+14:00"}]}')
def test_whatever_is_read_is_a_question_or_refused(raw: bytes) -> None:
    for read in (read_call, read_feedback):
        try:
            read(raw, "order-sign")
        except Refused as refused:
            assert refused.detail and "\n" not in refused.detail
