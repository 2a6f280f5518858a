"""A worker is one use case, run again and again in a thread of its own; what went wrong is kept for /readyz."""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass

from anchors.core.errors import Error
from ledger_service.usecases.incident import Incident
from ledger_service.usecases.ports import LeaseLost, StoreUnavailable

_log = logging.getLogger(__name__)


@dataclass
class WorkerHealth:
    """How a worker fares: its present problem, empty where there is none."""

    name: str
    problem: str = ""

    @property
    def line(self) -> str:
        """Name and problem in one line."""
        return f"{self.name}: {self.problem}"


class Worker:
    """Runs `step` every `seconds` until closed; at once again as long as `step` says there is more to do.

    Known failures are logged once, in one line, and tried again. An `Incident` stops the worker for good, and so does a
    lost lease, which is no failure."""

    def __init__(self, name: str, step: Callable[[], bool | None], seconds: float):
        self.health = WorkerHealth(name)
        self._step = step
        self._seconds = seconds
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Begin no further step."""
        self._stop.set()

    def ended_within(self, seconds: float) -> bool:
        """Wait for the present step; whether it ended. The worker must have been started."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def close(self) -> None:
        """Let the present step finish, then stop."""
        self.stop()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._stop.is_set():
            if not self._run_step():
                self._stop.wait(self._seconds)

    def _run_step(self) -> bool | None:
        health = self.health
        try:
            more = self._step()
        except LeaseLost:
            self.stop()
        except Incident as incident:
            self.stop()
            self._failed(f"stopped: {incident}", logging.CRITICAL)
        except (Error, StoreUnavailable) as error:
            self._failed(str(error), logging.WARNING)
        except Exception as error:
            _log.exception("%s: failed in a way nobody foresaw; trying again", health.name)
            health.problem = f"{type(error).__name__}: {error}"
        else:
            if health.problem:
                _log.info("%s: works again", health.name)
            health.problem = ""
            return more
        return False

    def _failed(self, problem: str, level: int) -> None:
        if problem != self.health.problem:
            _log.log(level, "%s: %s", self.health.name, problem)
        self.health.problem = problem
