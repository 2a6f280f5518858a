"""The log's right edge, where every new checkpoint begins: its entries, the tiles around it, the newest checkpoint."""

from anchors.core.encoding import encode_hex
from anchors.core.merkle import leaf_hash, tree_root
from anchors.core.tiles import TILE_HEIGHT, TILE_WIDTH, TileBuilder, partial_tiles_of
from ledger_service.usecases.incident import Incident
from ledger_service.usecases.log_tiles import LogTiles
from ledger_service.usecases.past import Past
from ledger_service.usecases.ports import SignedCheckpoint, Tree

ENTRIES_PER_READ = 4_096
_WHAT_TO_DO = "nothing is signed over it: restore the newest backup, or name the first row that differs by an audit"


def root_at(tree: Tree, size: int) -> bytes:
    """The root of the first `size` entries as tiles and entries have it, which need not be under a checkpoint yet.

    Raises `Incident` where rows are missing or a checkpoint of that size has another root."""
    newest = tree.newest_checkpoint()
    begin = min(size, newest.size if newest else 0)
    builder = builder_at(tree, begin)
    for position in range(begin, size, ENTRIES_PER_READ):
        builder.extend(b"".join(map(leaf_hash, tree.entries(position, min(position + ENTRIES_PER_READ, size)))))
    if builder.size != size:
        raise Incident(f"{size - builder.size} of the entries {begin} to {size - 1} are missing; {_WHAT_TO_DO}")
    root, checkpoint = builder.root(), tree.checkpoint_at(size)
    if checkpoint is not None and checkpoint.root != root:
        raise Incident(
            f"the checkpoint of {size} entries has root {encode_hex(checkpoint.root)}, tiles and entries have "
            f"{encode_hex(root)}; {_WHAT_TO_DO}"
        )
    return root


def builder_at(tree: Tree, size: int) -> TileBuilder:
    """The tree of the `size` entries under a checkpoint, ready to grow. Raises `Incident` where tiles are missing."""
    tiles = LogTiles(tree)
    try:
        return TileBuilder(size, [tiles.read(tile) if tile.width else b"" for tile in partial_tiles_of(size)])
    except LookupError as missing:
        raise Incident(f"the tree of {size} entries is not whole, {missing}; {_WHAT_TO_DO}") from None


def check_right_edge(tree: Tree, past: Past) -> None:
    """Raise `Incident` unless entries, tiles and newest checkpoint agree where the log will go on."""
    size, stored = past.extent()
    if size != stored:
        raise Incident(f"the log counts {size} entries and {stored} are stored; {_WHAT_TO_DO}")
    newest = tree.newest_checkpoint()
    covered = newest.size if newest else 0
    if covered > size:
        raise Incident(f"the newest checkpoint covers {covered} entries and {size} are stored; {_WHAT_TO_DO}")
    for level in range(len(partial_tiles_of(covered))):
        _check_last_tile(tree, level, covered)
    root_at(tree, covered)
    _check_nothing_beyond(tree, newest)


def _check_last_tile(tree: Tree, level: int, size: int) -> None:
    """The last full tile of a level: made of what lies below it, and hashing to its own root."""
    number = (size >> (TILE_HEIGHT * (level + 1))) - 1
    if number < 0:
        return
    tile = tree.tiles(level, number, number + 1).get(number)
    begin, end = number * TILE_WIDTH, (number + 1) * TILE_WIDTH
    if level:
        below = tree.tile_roots(level - 1, begin, end)
    else:
        below = [leaf_hash(entry) for entry in tree.entries(begin, end)]
    if tile is None or tile.hashes != b"".join(below) or tile.root != tree_root(below):
        what = "the entries" if level == 0 else f"the tiles of level {level - 1}"
        raise Incident(
            f"tile {number} of level {level} {'is missing' if tile is None else 'does not hash'} over {what} {begin} "
            f"to {end - 1}; {_WHAT_TO_DO}"
        )


def _check_nothing_beyond(tree: Tree, newest: SignedCheckpoint | None) -> None:
    number = _size(newest) // TILE_WIDTH
    if tree.tiles(0, number, number + 1) and _size(tree.newest_checkpoint()) == _size(newest):
        raise Incident(
            f"there is a tile beyond the newest checkpoint of {_size(newest)} entries: checkpoints are "
            f"missing; {_WHAT_TO_DO}"
        )


def _size(checkpoint: SignedCheckpoint | None) -> int:
    return checkpoint.size if checkpoint else 0
