"""A hold survives everything but its release: what may happen to who placed it, to the report and to the database."""

import secrets
from pathlib import Path

import pytest
from sqlalchemy import Engine

from anchors.chain.acts import Exit, Resume, RevokeKey, Suspend, add_key
from anchors.core.encoding import encode_hex
from anchors.core.registry import Purpose
from ledger_service.client.files import new_file
from ledger_service.problems import Refused
from ledger_service.storage.backup import fill_database, open_backup, write_backup
from ledger_service.storage.chain_view import SqlChainView
from ledger_service.storage.database import open_database
from ledger_service.storage.erasing import SqlErasures
from ledger_service.usecases.erase import Eraser, Retention
from ledger_service.usecases.viewer import Viewer
from tests.fixtures.ledger import check_problem_response, database_of
from tests.fixtures.signer import Signed, Signer, example, links
from tests.privacy.people import People, a_report, admit, place_hold, sign_in
from tests.privacy.test_erasure import ask, erase, logged


def is_held(people: People, report: Signed) -> None:
    """Erasing a part of the report is refused because of a hold."""
    check_problem_response(ask(people, report, "note"), "held", 409)


def is_free(people: People, report: Signed) -> None:
    """A part of it is erased."""
    assert erase(people, report, "note").status_code == 200


def release(court: Signer, hold: Signed) -> Signed:
    """The statement that releases it."""
    return court.sign("hold.released", hold.subject, example("basis"), links(replaces=hold))


@pytest.fixture
def held(people: People) -> tuple[Signer, Signed, Signed]:
    """A court of its own, a report, and the court's hold on it."""
    court = admit(people.ledger, f"SYN-COURT-{secrets.token_hex(4)}", "court")
    report = a_report(people.signers["issuer"])
    hold = place_hold(court, report)
    logged(people, report, hold)
    return court, report, hold


def test_two_holds_must_both_be_released(people: People, held: tuple[Signer, Signed, Signed]) -> None:
    court, report, hold = held
    other = place_hold(court, report)
    third = place_hold(people.signers["regulator"], report)
    logged(people, other, third)
    for signer, placed in ((court, hold), (people.signers["regulator"], third), (court, other)):
        is_held(people, report)
        logged(people, release(signer, placed))
    is_free(people, report)


def test_after_its_holder_was_suspended(people: People, held: tuple[Signer, Signed, Signed]) -> None:
    """It may release it, being suspended."""
    court, report, hold = held
    people.ledger.perform(Suspend(court.institution))
    is_held(people, report)
    logged(people, release(court, hold))
    is_free(people, report)
    people.ledger.perform(Resume(court.institution))


def test_after_its_holder_left_only_the_successor_releases_it(
    people: People, held: tuple[Signer, Signed, Signed]
) -> None:
    court, report, hold = held
    successor = admit(people.ledger, f"SYN-COURT-{secrets.token_hex(4)}", "court")
    refused = people.ledger.submit(release(successor, hold)).outcomes
    assert refused == ["not-owner"]
    successor.sequence -= 1
    people.ledger.perform(Exit(court.institution, successor.institution))
    is_held(people, report)
    assert people.ledger.submit(release(court, hold)).outcomes == ["institution-exited"]
    is_held(people, report)
    logged(people, release(successor, hold))
    is_free(people, report)


def test_after_its_holder_left_for_good(people: People, held: tuple[Signer, Signed, Signed]) -> None:
    """Nobody can release it any more: it stays."""
    court, report, hold = held
    people.ledger.perform(Exit(court.institution))
    others = [people.signers[role] for role in ("issuer", "regulator", "court")]
    for signer in others:
        assert people.ledger.submit(release(signer, hold)).outcomes == ["not-owner"]
        signer.sequence -= 1
    is_held(people, report)


def test_after_the_key_that_placed_it_was_revoked(people: People, held: tuple[Signer, Signed, Signed]) -> None:
    court, report, hold = held
    people.ledger.perform(RevokeKey(court.key, court.sequence))
    is_held(people, report)
    assert people.ledger.submit(release(court, hold)).outcomes == ["key-revoked"]
    is_held(people, report)
    new = Signer(people.ledger.city.domain, court.institution, secrets.token_bytes(32))
    people.ledger.perform(add_key(people.ledger.city.domain, court.institution, Purpose.STATEMENT, new.secret))
    logged(people, release(new, hold))
    is_free(people, report)


def test_after_the_report_was_amended_and_withdrawn(people: People, held: tuple[Signer, Signed, Signed]) -> None:
    court, report, hold = held
    issuer = people.signers["issuer"]
    amended = issuer.amended(report)
    logged(people, amended)
    is_held(people, report)
    logged(people, issuer.withdrawn(amended))
    is_held(people, report)
    logged(people, release(court, hold))
    is_free(people, report)


