"""A C2SP log over HTTP: bounded in time and bytes."""

import time

import httpx

from anchors.core.note import MAX_NOTE_BYTES
from anchors.core.tiles import HASH_BYTES, Tile, TileTree
from ledger_service.published import MAX_BUNDLE_BYTES, Missing, TooLong, Unreachable, Withheld, whole_tile

TIMEOUT_SECONDS, WHOLE_SECONDS = 30.0, 180.0
"""So long silence is borne, and so long an answer may take that comes piece by piece."""
_WITHHELD = (401, 403)
_MISSING = (404, 410)


class HttpLog:
    """A log under a URL prefix, see `PublishedLog`; and notes elsewhere."""

    def __init__(self, url: str, token: str | None = None):
        """`token` is sent along, where bundles are for auditors."""
        self._url = url.rstrip("/")
        headers = {"Accept-Encoding": "identity"} | ({"Authorization": f"Bearer {token}"} if token else {})
        self._client = httpx.Client(timeout=TIMEOUT_SECONDS, trust_env=False, headers=headers)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def checkpoint(self) -> bytes:
        """See `PublishedLog`."""
        return self.note(f"{self._url}/checkpoint")

    def note(self, url: str) -> bytes:
        """A note at any address. Raises `Unreachable`."""
        return self._get(url, MAX_NOTE_BYTES)

    def bundle(self, tile: Tile) -> bytes:
        """See `PublishedLog`."""
        return self._get(f"{self._url}/{tile.path()}", MAX_BUNDLE_BYTES)

    def hashes(self, tile: Tile) -> bytes:
        """See `PublishedLog`."""
        return whole_tile(tile, self._get(f"{self._url}/{tile.path()}", tile.width * HASH_BYTES))

    def nodes(self, tile: Tile) -> TileTree:
        """The same for proofs."""
        return TileTree(self.hashes(tile))

    def _get(self, url: str, most: int) -> bytes:
        deadline = time.monotonic() + WHOLE_SECONDS
        try:
            with self._client.stream("GET", url) as response:
                if response.status_code in _WITHHELD:
                    raise Withheld(f"{url} is not shown without a token")
                if response.status_code != 200:
                    kind = Missing if response.status_code in _MISSING else Unreachable
                    raise kind(f"{url}: answers with status {response.status_code}")
                data = bytearray()
                for piece in response.iter_raw():
                    data += piece
                    if len(data) > most:
                        raise TooLong(f"{url}: more than {most} bytes")
                    if time.monotonic() > deadline:
                        raise Unreachable(f"{url}: not whole after {WHOLE_SECONDS:.0f} s")
                return bytes(data)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise Unreachable(f"{url}: {type(error).__name__}") from None
