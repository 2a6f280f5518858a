"""Every entry is hashed into the tree that the monitor keeps, held against the tiles that are served, and judged."""

from collections.abc import Callable

from anchors.core.checkpoint import Checkpoint
from anchors.core.encoding import encode_base64
from anchors.core.errors import Error, MalformedInput
from anchors.core.merkle import leaf_hash
from anchors.core.statement import Entry
from anchors.core.tiles import HASH_BYTES, TILE_WIDTH, FullTile, Tile, TileBuilder, decode_bundle, width_at
from anchors.core.typed_data import Domain
from ledger_service.monitor.state import Edge, StateFile
from ledger_service.published import Withheld
from ledger_service.published.http import HttpLog
from ledger_service.usecases.audit.attribution import Attribution
from ledger_service.usecases.audit.history import ChainHistory

BUNDLES_A_SAVE = 64

Tell = Callable[..., None]


class Broken(Error):
    """The log serves something that does not hash to what it signed. `what` is the kind of alert, `more` what else it
    has."""

    def __init__(self, what: str, message: str, **more: object):
        super().__init__(message)
        self.what = what
        self.more = more


class TreeFollower:
    """Follows the tree of one log from what was verified to a checkpoint, one bundle in memory at a time."""

    def __init__(self, log: HttpLog, state: StateFile, domain: Domain, tell: Tell):
        self._log = log
        self._state = state
        self._domain = domain
        self._tell = tell

    def follow(self, checkpoint: Checkpoint, history: ChainHistory) -> None:
        """Hash all entries up to the checkpoint and hold the root against it; then it is verified. Whose signatures
        count is what the chain's `history` says.

        Raises `Broken` where they do not lead there, `Unreachable` where the log does not answer; what was verified
        before stays."""
        seen = self._state.seen
        start = seen.ahead if seen.ahead is not None and seen.ahead.size <= checkpoint.size else seen.verified
        builder, judge = start.builder(), self._judge(history)
        first = builder.size // TILE_WIDTH
        for done, number in enumerate(range(first, -(-checkpoint.size // TILE_WIDTH)), 1):
            width = min(TILE_WIDTH, checkpoint.size - number * TILE_WIDTH)
            self._take(builder, Tile(0, number, width), judge)
            if done % BUNDLES_A_SAVE == 0:
                seen.ahead = Edge.of(builder)
                self._state.save()
        if builder.root() != checkpoint.root:
            seen.ahead = None  # whatever of it was wrong is read again
            raise Broken("tree", f"the first {checkpoint.size} entries do not hash to the root of their checkpoint")
        self._check_edge(builder, checkpoint.size)
        seen.verified, seen.root, seen.ahead = Edge.of(builder), encode_base64(checkpoint.root), None

    def _take(self, builder: TileBuilder, tile: Tile, judge: Callable[[int, bytes], None]) -> None:
        """One bundle of entries, and the tile of their hashes."""
        begin = tile.number * TILE_WIDTH
        served = self._hashes(tile)
        leaves = [served[place : place + HASH_BYTES] for place in range(0, len(served), HASH_BYTES)]
        for place, entry in enumerate(self._entries(tile)):
            if leaf_hash(entry) != leaves[place]:
                raise Broken("entry", f"entry {begin + place} does not hash to its place in {tile.path()}")
            if begin + place >= builder.size:
                judge(begin + place, entry)
        for full in builder.extend(served[(builder.size - begin) * HASH_BYTES :]):
            self._check_full(full)

    def _entries(self, tile: Tile) -> list[bytes]:
        bundle = Tile(None, tile.number, tile.width)
        try:
            entries = decode_bundle(self._log.bundle(bundle))
        except Withheld:
            return []  # who said what is for auditors here; the hashes are for all
        except MalformedInput as error:
            raise Broken("entry", f"{bundle.path()}: {error}") from None
        if len(entries) != tile.width:
            raise Broken("entry", f"{bundle.path()} holds {len(entries)} entries, expected {tile.width}")
        return entries

    def _hashes(self, tile: Tile) -> bytes:
        try:
            return self._log.hashes(tile)
        except MalformedInput as error:
            raise Broken("tile", str(error)) from None

    def _check_full(self, full: FullTile) -> None:
        tile = Tile(full.level, full.number, TILE_WIDTH)
        if full.level and self._hashes(tile) != full.hashes:
            raise Broken("tile", f"{tile.path()} is not made of the tiles below it")

    def _check_edge(self, builder: TileBuilder, size: int) -> None:
        for level, hashes in enumerate(builder.partial_tiles()):
            number = size >> (8 * (level + 1))
            if level and hashes and self._hashes(Tile(level, number, width_at(level, number, size))) != hashes:
                raise Broken("tile", f"tile {number} of level {level} is not made of the tiles below it")

    def _judge(self, history: ChainHistory) -> Callable[[int, bytes], None]:
        """Whether an entry is attributable, by the registry as of the first head that covers it, or as of now."""
        attribution = Attribution(history.log_id, history.registry, [event.change for event in history.changes])

        def judge(position: int, raw: bytes) -> None:
            covering = history.covering(position)
            count = history.registry.count if covering is None else history.heads[covering].registry_count
            try:
                entry = Entry.from_bytes(raw)
                statement = entry.statement
                attribution.check(entry.signer(self._domain), statement.institution, statement.sequence, count)
            except Error as error:
                self._tell("attribution", f"entry {position} is logged and not attributable: {error}", index=position)

        return judge
