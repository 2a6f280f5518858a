"""Erasing: what is told, what it takes, what forbids it, and that everything else holds afterwards."""

import hashlib
import json
import secrets
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from anchors import Part
from anchors.chain.ethereum import EthereumChain
from anchors.core.content import Content
from anchors.core.errors import MalformedInput
from anchors.core.tlog_proof import Extra, TlogProof
from anchors.core.trust import Finality
from anchors.core.verify import verify_proof
from ledger_service.usecases.erase import Retention, _years_later
from tests.fixtures.audit import audit_everything
from tests.fixtures.ledger import FINALITY_BLOCKS, check_problem_response
from tests.fixtures.signer import Signed, Signer, document, example, links, reason
from tests.privacy.people import PERSONAL, People, a_report, place_hold, shown_names


def ask(people: People, statement: Signed, *parts: str, role: str = "issuer", **more: Any) -> httpx.Response:
    """Ask for an erasure as somebody of this role."""
    body = {"parts": list(parts)} | more
    return people.ask(role, "POST", f"/v1/statements/{statement.name}/erasure", json=body)


def logged(people: People, *statements: Signed) -> None:
    """All of them are in the log."""
    outcomes = people.ledger.submit(*statements).outcomes
    assert all(isinstance(outcome, int) for outcome in outcomes), outcomes


def erased_statement(signer: Signer, statement: Signed, *parts: str) -> Signed:
    """The `content.erased` that says so."""
    said = example("erasure", parts=list(parts))
    return signer.sign("content.erased", statement.subject, said, links(erases=statement))


def erase(people: People, statement: Signed, *parts: str) -> httpx.Response:
    """All three steps."""
    told = ask(people, statement, *parts).json()
    said = erased_statement(people.signers["issuer"], statement, *parts)
    logged(people, said)
    return ask(people, statement, *parts, confirm=told["digest"], erased=said.name)


def marked_report(people: People, mark: str) -> Signed:
    """A report with a personal part that nobody else has."""
    parts = document(), example("examination"), Part.create("note", mark), Part.create("result", PERSONAL["result"])
    report = people.signers["issuer"].sign("report.issued", secrets.token_bytes(32), *parts)
    logged(people, report)
    return report


def stored_parts(people: People, statement: Signed) -> list[Any]:
    """The parts as they are stored."""
    return people.get("token", f"/v1/statements/{statement.name}").json()["parts"]


def test_it_is_told_first_and_nothing_is_changed(people: People) -> None:
    report = marked_report(people, "（合成）先说明")
    before = stored_parts(people, report)
    told = ask(people, report, "result", "note", "note").json()
    leaves = {part.name: part.leaf.hex() for part in report.content.parts}
    assert told["parts"] == [{"leaf": leaves[name], "name": name} for name in ("note", "result")]
    assert (told["statement"], told["done"]) == (report.name, False)
    assert [effect["code"] for effect in told["effects"]] == [
        "not-shown-again", "not-provable-here", "still-holds", "backups",
    ]  # fmt: skip
    assert all(effect["en"] and effect["zh"] for effect in told["effects"])
    said = {name: told[name] for name in ("effects", "index", "parts", "statement")}
    text = json.dumps(said, separators=(",", ":"), sort_keys=True, ensure_ascii=False)
    assert told["digest"] == hashlib.sha256(text.encode()).hexdigest()
    assert stored_parts(people, report) == before


def test_what_was_erased_is_gone_and_all_else_holds(people: People) -> None:
    mark = f"synthetic-{secrets.token_hex(16)}"
    report = marked_report(people, mark)
    assert mark in people.get("issuer", f"/v1/statements/{report.name}").text
    assert erase(people, report, "note").json()["done"] is True
    found = people.get("issuer", f"/v1/statements/{report.name}").json()
    assert shown_names(found["parts"]) == {"document", "examination", "result"}
    assert Content.from_wire(found["parts"]).hash == report.entry.statement.content
    for role in ("issuer", "opener", "token"):
        assert mark not in people.get(role, f"/v1/statements/{report.name}").text
    assert not files_that_hold(people, mark)


