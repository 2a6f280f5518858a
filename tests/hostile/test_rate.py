"""Rates before a running service: an institution is held back by what it had accepted, and nobody else by it."""

import json
import secrets
from collections.abc import Iterator

import httpx
import pytest

from anchors.core.encoding import encode_hex
from scripts.city.service import TOKEN
from tests.fixtures.chain import ScratchChain
from tests.fixtures.ledger import Ledger, check_problem_response, running_ledger
from tests.fixtures.signer import Signed

BURST, UNPROVEN, ASKED = 20, 30, 12


@pytest.fixture(scope="module")
def ledger(module_chain: ScratchChain, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    """A service that takes a statement in ten seconds, and a burst before that."""
    folder = tmp_path_factory.mktemp("ledger")
    rates = {"rate_statements": "0.1", "rate_burst": str(BURST)}
    rates |= {"rate_unproven": "10", "rate_unproven_burst": str(UNPROVEN)}
    rates |= {"rate_reminders": "0.1", "rate_reminders_burst": str(ASKED)}
    with running_ledger(module_chain, folder, f"sqlite:///{folder / 'ledger.db'}", **rates) as it:
        yield it


def post(ledger: Ledger, *statements: Signed) -> httpx.Response:
    """A submission, whatever becomes of it."""
    items = [statement.wire for statement in statements]
    return ledger.post(json.dumps({"origin": ledger.city.origin, "statements": items}).encode())


@pytest.mark.alone
def test_past_its_burst_an_institution_waits_and_nobody_else(ledger: Ledger) -> None:
    signer = ledger.signer(0)
    taken = [signer.issued() for _ in range(BURST)]
    assert post(ledger, *taken).status_code == 200
    late = signer.issued()
    refused = post(ledger, late)
    problem = check_problem_response(refused, "rate-limited", 429)
    assert problem["retry"] and 1 <= int(refused.headers["retry-after"]) <= 10
    assert ledger.get(f"/v1/statements/{late.name}").status_code == 404
    assert isinstance(ledger.submit(ledger.signer(1).issued()).outcomes[0], int)


def test_what_is_sent_again_costs_nothing(ledger: Ledger) -> None:
    signed = ledger.signer(2).issued()
    for _ in range(3 * BURST):
        assert post(ledger, signed).status_code == 200


def test_a_stranger_empties_nobodys_budget(ledger: Ledger) -> None:
    honest, signer = ledger.signer(3), ledger.signer(3)
    for _ in range(UNPROVEN // 2):
        assert post(ledger, signer.issued(claimed=bytes(20))).status_code == 200
    assert isinstance(ledger.submit(honest.issued()).outcomes[0], int)


def test_an_address_that_proves_nobody_waits(ledger: Ledger) -> None:
    forged = [ledger.signer(4).issued(claimed=bytes(20))] * (2 * UNPROVEN)
    assert post(ledger, *forged).status_code == 200
    check_problem_response(post(ledger, *forged), "rate-limited", 429)
    ledger.wait_for(lambda: post(ledger, *forged).status_code == 200)


def ask(ledger: Ledger, institution: str, path: str, count: int) -> httpx.Response:
    """A question about so many reports, as the operator for this institution."""
    subjects = [encode_hex(secrets.token_bytes(32)) for _ in range(count)]
    body = {"hook": "patient-view", "institution": institution, "subjects": subjects}
    if path.startswith("/cds-services"):
        body = {"hook": "patient-view", "hookInstance": "1", "context": {}, "prefetch": {"huzhengSubjects": subjects}}
        body["extension"] = {"urn:huzheng:reminder": {"institution": institution}}
    return ledger.http.post(path, json=body, headers={"Authorization": f"Bearer {TOKEN}"})


@pytest.mark.alone
def test_who_asks_about_too_many_reports_waits_and_nobody_else(ledger: Ledger) -> None:
    asker, other = ledger.signer(5).institution, ledger.signer(6).institution
    for path in ("/v1/reminders", "/cds-services/recognisable-results"):
        assert ask(ledger, asker, path, ASKED // 2).status_code == 200
    for path in ("/v1/reminders", "/cds-services/recognisable-results"):
        refused = ask(ledger, asker, path, 1)
        check_problem_response(refused, "rate-limited", 429)
        assert 1 <= int(refused.headers["retry-after"]) <= 10
    assert ask(ledger, other, "/v1/reminders", 1).status_code == 200
