"""Have checkpoints witnessed: which head moves, with which proof. How it gets there: `anchors.chain.transactions`."""

from anchors.chain.port import Chain, WitnessCall
from anchors.chain.transactions import Transactions
from anchors.core.merkle import consistency_proof
from ledger_service.usecases.guard import check_against_chain
from ledger_service.usecases.log_tiles import LogTiles
from ledger_service.usecases.ports import ChainView, OutgoingTransaction, SignedCheckpoint, Tree


class Witnesser:
    """Moves the contract's head to the newest checkpoint. One runs at a time."""

    def __init__(self, chain: Chain, transactions: Transactions, tree: Tree, view: ChainView, log: bytes):
        self._chain = chain
        self._transactions = transactions
        self._tree = tree
        self._view = view
        self._log = log

    def run_once(self) -> OutgoingTransaction | None:
        """Settle what went out before, then send the next move if there is one and nothing is in flight.

        Raises `ChainUnavailable`, `TransactionRefused`, or `Incident` where the database and the contract contradict
        each other."""
        status = self._view.status()
        flight = self._transactions.settle(status.tip.number if status.tip else -1, status.final_number)
        if flight.busy:
            return None
        head = self._chain.head(self._log)
        followed = self._view.newest_head()
        if head.size < max(flight.mined_size, followed.new_size if followed else 0):
            return None  # the node has not seen the newest block, or the follower not that it left the chain
        check_against_chain(self._tree, head)
        newest = self._tree.newest_checkpoint()
        if newest is None or newest.size == head.size:
            return None
        return self._transactions.send(self._call(head.size, newest))

    def _call(self, old_size: int, checkpoint: SignedCheckpoint) -> WitnessCall:
        nodes = LogTiles(self._tree).nodes(checkpoint.size)
        proof = consistency_proof(old_size, checkpoint.size, nodes)
        return WitnessCall(self._log, old_size, checkpoint.size, checkpoint.root, proof, checkpoint.signature)
