"""Strangers before a running service: none of them takes it down, and everybody else is served meanwhile."""

import json
import secrets
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import HealthCheck, given, settings

from anchors import Part
from ledger_service.http.connection import DEFAULT_LIMITS
from scripts.city.service import TOKEN
from tests.fixtures.examples import examples
from tests.fixtures.ledger import Ledger, check_problem, check_problem_response
from tests.fixtures.signer import document, links
from tests.hostile.mutations import anything
from tests.hostile.sockets import Line

EXAMPLES = examples(300, thorough=3_000)
SLOW_BODIES = 200
"""More than the submissions that the service takes at once."""


def port_of(ledger: Ledger) -> int:
    """Where the service listens."""
    return int(ledger.settings["HUZHENG_PORT"])


@contextmanager
def many(ledger: Ledger, count: int, sent: bytes) -> Iterator[list[Line]]:
    """So many connections, each having sent this."""
    lines = []
    try:
        for _ in range(count):
            line = Line(port_of(ledger))
            line.send(sent)
            lines.append(line)
        yield lines
    finally:
        for line in lines:
            line.socket.close()


def serves(ledger: Ledger) -> None:
    """Everything that matters still works, for somebody else."""
    assert ledger.get("/healthz").status_code == 200
    assert isinstance(ledger.submit(ledger.signer(0).issued()).outcomes[0], int)
    ledger.wait_for(lambda: ledger.get("/log/checkpoint").status_code == 200)


def test_heads_that_never_end(sqlite_ledger: Ledger) -> None:
    with many(sqlite_ledger, DEFAULT_LIMITS.connections + 300, b"GET / HTTP/1.1\r\nHost: a\r\nX-Slow: "):
        for _ in range(5):
            serves(sqlite_ledger)


def test_connections_that_say_nothing(sqlite_ledger: Ledger) -> None:
    with many(sqlite_ledger, DEFAULT_LIMITS.connections + 300, b""):
        serves(sqlite_ledger)


def test_bodies_that_drip(sqlite_ledger: Ledger) -> None:
    head = b"POST /v1/statements HTTP/1.1\r\nHost: a\r\nContent-Length: 4000000\r\n\r\n{"
    with many(sqlite_ledger, SLOW_BODIES, head) as lines:
        time.sleep(0.5)
        for line in lines:
            line.send(b" ")
        serves(sqlite_ledger)


def test_answers_that_nobody_takes(sqlite_ledger: Ledger) -> None:
    asked = b"GET /v1/registry HTTP/1.1\r\nHost: a\r\n\r\n" * 200
    with many(sqlite_ledger, 50, asked):
        serves(sqlite_ledger)


def test_who_vanishes_in_the_middle(sqlite_ledger: Ledger) -> None:
    statement = json.dumps(sqlite_ledger.signer(0).issued().wire).encode()
    body = b'{"origin":%b,"statements":[%b]}' % (json.dumps(sqlite_ledger.city.origin).encode(), statement)
    head = b"POST /v1/statements HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(body)
    for cut in range(1, len(head) + len(body), 97):
        line = Line(port_of(sqlite_ledger))
        line.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        line.send((head + body)[:cut])
        line.socket.close()  # with a reset
    serves(sqlite_ledger)


