"""Which tiles stay in memory: full ones above the lowest, whatever else is asked for."""

from hashlib import sha256

import pytest

from anchors.core.merkle import tree_root
from anchors.core.tiles import TILE_WIDTH, FullTile, Tile
from ledger_service.usecases.log_tiles import OTHER_TILES_KEPT, UPPER_TILES_KEPT, LogTiles

UPPER_LEAVES = TILE_WIDTH * TILE_WIDTH


class StoredTiles:
    """The part of a tree that full tiles are read from; what is in `lost` is there no more."""

    def __init__(self) -> None:
        self.lost: set[int] = set()

    def tiles(self, level: int, begin: int, end: int) -> dict[int, FullTile]:
        return {
            number: FullTile(level, number, hashes_of(level, number), b"")
            for number in range(begin, end)
            if level not in self.lost
        }

    def tile_roots(self, level: int, begin: int, end: int) -> list[bytes]:
        return []

    def entries(self, begin: int, end: int) -> list[bytes]:
        return []


def hashes_of(level: int, number: int) -> bytes:
    return b"".join(sha256(b"%d %d %d" % (level, number, place)).digest() for place in range(TILE_WIDTH))


def test_upper_tiles_are_read_before_anybody_asks():
    stored = StoredTiles()
    tiles = LogTiles(stored)
    tiles.keep_upper(2 * UPPER_LEAVES + 1)
    stored.lost.add(1)
    hashes = hashes_of(1, 1)
    leaves = [hashes[begin : begin + 32] for begin in range(0, len(hashes), 32)]
    assert tiles.read(Tile(1, 1)) == hashes
    assert tiles.nodes(2 * UPPER_LEAVES + 1).read_nodes([(15, 3)]) == [tree_root(leaves[128:])]
    with pytest.raises(LookupError):
        tiles.read(Tile(1, 2))


def test_of_a_large_log_the_newest_upper_tiles_are_read():
    stored = StoredTiles()
    tiles = LogTiles(stored)
    tiles.keep_upper((UPPER_TILES_KEPT + 1) * UPPER_LEAVES)
    stored.lost.add(1)
    assert tiles.read(Tile(1, 1)) == hashes_of(1, 1)
    assert tiles.read(Tile(1, UPPER_TILES_KEPT)) == hashes_of(1, UPPER_TILES_KEPT)
    with pytest.raises(LookupError):
        tiles.read(Tile(1, 0))


def test_lowest_tiles_take_no_upper_tile_s_place():
    stored = StoredTiles()
    tiles = LogTiles(stored)
    tiles.keep_upper(UPPER_LEAVES)
    for number in range(OTHER_TILES_KEPT + UPPER_TILES_KEPT):
        tiles.read(Tile(0, number))
    stored.lost.update((0, 1))
    assert tiles.read(Tile(1, 0)) == hashes_of(1, 0)
    assert tiles.read(Tile(0, OTHER_TILES_KEPT + UPPER_TILES_KEPT - 1))
    with pytest.raises(LookupError):
        tiles.read(Tile(0, UPPER_TILES_KEPT - 1))


def test_a_tile_that_is_lost_is_left_to_whoever_asks_for_it():
    stored = StoredTiles()
    stored.lost.add(1)
    tiles = LogTiles(stored)
    tiles.keep_upper(UPPER_LEAVES)
    with pytest.raises(LookupError, match="tile/1/000"):
        tiles.read(Tile(1, 0))
