"""Budgets: never more than burst and rate allow, never a wait without an end, never more memory than was said."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anchors import Statement
from ledger_service import problems
from ledger_service.kinds import KINDS
from ledger_service.problems import Refused
from ledger_service.usecases.accept import Accepted, NotAccepted
from ledger_service.usecases.check import Checked, Rejected, Said
from ledger_service.usecases.rate import Asking, Budgets, Rates

HOSPITAL, OTHER = b"SAMPLE-HOSPITAL-01", b"SAMPLE-HOSPITAL-02"


@dataclass
class Clock:
    """A clock in the hands of the test; binary fractions of a second, so that sums are exact."""

    seconds: float = 1_000.0

    def __call__(self) -> float:
        return self.seconds


def test_a_burst_is_taken_then_the_rate_holds() -> None:
    clock = Clock()
    budgets = Budgets(4, 8, clock)
    for _ in range(8):
        assert budgets.seconds_to_wait(HOSPITAL) is None
        budgets.charge(HOSPITAL, 1)
    assert budgets.seconds_to_wait(HOSPITAL) == 0.25
    budgets.charge(HOSPITAL, 2)
    assert budgets.seconds_to_wait(HOSPITAL) == 0.75
    clock.seconds += 0.75
    assert budgets.seconds_to_wait(HOSPITAL) is None


def test_one_name_costs_another_nothing() -> None:
    budgets = Budgets(1, 1, Clock())
    budgets.charge(HOSPITAL, 1_000)
    assert budgets.seconds_to_wait(HOSPITAL) == 1_000.0
    assert budgets.seconds_to_wait(OTHER) is None


def test_a_batch_larger_than_the_burst_is_taken_and_paid_off() -> None:
    clock = Clock()
    budgets = Budgets(100, 10, clock)
    assert budgets.seconds_to_wait(HOSPITAL) is None
    budgets.charge(HOSPITAL, 1_000)
    assert budgets.seconds_to_wait(HOSPITAL) == pytest.approx(9.91)
    clock.seconds += 10
    assert budgets.seconds_to_wait(HOSPITAL) is None


def test_rate_0_is_no_limit() -> None:
    budgets = Budgets(0, 0, Clock())
    budgets.charge(HOSPITAL, 1_000_000)
    assert budgets.seconds_to_wait(HOSPITAL) is None
    assert len(budgets) == 0


def test_idle_time_saves_up_no_more_than_the_burst() -> None:
    clock = Clock()
    budgets = Budgets(1, 5, clock)
    budgets.charge(HOSPITAL, 1)
    clock.seconds += 1_000_000
    for _ in range(5):
        assert budgets.seconds_to_wait(HOSPITAL) is None
        budgets.charge(HOSPITAL, 1)
    assert budgets.seconds_to_wait(HOSPITAL) is not None


def test_memory_is_bounded_and_forgets_who_was_charged_longest_ago() -> None:
    budgets = Budgets(1, 1, Clock(), names_kept=100)
    for number in range(10_000):
        budgets.charge(HOSPITAL, 10)
        budgets.charge(b"stranger %d" % number, 10)
        assert len(budgets) <= 100
    assert budgets.seconds_to_wait(HOSPITAL) is not None, "whoever keeps on is not forgotten"
    assert budgets.seconds_to_wait(b"stranger 0") is None


@given(
    st.integers(1, 50), st.integers(1, 200), st.lists(st.tuples(st.integers(0, 64), st.integers(1, 40)), max_size=60)
)
def test_never_more_than_burst_and_rate_allow(rate: int, burst: int, asked: list[tuple[int, int]]) -> None:
    clock = Clock()
    budgets, began, taken = Budgets(rate, burst, clock), clock(), 0
    for sixteenths, count in asked:
        clock.seconds += sixteenths / 16
        wait = budgets.seconds_to_wait(HOSPITAL)
        if wait is None:
            taken += count
            budgets.charge(HOSPITAL, count)
            assert taken <= burst + rate * (clock() - began) + count + 1e-6, "overdrawn by more than the last charge"
        else:
            assert 0 <= wait <= (41 / rate) + 1e-6, "the wait is as long as what the last charge overdrew, no longer"
            clock.seconds += wait + 1 / 1024
            assert budgets.seconds_to_wait(HOSPITAL) is None, "who waited as told is let in"


def checked(institution: str, sequence: int) -> Checked:
    """A statement that is right by itself."""
    statement = Statement("report.issued", institution, b"\1" * 32, sequence, 0, bytes(32), bytes(32))
    return Checked(bytes(32), bytes(20), b"", b"", statement, KINDS["report.issued"], Said())


def test_only_what_is_newly_accepted_is_charged_to_an_institution() -> None:
    rates = Rates(Budgets(1, 2, Clock()), Budgets(1, 2, Clock()))
    mine, others = checked("SAMPLE-HOSPITAL-01", 0), checked("SAMPLE-HOSPITAL-02", 0)
    refusal = Refused(problems.SEQUENCE_GAP, "synthetic")
    for _ in range(9):
        rates.let_pass("a", [mine])
        rates.charge([mine], [Accepted(bytes(32), 0, known=True)])
        rates.charge([mine], [NotAccepted(bytes(32), refusal, None)])
    rates.charge([mine, mine], [Accepted(bytes(32), index, known=False) for index in range(2)])
    with pytest.raises(Refused) as refused:
        rates.let_pass("a", [others, mine])
    assert refused.value.problem is problems.RATE_LIMITED and refused.value.retry_after_seconds == 1
    rates.let_pass("a", [others])


def test_what_proves_nobody_is_charged_to_the_address() -> None:
    rates = Rates(Budgets(1, 2, Clock()), Budgets(1, 2, Clock()))
    refusal = Refused(problems.WRONG_SIGNATURE, "synthetic")
    rates.let_pass("a", [Rejected(bytes(32), refusal, signed=True)] * 9)
    rates.let_in("a")
    rates.let_pass("a", [Rejected(bytes(32), refusal)] * 5)
    with pytest.raises(Refused) as refused:
        rates.let_in("a")
    assert refused.value.retry_after_seconds == 4
    rates.let_in("b")


def test_who_asks_too_much_waits_and_is_charged_nothing_for_it() -> None:
    asking = Asking(Budgets(2, 10, Clock()))
    asking.take("SAMPLE-HOSPITAL-01", 100)
    for _ in range(3):
        with pytest.raises(Refused) as refused:
            asking.take("SAMPLE-HOSPITAL-01", 1)
        assert refused.value.problem is problems.RATE_LIMITED and refused.value.retry_after_seconds == 46
    asking.take("SAMPLE-HOSPITAL-02", 1)
    unbounded = Asking(Budgets(0, 1, Clock()))
    for _ in range(99):
        unbounded.take("SAMPLE-HOSPITAL-01", 100)
