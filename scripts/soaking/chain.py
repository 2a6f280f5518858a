"""A chain that stalls and is reorganised, and the endpoints before it, which are lost and come back."""

import contextlib
import socket
import socketserver
import threading
from pathlib import Path
from typing import Self

from scripts.anvil import Anvil, RpcError
from scripts.local_chain import CHAIN_ID, MNEMONIC

BLOCK_SECONDS = 1.0
CONFIRMATIONS = 5
"""A block is final with so many; what is reorganised here is less deep."""
_PIECE_BYTES = 65_536


class RestlessChain:
    """An anvil that makes a block each `BLOCK_SECONDS`, unless it stalls."""

    def __init__(self, folder: Path):
        options = ["--no-mining", "--chain-id", str(CHAIN_ID), "--mnemonic", MNEMONIC]
        self._anvil = Anvil(folder / "anvil.log", options=options)
        self._ending = threading.Event()
        self._lock = threading.Lock()
        self._stalled = False
        self._thread = threading.Thread(target=self._make_blocks, daemon=True)

    @property
    def url(self) -> str:
        """Where the node itself answers."""
        return self._anvil.url

    @property
    def port(self) -> int:
        """Its port on 127.0.0.1."""
        return int(self.url.rpartition(":")[2])

    def stall(self) -> None:
        """Make no blocks until `go_on`."""
        self._stalled = True

    def go_on(self) -> None:
        """Make blocks again."""
        self._stalled = False

    def reorganise(self, depth: int) -> None:
        """Replace the last `depth` blocks by as many empty ones with other hashes; their transactions are gone."""
        with self._lock:
            self._anvil.rpc("anvil_reorg", depth, [])

    def _make_blocks(self) -> None:
        while not self._ending.wait(BLOCK_SECONDS):
            if not self._stalled:
                with self._lock, contextlib.suppress(OSError, RpcError):
                    self._anvil.rpc("evm_mine")

    def __enter__(self) -> Self:
        self._anvil.start()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        self._thread.join()
        self._anvil.stop()


class Endpoint:
    """One address of the node on 127.0.0.1, by a plain forwarder of TCP: it can be lost, or fall silent."""

    def __init__(self, upstream_port: int):
        self._upstream = ("127.0.0.1", upstream_port)
        self._port = 0
        self._silent = False
        self._server: socketserver.ThreadingTCPServer | None = None
        self._connections: set[socket.socket] = set()

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self._port}"

    def open(self) -> Self:
        """Listen, at the same port as ever."""
        self._server = _Listener(("127.0.0.1", self._port), self._forward)
        self._port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def close(self) -> None:
        """Refuse connections and cut those that are open."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None
        self._cut_all()

    def fall_silent(self) -> None:
        """Take everything and answer nothing, until `speak`."""
        self._silent = True

    def speak(self) -> None:
        """Work again; what was swallowed is lost with its connections."""
        self._silent = False
        self._cut_all()

    def _forward(self, client: socket.socket, _address: object, _server: object) -> None:
        with contextlib.suppress(OSError), socket.create_connection(self._upstream) as node:
            self._connections |= {client, node}
            back = threading.Thread(target=self._pump, args=(node, client), daemon=True)
            back.start()
            self._pump(client, node)
            back.join()
            self._connections -= {client, node}

    def _pump(self, source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while piece := source.recv(_PIECE_BYTES):
                if not self._silent:
                    target.sendall(piece)
        for end in (source, target):
            _cut(end)

    def _cut_all(self) -> None:
        for connection in list(self._connections):
            _cut(connection)

    def __enter__(self) -> Self:
        return self.open()

    def __exit__(self, *_: object) -> None:
        self.close()


class _Listener(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True


def _cut(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
