"""The log's tiles as stored or as computed: full ones are kept, partial ones follow from what lies below."""

from contextlib import suppress
from functools import lru_cache, partial

from anchors.core.merkle import leaf_hash
from anchors.core.tiles import TILE_HEIGHT, TILE_WIDTH, Tile, TileNodes, TileTree, encode_bundle
from ledger_service.usecases.ports import StoreUnavailable, Tree

UPPER_TILES_KEPT, OTHER_TILES_KEPT = 384, 128
"""Eight megabytes with what was hashed over them. Upper tiles are the full ones above the lowest level: of a log of ten
million entries there are 152, and proofs share them; they share hardly any other."""


class LogTiles:
    """Reads tiles of a tree. Whoever asks has checked that the tile lies under a checkpoint; then no tile of this
    level, number and width can ever have other hashes, and what was read once is kept. Safe to use from several
    threads."""

    def __init__(self, tree: Tree):
        self._tree = tree
        read = partial(_read_hashes, tree)
        self._upper, self._others = lru_cache(UPPER_TILES_KEPT)(read), lru_cache(OTHER_TILES_KEPT)(read)

    def read(self, tile: Tile) -> bytes:
        """A hash tile's bytes (width * 32) or an entry bundle. Raises `LookupError` where it is not stored."""
        if tile.level is None:
            return encode_bundle(_entries(self._tree, tile))
        return self._tree_of(tile).hashes

    def nodes(self, size: int) -> TileNodes:
        """Hashes of the tree of `size` leaves, for making proofs."""
        return TileNodes(size, self._tree_of)

    def keep_upper(self, size: int) -> None:
        """Read and hash what proofs from a tree of `size` leaves share, before anybody waits for one: some 0.4 ms for
        each 65,536 leaves. What is damaged is left to whoever asks for it, and to the audit."""
        full = size >> (2 * TILE_HEIGHT)
        for number in range(max(0, full - UPPER_TILES_KEPT), full):
            with suppress(StoreUnavailable, LookupError, TypeError):
                self._upper(Tile(1, number)).node(TILE_HEIGHT - 1, 0)

    def _tree_of(self, tile: Tile) -> TileTree:
        return (self._upper if tile.level and tile.is_full else self._others)(tile)


def _read_hashes(tree: Tree, tile: Tile) -> TileTree:
    if tile.is_full:
        stored = tree.tiles(tile.level, tile.number, tile.number + 1)
        if tile.number in stored:
            return TileTree(stored[tile.number].hashes)
    if tile.level == 0:
        return TileTree(b"".join(map(leaf_hash, _entries(tree, tile))))
    begin = tile.number * TILE_WIDTH
    return TileTree(b"".join(_all(tree.tile_roots(tile.level - 1, begin, begin + tile.width), tile)))


def _entries(tree: Tree, tile: Tile) -> list[bytes]:
    begin = tile.number * TILE_WIDTH
    return _all(tree.entries(begin, begin + tile.width), tile)


def _all(items: list[bytes], tile: Tile) -> list[bytes]:
    if len(items) != tile.width:
        raise LookupError(f"{tile.path()}: {len(items)} of {tile.width} items are stored")
    return items
