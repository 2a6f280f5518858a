"""Clients that speak bytes, and take or leave what comes back."""

import socket
from dataclasses import dataclass
from typing import Self

WITHIN_SECONDS = 30


@dataclass(frozen=True)
class Reply:
    """One HTTP answer as it came over the wire."""

    status: int
    headers: dict[str, str]
    body: bytes


class Line:
    """A TCP connection to a server on 127.0.0.1."""

    def __init__(self, port: int, receive_bytes: int | None = None):
        self.socket = socket.socket()
        if receive_bytes is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        self.socket.settimeout(WITHIN_SECONDS)
        self.socket.connect(("127.0.0.1", port))
        self._read = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, data: bytes) -> bool:
        """Send it; False where the server has closed the connection."""
        try:
            self.socket.sendall(data)
        except (ConnectionError, TimeoutError):
            return False
        return True

    def reply(self, *, body_follows: bool = True) -> Reply | None:
        """The next answer with its length told, which to HEAD is that of no body; None where the connection ended
        instead."""
        while b"\r\n\r\n" not in self._read:
            if not self._more():
                return None
        head, _, self._read = self._read.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        length = int(headers.get("content-length", "0")) if body_follows else 0
        while len(self._read) < length:
            if not self._more():
                return None
        body, self._read = self._read[:length], self._read[length:]
        return Reply(int(first.split()[1]), headers, body)

    def is_ended(self) -> bool:
        """Whether the server ended the connection, after whatever it still sends; waits for it."""
        try:
            while self._more():
                pass
        except TimeoutError:
            return False
        return True

    def _more(self) -> bool:
        try:
            data = self.socket.recv(65_536)
        except ConnectionError:
            return False
        self._read += data
        return bool(data)
