"""Processes that are killed, stopped and started again on what the last one left.

They are forked from a server that has the modules loaded, so that a restart takes a moment; what is killed is a process
of its own all the same, with its own files, threads and connections.
"""

import atexit
import os
import signal
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from scripts.forking import end_with_parent, forking

TAIL_CHARACTERS = 2_000


class ProcessFailed(Exception):
    """A process did not end as it should have; the message has the end of its log."""


class Killable:
    """A process that can be started, killed and started again."""

    def __init__(self, name: str, log_file: Path, target: Any, *arguments: Any):
        self.name = name
        self.kills = 0
        self._log_file = log_file
        self._target = target
        self._arguments = arguments
        self._process: BaseProcess | None = None
        atexit.register(self.end)

    def start(self) -> None:
        """Start it."""
        arguments = (self._target, self._log_file, *self._arguments)
        # No daemon: those must have no children, and a service of several processes has some.
        self._process = forking.Process(target=_run, args=arguments)
        self._process.start()

    def kill(self) -> None:
        """End it at this moment. Raises `ProcessFailed` where it had ended by itself."""
        if not self._process.is_alive():
            raise self._failure("by itself ")
        self._process.kill()
        self._process.join()
        if self._process.exitcode != -signal.SIGKILL:
            raise self._failure()
        self.kills += 1

    def wait(self, seconds: float) -> None:
        """Wait until it ends by itself, without an error. Raises `ProcessFailed`."""
        self._process.join(seconds)
        if self._process.exitcode != 0:
            raise self._failure()

    @property
    def runs(self) -> bool:
        """Whether it runs."""
        return self._process is not None and self._process.is_alive()

    def ended(self, seconds: float) -> int | None:
        """How it ended by itself: its exit status, or the signal's number below zero; None where it still runs."""
        self._process.join(seconds)
        return self._process.exitcode

    def end(self) -> None:
        """End it where it still runs."""
        if self._process is not None and self._process.is_alive():
            self._process.kill()
            self._process.join()

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def said(self, words: str) -> int:
        """How often its log has these words."""
        return self._log_file.read_text("utf-8", errors="replace").count(words) if self._log_file.exists() else 0

    def tail(self) -> str:
        """The end of its log."""
        if not self._log_file.exists():
            return ""
        return self._log_file.read_text("utf-8", errors="replace")[-TAIL_CHARACTERS:]

    def _failure(self, how: str = "") -> ProcessFailed:
        status = self._process.exitcode
        ended = "still runs" if status is None else f"ended {how}with {status}"
        return ProcessFailed(f"{self.name} {ended}: {self.tail()}")


def _run(target: Any, log_file: Path, *arguments: Any) -> None:
    end_with_parent()
    log = os.open(log_file, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, 1)
    os.dup2(log, 2)
    target(*arguments)


def run_service(settings: dict[str, str]) -> None:
    """The service, as `huzheng serve` runs it."""
    from ledger_service.app import serve
    from ledger_service.settings import read_settings

    os.environ.update(settings)
    serve(read_settings())
