"""deploy/nginx before a running service, where nginx is installed."""

import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from scripts.city.service import free_port
from tests.architecture.tree import ROOT
from tests.fixtures.ledger import Ledger
from tests.operations.tools import installed

WITHIN_SECONDS = 10


@pytest.fixture
def proxied(sqlite_ledger: Ledger, tmp_path: Path) -> Iterator[httpx.Client]:
    """A client of nginx, by the file of deploy/ with our ports, certificate and service in it."""
    nginx, openssl = installed("nginx"), installed("openssl")
    pair = [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=ledger.example", "-days", "2"]
    made = ["-keyout", tmp_path / "tls_key", "-out", tmp_path / "tls_certificate"]
    subprocess.run([*pair, *made], check=True, capture_output=True)
    plain, secure, service = free_port(), free_port(), sqlite_ledger.service.url.rpartition(":")[2]
    text = (ROOT / "deploy" / "nginx" / "huzheng.conf.template").read_text("utf-8")
    text = text.replace("${SERVER_NAME}", "ledger.example").replace("/run/secrets", str(tmp_path))
    text = text.replace("listen 80;", f"listen 127.0.0.1:{plain};").replace(
        "listen 443 ", f"listen 127.0.0.1:{secure} "
    )
    text = re.sub(r"api-\d:8080", f"127.0.0.1:{service}", text).replace("/dev/stdout", f"{tmp_path}/access")
    (tmp_path / "site.conf").write_text(text)
    (tmp_path / "nginx.conf").write_text(
        f"daemon off; pid {tmp_path}/pid; error_log {tmp_path}/error; "
        f"events {{}} http {{ include {tmp_path}/site.conf; }}"
    )
    configuration = ["-c", str(tmp_path / "nginx.conf"), "-e", f"{tmp_path}/error"]
    judged = subprocess.run([nginx, "-t", *configuration], capture_output=True, text=True)
    assert judged.returncode == 0, judged.stderr
    process = subprocess.Popen([nginx, *configuration], stderr=subprocess.DEVNULL)
    headers = {"Host": "ledger.example"}
    try:
        with httpx.Client(
            base_url=f"https://127.0.0.1:{secure}", verify=False, trust_env=False, headers=headers, timeout=30
        ) as client:
            _wait_for(client)
            yield client
    finally:
        process.terminate()
        process.wait(WITHIN_SECONDS)


def _wait_for(client: httpx.Client) -> None:
    deadline = time.monotonic() + WITHIN_SECONDS
    while True:
        try:
            client.get("/healthz")
            return
        except httpx.TransportError:
            assert time.monotonic() < deadline, "nginx does not answer"
            time.sleep(0.05)


def test_the_service_behind_nginx(proxied: httpx.Client, sqlite_ledger: Ledger, tmp_path: Path) -> None:
    answer = proxied.get("/v1/institutions", headers={"X-Request-Id": "ward-7"})
    assert (answer.status_code, answer.headers["x-request-id"]) == (200, "ward-7")
    made = proxied.get("/v1/institutions", headers={"X-Request-Id": "not one word"}).headers["x-request-id"]
    assert re.fullmatch("[0-9a-f]{32}", made)
    access = (tmp_path / "access").read_text()
    assert '"request":"ward-7"' in access and f'"request":"{made}"' in access and "/v1" not in access
    assert [proxied.get(path).status_code for path in ("/metrics", "/readyz", "/healthz")] == [404, 404, 200]
    too_large = proxied.post("/v1/statements", content=b" " * (4 * 2**20 + 1))
    assert (too_large.status_code, too_large.json()["type"]) == (413, "urn:huzheng:problem:too-large")
    assert proxied.post("/v1/statements", content=b" " * (5 * 2**20 + 1)).status_code == 413
    assert made in sqlite_ledger.log()
