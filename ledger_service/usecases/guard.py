"""Compare the log with the head that the contract holds, before anything is signed."""

from anchors.chain.port import Head
from anchors.core.merkle import CompactRange
from anchors.core.encoding import encode_hex
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
