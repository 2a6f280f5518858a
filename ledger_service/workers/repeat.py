"""A worker is one use case, run again and again in a thread of its own; what went wrong is kept for /readyz."""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass

from anchors.core.errors import Error
from ledger_service.usecases.incident import Incident
from ledger_service.usecases.ports import StoreUnavailable

_log = logging.getLogger(__name__)


@dataclass
class WorkerHealth:
    """How a worker fares: its present problem, whether it stopped for good, and how often it failed."""

    name: str
    problem: str = ""
    stopped_for_good: bool = False
    failures: int = 0


class Worker:
    """Runs `step` every `seconds` until closed; at once again as long as `step` says there is more to do.

    Known failures are logged once, in one line, and tried again. An `Incident` stops the worker for good."""

    def __init__(self, name: str, step: Callable[[], bool], seconds: float):
        self.health = WorkerHealth(name)
        self._step = step
        self._seconds = seconds
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def close(self) -> None:
        """Let the present step finish, then stop."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._stop.is_set():
            more = self._run_step()
            if self.health.stopped_for_good:
                return
            if not more:
                self._stop.wait(self._seconds)

    def _run_step(self) -> bool:
        health = self.health
        try:
            more = self._step()
        except Incident as incident:
            health.stopped_for_good = True
            self._failed(f"stopped: {incident}", logging.CRITICAL)
        except (Error, StoreUnavailable) as error:
            self._failed(str(error), logging.WARNING)
        except Exception as error:
            _log.exception("%s: failed in a way nobody foresaw; trying again", health.name)
            health.problem = f"{type(error).__name__}: {error}"
            health.failures += 1
        else:
            if health.problem:
                _log.info("%s: works again", health.name)
            health.problem = ""
            return more
        return False

    def _failed(self, problem: str, level: int) -> None:
        self.health.failures += 1
        if problem != self.health.problem:
            _log.log(level, "%s: %s", self.health.name, problem)
        self.health.problem = problem
