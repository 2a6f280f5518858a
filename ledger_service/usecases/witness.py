"""Have checkpoints witnessed: one transaction in flight, stored before it is sent, asked about after a crash."""

import logging
from collections.abc import Callable

from anchors.chain.port import Chain, Fees, TransactionRefused, WitnessCall, WitnessSender
from anchors.core.merkle import consistency_proof
from ledger_service.usecases.guard import check_against_chain
from ledger_service.usecases.log_tiles import LogTiles
from ledger_service.usecases.ports import ChainView, Outbox, OutgoingTransaction, SignedCheckpoint, Tree

RESEND_SECONDS = 10
REPLACE_SECONDS = 60
MOST_TIMES_ASKED = 10
"""No fee is offered above so many times what the chain asks."""
NEVER_MINED = {"nonce-too-low": "replaced", "other": "refused"}
"""Refusals after which a transaction is given up, and how it is closed then."""

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
        return self._send(self._call(head.size, newest), self._sender.next_nonce(), self._sender.fees())

    def _call(self, old_size: int, checkpoint: SignedCheckpoint) -> WitnessCall:
        nodes = LogTiles(self._tree).nodes(checkpoint.size)
        proof = consistency_proof(old_size, checkpoint.size, nodes)
        return WitnessCall(self._log, old_size, checkpoint.size, checkpoint.root, proof, checkpoint.signature)

    def _settle(self) -> bool:
        """Ask about every open transaction; True while one is in flight. A mined one stays open until it is final,
        because a block that leaves the chain un-mines it."""
        in_flight = False
        final_number = self._view.status().final_number
        opened = self._outbox.open()
        newest_of_nonce = {transaction.nonce: transaction.id for transaction in opened}
        for transaction in opened:
            receipt = self._sender.receipt(transaction.hash)
            if receipt is None:
                newest = newest_of_nonce[transaction.nonce] == transaction.id
                in_flight = self._push(transaction, newest=newest) or in_flight
            elif receipt.block_number <= final_number:
                outcome = "mined" if receipt.succeeded else "reverted"
                self._outbox.close(transaction.id, outcome, receipt.gas_used)
        return in_flight

    def _push(self, transaction: OutgoingTransaction, *, newest: bool) -> bool:
        """Send an unmined transaction again, after a while with higher fees; False where it can never be mined."""
        age = self._now() - transaction.sent_at
        if age < RESEND_SECONDS:
            return True
        if newest and age >= REPLACE_SECONDS and transaction.fee_cap and self._replace(transaction):
            return True
        try:
            self._sender.broadcast(transaction.raw)
        except TransactionRefused as refused:
            if refused.reason in NEVER_MINED:
                self._outbox.close(transaction.id, NEVER_MINED[refused.reason], None)
                return False
            _log.warning("transaction 0x%s is not taken: %s", transaction.hash.hex(), refused)
        return True

    def _replace(self, transaction: OutgoingTransaction) -> bool:
        """Offer the same move under the same nonce for more; both stay open until one of them is mined."""
        checkpoint = self._tree.checkpoint_at(transaction.new_size)
        asked = self._sender.fees()
        fees = Fees(max(asked.cap, _raised(transaction.fee_cap)), max(asked.tip, _raised(transaction.fee_tip)))
        if checkpoint is None or fees.cap > MOST_TIMES_ASKED * max(asked.cap, 1):
            return False
        call = self._call(transaction.old_size, checkpoint)
        return self._send(call, transaction.nonce, fees) is not None

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


def _raised(fee: int) -> int:
    """Nodes replace a transaction for at least a tenth more, of both fees."""
    return fee * 9 // 8 + 1
