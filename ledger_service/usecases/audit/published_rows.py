"""The log as its operator publishes it, as a source of rows; contents from whoever kept them. None of it is believed.

A tile is held against the tile above it, and the right edge of the tree against the checkpoint's root. So where an
entry and its tile differ, it is known which of them is not what was signed.
"""

from collections import OrderedDict
from collections.abc import Collection, Iterator

from anchors.core.checkpoint import Checkpoint
from anchors.core.errors import MalformedInput
from anchors.core.note import split_note
from anchors.core.statement import CONTENT_FIELD, ENTRY_BYTES, STATEMENT_BYTES
from anchors.core.tiles import (
    TILE_HEIGHT,
    TILE_WIDTH,
    Tile,
    TileBuilder,
    TileTree,
    decode_bundle,
    partial_tiles_of,
    width_at,
)
from anchors.core.typed_data import Domain
from ledger_service.published import Missing, PublishedLog, TooLong
from ledger_service.usecases.audit.rows import CheckpointRow, Stretch, TileRow
from ledger_service.usecases.audit.scratch import Scratch
from ledger_service.usecases.hashed_log import StoredEntry, changed
from ledger_service.usecases.ports import Logged

UPPER_TILES_KEPT = 64
REASONS_KEPT = 1_024
MOST_EMPTY_STRETCHES = 16
"""So many one after the other without a single entry, and nobody asks for more: a checkpoint may name any size."""


