"""What signing in, reading, recording what was read and erasing need of storage, beside `ports`.

All of it is durable when a method returns, and raises `StoreUnavailable` as there.
"""

from collections.abc import Collection, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from anchors.core.registry import Change
from ledger_service.usecases.ports import RegistryVersion, StoredStatement


class Sessions(Protocol):
    """Which challenges were answered, by which keys."""

    def open(self, nonce: bytes, key: bytes, expires_at: int, now: int, most: int) -> bool:
        """Remember that `key` answered the challenge; False where the challenge was answered before, or the key has
        `most` sessions already. What has expired by `now` is forgotten."""

    def end(self, nonce: bytes, key: bytes, until: int) -> None:
        """End the session of this key. Until then (Unix seconds) the challenge still counts as answered."""

    def key_of(self, nonce: bytes, now: int) -> bytes | None:
        """The key whose session this is, unless it expired."""


class RegistryStore(Protocol):
    """The registry as the follower stored it, and who is frozen."""

    def registry_version(self) -> RegistryVersion:
        """Which state of it is stored."""

    def registry_changes(self) -> list[Change]:
        """All changes, in order."""

    def is_frozen(self, key: bytes) -> bool:
        """Whether the operator froze the key."""


@dataclass(frozen=True)
class Relation:
    """How some institutions, taken as one, stand to a subject: whether they began it, whether they signed anything
    about it; the indexes of the versions that they opened on a basis that stands, and of the statements that a standing
    hold or dispute of theirs names."""

    owns: bool = False
    signed: bool = False
    opened: frozenset[int] = frozenset()
    named: frozenset[int] = frozenset()


class Relations(Protocol):
    """What the index says of who has to do with what."""

    def relation(self, subject: bytes, institutions: Collection[str]) -> Relation:
        """How they stand to the subject."""


class ReadingRow(NamedTuple):
    """A record of the reading log as stored: its number from 0, its RFC 8785 text, its hash, Unix seconds."""

    number: int
    record: bytes
    hash: bytes
    read_at: int


class Reading(NamedTuple):
    """What one request is about to show: to whom (no institution and no key: the operator token), in which request by
    which route; and of each statement its id, the basis and the names of the parts."""

    institution: str | None
    key: bytes | None
    roles: Collection[str]
    request: str
    route: str
    read: Collection[tuple[bytes, str, Collection[str]]]


class Readings(Protocol):
    """The reading log."""

    def append(self, reading: Reading, now: int) -> int:
        """Add a record and give its number. It is durable on return. Its time never goes back."""

    def rows(self, after: int | None, limit: int) -> list[ReadingRow]:
        """Records with numbers above `after`, in order."""

    def before(self, moment: int) -> tuple[int, bytes]:
        """How many records were made before a moment, and the hash of the last of them (zero where there is none).
        Everything that was begun before is in it."""


class Hold(NamedTuple):
    """A hold or a dispute that stands: its kind, and who signed it."""

    kind: str
    institution: str


class Held(NamedTuple):
    """A hold or a dispute, the statement that it names, and whether it stands still."""

    placed: StoredStatement
    about: StoredStatement
    stands: bool


class Disputes(Protocol):
    """What holds what."""

    def page(self, subject: bytes | None, institution: str | None, after: int | None, limit: int) -> list[Held]:
        """The first `limit` holds and disputes after an index, in log order: those that name a statement about the
        subject or are themselves about it, and that the institution signed, where these are given."""


class ErasureTransaction(Protocol):
    """Exists only while the log's row is locked."""

    def statement(self, id: bytes) -> StoredStatement | None:
        """The statement of this id."""

    def holds(self, subject: bytes) -> Iterator[Hold]:
        """What stands and names a statement about the subject."""

    def links(self, index: int) -> dict[str, int]:
        """The indexes behind a statement's links."""

    def replace(self, index: int, parts: bytes) -> None:
        """Put these parts in the place of a statement's."""


class Erasures(Protocol):
    """Taking parts out of the ledger."""

    def begin(self) -> AbstractContextManager[ErasureTransaction]:
        """Take the log's lock, so that no hold is accepted meanwhile. Leaving the context commits, durably; afterwards
        the file holds nothing of what was replaced, as far as the database can see to that."""

    def look(self) -> AbstractContextManager[ErasureTransaction]:
        """Read without the lock; nothing is replaced."""
