"""Compare the log with the head that the contract holds, before anything is signed."""

from anchors.chain.port import Chain, ChainIdentity, Head
from anchors.core.encoding import encode_hex
from anchors.core.merkle import CompactRange
from ledger_service.usecases.incident import Incident
from ledger_service.usecases.log_tiles import LogTiles
from ledger_service.usecases.ports import Tree


def check_against_chain(tree: Tree, head: Head) -> None:
    """Raise `Incident` where the database is behind the contract's head or has another root at its size."""
    newest = tree.newest_checkpoint()
    size = newest.size if newest else 0
    if head.size > size:
        raise Incident(
            f"the contract holds a head of {head.size} entries, this database has {size} under a checkpoint; "
            "an older copy was restored: collect the lost entries from the senders, or open a successor log"
        )
    if head.size and (root := _root_at(tree, head.size)) != head.root:
        raise Incident(
            f"the contract's head of {head.size} entries has root {encode_hex(head.root)}, this database has "
            f"{encode_hex(root)}; the log was forked or changed: do not sign, compare with an audit"
        )


def _root_at(tree: Tree, size: int) -> bytes:
    checkpoint = tree.checkpoint_at(size)
    if checkpoint:
        return checkpoint.root
    nodes, begin = [], 0
    while begin < size:
        level = (size - begin).bit_length() - 1
        nodes.append((level, begin >> level))
        begin += 1 << level
    return CompactRange(size, LogTiles(tree).nodes(size).read_nodes(nodes)).root()


class Guard:
    """Holds signing back until the database was compared with the chain once."""

    def __init__(self, chain: Chain, tree: Tree, identity: ChainIdentity, log: bytes):
        self._chain = chain
        self._tree = tree
        self._identity = identity
        self._log = log
        self.passed = False

    def check_once(self) -> None:
        """Compare, unless that was done. Raises `ChainUnavailable` (try again) or `Incident` (never sign)."""
        if self.passed:
            return
        found = self._chain.identity()
        if found != self._identity:
            raise Incident(
                f"the node answers for chain {found.chain_id} with genesis {encode_hex(found.genesis)}, this database "
                f"belongs to chain {self._identity.chain_id} with genesis {encode_hex(self._identity.genesis)}; "
                "set HUZHENG_RPC to a node of that chain"
            )
        check_against_chain(self._tree, self._chain.head(self._log))
        self.passed = True
