"""What the use cases need of storage, and what is durable when a method returns.

Every value that crosses is ours: bytes, integers, frozen dataclasses. Times are Unix seconds, hashes 32 bytes, keys
20-byte addresses, an index is an entry's place in the log.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import msgspec

from anchors.chain.port import Block, RegistryEvent, WitnessEvent
from anchors.chain.transactions import Outbox as Outbox  # the one port of storage that is used below the use cases
from anchors.chain.transactions import OutgoingTransaction as OutgoingTransaction
from anchors.core.block.proof import BlockProof
from anchors.core.promise import Receipt
from anchors.core.registry import Change
from anchors.core.tiles import FullTile
from ledger_service.recognition.join import VersionState


class StoreUnavailable(Exception):
    """The database did not answer or did not take the write. Whether a commit persisted is unknown: read again."""


class LeaseLost(Exception):
    """Another process is the anchorer now: this one writes nothing and competes for the lease again."""


@dataclass(frozen=True)
class WorkerStanding:
    """How a worker of the anchorer fares: its present problem, empty where there is none. One that is not `needed`,
    such as one of several nodes, is told of and keeps nobody from being ready."""

    name: str
    problem: str
    needed: bool = True


@dataclass(frozen=True)
class Standing:
    """What the anchorer tells all processes: who it is and for how long, and what stands against promising.

    `term` grows by one with every holder, so it also counts the changes of the lease. `compared` and `caught_up` are of
    this term: the database was held against the chain's head, and the chain was followed to its tip. An `incident`
    outlives its term."""

    term: int = 0
    holder: str = ""
    remaining_seconds: float = 0.0
    compared: bool = False
    caught_up: bool = False
    incident: str = ""
    workers: tuple[WorkerStanding, ...] = ()

    @property
    def held(self) -> bool:
        """Whether a process holds the lease now."""
        return self.remaining_seconds > 0


@dataclass(frozen=True)
class Fence:
    """The term in which a process is the anchorer. Storage that is given one checks in the transaction of every write
    that the lease still has this term, and raises `LeaseLost` where it has not; without one nothing is checked."""

    term: int


class Lease(Protocol):
    """Who is the anchorer. What takes a fence raises `LeaseLost` once another process has taken over. All of it is
    durable on return."""

    def take(self) -> Fence | None:
        """Become the anchorer of a new term, if nobody is; None where somebody is."""

    def renew(self, fence: Fence, workers: Sequence[WorkerStanding]) -> None:
        """Hold the lease for its full length from now on, and tell how the workers fare."""

    def give_back(self, fence: Fence) -> None:
        """End the term, so that another can begin at once. A person stopped this process, so an incident ends too."""

    def passed_guard(self, fence: Fence) -> None:
        """The database was compared with the chain in this term."""

    def reached_tip(self, fence: Fence) -> None:
        """The view has reached the chain's tip. Only going back (`ChainView.roll_back`) takes this away."""

    def met_incident(self, fence: Fence, incident: str) -> None:
        """Nothing may be signed or promised any more, for this reason."""

    def standing(self) -> Standing:
        """What is known of the anchorer now. Any process may ask."""


class Logged(msgspec.Struct, frozen=True, gc=False):
    """A statement in the log, as later statements see it. `links` maps rel to the target's index, of an import
    `original` to the index in the other log."""

    index: int
    id: bytes
    kind: str
    institution: str
    subject: bytes
    links: dict[str, int] = {}


class Stream(msgspec.Struct, frozen=True, gc=False):
    """A key's stream: the next sequence number, the size of the head it observed last, whether it is frozen."""

    next_sequence: int = 0
    observed_size: int = 0
    frozen: bool = False


class SubjectState(msgspec.Struct, frozen=True, gc=False):
    """Who owns a subject, the index of the statement that began it, and that of its report's current version: None when
    withdrawn."""

    owner: str
    first: int
    current: int | None

    def version_at(self, index: int) -> VersionState:
        """What has become of the version at an index: a withdrawal withdraws every version before it."""
        if self.current is None:
            return "withdrawn"
        return "current" if self.current == index else "superseded"


HOLDING_KINDS = frozenset({"hold.placed", "dispute.opened"})
HOLDING_REL = "about"
"""Kinds that hold the statement behind their link of this name, until they are released or closed: it is shown to the
court that named it, and nothing of it is erased."""

PREFIX_BYTES = 7
"""Of ids, subjects and digests, by which entries are found. Whoever finds compares the whole. In an index each takes a
byte more, for its length, and eight is what PostgreSQL rounds up to."""


