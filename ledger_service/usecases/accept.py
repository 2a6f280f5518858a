"""Accept submissions: check each statement, take places for all of them in one transaction, promise by receipt.

check (no lock, any thread)  ->  group commit (one lock, one transaction, many requests)  ->  receipt
"""

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import msgspec

from anchors.core.promise import Receipt, Refusal, accepted_hash
from anchors.core.signature import address_from_secret
from anchors.core.typed_data import Domain
from ledger_service import problems
from ledger_service.originals import TrustedOrigins
from ledger_service.problems import Refused
from ledger_service.usecases.check import Checked, Checker, Rejected
from ledger_service.usecases.ports import Ledger, NewReceipt, SequencingTransaction, StoreUnavailable
from ledger_service.usecases.registry_view import DoorRegistry
from ledger_service.usecases.sequence import Sequencing
from ledger_service.usecases.submission import Item

GROUP_STATEMENTS = 4_000
ENOUGH_STATEMENTS = 1_500
LONGEST_WAIT_SECONDS = 0.1
"""A group that is smaller waits for so long for those that are on their way."""
WAITING_REQUESTS = 512

_log = logging.getLogger(__name__)


class Accepted(msgspec.Struct, frozen=True, gc=False):
    """A statement that has its index; `known` where an earlier request brought it."""

    id: bytes
    index: int
    known: bool


class SignedRefusal(msgspec.Struct, frozen=True):
    """A refusal as signed by the receipt key."""

    refusal: Refusal
    signature: bytes


class NotAccepted(msgspec.Struct, frozen=True):
    """A refused statement, with the signed refusal where its signature was right."""

    id: bytes | None
    refused: Refused
    refusal: SignedRefusal | None


@dataclass(frozen=True)
class Answer:
    """The answer to one request: a receipt over what has an index, and one result for each statement in order."""

    receipt: NewReceipt | None
    results: Sequence[Accepted | NotAccepted]


Requests = Sequence[Sequence[Checked | Rejected]]
"""Checked requests, each of its statements in order."""


class Door:
    """Takes submissions for one log and promises what it accepted."""

    def __init__(
        self,
        ledger: Ledger,
        domain: Domain,
        receipt_secret: bytes,
        promise_seconds: int,
        now: Callable[[], int],
        originals: TrustedOrigins | None = None,
    ):
        """`originals` are the trust files for other logs, by which imports are checked."""
        self._ledger = ledger
        self._domain = domain
        self._receipt_secret = receipt_secret
        self.receipt_key = address_from_secret(receipt_secret)
        self._promise_seconds = promise_seconds
        self._now = now
        self._registry: DoorRegistry | None = None
        self._checker = Checker(domain, self._other_domains, originals)

    def look(self) -> None:
        """Read the registry, before anything is checked; every commit reads it again where it changed.

        Raises `StoreUnavailable`."""
        with self._ledger.sequencing() as transaction:
            self._registry_at(transaction)

    def check(self, statements: Sequence[Item]) -> list[Checked | Rejected]:
        """Judge each statement by itself. Needs no lock and no database; any number of threads may do it at once."""
        return self._checker.check(statements, self._now())

    def commit(self, requests: Requests, join: Callable[[], Requests] = list) -> list[Answer]:
        """Take places for the statements of several requests in one transaction, durably, and answer each; those
        that `join` gives once the lock is held stand behind the others.

        Raises `StoreUnavailable`; the senders then send again, and what persisted is answered with its index."""
        with self._ledger.sequencing() as transaction:
            requests = [*requests, *join()]
            items = [item for request in requests for item in request]
            checked = [item for item in items if isinstance(item, Checked)]
            rejected = {item.id for item in items if isinstance(item, Rejected) and item.signed}
            sequencing = Sequencing(transaction, self._registry_at(transaction), checked, rejected)
            answers = [self._answer(request, sequencing) for request in requests]
            receipts = [answer.receipt for answer in answers if answer.receipt]
            transaction.append(sequencing.taken, sequencing.changed_streams, sequencing.changed_subjects, receipts)
        return answers

    def _answer(self, request: Sequence[Checked | Rejected], sequencing: Sequencing) -> Answer:
        now = self._now()
        results = [self._place(item, sequencing, now) for item in request]
        accepted = [result for result in results if isinstance(result, Accepted)]
        return Answer(self._promise(accepted, now) if accepted else None, results)

    def _place(self, item: Checked | Rejected, sequencing: Sequencing, now: int) -> Accepted | NotAccepted:
        if isinstance(item, Rejected) and not item.signed:
            return NotAccepted(item.id, item.refused, None)
        known = sequencing.already_logged(item.id)
        if known is not None:
            return Accepted(item.id, known, known=True)
        try:
            if isinstance(item, Rejected):
                raise item.refused
            return Accepted(item.id, sequencing.take(item), known=False)
        except Refused as refused:
            return NotAccepted(item.id, refused, self._refuse(item.id, refused, now))

    def _refuse(self, id: bytes, refused: Refused, now: int) -> SignedRefusal:
        refusal = Refusal(id, refused.problem.code, now)
        return SignedRefusal(refusal, refusal.sign(self._domain, self._receipt_secret))

    def _promise(self, accepted: Sequence[Accepted], now: int) -> NewReceipt:
        receipt = Receipt(accepted_hash([(item.id, item.index) for item in accepted]), now, now + self._promise_seconds)
        signature = receipt.sign(self._domain, self._receipt_secret)
        return NewReceipt([item.index for item in accepted], receipt, signature)

    def _registry_at(self, transaction: SequencingTransaction) -> DoorRegistry:
        version = transaction.registry_version()
        if self._registry is None or self._registry.version != version:
            self._registry = DoorRegistry(self._domain, transaction.registry_changes(), version)
        return self._registry

    def _other_domains(self) -> list[Domain]:
        return self._registry.other_logs(self._domain) if self._registry else []