def files_that_hold(people: People, mark: str) -> list[str]:
    """Files of an SQLite database in which the text still stands."""
    if not people.ledger.database.startswith("sqlite"):
        return []
    path = Path(people.ledger.database.removeprefix("sqlite:///"))
    return [file.name for file in path.parent.glob(f"{path.name}*") if mark.encode() in file.read_bytes()]


def test_a_text_is_found_in_the_files_before(people: People) -> None:
    """So that the test above can fail."""
    mark = f"synthetic-{secrets.token_hex(16)}"
    marked_report(people, mark)
    assert bool(files_that_hold(people, mark)) == people.ledger.database.startswith("sqlite")


def test_proofs_of_before_and_after_verify_and_the_audit_is_clean(people: People) -> None:
    ledger, report = people.ledger, marked_report(people, "（合成）前后")
    ledger.wait_for_state(report, "final")
    before = people.get("issuer", f"/v1/statements/{report.name}/proof").content
    assert erase(people, report, "note", "result").status_code == 200
    after = people.get("issuer", f"/v1/statements/{report.name}/proof").content
    last = people.signers["issuer"].issued()
    logged(people, last)
    ledger.wait_for_state(last, "final")
    deployment = ledger.city.deployment
    chain = EthereumChain(ledger.chain.url, deployment.registry, deployment.witness)
    trust = ledger.city.trust(chain, Finality(FINALITY_BLOCKS))
    for proof, shown in ((before, {*PERSONAL}), (after, set())):
        content = Extra.decode(TlogProof.parse(proof).extra).content
        assert content.names() & {*PERSONAL} == shown
        assert verify_proof(proof, trust).holds
    result = audit_everything(chain, ledger.city, trust, ledger.database)
    assert result.findings.counts["readings"] > 0 and result.findings.counts["holds"] > 0
    chain.close()


# What forbids it


@pytest.mark.parametrize("name", ["document", "examination", "nothing"])
def test_what_is_structural_or_not_there(people: People, name: str) -> None:
    check_problem_response(ask(people, people.report, name), "not-erasable", 422)
    check_problem_response(ask(people, people.report, "note", name), "not-erasable", 422)


def test_what_was_withheld_or_erased_before(people: People) -> None:
    report = marked_report(people, "（合成）两次")
    assert erase(people, report, "note").status_code == 200
    check_problem_response(ask(people, report, "note"), "not-erasable", 422)


@pytest.mark.parametrize("body", [{"parts": []}, {}, {"parts": ["Note"]}, {"parts": ["note"], "confirm": "ab" * 32}])
def test_a_request_of_the_wrong_form(people: People, body: dict[str, Any]) -> None:
    path = f"/v1/statements/{people.report.name}/erasure"
    check_problem_response(people.ask("issuer", "POST", path, json=body), "malformed-request", 400)


@pytest.mark.parametrize("of_amended", [False, True])
def test_under_a_hold_and_after_it(people: People, of_amended: bool) -> None:
    issuer, court = people.signers["issuer"], people.signers["court"]
    report = a_report(issuer)
    amended = issuer.amended(report)
    hold = place_hold(court, amended if of_amended else report)
    logged(people, report, amended, hold)
    check_problem_response(ask(people, report, "note"), "held", 409)
    logged(people, court.sign("hold.released", hold.subject, example("basis"), links(replaces=hold)))
    assert erase(people, report, "note").status_code == 200


def test_a_hold_between_telling_and_doing(people: People) -> None:
    issuer, report = people.signers["issuer"], marked_report(people, "（合成）其间保全")
    told, said = ask(people, report, "note").json(), erased_statement(issuer, report, "note")
    logged(people, said, place_hold(people.signers["stranger"], report))
    check_problem_response(ask(people, report, "note", confirm=told["digest"], erased=said.name), "held", 409)
    assert "note" in shown_names(stored_parts(people, report))


def test_under_a_dispute_and_after_it(people: People) -> None:
    insurer, report = people.signers["insurer"], marked_report(people, "（合成）争议")
    dispute = insurer.sign("dispute.opened", secrets.token_bytes(32), example("basis"), links(about=report))
    logged(people, dispute)
    check_problem_response(ask(people, report, "note"), "held", 409)
    logged(people, insurer.sign("dispute.closed", dispute.subject, reason(), links(replaces=dispute)))
    assert ask(people, report, "note").status_code == 200


