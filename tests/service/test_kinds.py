"""Every kind of statement is taken, gets the next index, and stands in its report's timeline."""

import secrets
from dataclasses import replace

from anchors import Part
from anchors.core.encoding import encode_base64, encode_hex
from ledger_service.kinds import KINDS
from scripts.city.founding import COMMISSION, OPERATOR, QUALITY_CENTRE
from tests.fixtures.ledger import LABORATORY, Ledger
from tests.fixtures.other_log import OtherLog, bring_in
from tests.fixtures.parts import rules
from tests.fixtures.signer import Signed, Signer, document, example, links, reason


def about_a_report(issuer: Signer, reader: Signer, centre: Signer) -> list[Signed]:
    """Statements of all kinds about one report, and the report of the repeated examination, in an order that holds."""
    report = issuer.issued()
    subject = report.subject
    reminder = reader.sign("reminder.shown", subject, example("reminder"), links(report=report))
    put_aside = reader.sign("reminder.dismissed", subject, example("reminder"), reason(), links(reminder=reminder))
    amended = issuer.amended(report)
    denied, opened, hurried = reader.denied(report), reader.granted(amended), reader.emergency(report)
    recognised, declined = reader.recognised(opened, amended), reader.declined(hurried, report)
    explained = reader.sign("explanation.given", subject, example("explanation"), links(explains=declined))
    order, result = reader.repeat_ordered(hurried, report), reader.issued()
    resulted = reader.repeat_resulted(order, result)
    reviewed = centre.sign("repeat.reviewed", subject, example("review"), links(reviews=order))
    corrected = reader.sign("statement.corrected", subject, example("correction"), links(corrects=denied))
    erased = reader.sign("content.erased", subject, example("erasure"), links(erases=declined))
    exported = issuer.sign("evidence.exported", subject, example("export"), links(about=recognised))
    decisions = [denied, opened, hurried, recognised, declined, explained, order, result, resulted, reviewed]
    return [report, reminder, put_aside, amended, *decisions, corrected, erased, exported, issuer.withdrawn(amended)]


def about_the_rules(commission: Signer, centre: Signer, operator: Signer) -> list[Signed]:
    """Statements of all kinds about institutions, rules and figures."""
    granted = centre.sign("qualification.granted", fresh(), example("qualification"))
    subject, qualification = granted.subject, example("qualification")
    renewed = centre.sign("qualification.renewed", subject, qualification, links(replaces=granted))
    since = example("since")
    suspended = centre.sign("qualification.suspended", subject, since, reason(), links(replaces=renewed))
    revoked = centre.sign("qualification.revoked", subject, since, reason(), links(replaces=suspended))
    profiled = commission.sign("institution.profiled", fresh(), example("profile"))
    published = commission.published(rules(secrets.token_hex(4)))
    catalogue = commission.sign("catalogue.published", fresh(), example("catalogue"))
    codemap = commission.sign("codemap.published", fresh(), example("codemap"))
    figures = operator.sign("statistics.published", fresh(), example("statistics"))
    readings = operator.sign("readings.headed", fresh(), example("readings"))
    return [granted, renewed, suspended, revoked, profiled, published, catalogue, codemap, figures, readings]


def about_a_patient_and_a_dispute(hospital: Signer) -> list[Signed]:
    """A consent and its end; a dispute about a report, a hold on it, and the end of both."""
    consent = hospital.sign("consent.given", fresh(), example("consent"))
    no_more = hospital.sign("consent.withdrawn", consent.subject, links(replaces=consent))
    report = hospital.issued()
    dispute = hospital.sign("dispute.opened", fresh(), example("basis"), links(about=report))
    hold = hospital.sign("hold.placed", fresh(), example("basis"), links(about=report, dispute=dispute))
    released = hospital.sign("hold.released", hold.subject, example("basis"), links(replaces=hold))
    closed = hospital.sign("dispute.closed", dispute.subject, reason(), links(replaces=dispute))
    return [consent, no_more, report, dispute, hold, released, closed]


def about_a_report_of_another_log(hospital: Signer) -> list[Signed]:
    """Three versions are brought in one after the other: as issued, as amended, as withdrawn."""
    other = OtherLog()
    report = other.add(other.hospital.issued())
    amended = other.add(other.hospital.amended(report))
    withdrawn = other.add(other.hospital.withdrawn(amended))
    first = bring_in(hospital, other, report)
    second = bring_in(hospital, other, amended, replaces=first)
    return [first, second, bring_in(hospital, other, withdrawn, replaces=second)]


def fresh() -> bytes:
    """A subject that nobody else has."""
    return secrets.token_bytes(32)


def every_kind(ledger: Ledger, issuer: int = 0, reader: int = 1) -> list[Signed]:
    """Statements of all kinds."""
    commission, centre, operator = map(ledger.authority, (COMMISSION, QUALITY_CENTRE, OPERATOR))
    first = ledger.signer(issuer)
    second = first if issuer == reader else ledger.signer(reader)
    statements = about_a_report(first, second, centre)
    statements += [*about_the_rules(commission, centre, operator), *about_a_patient_and_a_dispute(second)]
    return [*statements, *about_a_report_of_another_log(second)]


