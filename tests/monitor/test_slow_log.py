"""A log that never comes to the end of an answer holds nobody for ever."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Event, Thread

import pytest

from ledger_service.published import Unreachable
from ledger_service.published import http as published


@pytest.fixture
def drip() -> Iterator[str]:
    """A log that sends a byte now and then, until the test is over."""
    over = Event()

    class Dripping(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            while not over.wait(0.05):
                try:
                    self.wfile.write(b".")
                except OSError:
                    return

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Dripping)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    over.set()
    server.shutdown()
    server.server_close()


def test_an_answer_without_end(drip: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(published, "WHOLE_SECONDS", 0.3)
    log = published.HttpLog(drip)
    with pytest.raises(Unreachable, match="not whole after"):
        log.checkpoint()
    log.close()
