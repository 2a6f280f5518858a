"""What the audit reads: the log, from a database or as it is published; and every table of a database. All of it in one
unchanging view, in pieces that fit in memory."""

from collections.abc import Collection, Iterator
from typing import NamedTuple, Protocol

from anchors.core.block.proof import BlockProof
from ledger_service.usecases.hashed_log import StoredEntry
from ledger_service.usecases.ports import Logged
from ledger_service.usecases.privacy_ports import ReadingRow


class LogRow(NamedTuple):
    """Which log, on which chain, and how long it says it is."""

    origin: str
    chain_id: int
    genesis: bytes
    registry: bytes
    witness: bytes
    registry_code: bytes | None
    witness_code: bytes | None
    size: int


class StatementRow(NamedTuple):
    """What the index says of an entry. `links` is None where it is nothing that this service writes; `sha256` and `sm3`
    are how the digests of its document begin, None where its kind requires none."""

    id: bytes
    key: bytes
    links: dict[str, int] | None
    sha256: bytes | None
    sm3: bytes | None


class TileRow(NamedTuple):
    """A tile, without its place. Of a published log, `root` is what the tile above holds of it, None where that is not
    known."""

    hashes: bytes
    root: bytes | None


class CheckpointRow(NamedTuple):
    """A signed checkpoint. A published log does not show the `signature` for the chain: None."""

    size: int
    root: bytes
    note: bytes
    signature: bytes | None


class TimestampRow(NamedTuple):
    """A time-stamp token on the checkpoint of `size` entries; it may renew one of another number."""

    number: int
    size: int
    renews: int | None
    token: bytes
    stamped_at: int
    expires_at: int


class CosignatureRow(NamedTuple):
    """A witness's signature line on the checkpoint of `size` entries."""

    size: int
    witness: str
    line: str
    cosigned_at: int


class ReceiptRow(NamedTuple):
    """A promise; `positions` are indexes as big-endian uint64."""

    id: int
    first: int
    last: int
    positions: bytes
    accepted_at: int
    witness_by: int
    signature: bytes


class OutboxRow(NamedTuple):
    """A witness transaction that went out."""

    id: int
    new_size: int
    hash: bytes
    raw: bytes
    outcome: str | None


class ChainRow(NamedTuple):
    """How far the chain was followed."""

    tip_number: int
    tip_hash: bytes
    tip_parent: bytes
    tip_time: int
    final_number: int


class BlockRow(NamedTuple):
    """A block that was followed."""

    number: int
    hash: bytes
    parent: bytes
    time: int


class ChangeRow(NamedTuple):
    """A registry change, with the head after it and its place in the chain."""

    number: int
    time: int
    action: int
    institution: str
    role: str
    log: bytes
    key: bytes
    data: bytes
    head: bytes
    block_number: int
    block_hash: bytes
    transaction: bytes
    place: int


class HeadRow(NamedTuple):
    """A witnessed head, with its block's time and its place in the chain."""

    new_size: int
    old_size: int
    root: bytes
    registry_head: bytes
    registry_count: int
    witness_id: bytes
    time: int
    block_number: int
    block_hash: bytes
    transaction: bytes
    place: int


class HeadProofRow(NamedTuple):
    """A stored proof of a head's block; None where it is none."""

    new_size: int
    block_number: int
    proof: BlockProof | None


class Stretch(NamedTuple):
    """All rows about the positions of one stretch of the log, by position; of a published log no `statements`."""

    entries: dict[int, bytes]
    contents: dict[int, bytes]
    statements: dict[int, StatementRow]
    tiles: dict[int, TileRow]
    """Level 0 only, by number."""
    doubtful: frozenset[int] = frozenset()
    """The tiles that do not lead to what stands above them: an entry that differs from them is not the one to name."""


class PrefixCheck(NamedTuple):
    """How `prefixes` stands beside `entries`: the first entry among the `indexed` ones that it lacks, None where it has
    all of them; the first one that is young though a later one that begins alike is old, None where there is none; how
    many rows it should have, and has."""

    indexed: object
    missing: int | None
    misplaced: int | None
    expected: int
    found: int


