"""Every request has an id, a header that says it and one line in the log; no line says what must not be known."""

import asyncio
import json
import logging
import re
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from anchors import Part
from ledger_service.http.request_log import RequestLog
from ledger_service.logging import ACCESS, BLOT, set_up_logging
from scripts.city.founding import PASSPHRASE
from scripts.city.service import TOKEN
from tests.fixtures.chain import ScratchChain
from tests.fixtures.ledger import Ledger, check_problem_response, running_ledger
from tests.fixtures.signer import document

MADE = re.compile(r"[0-9a-f]{32}")
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = f"00-{TRACE}-00f067aa0ba902b7-01"
SECRET_NOTE = "synthetic-note-of-the-finding-7391"
"""A part's text."""


@pytest.fixture(scope="module")
def json_ledger(module_chain: ScratchChain, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A running service that logs JSON."""
    folder = tmp_path_factory.mktemp("ledger")
    with running_ledger(module_chain, folder, f"sqlite:///{folder / 'ledger.db'}", log_format="json") as it:
        yield it


def lines_of(ledger: Ledger) -> list[dict[str, Any]]:
    """What the service wrote, line by line, each of which must be one JSON object."""
    return [json.loads(line) for line in ledger.log().splitlines()]


def access_lines(ledger: Ledger, id: str) -> list[dict[str, Any]]:
    """The access lines of the request of this id."""
    found = lambda: [line for line in lines_of(ledger) if line["from"] == ACCESS and line["request"] == id]  # noqa: E731
    ledger.wait_for(found)
    return found()


@pytest.mark.parametrize(
    ("headers", "id"),
    [
        ({"X-Request-Id": "ward-7.Order_12"}, "ward-7.Order_12"),
        ({"traceparent": PARENT}, TRACE),
        ({"X-Request-Id": "mine", "traceparent": PARENT}, "mine"),
        ({"X-Request-Id": "two words"}, None),
        ({"X-Request-Id": "x" * 65}, None),
        ({"X-Request-Id": 'quote"'}, None),
        ({"traceparent": "00-" + "0" * 32 + "-00f067aa0ba902b7-01"}, None),
        ({"traceparent": PARENT.upper()}, None),
        ({}, None),
    ],
)
def test_an_id_is_taken_where_it_is_well_formed_and_made_elsewhere(
    json_ledger: Ledger, headers: dict[str, str], id: str | None
) -> None:
    given = json_ledger.http.get("/v1/institutions/NOBODY", headers=headers).headers["x-request-id"]
    assert given == id if id else MADE.fullmatch(given)
    line = access_lines(json_ledger, given)[-1]
    assert (line["method"], line["route"], line["status"]) == ("GET", "/v1/institutions/{code}", 404)
    assert line["ms"] > 0 and line["statements"] == 0


def test_a_submission_is_one_line_with_its_statements(json_ledger: Ledger) -> None:
    hospital = json_ledger.signer(0)
    answer = json_ledger.submit(hospital.issued(), hospital.issued(), hospital.issued())
    (line,) = access_lines(json_ledger, answer.response.headers["x-request-id"])
    assert line["statements"] == 3
    assert (line["method"], line["route"], line["status"]) == ("POST", "/v1/statements", 200)


def test_paths_are_not_logged(json_ledger: Ledger) -> None:
    subject, nowhere = "0x" + "5a" * 32, "not-a-route-Zhang-San"
    for path in (f"/v1/subjects/{subject}", f"/{nowhere}"):
        id = json_ledger.get(path, token=True).headers["x-request-id"]
        (line,) = access_lines(json_ledger, id)
        assert line["route"] in ("/v1/subjects/{subject}", "-")
    assert subject not in json_ledger.log() and nowhere not in json_ledger.log()


def test_a_problem_says_the_request(json_ledger: Ledger) -> None:
    response = json_ledger.http.get("/v1/keys/0x00", headers={"X-Request-Id": "ask-1"})
    problem = check_problem_response(response, "malformed-request", 400)
    assert problem["instance"] == "urn:huzheng:request:ask-1"


def test_no_secret_is_in_any_line(module_chain: ScratchChain, tmp_path: Any) -> None:
    """A run with refusals, wrong tokens, a broken key file at start and a database that goes away."""
    database = f"sqlite:///{tmp_path / 'ledger.db'}"
    with running_ledger(module_chain, tmp_path, database, log_format="json") as ledger:
        hospital, stranger = ledger.signer(0), ledger.signer(1)
        subject, note = b"\x07" * 32, Part.create("note", SECRET_NOTE)
        ledger.submit(hospital.sign("report.issued", subject, document(), note))
        ledger.submit(hospital.sign("report.issued", subject, document(), note))
        stranger.secret = hospital.secret
        ledger.submit(stranger.issued())
        ledger.post(b"{")
        ledger.http.get("/v1/subjects/0x" + "11" * 32, headers={"Authorization": "Bearer wrong-token-1234"})
        ledger.get("/v1/subjects/0x" + "11" * 32, token=True)
        ledger.freeze(hospital.key)
        ledger.restart(log_format="text")
        ledger.get("/v1/heads")
        log = ledger.log()
    operator = ledger.city.operator
    secrets = [
        PASSPHRASE,
        TOKEN,
        "wrong-token-1234",
        SECRET_NOTE,
        subject.hex(),
        *(one.secret.hex() for one in ledger.city.institutions),
        *(secret.hex() for secret in (operator.receipt, operator.checkpoint, operator.relay, operator.note)),
    ]
    assert log.count("\n") > 8
    assert [secret for secret in secrets if secret in log] == []


def test_known_secrets_are_blotted_out(capsys: pytest.CaptureFixture[str]) -> None:
    before = logging.getLogger().handlers[:]
    secrets = ['pass phrase "with quotes"', "synthetic-token", "short"]
    try:
        for form in ("json", "text"):
            set_up_logging(form, secrets)
            try:
                raise ValueError(f"could not connect with {secrets[0]} and {secrets[1]}")
            except ValueError:
                logging.getLogger("x").exception("failed with %s", secrets[1])
    finally:
        logging.getLogger().handlers[:] = before
    written = capsys.readouterr().err
    assert written.count(BLOT) == 6
    assert secrets[1] not in written and "with quotes" not in written


def test_what_breaks_is_named_too() -> None:
    """A request that fails in a way nobody foresaw has its id, its line and its count."""
    api, counted = FastAPI(), []

    @api.get("/broken")
    def broken() -> None:
        raise RuntimeError

    async def ask() -> httpx.Response:
        app = RequestLog(api, lambda *request: counted.append(request))
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return await client.get("/broken")

    response = asyncio.run(ask())
    assert response.status_code == 500 and MADE.fullmatch(response.headers["x-request-id"])
    assert [request[:3] for request in counted] == [("GET", "/broken", 500)]
