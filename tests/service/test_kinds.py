"""Every kind of statement is taken, gets the next index, and stands in its report's timeline."""

import secrets

from anchors import Part
from ledger_service.kinds import KINDS
from tests.fixtures.ledger import LABORATORY, Ledger
from tests.fixtures.signer import Signed, Signer, document


def every_kind(issuer: Signer, reader: Signer) -> list[Signed]:
    """Statements of all kinds about one report, and the report of the repeated examination, in an order that holds."""
    report = issuer.issued()
    amended = issuer.amended(report)
    denied, opened, hurried = reader.denied(report), reader.granted(amended), reader.emergency(report)
    recognised, declined = reader.recognised(opened, amended), reader.declined(hurried, report)
    order, result = reader.repeat_ordered(hurried, report), reader.issued()
    resulted, withdrawn = reader.repeat_resulted(order, result), issuer.withdrawn(amended)
    return [report, amended, denied, opened, hurried, recognised, declined, order, result, resulted, withdrawn]


def test_every_kind_is_accepted_in_one_request(ledger: Ledger) -> None:
    statements = every_kind(ledger.signer(0), ledger.signer(1))
    assert {statement.entry.statement.kind for statement in statements} == KINDS.keys()
    outcomes = ledger.submit(*statements).outcomes
    assert outcomes == list(range(outcomes[0], outcomes[0] + len(statements)))


def test_every_kind_is_accepted_one_request_each(ledger: Ledger) -> None:
    statements = every_kind(ledger.signer(0), ledger.signer(1))
    outcomes = [ledger.submit(statement).outcomes[0] for statement in statements]
    assert outcomes == list(range(outcomes[0], outcomes[0] + len(statements)))
    timeline = ledger.get(f"/v1/subjects/0x{statements[0].subject.hex()}", token=True).json()["items"]
    assert [item["statement"] for item in timeline] == [
        statement.name for statement in statements if statement.subject == statements[0].subject
    ]


def test_an_institution_may_decide_about_its_own_report(ledger: Ledger) -> None:
    statements = every_kind(signer := ledger.signer(2), signer)
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


def test_a_thousand_statements_fit_one_request(ledger: Ledger) -> None:
    signer = ledger.signer(3)
    outcomes = ledger.submit(*(signer.issued() for _ in range(1_000))).outcomes
    assert outcomes == list(range(outcomes[0], outcomes[0] + 1_000))