class LogRows(Protocol):
    """The log, wherever it is read from. Raises `StoreUnavailable`, or `published.Unreachable` and `Withheld`."""

    @property
    def tables(self) -> "AuditRows | None":
        """The tables of its database; None where no database was given."""

    def extent(self) -> int:
        """One more than the highest position among the entries, 0 where there is none."""

    def next_position(self, position: int) -> int | None:
        """The first entry at or above a position."""

    def stretch(self, begin: int, end: int) -> Stretch:
        """The rows about positions begin to end (exclusive); `begin` is a multiple of 256."""

    def contents_at(self, positions: Collection[int]) -> dict[int, bytes]:
        """The stored parts at these positions."""

    def counted(self, size: int) -> Iterator[list[StoredEntry]]:
        """The entries below position `size` as figures are counted from them, in order, in pieces."""

    def logged(self, ids: Collection[bytes]) -> dict[bytes, Logged]:
        """What the index and the entries say of these statements."""

    def tile(self, level: int, number: int) -> TileRow | None:
        """One full tile; of a published log also the partial one at the right edge of a level."""

    def checkpoints(self) -> Iterator[CheckpointRow]:
        """All, smallest first; of a published log the newest alone."""

    def why_missing(self, level: int | None, number: int) -> str:
        """Why a tile, or a bundle of entries (level None), is not there."""


class AuditRows(LogRows, Protocol):
    """One view of the database that nothing changes while the audit reads it. Raises `StoreUnavailable`."""

    def log(self) -> LogRow | None:
        """The log's row."""

    def ids_at(self, positions: Collection[int]) -> dict[int, bytes]:
        """What the index says are the ids of the entries at these positions."""

    def count(self, table: str) -> int:
        """How many rows a table has."""

    def outside(self, table: str, end: int) -> int | None:
        """A position below 0 or from `end` on of which `table` has a row; None where there is none."""

    def prefixes(self) -> PrefixCheck | None:
        """How what entries are found by stands beside them; None where the database has indexes and checks them."""

    def surplus_tile(self, widths: dict[int, int]) -> tuple[int, int] | None:
        """A stored (level, number) outside 0 to `widths[level]` (exclusive); None where there is none."""

    def subjects(self) -> Iterator[tuple[bytes, str, int, int | None]]:
        """All as (subject, owner, first, current)."""

    def rulebook(self) -> Iterator[int]:
        """The positions that the book of rules lists, in order."""

    def streams(self) -> Iterator[tuple[bytes, int, int, bool]]:
        """All as (key, next_sequence, observed_size, frozen)."""

    def receipts(self) -> Iterator[ReceiptRow]:
        """All, in the order of their numbers."""

    def repeated_receipts(self) -> Iterator[tuple[int, int]]:
        """(id of the first, how many) of receipts with one and the same signature."""

    def holds(self) -> Iterator[tuple[int, int]]:
        """All as (position of what is named, position of the hold or dispute)."""

    def timestamps(self) -> Iterator[TimestampRow]:
        """All time-stamp tokens, by number."""

    def timestamp(self, number: int) -> TimestampRow | None:
        """The token of this number."""

    def cosignatures(self) -> Iterator[CosignatureRow]:
        """All cosignatures, by size and witness."""

    def checkpoint_root(self, size: int) -> bytes | None:
        """The root of the stored checkpoint of this size."""

    def readings(self) -> Iterator[ReadingRow]:
        """The reading log, in the order of its numbers."""

    def outbox(self) -> Iterator[OutboxRow]:
        """All, in the order of their numbers."""

    def chain(self) -> ChainRow | None:
        """How far the chain was followed."""

    def blocks(self) -> Iterator[BlockRow]:
        """All, lowest first."""

    def registry_changes(self) -> Iterator[ChangeRow]:
        """All, in the order of their numbers."""

    def heads(self) -> Iterator[HeadRow]:
        """All, smallest first."""

    def head_proofs(self) -> Iterator[HeadProofRow]:
        """All, smallest first."""
