"""Steps 3 and 4, the log's side: the tree grown again from leaf hashes, against tiles, checkpoints and heads."""

from collections.abc import Sequence

import msgspec

from anchors.chain.port import WitnessEvent
from anchors.core.checkpoint import Checkpoint, open_checkpoint
from anchors.core.errors import Error
from anchors.core.merkle import MAX_SIZE
from anchors.core.note import VerifierKey
from anchors.core.registry import Purpose
from anchors.core.tiles import HASH_BYTES, TILE_HEIGHT, TILE_WIDTH, FullTile, TileBuilder
from anchors.core.typed_data import Domain
from ledger_service.usecases.audit.attribution import Attribution
from ledger_service.usecases.audit.findings import CHAIN, Findings
from ledger_service.usecases.audit.rows import CheckpointRow, LogRows, TileRow
from ledger_service.usecases.audit.signers import recover_one

TILE_LEVELS = 8
"""As many as a tree of 2^63 leaves has."""


class SavedTree(msgspec.Struct, frozen=True):
    """The right edge of the tree; `broken` where a leaf below is not known."""

    size: int
    partial_tiles: list[bytes]
    broken: bool


class TreeWalk:
    """Takes leaf hashes in order. Compares every tile as it becomes full, every checkpoint and head at its size."""

    def __init__(
        self,
        rows: LogRows,
        findings: Findings,
        origin: str,
        domain: Domain,
        note_keys: Sequence[VerifierKey],
        attribution: Attribution,
        heads: Sequence[WitnessEvent],
    ):
        self._rows = rows
        self._findings = findings
        self._origin = origin
        self._domain = domain
        self._note_keys = note_keys
        self._attribution = attribution
        self._builder = TileBuilder()
        self._checkpoints = rows.checkpoints()
        self._checkpoint = next(self._checkpoints, None)
        if rows.tables is None and self._checkpoint is not None and self._checkpoint.size == 0:
            self._checkpoint = next(self._checkpoints, None)
        self._heads = iter(heads)
        self._head = next(self._heads, None)
        self._broken = False

    def extend(self, leaves: list[bytes], stored: TileRow | None) -> None:
        """The next leaf hashes, all of one tile of level 0, an empty one where it is not known. `stored` is that tile,
        as the database has it."""
        known = leaves[: leaves.index(b"")] if b"" in leaves else leaves
        rest = b"".join(known)
        while rest and not self._broken:
            length = (self._next_root() - self._builder.size) * HASH_BYTES
            for tile in self._builder.extend(rest[:length]):
                self._check_tile(tile, stored if tile.level == 0 else self._rows.tile(tile.level, tile.number))
            rest = rest[length:]
            self._check_roots()
        self._broken |= len(known) < len(leaves)

    def _next_root(self) -> int:
        """The next size at which a root is asked for, which is above the present one."""
        checkpoint = self._checkpoint.size if self._checkpoint is not None else MAX_SIZE
        head = self._head.new_size if self._head is not None else MAX_SIZE
        return min((size for size in (checkpoint, head) if size > self._builder.size), default=MAX_SIZE)

    def saved(self) -> SavedTree:
        """The tree as it has grown."""
        return SavedTree(self._builder.size, self._builder.partial_tiles(), self._broken)

    def resume(self, saved: SavedTree) -> None:
        """Go on from there. Checkpoints and heads below were compared; that of a published log is now the newest."""
        self._builder, self._broken = TileBuilder(saved.size, saved.partial_tiles), saved.broken
        seen = saved.size if self._rows.tables is not None else saved.size - 1
        while self._checkpoint is not None and self._checkpoint.size <= seen:
            self._checkpoint = next(self._checkpoints, None)
        while self._head is not None and self._head.new_size <= saved.size:
            self._head = next(self._heads, None)
        if self._rows.tables is None:
            self._findings.counts["checkpoints"] = 0
            self._check_roots()

    def break_off(self) -> None:
        """No leaf is known from here on, so no root can be computed."""
        self._broken = True

    def _check_tile(self, tile: FullTile, stored: TileRow | None) -> None:
        findings, key = self._findings, f"{tile.level}/{tile.number}"
        findings.counts["tiles"] += stored is not None
        # Tiles are stored with the checkpoint that covers them. Smaller checkpoints are past, so this one decides.
        if self._checkpoint is None:
            if stored is not None:
                findings.fault(3, "tiles", key, "row", "none above the newest checkpoint", "one")
            return
        if stored is None:
            findings.fault(3, "tiles", key, "row", "one", self._rows.why_missing(tile.level, tile.number))
        elif len(stored.hashes) != len(tile.hashes):
            findings.fault(3, "tiles", key, "bytes", len(tile.hashes), len(stored.hashes))
        else:
            self._compare_hashes(key, tile.hashes, stored.hashes)
            # Where the tile above a published one is not there, it is named for itself.
            if stored.root is not None or self._rows.tables is not None:
                findings.compare(3, "tiles", key, "root", tile.root, stored.root)

    def _compare_hashes(self, key: str, grown: bytes, stored: bytes) -> None:
        if stored != grown:
            number = next(i for i in range(TILE_WIDTH) if hash_in(grown, i) != hash_in(stored, i))
            expected, found = hash_in(grown, number), hash_in(stored, number)
            self._findings.fault(3, "tiles", f"{key} hash {number}", "hashes", expected, found)

    def _check_edge(self) -> None:
        """The partial tiles of a published log."""
        for level, hashes in enumerate(self._builder.partial_tiles()):
            number = self._builder.size >> TILE_HEIGHT * (level + 1)
            if not hashes:
                continue
            key, stored = f"{level}/{number}.p/{len(hashes) // HASH_BYTES}", self._rows.tile(level, number)
            self._findings.counts["tiles"] += stored is not None
            if stored is None:
                self._findings.fault(3, "tiles", key, "row", "one", self._rows.why_missing(level, number))
            else:
                self._compare_hashes(key, hashes, stored.hashes)

    def _check_roots(self) -> None:
        size, root = self._builder.size, None
        while self._checkpoint is not None and self._checkpoint.size < size:
            self._findings.fault(3, "checkpoints", self._checkpoint.size, "size", "above 0, increasing", "lower")
            self._checkpoint = next(self._checkpoints, None)
        has_checkpoint = self._checkpoint is not None and self._checkpoint.size == size
        if has_checkpoint:
            root = self._builder.root()
            self._check_checkpoint(self._checkpoint, root)
            self._checkpoint = next(self._checkpoints, None)
        if self._head is not None and self._head.new_size == size:
            self._check_head(self._head, root or self._builder.root(), has_checkpoint)
            self._head = next(self._heads, None)

    def _check_checkpoint(self, row: CheckpointRow, root: bytes) -> None:
        findings = self._findings
        findings.counts["checkpoints"] += 1
        if not findings.compare(3, "checkpoints", row.size, "root", root, row.root):
            return
        expected = Checkpoint(self._origin, row.size, root)
        try:
            note = open_checkpoint(row.note, self._note_keys)
        except Error as error:
            findings.fault(3, "checkpoints", row.size, "note", "signed by a note key of the log", error)
        else:
            findings.compare(3, "checkpoints", row.size, "note", expected.to_text(), note.to_text())
        if row.signature is None and self._rows.tables is None:
            return
        signer = recover_one(self._domain.checkpoint(row.size, root), row.signature)
        if signer is None or not self._attribution.is_operator_key(signer, Purpose.CHECKPOINT):
            findings.fault(3, "checkpoints", row.size, "signature", "by a checkpoint key of the log", signer)

    def _check_head(self, head: WitnessEvent, root: bytes, has_checkpoint: bool) -> None:
        findings, block = self._findings, head.place.block_number
        findings.compare(
            4, CHAIN, f"head of {head.new_size} entries in block {block}", "root of the log", head.root, root
        )
        if not has_checkpoint and self._rows.tables is not None:
            findings.fault(3, "checkpoints", head.new_size, "row", f"one, witnessed in block {block}", "none")

    def finish(self, extent: int, settled_size: int) -> None:
        """What lies above the last entry. `settled_size` is what the contract had witnessed before the database was
        opened, so that the database must hold it."""
        findings = self._findings
        if settled_size > extent:
            found = f"none: the log ends after {extent}, as an older copy of it would"
            findings.fault(4, "entries", extent, "row", f"an entry: the contract witnessed {settled_size}", found)
        if self._broken:
            findings.leave(3, "tiles", "", "tree", "checked to its end", "not checked above the missing entry")
            return
        while self._checkpoint is not None:
            findings.fault(3, "checkpoints", self._checkpoint.size, "size", f"at most {extent}", self._checkpoint.size)
            self._checkpoint = next(self._checkpoints, None)
        if self._rows.tables is None:
            self._check_edge()
            return
        widths = {level: extent >> TILE_HEIGHT * (level + 1) for level in range(TILE_LEVELS)}
        surplus = self._rows.tables.surplus_tile(widths)
        if surplus is not None:
            findings.fault(3, "tiles", f"{surplus[0]}/{surplus[1]}", "row", "none: the log is smaller", "one")


def hash_in(hashes: bytes, number: int) -> bytes:
    """One of a tile's hashes."""
    return hashes[number * HASH_BYTES : (number + 1) * HASH_BYTES]
