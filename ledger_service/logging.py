"""How the service writes its log: a line a happening, as text or as JSON, to standard error.

While a request is served, every line carries its id, and the trace where telemetry is on. A line never holds a part of
a statement, a path with ids in it, a token, a passphrase or a key; what is known to be secret is blotted out even
where an error of some library quotes it.
"""

import logging
import sys
import time
from collections.abc import Callable, Collection
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache

import msgspec

ACCESS = "huzheng.access"
"""Name of the logger that writes one line a request."""
BLOT = "[secret]"
SHORTEST_SECRET = 8
"""Shorter values are not blotted out: they would be found in harmless words."""


@dataclass(slots=True)
class RequestInHand:
    """The request that the present context serves: its id, how many statements it brought, and the code of the problem
    that is its whole answer."""

    id: str
    statements: int = 0
    problem: str = ""


current_request: ContextVar[RequestInHand | None] = ContextVar("request", default=None)
current_trace: ContextVar[str] = ContextVar("trace", default="")
"""Trace and span of the present context, as hex with a dash between; empty without telemetry."""


def _context() -> dict[str, object]:
    found: dict[str, object] = {}
    if (request := current_request.get()) is not None:
        found["request"] = request.id
    if trace := current_trace.get():
        found["trace"], found["span"] = trace.split("-")
    return found


class _Lines(logging.Formatter):
    def __init__(self, line: Callable[[logging.LogRecord, dict[str, object], str], str], secrets: Collection[str]):
        super().__init__()
        self._line = line
        known = {secret for secret in secrets if len(secret) >= SHORTEST_SECRET}
        # As the secret stands in a JSON string too, and the longest first: one may hold another.
        self._secrets = sorted(known | {_as_json(secret) for secret in known}, key=len, reverse=True)

    def format(self, record: logging.LogRecord) -> str:
        fields = _context() | getattr(record, "fields", {})
        line = self._line(record, fields, self.formatException(record.exc_info) if record.exc_info else "")
        for secret in self._secrets:
            line = line.replace(secret, BLOT)
        return line


def _json_line(record: logging.LogRecord, fields: dict[str, object], exception: str) -> str:
    line = {
        "time": f"{_utc(int(record.created))}.{int(record.msecs):03d}Z",
        "level": record.levelname.lower(),
        "from": record.name,
        "message": record.getMessage(),
        **fields,
    }
    if exception:
        line["exception"] = exception
    return msgspec.json.encode(line).decode()


def _text_line(record: logging.LogRecord, fields: dict[str, object], exception: str) -> str:
    clock = _clock(int(record.created))
    known = " ".join(f"{name}={value}" for name, value in fields.items())
    line = f"{clock} {record.levelname:<8} {record.getMessage()}{f'  [{known}]' if known else ''}"
    return f"{line}\n{exception}" if exception else line


# Many lines are of one second.
@lru_cache(maxsize=1)
def _utc(seconds: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))


@lru_cache(maxsize=1)
def _clock(seconds: int) -> str:
    return time.strftime("%H:%M:%S", time.localtime(seconds))


def _as_json(text: str) -> str:
    return msgspec.json.encode(text).decode()[1:-1]


def set_up_logging(form: str, secrets: Collection[str] = ()) -> None:
    """Send all logging to standard error, `text` or `json`; none of `secrets` is ever written."""
    # What no line shows is not looked up: every request writes a line.
    logging._srcfile = None  # spares looking for the caller, as the library's own HOWTO says
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = logging.logAsyncioTasks = False
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Lines(_json_line if form == "json" else _text_line, secrets))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    for noisy in ("alembic", "httpx", "opentelemetry", "web3", "uvicorn"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
