"""What /readyz says: each promise with its oldest waiting entry, what is overdue, a store that does not answer."""

from dataclasses import dataclass, field

from ledger_service.storage.promises import LONGEST_RECEIPT, SqlPromises
from ledger_service.usecases.clock import Clock
from ledger_service.usecases.look_up import State
from ledger_service.usecases.ports import StoreUnavailable
from ledger_service.usecases.readiness import CHAIN_SILENT_SECONDS, Progress, ReadinessCheck
from ledger_service.usecases.submission import MAX_STATEMENTS
from tests.usecases.world import InProcessLedger

WAITED_SECONDS = 60
PROMISE_SECONDS = 600


@dataclass
class Watched:
    """A ledger with its readiness; what the workers fail at is in the hands of the test."""

    ledger: InProcessLedger
    failing: list[str] = field(default_factory=list)
    against: str = ""

    def __post_init__(self) -> None:
        ledger, now = self.ledger, lambda: self.ledger.clock()
        ledger.clock.seconds = ledger.chain.tip().timestamp
        promises = SqlPromises(ledger.engine)
        self.clock = Clock(ledger.view, promises, 300, now, lambda: 0.0)
        self.check = ReadinessCheck(
            ledger.tree, ledger.view, promises, self.clock, now, lambda: self.against, lambda: self.failing
        )

    def progress(self) -> dict[State, Progress]:
        """Progress by state, now."""
        return self.check.read().figures.progress


def test_each_promise_shows_its_oldest_waiting_entry(store_url: str) -> None:
    ledger = InProcessLedger(store_url, finality_blocks=3)
    watched = Watched(ledger)
    signer = ledger.found()
    ledger.chain.mine(3)
    ledger.follower.run_once()
    watched.clock.look()
    for stage in range(3):
        ledger.submit(signer.issued().wire, signer.issued().wire)
        ledger.clock.seconds += WAITED_SECONDS
        if stage < 2:
            ledger.integrator.run_once()
        if stage < 1:
            ledger.witnesser.run_once()
            ledger.follower.run_once()
    assert watched.progress() == {
        State.ACCEPTED: Progress(6),
        State.INTEGRATED: Progress(4, waiting=2, oldest=4, seconds=WAITED_SECONDS),
        State.WITNESSED: Progress(2, waiting=4, oldest=2, seconds=2 * WAITED_SECONDS),
        State.FINAL: Progress(0, waiting=6, oldest=0, seconds=3 * WAITED_SECONDS),
    }


def test_ready_then_pending_then_overdue(store_url: str) -> None:
    ledger = InProcessLedger(store_url)
    watched = Watched(ledger)
    signer = ledger.found()
    assert "the chain was not followed yet" in watched.check.read().reasons
    ledger.follower.run_once()
    watched.clock.look()
    assert watched.check.read().ready and watched.check.why_not_accepting() == ""
    ledger.clock.seconds = ledger.chain.tip().timestamp
    ledger.submit(signer.issued().wire)
    ledger.clock.seconds = ledger.chain.tip().timestamp + CHAIN_SILENT_SECONDS + 1
    (reason,) = watched.check.read().reasons
    assert reason.startswith("the chain's newest block is") and reason.endswith("statements are pending")
    assert watched.check.why_not_accepting() == "", "a stalled chain does not stop accepting"
    ledger.clock.seconds += PROMISE_SECONDS
    assert watched.check.read().figures.overdue_seconds == CHAIN_SILENT_SECONDS + 1
    assert f"receipts are overdue since {CHAIN_SILENT_SECONDS + 1} s" in watched.check.read().reasons
    assert watched.check.why_not_accepting() == ""


def test_each_reason_is_said_once(sqlite_url: str) -> None:
    ledger = InProcessLedger(sqlite_url)
    watched = Watched(ledger)
    ledger.follower.run_once()
    watched.clock.look()
    watched.against = "block 7 was final and has left the chain"
    watched.failing = [f"follow: stopped: {watched.against}"]
    assert watched.check.read().reasons == tuple(watched.failing)
    assert watched.check.why_not_accepting() == watched.against


def test_a_store_that_does_not_answer_is_a_reason(sqlite_url: str) -> None:
    ledger = InProcessLedger(sqlite_url)
    watched = Watched(ledger)
    ledger.follower.run_once()
    watched.clock.look()

    def fail() -> None:
        raise StoreUnavailable("database: made by the test")

    ledger.tree.size = fail
    readiness = watched.check.read()
    assert (readiness.ready, readiness.reasons, readiness.figures) == (False, ("database: made by the test",), None)


def test_a_receipt_is_no_longer_than_is_looked_for() -> None:
    assert LONGEST_RECEIPT == MAX_STATEMENTS
