"""Starts and stops one anvil process, the development chain, and talks to it by JSON-RPC."""

import contextlib
import ctypes
import itertools
import json
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Self

ROOT = Path(__file__).resolve().parent.parent
READY_WITHIN_SECONDS = 60
STOP_WITHIN_SECONDS = 20
_PR_SET_PDEATHSIG = 1
# Loaded here and not in the child: between fork and exec of a threaded process nothing may take a lock.
_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


class ChainFailed(Exception):
    """The local chain could not be started, or stopped by itself. The message is one line."""


class RpcError(Exception):
    """The node answered a call with an error; `code` and `data` are the node's own."""

    def __init__(self, method: str, error: dict[str, Any]) -> None:
        super().__init__(f"{method}: {error.get('message')}")
        self.code = error.get("code")
        self.data = error.get("data")


class Rpc:
    """JSON-RPC 2.0 over HTTP to one node; safe to use from several threads."""

    def __init__(self, url: str, timeout_seconds: float = 60) -> None:
        self.url = url
        self._timeout_seconds = timeout_seconds
        self._numbers = itertools.count(1)
        # The node is on this machine: a proxy from the environment must not come between.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def __call__(self, method: str, *parameters: Any) -> Any:
        """The result of one call. Raises `RpcError` if the node refuses, `OSError` if it does not answer."""
        call = {"jsonrpc": "2.0", "id": next(self._numbers), "method": method, "params": parameters}
        request = urllib.request.Request(self.url, json.dumps(call).encode(), {"content-type": "application/json"})
        with self._opener.open(request, timeout=self._timeout_seconds) as response:
            answer = json.load(response)
        if "error" in answer:
            raise RpcError(method, answer["error"])
        return answer["result"]


class Anvil:
    """One anvil on 127.0.0.1, in a process group of its own.

    On Linux it is killed when the *thread* that called `start` ends, so also whenever the process dies: start it
    from a thread that lives as long as the chain should.
    """

    def __init__(self, log_file: Path, port: int | None = None, options: Sequence[str] = ()) -> None:
        self._log_file = log_file
        self._port = port or 0  # 0: the system picks a free one
        self._options = list(options)
        self._process: subprocess.Popen[bytes] | None = None
        self.rpc = Rpc("")

    @property
    def url(self) -> str:
        """Where the node answers, `http://127.0.0.1:<port>`."""
        return self.rpc.url

    @property
    def pid(self) -> int:
        """The number of the running process."""
        assert self._process is not None, "start the chain first"
        return self._process.pid

    def start(self) -> Self:
        """Start and wait until it answers. Raises `ChainFailed`."""
        command = [str(anvil_executable()), "--host", "127.0.0.1", "--port", str(self._port), *self._options]
        with self._log_file.open("wb") as log:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=die_with_parent(),
            )
        deadline = time.monotonic() + READY_WITHIN_SECONDS
        while not self._answers():
            if not self.is_running():
                raise ChainFailed(f"anvil ended at once; the reason is in {self._log_file}")
            if time.monotonic() > deadline:
                self.kill()
                raise ChainFailed(f"anvil did not answer within {READY_WITHIN_SECONDS} s; see {self._log_file}")
            time.sleep(0.01)
        return self

    def is_running(self) -> bool:
        """Whether the process is alive."""
        return self._process is not None and self._process.poll() is None

    def stop(self) -> None:
        """End it in order (SIGTERM), and by force if it does not go."""
        self._signal(signal.SIGTERM)
        if self._process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(STOP_WITHIN_SECONDS)
        self.kill()

    def kill(self) -> None:
        """End it at once (SIGKILL), with everything in its process group."""
        self._signal(signal.SIGKILL)
        if self._process is not None:
            self._process.wait()

    def _signal(self, number: signal.Signals) -> None:
        if self.is_running():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, number)

    def _answers(self) -> bool:
        listening = re.search(rb"Listening on (127\.0\.0\.1:\d+)", self._log_file.read_bytes())
        if listening is None:
            return False
        self.rpc = Rpc(f"http://{listening[1].decode()}")
        try:
            self.rpc("eth_chainId")
        except OSError:
            return False
        return True


def anvil_executable() -> Path:
    """The anvil that the project's set-up installed, else one on the PATH. Raises `ChainFailed`."""
    system = {"linux": "linux", "darwin": "darwin"}.get(sys.platform, "win32")
    machine = {"aarch64": "arm64", "arm64": "arm64"}.get(platform.machine().lower(), "amd64")
    package = ROOT / "node_modules" / "@foundry-rs" / f"anvil-{system}-{machine}" / "bin" / "anvil"
    if package.exists():
        return package
    found = shutil.which("anvil")
    if found is None:
        raise ChainFailed("anvil is not installed: run scripts/test or scripts/run, which set it up")
    return Path(found)


def die_with_parent(number: signal.Signals = signal.SIGKILL) -> Callable[[], None] | None:
    """A `preexec_fn`: on Linux the child gets signal `number` when the thread that started it ends; None elsewhere."""
    if _LIBC is None:
        return None
    parent = os.getpid()

    def in_child() -> None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, number)
        if os.getppid() != parent:  # it died before the line above
            os._exit(1)

    return in_child
