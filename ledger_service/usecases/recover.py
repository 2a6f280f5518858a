"""Take a lost tail back from the senders: every statement under the index that was promised to it, by the same door
that accepted it before. Nothing else takes an index meanwhile, so the next one is always known."""

from collections.abc import Iterable
from dataclasses import dataclass

from anchors.chain.port import WitnessEvent
from anchors.core.encoding import encode_hex
from anchors.core.statement import Entry
from anchors.core.typed_data import Domain
from ledger_service.usecases.accept import Accepted, Door, NotAccepted
from ledger_service.usecases.incident import Incident
from ledger_service.usecases.integrate import Integrator
from ledger_service.usecases.ports import ChainView, Tree
from ledger_service.usecases.right_edge import root_at
from ledger_service.usecases.submission import read_submission

HEADS_PER_READ = 1_000


@dataclass(frozen=True)
class Promised:
    """A statement with the index that a receipt gave it, and the body of a submission that brings it alone."""

    index: int
    statement: bytes
    body: bytes


@dataclass(frozen=True)
class Recovered:
    """How far it went: statements taken back, those that were there, and the indexes that lie behind a missing one."""

    taken: int
    known: int
    size: int
    beyond: tuple[int, ...]


class Recovery:
    """Brings a restored ledger forward. No service may run on its database."""

    def __init__(self, door: Door, tree: Tree, domain: Domain, origin: str):
        self._door = door
        self._tree = tree
        self._domain = domain
        self._origin = origin

    def take_back(self, promised: Iterable[Promised]) -> Recovered:
        """Take back all that follows without a gap. One transaction each: after a refusal nothing behind it is taken.

        Raises `Incident` where an index was promised to two statements, or the door refuses what it had accepted."""
        by_index: dict[int, Promised] = {}
        for item in promised:
            other = by_index.setdefault(item.index, item)
            if other.statement != item.statement:
                raise _promised_twice(item.index, other.statement, item.statement)
        begin = size = self._tree.size()
        known = [item for index, item in by_index.items() if index < begin]
        for item in known:
            self._check_known(item)
        while size in by_index:
            self._take(by_index[size])
            size += 1
        beyond = tuple(sorted(index for index in by_index if index > size))
        return Recovered(size - begin, len(known), size, beyond)

    def _check_known(self, item: Promised) -> None:
        (entry,) = self._tree.entries(item.index, item.index + 1)
        here = Entry.from_bytes(entry).statement.id(self._domain)
        if here != item.statement:
            raise _promised_twice(item.index, here, item.statement)

    def _take(self, item: Promised) -> None:
        checked = self._door.check(read_submission(item.body, self._origin).statements)
        (result,) = self._door.commit([checked])[0].results
        if isinstance(result, NotAccepted):
            raise Incident(
                f"statement {encode_hex(item.statement)} of index {item.index} is refused now: {result.refused}; "
                "put that right and go on, or open a successor log"
            )
        if not isinstance(result, Accepted) or result.index != item.index or result.id != item.statement:
            raise Incident(
                f"statement {encode_hex(item.statement)} was promised index {item.index} and has {result.index}; "
                "restore the backup again, with every service on this database stopped"
            )


def sign_witnessed(integrator: Integrator, tree: Tree, view: ChainView) -> None:
    """Sign the lost checkpoints of all heads that the contract ever held, as proofs and audits need them. Raises
    `Incident` where such a head has another root than the entries."""
    newest = tree.newest_checkpoint()
    for head in _heads_above(view, newest.size if newest else 0):
        if head.new_size > tree.size():
            return
        if root_at(tree, head.new_size) != head.root:
            raise Incident(
                f"the contract's head of {head.new_size} entries has root {encode_hex(head.root)}, the entries have "
                "another: the log was forked or changed; open a successor log"
            )
        while integrator.run_once(up_to=head.new_size):
            pass


def _heads_above(view: ChainView, size: int) -> list[WitnessEvent]:
    """The heads larger than `size`, the smallest first."""
    found: list[WitnessEvent] = []
    while page := view.heads(found[-1].new_size if found else None, HEADS_PER_READ):
        above = [head for head in page if head.new_size > size]
        found += above
        if len(above) < len(page):
            break
    return found[::-1]


def _promised_twice(index: int, one: bytes, other: bytes) -> Incident:
    return Incident(
        f"index {index} was promised to {encode_hex(one)} and to {encode_hex(other)}: the log was forked; keep both "
        "receipts and open a successor log"
    )
