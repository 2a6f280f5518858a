"""The log's tiles as stored or as computed: full ones are kept, partial ones follow from what lies below."""

import threading
from collections import OrderedDict

from anchors.core.merkle import leaf_hash
from anchors.core.tiles import TILE_WIDTH, Tile, TileNodes, TileTree, encode_bundle
from ledger_service.usecases.ports import Tree

TILES_KEPT = 512
"""Eight megabytes with what was hashed over them: of a log of ten million entries all but the lowest stay in memory."""


class LogTiles:
    """Reads tiles of a tree. Whoever asks has checked that the tile lies under a checkpoint; then no tile of this
    level, number and width can ever have other hashes, and what was read once is kept. Safe to use from several
    threads."""

    def __init__(self, tree: Tree):
        self._tree = tree
        self._kept: OrderedDict[Tile, TileTree] = OrderedDict()
        self._lock = threading.Lock()

    def read(self, tile: Tile) -> bytes:
        """A hash tile's bytes (width * 32) or an entry bundle. Raises `LookupError` where it is not stored."""
        return self._read(tile) if tile.level is None else self._tree_of(tile).hashes

    def _tree_of(self, tile: Tile) -> TileTree:
        with self._lock:
            if tile in self._kept:
                self._kept.move_to_end(tile)
                return self._kept[tile]
        read = TileTree(self._read(tile))
        with self._lock:
            self._kept[tile] = read
            if len(self._kept) > TILES_KEPT:
                self._kept.popitem(last=False)
        return read

    def _read(self, tile: Tile) -> bytes:
        begin, end = tile.number * TILE_WIDTH, tile.number * TILE_WIDTH + tile.width
        if tile.level is None:
            return encode_bundle(_all(self._tree.entries(begin, end), tile))
        if tile.is_full:
            stored = self._tree.tiles(tile.level, tile.number, tile.number + 1)
            if tile.number in stored:
                return stored[tile.number].hashes
        if tile.level == 0:
            return b"".join(leaf_hash(entry) for entry in _all(self._tree.entries(begin, end), tile))
        return b"".join(_all(self._tree.tile_roots(tile.level - 1, begin, end), tile))

    def nodes(self, size: int) -> TileNodes:
        """Hashes of the tree of `size` leaves, for making proofs."""
        return TileNodes(size, self._tree_of)


def _all(items: list[bytes], tile: Tile) -> list[bytes]:
    if len(items) != tile.width:
        raise LookupError(f"{tile.path()}: {len(items)} of {tile.width} items are stored")
    return items
