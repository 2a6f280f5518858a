"""Sends prepared requests over as many connections as there are streams, and counts what is answered in a window.

A process of its own, so that it competes with the service for the machine and not for an interpreter. It speaks just
enough HTTP/1.1 to keep its own cost small beside the service's. Each connection has one request under way.
"""

import asyncio
import math
import multiprocessing
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from urllib.parse import urlsplit

import msgspec
import uvloop

SECONDS_BETWEEN_LOOKS = 0.5


@dataclass(frozen=True)
class Window:
    """What was accepted in a window and what was not: statements, and the seconds it took, fewer than asked for where a
    stream ran out."""

    statements: int
    refused: int
    seconds: float

    @property
    def rate(self) -> float:
        """Statements a second."""
        return self.statements / self.seconds


class LoadGenerator:
    """Sends each stream's requests in order, window after window, until they run out."""

    def __init__(self, url: str, streams: Sequence[Sequence[bytes]]):
        self._pipe, theirs = multiprocessing.Pipe()
        self._process = multiprocessing.get_context("fork").Process(
            target=_serve_windows, args=(url, streams, theirs), daemon=True
        )
        self._process.start()

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def window(self, seconds: float, meanwhile: Callable[[], None] = lambda: None) -> Window:
        """Send for `seconds`, or until a stream runs out; every request under way at the end is waited for and counted.
        `meanwhile` is called a few times until then."""
        return self._ask(seconds, meanwhile)

    def _ask(self, seconds: float | None, meanwhile: Callable[[], None] = lambda: None) -> Window:
        self._pipe.send(_Order(seconds))
        while not self._pipe.poll(SECONDS_BETWEEN_LOOKS):
            meanwhile()
        window = self._pipe.recv()
        if isinstance(window, str):
            raise RuntimeError(window)
        if window.refused:
            raise RuntimeError(f"{window.refused} statements of the load were refused; see the service's log")
        return window

    def send_all(self) -> Window:
        """Send what is left, so that each stream can go on where it ends."""
        return self._ask(None)

    def close(self) -> None:
        """End the process."""
        self._pipe.send(None)
        self._process.join()


@dataclass(frozen=True)
class _Order:
    """A window of so many seconds; None sends all that is left."""

    seconds: float | None


def _serve_windows(url: str, streams: Sequence[Sequence[bytes]], pipe: Connection) -> None:
    queues = [_Queue(stream) for stream in streams]
    while (order := pipe.recv()) is not None:
        try:
            pipe.send(uvloop.run(_window(url, queues, order.seconds)))
        except (OSError, RuntimeError) as failure:
            pipe.send(f"the load generator ended: {failure}")


class _Queue:
    """The requests of one stream that are not sent yet."""

    def __init__(self, requests: Sequence[bytes]):
        self._requests = requests
        self._next = 0

    def take(self) -> bytes | None:
        if self._next == len(self._requests):
            return None
        self._next += 1
        return self._requests[self._next - 1]


class _End:
    """When a window ends: at its time, or when the first stream runs out, because fewer would be an easier load."""

    def __init__(self, seconds: float | None):
        self.at = math.inf if seconds is None else time.perf_counter() + seconds
        self._all = seconds is None

    def come_now(self) -> None:
        if not self._all:
            self.at = 0.0


async def _window(url: str, queues: Sequence[_Queue], seconds: float | None) -> Window:
    loop, address = asyncio.get_running_loop(), urlsplit(url)
    began, end = time.perf_counter(), _End(seconds)
    streams = [_Stream(queue, address.netloc, end) for queue in queues]
    await asyncio.gather(
        *(loop.create_connection(lambda one=one: one, address.hostname, address.port) for one in streams)
    )
    await asyncio.gather(*(one.done for one in streams))
    took = time.perf_counter() - began
    return Window(sum(one.accepted for one in streams), sum(one.refused for one in streams), took)


class _Stream(asyncio.Protocol):
    """One connection."""

    def __init__(self, queue: _Queue, host: str, end: _End):
        self._queue, self._window_end = queue, end
        self._head = f"POST /v1/statements HTTP/1.1\r\nHost: {host}\r\nContent-Length: ".encode()
        self._received = b""
        self._transport: asyncio.Transport | None = None
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.accepted = self.refused = 0

    def connection_made(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._send()

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, found, rest = self._received.partition(b"\r\n\r\n")
        if not found:
            return
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0])
        if len(rest) < length:
            return
        self._received = b""
        if head.startswith(b"HTTP/1.1 200"):
            self._count(rest)
            self._send()
        else:
            self._end(RuntimeError(f"the service answered {rest[:300]!r}"))

    def connection_lost(self, error: Exception | None) -> None:
        self._end(error or ConnectionResetError("the service closed a connection"))

    def _send(self) -> None:
        if time.perf_counter() >= self._window_end.at:
            self._end(None)
        elif (body := self._queue.take()) is None:
            self._window_end.come_now()
            self._end(None)
        else:
            self._transport.write(b"%s%d\r\n\r\n%s" % (self._head, len(body), body))

    def _count(self, answer: bytes) -> None:
        results = msgspec.json.decode(answer, type=_Answer).results
        accepted = sum(result.index is not None for result in results)
        self.accepted += accepted
        self.refused += len(results) - accepted

    def _end(self, error: Exception | None) -> None:
        if self.done.done():
            return
        if error is None:
            self.done.set_result(None)
        else:
            self.done.set_exception(error)
        self._transport.close()


class _Result(msgspec.Struct):
    index: int | None = None


class _Answer(msgspec.Struct):
    results: list[_Result]
