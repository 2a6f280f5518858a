"""Budgets: never more than burst and rate allow, never a wait without an end, never more memory than was said."""

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from ledger_service.usecases.rate import Budgets

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
    assert budgets.seconds_to_wait(HOSPITAL) == 0.0
    budgets.charge(HOSPITAL, 2)
    assert budgets.seconds_to_wait(HOSPITAL) == 0.5
    clock.seconds += 0.75
    assert budgets.seconds_to_wait(HOSPITAL) is None


def test_one_name_costs_another_nothing() -> None:
    budgets = Budgets(1, 1, Clock())
    budgets.charge(HOSPITAL, 1_000)
    assert budgets.seconds_to_wait(HOSPITAL) == 999.0
    assert budgets.seconds_to_wait(OTHER) is None


def test_a_batch_larger_than_the_burst_is_taken_and_paid_off() -> None:
    clock = Clock()
    budgets = Budgets(100, 10, clock)
    assert budgets.seconds_to_wait(HOSPITAL) is None
    budgets.charge(HOSPITAL, 1_000)
    assert budgets.seconds_to_wait(HOSPITAL) == 10 - 0.1
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
            assert 0 <= wait <= (40 / rate) + 1e-6, "the wait is as long as what the last charge overdrew, no longer"
            clock.seconds += wait + 1 / 1024
            assert budgets.seconds_to_wait(HOSPITAL) is None, "who waited as told is let in"
