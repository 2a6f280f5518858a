"""POST to one HTTP server over connections that stay open, within a deadline. The standard library, and no more.

Neither a proxy nor anything else is taken from the environment: the URL alone says where to go.
"""

import http.client
import select
import time
from base64 import b64encode
from collections import deque
from urllib.parse import unquote, urlsplit

from anchors.core.errors import MalformedInput

MAX_ANSWER_BYTES = 256 * 2**20

_PIECE_BYTES = 2**16


class PostFailed(Exception):
    """No answer. The message says why, without any part of the URL."""


class HttpPost:
    """One server, by its URL with whatever credentials it holds. Safe to use from several threads."""

    def __init__(self, url: str, content_type: str = "application/json", max_answer_bytes: int = MAX_ANSWER_BYTES):
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except (ValueError, AttributeError):
            host = port = None
        if not host or parts.scheme not in ("http", "https"):
            raise MalformedInput("server URL: expected http://host:port or https://…")
        shown = f"[{host}]" if ":" in host else host
        self.name = f"{parts.scheme}://{shown}:{port}" if port else f"{parts.scheme}://{shown}"
        """Scheme, host and port: providers put their tokens into the rest of the URL."""
        self._secure, self._host, self._port = parts.scheme == "https", host, port
        self._target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._max_answer_bytes = max_answer_bytes
        self._headers = {"content-type": content_type}
        if parts.username is not None:
            credentials = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
            self._headers["authorization"] = "Basic " + b64encode(credentials).decode("ascii")
        self._idle: deque[http.client.HTTPConnection] = deque()

    def post(self, body: bytes, deadline: float) -> tuple[int, bytes]:
        """Status and body of the answer. `deadline` is of the monotonic clock. Raises `PostFailed`, or `TimeoutError`
        where there is no whole answer by then.

        A connection that the server closed meanwhile is no failure: the same is sent again over a new one. So `body`
        must be a request that may arrive twice.
        """
        connection, reused = self._connect()
        try:
            try:
                answer = self._exchange(connection, body, deadline)
            except (http.client.RemoteDisconnected, ConnectionError):
                connection.close()
                if not reused:
                    raise
                connection = self._new()
                answer = self._exchange(connection, body, deadline)
        except TimeoutError:
            connection.close()
            raise
        except (OSError, http.client.HTTPException, PostFailed) as error:
            connection.close()
            raise PostFailed(f"{type(error).__name__}, {error}") from None
        self._idle.append(connection)
        return answer

    def close(self) -> None:
        """Close the connections that are not in use."""
        while self._idle:
            self._idle.pop().close()

    def _connect(self) -> tuple[http.client.HTTPConnection, bool]:
        while self._idle:
            try:
                connection = self._idle.pop()
            except IndexError:  # another thread took it
                break
            if not _has_something_to_read(connection):
                return connection, True
            connection.close()
        return self._new(), False

    def _new(self) -> http.client.HTTPConnection:
        kind = http.client.HTTPSConnection if self._secure else http.client.HTTPConnection
        return kind(self._host, self._port)

    def _exchange(self, connection: http.client.HTTPConnection, body: bytes, deadline: float) -> tuple[int, bytes]:
        _limit(connection, deadline)
        connection.request("POST", self._target, body, self._headers)
        response = connection.getresponse()
        received = bytearray()
        while True:
            _limit(connection, deadline)  # before each piece: a server that sends drop by drop must not outlast it
            piece = response.read1(_PIECE_BYTES)
            if not piece:
                break
            received += piece
            if len(received) > self._max_answer_bytes:
                raise PostFailed(f"an answer of more than {self._max_answer_bytes} bytes")
        if response.length:
            raise PostFailed(f"{response.length} bytes of the answer are missing")
        response.close()  # `read1` leaves it open, and the connection would take no other request
        return response.status, bytes(received)


def _has_something_to_read(connection: http.client.HTTPConnection) -> bool:
    """Whether anything came before anything was asked: the end of the connection, or an answer too many, after which
    every answer on it would be that to the question before."""
    if connection.sock is None:  # the server closed it with its answer; the next request opens it again
        return False
    waiting = select.poll()
    waiting.register(connection.sock, select.POLLIN)
    return bool(waiting.poll(0))


def _limit(connection: http.client.HTTPConnection, deadline: float) -> None:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    connection.timeout = left
    if connection.sock is not None:
        connection.sock.settimeout(left)
