"""What the audit measures beside judging: by heads and receipts, never by entries, so that it costs nothing.

Times are those of blocks. What the service says of its own time, `accepted_at`, is taken from receipts that it signed.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cached_property
from itertools import pairwise
from statistics import median_low

from anchors.chain.port import Block
from ledger_service.shown import BEIJING
from ledger_service.usecases.audit.history import ChainHistory

LATEST = int(datetime(9999, 12, 31, tzinfo=UTC).timestamp())
QUANTILES = (50, 90, 99, 100)
EDGES = (0, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1_200, 1_800, 3_600)
EDGES += tuple(hours * 3_600 for hours in (2, 6, 12, 24, 48, 168, 720))
"""Seconds at which the bars of the delays meet."""
LONG_SPAN = 10
"""A span between heads is long from so many times the usual one on."""
MOST_SPANS = 10
"""Long spans that are shown."""
MOST_LISTED = 1_000
"""Ranges that are kept one by one; beyond, they are only counted."""


@dataclass(frozen=True)
class Range:
    """Positions `begin` to `end` (exclusive)."""

    begin: int
    end: int


@dataclass
class Missing:
    """Positions at which no entry stands: how many, and the first ranges of them, in order."""

    count: int = 0
    ranges: list[Range] = field(default_factory=list)

    def add(self, begin: int, end: int) -> None:
        """None from `begin` to `end` (exclusive), which are above all that was added before."""
        self.count += end - begin
        if self.ranges and self.ranges[-1].end == begin:
            self.ranges[-1] = Range(self.ranges[-1].begin, end)
        elif len(self.ranges) < MOST_LISTED:
            self.ranges.append(Range(begin, end))


@dataclass
class Promises:
    """What receipts promised. Each is counted once: `kept`, `late` (witnessed after `witnessBy`), `waiting` or
    `overdue` (not witnessed, and by the newest block its time is not over, or is), or `unmeasured`: it is not what the
    service signed, so its times say nothing."""

    kept: int = 0
    late: int = 0
    waiting: int = 0
    overdue: int = 0
    unmeasured: int = 0
    seconds: Counter[int] = field(default_factory=Counter)
    """Of those witnessed: from `accepted_at` to the block's time. Below 0 where the two clocks differ."""
    waiting_since: int | None = None
    """The first `accepted_at` of those not witnessed."""

    def take(self, accepted_at: int, witness_by: int, time: int, *, covered: bool) -> None:
        """One receipt that the service signed. `time` is that of the block with the first head that covers all of it;
        of the newest block, where no head does."""
        if covered:
            self.kept += time <= witness_by
            self.late += time > witness_by
            self.seconds[time - accepted_at] += 1
            return
        self.waiting += time <= witness_by
        self.overdue += time > witness_by
        self.waiting_since = accepted_at if self.waiting_since is None else min(self.waiting_since, accepted_at)

    def histogram(self) -> list[tuple[int | None, int | None, int]]:
        """(from, below, how many) in seconds, from the first bar with any to the last; None is no end."""
        counts: Counter[int] = Counter()
        for seconds, count in self.seconds.items():
            counts[bisect_right(EDGES, seconds)] += count
        ends = (None, *EDGES, None)
        bars = range(min(counts), max(counts) + 1) if counts else ()
        return [(ends[bar], ends[bar + 1], counts[bar]) for bar in bars]

    def quantiles(self) -> dict[int, int]:
        """By percentage the seconds within which at least so many were witnessed; empty where none was."""
        total, seen, found = self.seconds.total(), 0, {}
        for seconds, count in sorted(self.seconds.items()):
            seen += count
            for share in QUANTILES:
                if share not in found and seen * 100 >= total * share:
                    found[share] = seconds
        return found


@dataclass(frozen=True)
class Span:
    """The time between two heads that follow each other: that of their blocks, and what the second one added."""

    begin: int
    end: int
    block: int
    statements: int

    @property
    def seconds(self) -> int:
        """How long it was."""
        return self.end - self.begin


@dataclass(frozen=True)
class Measures:
    """`tip` is the newest block that was read, None where the chain could not be judged; `final_size` how many entries
    a final block has witnessed. `heads` are (size, block time, block number), in order."""

    tip: Block | None = None
    final_size: int = 0
    heads: Sequence[tuple[int, int, int]] = ()
    missing: Missing = field(default_factory=Missing)
    promises: Promises = field(default_factory=Promises)

    @cached_property
    def statements_per_day(self) -> dict[date, int]:
        """How many statements were witnessed first on each day on which there were any, in order of the chain."""
        days: Counter[date] = Counter()
        before = 0
        for size, time, _ in self.heads:
            days[day_of(time)] += size - before
            before = size
        return dict(days)

    @cached_property
    def spans(self) -> list[Span]:
        """Between all heads, in order."""
        pairs = pairwise(self.heads)
        return [Span(begin, end, block, size - before) for (before, begin, _), (size, end, block) in pairs]

    @cached_property
    def usual_span(self) -> int | None:
        """The median of all spans, in seconds; None where there are fewer than two heads."""
        spans = [span.seconds for span in self.spans]
        return median_low(spans) if spans else None

    @cached_property
    def long_spans(self) -> list[Span]:
        """Those of at least `LONG_SPAN` times the usual one, the longest first."""
        usual = self.usual_span or 0
        found = [span for span in self.spans if span.seconds >= LONG_SPAN * max(usual, 1)]
        return sorted(found, key=lambda span: (-span.seconds, span.end))


def measure(history: ChainHistory, extent: int, missing: Missing, promises: Promises) -> Measures:
    """What was measured. What was witnessed beyond `extent` entries is missing too."""
    heads = [
        (event.new_size, time, event.place.block_number)
        for event, time in zip(history.heads, history.head_times, strict=True)
    ]
    if heads and heads[-1][0] > extent:
        missing.add(extent, heads[-1][0])
    final_size = max((size for size, _, block in heads if block <= history.final_number), default=0)
    return Measures(history.tip, final_size, heads, missing, promises)


def day_of(seconds: int) -> date:
    """The day in China of Unix seconds; the last day that dates have, where it is later."""
    return datetime.fromtimestamp(min(seconds, LATEST), BEIJING).date()
