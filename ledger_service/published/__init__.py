"""A log as its operator publishes it (C2SP tlog-tiles), read as any stranger reads it: bounded, and nothing believed.

http.py     over HTTP, for the monitor and the audit
folder.py   the same layout as files
"""

from typing import Protocol

from anchors.core.errors import Error, MalformedInput
from anchors.core.tiles import HASH_BYTES, Tile

MAX_BUNDLE_BYTES = 256 * (2 + 65_535)


class Unreachable(Error):
    """No answer, or one that is none. Asking again later may help."""


class Missing(Unreachable):
    """There is no such checkpoint, bundle or tile. Below the log's checkpoint there must be one."""


class TooLong(Unreachable):
    """More bytes than can ever stand there."""


class Withheld(Error):
    """The log does not show this to everybody."""


class PublishedLog(Protocol):
    """Every method raises `Unreachable` or `Withheld`."""

    def checkpoint(self) -> bytes:
        """The newest signed note."""

    def bundle(self, tile: Tile) -> bytes:
        """An entry bundle."""

    def hashes(self, tile: Tile) -> bytes:
        """A hash tile of exactly its width. Raises `MalformedInput` for another length."""

    def close(self) -> None:
        """Let go of it."""


def whole_tile(tile: Tile, data: bytes) -> bytes:
    """The bytes of a hash tile. Raises `MalformedInput` where they are not as many as its width says."""
    if len(data) != tile.width * HASH_BYTES:
        raise MalformedInput(f"{tile.path()}: {len(data)} bytes, expected {tile.width * HASH_BYTES}")
    return data
