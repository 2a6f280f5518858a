"""JSON-RPC 2.0 over HTTP to one node, within a deadline, without ever showing the credentials in its URL.

Neither a proxy nor anything else is taken from the environment: the node's URL alone says where to go.
"""

import itertools
import time
from base64 import b64encode
from collections.abc import Callable
from typing import Any, TypeVar

import httpx
import msgspec

from anchors.chain.port import ChainError, ChainUnavailable
from anchors.core.errors import MalformedInput

MAX_ANSWER_BYTES = 256 * 2**20

_HTTP_TOO_LARGE = 413
_SHOWN_CHARACTERS = 200

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
        try:
            self._url = httpx.URL(url)
        except (httpx.InvalidURL, TypeError):
            raise MalformedInput("node URL: cannot be read; expected http://host:port") from None
        if self._url.scheme not in ("http", "https") or not self._url.host:
            raise MalformedInput("node URL: expected http://host:port or https://…")
        self.timeout_seconds = timeout_seconds
        self._headers = {"content-type": "application/json"}
        if self._url.userinfo:
            user_info = f"{self._url.username}:{self._url.password}".encode()
            self._headers["authorization"] = "Basic " + b64encode(user_info).decode("ascii")
        # The bare transport: a client would write the whole URL, which may hold a token, to the log.
        self._transport = httpx.HTTPTransport()
        self._numbers = itertools.count(1)

    @property
    def name(self) -> str:
        """Scheme, host and port: providers put their tokens into the rest of the URL."""
        port = f":{self._url.port}" if self._url.port else ""
        return f"{self._url.scheme}://{self._url.host}{port}"

    def deadline(self) -> float:
        """When work that begins now must have ended, by the monotonic clock."""
        return time.monotonic() + self.timeout_seconds

    def close(self) -> None:
        """Close the connections; the next call opens new ones."""
        self._transport.close()

    def call(self, method: str, *parameters: Any, deadline: float | None = None) -> Any:
        """The result. Raises `RpcRefused` where the node refuses, `ChainUnavailable` where it gives no answer."""
        number = next(self._numbers)
        request = {"jsonrpc": "2.0", "id": number, "method": method, "params": parameters}
        status, body = self._post(msgspec.json.encode(request), deadline or self.deadline())
        try:
            answer = msgspec.json.decode(body)
            if not isinstance(answer, dict):
                raise ValueError("not an object")
            if error := answer.get("error"):
                raise RpcRefused(method, int(error["code"]), str(error.get("message", "")), error.get("data"))
            if status == httpx.codes.OK and answer["id"] == number:
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
        `ValueError`, `KeyError`, `TypeError` or `MalformedInput`) is a `ChainUnavailable`."""
        try:
            return read(self.call(method, *parameters, deadline=deadline))
        except RpcRefused as refused:
            raise self.unavailable(str(refused)) from None
        except (ValueError, KeyError, TypeError, MalformedInput) as error:
            raise self.unavailable(f"{method} was answered with something unusable: {error}") from None

    def unavailable(self, what: str) -> ChainUnavailable:
        """The error that says that this node did not give a usable answer."""
        return ChainUnavailable(f"chain node {self.name}: {one_line(what)}; check the node and try again")

    def _post(self, body: bytes, deadline: float) -> tuple[int, bytes]:
        left = deadline - time.monotonic()
        if left <= 0:
            raise self._too_late()
        timeout = {"connect": left, "read": left, "write": left, "pool": left}
        request = httpx.Request(
            "POST",
            self._url.copy_with(username=None, password=None),
            headers=self._headers,
            content=body,
            extensions={"timeout": timeout},
        )
        try:
            response = self._transport.handle_request(request)
            try:
                return response.status_code, self._read(response, deadline)
            finally:
                response.close()
        except httpx.TimeoutException:
            raise self._too_late() from None
        except httpx.TransportError as error:
            raise self.unavailable(f"{type(error).__name__}, {error}") from None

    def _read(self, response: httpx.Response, deadline: float) -> bytes:
        body = bytearray()
        for piece in response.iter_raw():
            body += piece
            if len(body) > MAX_ANSWER_BYTES:
                raise self.unavailable(f"an answer of more than {MAX_ANSWER_BYTES} bytes")
            if time.monotonic() > deadline:  # a node that sends byte after byte keeps every read within its timeout
                raise self._too_late()
        return bytes(body)

    def _too_late(self) -> ChainUnavailable:
        return self.unavailable(f"no answer within {self.timeout_seconds:g} s")


def one_line(text: str) -> str:
    """`text` without line ends, cut to what fits a message."""
    return " ".join(text.split())[:_SHOWN_CHARACTERS]
