"""A stored log hashed in whole, entry by entry: into the log's tree, to the statements' ids, to the contents' hashes.

It takes as long as counting, needs nothing of it, and gives one root: so it may run in a process beside. That both saw
the same bytes is shown by the digest of them.
"""

from collections.abc import Iterable
from hashlib import blake2b, sha256
from typing import NamedTuple

import msgspec

from anchors.core.content import CONTENT_PREFIX
from anchors.core.errors import VerificationFailed
from anchors.core.merkle import CompactRange, leaf_hash
from anchors.core.statement import CONTENT_FIELD, ENTRY_BYTES, STATEMENT_BYTES
from anchors.core.typed_data import Domain
from ledger_service.usecases.submission import WithheldPart

_NAME_BEGINS = len('{"name":"')
_parts = msgspec.json.Decoder(list[str | WithheldPart])


class StoredEntry(NamedTuple):
    """One row: the entry, what the index says of it, and its parts (None: they are missing)."""

    position: int
    entry: bytes
    id: bytes
    links: str
    parts: bytes | None


class Hashed(NamedTuple):
    """The root of the tree over all entries that were there, and the digest of all bytes that were seen."""

    root: bytes
    seen: bytes


class Seen:
    """A digest of rows."""

    def __init__(self) -> None:
        self._digest = blake2b(digest_size=32)

    def add(self, row: StoredEntry) -> None:
        """The next row. Raises `VerificationFailed` where it holds what is no bytes."""
        _, entry, id, _, parts = row
        if type(entry) is not bytes or type(id) is not bytes:
            raise changed("entry", row.position)
        if type(parts) is not bytes:
            raise changed("content", row.position)
        self._digest.update(b"%d %d %b%b%b" % (len(entry), len(parts), entry, id, parts))

    def digest(self) -> bytes:
        """Of all rows, 32 bytes."""
        return self._digest.digest()


class Hashing:
    """Hashes rows in log order. What is missing adds nothing."""

    def __init__(self, domain: Domain) -> None:
        self._domain = domain
        self._tree = CompactRange()
        self._seen = Seen()

    def add(self, row: StoredEntry) -> None:
        """Hash the next entry and its parts. Raises `VerificationFailed` where id or content is another."""
        self._seen.add(row)
        position, entry, id, _, parts = row
        if len(entry) != ENTRY_BYTES or self._domain.statement(entry[:STATEMENT_BYTES]) != id:
            raise changed("entry", position)
        if _content_hash(parts, position) != entry[CONTENT_FIELD]:
            raise changed("content", position)
        self._tree.append(leaf_hash(entry))

    def result(self) -> Hashed:
        """Of all that was added."""
        return Hashed(self._tree.root(), self._seen.digest())


def hash_entries(pieces: Iterable[list[StoredEntry]], domain: Domain) -> Hashed:
    """Hash all entries of which the content is there. Raises `VerificationFailed`."""
    hashing = Hashing(domain)
    for piece in pieces:
        for row in piece:
            if row.parts is not None:
                hashing.add(row)
    return hashing.result()


def changed(what: str, position: int) -> VerificationFailed:
    """The entry, or its content, is another than was logged."""
    return VerificationFailed(
        f"the {what} at {position} is not what was signed and logged; see what 'huzheng audit' says of it"
    )


def _content_hash(stored: bytes, position: int) -> bytes:
    """The content hash of stored parts. A part's canonical text begins with its name."""
    hashed = [CONTENT_PREFIX]
    try:
        for part in _parts.decode(stored):
            if type(part) is str:
                name = part[_NAME_BEGINS : part.index('"', _NAME_BEGINS)]
                hashed += (name.encode(), b"\x00", sha256(b"\x00" + part.encode()).digest())
            else:
                hashed += (part.name.encode(), b"\x00", bytes.fromhex(part.leaf))
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise changed("content", position) from None
    return sha256(b"".join(hashed)).digest()
