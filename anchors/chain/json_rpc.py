"""JSON-RPC 2.0 over HTTP to one node, within a deadline, without ever showing the credentials in its URL."""

import itertools
import time
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from anchors.chain.port import ChainError, ChainUnavailable
from anchors.core.errors import MalformedInput
from anchors.http_post import HttpPost, PostFailed

_HTTP_OK = 200
_HTTP_TOO_LARGE = 413
_SHOWN_CHARACTERS = 200
_MAX_DEPTH = 64
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))

Result = TypeVar("Result")


class RpcRefused(ChainError):
    """The node understood and refused: its own code, text and data."""

    def __init__(self, method: str, code: int, text: str, data: Any = None):
        super().__init__(f"the node refused {method}: {one_line(text)} (code {code})")
        self.code = code
        self.text = text
        self.data = data


class JsonRpc:
    """One node. Safe to use from several threads. `timeout_seconds` bounds one deadline, so one call of the port."""

    def __init__(self, url: str, timeout_seconds: float = 10.0):
        self._server = HttpPost(url)
        self.timeout_seconds = timeout_seconds
        self._numbers = itertools.count(1)

    @property
    def name(self) -> str:
        """The node's URL without anything that may be a credential."""
        return self._server.name

    def deadline(self) -> float:
        """When work that begins now must have ended, by the monotonic clock."""
        return time.monotonic() + self.timeout_seconds

    def close(self) -> None:
        """Close the connections that are not in use; the next call opens new ones."""
        self._server.close()

    def call(self, method: str, *parameters: Any, deadline: float | None = None) -> Any:
        """The result. Raises `RpcRefused` where the node refuses, `ChainUnavailable` where it gives no answer."""
        number = next(self._numbers)
        request = {"jsonrpc": "2.0", "id": number, "method": method, "params": parameters}
        status, body = self._post(msgspec.json.encode(request), deadline or self.deadline())
        try:
            if _nests_deeper(body, _MAX_DEPTH):
                raise ValueError("too deep")
            answer = msgspec.json.decode(body)
            if not isinstance(answer, dict):
                raise ValueError("not an object")
            if error := answer.get("error"):
                raise RpcRefused(method, int(error["code"]), str(error.get("message", "")), error.get("data"))
            if status == _HTTP_OK and answer["id"] == number:
                return answer["result"]
        except (ValueError, KeyError, TypeError, AttributeError):
            pass  # whatever it is, it is no JSON-RPC answer
        if status == _HTTP_TOO_LARGE:
            raise RpcRefused(method, status, "too large")
        raise self.unavailable(f"{method} was answered with HTTP {status} and no JSON-RPC result")

    def ask(
        self, read: Callable[[Any], Result], method: str, *parameters: Any, deadline: float | None = None
    ) -> Result:
        """The result as `read` understands it. Every refusal and every answer that it does not understand (it raises
        `ValueError`, `KeyError`, `TypeError`, `AttributeError` or `MalformedInput`) is a `ChainUnavailable`."""
        try:
            return read(self.call(method, *parameters, deadline=deadline))
        except RpcRefused as refused:
            raise self.unavailable(str(refused)) from None
        except (ValueError, KeyError, TypeError, AttributeError, MalformedInput) as error:
            raise self.unavailable(f"{method} was answered with something unusable: {error}") from None

    def unavailable(self, what: str) -> ChainUnavailable:
        """The error that says that this node did not give a usable answer."""
        return ChainUnavailable(f"chain node {self.name}: {one_line(what)}; check the node and try again")

    def _post(self, body: bytes, deadline: float) -> tuple[int, bytes]:
        try:
            return self._server.post(body, deadline)
        except TimeoutError:
            raise self.unavailable(f"no answer within {self.timeout_seconds:g} s") from None
        except PostFailed as failure:
            raise self.unavailable(str(failure)) from None


def _nests_deeper(text: bytes, levels: int) -> bool:
    """Whether brackets nest deeper, those in strings included: found out before a decoder descends into them, because
    a library may have raised the interpreter's recursion limit so far that the stack would overrun."""
    brackets = text.translate(None, _NO_BRACKETS)
    for _ in range(levels):
        inner = len(brackets)
        brackets = brackets.replace(b"[]", b"").replace(b"{}", b"")
        if len(brackets) == inner:
            break
    return bool(brackets)


def one_line(text: str) -> str:
    """`text` without line ends, cut to what fits a message."""
    return " ".join(text.split())[:_SHOWN_CHARACTERS]
