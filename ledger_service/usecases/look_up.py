"""What is known about a statement now: its place, its state, its proof."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from anchors.chain.port import WitnessEvent
from anchors.core.content import Content
from anchors.core.merkle import inclusion_proof
from anchors.core.statement import STATEMENT_BYTES, Statement
from anchors.core.tlog_proof import Extra, TlogProof
from ledger_service import problems
from ledger_service.problems import Refused
from ledger_service.usecases.log_tiles import LogTiles
from ledger_service.usecases.ports import ChainView, Provable, Reader, SignedCheckpoint, StoredStatement, Tree
from ledger_service.usecases.submission import content_of, decode_parts


class State(StrEnum):
    """Where a statement is on its way; it is in exactly one."""

    ACCEPTED = "accepted"
    INTEGRATED = "integrated"
    WITNESSED = "witnessed"
    FINAL = "final"


@dataclass(frozen=True)
class Reached:
    """How many entries have reached each state, in order: a state holds for every index below its number."""

    accepted: int
    integrated: int
    witnessed: int
    final: int

    def state(self, index: int) -> State:
        """The state of the entry at `index`, which is in the log."""
        if index < self.final:
            return State.FINAL
        if index < self.witnessed:
            return State.WITNESSED
        return State.INTEGRATED if index < self.integrated else State.ACCEPTED


def read_reached(tree: Tree, view: ChainView) -> Reached:
    """How far the log has come by now."""
    newest, head = tree.newest_checkpoint(), view.newest_head()
    final = view.newest_head(final=True)
    return Reached(
        accepted=tree.size(),
        integrated=newest.size if newest else 0,
        witnessed=head.new_size if head else 0,
        final=final.new_size if final else 0,
    )


@dataclass(frozen=True)
class Standing:
    """A statement's state, whether the earliest promise about it was broken, and the first head that covers it."""

    state: State
    overdue: bool
    head: WitnessEvent | None


@dataclass(frozen=True)
class Read:
    """A stored statement with its content."""

    stored: StoredStatement
    content: Content

    @property
    def statement(self) -> Statement:
        """The seven fields."""
        return Statement.from_words(self.stored.entry[:STATEMENT_BYTES])


@dataclass(frozen=True)
class Found(Read):
    """A stored statement with its standing."""

    standing: Standing


class LookUp:
    """Answers questions about statements from the index and the followed chain."""

    def __init__(self, reader: Reader, tree: Tree, tiles: LogTiles, view: ChainView, now: Callable[[], int]):
        self._reader = reader
        self._tree = tree
        self._tiles = tiles
        self._view = view
        self._now = now

    def statement(self, id: bytes) -> Found:
        """The statement of this id. Raises `Refused` (`not-found`)."""
        return self._found(self._stored(id), self.reached())

    def timeline(self, subject: bytes, after: int | None, limit: int) -> list[Found]:
        """Statements about a subject in log order."""
        reached = self.reached()
        return [self._found(stored, reached) for stored in self._reader.timeline(subject, after, limit)]

    def by_document(self, digest: bytes, after: int | None, limit: int) -> list[Found]:
        """Statements whose document has this digest, in log order."""
        reached = self.reached()
        return [self._found(stored, reached) for stored in self._reader.by_document(digest, after, limit)]

    def found(self, stored: Sequence[StoredStatement]) -> list[Found]:
        """Statements that were read already, with their standing."""
        reached = self.reached()
        return [self._found(each, reached) for each in stored]

    def reached(self) -> Reached:
        """How far the log has come by now."""
        return read_reached(self._tree, self._view)

    def _standing(self, index: int, reached: Reached) -> Standing:
        """A promise is kept by the block of the first head that covers the entry, so one that was broken shows for
        ever: before there is such a head by the present time, then by the block's."""
        state = reached.state(index)
        head = self._view.covering_head(index) if index < reached.witnessed else None
        witnessed_at = self._view.head_time(head) if head else None
        if witnessed_at is None:  # not witnessed yet, or no longer: the chain may be replaced between two questions
            head, witnessed_at = None, self._now()
        promised = self._reader.promised_by(index)
        return Standing(state, promised is not None and promised < witnessed_at, head)

    def proof(self, id: bytes, show: Callable[[Read], Content]) -> bytes:
        """A `.tlog-proof` of the statement, with the content as `show` gives it. Raises `Refused` (`not-found`) before
        it is integrated, and then nothing is shown."""
        found = self._tree.provable(id)
        if found is None:
            raise _no_statement()
        stored, checkpoint = found.stored, _checkpoint_for(found)
        nodes = self._tiles.nodes(checkpoint.size)
        content = show(Read(stored, content_of(decode_parts(stored.parts))))
        return TlogProof(
            stored.index,
            inclusion_proof(stored.index, checkpoint.size, nodes),
            checkpoint.note,
            Extra(stored.key, stored.entry, content).encode(),
        ).format()

    def _stored(self, id: bytes) -> StoredStatement:
        stored = self._reader.statement(id)
        if stored is None:
            raise _no_statement()
        return stored

    def _found(self, stored: StoredStatement, reached: Reached) -> Found:
        standing = self._standing(stored.index, reached)
        return Found(stored, content_of(decode_parts(stored.parts)), standing)


def _checkpoint_for(found: Provable) -> SignedCheckpoint:
    """The newest final head's checkpoint where it covers the entry: a node can confirm it. Else the newest."""
    for checkpoint in (found.final, found.newest):
        if checkpoint is not None and checkpoint.size > found.stored.index:
            return checkpoint
    raise Refused(problems.NOT_FOUND, "the statement is accepted but not integrated yet; ask again in seconds")


def _no_statement() -> Refused:
    return Refused(problems.NOT_FOUND, "no statement of this id is in the log; check the id and the log")
