"""The service as a process of its own, the way an operator runs it: settings in the environment, `huzheng serve`."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Self

import httpx

from anchors.core.encoding import encode_hex
from anchors.core.trust import Finality
from ledger_service.client.files import PRIVATE_FILE_MODE, write_atomically
from scripts.anvil import die_with_parent
from scripts.city.founding import PASSPHRASE, City, write_operator_keys

READY_SECONDS = 60
STOP_SECONDS = 20
TOKEN = "synthetic-operator-token"
HUZHENG = str(Path(sys.executable).with_name("huzheng"))
"""The command, as it is installed beside this interpreter."""


class ServiceFailed(Exception):
    """The service did not start or did not become ready; the message names its log."""


_kept: list[socket.socket] = []


def free_port() -> int:
    """A port on 127.0.0.1 that nobody listens on now. On Linux nobody is given it by chance as long as this process
    lives; whoever asks for this very port can have it."""
    keeper = socket.socket()
    keeper.bind(("127.0.0.1", 0))
    port = keeper.getsockname()[1]
    if sys.platform == "linux":
        # It does not listen, so whoever sets the same option, as servers do, may bind beside it.
        keeper.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        _kept.append(keeper)
    else:
        keeper.close()
    return port


def is_free(port: int) -> bool:
    """Whether nobody listens on this port of 127.0.0.1 now."""
    try:
        with socket.create_server(("127.0.0.1", port)):
            return True
    except OSError:
        return False


def service_settings(city: City, folder: Path, database: str, finality_blocks: int, port: int) -> dict[str, str]:
    """The environment of a service for this city, whose keys and passphrase are put into `folder`."""
    write_operator_keys(city.operator, folder / "keys")
    passphrase = folder / "keys" / "passphrase"
    write_atomically(passphrase, f"{PASSPHRASE}\n".encode(), mode=PRIVATE_FILE_MODE)
    return {
        "HUZHENG_ORIGIN": city.origin,
        "HUZHENG_DATABASE": database,
        "HUZHENG_RPC": city.rpc,
        "HUZHENG_REGISTRY": encode_hex(city.deployment.registry),
        "HUZHENG_WITNESS": encode_hex(city.deployment.witness),
        "HUZHENG_START_BLOCK": str(city.deployment.block_number),
        "HUZHENG_FINALITY": str(Finality(finality_blocks)),
        "HUZHENG_KEYS": str(folder / "keys"),
        "HUZHENG_PASSPHRASE_FILE": str(passphrase),
        "HUZHENG_OPERATOR_TOKEN": TOKEN,
        # Development chains make blocks quicker than a second each, and date them a second apart.
        "HUZHENG_CLOCK_SECONDS": "86400",
        "HUZHENG_PORT": str(port),
    }


class ServiceProcess:
    """A running `huzheng serve`, or another `command` that serves."""

    def __init__(self, settings: Mapping[str, str], log_file: Path, command: Sequence[str] = (HUZHENG, "serve")):
        self._settings = dict(settings)
        self._command = command
        self._log_file = log_file
        self._process: subprocess.Popen | None = None
        self.url = f"http://127.0.0.1:{settings['HUZHENG_PORT']}"

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def start(self) -> Self:
        """Start, without waiting."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("HUZHENG_")}
        with self._log_file.open("ab") as log:
            self._process = self._launch(environment | self._settings, log)
        return self

    def _launch(self, environment: dict[str, str], log: IO[bytes]) -> subprocess.Popen:
        return subprocess.Popen(
            self._command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            preexec_fn=die_with_parent(),
        )

    def wait_ready(self, path: str = "/readyz") -> Self:
        """Wait until `path` answers 200. Raises `ServiceFailed`."""
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise ServiceFailed(f"the service ended with status {self._process.returncode}; see {self._log_file}")
            try:
                if httpx.get(self.url + path, timeout=5).status_code == 200:
                    return self
            except httpx.HTTPError:
                pass
            time.sleep(0.05)
        raise ServiceFailed(f"the service was not ready within {READY_SECONDS} s; see {self._log_file}")

    def stop(self) -> None:
        """Ask it to stop and wait; kill it where it does not."""
        if self._process is None or self._process.poll() is not None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """End it at once, as a power failure would."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def __enter__(self) -> Self:
        return self.start().wait_ready()

    def __exit__(self, *_: object) -> None:
        self.stop()
