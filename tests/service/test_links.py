"""Every rule on links in docs/spec/kinds.md: which are required, and where each may lead."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from anchors import Part
from anchors.core.canonical import Json
from scripts.city.founding import COMMISSION, QUALITY_CENTRE
from tests.fixtures.ledger import Ledger
from tests.fixtures.parts import rules
from tests.fixtures.signer import Signed, Signer, access, example, links, policy, reason


@dataclass(frozen=True)
class Scene:
    """One report in two versions and what two hospitals did with it; another report of the first hospital."""

    issuer: Signer
    reader: Signer
    report: Signed
    amended: Signed
    other_report: Signed
    opened: Signed
    denied: Signed
    foreign_opened: Signed
    order: Signed
    result: Signed


@pytest.fixture
def scene(ledger: Ledger) -> Scene:
    issuer, reader = ledger.signer(0), ledger.signer(1)
    report, other_report = issuer.issued(), issuer.issued()
    amended = issuer.amended(report)
    foreign_opened, opened, denied = issuer.granted(report), reader.granted(report), reader.denied(report)
    order, result = reader.repeat_ordered(opened, report), reader.issued()
    everything = (report, other_report, amended, foreign_opened, opened, denied, order, result)
    assert all(isinstance(outcome, int) for outcome in ledger.submit(*everything).outcomes)
    return Scene(issuer, reader, report, amended, other_report, opened, denied, foreign_opened, order, result)


def recognise(scene: Scene, named: Part) -> Signed:
    return scene.reader.sign("recognition.accepted", scene.report.subject, policy(), named)


def order_repeat(scene: Scene, named: Part) -> Signed:
    return scene.reader.sign("repeat.ordered", scene.report.subject, policy(), reason(), named)


def give_result(scene: Scene, named: Part) -> Signed:
    return scene.reader.sign("repeat.resulted", scene.report.subject, named)


def open_report(scene: Scene, named: Part) -> Signed:
    return scene.reader.sign("access.granted", scene.report.subject, access(), named)


def amend(scene: Scene, named: Part) -> Signed:
    return scene.issuer.sign("report.withdrawn", scene.report.subject, reason(), named)


Case = tuple[Callable[[Scene, Part], Signed], Callable[[Scene], Part], str]


def raw(*items: Json) -> Callable[[Scene], Part]:
    """Links as they are."""
    return lambda scene: Part.create("links", list(items))


def one(rel: str, scene: Scene) -> dict[str, Json]:
    return {"rel": rel, "statement": scene.report.name}


CASES: dict[str, Case] = {
    "no link": (open_report, raw(), "invalid-links"),
    "one of two links": (recognise, lambda s: links(access=s.opened), "invalid-links"),
    "a link too many": (open_report, lambda s: links(report=s.report, access=s.opened), "invalid-links"),
    "a link of another name": (open_report, lambda s: links(reports=s.report), "invalid-links"),
    "a link twice": (
        open_report,
        lambda s: Part.create("links", [one("report", s), one("report", s)]),
        "invalid-links",
    ),
    "very many links": (
        open_report,
        lambda s: Part.create("links", [one(f"rel-{n}", s) for n in range(400)]),
        "invalid-links",
    ),
    "links no array": (open_report, lambda s: Part.create("links", one("report", s)), "invalid-part"),
    "a link that is a text": (open_report, raw("0x" + "00" * 32), "invalid-part"),
    "a link without a statement": (open_report, raw({"rel": "report"}), "invalid-part"),
    "a link with another member": (
        open_report,
        lambda s: Part.create("links", [one("report", s) | {"note": "x"}]),
        "invalid-part",
    ),
    "half a link to another log": (
        open_report,
        lambda s: Part.create("links", [one("report", s) | {"origin": "x"}]),
        "invalid-links",
    ),
    "a link to another log that the kind does not have": (
        open_report,
        lambda s: Part.create("links", [one("report", s) | {"index": 0, "origin": "x", "witnessId": "0x" + "00" * 32}]),
        "invalid-links",
    ),
    "a link to no id": (open_report, raw({"rel": "report", "statement": "0x12"}), "invalid-part"),
    "a link to an id in upper case": (
        open_report,
        raw({"rel": "report", "statement": "0x" + "AB" * 32}),
        "invalid-part",
    ),
    "a link to an id and a line break": (
        open_report,
        lambda s: Part.create("links", [{"rel": "report", "statement": s.report.name + "\n"}]),
        "invalid-part",
    ),
    "a link to nothing": (open_report, lambda s: links(report=secrets.token_bytes(32)), "link-unknown"),
    "opening what is no version": (open_report, lambda s: links(report=s.opened), "link-refused"),
    "opening another report": (open_report, lambda s: links(report=s.other_report), "link-refused"),
    "withdrawing an access": (amend, lambda s: links(replaces=s.opened), "link-refused"),
    "withdrawing another report": (amend, lambda s: links(replaces=s.other_report), "link-refused"),
    "withdrawing an older version": (amend, lambda s: links(replaces=s.report), "not-current"),
    "deciding without having opened": (recognise, lambda s: links(access=s.denied, report=s.report), "link-refused"),
    "deciding on another's access": (
        recognise,
        lambda s: links(access=s.foreign_opened, report=s.report),
        "link-refused",
    ),
    "deciding on a report as if it were an access": (
        recognise,
        lambda s: links(access=s.report, report=s.report),
        "link-refused",
    ),
    "deciding on a version that was not opened": (
        recognise,
        lambda s: links(access=s.opened, report=s.amended),
        "link-refused",
    ),
    "deciding on another report": (recognise, lambda s: links(access=s.opened, report=s.other_report), "link-refused"),
    "repeating a version that was not opened": (
        order_repeat,
        lambda s: links(access=s.opened, repeats=s.amended),
        "link-refused",
    ),
    "repeating without having opened": (
        order_repeat,
        lambda s: links(access=s.denied, repeats=s.report),
        "link-refused",
    ),
    "a result of no order": (give_result, lambda s: links(order=s.opened, result=s.result), "link-refused"),
    "a result about the same subject": (give_result, lambda s: links(order=s.order, result=s.report), "link-refused"),
    "another's result": (give_result, lambda s: links(order=s.order, result=s.other_report), "link-refused"),
    "a result that is an order": (give_result, lambda s: links(order=s.order, result=s.order), "link-refused"),
}


@pytest.mark.parametrize(("make", "named", "code"), CASES.values(), ids=CASES)
def test_a_link_that_the_kind_does_not_allow(
    ledger: Ledger, scene: Scene, make: Callable, named: Callable, code: str
) -> None:
    bad = make(scene, named(scene))
    signer = scene.issuer if make is amend else scene.reader
    behind, bystander = signer.issued(), ledger.signer(2).issued()
    answer = ledger.submit(bad, behind, bystander)
    assert answer.outcomes[:2] == [code, "sequence-gap"], answer.results[0]
    assert isinstance(answer.outcomes[2], int)
    result = answer.results[0]
    assert result["refusal"], "the signature was right"
    assert result["problem"]["retry"] is (code == "link-unknown")


def test_anothers_order_has_no_result_of_ours(ledger: Ledger, scene: Scene) -> None:
    own = scene.issuer.issued()
    bad = scene.issuer.sign("repeat.resulted", scene.report.subject, links(order=scene.order, result=own))
    assert ledger.submit(own, bad).outcomes[1] == "link-refused"


def test_a_link_to_a_statement_that_is_itself_refused(ledger: Ledger) -> None:
    issuer, reader = ledger.signer(0), ledger.signer(1)
    missing, report = issuer.issued(), issuer.issued()
    opened = reader.granted(report)
    assert ledger.submit(report, opened).outcomes == ["sequence-gap", "subject-unknown"]
    outcomes = ledger.submit(missing, report, opened).outcomes
    assert outcomes == [outcomes[0], outcomes[0] + 1, outcomes[0] + 2]


def test_a_link_to_what_comes_later_in_the_request(ledger: Ledger) -> None:
    issuer, reader = ledger.signer(0), ledger.signer(1)
    report = issuer.issued()
    amended = issuer.amended(report)
    opened = reader.granted(amended)
    answer = ledger.submit(report, opened, amended)
    assert answer.outcomes[1] == "link-unknown"
    assert isinstance(ledger.submit(opened).outcomes[0], int)


def test_old_and_withdrawn_versions_may_still_be_opened_and_decided_on(ledger: Ledger, scene: Scene) -> None:
    """Knowingly: who recognises such a version says what it is."""
    withdrawn = scene.issuer.withdrawn(scene.amended)
    opened = scene.reader.emergency(scene.amended)
    assert all(isinstance(outcome, int) for outcome in ledger.submit(withdrawn, opened).outcomes)
    named = links(access=opened, report=scene.amended)
    for said, code in ((), "not-said-knowingly"), (("superseded",), "not-said-knowingly"), (("withdrawn",), None):
        decided = scene.reader.sign(*recognition(scene, named, *said))
        assert outcome_of(ledger, scene.reader, decided) == code


def test_an_older_version_is_recognised_knowingly_or_not_at_all(ledger: Ledger, scene: Scene) -> None:
    named = links(access=scene.opened, report=scene.report)
    for said, code in ((), "not-said-knowingly"), (("withdrawn",), "not-said-knowingly"), (("superseded",), None):
        decided = scene.reader.sign(*recognition(scene, named, *said))
        assert outcome_of(ledger, scene.reader, decided) == code


def test_a_decision_is_bound_to_the_rules_that_it_links_to(ledger: Ledger, scene: Scene) -> None:
    commission = ledger.authority(COMMISSION)
    ours, others = (commission.published(rules(secrets.token_hex(4))) for _ in range(2))
    assert all(isinstance(outcome, int) for outcome in ledger.submit(ours, others).outcomes)
    (named,) = (part for part in ours.content.parts if part.name == "policy")
    for target, code in (others, "policy-differs"), (scene.other_report, "link-refused"), (ours, None):
        linked = links(access=scene.opened, report=scene.report, policy=target)
        decided = scene.reader.sign("recognition.declined", scene.report.subject, named, reason(), linked)
        assert outcome_of(ledger, scene.reader, decided) == code


def test_rules_are_published_under_their_own_subject_and_once(ledger: Ledger) -> None:
    commission = ledger.authority(COMMISSION)
    published = commission.published(rules(secrets.token_hex(4)))
    commission.sequence -= 1
    elsewhere = commission.sign("policy.published", secrets.token_bytes(32), *published.content.parts)
    answer = ledger.submit(elsewhere)
    assert answer.outcomes == ["policy-differs"]
    assert published.subject.hex() in answer.results[0]["problem"]["detail"]
    again = commission.sign("policy.published", published.subject, *published.content.parts)
    assert ledger.submit(published, again).outcomes[1] == "subject-taken"


@pytest.mark.parametrize(
    ("kind", "part", "rel"),
    [("statement.corrected", "correction", "corrects"), ("content.erased", "erasure", "erases")],
)
def test_only_ones_own_statements_are_corrected_and_erased(
    ledger: Ledger, scene: Scene, kind: str, part: str, rel: str
) -> None:
    for target, code in (scene.report, "link-refused"), (scene.opened, None):
        said = scene.reader.sign(kind, scene.report.subject, example(part), links(**{rel: target}))
        assert outcome_of(ledger, scene.reader, said) == code


def test_a_link_that_may_be_there_leads_where_the_kind_says(ledger: Ledger, scene: Scene) -> None:
    consent = scene.reader.sign("consent.given", secrets.token_bytes(32), example("consent"))
    assert outcome_of(ledger, scene.reader, consent) is None
    for target, code in (scene.opened, "link-refused"), (consent, None):
        named = links(report=scene.report, consent=target)
        opened = scene.reader.sign("access.granted", scene.report.subject, access(), named)
        assert outcome_of(ledger, scene.reader, opened) == code


def test_a_revoked_qualification_is_not_renewed(ledger: Ledger) -> None:
    centre, qualification = ledger.authority(QUALITY_CENTRE), example("qualification")
    granted = centre.sign("qualification.granted", secrets.token_bytes(32), qualification)
    named = links(replaces=granted)
    revoked = centre.sign("qualification.revoked", granted.subject, example("since"), reason(), named)
    renewed = centre.sign("qualification.renewed", granted.subject, qualification, named)
    assert ledger.submit(granted, revoked, renewed).outcomes[2] == "not-current"


def test_a_hospital_makes_no_rules_and_grants_nothing(ledger: Ledger) -> None:
    hospital = ledger.signer(0)
    published = hospital.published(rules(secrets.token_hex(4)))
    assert outcome_of(ledger, hospital, published) == "role-missing"
    parts = {"qualification.granted": "qualification", "institution.profiled": "profile", "readings.headed": "readings"}
    for kind, part in parts.items():
        said = hospital.sign(kind, secrets.token_bytes(32), example(part))
        assert outcome_of(ledger, hospital, said) == "role-missing"


def recognition(scene: Scene, named: Part, *knowingly: str) -> tuple:
    """What a recognition is made of; `knowingly` which version it is said to be."""
    said = [Part.create("knowingly", {"version": version}) for version in knowingly]
    return ("recognition.accepted", scene.report.subject, policy(), *said, named)


def outcome_of(ledger: Ledger, signer: Signer, statement: Signed) -> str | None:
    """Why the signer's newest statement was refused, its number then free again; None where it was accepted."""
    (outcome,) = ledger.submit(statement).outcomes
    if isinstance(outcome, int):
        return None
    signer.sequence -= 1
    return outcome
