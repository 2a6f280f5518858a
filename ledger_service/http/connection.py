"""One client's connection, within bounds: how long a request may take to arrive and an answer to be taken, how large a
head may be, and who goes when there are too many.

uvicorn bounds the time between two requests and nothing else: whoever sends a head byte by byte, or never reads the
answer, keeps a connection for ever, and a head may be of any size. (What parses is strict already: httptools refuses
two lengths, a length beside chunks, folded lines and bare line feeds.) Nothing of the application is started, and none
of its places taken, before the request is here as a whole.
"""

import asyncio
import resource
import sys
import termios
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from fcntl import ioctl
from functools import partial
from typing import Any

import msgspec
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from ledger_service import problems
from ledger_service.problems import Problem, Refused
from ledger_service.usecases.submission import MAX_BODY_BYTES

_HEAD, _BODY = "head", "body"

_TOO_LATE = replace(problems.MALFORMED_REQUEST, status=408)
_URL_TOO_LONG = replace(problems.MALFORMED_REQUEST, status=414)
_HEAD_TOO_LARGE = replace(problems.MALFORMED_REQUEST, status=431)


@dataclass(frozen=True)
class Limits:
    """What may be taken, by all clients: `connections`, and `collected_bytes` of bodies that are not here as a whole.
    By one: the rest. Past `body_bytes` the application is asked at once, and refuses. A connection that is stalled for
    `stalled_seconds`, while an answer waits to be taken at less than `slowest_bytes` a second, is cut."""

    connections: int = 1_024
    collected_bytes: int = 256 * 2**20
    head_seconds: float = 10.0
    body_seconds: float = 40.0
    stalled_seconds: float = 20.0
    slowest_bytes: int = 4_096
    body_bytes: int = MAX_BODY_BYTES
    url_bytes: int = 8_192
    head_bytes: int = 32_768


DEFAULT_LIMITS = Limits()
OTHER_FILES = 1_024
"""Databases, the chain's connections, and newcomers while others are cut."""


@dataclass
class Crowd:
    """The connections of one server that the service waits for, the longest waited for first. Where there are too many,
    or too much of their bodies is held, that one is cut, not the newcomer."""

    waiting: "dict[BoundedConnection, None]" = field(default_factory=dict)
    collected_bytes: int = 0

    def thin_out(self, limits: Limits, connections: int) -> None:
        """Cut who must go."""
        if connections > limits.connections and self.waiting:
            next(iter(self.waiting)).cut()
        while self.collected_bytes > limits.collected_bytes:
            next(one for one in self.waiting if one.collected_bytes).cut()


class _OneAnswer:
    """The transport of one answer: its head leaves together with what comes next, in one packet and one system call."""

    def __init__(self, transport: asyncio.Transport):
        self._transport = transport
        self._head: bytes | None = None
        self._begun = False

    def write(self, data: bytes) -> None:
        """Keep the first piece, send all others at once."""
        if self._begun:
            self.flush(data)
        else:
            self._begun, self._head = True, data

    def flush(self, data: bytes = b"") -> None:
        """Send what was kept, and this behind it."""
        if self._head is not None:
            data, self._head = self._head + data, None
        if data:
            self._transport.write(data)

    def close(self) -> None:
        """Send what was kept, then close."""
        self.flush()
        self._transport.close()

    def is_closing(self) -> bool:
        """Whether the connection ends."""
        return self._transport.is_closing()


