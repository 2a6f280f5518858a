"""C2SP tlog-tiles: paths, widths, entry bundles, and the hashes of a tree read from its tiles (docs/spec/log.md)."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from anchors.core.encoding import MAX_UINT64
from anchors.core.errors import MalformedInput
from anchors.core.merkle import CompactRange, parent_hashes
from anchors.core.statement import ENTRY_BYTES

TILE_WIDTH = 256
TILE_HEIGHT = 8
HASH_BYTES = 32
MAX_LEVEL = 63
ENTRIES = "entries"

_PATH = re.compile(
    r"tile/(?P<level>entries|0|[1-9][0-9]?)/(?P<number>(?:x[0-9]{3}/){0,6}[0-9]{3})(?:\.p/(?P<width>[1-9][0-9]{0,2}))?"
)
_ENTRY_PREFIX = ENTRY_BYTES.to_bytes(2, "big")


@dataclass(frozen=True)
class Tile:
    """One tile: `level` 0 to 63, or None for an entry bundle; `number` in its level; `width` 1 to 256."""

    level: int | None
    number: int
    width: int = TILE_WIDTH

    @property
    def is_full(self) -> bool:
        """Whether the tile is 256 wide."""
        return self.width == TILE_WIDTH

    @classmethod
    def from_path(cls, path: str) -> "Tile":
        """The tile that `tile/<L>/<N>[.p/<W>]` names. Raises `MalformedInput`."""
        match = _PATH.fullmatch(path)
        if not match:
            raise MalformedInput(f"tile path {path[:80]!r}: expected tile/<level>/<number>[.p/<width>]")
        level = None if match["level"] == ENTRIES else int(match["level"])
        width = int(match["width"]) if match["width"] else TILE_WIDTH
        number = int(match["number"].replace("x", "").replace("/", ""))
        tile = cls(level, number, width)
        if (
            number > MAX_UINT64
            or (level or 0) > MAX_LEVEL
            or (match["width"] and width >= TILE_WIDTH)
            or tile.path() != path
        ):
            raise MalformedInput(f"tile path {path[:80]!r}: level, width or zero-padding is out of range")
        return tile

    def path(self) -> str:
        """`tile/<L>/<N>[.p/<W>]`, the number in zero-padded groups of three digits."""
        groups = []
        number = self.number
        while True:
            groups.append(f"{number % 1000:03d}")
            number //= 1000
            if not number:
                break
        encoded = "/".join([f"x{group}" for group in groups[:0:-1]] + [groups[0]])
        level = ENTRIES if self.level is None else str(self.level)
        return f"tile/{level}/{encoded}" + ("" if self.is_full else f".p/{self.width}")


def width_at(level: int | None, number: int, size: int) -> int:
    """How wide the tile is in a tree of `size` leaves: 0 where it does not exist, at most 256."""
    hashes = size >> (TILE_HEIGHT * (level or 0))
    return max(0, min(TILE_WIDTH, hashes - number * TILE_WIDTH))


def encode_bundle(entries: Sequence[bytes]) -> bytes:
    """An entry bundle: each entry (289 bytes) behind its length as a big-endian uint16."""
    return b"".join(_ENTRY_PREFIX + entry for entry in entries)


def decode_bundle(bundle: bytes) -> list[bytes]:
    """The entries of a bundle. Raises `MalformedInput` where a length runs past the end."""
    entries, position = [], 0
    while position < len(bundle):
        start = position + 2
        end = start + int.from_bytes(bundle[position:start], "big")
        if start > len(bundle) or end > len(bundle):
            raise MalformedInput(f"entry bundle: entry {len(entries)} runs past the end")
        entries.append(bundle[start:end])
        position = end
    return entries


class TileTree:
    """A hash tile's bytes (width * 32), and the complete subtrees over its hashes; each row of these is hashed when it
    is first asked for, and kept. Safe to use from several threads."""

    def __init__(self, hashes: bytes):
        self.hashes = hashes
        self._rows = [hashes]

    def node(self, height: int, index: int) -> bytes:
        """The hash over the tile's hashes index*2^height to (index+1)*2^height; shorter where the tile is too short."""
        rows = self._rows
        while len(rows) <= height:
            self._rows = rows = [*rows, parent_hashes(rows[-1])]
        return rows[height][index * HASH_BYTES : (index + 1) * HASH_BYTES]


