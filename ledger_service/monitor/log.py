"""A C2SP log over HTTP, as a stranger reads it: bounded in time and bytes, and nothing of it believed."""

import httpx

from anchors.core.errors import Error, MalformedInput
from anchors.core.note import MAX_NOTE_BYTES
from anchors.core.tiles import HASH_BYTES, Tile, TileTree

TIMEOUT_SECONDS = 30.0
MAX_BUNDLE_BYTES = 256 * (2 + 65_535)
_WITHHELD = (401, 403)


class Unreachable(Error):
    """No answer, or one that is none. Asking again later may help."""


class Withheld(Error):
    """The log does not show this to everybody."""


class HttpLog:
    """A log under a URL prefix; and notes elsewhere."""

    def __init__(self, url: str):
        self._url = url.rstrip("/")
        self._client = httpx.Client(timeout=TIMEOUT_SECONDS, trust_env=False)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def checkpoint(self) -> bytes:
        """The signed note. Raises `Unreachable`."""
        return self.note(f"{self._url}/checkpoint")

    def note(self, url: str) -> bytes:
        """A note at any address. Raises `Unreachable`."""
        return self._get(url, MAX_NOTE_BYTES)

    def bundle(self, tile: Tile) -> bytes:
        """An entry bundle. Raises `Unreachable` or `Withheld`."""
        return self._get(f"{self._url}/{tile.path()}", MAX_BUNDLE_BYTES)

    def hashes(self, tile: Tile) -> bytes:
        """A hash tile of exactly its width. Raises `Unreachable`, or `MalformedInput` for another length."""
        data = self._get(f"{self._url}/{tile.path()}", tile.width * HASH_BYTES)
        if len(data) != tile.width * HASH_BYTES:
            raise MalformedInput(f"{tile.path()}: {len(data)} bytes, expected {tile.width * HASH_BYTES}")
        return data

    def nodes(self, tile: Tile) -> TileTree:
        """The same for proofs."""
        return TileTree(self.hashes(tile))

    def _get(self, url: str, most: int) -> bytes:
        try:
            with self._client.stream("GET", url) as response:
                if response.status_code in _WITHHELD:
                    raise Withheld(f"{url} is not shown without a token")
                if response.status_code != 200:
                    raise Unreachable(f"{url}: answers with status {response.status_code}")
                data = bytearray()
                for piece in response.iter_bytes():
                    data += piece
                    if len(data) > most:
                        raise Unreachable(f"{url}: more than {most} bytes")
                return bytes(data)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise Unreachable(f"{url}: {type(error).__name__}") from None