def test_every_kind_is_accepted_in_one_request(ledger: Ledger) -> None:
    statements = every_kind(ledger)
    assert {statement.entry.statement.kind for statement in statements} == KINDS.keys()
    outcomes = ledger.submit(*statements).outcomes
    assert outcomes == list(range(outcomes[0], outcomes[0] + len(statements)))


def test_every_kind_is_accepted_one_request_each(ledger: Ledger) -> None:
    statements = every_kind(ledger)
    outcomes = [ledger.submit(statement).outcomes[0] for statement in statements]
    assert outcomes == list(range(outcomes[0], outcomes[0] + len(statements)))
    timeline = ledger.get(f"/v1/subjects/0x{statements[0].subject.hex()}", token=True).json()["items"]
    assert [item["statement"] for item in timeline] == [
        statement.name for statement in statements if statement.subject == statements[0].subject
    ]


def test_an_institution_may_decide_about_its_own_report(ledger: Ledger) -> None:
    statements = every_kind(ledger, 2, 2)
    statements.sort(key=lambda statement: statement.sequence)
    assert all(isinstance(outcome, int) for outcome in ledger.submit(*statements).outcomes)


def test_a_laboratory_issues_and_opens(ledger: Ledger) -> None:
    laboratory = ledger.signer(LABORATORY)
    report = laboratory.issued()
    outcomes = ledger.submit(report, laboratory.amended(report), laboratory.granted(report)).outcomes
    assert all(isinstance(outcome, int) for outcome in outcomes)


def test_parts_that_the_kind_does_not_name_may_be_added_or_withheld(ledger: Ledger) -> None:
    signer = ledger.signer(0)
    parts = (document(), Part.create("report", {"result": "synthetic"}), Part.create("note", "合成"))
    shown = [parts[0].text.decode(), {"leaf": parts[1].leaf.hex(), "name": "report"}, parts[2].text.decode()]
    statement = signer.sign("report.issued", secrets.token_bytes(32), *parts, shown=shown)
    assert isinstance(ledger.submit(statement).outcomes[0], int)
    found = ledger.get(f"/v1/statements/{statement.name}", token=True).json()
    assert found["parts"] == shown


def test_a_statement_sent_again_gets_its_index_under_a_new_receipt(ledger: Ledger) -> None:
    signer = ledger.signer(0)
    statement, other = signer.issued(), signer.issued()
    first = ledger.submit(statement)
    again = ledger.submit(other, statement, statement)
    assert again.outcomes == [first.outcomes[0] + 1, first.outcomes[0], first.outcomes[0]]
    assert again.receipt["accepted"] != first.receipt["accepted"]
    assert again.results[1]["state"] in ("accepted", "integrated", "witnessed")


def test_a_statement_twice_in_one_request_gets_one_index(ledger: Ledger) -> None:
    statement = ledger.signer(0).issued()
    answer = ledger.submit(statement, statement)
    assert answer.outcomes[0] == answer.outcomes[1]


def test_a_statement_that_other_keys_sign_too_keeps_its_index(ledger: Ledger) -> None:
    """Of the same institution or another, and though their own streams have not come to its number."""
    first, second, stranger = ledger.new_signer(0), ledger.new_signer(0), ledger.new_signer(1)
    statement = first.issued()
    assert (statement.sequence, second.sequence, stranger.sequence) == (0, 0, 0)
    [index] = ledger.submit(statement).outcomes
    assert ledger.submit(signed_by(second, statement)).outcomes == [index]
    assert ledger.submit(signed_by(stranger, statement), signed_by(second, statement)).outcomes == [index, index]
    assert ledger.submit(second.issued(), stranger.issued()).outcomes == [index + 1, index + 2]


def signed_by(other: Signer, signed: Signed) -> Signed:
    """The same statement under another key."""
    entry = signed.entry.statement.sign(other.domain, other.secret)
    wire = signed.wire | {"key": encode_hex(other.key), "entry": encode_base64(entry.to_bytes())}
    return replace(signed, entry=entry, wire=wire)


def test_a_link_leads_to_a_statement_that_is_sent_again_beside_it(ledger: Ledger) -> None:
    issuer, reader = ledger.signer(0), ledger.signer(1)
    report = issuer.issued()
    [index] = ledger.submit(report).outcomes
    assert ledger.submit(reader.granted(report), report).outcomes == [index + 1, index]


def test_a_thousand_statements_fit_one_request(ledger: Ledger) -> None:
    signer = ledger.signer(3)
    outcomes = ledger.submit(*(signer.issued() for _ in range(1_000))).outcomes
    assert outcomes == list(range(outcomes[0], outcomes[0] + 1_000))
