"""Sends prepared requests over as many connections as there are streams, and counts what is answered in a window.

A process of its own, so that it competes with the service for the machine and not for an interpreter. It speaks just
enough HTTP/1.1 to keep its own cost small beside the service's.
"""

import asyncio
import multiprocessing
import time
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from urllib.parse import urlsplit

from scripts.benchmark.statements import count_accepted


@dataclass(frozen=True)
class Window:
    """What was accepted in a window: statements, and the seconds it took."""

    statements: int
    seconds: float
    refused: int

    @property
    def rate(self) -> float:
        """Statements a second."""
        return self.statements / self.seconds


class LoadGenerator:
    """Sends each stream's requests in order, window after window, until they run out."""

    def __init__(self, url: str, streams: Sequence[Sequence[bytes]], statements_per_request: int):
        self._pipe, theirs = multiprocessing.Pipe()
        arguments = (url, [list(stream) for stream in streams], statements_per_request, theirs)
        self._process = multiprocessing.get_context("fork").Process(target=_serve_windows, args=arguments, daemon=True)
        self._process.start()

    def window(self, seconds: float) -> Window:
        """Send for `seconds`; every request under way at the end is waited for and counted."""
        self._pipe.send(seconds)
        return self._pipe.recv()

    def close(self) -> None:
        """End the process."""
        self._pipe.send(None)
        self._process.join()


def _serve_windows(url: str, streams: list[list[bytes]], statements_per_request: int, pipe: Connection) -> None:
    queues = [iter(stream) for stream in streams]
    while (seconds := pipe.recv()) is not None:
        pipe.send(asyncio.run(_window(url, queues, statements_per_request, seconds)))


async def _window(url: str, queues: list, statements_per_request: int, seconds: float) -> Window:
    began = time.perf_counter()
    counts = await asyncio.gather(*(_send_stream(url, queue, began + seconds) for queue in queues))
    accepted = sum(accepted for accepted, _ in counts)
    requests = sum(requests for _, requests in counts)
    return Window(accepted, time.perf_counter() - began, requests * statements_per_request - accepted)


async def _send_stream(url: str, queue: object, until: float) -> tuple[int, int]:
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    accepted = requests = 0
    while time.perf_counter() < until:
        body = next(queue, None)
        if body is None:
            break
        head = f"POST /v1/statements HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + body)
        answer = await _read_answer(reader)
        requests += 1
        accepted += count_accepted(answer)
    writer.close()
    return accepted, requests


async def _read_answer(reader: asyncio.StreamReader) -> bytes:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
    length = int(head.split("content-length:")[1].split("\r\n")[0])
    body = await reader.readexactly(length)
    if not head.startswith("http/1.1 200"):
        raise RuntimeError(f"the service answered: {body[:300]!r}")
    return body
