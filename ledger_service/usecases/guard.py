"""Before anything is signed: is this the chain, are these the contracts, is this database the log's newest copy?

    1. nobody restored the database without releasing it            (docs/adr/0013-what-a-restored-ledger-may-sign.md)
    2. the node answers for the chain that the database belongs to: id, genesis, the newest block that was final
    3. there is code at both contracts' addresses, the same as at the first start
    4. entries, tiles and newest checkpoint agree at the log's right edge
    5. what was sent to the contract before is what would be sent again
    6. the contract's head is in this log, and has not gone back behind a move that was final

Steps 4 to 6 look at the right edge and at the heads alone, whatever the log's size: a changed entry deep inside is
found by `huzheng audit`, which hashes all of them.
"""

from collections.abc import Callable

from anchors.chain.port import Chain, ChainIdentity, ChainUnavailable, Head
from anchors.core.encoding import encode_hex, keccak256
from ledger_service.usecases.incident import Incident
from ledger_service.usecases.past import Past
from ledger_service.usecases.ports import ChainView, Tree
from ledger_service.usecases.right_edge import check_right_edge, root_at

NO_CODE = keccak256(b"")


def check_against_chain(tree: Tree, head: Head) -> None:
    """Raise `Incident` where the database is behind the contract's head or has another root at its size."""
    size = tree.size()
    if head.size > size:
        raise Incident(
            f"the contract holds a head of {head.size} entries, this database has {size} and is behind by "
            f"{head.size - size}; an older copy was restored: collect the lost entries from the senders with "
            "'huzheng recover', or open a successor log"
        )
    if head.size and (root := root_at(tree, head.size)) != head.root:
        raise Incident(
            f"the contract's head of {head.size} entries has root {encode_hex(head.root)}, this database has "
            f"{encode_hex(root)}; the log was forked or changed: sign nothing, find the first row that differs with "
            "'huzheng audit', and go on with the copy that the contract's head fits, or open a successor log"
        )
    if head.size and tree.checkpoint_at(head.size) is None:
        raise Incident(
            f"the contract's head of {head.size} entries is in this database and under no checkpoint of it: "
            "checkpoints were lost; stop the service and sign them again with 'huzheng recover'"
        )


def read_codes(chain: Chain, registry: bytes, witness: bytes) -> tuple[bytes, bytes]:
    """The code hashes of both contracts. Raises `Incident` where there is no contract at an address."""
    found = chain.code_hash(registry), chain.code_hash(witness)
    for name, address, code in zip(("registry", "witness"), (registry, witness), found, strict=True):
        if code == NO_CODE:
            raise Incident(
                f"there is no contract at the {name}'s address {encode_hex(address)} on this chain; "
                f"set HUZHENG_{name.upper()} and HUZHENG_RPC to where it was deployed"
            )
    return found


def check_codes(past: Past, found: tuple[bytes, bytes]) -> None:
    """Raise `Incident` where the contracts have other code than at the first start; then it is remembered."""
    known = past.codes()
    if known is None:
        past.record_codes(*found)
        return
    for name, was, code in zip(("registry", "witness"), known, found, strict=True):
        if code != was:
            raise Incident(
                f"the {name} contract's code has hash {encode_hex(code)}, it was {encode_hex(was)} at the first start; "
                "contracts here never change, so this is another chain: set HUZHENG_RPC to a node of the right one"
            )


class Guard:
    """Holds signing and accepting back until the database was compared with the chain. To be made anew whenever a
    process begins to sign."""

    def __init__(
        self,
        chain: Chain,
        tree: Tree,
        view: ChainView,
        past: Past,
        identity: ChainIdentity,
        contracts: tuple[bytes, bytes],
        log: bytes,
    ):
        self._chain = chain
        self._tree = tree
        self._view = view
        self._past = past
        self._identity = identity
        self._contracts = contracts
        self._log = log
        self.passed = False

    def check(self, tell: Callable[[], object] = lambda: None) -> None:
        """Compare, then `tell` whoever waits for it; it is passed once both are done. Raises `ChainUnavailable` (try
        again) or `Incident` (never sign)."""
        self.passed = False
        self._check_restored()
        self.compare()
        tell()
        self.passed = True

    def compare(self) -> Head:
        """Steps 2 to 6, for a copy that is not released yet; the contract's head."""
        self._check_chain()
        check_codes(self._past, read_codes(self._chain, *self._contracts))
        check_right_edge(self._tree, self._past)
        self._check_sent()
        head = self._chain.head(self._log)
        check_against_chain(self._tree, head)
        self._check_not_gone_back(head)
        return head

    def _check_restored(self) -> None:
        restored = self._past.open_restore()
        if restored is not None:
            raise Incident(
                f"this database was restored from a backup of {restored.entries} entries and is not released; nothing "
                "is accepted or signed, because later statements may have been promised: collect them from the senders "
                "with 'huzheng recover FILE …', then let it go on with 'huzheng recover --release'"
            )

    def _check_chain(self) -> None:
        found = self._chain.identity()
        if found != self._identity:
            raise Incident(
                f"the node answers for chain {found.chain_id} with genesis {encode_hex(found.genesis)}, this database "
                f"belongs to chain {self._identity.chain_id} with genesis {encode_hex(self._identity.genesis)}; "
                "set HUZHENG_RPC to a node of that chain"
            )
        final_number = self._view.status().final_number
        final = next(iter(self._view.recent_blocks(final_number, 1)), None)
        if final is None:
            return
        self._chain.hold_to(final)
        present = self._chain.block(final.number)
        if present is None:
            raise ChainUnavailable(
                f"the node has not reached block {final.number}, which was final here; wait until it has caught up, or "
                "set HUZHENG_RPC to another node"
            )
        if present.hash != final.hash:
            raise Incident(
                f"block {final.number} was final here as {encode_hex(final.hash)}, the node has "
                f"{encode_hex(present.hash)}: this is another chain with the same id and genesis, or one that was "
                "replaced; compare with other nodes, set HUZHENG_RPC to one of the right chain, then restart"
            )

    def _check_sent(self) -> None:
        """What was signed for the contract holds the root of its size among its bytes, so no form need be read."""
        for sent in self._past.largest_sent():
            if sent.size > self._tree.size():
                raise Incident(
                    f"transaction {encode_hex(sent.hash)} was sent for a head of {sent.size} entries, this database "
                    f"has {self._tree.size()}: entries are lost; restore the newest backup with 'huzheng restore'"
                )
            root = root_at(self._tree, sent.size)
            if root not in sent.raw:
                raise Incident(
                    f"transaction {encode_hex(sent.hash)} was sent for a head of {sent.size} entries with another root "
                    f"than {encode_hex(root)}, which this database has; its rows were changed: sign nothing, find the "
                    "first that differs with 'huzheng audit'"
                )

    def _check_not_gone_back(self, head: Head) -> None:
        mined = self._past.largest_mined()
        if mined is not None and head.size < mined.size:
            raise Incident(
                f"the contract holds a head of {head.size} entries, transaction {encode_hex(mined.hash)} had moved it "
                f"to {mined.size} and was final: the chain was replaced; compare with other nodes, and if all of them "
                "agree, let the log be witnessed anew with 'huzheng recover --chain-replaced'"
            )
