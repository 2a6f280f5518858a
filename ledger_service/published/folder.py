"""A log as files: `checkpoint` and `tile/…` under one folder, as a copy of what is served over HTTP."""

from pathlib import Path

from anchors.core.note import MAX_NOTE_BYTES
from anchors.core.tiles import HASH_BYTES, Tile
from ledger_service.kept_files import UnfitFile, read_kept
from ledger_service.published import MAX_BUNDLE_BYTES, Missing, TooLong, Unreachable, whole_tile


class FolderLog:
    """A log under a folder. See `PublishedLog`."""

    def __init__(self, folder: Path):
        self._folder = folder

    def close(self) -> None:
        """See `PublishedLog`."""

    def checkpoint(self) -> bytes:
        """See `PublishedLog`."""
        return self._read("checkpoint", MAX_NOTE_BYTES)

    def bundle(self, tile: Tile) -> bytes:
        """See `PublishedLog`."""
        return self._read(tile.path(), MAX_BUNDLE_BYTES)

    def hashes(self, tile: Tile) -> bytes:
        """See `PublishedLog`."""
        return whole_tile(tile, self._read(tile.path(), tile.width * HASH_BYTES))

    def _read(self, name: str, most: int) -> bytes:
        path = self._folder / name
        try:
            return read_kept(path, most)
        except (FileNotFoundError, NotADirectoryError):
            raise Missing(f"{path}: there is no such file") from None
        except OSError as error:
            raise Unreachable(f"{path}: {error.strerror}") from None
        except UnfitFile as error:
            raise TooLong(f"{path}: {error}") from None
