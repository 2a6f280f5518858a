"""Of connections that come together a process takes one at a time; it outlasts a lack of open files; where it ends,
everyone is told."""

import asyncio
import json
import multiprocessing
import resource
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from itertools import pairwise

import pytest
import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from ledger_service.http.connection import bounded
from ledger_service.http.listening import FairServer
from ledger_service.http.request_log import RequestLog
from tests.hostile.test_connection import GET, answers

TOGETHER, OPEN_FILES, MORE_THAN_FILES = 60, 48, 64
WITHIN_SECONDS = 20.0
TURNS = 1_000
TURNS_TO_OPEN = 12
"""More than a connection takes to be opened."""


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0), backlog=256) as it:
        yield it


def connect(listener: socket.socket) -> socket.socket:
    """A connection to it, taken or not."""
    return socket.create_connection(listener.getsockname(), timeout=WITHIN_SECONDS)


def is_answered(line: socket.socket) -> bool:
    """Whether the server serves this connection."""
    line.sendall(GET)
    return line.recv(4_096).startswith(b"HTTP/1.1 200")


def server_of(app: ASGIApp = answers) -> FairServer:
    """What an API process listens with, before another application."""
    config = uvicorn.Config(
        app, http=bounded(), ws="none", lifespan="off", log_config=None, timeout_graceful_shutdown=1
    )
    return FairServer(config)


def serve(listener: socket.socket, open_files: int) -> None:
    """Serve with so many open files until it is killed."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (open_files, open_files))
    server_of().run(sockets=[listener])


@contextmanager
def another_process(listener: socket.socket, open_files: int) -> Iterator[None]:
    """A process that serves; it inherits none of the files that are open here."""
    process = multiprocessing.get_context("spawn").Process(target=serve, args=(listener, open_files), daemon=True)
    process.start()
    try:
        yield
    finally:
        process.kill()
        process.join()


def test_a_process_takes_one_connection_a_turn(listener: socket.socket) -> None:
    server, taken = server_of(), [0]

    async def look_each_turn() -> None:
        for _ in range(TURNS):
            await asyncio.sleep(0)
            taken.append(len(server.server_state.connections))
        server.should_exit = True

    async def run() -> None:
        await asyncio.gather(server.serve(sockets=[listener]), look_each_turn())

    with ExitStack() as lines:
        for _ in range(TOGETHER):
            lines.enter_context(connect(listener))
        with asyncio.Runner(loop_factory=server.config.get_loop_factory()) as runner:
            runner.run(run())
    assert max(taken) == TOGETHER
    assert max(after - before for before, after in pairwise(taken)) == 1, taken


def test_who_waits_is_taken_once_there_are_files_again(listener: socket.socket) -> None:
    with another_process(listener, OPEN_FILES):
        with ExitStack() as lines:
            opened = [lines.enter_context(connect(listener)) for _ in range(MORE_THAN_FILES)]
            assert all(is_answered(line) for line in opened[: OPEN_FILES // 4])
        with connect(listener) as line:
            assert is_answered(line)


@pytest.mark.parametrize("turns", range(TURNS_TO_OPEN))
def test_a_process_that_ends_serves_nobody_on(listener: socket.socket, turns: int) -> None:
    """Whatever its turn in being opened, a connection is closed; left out, it would be served on."""
    server = server_of()
    server.config.load()
    server.lifespan = server.config.lifespan_class(server.config)

    async def run(line: socket.socket) -> bytes:
        await server.startup(sockets=[listener])
        for _ in range(turns):
            await asyncio.sleep(0)
        await server.shutdown(sockets=[listener])
        line.settimeout(WITHIN_SECONDS / 10)
        return line.recv(1)

    with connect(listener) as line, asyncio.Runner(loop_factory=server.config.get_loop_factory()) as runner:
        with suppress(ConnectionResetError):  # where it was not taken yet
            assert runner.run(run(line)) == b""
        assert not server.server_state.connections


def test_whoever_waits_for_an_answer_is_told_that_the_process_ends(
    listener: socket.socket, caplog: pytest.LogCaptureFixture
) -> None:
    asked = asyncio.Event()

    async def never(_scope: Scope, _receive: Receive, _send: Send) -> None:
        asked.set()
        await asyncio.Event().wait()

    server = server_of(RequestLog(never, lambda *_: None))

    async def end() -> None:
        await asked.wait()
        server.should_exit = True

    async def run() -> None:
        await asyncio.gather(server.serve(sockets=[listener]), end())

    with connect(listener) as line:
        line.sendall(GET)
        with asyncio.Runner(loop_factory=server.config.get_loop_factory()) as runner:
            runner.run(run())
        reply = b"".join(iter(lambda: line.recv(4_096), b""))
    head, body = reply.split(b"\r\n\r\n", 1)
    assert head.startswith(b"HTTP/1.1 503") and b"\r\nretry-after: 1" in head.lower()
    assert json.loads(body)["detail"] == "this process had to end before its answer was ready; send again"
    assert not [record for record in caplog.records if record.exc_info]
