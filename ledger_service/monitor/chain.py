"""What the chain says of the log, look by look: read on for as long as what was read still stands."""

from collections.abc import Callable

from anchors.chain.port import Chain
from anchors.core.trust import Trust, TrustedLog
from ledger_service.usecases.audit.findings import Findings
from ledger_service.usecases.audit.history import ChainHistory


class FollowedChain:
    """Reads the chain up to its tip, of which a block or two may be replaced: what was read is kept for the next look
    only where it was whole and without a fault, and only while its newest block is there."""

    def __init__(self, chain: Chain, trust: Trust, log: TrustedLog, first_block: int, tell: Callable[..., None]):
        self._chain = chain
        self._trust = trust
        self._log = log
        self._first_block = first_block
        self._tell = tell
        self._findings = Findings()
        self._history: ChainHistory | None = None

    def read(self) -> ChainHistory | None:
        """All up to the present tip; None where it is another chain, or its registry does not fold. The first of every
        kind of fault is told of, each time.

        Raises `ChainUnavailable`; then nothing that was read is believed."""
        history, self._history = self._history, None
        if history is None or not _stands(history):
            self._findings = Findings()
            history = ChainHistory(self._chain, self._trust, self._log, self._findings, self._first_block)
        followed = (history.tip is not None or history.check_identity()) and history.read()
        faults = self._findings.faults
        for fault in faults:
            more = f" (and {fault.count - 1} more such)" if fault.count > 1 else ""
            self._tell("chain", f"{fault.first}{more}")
        if followed and not faults:
            self._history = history
        return history if followed else None


def _stands(history: ChainHistory) -> bool:
    tip = history.tip
    block = history.block(tip.number) if tip is not None else None
    return block is not None and tip is not None and block.hash == tip.hash
