"""The door's clock: the machine's time, held against the chain's blocks and the newest receipt before anything is
promised by it (docs/adr/0010-what-a-clock-is-held-against.md).

What can be told, and from what:

    the clock is behind      a block's time is a lower bound of the true time, however old the block is; and no receipt
                             may be older than one before it
    the clock is far ahead   only a living chain tells: two blocks whose times differ by as much as passed between their
                             arrivals. From the second of them on the chain's time is known, and goes on with the
                             machine's own count of seconds while the chain stands still
    nothing                  a chain that stood still before this process began: its newest block is only old
"""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from anchors.chain.port import Block
from ledger_service import problems
from ledger_service.problems import Refused
from ledger_service.usecases.ports import ChainView, Promises

PACE_SECONDS = 30
"""Two blocks count as made while we looked if their times and their arrivals differ by no more than this."""
STEP_SECONDS = 5
"""A clock that is set back by no more repeats the newest receipt's time; one that is set back by more is wrong."""

_log = logging.getLogger(__name__)


class ClockWrong(Refused):
    """The machine's clock cannot be what it says, so no time is promised by it."""

    def __init__(self, detail: str):
        super().__init__(problems.NOT_READY, detail)


def passed_seconds() -> float:
    """Seconds since some moment, whatever happens to the clock; counts on while the machine sleeps where it can."""
    boot = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if boot is None else time.clock_gettime(boot)


@dataclass(frozen=True)
class _Sighting:
    """A block, and when it was first seen."""

    block: Block
    seen_at: float


class Clock:
    """Unix seconds for receipts and refusals. `look` runs every second or so; `now` only compares, and never waits.

    `tolerance_seconds`: how far the clock may be from the chain's time."""

    def __init__(
        self,
        view: ChainView,
        promises: Promises,
        tolerance_seconds: int,
        now: Callable[[], int],
        passed: Callable[[], float] = passed_seconds,
    ):
        self._view = view
        self._promises = promises
        self._tolerance_seconds = tolerance_seconds
        self._now = now
        self._passed = passed
        self._lock = threading.Lock()
        self._newest_promise: int | None = None
        self._newest_block: _Sighting | None = None
        self._living: _Sighting | None = None
        self._looked = False
        self._told = ""

    def look(self) -> None:
        """Read the newest block and the newest receipt. Raises `StoreUnavailable`."""
        tip, promised = self._view.status().tip, self._promises.newest_accepted_at()
        with self._lock:
            self._looked = True
            if promised is not None:
                self._newest_promise = max(promised, self._newest_promise or 0)
            if tip is not None:
                self._see(tip)
            why = self._why_wrong(self._now())
            if why and not self._told:
                _log.error("clock: %s", why)
            elif self._told and not why:
                _log.info("clock: right again")
            self._told = why

    def _see(self, tip: Block) -> None:
        before, now = self._newest_block, _Sighting(tip, self._passed())
        if before is not None and before.block.hash == tip.hash:
            return
        self._newest_block, self._living = now, None
        if before is not None:
            pace = (tip.timestamp - before.block.timestamp) - (now.seen_at - before.seen_at)
            if abs(pace) <= PACE_SECONDS:
                self._living = now

    def why_wrong(self) -> str:
        """What the clock contradicts and what to do, in one line; empty where nothing is known against it."""
        with self._lock:
            return self._why_wrong(self._now())

    def now(self) -> int:
        """The time to promise by: never below a time that was given before. Raises `ClockWrong`."""
        with self._lock:
            seconds = self._now()
            if why := self._why_wrong(seconds):
                raise ClockWrong(why)
            self._newest_promise = max(seconds, self._newest_promise or 0)
            return self._newest_promise

    def _why_wrong(self, seconds: int) -> str:
        if not self._looked:
            return "the clock was not compared with the chain and the newest receipt yet; send again later"
        if self._newest_promise is not None and seconds < self._newest_promise - STEP_SECONDS:
            return (
                f"the machine's clock is {self._newest_promise - seconds} s behind the newest receipt; "
                "set it right, nothing is promised before"
            )
        if self._newest_block is not None:
            behind = self._newest_block.block.timestamp - seconds
            if behind > self._tolerance_seconds:
                return f"the machine's clock is {behind} s behind the chain's newest block; set it right"
        if self._living is not None:
            ahead = seconds - self._living.block.timestamp - int(self._passed() - self._living.seen_at)
            if abs(ahead) > self._tolerance_seconds:
                side = "ahead of" if ahead > 0 else "behind"
                return (
                    f"the machine's clock is {abs(ahead)} s {side} the chain's time; "
                    "set it right, or raise HUZHENG_CLOCK_SECONDS"
                )
        return ""
