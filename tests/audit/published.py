"""A world's log as files, as its service would serve it; and logs that somebody made up."""

import json
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path

from anchors.core.tiles import TILE_HEIGHT, TILE_WIDTH, Tile, width_at
from ledger_service.published.folder import FolderLog
from ledger_service.usecases.audit import Audit, AuditResult
from ledger_service.usecases.audit.given import take_given
from ledger_service.usecases.audit.published_rows import PublishedRows
from ledger_service.usecases.audit.scratch import Scratch
from ledger_service.usecases.log_tiles import LogTiles
from tests.audit.world import World
from tests.monitor.proxy import own_log


def tiles_of(size: int) -> list[Tile]:
    """Every bundle and hash tile of a log of `size` entries."""
    found = []
    for level in (None, *range(-(-size.bit_length() // TILE_HEIGHT))):
        hashes = size >> TILE_HEIGHT * (level or 0)
        found += [Tile(level, n, width_at(level, n, size)) for n in range(-(-hashes // TILE_WIDTH))]
    return found


def write_log(folder: Path, size: int, read: Callable[[str], bytes]) -> Path:
    """Copy a log of `size` entries into a folder; `read` gives what stands at a path."""
    for path in ("checkpoint", *(tile.path() for tile in tiles_of(size))):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(read(path))
    return folder


def publish(world: World, folder: Path) -> Path:
    """The log as far as its newest checkpoint."""
    newest, tiles = world.tree.newest_checkpoint(), LogTiles(world.tree)
    read = lambda path: newest.note if path == "checkpoint" else tiles.read(Tile.from_path(path))  # noqa: E731
    return write_log(folder, newest.size, read)


def publish_other(world: World, folder: Path, entries: Sequence[bytes]) -> Path:
    """A log of these entries, whole in itself and signed by the operator."""
    return write_log(folder, len(entries), own_log(entries, world.city.note_key))


def write_contents(world: World, folder: Path, end: int) -> Path:
    """The contents below position `end`, as a reader keeps the answers about statements."""
    folder.mkdir()
    with sqlite3.connect(world.database.removeprefix("sqlite:///")) as connection:
        rows = "SELECT id, parts FROM entries JOIN contents USING (position) WHERE position < ?"
        for id, parts in connection.execute(rows, (end,)):
            (folder / f"{id.hex()}.json").write_text(json.dumps({"state": "final", "parts": json.loads(parts)}))
    return folder


def audit_published(world: World, folder: Path, contents: Path | None = None) -> AuditResult:
    """Audit a log as files against the chain, without the database."""
    trust = world.trust()
    audit = Audit(world.node, trust, trust.logs[0], world.city.deployment.block_number)
    audit.read_chain()
    with Scratch() as scratch:
        if contents is not None:
            take_given(contents, scratch.given)
        return audit.run(PublishedRows(FolderLog(folder), world.city.origin, audit.domain, scratch), scratch=scratch)