Settle = Callable[[Sequence[tuple[Any, Answer | Refused]]], None]
"""Hands outcomes to the futures that wait for them, wherever these may be handed something."""
_Waiting = tuple[Sequence[Checked | Rejected], Any]
"""A checked request, and the future that waits for its answer."""


def settle_here(outcomes: Sequence[tuple[Any, Answer | Refused]]) -> None:
    """Settle in this thread. Whoever stopped waiting is left out."""
    for future, outcome in outcomes:
        if future.done():
            continue
        if isinstance(outcome, Refused):
            future.set_exception(outcome)
        else:
            future.set_result(outcome)


class GroupCommit:
    """One thread that commits the requests that wait, together. A transaction costs a disk flush and, of every index,
    nearly a page a statement; sharing it is what makes single statements affordable, and the only lock holder in a
    process never waits for itself. It waits a little for those that are on their way, and not at all where none is;
    it is woken once for all of them, because every waking takes the interpreter away from whoever checks."""

    def __init__(self, door: Door, settle: Settle = settle_here):
        self._door = door
        self._settle = settle
        self._changed = threading.Condition()
        self._waiting: deque[_Waiting] = deque()
        self._statements = 0
        """Of those that wait."""
        self._coming = 0
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="group-commit", daemon=True)
        self._thread.start()

    @contextmanager
    def expecting(self) -> Iterator[None]:
        """A request is on its way: inside it is read, checked and, if all goes well, submitted. Entered on one thread
        only."""
        self._coming += 1
        try:
            yield
        finally:
            self._coming -= 1
            if not self._coming and self._waiting:
                self._wake()

    def submit(self, request: Sequence[Checked | Rejected], future: Any) -> None:
        """Queue a checked request; its answer settles `future`, one of any kind that `settle` can settle.

        Raises `Refused` (`busy`) past the bound: nothing accepted is ever dropped."""
        with self._changed:
            if len(self._waiting) >= WAITING_REQUESTS:
                raise Refused(problems.BUSY, f"{WAITING_REQUESTS} requests are waiting; send again in a second")
            self._waiting.append((request, future))
            self._statements += len(request)
            # The first one starts the time that the group may wait.
            if len(self._waiting) == 1 or self._is_enough():
                self._changed.notify()

    def close(self) -> None:
        """Commit what waits, then stop."""
        self._closing = True
        self._wake()
        self._thread.join()

    def _wake(self) -> None:
        with self._changed:
            self._changed.notify()

    def _is_enough(self) -> bool:
        return self._closing or not self._coming or self._statements >= ENOUGH_STATEMENTS

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._closing)
                self._changed.wait_for(self._is_enough, LONGEST_WAIT_SECONDS)
            if not self._waiting:
                return
            self._commit(self._take(GROUP_STATEMENTS))

    def _take(self, statements: int) -> list[_Waiting]:
        """Those that wait, in order, until they have so many statements."""
        taken: list[_Waiting] = []
        with self._changed:
            while self._waiting and statements > 0:
                taken.append(self._waiting.popleft())
                statements -= len(taken[-1][0])
                self._statements -= len(taken[-1][0])
        return taken

    def _commit(self, group: list[_Waiting]) -> None:
        def join() -> Requests:
            # The lock may have been waited for: whoever came meanwhile need not wait for it once more.
            joined = self._take(GROUP_STATEMENTS - sum(len(request) for request, _ in group))
            group.extend(joined)
            return [request for request, _ in joined]

        try:
            outcomes: Sequence[Answer | Refused] = self._door.commit([request for request, _ in group], join)
        except (StoreUnavailable, Refused) as error:
            outcomes = [_told(error)] * len(group)
        except Exception:
            _log.exception("group commit of %d requests failed", len(group))
            outcomes = [outcome for request, _ in group for outcome in self._commit_alone(request)]
        self._settle([(future, outcome) for (_, future), outcome in zip(group, outcomes, strict=True)])

    def _commit_alone(self, request: Sequence[Checked | Rejected]) -> Sequence[Answer | Refused]:
        """One request broke the group in a way nobody foresaw: find it, and let its neighbours through."""
        try:
            return self._door.commit([request])
        except Exception as error:
            return [_told(error)]


def _told(error: Exception) -> Refused:
    """What the sender is told of a commit that failed."""
    if isinstance(error, Refused):
        return error
    if isinstance(error, StoreUnavailable):
        return Refused(problems.NOT_READY, f"{error}; send the same statements again")
    return Refused(problems.INTERNAL, "nothing was promised; send the same statements again")