class TileNodes:
    """A `merkle.NodeReader` over the tiles of a tree of `size` leaves.

    A tile that `fetch` gives may be wider than the one asked for: the surplus is ignored.
    """

    def __init__(self, size: int, fetch: Callable[[Tile], TileTree]):
        self._size = size
        self._fetch = fetch
        self._tiles: dict[tuple[int, int], TileTree] = {}

    def read_nodes(self, nodes: Sequence[tuple[int, int]]) -> list[bytes]:
        """Hashes of complete subtrees `(level, index)`; a tile is fetched once."""
        return [self._node(level, index) for level, index in nodes]

    def _node(self, level: int, index: int) -> bytes:
        tile_level, height = divmod(level, TILE_HEIGHT)
        number, place = divmod(index, TILE_WIDTH >> height)
        node = self._tile(tile_level, number).node(height, place)
        if len(node) < HASH_BYTES:
            raise MalformedInput(f"tile {Tile(tile_level, number).path()}: too short for a tree of {self._size} leaves")
        return node

    def _tile(self, level: int, number: int) -> TileTree:
        tile = self._tiles.get((level, number))
        if tile is None:
            tile = self._tiles[level, number] = self._fetch(Tile(level, number, width_at(level, number, self._size)))
        return tile


@dataclass(frozen=True)
class FullTile:
    """A full hash tile: 256 hashes (8,192 bytes) and the root over them, which stands in the tile above."""

    level: int
    number: int
    hashes: bytes
    root: bytes


class _Rightmost:
    """The partial tile at the right edge of one level."""

    def __init__(self, number: int, hashes: bytes = b""):
        self.number = number
        self.hashes = bytearray(hashes)
        self._range = CompactRange()

    @property
    def width(self) -> int:
        """How many hashes it has."""
        return len(self.hashes) // HASH_BYTES

    def range(self) -> CompactRange:
        """Its complete subtrees. What came since the last time is hashed now: most tiles become full unasked."""
        for position in range(self._range.size * HASH_BYTES, len(self.hashes), HASH_BYTES):
            self._range.append(bytes(self.hashes[position : position + HASH_BYTES]))
        return self._range


class TileBuilder:
    """Grows a tree and hands out each tile as it becomes full. Holds one partial tile per level."""

    def __init__(self, size: int = 0, partial_tiles: Sequence[bytes] = ()):
        """Go on from a tree of `size` leaves; `partial_tiles[level]` are the hashes of that level's partial tile."""
        self.size = size
        self._levels = [
            _Rightmost(size >> (TILE_HEIGHT * (level + 1)), hashes) for level, hashes in enumerate(partial_tiles)
        ]
        expected = [tile.width for tile in partial_tiles_of(size)]
        if [len(hashes) for hashes in partial_tiles] != [width * HASH_BYTES for width in expected]:
            raise MalformedInput(f"tile builder: the partial tiles do not belong to a tree of {size} leaves")

    def extend(self, leaves: bytes) -> list[FullTile]:
        """Append leaf hashes, 32 bytes each, behind each other; the tiles that became full, each before the one above
        it."""
        full: list[FullTile] = []
        begin = 0
        while begin < len(leaves):
            end = min(begin + TILE_WIDTH * HASH_BYTES - self._edge_bytes(), len(leaves))
            self._put(0, leaves[begin:end], full)
            begin = end
        self.size += len(leaves) // HASH_BYTES
        return full

    def partial_tiles(self) -> list[bytes]:
        """Of each level the hashes of its partial tile, from which a builder goes on."""
        return [bytes(level.hashes) for level in self._levels]

    def root(self) -> bytes:
        """The root over all leaves so far."""
        roots = [root for level in reversed(self._levels) for root in level.range().roots]
        return CompactRange(self.size, roots).root()

    def _edge_bytes(self) -> int:
        return len(self._levels[0].hashes) if self._levels else 0

    def _put(self, level: int, hashes: bytes, full: list[FullTile]) -> None:
        """Hashes for which there is room in the partial tile of a level."""
        if level == len(self._levels):
            self._levels.append(_Rightmost(0))
        rightmost = self._levels[level]
        rightmost.hashes += hashes
        if rightmost.width < TILE_WIDTH:
            return
        tile = bytes(rightmost.hashes)
        root = TileTree(tile).node(TILE_HEIGHT, 0)
        full.append(FullTile(level, rightmost.number, tile, root))
        self._levels[level] = _Rightmost(rightmost.number + 1)
        self._put(level + 1, root, full)


def partial_tiles_of(size: int) -> list[Tile]:
    """The partial tile of each level of a tree of `size` leaves, from level 0 up; width 0 where there is none."""
    tiles, level = [], 0
    while size >> (TILE_HEIGHT * level):
        hashes = size >> (TILE_HEIGHT * level)
        tiles.append(Tile(level, hashes // TILE_WIDTH, hashes % TILE_WIDTH))
        level += 1
    return tiles
