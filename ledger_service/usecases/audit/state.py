"""Where an audit stands, for one that goes on later: written into the scratch file together with what is in it."""

from collections.abc import Iterable
from hashlib import sha256

import msgspec

from anchors.core.encoding import encode_hex
from anchors.core.trust import Trust, TrustedLog, format_trust
from ledger_service.originals import TrustedOrigins
from ledger_service.usecases.audit.decisions import SavedDecisions
from ledger_service.usecases.audit.figures import SavedFigures
from ledger_service.usecases.audit.findings import Findings, SavedFindings
from ledger_service.usecases.audit.history import ChainHistory
from ledger_service.usecases.audit.scratch import Scratch, StateRefused
from ledger_service.usecases.audit.statements import SavedWalk, StatementWalk
from ledger_service.usecases.audit.stretches import STRETCH_ENTRIES
from ledger_service.usecases.audit.tree import SavedTree, TreeWalk

VERSION = 1
STRETCHES_A_SAVE = 16


class Saved(msgspec.Struct, frozen=True):
    """`head` is the `witnessId` of the first head that covers all of it."""

    head: bytes
    walk: SavedWalk
    tree: SavedTree
    decisions: SavedDecisions
    figures: SavedFigures
    findings: SavedFindings


_encoder, _decoder = msgspec.msgpack.Encoder(), msgspec.msgpack.Decoder(Saved)


def about(trust: Trust, log: TrustedLog, source: str, originals: TrustedOrigins) -> dict[str, str]:
    """Of what audit a state is: of which log and note keys, by which chain and contracts and which trust files of other
    logs, read from a `source` of which kind."""
    contracts = (trust.registry_contract, trust.witness_contract)
    others = {format_trust(originals.trust(origin)) for origin in originals.origins}
    return {
        "version": str(VERSION),
        "log": log.origin,
        "chain": f"{trust.chain_id} {encode_hex(trust.genesis)}",
        "pair of contracts": " ".join(f"{encode_hex(one.address)} {encode_hex(one.code_hash)}" for one in contracts),
        "set of note keys": _digest(str(key).encode() for key in log.keys),
        "set of foreign trust files": _digest(others),
        "source": source,
    }


def _digest(members: Iterable[bytes]) -> str:
    """Of a set, in whatever order it was given."""
    return sha256(b"".join(sorted(sha256(member).digest() for member in members))).hexdigest()


class Keeper:
    """Saves where the walk stands, and brings it back to where it stood."""

    def __init__(
        self,
        scratch: Scratch,
        history: ChainHistory,
        walk: StatementWalk,
        tree: TreeWalk,
        findings: Findings,
        extent: int,
    ):
        self._scratch = scratch
        self._history = history
        self._walk = walk
        self._tree = tree
        self._findings = findings
        final = (head for head in history.heads if head.place.block_number <= history.final_number)
        self._reach = min(extent, max((head.new_size for head in final), default=0))
        """Below this nothing can become another."""
        self._stretches = 0

    def resume(self) -> int:
        """Go on from what was saved; the position of the next entry. Raises `StateRefused`."""
        raw = self._scratch.saved()
        if raw is None:
            return 0
        try:
            saved = _decoder.decode(raw)
        except msgspec.MsgspecError as error:
            raise StateRefused(f"the state cannot be read ({error}); name a new file") from None
        if saved.head not in self._history.observable:
            raise StateRefused(f"the chain no longer has the head 0x{saved.head.hex()} of the state; name a new file")
        self._walk.resume(saved.walk)
        self._walk.decisions.resume(saved.decisions)
        self._walk.figures.resume(saved.figures)
        self._findings.resume(saved.findings)
        self._tree.resume(saved.tree)
        return saved.walk.position

    def take(self, position: int) -> None:
        """Everything below `position` was judged: save it now and then, and where no later stretch can be saved."""
        self._stretches += 1
        savable = position % STRETCH_ENTRIES == 0 and position <= self._reach
        last = position + STRETCH_ENTRIES > self._reach
        if self._scratch.lasts and savable and (last or self._stretches % STRETCHES_A_SAVE == 0):
            self._save(position)

    def _save(self, position: int) -> None:
        walk, tree = self._walk, self._tree
        head = self._history.heads[self._history.covering(position - 1)].witness_id
        kept = walk.saved(), tree.saved(), walk.decisions.saved(), walk.figures.saved(), self._findings.saved()
        self._scratch.save(_encoder.encode(Saved(head, *kept)))
