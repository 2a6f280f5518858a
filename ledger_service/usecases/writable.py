"""Whether the database takes what this process writes. A disk that is full or read-only answers every question, and the
anchorer cannot write down that it fails; so each process that promises finds out by itself."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ledger_service.usecases.ports import Ledger, SequencingTransaction, StoreUnavailable

SHOWN_SECONDS = 10.0
"""A failure of the door is shown for so long, unless it succeeds before: perhaps nobody sends to a process that is not
ready, so a success is not waited for."""

_log = logging.getLogger(__name__)


class WatchedLedger:
    """A `Ledger` that remembers whether its last transaction failed for the database's sake."""

    def __init__(self, ledger: Ledger, passed: Callable[[], float]):
        self._ledger = ledger
        self._passed = passed
        self._problem = ""
        self._failed_at = 0.0

    @property
    def problem(self) -> str:
        """Why the last transaction failed; empty where it did not, or where that is long ago."""
        return self._problem if self._passed() - self._failed_at < SHOWN_SECONDS else ""

    @contextmanager
    def sequencing(self) -> Iterator[SequencingTransaction]:
        """See `ports.Ledger`."""
        try:
            with self._ledger.sequencing() as transaction:
                yield transaction
        except StoreUnavailable as error:
            self._failed(str(error))
            raise
        if self._problem:
            _log.info("door: the database takes writes again")
            self._problem = ""

    def freeze(self, key: bytes) -> int:
        """See `ports.Ledger`."""
        return self._ledger.freeze(key)

    def _failed(self, problem: str) -> None:
        if problem != self._problem:
            _log.error("door: %s", problem)
        self._problem, self._failed_at = problem, self._passed()