def test_a_retention_duty(people: People) -> None:
    issuer, year = people.signers["issuer"], datetime.now(UTC).year
    picture = a_report(issuer, category="imaging")
    other = issuer.sign("report.issued", secrets.token_bytes(32), document(), Part.create("note", "（合成）"))
    logged(people, picture, other)
    for report in (picture, other):
        problem = check_problem_response(ask(people, report, "note"), "retained", 409)
        assert "30 years" in problem["detail"] and str(year + 30) in problem["detail"]


def test_the_duty_does_not_begin_when_the_signer_says(people: People) -> None:
    issuer = people.signers["issuer"]
    picture = a_report(issuer, category="imaging")
    old = issuer.sign("report.issued", secrets.token_bytes(32), *picture.content.parts, issued_at=1)
    logged(people, picture, old)
    check_problem_response(ask(people, old, "note"), "retained", 409)


@pytest.mark.parametrize("role", ["opener", "stranger", "regulator", "auditor", "court", "token"])
def test_others_erase_nothing(people: People, role: str) -> None:
    report = marked_report(people, "（合成）他人")
    check_problem_response(ask(people, report, "note", role=role), "not-permitted", 403)


# What confirms it


def refused_with(people: People, report: Signed, digest: str, erased: str) -> None:
    """This confirms nothing, and nothing is erased."""
    check_problem_response(ask(people, report, "note", confirm=digest, erased=erased), "not-confirmed", 409)
    assert "note" in shown_names(stored_parts(people, report))


def test_only_what_was_told_and_said_is_done(people: People) -> None:
    issuer, opener = people.signers["issuer"], people.signers["opener"]
    report, other = marked_report(people, "（合成）确认"), marked_report(people, "（合成）另一份")
    digest, of_both = (ask(people, report, *names).json()["digest"] for names in (["note"], ["note", "result"]))
    right = erased_statement(issuer, report, "note")
    refused_with(people, report, digest, right.name)  # signed, and not in the log
    opened = opener.granted(report)
    wrong = [
        erased_statement(issuer, other, "note"),
        erased_statement(issuer, report, "result"),
        erased_statement(issuer, report, "note", "result"),
    ]
    logged(people, right, opened, *wrong)
    theirs = erased_statement(opener, opened, "note")
    logged(people, theirs)
    for statement in (*wrong, theirs, report):
        refused_with(people, report, digest, statement.name)
    for other_digest in (of_both, ask(people, other, "note").json()["digest"], "00" * 32):
        refused_with(people, report, other_digest, right.name)
    assert ask(people, report, "note", confirm=digest, erased=right.name).json()["done"] is True


# The duty, in words


def test_retention_in_words() -> None:
    duty = Retention.parse("30,laboratory=15,imaging=0")
    assert [duty.years_of(name) for name in ("laboratory", "imaging", "functional", None)] == [15, 0, 30, 30]
    assert Retention.parse("0").years_of("laboratory") == Retention.parse("0").years_of(None) == 0
    # What names no category may be of the one that is kept longest.
    assert Retention.parse("15,imaging=30").years_of(None) == 30


@pytest.mark.parametrize(
    "text",
    ["", "x", "-1", "30,", "30,laboratory", "30,laboratory=", "30,nothing=1", "30,imaging=1,imaging=2", "1.5", "9999"],
)
def test_retention_in_wrong_words(text: str) -> None:
    with pytest.raises(MalformedInput):
        Retention.parse(text)


@pytest.mark.parametrize(
    ("begun", "years", "until"),
    [("2026-03-01", 30, "2056-03-01"), ("2028-02-29", 4, "2032-02-29"), ("2028-02-29", 15, "2043-03-01")],
)
def test_years_are_those_of_the_calendar(begun: str, years: int, until: str) -> None:
    seconds = int(datetime.fromisoformat(begun).replace(tzinfo=UTC).timestamp())
    assert _years_later(seconds, years).date().isoformat() == until
