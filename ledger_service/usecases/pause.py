"""Waiting longer after each failure of somebody who is asked, without holding up the thread that asks."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Pause:
    """After the first failure `shortest` seconds, then twice as long each time up to `longest`; none after success."""

    def __init__(self, shortest: float, longest: float, passed: Callable[[], float]):
        self._shortest = shortest
        self._longest = longest
        self._passed = passed
        self._seconds = 0.0
        self._over_at = 0.0
        self._problem: Exception | None = None

    @contextmanager
    def around(self, failure: type[Exception]) -> Iterator[None]:
        """An attempt. During a pause nothing is attempted, and the failure that began it is raised again; it stays the
        present state, so that nobody takes silence for success."""
        if self._problem is not None and self._passed() < self._over_at:
            raise self._problem
        try:
            yield
        except failure as error:
            self._problem = error
            self._seconds = min(max(self._shortest, 2 * self._seconds), self._longest)
            self._over_at = self._passed() + self._seconds
            raise
        self._problem, self._seconds = None, 0.0
