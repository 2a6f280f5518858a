"""Steps 2, 3 and 5: whether an entry is what was logged, or the one that differs.

Three things tell of a statement: the entry, the leaf in its tile, the row in the index. Where they differ, the one that
stands alone is named; an entry whose signature recovers a key of the log cannot have been made up. A published log has
no index: there the tile above tells whether it is the tile that was changed.
"""

from collections.abc import Sequence

from anchors.core.tiles import HASH_BYTES, TILE_WIDTH
from ledger_service.usecases.audit.attribution import Attribution
from ledger_service.usecases.audit.findings import Findings
from ledger_service.usecases.audit.rows import Stretch
from ledger_service.usecases.audit.stretches import Item


def stored_leaves(rows: Stretch, *, published: bool) -> dict[int, bytes]:
    """The hashes of the tiles that can tell of entries, by number; of a published log the partial one too."""
    whole = TILE_WIDTH * HASH_BYTES
    return {
        number: tile.hashes
        for number, tile in rows.tiles.items()
        if number not in rows.doubtful and (len(tile.hashes) == whole or published)
    }


def are_sound(items: Sequence[Item], stored: bytes | None) -> bool:
    """Whether all of a tile's entries are as tile and index have them; False also where that is to be looked at one by
    one. `stored` are the leaf hashes in the tile, None where none tells."""
    leaves = b"".join([item.leaf for item in items])
    return stored is not None and stored.startswith(leaves) and all(map(_is_as_indexed, items))


def _is_as_indexed(item: Item) -> bool:
    row = item.row
    return item.statement is not None and (row is None or (row.id == item.id and row.key == item.signer))


def is_sound(item: Item, stored: bytes | None, attribution: Attribution, findings: Findings) -> bool:
    """Whether the entry is; a fault where it is not. `stored` is its leaf hash in the tile, None where none tells."""
    fault, position, row = findings.fault, item.position, item.row
    if item.statement is None:
        what = "row" if item.raw is None else "form"
        fault(2, "entries", position, what, "a well-formed entry", item.problem)
        return False
    authentic = item.signer is not None and attribution.is_known(item.signer)
    indexed = row is not None and row.id == item.id and row.key == item.signer
    if stored is not None and stored != item.leaf and not (authentic and indexed):
        fault(3, "entries", position, "leaf hash", stored, item.leaf)
        return False
    if not authentic and not indexed and row is not None:
        if row.id != item.id:
            fault(5, "entries", position, "statement id", row.id, item.id)
        else:
            fault(5, "entries", position, "signer", row.key, item.signer)
        return False
    return True
