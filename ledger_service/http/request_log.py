"""Around every request: its id, one line in the log, one count, a span where telemetry is on, and an answer where the
process ends before the request was served.

Plain ASGI, some ten microseconds a request: the framework's own middleware costs more than accepting a statement does.
"""

import asyncio
import logging
import random
import re
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ledger_service import problems
from ledger_service.http.refusal import refusal
from ledger_service.logging import ACCESS, RequestInHand, current_request
from ledger_service.problems import Refused

UNKNOWN_ROUTE = "-"
"""Stands for every path that no route has: a path may hold anything."""
CLIENT_GONE = 499
"""The status that is logged where the connection ended before an answer began."""

_ENDING = "this process had to end before its answer was ready; send again"
_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_TRACE_PARENT = re.compile(rb"00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}")
_NO_TRACE = b"0" * 32

_log = logging.getLogger(ACCESS)

Count = Callable[[str, str, int, float, str], None]
"""Counts a request: method, route, status, seconds, and the code of its problem or an empty text."""
Trace = Callable[[str, str], AbstractContextManager[Callable[[str, int, int], None]]]
"""Opens a span for a request: method and `traceparent` (or empty). What it gives is told route, status, statements."""


class RequestLog:
    """ASGI middleware around the whole application."""

    def __init__(self, app: ASGIApp, count: Count, trace: Trace | None = None):
        self._app = app
        self._count = count
        self._trace = trace

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        id, parent = _identify(scope["headers"])
        request, status = RequestInHand(id), CLIENT_GONE
        header = (b"x-request-id", id.encode())

        async def send_named(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], header]
            await send(message)

        current_request.set(request)
        with self._trace(scope["method"], parent) if self._trace else nullcontext() as tell:
            try:
                await self._app(scope, receive, send_named)
            except asyncio.CancelledError:  # the server's way to end what takes too long once the process must end
                if status == CLIENT_GONE:
                    await refusal(Refused(problems.NOT_READY, _ENDING))(scope, receive, send_named)
            finally:
                seconds, route = time.perf_counter() - started, _route(scope)
                if tell is not None:
                    tell(route, status, request.statements)
                self._count(scope["method"], route, status, seconds, request.problem)
                _write(scope["method"], route, status, seconds, request)


def _identify(headers: list[tuple[bytes, bytes]]) -> tuple[str, str]:
    """The request's id and its `traceparent`, the latter empty where there is none that is well formed."""
    given, parent = b"", None
    for name, value in headers:
        if name == b"x-request-id":
            given = value
        elif name == b"traceparent":
            parent = _TRACE_PARENT.fullmatch(value)
    if parent is not None and parent[1] == _NO_TRACE:
        parent = None
    text = parent[0].decode() if parent else ""
    if _REQUEST_ID.fullmatch(given):
        return given.decode(), text
    # An id is unlike others and no secret. The system's own random bytes would let go of the interpreter.
    return parent[1].decode() if parent else f"{random.getrandbits(128):032x}", text


def _route(scope: Scope) -> str:
    """The route as it is declared, never the path: paths name statements, subjects and documents."""
    route = scope.get("route")
    if route is not None:
        return route.path
    return scope["path"] if "endpoint" in scope and not scope.get("path_params") else UNKNOWN_ROUTE


def _write(method: str, route: str, status: int, seconds: float, request: RequestInHand) -> None:
    fields: dict[str, object] = {
        "method": method,
        "route": route,
        "status": status,
        "ms": round(seconds * 1_000, 2),
        "statements": request.statements,
    }
    if request.problem:
        fields["problem"] = request.problem
    _log.info("%s %s %d", method, route, status, extra={"fields": fields})
