"""One look at a log: its checkpoint, its tree, the contract, other copies of its checkpoint, receipts."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from anchors.chain.port import Chain, ChainUnavailable
from anchors.core.checkpoint import Checkpoint
from anchors.core.cosignature import open_cosignatures
from anchors.core.encoding import decode_base64, encode_hex
from anchors.core.errors import Error, VerificationFailed
from anchors.core.merkle import consistency_proof, inclusion_proof, leaf_hash, verify_consistency, verify_inclusion
from anchors.core.note import open_note
from anchors.core.statement import Entry
from anchors.core.tiles import TILE_WIDTH, Tile, TileNodes, decode_bundle
from anchors.core.times import iso_time
from anchors.core.trust import Trust, TrustedLog
from ledger_service.monitor.chain import FollowedChain
from ledger_service.monitor.receipts import ReceiptWatch
from ledger_service.monitor.state import StateFile, checkpoint_of
from ledger_service.monitor.tree import Broken, TreeFollower
from ledger_service.published import Unreachable
from ledger_service.published.http import HttpLog
from ledger_service.usecases.audit.history import ChainHistory


@dataclass(frozen=True)
class Watched:
    """What is watched: the addresses of other copies of the checkpoint, a folder of receipts, how long a checkpoint may
    stand still, and from which block the chain is read."""

    others: Sequence[str] = ()
    receipts: Path | None = None
    still_seconds: int = 86_400
    first_block: int = 0


@dataclass(frozen=True)
class Signed:
    """A checkpoint that the log signed, and its note with the lines alone that were verified."""

    checkpoint: Checkpoint
    note: str


class Monitor:
    """Looks again and again; what it saw and verified is in the state file after each look."""

    def __init__(
        self,
        log: HttpLog,
        trust: Trust,
        named: TrustedLog,
        chain: Chain,
        state: StateFile,
        watched: Watched,
        now: Callable[[], int],
        give: Callable[[dict[str, Any]], None],
    ):
        """`give` is called with each alert as soon as it is found, and before the state says that it was."""
        self._log = log
        self._trust = trust
        self._named = named
        self._state = state
        self._watched = watched
        self._now = now
        self._give = give
        self._chain = FollowedChain(chain, trust, named, watched.first_block, self._tell)
        self._alerts: list[dict[str, Any]] = []
        self._told: set[tuple[str, str]] = set()
        self._domain = trust.domain(named)
        self._follower = TreeFollower(log, state, self._domain, self._tell)

    def look(self) -> list[dict[str, Any]]:
        """What is wrong now, one object an alert (docs/MONITOR.md)."""
        self._alerts, self._told = [], set()
        others = [(url, note) for url in self._watched.others if (note := self._attempt(self._log.note, url))]
        shown = self._read_checkpoint()
        checkpoint = shown.checkpoint if shown is not None else None
        history = self._attempt(self._chain.read)
        if checkpoint is not None and history is not None and self._is_newest(checkpoint):
            self._attempt(self._follower.follow, checkpoint, history)
        self._compare_with_signed()
        if history is not None:
            self._attempt(self._compare_with_contract, checkpoint, history)
            self._attempt(self._check_receipts, history)
        for url, note in others:
            self._attempt(self._compare_with_other, url, note)
        self._check_moving()
        self._state.save()
        return self._alerts

    def _tell(self, alert: str, what: str, **more: object) -> None:
        if (alert, what) not in self._told:
            self._told.add((alert, what))
            told = {"alert": alert, "log": self._named.origin, "what": what, "at": iso_time(self._now())} | more
            self._alerts.append(told)
            self._give(told)

    def _attempt(self, step: Callable[..., Any], *arguments: object) -> Any:
        """A step of the look; where it fails the others go on."""
        try:
            return step(*arguments)
        except Broken as error:
            self._tell(error.what, str(error), **error.more)
        except ChainUnavailable as error:
            self._tell("chain-unreachable", str(error))
        except Unreachable as error:
            self._tell("unreachable", str(error))
        except VerificationFailed as error:
            self._tell("split-view", str(error))
        except Error as error:
            self._tell("malformed", str(error))
        return None

    # The log

    def _read_checkpoint(self) -> Signed | None:
        note = self._attempt(self._log.checkpoint)
        if note is None:
            return None
        try:
            signed = self._open(note)
            shown = Signed(signed.checkpoint, signed.note + self._cosigned(note))
        except Error as error:
            self._tell("checkpoint", f"the log's checkpoint is not one to believe: {error}")
            return None
        self._keep(shown.checkpoint, shown.note)
        return shown

    def _open(self, data: bytes) -> Signed:
        note = open_note(data, self._named.keys)
        checkpoint = Checkpoint.from_text(note.text)
        if checkpoint.origin != self._named.origin:
            raise VerificationFailed(f"the checkpoint is of {checkpoint.origin}")
        return Signed(checkpoint, note.signed.decode("utf-8"))

    def _cosigned(self, note: bytes) -> str:
        """The lines of the trust file's witnesses, which must verify; that they are too few yet is nothing wrong."""
        keys = self._trust.policy.keys if self._trust.policy is not None else ()
        return "".join(cosignature.line for cosignature in open_cosignatures(note, keys))

    def _keep(self, checkpoint: Checkpoint, note: str) -> None:
        """Keep it where it is larger than all before it, though nobody may ever read an entry of it; otherwise it must
        be the largest once more."""
        seen, newest = self._state.seen, self._state.seen.newest()
        if newest is None or checkpoint.size > newest.size:
            seen.keep(note)
            seen.moved_at = self._now()
            self._state.save()
        elif checkpoint.size < newest.size:
            what = f"the log shows {checkpoint.size} entries, and had {newest.size}"
            self._tell("rollback", what, size=checkpoint.size, seen=newest.size, notes=[seen.signed[-1], note])
        elif checkpoint.root != newest.root:
            what = f"the log has two roots at {newest.size} entries: {encode_hex(newest.root)} and now "
            what += encode_hex(checkpoint.root)
            self._tell("split-view", what, size=checkpoint.size, notes=[seen.signed[-1], note])

    def _is_newest(self, checkpoint: Checkpoint) -> bool:
        newest = self._state.seen.newest()
        return newest is not None and (checkpoint.size, checkpoint.root) == (newest.size, newest.root)

    def _compare_with_signed(self) -> None:
        """Forget those that what is verified extends, but itself and the largest; what it does not extend is told at
        each look."""
        seen = self._state.seen
        seen.signed = [
            note for note in seen.signed if note == seen.signed[-1] or not self._attempt(self._is_extended, note)
        ]

    def _is_extended(self, note: str) -> bool:
        checkpoint = checkpoint_of(note)
        if checkpoint.size >= self._state.seen.verified.size:
            return False  # none but the verified one has its size
        self._check_consistent("a checkpoint that the log showed", checkpoint.size, checkpoint.root, note)
        return True

    def _check_moving(self) -> None:
        seen = self._state.seen
        still = self._now() - seen.moved_at if seen.moved_at else 0
        if still > self._watched.still_seconds:
            self._tell("still", f"no larger checkpoint was seen for {still} s", seconds=still)

    def _root(self) -> bytes:
        return decode_base64(self._state.seen.root, "root")

    def _nodes(self) -> TileNodes:
        return TileNodes(self._state.seen.verified.size, self._log.nodes)

    # The chain

    def _compare_with_contract(self, checkpoint: Checkpoint | None, history: ChainHistory) -> None:
        """The newest head must be in the log: the contract saw to the heads before it."""
        seen, heads = self._state.seen, history.heads
        if not heads:
            return
        newest = heads[-1]
        if checkpoint is not None and newest.new_size > checkpoint.size:
            again = self._read_checkpoint()  # it may have been witnessed since it was read
            if again is not None and newest.new_size > (size := again.checkpoint.size):
                what = f"the log shows {size} entries, and the contract has witnessed {newest.new_size}"
                self._tell("rollback", what, size=size, witnessed=newest.new_size)
        within = [head for head in heads if seen.head < head.new_size <= seen.verified.size]
        if within:
            self._check_consistent("the contract", within[-1].new_size, within[-1].root)
            seen.head = within[-1].new_size

    def _check_consistent(self, who: str, size: int, root: bytes, note: str | None = None) -> None:
        """That the log extends a head, or a checkpoint under its own signature, whose `note` is then told."""
        seen = self._state.seen
        verified = seen.verified.size
        try:
            proof = consistency_proof(size, verified, self._nodes())
            verify_consistency(size, verified, proof, root, self._root())
        except VerificationFailed:
            what = f"{who} has {encode_hex(root)} at {size} entries, which the log of {verified} entries "
            what += "does not extend"
            more = {} if note is None else {"notes": [note, seen.verified_note()]}
            raise Broken("split-view", what, **more) from None

    # Others

    def _compare_with_other(self, url: str, note: bytes) -> None:
        """Another copy of the checkpoint, signed by the log."""
        try:
            copy = self._open(note)
        except Error as error:
            self._tell("other", f"{url}: not a checkpoint of the log: {error}")
            return
        other = copy.checkpoint
        if other.size <= self._state.seen.verified.size:
            self._check_consistent(url, other.size, other.root, copy.note)
            return
        again = self._read_checkpoint()
        if again is not None and (size := again.checkpoint.size) < other.size:
            what = f"the log shows {size} entries, and {url} has its signature on {other.size}"
            self._tell("rollback", what, size=size, other=other.size, notes=[copy.note, again.note])

    # Receipts

    def _check_receipts(self, history: ChainHistory) -> None:
        folder = self._watched.receipts
        if folder is not None:
            watch = ReceiptWatch(folder, history, self._domain, self._statement_at, self._tell)
            seen = self._state.seen
            seen.settled = watch.check(seen.settled, seen.verified.size)

    def _statement_at(self, index: int) -> bytes:
        """The id of the statement at an index below what was verified, under the verified root."""
        size, number = self._state.seen.verified.size, index // TILE_WIDTH
        tile = Tile(None, number, min(TILE_WIDTH, size - number * TILE_WIDTH))
        entries = decode_bundle(self._log.bundle(tile))
        place = index - number * TILE_WIDTH
        if place >= len(entries):
            raise Broken("entry", f"{tile.path()} holds {len(entries)} entries, expected {tile.width}")
        entry = entries[place]
        try:
            proof = inclusion_proof(index, size, self._nodes())
            verify_inclusion(leaf_hash(entry), index, size, proof, self._root())
        except VerificationFailed:
            raise Broken("entry", f"entry {index} does not hash to the root") from None
        return Entry.from_bytes(entry).statement.id(self._domain)
