"""The door's clock: what it contradicts, what it cannot know, and that no receipt is older than one before it."""

from dataclasses import dataclass, field

import pytest

from anchors.chain.port import Block
from anchors.core.encoding import uint_word
from ledger_service.storage.promises import SqlPromises
from ledger_service.usecases.clock import PACE_SECONDS, STEP_SECONDS, Clock, ClockWrong
from ledger_service.usecases.ports import ChainStatus
from tests.usecases.world import InProcessLedger

TOLERANCE_SECONDS = 300
START = 1_800_000_000


@dataclass
class Machine:
    """A machine in the hands of the test: `true` time passes, `error` is what its clock is off by."""

    clock: Clock = field(init=False)
    true: int = START
    error: int = 0
    tip: Block | None = None
    promised: int | None = None

    def __post_init__(self) -> None:
        self.clock = Clock(self, self, TOLERANCE_SECONDS, lambda: self.true + self.error, lambda: float(self.true))

    def status(self) -> ChainStatus:
        """The chain as it was followed."""
        return ChainStatus(self.tip)

    def newest_accepted_at(self) -> int | None:
        """When the newest receipt was given."""
        return self.promised

    def block(self, time: int | None = None) -> None:
        """A block is made now, or is dated otherwise; it is seen at once."""
        number = self.tip.number + 1 if self.tip else 0
        self.tip = Block(number, uint_word(number), bytes(32), self.true if time is None else time)
        self.clock.look()

    def passes(self, seconds: int, *, blocks: bool) -> None:
        """Time passes, with or without a block every ten seconds."""
        for _ in range(seconds // 10):
            self.true += 10
            if blocks:
                self.block()
            self.clock.look()


@pytest.fixture
def machine() -> Machine:
    """A machine with a right clock, on a chain that lives."""
    machine = Machine()
    machine.block()
    machine.passes(100, blocks=True)
    assert machine.clock.now() == machine.true
    return machine


def refused(machine: Machine) -> str:
    """Why the clock is refused now."""
    with pytest.raises(ClockWrong) as caught:
        machine.clock.now()
    assert caught.value.detail == machine.clock.why_wrong()
    assert caught.value.problem.retry and caught.value.problem.status == 503
    return caught.value.detail


def test_nothing_is_promised_before_the_first_comparison() -> None:
    assert "not compared" in refused(Machine())


@pytest.mark.parametrize("error", [TOLERANCE_SECONDS + 1, 86_400, 10**9])
def test_a_clock_far_ahead_of_a_living_chain_is_refused_until_it_is_set_right(machine: Machine, error: int) -> None:
    machine.error = error
    assert f"{error} s ahead of the chain's time" in refused(machine)
    machine.passes(100, blocks=True)
    assert f"{error} s ahead of the chain's time" in refused(machine)
    machine.error = 0
    assert machine.clock.now() == machine.true


def test_a_clock_set_back_is_refused_by_the_newest_receipt_and_by_the_block(machine: Machine) -> None:
    machine.error = -STEP_SECONDS - 1
    assert f"{STEP_SECONDS + 1} s behind the newest receipt" in refused(machine)
    machine.passes(10, blocks=True)
    assert machine.clock.now() == machine.true + machine.error
    fresh = Machine(error=-TOLERANCE_SECONDS - 1)
    fresh.block()
    assert "behind the chain's newest block" in refused(fresh)


def test_a_small_step_back_repeats_the_newest_time(machine: Machine) -> None:
    newest = machine.clock.now()
    machine.error = -STEP_SECONDS
    assert machine.clock.now() == newest
    machine.true += STEP_SECONDS + 1
    assert machine.clock.now() == newest + 1


def test_another_process_gave_the_newest_receipt(machine: Machine) -> None:
    machine.promised = machine.true + STEP_SECONDS
    machine.clock.look()
    assert machine.clock.now() == machine.promised
    machine.promised += 1
    machine.clock.look()
    assert "behind the newest receipt" in refused(machine)


def test_a_stalled_chain_is_no_wrong_clock_and_still_shows_a_jump(machine: Machine) -> None:
    machine.passes(100_000, blocks=False)
    assert machine.clock.now() == machine.true
    machine.error = TOLERANCE_SECONDS + 1
    assert "ahead of the chain's time" in refused(machine)
    machine.error = 0
    machine.block()
    assert machine.clock.now() == machine.true


def test_what_stood_still_before_the_process_began_is_only_old() -> None:
    machine = Machine()
    machine.block(START - 86_400)
    assert machine.clock.now() == machine.true
    machine.passes(100, blocks=False)
    machine.block()  # the chain lives again: the pair of blocks tells nothing, a day lies between them
    assert machine.clock.now() == machine.true
    machine.passes(10, blocks=True)
    machine.error = 86_400
    assert "ahead of the chain's time" in refused(machine)


def test_old_blocks_read_in_one_go_are_no_living_chain() -> None:
    machine = Machine()
    for age in range(100_000, 50_000, -(PACE_SECONDS + 1)):
        machine.block(START - age)
        assert machine.clock.now() == machine.true


def test_the_newest_receipt_and_the_oldest_promise_are_read(store_url: str) -> None:
    ledger = InProcessLedger(store_url)
    signer = ledger.found()
    ledger.follower.run_once()
    promises = SqlPromises(ledger.engine)
    assert promises.newest_accepted_at() is None and promises.first_about(0) is None
    start = ledger.clock.seconds
    statements = [signer.issued() for _ in range(5)]
    for number, statement in enumerate(statements):
        ledger.clock.seconds = start + number
        ledger.submit(statement.wire)
    ledger.clock.seconds = start + 60
    ledger.submit(statements[2].wire)  # sent again: a later receipt over an index that was promised before
    assert promises.newest_accepted_at() == start + 60
    for number in range(5):
        promise = promises.first_about(number)
        assert (promise.accepted_at, promise.witness_by) == (start + number, start + number + 600)
