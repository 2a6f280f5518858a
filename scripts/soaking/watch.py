"""Looks at the town while things happen: how long it takes until final, how often the lease changed hands."""

import threading
import time
from collections import deque
from typing import Self

import httpx
from sqlalchemy.exc import SQLAlchemyError

from ledger_service.storage.lease import read_standing
from scripts.soaking.town import Town

LOOK_SECONDS = 0.25


class Watch:
    """Figures in seconds, as exact as a look every `LOOK_SECONDS` makes them."""

    def __init__(self, town: Town):
        self.longest_to_final = 0.0
        self.longest_takeover = 0.0
        self.longest_without_answer = 0.0
        self._town = town
        self._first_term = read_standing(town.engine).term
        self._term = self._first_term
        self._open: deque[tuple[float, int]] = deque()  # when so many entries were seen, that are not final yet
        self._answered_at = time.monotonic()
        self._struck_at: float | None = None
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._look_around, daemon=True)

    @property
    def takeovers(self) -> int:
        """How often another term of the lease began."""
        return self._term - self._first_term

    def holder_was_struck(self) -> None:
        """From now on count until another term begins."""
        self._struck_at = self._struck_at or time.monotonic()

    def _look_around(self) -> None:
        while not self._ending.wait(LOOK_SECONDS):
            self._look_at_lease()
            self._look_at_entries()

    def _look_at_lease(self) -> None:
        try:
            standing = read_standing(self._town.engine)
        except SQLAlchemyError:
            return
        if standing.term > self._term:
            self._term = standing.term
            if self._struck_at is not None:
                self.longest_takeover = max(self.longest_takeover, time.monotonic() - self._struck_at)
                self._struck_at = None

    def _look_at_entries(self) -> None:
        asked = time.monotonic()
        try:
            entries = self._town.entries()
        except httpx.HTTPError:
            entries = {}
        now = time.monotonic()
        if entries:
            if not self._open or self._open[-1][1] < entries["accepted"]:
                self._open.append((asked, entries["accepted"]))
            while self._open and self._open[0][1] <= entries["final"]:
                self.longest_to_final = max(self.longest_to_final, now - self._open.popleft()[0])
        self.longest_without_answer = max(self.longest_without_answer, now - self._answered_at)
        if entries:
            self._answered_at = now

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        self._thread.join()