class PublishedRows:
    """`rows.LogRows` over a published log; what links lead to is found in `scratch`, which the walk fills."""

    tables = None

    def __init__(self, log: PublishedLog, origin: str, domain: Domain, scratch: Scratch):
        """Reads the checkpoint, whose note is verified later. Raises `Unreachable`, `Withheld`, or `MalformedInput`
        where it is none of the log `origin`."""
        self._log = log
        self._domain = domain
        self._scratch = scratch
        self._has_contents = bool(scratch.given)
        note = log.checkpoint()
        self.checkpoint = Checkpoint.from_text(split_note(note)[0])
        if self.checkpoint.origin != origin:
            raise MalformedInput(f"the checkpoint is of the log {self.checkpoint.origin[:128]}, not of {origin}")
        self._row = CheckpointRow(self.checkpoint.size, self.checkpoint.root, note, None)
        self._reasons: OrderedDict[tuple[int | None, int], str] = OrderedDict()
        self._upper: OrderedDict[Tile, bytes | None] = OrderedDict()
        self._empty_stretches = 0
        self._edge_is_sound: bool | None = None

    def extent(self) -> int:
        """See `LogRows`."""
        return self.checkpoint.size

    def checkpoints(self) -> Iterator[CheckpointRow]:
        """See `LogRows`."""
        return iter([self._row])

    def next_position(self, position: int) -> int | None:
        """See `LogRows`."""
        within = position < self.checkpoint.size and self._empty_stretches < MOST_EMPTY_STRETCHES
        return position if within else None

    def stretch(self, begin: int, end: int) -> Stretch:
        """See `LogRows`."""
        entries: dict[int, bytes] = {}
        tiles: dict[int, TileRow] = {}
        doubtful = set()
        for number in range(begin // TILE_WIDTH, -(-end // TILE_WIDTH)):
            entries |= self._bundle(number)
            tile = self.tile(0, number)
            if tile is not None:
                tiles[number] = tile
                if not self._leads_up(tile, number):
                    doubtful.add(number)
        self._empty_stretches = 0 if entries else self._empty_stretches + 1
        return Stretch(entries, self._contents(entries), {}, tiles, frozenset(doubtful))

    def tile(self, level: int, number: int) -> TileRow | None:
        """See `LogRows`."""
        hashes = self._hashes(level, number)
        return None if hashes is None else TileRow(hashes, self._held_above(level, number))

    def why_missing(self, level: int | None, number: int) -> str:
        """See `LogRows`."""
        return self._reasons.get((level, number), "none")

    def contents_at(self, positions: Collection[int]) -> dict[int, bytes]:
        """See `LogRows`."""
        return self._scratch.given.at(positions)

    def logged(self, ids: Collection[bytes]) -> dict[bytes, Logged]:
        """See `LogRows`."""
        return self._scratch.statements.find(ids)

    def counted(self, size: int) -> Iterator[list[StoredEntry]]:
        """See `LogRows`. Raises `VerificationFailed` where the log serves another entry than before."""
        for number in range(-(-size // TILE_WIDTH)):
            begin, end = number * TILE_WIDTH, min((number + 1) * TILE_WIDTH, size)
            entries, known = self._bundle(number), self._scratch.statements.between(begin, end)
            contents, piece = self._contents(entries), []
            for at in range(begin, end):
                entry, (id, links) = entries.get(at, b""), known.get(at, (None, ""))
                if self._domain.statement(entry[:STATEMENT_BYTES].ljust(STATEMENT_BYTES)) != id:
                    raise changed("entry", at)
                piece.append(StoredEntry(at, entry, id, links, contents.get(at)))
            yield piece

    def _bundle(self, number: int) -> dict[int, bytes]:
        """The entries of a bundle by position; none where it is not whole."""
        tile = Tile(None, number, width_at(None, number, self.checkpoint.size))
        try:
            entries = decode_bundle(self._log.bundle(tile))
            if len(entries) != tile.width:
                raise MalformedInput(f"{tile.path()} holds {len(entries)} entries, expected {tile.width}")
        except (Missing, TooLong, MalformedInput) as error:
            self._give_reason(tile, error)
            return {}
        return dict(enumerate(entries, number * TILE_WIDTH))

    def _contents(self, entries: dict[int, bytes]) -> dict[int, bytes]:
        if not self._has_contents:
            return {}
        wanted = {at: entry[CONTENT_FIELD] for at, entry in entries.items() if len(entry) == ENTRY_BYTES}
        return self._scratch.given.take(wanted)

    def _hashes(self, level: int, number: int) -> bytes | None:
        """A tile as far as the checkpoint reaches. Those above the lowest level are kept a while: each holds 256."""
        tile = Tile(level, number, width_at(level, number, self.checkpoint.size))
        if tile.width == 0:
            return None
        if tile in self._upper:
            return self._upper[tile]
        try:
            hashes = self._log.hashes(tile)
        except (Missing, TooLong, MalformedInput) as error:
            self._give_reason(tile, error)
            hashes = None
        if level:
            self._upper[tile] = hashes
            if len(self._upper) > UPPER_TILES_KEPT:
                self._upper.popitem(last=False)
        return hashes

    def _held_above(self, level: int, number: int) -> bytes | None:
        """The root of a full tile, as the tile above has it."""
        if width_at(level, number, self.checkpoint.size) < TILE_WIDTH:
            return None
        above = self._hashes(level + 1, number // TILE_WIDTH)
        return TileTree(above).node(0, number % TILE_WIDTH) if above is not None else None

    def _leads_up(self, tile: TileRow, number: int) -> bool:
        """Whether a tile of level 0 is part of what the checkpoint commits to, as far as it shows."""
        if tile.root is not None:
            return TileTree(tile.hashes).node(TILE_HEIGHT, 0) == tile.root
        return width_at(0, number, self.checkpoint.size) < TILE_WIDTH and self._is_edge_sound()

    def _is_edge_sound(self) -> bool:
        """Whether the partial tiles at the right edge lead to the checkpoint's root."""
        if self._edge_is_sound is None:
            size = self.checkpoint.size
            edge = [self._hashes(tile.level, tile.number) or b"" for tile in partial_tiles_of(size)]
            try:
                self._edge_is_sound = TileBuilder(size, edge).root() == self.checkpoint.root
            except MalformedInput:
                self._edge_is_sound = False
        return self._edge_is_sound

    def _give_reason(self, tile: Tile, error: Exception) -> None:
        self._reasons[tile.level, tile.number] = str(error)
        if len(self._reasons) > REASONS_KEPT:
            self._reasons.popitem(last=False)