def digest_prefixes(digests: tuple[bytes, bytes] | None) -> tuple[bytes | None, bytes | None]:
    """How a document's SHA-256 and SM3 begin, by which the index finds it."""
    return (digests[0][:PREFIX_BYTES], digests[1][:PREFIX_BYTES]) if digests else (None, None)


class NewStatement(msgspec.Struct, frozen=True, gc=False):
    """A statement with its place in the log, ready to be stored. `digests` are the SHA-256 and the SM3 of the document
    that its kind requires, where it does."""

    logged: Logged
    key: bytes
    entry: bytes
    parts: bytes
    digests: tuple[bytes, bytes] | None


class NewReceipt(msgspec.Struct, frozen=True, gc=False):
    """A receipt with the indexes that it covers, in the answer's order, and its signature."""

    indexes: Sequence[int]
    receipt: Receipt
    signature: bytes


@dataclass(frozen=True)
class RegistryVersion:
    """Names one state of the followed registry: its newest head, how many changes it has, how many are final."""

    head: bytes
    count: int
    final_count: int


class SequencingTransaction(Protocol):
    """One transaction that holds the log's lock: nobody else takes an index until it ends."""

    size: int

    def registry_version(self) -> RegistryVersion:
        """Which state of the registry the follower has stored."""

    def registry_changes(self) -> list[Change]:
        """All stored changes, in order."""

    def logged(self, ids: Collection[bytes]) -> dict[bytes, Logged]:
        """Those of the statement ids that are in the log."""

    def streams(self, keys: Collection[bytes]) -> dict[bytes, Stream]:
        """Streams of the keys that have one."""

    def subjects(self, subjects: Collection[bytes]) -> dict[bytes, SubjectState]:
        """Those of the subjects that exist."""

    def final_heads(self, witness_ids: Collection[bytes]) -> dict[bytes, int]:
        """The size of each of these heads that is witnessed and final."""

    def append(
        self,
        statements: Sequence[NewStatement],
        streams: dict[bytes, Stream],
        subjects: dict[bytes, SubjectState],
        receipts: Sequence[NewReceipt],
    ) -> None:
        """Write everything. It is durable once the transaction's context ended without an error."""


class Ledger(Protocol):
    """Accepting statements."""

    def sequencing(self) -> AbstractContextManager[SequencingTransaction]:
        """Take the log's lock. Leaving the context commits, durably; an error inside rolls back.

        Raises `StoreUnavailable`; after that only reading again tells whether the commit persisted."""

    def freeze(self, key: bytes) -> int:
        """Freeze a key for good and return the first sequence number that was not accepted. Durable on return."""


@dataclass(frozen=True)
class SignedCheckpoint:
    """A checkpoint as signed: the note for readers, with the cosignatures that it has, and the checkpoint key's
    signature for the contract."""

    size: int
    root: bytes
    note: bytes
    signature: bytes
    signed_at: int


class Tree(Protocol):
    """The log's entries, full tiles and checkpoints."""

    def size(self) -> int:
        """How many entries are stored."""

    def entries(self, begin: int, end: int) -> list[bytes]:
        """Entries begin to end (exclusive), in order."""

    def tiles(self, level: int, begin: int, end: int) -> dict[int, FullTile]:
        """The stored full tiles of a level with numbers begin to end (exclusive)."""

    def tile_roots(self, level: int, begin: int, end: int) -> list[bytes]:
        """Roots of the stored full tiles begin to end (exclusive), in order."""

    def newest_checkpoint(self) -> SignedCheckpoint | None:
        """The checkpoint with the largest size."""

    def checkpoint_at(self, size: int) -> SignedCheckpoint | None:
        """The checkpoint of exactly this size."""

    def checkpoints(self, before: int | None, limit: int) -> list[SignedCheckpoint]:
        """Checkpoints smaller than `before`, newest first."""

    def provable(self, id: bytes) -> "Provable | None":
        """The statement of this id with what it may be proved under, asked at once: a proof is made of it."""

    def add_checkpoint(self, tiles: Iterable[FullTile], checkpoint: SignedCheckpoint, expected_size: int) -> bool:
        """Store tiles and checkpoint in one transaction if the newest checkpoint still has `expected_size` (0 where
        there is none); False where another process was quicker. Durable on return."""


@dataclass(frozen=True)
class ChainStatus:
    """How far the chain was followed. `final_number` is the newest final block, -1 before there is one."""

    tip: Block | None = None
    final_number: int = -1


