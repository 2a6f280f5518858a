"""Take the proof of each head's block once the block is final, and of heads before
(docs/adr/0022-what-proves-a-block.md).

Nothing waits for it. What a node cannot prove now is tried again when all others were tried and some time has passed,
one block a step, the newest heads always first.
"""

from collections.abc import Callable

from anchors.chain.port import BlockProofs, ChainUnavailable, WitnessEvent
from ledger_service.usecases.ports import HeadProofs

HEADS_A_STEP = 16
REST_SECONDS, LONGEST_REST_SECONDS = 2.0, 600.0
"""So long after a walk through all heads those that no node could prove are asked for again, and twice as long after
each walk that proved none: it may be for ever."""
_BEYOND_ALL = 2**63 - 1


class HeadProver:
    """Gives every final head its proof. One runs at a time."""

    def __init__(self, chain: BlockProofs, stored: HeadProofs, passed: Callable[[], float]):
        self._chain = chain
        self._stored = stored
        self._passed = passed
        self._batch: list[WitnessEvent] = []
        self._newest = 0
        self._below = 0  # heads below this size were not tried in this walk
        self._failed = False
        self._walked_at: float | None = None  # when the walk ended, where some failed in it
        self._rest = REST_SECONDS
        self._again = 0  # heads up to this size are asked for again

    def run_once(self) -> bool:
        """Prove some heads: those that became final since the last step, else older ones, newest first. Whether there
        may be more to do at once.

        Raises `ChainUnavailable` at the first that cannot be proved; the next step goes on behind it."""
        self._batch = [*self._fresh(), *self._batch] or self._older()
        more = bool(self._batch)
        while self._batch:
            try:
                proof = self._chain.block_proof(self._batch[0])
            except ChainUnavailable:
                self._failed = True
                del self._batch[0]
                raise
            self._stored.add(self._batch[0], proof)
            if self._batch[0].new_size <= self._again:
                self._rest = REST_SECONDS
            del self._batch[0]
        return more

    def _fresh(self) -> list[WitnessEvent]:
        events = self._stored.unproven(self._newest, _BEYOND_ALL, HEADS_A_STEP)
        if events:
            self._newest = events[0].new_size
        if len(events) == HEADS_A_STEP:  # there may be more above those that were tried
            self._below = max(self._below, events[-1].new_size)
        return events

    def _older(self) -> list[WitnessEvent]:
        events = self._stored.unproven(0, self._below, HEADS_A_STEP) if self._below else []
        if not events and self._failed and self._has_rested():
            self._failed, self._walked_at = False, None
            self._rest, self._again = min(2 * self._rest, LONGEST_REST_SECONDS), self._newest
            events = self._stored.unproven(0, _BEYOND_ALL, HEADS_A_STEP)
        self._below = events[-1].new_size if events else 0
        return events

    def _has_rested(self) -> bool:
        if self._walked_at is None:
            self._walked_at = self._passed()
        return self._passed() >= self._walked_at + self._rest
