"""A stored log hashed entry by entry: into the log's tree, to the statements' ids, to the contents' hashes."""

from collections.abc import Sequence
from hashlib import sha256
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


def parts_of(row: StoredEntry) -> list[str | WithheldPart]:
    """The texts of its parts. Raises `VerificationFailed` where they cannot be read."""
    try:
        return _parts.decode(row.parts)
    except (msgspec.MsgspecError, UnicodeError, TypeError, RecursionError):
        raise changed("content", row.position) from None


class Hashing:
    """Hashes rows in log order. What is missing adds nothing."""

    def __init__(self, domain: Domain) -> None:
        self._domain = domain
        self._tree = CompactRange()

    def add(self, row: StoredEntry, parts: Sequence[str | WithheldPart]) -> None:
        """Hash the next entry and its parts. Raises `VerificationFailed` where id or content is another."""
        position, entry, id, _, _ = row
        if type(entry) is not bytes or len(entry) != ENTRY_BYTES:
            raise changed("entry", position)
        if self._domain.statement(entry[:STATEMENT_BYTES]) != id:
            raise changed("entry", position)
        if _content_hash(parts, position) != entry[CONTENT_FIELD]:
            raise changed("content", position)
        self._tree.append(leaf_hash(entry))

    @property
    def size(self) -> int:
        """How many were added."""
        return self._tree.size

    def root(self) -> bytes:
        """Of the tree over all that was added."""
        return self._tree.root()


def changed(what: str, position: int) -> VerificationFailed:
    """The entry, or its content, is another than was logged."""
    return VerificationFailed(
        f"the {what} at {position} is not what was signed and logged; see what 'huzheng audit' says of it"
    )


def _content_hash(parts: Sequence[str | WithheldPart], position: int) -> bytes:
    """The content hash of stored parts. A part's canonical text begins with its name."""
    hashed = [CONTENT_PREFIX]
    try:
        for part in parts:
            if type(part) is str:
                text = part.encode()
                name = text[_NAME_BEGINS : text.index(b'"', _NAME_BEGINS)]
                hashed += (name, b"\x00", sha256(b"\x00" + text).digest())
            else:
                hashed += (part.name.encode(), b"\x00", bytes.fromhex(part.leaf))
    except ValueError:
        raise changed("content", position) from None
    return sha256(b"".join(hashed)).digest()
