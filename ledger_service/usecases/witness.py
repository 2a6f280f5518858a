"""Have checkpoints witnessed: one transaction in flight, stored before it is sent, asked about after a crash."""

import logging
from collections.abc import Callable

from anchors.chain.port import Chain, Fees, TransactionRefused, WitnessCall, WitnessSender
from anchors.core.merkle import consistency_proof
from ledger_service.usecases.guard import check_against_chain
from ledger_service.usecases.log_tiles import LogTiles
from ledger_service.usecases.ports import ChainView, Outbox, OutgoingTransaction, Tree

RESEND_SECONDS = 10

_log = logging.getLogger(__name__)


class Witnesser:
    """Moves the contract's head to the newest checkpoint. One runs at a time."""

    def __init__(
        self, chain: Chain, sender: WitnessSender, tree: Tree, view: ChainView, outbox: Outbox, log: bytes,
        now: Callable[[], int],
    ):  # fmt: skip
        self._chain = chain
        self._sender = sender
        self._tree = tree
        self._view = view
        self._outbox = outbox
        self._log = log
        self._now = now

    def run_once(self) -> OutgoingTransaction | None:
        """Settle what went out before, then send the next move if there is one and nothing is in flight.

        Raises `ChainUnavailable`, or `Incident` where the database and the contract contradict each other."""
        if self._settle():
            return None
        head = self._chain.head(self._log)
        check_against_chain(self._tree, head)
        newest = self._tree.newest_checkpoint()
        if newest is None or newest.size == head.size:
            return None
        call = WitnessCall(
            self._log,
            head.size,
            newest.size,
            newest.root,
            consistency_proof(head.size, newest.size, LogTiles(self._tree).nodes(newest.size)),
            newest.signature,
        )
        return self._send(call, self._sender.next_nonce(), self._sender.fees())

    def _settle(self) -> bool:
        """Ask about every open transaction; True while one is in flight. A mined one stays open until it is final,
        because a block that leaves the chain un-mines it."""
        in_flight = False
        final_number = self._view.status().final_number
        for transaction in self._outbox.open():
            receipt = self._sender.receipt(transaction.hash)
            if receipt is None:
                in_flight = self._push(transaction) or in_flight
            elif receipt.block_number <= final_number:
                outcome = "mined" if receipt.succeeded else "reverted"
                self._outbox.close(transaction.id, outcome, receipt.gas_used)
        return in_flight

    def _push(self, transaction: OutgoingTransaction) -> bool:
        """Send an unmined transaction again; False where it can never be mined any more."""
        if self._now() - transaction.sent_at < RESEND_SECONDS:
            return True
        try:
            self._sender.broadcast(transaction.raw)
        except TransactionRefused as refused:
            if refused.reason == "nonce-too-low":
                self._outbox.close(transaction.id, "replaced", None)
                return False
            _log.warning("transaction 0x%s is not taken: %s", transaction.hash.hex(), refused)
        return True

    def _send(self, call: WitnessCall, nonce: int, fees: Fees) -> OutgoingTransaction | None:
        try:
            signed = self._sender.sign(call, nonce, fees)
        except TransactionRefused as refused:
            # Somebody relayed the same head, or the registry changed: the next run reads the chain again.
            _log.warning("head of %d entries is refused: %s", call.new_size, refused)
            return None
        outgoing = OutgoingTransaction(
            0, call.old_size, call.new_size, nonce, signed.hash, signed.raw, fees.cap, fees.tip, self._now()
        )
        self._outbox.add(outgoing)
        try:
            self._sender.broadcast(signed.raw)
        except TransactionRefused as refused:
            _log.warning("transaction 0x%s is not taken: %s", signed.hash.hex(), refused)
        return outgoing
