"""What the anchorer's standing means for a process that accepts: may it promise, and what is to be said of it."""

import threading
from collections.abc import Callable

from ledger_service.usecases.ports import Standing, StoreUnavailable

STALE_SECONDS = 5.0
"""A standing that is older says nothing any more."""


class StandingWatch:
    """The newest standing that was read. `look` runs every half second or so; all else reads memory and never waits."""

    def __init__(self, read: Callable[[], Standing], passed: Callable[[], float]):
        self._read = read
        self._passed = passed
        self._lock = threading.Lock()
        self._standing: Standing | None = None
        self._problem = ""
        self._read_at = 0.0
        self._was_held = False

    def look(self) -> None:
        """Read the standing. Raises `StoreUnavailable`."""
        try:
            standing = self._read()
        except StoreUnavailable as error:
            with self._lock:
                self._standing, self._problem = None, str(error)
            raise
        with self._lock:
            self._problem = ""
            self._standing, self._read_at = standing, self._passed()
            self._was_held = self._was_held or standing.held

    def why_not_promising(self) -> str:
        """What stands against any promise now; empty where nothing does.

        A process goes on without an anchorer once it has seen one, for a statement that waits is pending and not lost;
        before that it does not know whether this database is the newest copy of the log."""
        with self._lock:
            standing = self._standing
            if standing is None or self._passed() - self._read_at > STALE_SECONDS:
                return self._problem or "the database does not say how the anchorer stands; send again later"
            if standing.incident:
                return standing.incident
            if not self._was_held:
                return "there is no anchorer yet; send again later"
            if not standing.compared:
                return "the database was not compared with the chain yet; send again later"
            return "" if standing.caught_up else "the chain's registry is being read; send again later"

    def notes(self) -> list[str]:
        """What is wrong and no hindrance, one line each: one of several nodes that does not answer."""
        with self._lock:
            standing = self._standing
        if standing is None or not standing.held:
            return []
        return [worker.problem for worker in standing.workers if worker.problem and not worker.needed]

    def failing(self) -> list[str]:
        """What the anchorer fails at now, one line each."""
        with self._lock:
            standing = self._standing
        if standing is None:
            return []
        if not standing.held:
            return ["no process holds the anchorer's lease: statements are pending"]
        workers = (worker for worker in standing.workers if worker.needed)
        return [f"{worker.name}: {worker.problem}" for worker in workers if worker.problem]
