"""Tiles as they grow, against the recursive definition of RFC 9162 section 2.1.1 and the formula of C2SP tlog-tiles."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anchors import MalformedInput, verify_consistency, verify_inclusion
from anchors.core.merkle import EMPTY_ROOT, consistency_proof, inclusion_proof
from anchors.core.tiles import FullTile, Tile, TileBuilder, TileNodes, TileTree, partial_tiles_of

WIDTH = 256
LARGEST = 66_000  # one full tile of level 1 (65,536 leaves) and some more

LEAVES = [sha256(b"leaf" + number.to_bytes(4, "big")).digest() for number in range(LARGEST)]


def _mth(leaves: list[bytes]) -> bytes:
    """MTH of RFC 9162, over leaf hashes."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return sha256(b"\x01" + _mth(leaves[:split]) + _mth(leaves[split:])).digest()


class _GrownLog:
    """A log grown leaf by leaf, with the tiles that became full; partial tiles are read from what lies below."""

    def __init__(self, size: int):
        self.size = size
        self.tiles: dict[tuple[int, int], FullTile] = {}
        self.builder = TileBuilder()
        for leaf in LEAVES[:size]:
            for tile in self.builder.extend(leaf):
                self.tiles[tile.level, tile.number] = tile

    def read(self, tile: Tile) -> bytes:
        if (tile.level, tile.number) in self.tiles:
            return self.tiles[tile.level, tile.number].hashes[: tile.width * 32]
        begin = tile.number * WIDTH
        if tile.level == 0:
            return b"".join(LEAVES[begin : begin + tile.width])
        return b"".join(self.tiles[tile.level - 1, number].root for number in range(begin, begin + tile.width))


@pytest.fixture(scope="module")
def large() -> _GrownLog:
    return _GrownLog(LARGEST)


def test_full_tiles_are_those_of_the_formula(large: _GrownLog) -> None:
    levels = [sum(level == wanted for level, _ in large.tiles) for wanted in range(3)]
    assert levels == [LARGEST // WIDTH, LARGEST // WIDTH**2, 0]
    for number in (0, 1, 100, 256):
        hashes = b"".join(LEAVES[number * WIDTH : (number + 1) * WIDTH])
        assert large.tiles[0, number].hashes == hashes
        assert large.tiles[0, number].root == _mth(LEAVES[number * WIDTH : (number + 1) * WIDTH])
    assert large.tiles[1, 0].root == _mth(LEAVES[: WIDTH**2])


@pytest.mark.parametrize("size", [0, 1, 2, 255, 256, 257, 511, 512, 65_535, 65_536, 65_537, LARGEST])
def test_the_root_is_the_recursive_one_at_every_kind_of_size(size: int) -> None:
    builder = TileBuilder()
    builder.extend(b"".join(LEAVES[:size]))
    assert builder.root() == _mth(LEAVES[:size])
    assert builder.size == size


@given(st.integers(0, LARGEST), st.integers(0, 600))
def test_a_builder_goes_on_from_partial_tiles(large: _GrownLog, size: int, more: int) -> None:
    end = min(LARGEST, size + more)
    partial = [large.read(tile) if tile.width else b"" for tile in partial_tiles_of(size)]
    builder = TileBuilder(size, partial)
    new_tiles = builder.extend(b"".join(LEAVES[size:end]))
    straight = _root_at(large, end)
    assert builder.root() == straight
    assert all(large.tiles[tile.level, tile.number] == tile for tile in new_tiles)


@given(st.lists(st.tuples(st.integers(0, 700), st.booleans()), max_size=8))
def test_pieces_of_any_length_make_the_same_tiles_and_roots(large: _GrownLog, pieces: list[tuple[int, bool]]) -> None:
    builder, tiles = TileBuilder(), []
    for length, ask in pieces:
        tiles += builder.extend(b"".join(LEAVES[builder.size : builder.size + length]))
        if ask:
            assert builder.root() == _root_at(large, builder.size)
    assert [tile.hashes for tile in tiles if tile.level == 0] == [
        b"".join(LEAVES[number * WIDTH : (number + 1) * WIDTH]) for number in range(builder.size // WIDTH)
    ]
    assert all(large.tiles[tile.level, tile.number] == tile for tile in tiles)
    assert builder.root() == _root_at(large, builder.size)


def test_partial_tiles_that_belong_to_another_size_are_refused() -> None:
    with pytest.raises(MalformedInput, match="do not belong"):
        TileBuilder(3, [b"".join(LEAVES[:2])])
    with pytest.raises(MalformedInput, match="do not belong"):
        TileBuilder(257, [LEAVES[0], b""])
    with pytest.raises(MalformedInput, match="do not belong"):
        TileBuilder(256, [b"".join(LEAVES[:256])])
    with pytest.raises(MalformedInput, match="do not belong"):
        TileBuilder(1, [LEAVES[0] + b"more"])


@given(st.integers(1, LARGEST), st.data())
def test_proofs_from_tiles_verify(large: _GrownLog, size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    old_size = data.draw(st.integers(0, size))
    nodes = TileNodes(size, lambda tile: TileTree(large.read(tile)))
    root = _root_at(large, size)
    verify_inclusion(LEAVES[index], index, size, inclusion_proof(index, size, nodes), root)
    proof = consistency_proof(old_size, size, nodes)
    verify_consistency(old_size, size, proof, _root_at(large, old_size), root)


def _root_at(log: _GrownLog, size: int) -> bytes:
    if size == 0:
        return EMPTY_ROOT
    partial = [log.read(tile) if tile.width else b"" for tile in partial_tiles_of(size)]
    return TileBuilder(size, partial).root()


def test_the_root_from_partial_tiles_is_the_recursive_one(large: _GrownLog) -> None:
    for size in (1, 255, 256, 300, 4_097, 65_537):
        assert _root_at(large, size) == _mth(LEAVES[:size])


@pytest.mark.parametrize("missing", [1, 31, 32])
@pytest.mark.parametrize("node", [(0, 3), (1, 1), (2, 0)])
def test_a_tile_that_is_too_short_is_refused(missing: int, node: tuple[int, int]) -> None:
    nodes = TileNodes(4, lambda tile: TileTree(b"".join(LEAVES[:4])[:-missing]))
    with pytest.raises(MalformedInput, match="too short"):
        nodes.read_nodes([node])
