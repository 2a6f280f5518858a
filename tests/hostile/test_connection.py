"""Bounds on one connection, on real sockets against a real uvicorn, with times short enough to wait for."""

import asyncio
import json
import logging
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
import uvicorn

from ledger_service.http.connection import Limits, bounded
from ledger_service.http.listening import FairServer
from tests.fixtures.ledger import check_problem
from tests.hostile.sockets import Line, Reply

pytestmark = pytest.mark.alone

LIMITS = Limits(
    connections=40, collected_bytes=5_000, head_seconds=0.6, body_seconds=0.8, stalled_seconds=0.5, body_bytes=2_000,
    url_bytes=1_000, head_bytes=4_000,
)  # fmt: skip
LONGER_SECONDS = 3.0
LARGE = bytes(4 * 2**20)
GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
HEAD = b"GET / HTTP/1.1\r\nHost: a\r\n"


async def answers(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """/large is more than a socket holds; /read reads the body; /slow and /stuck think; others answer at once."""
    path = scope["path"]
    while path == "/read":
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        if not message["more_body"]:
            break
    await asyncio.sleep({"/slow": 0.05, "/stuck": 0.7}.get(path, 0))
    body = LARGE if path == "/large" else b"yes"
    length = (b"content-length", b"%d" % len(body))
    if scope["method"] == "HEAD":
        body = b""
    await send({"type": "http.response.start", "status": 200, "headers": [length]})
    await send({"type": "http.response.body", "body": body})


@dataclass
class Running:
    """A server on a port of 127.0.0.1."""

    server: FairServer
    port: int

    @property
    def connections(self) -> int:
        """How many the server has open."""
        return len(self.server.server_state.connections)

    def wait_until_alone(self) -> None:
        """Wait until nobody is connected."""
        deadline = time.monotonic() + LONGER_SECONDS
        while self.connections:
            assert time.monotonic() < deadline, f"{self.connections} connections are still held"
            time.sleep(0.02)

    def serves(self) -> bool:
        """Whether somebody else is served now."""
        with Line(self.port) as line:
            line.send(GET)
            reply = line.reply()
            return reply is not None and (reply.status, reply.body) == (200, b"yes")


@contextmanager
def running(limits: Limits) -> Iterator[Running]:
    """A server with these limits, in a thread."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=256)
    config = uvicorn.Config(answers, http=bounded(limits), ws="none", lifespan="off", log_config=None, loop="auto")
    server = FairServer(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield Running(server, listener.getsockname()[1])
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    """One server for all of these tests: what one client does must not reach the next."""
    with running(LIMITS) as it:
        yield it


@pytest.fixture(autouse=True)
def nobody_is_left(server: Running) -> Iterator[None]:
    yield
    server.wait_until_alone()


def refused(reply: Reply | None, status: int) -> None:
    """The answer is a problem, and says that the connection ends."""
    assert reply is not None and reply.status == status, reply
    assert reply.headers["content-type"] == "application/problem+json"
    assert reply.headers["connection"] == "close"
    problem = json.loads(reply.body)
    check_problem(problem)
    assert problem["status"] == status


def drip(line: Line, piece: bytes) -> float:
    """Send a piece again and again until the server has enough; how long that took."""
    began = time.monotonic()
    while line.send(piece):
        assert time.monotonic() - began < LONGER_SECONDS, "the server waits for ever"
        time.sleep(0.05)
    return time.monotonic() - began


def test_many_requests_on_one_connection(server: Running) -> None:
    with Line(server.port) as line:
        for _ in range(30):
            line.send(GET)
            assert line.reply().body == b"yes"
            time.sleep(0.05)  # in all, longer than any one request may take


def test_pipelined_requests_are_answered_in_order(server: Running) -> None:
    with Line(server.port) as line:
        line.send(GET * 50 + HEAD)
        assert [line.reply().status for _ in range(50)] == [200] * 50
        refused(line.reply(), 408)
        assert line.is_ended()


@pytest.mark.parametrize("begin", [b"", b"G", HEAD, HEAD + b"X-Slow: "], ids=["nothing", "a letter", "lines", "value"])
def test_a_head_that_never_ends_is_refused(server: Running, begin: bytes) -> None:
    with Line(server.port) as line:
        line.send(begin)
        refused(line.reply(), 408)
        assert line.is_ended()


@pytest.mark.parametrize("piece", [b"x", b"X-Drip: 1\r\n", b"\r\n"], ids=["a value", "lines", "line ends"])
@pytest.mark.parametrize("before", [b"", GET], ids=["first", "second"])
def test_a_head_that_drips_is_refused(server: Running, piece: bytes, before: bytes) -> None:
    with Line(server.port) as line:
        if before:
            line.send(before)
            assert line.reply().status == 200
        if piece != b"\r\n":
            line.send(HEAD + b"X: ")
        assert drip(line, piece) < LIMITS.head_seconds + 1


def test_a_body_that_drips_is_cut(server: Running) -> None:
    with Line(server.port) as line:
        line.send(b"POST /read HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n")
        assert LIMITS.body_seconds - 0.1 < drip(line, b"x") < LIMITS.body_seconds + 1


def test_a_body_that_never_ends_is_refused(server: Running) -> None:
    with Line(server.port) as line:
        line.send(b"POST /read HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nx")
        refused(line.reply(), 408)
        assert line.is_ended()


def test_a_body_too_large_is_answered_at_once_and_cut_in_the_end(server: Running) -> None:
    with Line(server.port) as line:
        line.send(b"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        line.send(b"7d1\r\n" + bytes(2_001) + b"\r\n")
        assert line.reply().status == 200
        assert drip(line, b"1\r\nx\r\n") < LIMITS.body_seconds + 1
        assert line.reply() is None, "one request has one answer"


def test_the_application_is_not_asked_before_the_body_is_here(server: Running) -> None:
    with Line(server.port) as line:
        line.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n")
        assert line.reply().status == 100
        line.send(b"abc")
        line.socket.settimeout(0.2)
        with pytest.raises(TimeoutError):
            line.reply()
        line.send(b"d" + GET)
        assert [line.reply().status for _ in range(2)] == [200, 200]


def test_pipelined_bodies_are_answered_in_order(server: Running) -> None:
    request = b"POST /read HTTP/1.1\r\nHost: a\r\nContent-Length: 1500\r\n\r\n" + bytes(1_500)
    with Line(server.port) as line:
        whole = request * 20
        for start in range(0, len(whole), 700):
            line.send(whole[start : start + 700])
        assert [line.reply().status for _ in range(20)] == [200] * 20


def test_of_too_much_that_is_held_the_oldest_goes(server: Running) -> None:
    head = b"POST /read HTTP/1.1\r\nHost: a\r\nContent-Length: 1900\r\n\r\n"
    lines = [Line(server.port) for _ in range(8)]
    for line in lines:
        line.send(head + bytes(1_000))
        time.sleep(0.02)
    ended = [line.is_ended() for line in lines[:3]]
    lines[-1].send(bytes(900))
    assert ended == [True] * 3
    assert lines[-1].reply().status == 200
    for line in lines:
        line.socket.close()


@pytest.mark.parametrize("ending", ["keep-alive", "close"])
def test_an_answer_that_nobody_takes_is_cut(server: Running, ending: str) -> None:
    with Line(server.port, receive_bytes=4_096) as line:
        line.send(b"GET /large HTTP/1.1\r\nHost: a\r\nConnection: %b\r\n\r\n" % ending.encode())
        time.sleep(0.1)
        assert server.connections == 1
        server.wait_until_alone()
        assert line.reply() is None


def test_an_answer_without_a_body_is_given_too(server: Running) -> None:
    with Line(server.port) as line:
        line.send(b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert line.socket.recv(65_536).startswith(b"HTTP/1.1 200 OK\r\n")
        line.send(GET)
        assert line.socket.recv(65_536).endswith(b"\r\n\r\nyes"), "head and body come in one piece"


def test_an_answer_taken_slowly_but_surely_is_given_whole(server: Running) -> None:
    with Line(server.port, receive_bytes=65_536) as line:
        line.send(b"GET /large HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        received = b""
        while data := line.socket.recv(65_536):
            received += data
            time.sleep(0.02)
        assert len(received.partition(b"\r\n\r\n")[2]) == len(LARGE)


def test_requests_without_end_whose_answers_nobody_takes_are_cut(server: Running) -> None:
    with Line(server.port, receive_bytes=4_096) as line:
        line.socket.settimeout(0.2)
        while line.send(b"GET /large HTTP/1.1\r\nHost: a\r\n\r\n" * 10):
            pass
        server.wait_until_alone()


def test_who_is_gone_without_a_word_is_forgotten(server: Running) -> None:
    line = Line(server.port)
    line.send(b"POST /read HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nx")
    line.socket.shutdown(socket.SHUT_RD)
    server.wait_until_alone()
    line.socket.close()


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"GET /" + b"u" * 1_001 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414),
        (HEAD + b"X: " + b"x" * 4_001 + b"\r\n\r\n", 431),
        (HEAD + b"X: " + b"x" * 200_000, 431),
        (HEAD + b"x" * 200_000, 431),
        (HEAD + b"X: x\r\n" * 4_000 + b"\r\n", 431),
        (b"GET /" + b"u" * 200_000, 431),
    ],
    ids=["long URL", "long value", "value without end", "name without end", "many lines", "URL without end"],
)
def test_heads_are_bounded(server: Running, request_bytes: bytes, status: int) -> None:
    with Line(server.port) as line:
        line.send(request_bytes)
        refused(line.reply(), status)
        assert line.is_ended()


SMUGGLED = {
    "a length beside chunks": b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "two lengths": b"Content-Length: 0\r\nContent-Length: 3\r\n\r\nabc",
    "a signed length": b"Content-Length: +3\r\n\r\nabc",
    "a space before the colon": b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    "chunked not last": b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "a folded line": b"X: a\r\n b\r\n\r\n",
    "a bare line feed": b"X: a\nY: b\r\n\r\n",
    "a zero byte": b"X: a\0b\r\n\r\n",
    "a chunk without bounds": b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
}


@pytest.mark.parametrize("rest", SMUGGLED.values(), ids=SMUGGLED)
def test_what_two_readers_might_read_differently_is_refused(server: Running, rest: bytes) -> None:
    with Line(server.port) as line:
        line.send(b"POST /read HTTP/1.1\r\nHost: a\r\n" + rest + GET)
        refused(line.reply(), 400)
        assert line.reply() is None, "nothing behind it may count as a request"


@pytest.mark.parametrize(
    "line_sent",
    [b"GET / HTTP/9.9", b"GET / HTTP/1.1 x", b"CONNECT a:1 HTTP/1.1", b"GET \xff HTTP/1.1", b"\x16\x03\x01\x02\x00"],
    ids=["version", "more", "connect", "no ASCII", "TLS"],
)
def test_what_is_no_request_is_refused(server: Running, line_sent: bytes) -> None:
    with Line(server.port) as line:
        line.send(line_sent + b"\r\nHost: a\r\n\r\n")
        refused(line.reply(), 400)


def test_a_websocket_is_not_opened(server: Running) -> None:
    with Line(server.port) as line:
        line.send(HEAD + b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: AAAA\r\n\r\n")
        assert line.reply().status == 200


@pytest.mark.parametrize("path", [b"slow", b"large"])
@pytest.mark.parametrize("count", [1, 20])
def test_who_leaves_before_the_answers_come_leaves_no_trace(
    server: Running, path: bytes, count: int, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(10):
        line = Line(server.port, receive_bytes=4_096)
        line.send(b"GET /%b HTTP/1.1\r\nHost: a\r\n\r\n" % path * count)
        time.sleep(0.03)
        line.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        line.socket.close()  # with a reset
    server.wait_until_alone()
    time.sleep(0.2)
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR], caplog.text


def test_newcomers_are_served_however_many_wait(server: Running) -> None:
    waiting = [Line(server.port) for _ in range(3 * LIMITS.connections)]
    for number, line in enumerate(waiting):
        line.send(HEAD)
        if number % 10 == 9:
            assert server.serves()
    assert server.connections <= LIMITS.connections + 10
    for line in waiting:
        line.socket.close()


def test_past_the_bound_of_busy_connections_it_says_so(server: Running) -> None:
    busy = [Line(server.port) for _ in range(LIMITS.connections)]
    for line in busy:
        line.send(b"GET /stuck HTTP/1.1\r\nHost: a\r\n\r\n")
    time.sleep(0.1)
    with Line(server.port) as late:
        late.send(GET)
        reply = late.reply()
        refused(reply, 503)
        assert reply.headers["retry-after"] == "1"
    for line in busy:
        line.socket.close()
    server.wait_until_alone()
    assert server.serves()
