"""Of connections that come together a process takes one at a time, and it outlasts a lack of open files."""

import asyncio
import multiprocessing
import resource
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import pairwise

import pytest
import uvicorn

from ledger_service.http.connection import bounded
from ledger_service.http.listening import FairServer
from tests.hostile.test_connection import GET, answers

TOGETHER, OPEN_FILES, MORE_THAN_FILES = 60, 48, 64
WITHIN_SECONDS = 20.0
TURNS = 1_000


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


def server_of() -> FairServer:
    """What an API process listens with, before another application."""
    return FairServer(uvicorn.Config(answers, http=bounded(), ws="none", lifespan="off", log_config=None))


def serve(listener: socket.socket, open_files: int) -> None:
    """Serve with so many open files until it is killed."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (open_files, open_files))
    server_of().run(sockets=[listener])


@contextmanager
def another_process(listener: socket.socket, open_files: int) -> Iterator[None]:
    """A process that serves."""
    process = multiprocessing.get_context("fork").Process(target=serve, args=(listener, open_files), daemon=True)
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
