"""Requests that are refused as a whole: a problem as the body, and nothing of them is taken."""

import json
import re
from collections.abc import Callable

import httpx
import pytest

from tests.fixtures.ledger import Ledger, check_problem_response
from tests.fixtures.signer import Signed

MAX_BODY_BYTES = 4 * 2**20

NESTED = b"[" * 99_000 + b"]" * 99_000

Body = Callable[[str, bytes], bytes]


def envelope(origin: str, *items: bytes) -> bytes:
    """A submission."""
    return b'{"origin":%b,"statements":[%b]}' % (json.dumps(origin).encode(), b",".join(items))


MALFORMED: dict[str, Body] = {
    "nothing": lambda origin, item: b"",
    "no JSON": lambda origin, item: b"{",
    "no UTF-8": lambda origin, item: b'{"origin":"\xff\xfe","statements":[]}',
    "UTF-16": lambda origin, item: envelope(origin, item).decode().encode("utf-16"),
    "a byte-order mark": lambda origin, item: b"\xef\xbb\xbf" + envelope(origin, item),
    "a form": lambda origin, item: b"origin=x&statements=y",
    "a number": lambda origin, item: b"1",
    "null": lambda origin, item: b"null",
    "an array": lambda origin, item: b"[" + envelope(origin, item) + b"]",
    "two objects": lambda origin, item: envelope(origin, item) * 2,
    "cut short": lambda origin, item: envelope(origin, item)[:-20],
    "an empty object": lambda origin, item: b"{}",
    "no origin": lambda origin, item: b'{"statements":[' + item + b"]}",
    "no statements": lambda origin, item: b'{"origin":"x"}',
    "an unknown member": lambda origin, item: envelope(origin, item)[:-1] + b',"more":1}',
    "a long unknown member": lambda origin, item: envelope(origin, item)[:-1] + b',"' + b"m" * 999 + b'":1}',
    "an origin that is no text": lambda origin, item: b'{"origin":1,"statements":[' + item + b"]}",
    "statements that are no array": lambda origin, item: b'{"origin":"x","statements":' + item + b"}",
    "0 statements": lambda origin, item: envelope(origin),
    "1,001 statements": lambda origin, item: envelope(origin, *[b"1"] * 1_001),
    "the origin twice": lambda origin, item: b'{"origin":"x",' + envelope(origin, item)[1:],
    "the origin twice, escaped": lambda origin, item: b'{"\\u006frigin":"x",' + envelope(origin, item)[1:],
    "the statements twice": lambda origin, item: b'{"statements":[],' + envelope(origin, item)[1:],
    "the statements twice, escaped": lambda origin, item: b'{"\\u0073tatements":[1],' + envelope(origin, item)[1:],
    "a lone surrogate": lambda origin, item: envelope(origin, b'{"key":"\\ud800"}'),
    "nested deep": lambda origin, item: envelope(origin, b"[" * 2_000_000 + b"]" * 2_000_000),
    "nested deep without an end": lambda origin, item: b"[" * 4_000_000,
    "parts nested deep": lambda origin, item: envelope(origin, item.replace(b'["', NESTED + b',"')),
    "a leaf nested deep": lambda origin, item: envelope(
        origin, item.replace(b'["', b'[{"leaf":' + NESTED + b'},"')
    ),
    "objects nested deep": lambda origin, item: b'{"a":' * 800_000,
}  # fmt: skip


@pytest.mark.parametrize("body", MALFORMED.values(), ids=MALFORMED)
def test_what_is_no_submission(ledger: Ledger, body: Body) -> None:
    signer = ledger.signer(0)
    statement = signer.issued()
    sent = body(ledger.city.origin, json.dumps(statement.wire).encode())
    problem = check_problem_response(ledger.post(sent), "malformed-request", 400)
    assert not problem["retry"]
    assert ledger.get(f"/v1/statements/{statement.name}").status_code == 404
    assert isinstance(ledger.submit(statement).outcomes[0], int), "nothing of the request may have been taken"


def test_what_an_item_is_named_does_not_spoil_the_request(ledger: Ledger) -> None:
    good = json.dumps(ledger.signer(0).issued().wire).encode()
    answer = ledger.submit_raw(b'"origin"', b'{"origin":1,"statements":[]}', b'"statements"', good)
    assert answer.outcomes[:3] == ["malformed-statement"] * 3
    assert isinstance(answer.outcomes[3], int)


def too_large(statement: Signed, origin: str) -> bytes:
    """One good statement in a body of one byte too many."""
    body = envelope(origin, json.dumps(statement.wire).encode())
    return body + b" " * (MAX_BODY_BYTES + 1 - len(body))


def test_a_body_of_the_largest_size_is_taken_and_one_byte_more_is_not(ledger: Ledger) -> None:
    statement = ledger.signer(0).issued()
    body = too_large(statement, ledger.city.origin)
    check_problem_response(ledger.post(body), "too-large", 413)
    assert ledger.get(f"/v1/statements/{statement.name}").status_code == 404
    assert ledger.post(body[:-1]).status_code == 200


def test_a_body_without_a_length_is_bounded_too(ledger: Ledger) -> None:
    def chunks() -> object:
        for _ in range(5 * 2**20 // 65_536):
            yield b" " * 65_536

    response = ledger.http.post("/v1/statements", content=chunks())
    check_problem_response(response, "too-large", 413)


@pytest.mark.parametrize("origin", ["ledger.example/other", "", "x" * 100_000], ids=["other", "empty", "long"])
def test_another_origin(ledger: Ledger, origin: str) -> None:
    statement = ledger.signer(0).issued()
    response = ledger.post(envelope(origin, json.dumps(statement.wire).encode()))
    problem = check_problem_response(response, "wrong-origin", 409)
    assert ledger.city.origin in problem["detail"]


@pytest.mark.parametrize("content_type", [None, "text/plain", "application/json; charset=gbk", "%"])
def test_the_content_type_decides_nothing(ledger: Ledger, content_type: str | None) -> None:
    body = envelope(ledger.city.origin, json.dumps(ledger.signer(0).issued().wire).encode())
    headers = {"Content-Type": content_type} if content_type else {}
    assert ledger.http.post("/v1/statements", content=body, headers=headers).status_code == 200


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
def test_another_method(ledger: Ledger, method: str) -> None:
    response: httpx.Response = ledger.http.request(method, "/v1/statements")
    check_problem_response(response, "malformed-request", 405)
    assert "POST" in response.headers["allow"]


def test_no_such_route(ledger: Ledger) -> None:
    check_problem_response(ledger.get("/v1/nothing"), "not-found", 404)
    check_problem_response(ledger.get("/nothing"), "not-found", 404)


def test_whoever_opens_the_address_sees_what_it_is(ledger: Ledger) -> None:
    page = ledger.get("/")
    assert page.headers["content-type"].startswith("text/html")
    assert ledger.city.origin in page.text
    for path in re.findall(r'href="([^"]+)"', page.text):
        assert ledger.get(path).status_code == 200, path
