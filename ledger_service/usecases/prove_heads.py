"""Take the proof of each head's block once the block is final, and of heads before
(docs/adr/0022-what-proves-a-block.md).

Nothing waits for it. What a node cannot prove now is tried again, one block a step, the newest heads always first.
"""

from anchors.chain.port import BlockProofs, ChainUnavailable, WitnessEvent
from ledger_service.usecases.ports import HeadProofs

HEADS_A_STEP = 16
_BEYOND_ALL = 2**63 - 1


class HeadProver:
    """Gives every final head its proof. One runs at a time."""

    def __init__(self, chain: BlockProofs, stored: HeadProofs):
        self._chain = chain
        self._stored = stored
        self._newest = 0
        self._below = 0  # heads below this size may still lack one
        self._failed = False

    def run_once(self) -> bool:
        """Prove some heads: those that became final since the last step, else older ones, newest first. Whether there
        may be more to do at once.

        Raises `ChainUnavailable` at the first that cannot be proved; the next step goes on behind it."""
        events = self._fresh() or self._older()
        for event in events:
            try:
                proof = self._chain.block_proof(event)
            except ChainUnavailable:
                self._below, self._failed = event.new_size, True
                raise
            self._stored.add(event, proof)
        return bool(events)

    def _fresh(self) -> list[WitnessEvent]:
        events = self._stored.unproven(self._newest, _BEYOND_ALL, HEADS_A_STEP)
        if events:
            self._newest = events[0].new_size
            self._below = max(self._below, events[-1].new_size)
        return events

    def _older(self) -> list[WitnessEvent]:
        events = self._stored.unproven(0, self._below, HEADS_A_STEP) if self._below else []
        if not events and self._failed:  # once through all; now those that failed again
            events, self._failed = self._stored.unproven(0, _BEYOND_ALL, HEADS_A_STEP), False
        self._below = events[-1].new_size if events else 0
        return events