def test_the_issuer_cannot_release_it(people: People, held: tuple[Signer, Signed, Signed]) -> None:
    _, report, hold = held
    issuer = people.signers["issuer"]
    assert people.ledger.submit(release(issuer, hold)).outcomes == ["not-owner"]
    issuer.sequence -= 1
    is_held(people, report)


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_after_a_restore_into_either_database(
    people: People, held: tuple[Signer, Signed, Signed], kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    court, report, _ = held
    released = a_report(people.signers["issuer"])
    free = place_hold(court, released)
    logged(people, released, free, release(court, free))
    with new_file(tmp_path / "ledger.backup") as file:
        write_backup(people.ledger.database, file, 1, lambda _rows: None)
    server = lambda: request.getfixturevalue("postgres_server")  # noqa: E731
    with database_of(kind, tmp_path, server) as database:
        engine = open_database(database)
        try:
            with open_backup(tmp_path / "ledger.backup") as backup:
                fill_database(engine, backup, 2, lambda _rows: None)
            with pytest.raises(Refused, match=r"hold\.placed") as refused:
                erase_in(engine, people, report)
            assert refused.value.problem.code == "held"
            assert erase_in(engine, people, released) == ["note"]
        finally:
            engine.dispose()


def erase_in(engine: Engine, people: People, report: Signed) -> list[str]:
    """What erasing a part would do in this database. Raises `Refused`."""
    issuer = people.signers["issuer"]
    viewer = Viewer(issuer.institution, issuer.key, frozenset(), frozenset({issuer.institution}))
    view = SqlChainView(engine, people.ledger.city.domain.log)
    eraser = Eraser(SqlErasures(engine), view, Retention.parse("0"), lambda: 2)
    return [part.name for part in eraser.erase(viewer, report.id, ["note"]).parts]


# Who is told


def listed(people: People, role: str, **asked: str) -> dict[str, bool]:
    """By statement id, whether each hold or dispute that is listed stands."""
    response = people.get(role, "/v1/disputes", params=asked)
    assert response.status_code == 200, response.text
    return {item["statement"]["statement"]: item["stands"] for item in response.json()["items"]}


def test_who_has_to_do_with_the_report_is_told_and_nobody_else(people: People) -> None:
    subject = encode_hex(people.report.subject)
    for role in ("issuer", "opener", "court", "regulator", "auditor", "token"):
        assert listed(people, role, subject=subject) == {people.hold.name: True}, role
    for role in ("stranger", "insurer", "quality", "operator"):
        assert listed(people, role, subject=subject) == {}, role
        assert people.hold.name not in listed(people, role), role
    assert people.get("nobody", "/v1/disputes").status_code == 401


def test_whoever_opened_a_dispute_is_told_of_it(people: People) -> None:
    insurer, report = people.signers["insurer"], a_report(people.signers["issuer"])
    dispute = insurer.sign("dispute.opened", secrets.token_bytes(32), example("basis"), links(about=report))
    logged(people, report, dispute)
    assert listed(people, "insurer", subject=encode_hex(report.subject)) == {dispute.name: True}
    assert listed(people, "insurer", subject=encode_hex(dispute.subject)) == {dispute.name: True}
    assert listed(people, "insurer", institution=insurer.institution)[dispute.name] is True
    assert listed(people, "stranger", institution=insurer.institution) == {}
    assert listed(people, "regulator", institution="SYN-NOBODY") == {}
    closed = insurer.sign("dispute.closed", dispute.subject, example("reason"), links(replaces=dispute))
    logged(people, closed)
    assert listed(people, "issuer", subject=encode_hex(report.subject)) == {dispute.name: False}


def test_what_it_names_and_which_parts_are_shown(people: People) -> None:
    items = {}
    for role in ("issuer", "court"):
        (items[role],) = people.get(role, f"/v1/disputes?subject={encode_hex(people.report.subject)}").json()["items"]
    assert (
        items["issuer"]["about"]
        == items["court"]["about"]
        == {
            "statement": people.report.name,
            "index": items["court"]["about"]["index"],
            "kind": "report.issued",
            "institution": people.signers["issuer"].institution,
            "subject": encode_hex(people.report.subject),
        }
    )
    assert all(isinstance(part, str) for part in items["court"]["statement"]["parts"])
    assert not any(isinstance(part, str) for part in items["issuer"]["statement"]["parts"])
    readings = people.get("token", "/v1/readings", params={"limit": 1_000}).text
    assert "/v1/disputes" in readings


def test_a_list_goes_on_where_it_ended(people: People) -> None:
    court = admit(people.ledger, f"SYN-COURT-{secrets.token_hex(4)}", "court")
    reports = [a_report(people.signers["issuer"]) for _ in range(3)]
    holds = [place_hold(court, report) for report in reports]
    logged(people, *reports, *holds)
    people.tokens[court.institution] = sign_in(people.ledger, court)
    asked: dict[str, object] = {"institution": court.institution, "limit": 1}
    found: list[str] = []
    while True:
        page = people.get(court.institution, "/v1/disputes", params=asked).json()
        found += [item["statement"]["statement"] for item in page["items"]]
        if page["next"] is None:
            break
        asked["after"] = page["next"]
    assert found == [hold.name for hold in holds]


@pytest.mark.parametrize("asked", ["subject=0x12", "institution=", "limit=0", "after=-1"])
def test_a_request_of_the_wrong_form(people: People, asked: str) -> None:
    check_problem_response(people.get("court", f"/v1/disputes?{asked}"), "malformed-request", 400)
