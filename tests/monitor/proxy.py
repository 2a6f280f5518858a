"""What a monitor reads: the real service behind a proxy that may lie, or a whole log of the test's own."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx

from anchors.core.checkpoint import Checkpoint
from anchors.core.merkle import leaf_hash, tree_root
from anchors.core.note import SignerKey
from anchors.core.tiles import TILE_WIDTH, Tile, encode_bundle

Lie = Callable[[str, bytes], bytes | None]


@dataclass
class Proxy:
    """Answers under `url`; `lie` gets a path and the true bytes, and gives what is sent, None for 404. `asked` are the
    paths; `posted` what came by POST, and `at_post` is called before that is answered."""

    url: str
    lie: Lie
    asked: list[str] = field(default_factory=list)
    posted: list[bytes] = field(default_factory=list)
    at_post: Callable[[], None] = lambda: None


@contextmanager
def proxy(behind: Callable[[str], bytes | None]) -> Iterator[Proxy]:
    """A server in front of what `behind` gives for a path."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            path = self.path.lstrip("/")
            served.asked.append(path)
            true = behind(path)
            self._send(None if true is None else served.lie(path, true))

        def do_POST(self) -> None:
            served.posted.append(self.rfile.read(int(self.headers["content-length"])))
            served.at_post()
            self._send(b"")

        def _send(self, body: bytes | None) -> None:
            self.send_response(404 if body is None else 200)
            self.send_header("content-length", str(len(body or b"")))
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    served = Proxy(f"http://127.0.0.1:{server.server_port}", lambda path, true: true)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield served
    finally:
        server.shutdown()
        server.server_close()


def service(url: str) -> Callable[[str], bytes | None]:
    """The log of a running service."""

    def read(path: str) -> bytes | None:
        answer = httpx.get(f"{url}/log/{path}", trust_env=False)
        return answer.content if answer.status_code == 200 else None

    return read


def own_log(entries: Sequence[bytes], key: SignerKey) -> Callable[[str], bytes | None]:
    """A log that hashes as it should, of at most 65,536 entries, signed by `key`."""
    leaves = [leaf_hash(entry) for entry in entries]
    rows = [leaves, [tree_root(leaves[n : n + TILE_WIDTH]) for n in range(0, len(leaves) - TILE_WIDTH + 1, TILE_WIDTH)]]

    def read(path: str) -> bytes | None:
        if path == "checkpoint":
            return Checkpoint(key.name, len(leaves), tree_root(leaves)).sign(key)
        tile = Tile.from_path(path)
        begin, end = tile.number * TILE_WIDTH, tile.number * TILE_WIDTH + tile.width
        return encode_bundle(entries[begin:end]) if tile.level is None else b"".join(rows[tile.level][begin:end])

    return read