def test_a_thousand_requests_at_once(sqlite_ledger: Ledger) -> None:
    with Line(port_of(sqlite_ledger)) as line:
        line.send(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n" * 1_000)
        assert [line.reply().status for _ in range(1_000)] == [200] * 1_000


PATHS = [
    "/log/../v1/registry", "/log/tile/0/000/../../../../etc/passwd", "/log/%2e%2e/%2e%2e/etc/passwd",
    "/log//tile/0/000", "/log/tile/0/000%00", "/log/tile/0/000%0a", "/log/tile/0/０００", "/log/tile/%30/000",
    "/log/tile/0/x001/000", "/log/tile/64/000", "/log/tile/-1/000", "/log/tile/00/000", "/log/tile/0/000.p/0",
    "/log/tile/0/000.p/256", "/log/tile/0/000.p/01", "/log/tile/0/x999/x999/x999/x999/x999/x999/999",
    "/log/tile/entries/000.p/0", "/log/checkpoint/", "/log/checkpoint%00", "/log/..%5c..%5cetc", "//log/checkpoint",
    "/v1/statements/0x" + "AB" * 32, "/v1/statements/0x" + "ab" * 32 + "%0a", "/v1/institutions/%00",
    "/v1/institutions/%ed%a0%80", "/v1/institutions/..", "/v1/institutions/" + "x" * 4_000, "/v1/checkpoints/９",
    "/v1/checkpoints/+1", "/v1/checkpoints/1e3", "/v1/checkpoints/99999999999999999999999",
    "/v1/checkpoints?limit=1&limit=0", "/v1/checkpoints?limit=１", "/v1/checkpoints?before=-1",
    "/v1/institutions?after=%00%ff", "/v1/heads?before=1.0", "/v1/keys/0x" + "0" * 40 + "/",
]  # fmt: skip


@pytest.mark.parametrize("path", PATHS)
def test_paths_lead_nowhere_they_should_not(sqlite_ledger: Ledger, path: str) -> None:
    with Line(port_of(sqlite_ledger)) as line:
        line.send(b"GET %b HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" % path.encode())
        reply = line.reply()
    assert reply.status < 500
    assert b"root:" not in reply.body
    if reply.status >= 400:
        assert reply.headers["content-type"] == "application/problem+json"
        check_problem(json.loads(reply.body), reply.headers.get("x-request-id"))


HEADERS = {
    "a compressed body": {"Content-Encoding": "gzip"},
    "two tokens": {"Authorization": f"Bearer {TOKEN}, Bearer {TOKEN}"},
    "a token in capitals": {"Authorization": f"BEARER {TOKEN}"},
    "a token with a tail": {"Authorization": f"Bearer  {TOKEN}"},
    "a method beside the method": {"X-HTTP-Method-Override": "DELETE"},
    "another address": {"X-Forwarded-For": "127.0.0.1", "X-Original-URL": "/metrics", "Host": "evil.example"},
    "a range": {"Range": "bytes=0-0,-1"},
    "every encoding": {"Accept-Encoding": "gzip;q=0, identity;q=0, *;q=0"},
    "something else wanted": {"Accept": "application/x-nothing"},
    "a trace": {"traceparent": "00-" + "0" * 32 + "-" + "0" * 16 + "-01", "X-Request-Id": "a" * 10_000},
}


@pytest.mark.parametrize("headers", HEADERS.values(), ids=HEADERS)
def test_headers_open_and_change_nothing(sqlite_ledger: Ledger, headers: dict[str, str]) -> None:
    subject = f"/v1/subjects/0x{'ab' * 32}"
    assert sqlite_ledger.http.get(subject, headers=headers).status_code in (200, 401)
    if "token" not in str(headers).lower() or "Bearer" not in str(headers):
        check_problem_response(sqlite_ledger.http.get(subject, headers=headers), "unauthorized", 401)
    for path in ("/v1/registry", "/log/checkpoint", "/healthz"):
        response = sqlite_ledger.http.get(path, headers=headers)
        assert response.status_code == 200
        assert "evil.example" not in response.text + str(response.headers)


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "gzip, gzip"])
def test_a_compressed_body_is_not_unfolded(sqlite_ledger: Ledger, encoding: str) -> None:
    headers = {"Content-Encoding": encoding}
    response = sqlite_ledger.http.post("/v1/statements", content=b"\x1f\x8b" + bytes(1_000), headers=headers)
    check_problem_response(response, "malformed-request", 400)


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "TRACE", "PROPFIND", "QUERY", "get", "G\0T", "A" * 3_000])
def test_other_methods(sqlite_ledger: Ledger, method: str) -> None:
    with Line(port_of(sqlite_ledger)) as line:
        line.send(b"%b /v1/registry HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" % method.encode())
        reply = line.reply(body_follows=method != "HEAD")
    assert reply is not None and 400 <= reply.status < 500


def test_any_body_is_answered(sqlite_ledger: Ledger) -> None:
    statement = sqlite_ledger.signer(0).issued()
    items = [json.dumps(statement.wire).encode(), json.dumps(statement.wire, indent=1).encode()]
    bodies = [
        b'{"origin":%b,"statements":[%b]}' % (json.dumps(sqlite_ledger.city.origin).encode(), b",".join(items[:count]))
        for count in (1, 2)
    ]

    @settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck))
    @given(anything(bodies))
    def check(body: bytes) -> None:
        response = sqlite_ledger.post(body)
        if response.status_code != 200:
            assert 400 <= response.status_code < 500
            check_problem(response.json(), response.headers["x-request-id"])
            return
        for result in response.json()["results"]:
            if "index" in result:
                assert result["statement"] == statement.name, "nothing but what was signed gets an index"
            else:
                check_problem(result["problem"])

    check()
    assert isinstance(sqlite_ledger.submit(statement).outcomes[0], int)


def test_a_page_ends_where_it_grows_too_large(sqlite_ledger: Ledger) -> None:
    """Megabytes of parts about one subject: whoever reads its timeline gets all of it, in pieces that fit."""
    signer = sqlite_ledger.signer(1)
    filling = [Part.create(f"filling-{number}", "x" * 65_000) for number in range(50)]
    subject = secrets.token_bytes(32)
    versions = [signer.sign("report.issued", subject, document(), *filling)]
    for _ in range(19):
        versions.append(signer.sign("report.amended", subject, document(), links(replaces=versions[-1]), *filling))
    for version in versions:
        assert isinstance(sqlite_ledger.submit(version).outcomes[0], int)
    read, after, pages = [], None, 0
    while pages == 0 or after is not None:
        parameters = {"limit": 1_000} | ({} if after is None else {"after": after})
        page = sqlite_ledger.get(f"/v1/subjects/0x{subject.hex()}", token=True, params=parameters).json()
        read += [item["statement"] for item in page["items"]]
        after, pages = page["next"], pages + 1
    assert read == [version.name for version in versions]
    assert pages == 2
