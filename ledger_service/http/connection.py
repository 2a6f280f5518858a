"""One client's connection, within bounds: how long a request may take to arrive and an answer to be taken, how large a
head may be, and who goes when there are too many.

uvicorn bounds the time between two requests and nothing else: whoever sends a head byte by byte, or never reads the
answer, keeps a connection for ever, and a head may be of any size. (What parses is strict already: httptools refuses
two lengths, a length beside chunks, folded lines and bare line feeds.)
"""

import asyncio
import resource
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import msgspec
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from ledger_service import problems
from ledger_service.problems import Problem, Refused

_HEAD, _BODY = "head", "body"

_TOO_LATE = replace(problems.MALFORMED_REQUEST, status=408)
_URL_TOO_LONG = replace(problems.MALFORMED_REQUEST, status=414)
_HEAD_TOO_LARGE = replace(problems.MALFORMED_REQUEST, status=431)


@dataclass(frozen=True)
class Limits:
    """What one client may take. A connection that is `stalled` for so long, while an answer waits to be taken at less
    than `slowest_bytes` a second, is cut."""

    connections: int = 1_024
    head_seconds: float = 10.0
    body_seconds: float = 40.0
    stalled_seconds: float = 20.0
    slowest_bytes: int = 4_096
    url_bytes: int = 8_192
    head_bytes: int = 32_768


DEFAULT_LIMITS = Limits()
OTHER_FILES = 1_024
"""Databases, the chain's connections, and newcomers while others are cut."""


class BoundedConnection(HttpToolsProtocol):
    """uvicorn's connection, with `Limits`. `waiting` holds the connections of this server that have no request under
    way, the longest waiting first: where there are too many connections, that one is cut, not the newcomer."""

    def __init__(self, limits: Limits, waiting: "dict[BoundedConnection, None]", *arguments: Any, **named: Any):
        super().__init__(*arguments, **named)
        self._limits = limits
        self._waiting = waiting
        self._messages = 0
        self._reads = ""
        self._head_bytes = 0
        self._late: asyncio.TimerHandle | None = None
        self._late_for = ("", 0)
        self._answers = 0
        self._stalled: asyncio.TimerHandle | None = None
        self._answering: RequestResponseCycle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._expect(_HEAD)
        if len(self.connections) > self._limits.connections and self._waiting:
            next(iter(self._waiting))._cut()
        self._waiting[self] = None

    def connection_lost(self, exc: Exception | None) -> None:
        self._waiting.pop(self, None)
        self._expect("")
        if self._stalled is not None:
            self._stalled.cancel()
        self._nobody_listens()
        super().connection_lost(exc)

    # Reading

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.transport.is_closing():
            return
        if self._reads == _HEAD:
            # A value that never ends is handed on by no callback: it is counted as it arrives.
            self._head_bytes += len(data)
            if self._head_bytes > self._limits.head_bytes:
                self._refuse(_HEAD_TOO_LARGE, f"more than {self._limits.head_bytes} bytes of headers")
                return
        # Line ends in front of a head begin no message, and yet somebody is waited for.
        self._expect(self._reads or ("" if self._is_busy() else _HEAD))

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._messages += 1
        self._reads, self._head_bytes = _HEAD, 0

    def on_headers_complete(self) -> None:
        self._reads = _BODY
        self._waiting.pop(self, None)
        if self.transport.is_closing():
            return
        if len(self.connections) > self._limits.connections:
            self._refuse(problems.BUSY, f"{self._limits.connections} connections are in use; send again in a second")
        elif len(self.url) > self._limits.url_bytes:
            self._refuse(_URL_TOO_LONG, f"more than {self._limits.url_bytes} bytes of URL")
        elif sum(len(name) + len(value) for name, value in self.headers) > self._limits.head_bytes:
            self._refuse(_HEAD_TOO_LARGE, f"more than {self._limits.head_bytes} bytes of headers")
        else:
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        if not self.transport.is_closing():
            super().on_body(body)

    def on_message_complete(self) -> None:
        self._reads = ""
        if not self.transport.is_closing():
            super().on_message_complete()

    def _is_busy(self) -> bool:
        """Whether a request is here that was not answered yet."""
        return self.cycle is not None and not self.cycle.response_complete

    def _expect(self, what: str) -> None:
        """From now on the rest of the head or of the body is waited for, or nothing. Asked again, the time runs on."""
        if (what, self._messages) == self._late_for:
            return
        self._late_for = (what, self._messages)
        if self._late is not None:
            self._late.cancel()
            self._late = None
        if what:
            seconds = self._limits.head_seconds if what == _HEAD else self._limits.body_seconds
            self._late = self.loop.call_later(seconds, self._is_late, what, seconds)

    def _is_late(self, what: str, seconds: float) -> None:
        self._late = None
        if what == _HEAD and not self._is_busy() and not self.transport.is_closing():
            self._refuse(_TOO_LATE, f"the request did not arrive within {seconds:g} s; send it at once")
        else:
            self._cut()

    # Answering

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._answering = cycle
        super()._start_asgi_task(cycle, app)

    def on_response_complete(self) -> None:
        self._answers += 1
        super().on_response_complete()
        if not self._is_busy():
            self._waiting[self] = None
        self._watch_answer()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._watch_answer()

    def _watch_answer(self) -> None:
        left = self.transport.get_write_buffer_size()
        if left and self._stalled is None:
            self._stalled = self.loop.call_later(self._limits.stalled_seconds, self._is_stalled, left, self._answers)

    def _is_stalled(self, before: int, answers: int) -> None:
        self._stalled = None
        left = self.transport.get_write_buffer_size()
        slowest = before - self._limits.stalled_seconds * self._limits.slowest_bytes
        if answers == self._answers and left > max(0, slowest):
            self._cut()
        else:
            self._watch_answer()

    # Ending

    def send_400_response(self, msg: str) -> None:
        self._refuse(problems.MALFORMED_REQUEST, "this is no HTTP/1.1 request; send one")

    def _refuse(self, problem: Problem, detail: str) -> None:
        """Answer with a problem and close; whoever does not take it is cut."""
        refused = Refused(problem, detail)
        body = msgspec.json.encode(refused.to_wire())
        lines = [b"content-type: application/problem+json", b"connection: close", b"content-length: %d" % len(body)]
        if problem.retry:
            lines.append(b"retry-after: %d" % refused.retry_after_seconds)
        if not self._is_busy():  # an answer that is under way must not be interrupted by another
            self.transport.write(STATUS_LINE[problem.status] + b"\r\n".join(lines) + b"\r\n\r\n" + body)
        self.transport.close()
        self._watch_answer()

    def _cut(self) -> None:
        self._waiting.pop(self, None)
        self.connections.discard(self)
        self._nobody_listens()
        self.transport.abort()

    def _nobody_listens(self) -> None:
        """The answer that is being made will not be sent. uvicorn sees to the newest request alone, which is another
        one where requests were sent without waiting for answers."""
        if self._answering is not None and not self._answering.response_complete:
            self._answering.disconnected = True
            self._answering.message_event.set()


def bounded(limits: Limits = DEFAULT_LIMITS) -> Callable[..., BoundedConnection]:
    """What uvicorn's setting `http` takes: makes the connections of one server."""
    waiting: dict[BoundedConnection, None] = {}
    return partial(BoundedConnection, limits, waiting)


def allow_open_files(limits: Limits = DEFAULT_LIMITS) -> None:
    """Let this process have so many connections open, and files beside them, as far as the system allows it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = limits.connections + OTHER_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
