"""The parent of several processes on one listening socket. It opens no database and knows no key: it starts the others,
starts again what died, hands on the signal to end, and ends itself in bounded time.

Each child has a channel, a pair of sockets: a byte from the child says that it works, the end of the channel says to
either side that the other has died. Children are forked from the parent, which has loaded what they run and has no
threads: so they share the memory of the code, and one that follows a dead one works at once.
"""

import logging
import multiprocessing
import selectors
import signal
import socket
import sys
import time
from collections.abc import Callable, Sequence
from multiprocessing.process import BaseProcess

from anchors.core.errors import Error

API, ANCHORER = "api", "anchorer"
FAILED_TO_START = 2
STOP_SECONDS = 20.0
FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 5.0
STEADY_SECONDS = 10.0
"""A process that worked for so long is started again without a pause that earlier deaths made longer."""

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)

RunRole = Callable[[str, socket.socket, socket.socket], int]
"""What a child does: its role, its channel and the listening socket; the exit status."""

_fork = multiprocessing.get_context("fork")
_log = logging.getLogger(__name__)


def process_name(role: str) -> str:
    """What a child is called in a list of processes. Linux keeps fifteen characters."""
    return f"ledger {role}"


class ChildFailed(Error):
    """A process did not start the first time; it said why."""


class _Child:
    """One place for a process of a role; whoever dies there is followed by another."""

    def __init__(self, role: str):
        self.role = role
        self.works = False
        self.start_at = 0.0
        self.channel: socket.socket | None = None
        self._process: BaseProcess | None = None
        self._pause = FIRST_PAUSE_SECONDS
        self._started_at = 0.0

    @property
    def pid(self) -> int:
        """The process id of the present process, or of the last."""
        return self._process.pid

    def start(self, act: Callable[[str, socket.socket], int]) -> None:
        """Start a process that does this, told its role and its end of the channel. Raises `OSError` where the machine
        has no room for one."""
        self.works, self._started_at = False, time.monotonic()
        ours, theirs = socket.socketpair()

        def become() -> None:
            ours.close()
            sys.exit(act(self.role, theirs))

        # A signal that came before the child listens to it would be lost.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
        try:
            process = _fork.Process(target=become, name=self.role)
            process.start()
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        self._process, self.channel = process, ours

    def died(self) -> int:
        """Clear away the process that closed its channel, and set the time of the next; its exit status."""
        self.channel.close()
        self.channel = None
        self._process.kill()  # it may have closed its channel alone
        self.wait_longer()
        self._process.join()
        return self._process.exitcode

    def wait_longer(self) -> None:
        """Set the time of the next start: later each time, after a process that worked for long soon again."""
        lived = time.monotonic() - self._started_at
        self._pause = FIRST_PAUSE_SECONDS if lived > STEADY_SECONDS else min(self._pause * 2, LONGEST_PAUSE_SECONDS)
        self.start_at = time.monotonic() + self._pause

    def tell_to_stop(self) -> None:
        """Ask it to end."""
        if self.channel is not None:
            self._process.terminate()

    def end(self, deadline: float) -> None:
        """Wait until the monotonic time `deadline`, then end it."""
        if self.channel is None:
            return
        self._process.join(max(0.0, deadline - time.monotonic()))
        if self._process.is_alive():
            _log.warning("%s %d does not end; it is cut off", self.role, self._process.pid)
            self._process.kill()
            self._process.join()
        self.channel.close()
        self.channel = None


class Supervisor:
    """Runs one process for each of `roles`, each of which does what `run_role` does."""

    def __init__(self, roles: Sequence[str], listener: socket.socket, run_role: RunRole):
        self._children = [_Child(role) for role in roles]
        self._listener = listener
        self._run_role = run_role
        self._selector = selectors.DefaultSelector()
        self._signals, self._woken = socket.socketpair()
        self._all_work = False

    def run(self, ready: Callable[[], None]) -> None:
        """Until SIGTERM or SIGINT. `ready` is called once, when all processes work. Raises `ChildFailed` where one
        cannot start before that, and mends later deaths."""
        self._listen_to_signals()
        try:
            for child in self._children:
                self._start(child)
            while not self._is_told_to_stop(self._selector.select(self._seconds_to_next_start())):
                for child in self._children:
                    if child.channel is None and time.monotonic() >= child.start_at:
                        self._start(child)
                if not self._all_work and all(child.works for child in self._children):
                    self._all_work = True
                    ready()
        finally:
            self._end_all()

    def _listen_to_signals(self) -> None:
        self._signals.setblocking(False)
        self._woken.setblocking(False)
        signal.set_wakeup_fd(self._woken.fileno())
        for number in STOP_SIGNALS:
            signal.signal(number, lambda *_: None)  # the byte in the wake-up socket is what counts
        self._selector.register(self._signals, selectors.EVENT_READ)

    def _start(self, child: _Child) -> None:
        try:
            child.start(self._become)
        except OSError as error:
            if not self._all_work:
                raise ChildFailed(f"the {child.role} process does not start: {error.strerror}") from None
            _log.error("the %s process does not start: %s; trying again", child.role, error.strerror)
            child.wait_longer()
            return
        self._selector.register(child.channel, selectors.EVENT_READ, child)

    def _become(self, role: str, channel: socket.socket) -> int:
        """In the child: let go of what is the parent's, then run the role. Whoever held on to the channel of another
        would keep that one from learning that the parent died."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to hand on
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)
        for child in self._children:
            if child.channel is not None:
                child.channel.close()
        for one in (self._selector, self._signals, self._woken):
            one.close()
        return self._run_role(role, channel, self._listener)

    def _seconds_to_next_start(self) -> float | None:
        waiting = [child.start_at for child in self._children if child.channel is None]
        return max(0.0, min(waiting) - time.monotonic()) if waiting else None

    def _is_told_to_stop(self, events: list) -> bool:
        for key, _ in events:
            if key.data is None:
                return True
            self._hear(key.data)
        return False

    def _hear(self, child: _Child) -> None:
        try:
            said = child.channel.recv(1)
        except OSError:
            said = b""
        if said:
            child.works = True
            if self._all_work:
                _log.info("another %s process works", child.role)
            return
        self._selector.unregister(child.channel)
        status = child.died()
        if not self._all_work and status == FAILED_TO_START:
            raise ChildFailed(f"the {child.role} process does not start; its line above says why")
        _log.error("the %s process %d ended with status %d; starting another", child.role, child.pid, status)

    def _end_all(self) -> None:
        for child in self._children:
            child.tell_to_stop()
        deadline = time.monotonic() + STOP_SECONDS
        for child in self._children:
            child.end(deadline)
        signal.set_wakeup_fd(-1)
        self._selector.close()
