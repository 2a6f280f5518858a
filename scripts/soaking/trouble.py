"""What happens to the town: one random event every few seconds. What lasts goes on while others happen."""

import contextlib
import heapq
import itertools
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable

from scripts.benchmark.processes import running_processes
from scripts.soaking.killable import Killable, ProcessFailed
from scripts.soaking.town import API_PROCESSES, LEASE_SECONDS, Town, wait_for

PAUSE_SECONDS = (1.0, 5.0)
LASTING_SECONDS = (2.0, 8.0)
DEEPEST_REORGANISATION = 3
TICK_SECONDS = 0.1
ORPHANED_SECONDS = 30

Tell = Callable[[str], None]


class Trouble:
    """`happened` counts the events by kind. `seed` decides which come, when, and to whom.
    `holder_was_struck` is called just before the lease's holder is killed or stopped."""

    def __init__(self, town: Town, seed: int, tell: Tell, holder_was_struck: Callable[[], None]):
        self.happened: Counter[str] = Counter()
        self._town = town
        self._tell = tell
        self._holder_was_struck = holder_was_struck
        self._chance = random.Random(seed)
        self._began = time.monotonic()
        self._numbers = itertools.count()
        self._ends: list[tuple[float, int, Callable[[], None]]] = []
        self._lost: set[int] = set()
        self._stopped: Killable | None = None
        self._stalls = False
        self._kinds: dict[str, Callable[[], str | None]] = {
            "API process killed": self._kill_api_process,
            "parent of the API processes killed": self._kill_parent,
            "lease holder killed": self._kill_holder,
            "waiting anchorer killed": self._kill_waiting,
            "lease holder stopped beyond its term": self._stop_holder,
            "sender killed": self._kill_sender,
            "endpoint lost": self._lose_endpoint,
            "endpoint silent": self._silence_endpoint,
            "blocks reorganised": self._reorganise,
            "blocks stalled": self._stall,
        }

    def go_on_for(self, seconds: float) -> None:
        """Let things happen for so long, then wait for the end of what lasts.

        Raises `ProcessFailed` where a process ends by itself."""
        names = list(self._kinds)
        end, due = time.monotonic() + seconds, 0.0
        while (now := time.monotonic()) < end or self._ends:
            self._end_what_is_due(now)
            if due <= now < end:
                if not names:
                    names = list(self._kinds)
                # Every kind comes before one comes again, so that no soak goes without one.
                name = names.pop(self._chance.randrange(len(names)))
                self._happen(name)
                due = time.monotonic() + self._chance.uniform(*PAUSE_SECONDS)
            if ended := self._town.ended_by_themselves():
                raise ProcessFailed(ended[0])
            time.sleep(TICK_SECONDS)

    def _happen(self, name: str) -> None:
        what = self._kinds[name]()
        if what is not None:
            self.happened[name] += 1
            self._tell(f"{time.monotonic() - self._began:6.1f} s  {name}: {what}")

    def _end_what_is_due(self, now: float) -> None:
        while self._ends and self._ends[0][0] <= now:
            heapq.heappop(self._ends)[2]()

    def _later(self, seconds: float, act: Callable[[], None]) -> None:
        heapq.heappush(self._ends, (time.monotonic() + seconds, next(self._numbers), act))

    def _lasting(self, end: Callable[[], None]) -> str:
        seconds = self._chance.uniform(*LASTING_SECONDS)
        self._later(seconds, end)
        return f"{seconds:.1f} s"

    # Processes. Each returns what happened, None where it could not happen now.

    def _kill_api_process(self) -> str | None:
        running = self._town.api_processes()
        if len(running) < API_PROCESSES:
            return None
        victim = self._chance.choice(sorted(running))
        os.kill(victim, signal.SIGKILL)
        return str(victim)

    def _kill_parent(self) -> str:
        """Its children see that it is gone, end, and leave the socket to the next."""
        api, children = self._town.api, self._town.api_processes()
        pid = api.pid
        api.kill()
        wait_for("the end of orphans", lambda: not running_processes().keys() & set(children), ORPHANED_SECONDS)
        api.start()
        return f"{api.name}, {pid}"

    def _kill_holder(self) -> str | None:
        holder = self._town.holder()
        if holder is None:
            return None
        self._holder_was_struck()
        return self._restart(holder)

    def _kill_waiting(self) -> str | None:
        holder = self._town.holder()
        return self._restart(next(one for one in self._town.anchorers if one is not holder)) if holder else None

    def _kill_sender(self) -> str:
        return self._restart(self._chance.choice(self._town.senders))

    def _restart(self, process: Killable) -> str:
        pid = process.pid
        process.kill()
        process.start()
        return f"{process.name}, {pid}"

    def _stop_holder(self) -> str | None:
        holder = self._town.holder()
        if holder is None or self._stopped is not None:
            return None
        pid, seconds = holder.pid, LEASE_SECONDS + self._chance.uniform(*LASTING_SECONDS)
        self._stopped = holder
        self._holder_was_struck()
        os.kill(pid, signal.SIGSTOP)

        def wake() -> None:
            self._stopped = None
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)

        self._later(seconds, wake)
        return f"{holder.name}, {pid}, for {seconds:.1f} s"

    # The chain

    def _choose_endpoint(self) -> int | None:
        """One of several that work: one stays, as long as it is not the chain itself that is lost."""
        working = [number for number in range(len(self._town.endpoints)) if number not in self._lost]
        return self._chance.choice(working) if len(working) > 1 else None

    def _lose_endpoint(self) -> str | None:
        number = self._choose_endpoint()
        if number is None:
            return None
        endpoint = self._town.endpoints[number]
        self._lost.add(number)
        endpoint.close()

        def back() -> None:
            endpoint.open()
            self._lost.discard(number)

        return f"{number} for {self._lasting(back)}"

    def _silence_endpoint(self) -> str | None:
        number = self._choose_endpoint()
        if number is None:
            return None
        endpoint = self._town.endpoints[number]
        self._lost.add(number)
        endpoint.fall_silent()

        def back() -> None:
            endpoint.speak()
            self._lost.discard(number)

        return f"{number} for {self._lasting(back)}"

    def _reorganise(self) -> str:
        depth = self._chance.randint(1, DEEPEST_REORGANISATION)
        self._town.chain.reorganise(depth)
        return f"{depth} deep"

    def _stall(self) -> str | None:
        if self._stalls:
            return None
        self._stalls = True
        self._town.chain.stall()

        def go_on() -> None:
            self._stalls = False
            self._town.chain.go_on()

        return f"for {self._lasting(go_on)}"