@dataclass(frozen=True)
class FollowedBlocks:
    """What one step of the follower learned, to be stored in one transaction. `head_times` has the time of every block
    (by number) in which a head stands."""

    blocks: Sequence[Block]
    registry_events: Sequence[RegistryEvent]
    witness_events: Sequence[WitnessEvent]
    head_times: Mapping[int, int]
    status: ChainStatus


class ChainView(Protocol):
    """What is known of the chain. Rebuilt from the chain at any time."""

    def status(self) -> ChainStatus:
        """How far the chain was followed."""

    def recent_blocks(self, up_to: int | None = None, limit: int | None = None) -> list[Block]:
        """The stored blocks, newest first, at most `limit` of those up to a number: those of the newest blocks, and all
        that are not final, so that it is found where a reorganisation left off."""

    def add(self, followed: FollowedBlocks) -> None:
        """Store the next blocks with their events, and the status. Durable on return."""

    def roll_back(self, last_number: int, incident: str = "") -> None:
        """Forget all blocks above `last_number` and everything that stood in them, and keep `incident` where that is
        one: a process that dies on the way takes neither along. Durable on return."""

    def registry_events(self) -> list[RegistryEvent]:
        """All stored changes with their places, in order."""

    def covering_head(self, index: int) -> WitnessEvent | None:
        """The first head that covers the entry at `index`."""

    def head_of(self, witness_id: bytes) -> WitnessEvent | None:
        """The head of this id."""

    def head_time(self, head: WitnessEvent) -> int | None:
        """The time of the block in which a stored head stands, None where it left the chain meanwhile."""

    def newest_head(self, *, final: bool = False) -> WitnessEvent | None:
        """The newest head, or the newest in a block that is final."""

    def heads(self, before: int | None, limit: int) -> list[WitnessEvent]:
        """Heads with a size below `before`, newest first."""


class HeadProofs(Protocol):
    """What shows heads without a node (docs/spec/block.md), as far as it was captured. Rebuilt from the chain."""

    def unproven(self, above: int, below: int, limit: int) -> list[WitnessEvent]:
        """Heads in final blocks that have no proof, of a size above and below these, newest first."""

    def missing(self) -> int:
        """How many heads in final blocks have no proof."""

    def add(self, event: WitnessEvent, proof: BlockProof) -> None:
        """Store the proof of a head, if that is still what stands there and has none. Durable on return."""

    def proofs(self, sizes: Collection[int]) -> dict[int, BlockProof]:
        """The proofs of the heads of these sizes that have one."""


@dataclass(frozen=True)
class StoredStatement:
    """A statement as read back."""

    index: int
    id: bytes
    key: bytes
    entry: bytes
    parts: bytes


class Provable(NamedTuple):
    """A stored statement, the newest final head's checkpoint and the newest; either may be missing or not cover it."""

    stored: StoredStatement
    final: SignedCheckpoint | None
    newest: SignedCheckpoint | None


class Reader(Protocol):
    """Looking things up. Nothing here changes anything."""

    def statement(self, id: bytes) -> StoredStatement | None:
        """The statement of this id."""

    def timeline(self, subject: bytes, after: int | None, limit: int) -> list[StoredStatement]:
        """Statements about a subject with an index above `after`, in log order."""

    def by_document(self, digest: bytes, after: int | None, limit: int) -> list[StoredStatement]:
        """Statements whose document part has this SHA-256 or SM3 digest, in log order."""

    def subjects(self, subjects: Collection[bytes]) -> dict[bytes, SubjectState]:
        """Those of the subjects that exist, at the same cost however much is said about each."""

    def streams(self, keys: Sequence[bytes]) -> dict[bytes, Stream]:
        """The streams of those of the keys that signed something or were frozen."""

    def earliest_witness_by(self, from_index: int) -> int | None:
        """The earliest promise among receipts that cover an entry at or above `from_index`."""

    def promised_by(self, index: int) -> int | None:
        """The earliest promise among receipts that cover the entry at `index`."""


@dataclass(frozen=True)
class Promise:
    """When something was accepted, and by when it is to be witnessed."""

    accepted_at: int
    witness_by: int


class Promises(Protocol):
    """The receipts by their times."""

    def newest_accepted_at(self) -> int | None:
        """When the newest receipt was given."""

    def first_about(self, index: int) -> Promise | None:
        """The earliest promise about the entry at `index`, which is the oldest that waits: at the cost of one receipt's
        length, however many wait behind it."""
