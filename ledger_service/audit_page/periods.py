"""Days put together, so that a long log has as many columns as can be told apart."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from ledger_service.audit_page.charts import Bar
from ledger_service.shown import Words

MOST_BARS = 60


Periods = tuple[Words, list[Bar]]
"""How long each is, and how many there were in each."""


@dataclass(frozen=True)
class Scale:
    """How long a period is, in words; which one a day is in, as a number that goes up by one; the name of a number."""

    words: Words
    number: Callable[[date], int]
    name: Callable[[int], str]


def _years(step: int) -> Scale:
    words = Words("年", "year") if step == 1 else Words(f"每 {step} 年", f"{step} years")
    return Scale(words, lambda day: day.year // step, lambda number: f"{max(number * step, 1):04}")


SCALES = (
    Scale(Words("日", "day"), date.toordinal, lambda number: date.fromordinal(number).isoformat()),
    Scale(
        Words("周（周一起）", "week, from Monday"),
        lambda day: (day.toordinal() - 1) // 7,
        lambda number: (date(1, 1, 1) + timedelta(7 * number)).isoformat(),
    ),
    Scale(
        Words("月", "month"),
        lambda day: day.year * 12 + day.month - 1,
        lambda number: f"{number // 12:04}-{number % 12 + 1:02}",
    ),
    Scale(
        Words("季度", "quarter"),
        lambda day: day.year * 4 + (day.month - 1) // 3,
        lambda number: f"{number // 4:04}-Q{number % 4 + 1}",
    ),
    *(_years(step) for step in (1, 10, 100, 1_000)),
)


def periods(days: Mapping[date, int]) -> Periods:
    """The shortest scale on which all days from the first to the last are at most `MOST_BARS` periods, and these, also
    those in which there was nothing. There must be a day."""
    scale = next(scale for scale in SCALES if scale.number(max(days)) - scale.number(min(days)) < MOST_BARS)
    first, last = scale.number(min(days)), scale.number(max(days))
    counts = [0] * (last - first + 1)
    for day, count in days.items():
        counts[scale.number(day) - first] += count
    return scale.words, [Bar(scale.name(first + place), count) for place, count in enumerate(counts)]