class BoundedConnection(HttpToolsProtocol):
    """uvicorn's connection, with `Limits`, among a `Crowd`."""

    def __init__(self, limits: Limits, crowd: Crowd, *arguments: Any, **named: Any):
        super().__init__(*arguments, **named)
        self.collected_bytes = 0
        self._limits = limits
        self._crowd = crowd
        self._messages = 0
        self._reads = ""
        self._head_bytes = 0
        self._late: asyncio.TimerHandle | None = None
        self._late_for = ("", 0)
        self._answers = 0
        self._stalled: asyncio.TimerHandle | None = None
        self._collecting: tuple[RequestResponseCycle, Any] | None = None
        self._answering: RequestResponseCycle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._expect(_HEAD)
        self._crowd.thin_out(self._limits, len(self.connections))
        self._crowd.waiting[self] = None

    def connection_lost(self, exc: Exception | None) -> None:
        self._expect("")
        if self._stalled is not None:
            self._stalled.cancel()
        self._leave()
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
        if self.transport.is_closing():
            return
        super().on_body(body)
        if self._collecting is not None:
            self.flow.resume_reading()
            self.collected_bytes += len(body)
            self._crowd.collected_bytes += len(body)
            self._crowd.thin_out(self._limits, 0)
            if self.collected_bytes > self._limits.body_bytes:
                self._begin()

    def on_message_complete(self) -> None:
        self._reads = ""
        if self.transport.is_closing():
            return
        super().on_message_complete()
        if self._collecting is not None:
            self._begin()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        """Start the application, once the body of this request, whose turn it is, is here."""
        self._collecting = (cycle, app)
        cycle.transport = _OneAnswer(self.transport)
        if not cycle.more_body:
            self._begin()
        elif cycle.waiting_for_100_continue:
            cycle.waiting_for_100_continue = False
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _begin(self) -> None:
        cycle, app = self._collecting
        self._wait_no_more()
        self._answering = cycle
        super()._start_asgi_task(cycle, app)

    def _wait_no_more(self) -> None:
        self._crowd.waiting.pop(self, None)
        self._crowd.collected_bytes -= self.collected_bytes
        self.collected_bytes, self._collecting = 0, None

    def _is_busy(self) -> bool:
        """Whether a request is here as a whole that was not answered yet."""
        return self._answering is not None and not self._answering.response_complete

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
        answerable = what == _HEAD or self._collecting is not None
        if answerable and not self._is_busy() and not self.transport.is_closing():
            self._refuse(_TOO_LATE, f"the request did not arrive within {seconds:g} s; send it at once")
        else:
            self.cut()

    # Answering

    def on_response_complete(self) -> None:
        self._answering.transport.flush()  # where no body follows
        self._answers += 1
        self._crowd.waiting[self] = None
        super().on_response_complete()
        self._watch_answer()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._watch_answer()

    def _watch_answer(self) -> None:
        if self.transport.get_write_buffer_size() and self._stalled is None:
            left = self._untaken_bytes()
            self._stalled = self.loop.call_later(self._limits.stalled_seconds, self._is_stalled, left, self._answers)

    def _untaken_bytes(self) -> int:
        """What the client has not acknowledged: what waits here, and what the system holds, out of which a client takes
        for long while nothing here gets less."""
        held = bytearray(4)
        with suppress(OSError):
            ioctl(self.transport.get_extra_info("socket").fileno(), termios.TIOCOUTQ, held)
        return self.transport.get_write_buffer_size() + int.from_bytes(held, sys.byteorder)

    def _is_stalled(self, before: int, answers: int) -> None:
        self._stalled = None
        left = self._untaken_bytes()
        slowest = before - self._limits.stalled_seconds * self._limits.slowest_bytes
        if answers == self._answers and left > max(0, slowest):
            self.cut()
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

    def cut(self) -> None:
        """End the connection at once."""
        self.connections.discard(self)
        self._leave()
        self.transport.abort()

    def _leave(self) -> None:
        """Nobody is waited for any more, and the answer that is being made will not be sent. uvicorn sees to the newest
        request alone, which is another one where requests were sent without waiting for answers."""
        self._wait_no_more()
        if self._is_busy():
            self._answering.disconnected = True
            self._answering.message_event.set()


def bounded(limits: Limits = DEFAULT_LIMITS) -> Callable[..., BoundedConnection]:
    """What uvicorn's setting `http` takes: makes the connections of one server."""
    return partial(BoundedConnection, limits, Crowd())


def allow_open_files(limits: Limits = DEFAULT_LIMITS) -> None:
    """Let this process have so many connections open, and files beside them, as far as the system allows it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = limits.connections + OTHER_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
