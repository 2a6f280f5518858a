"""Bring accepted entries under a signed checkpoint. The tree grows here, outside the lock that accepting takes
(docs/adr/0003-the-tree-grows-at-the-checkpoint.md)."""

from collections.abc import Callable

from anchors.core import signature as signatures
from anchors.core.checkpoint import Checkpoint
from anchors.core.encoding import encode_hex
from anchors.core.merkle import leaf_hash
from anchors.core.note import SignerKey
from anchors.core.tiles import TileBuilder
from anchors.core.typed_data import Domain
from ledger_service.usecases.incident import Incident
from ledger_service.usecases.ports import SignedCheckpoint, Tree
from ledger_service.usecases.right_edge import ENTRIES_PER_READ, builder_at

ENTRIES_PER_CHECKPOINT = 65_536


class Integrator:
    """Signs the log's checkpoints. Two of them may run: the store lets one win, and the other reads again."""

    def __init__(
        self,
        tree: Tree,
        origin: str,
        domain: Domain,
        note_key: SignerKey,
        checkpoint_secret: bytes,
        now: Callable[[], int],
    ):
        self._tree = tree
        self._origin = origin
        self._domain = domain
        self._note_key = note_key
        self._checkpoint_secret = checkpoint_secret
        self._now = now
        self._builder = TileBuilder()
        self.is_behind = False
        """Whether the last run found more than one checkpoint takes in."""

    def run_once(self, up_to: int | None = None) -> SignedCheckpoint | None:
        """Integrate what was accepted since the newest checkpoint, to the size `up_to` where one is named; None where
        there is nothing to do."""
        newest = self._tree.newest_checkpoint()
        begin = newest.size if newest else 0
        size = self._tree.size()
        end = min(size, begin + ENTRIES_PER_CHECKPOINT)
        self.is_behind = end < size
        end = end if up_to is None else min(end, up_to)
        if end <= begin:
            return None
        builder = self._builder_at(newest)
        # Whatever fails from here on leaves the builder ahead of the store: it is rebuilt at the next run.
        self._builder = TileBuilder()
        tiles = []
        for position in range(begin, end, ENTRIES_PER_READ):
            entries = self._tree.entries(position, min(position + ENTRIES_PER_READ, end))
            tiles += builder.extend(b"".join(map(leaf_hash, entries)))
        if builder.size != end:
            raise Incident(
                f"{end - builder.size} of the entries {begin} to {end - 1} are missing in the database; "
                "nothing is signed over a gap: restore the database, or run an audit"
            )
        checkpoint = self._sign(Checkpoint(self._origin, builder.size, builder.root()))
        if not self._tree.add_checkpoint(tiles, checkpoint, expected_size=begin):
            return None
        self._builder = builder
        return checkpoint

    def _builder_at(self, newest: SignedCheckpoint | None) -> TileBuilder:
        """The tree under the newest checkpoint; where it was read back, it must still have that checkpoint's root."""
        size = newest.size if newest else 0
        if self._builder.size != size:
            self._builder = builder_at(self._tree, size)
        if newest is not None and self._builder.root() != newest.root:
            raise Incident(
                f"the newest checkpoint of {size} entries has root {encode_hex(newest.root)}, tiles and entries have "
                f"{encode_hex(self._builder.root())}; nothing is signed over that: find the row by an audit"
            )
        return self._builder

    def _sign(self, checkpoint: Checkpoint) -> SignedCheckpoint:
        return SignedCheckpoint(
            size=checkpoint.size,
            root=checkpoint.root,
            note=checkpoint.sign(self._note_key),
            signature=signatures.sign(
                self._domain.checkpoint(checkpoint.size, checkpoint.root), self._checkpoint_secret
            ),
            signed_at=self._now(),
        )
