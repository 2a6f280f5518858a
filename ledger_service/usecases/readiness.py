"""Whether the service can promise and keep its promises, and how long the oldest of each waits.

"Has an index", "is under a checkpoint", "is witnessed", "is final" are four promises; each is shown with how far it has
come and with the oldest entry that waits for it, so that a service that answers and anchors nothing is seen at once.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from anchors.chain.port import Block
from ledger_service.usecases.clock import Clock
from ledger_service.usecases.look_up import Reached, State, read_reached
from ledger_service.usecases.ports import ChainView, Promise, Promises, StoreUnavailable, Tree

CHAIN_SILENT_SECONDS = 120


@dataclass(frozen=True)
class Progress:
    """How far one promise has come: entries that have the state, how many wait for it, and the index of the oldest of
    these with the seconds since it was accepted; None and 0 where none waits."""

    entries: int
    waiting: int = 0
    oldest: int | None = None
    seconds: int = 0


@dataclass(frozen=True)
class Figures:
    """What was read from the store: progress by state, for how long the oldest promise is broken, the chain's tip."""

    progress: dict[State, Progress]
    overdue_seconds: int
    block: int | None
    block_age_seconds: int


@dataclass(frozen=True)
class Readiness:
    """Whether the service can accept and witness, with reasons if not; the figures where the store answers; notes about
    what is wrong and no hindrance yet."""

    ready: bool
    reasons: tuple[str, ...]
    figures: Figures | None
    notes: tuple[str, ...] = ()


class ReadinessCheck:
    """Answers `/readyz`, and the door's question whether anything may be promised.

    `why_not_promising` says what stands against any promise (an incident, a comparison that is not done, a registry
    that is not read), `failing` what the workers fail at now, `notes` what is wrong and no hindrance: in lines for
    people, from memory, without waiting."""

    def __init__(
        self, tree: Tree, view: ChainView, promises: Promises, clock: Clock, now: Callable[[], int],
        why_not_promising: Callable[[], str], failing: Callable[[], Sequence[str]],
        notes: Callable[[], Sequence[str]] = tuple,
    ):  # fmt: skip
        self._tree = tree
        self._view = view
        self._promises = promises
        self._clock = clock
        self._now = now
        self._why_not_promising = why_not_promising
        self._failing = failing
        self._notes = notes

    def why_not_accepting(self) -> str:
        """Why nothing can be promised now; empty where it can. Reads memory only."""
        return self._why_not_promising() or self._clock.why_wrong()

    def read(self) -> Readiness:
        """Readiness now. Reads the store; where that does not answer, it is one of the reasons."""
        reasons = list(self._failing())
        for reason in (self._why_not_promising(), self._clock.why_wrong()):
            if reason and not any(reason in known for known in reasons):
                reasons.append(reason)
        figures = None
        try:
            figures, tip = self._read_figures()
            reasons += _delays(figures, tip)
        except StoreUnavailable as error:
            if not any(str(error) in known for known in reasons):
                reasons.append(str(error))
        return Readiness(not reasons, tuple(reasons), figures, tuple(self._notes()))

    def _read_figures(self) -> tuple[Figures, Block | None]:
        now, tip, reached = self._now(), self._view.status().tip, read_reached(self._tree, self._view)
        progress = {state: self._progress(state, reached, now) for state in State}
        promise = self._promise_about(reached.witnessed, reached)
        overdue = max(0, now - promise.witness_by) if promise else 0
        block, age = (tip.number, now - tip.timestamp) if tip else (None, 0)
        return Figures(progress, overdue, block, age), tip

    def _progress(self, state: State, reached: Reached, now: int) -> Progress:
        entries = getattr(reached, state)
        promise = self._promise_about(entries, reached)
        if promise is None:
            return Progress(entries)
        return Progress(entries, reached.accepted - entries, entries, max(0, now - promise.accepted_at))

    def _promise_about(self, index: int, reached: Reached) -> Promise | None:
        return self._promises.first_about(index) if index < reached.accepted else None


def _delays(figures: Figures, tip: Block | None) -> list[str]:
    delays = []
    if tip is None:
        delays.append("the chain was not followed yet")
    elif figures.block_age_seconds > CHAIN_SILENT_SECONDS:
        delays.append(f"the chain's newest block is {figures.block_age_seconds} s old: statements are pending")
    if figures.overdue_seconds:
        delays.append(f"receipts are overdue since {figures.overdue_seconds} s")
    return delays
