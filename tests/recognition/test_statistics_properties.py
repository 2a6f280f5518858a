"""What holds of figures over any log: stories of random acts, judged by a plain count of its own and by laws."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger_service.recognition.figures import Figures
from tests.fixtures.examples import examples
from tests.recognition.counted import CountedLog, Said

HOSPITALS = ("SYN-A", "SYN-B", "SYN-C")
PRICES = {"S-001": 1_800, "S-002": 24_000}
ITEMS = (*PRICES, "S-003")
CHANGES = ("corrections", "withdrawals")
QUIET = settings(
    max_examples=examples(150, thorough=1_500), deadline=None, suppress_health_check=[HealthCheck.too_slow]
)


class Act(NamedTuple):
    """One thing that happens, to the report (or statement) of number `to`, as far as there are any."""

    what: str
    by: str
    to: int
    why: str
    month: int

    @property
    def at(self) -> str:
        """When."""
        return f"2026-{self.month:02}-15T12:00+08:00"


_DECISIONS = ("recognise", "decline", "repeat", "remind", "review")
ACTS = st.builds(
    Act,
    st.sampled_from(("report", "report", "amend", "withdraw", "correct", *_DECISIONS, *_DECISIONS)),
    st.sampled_from(HOSPITALS),
    st.integers(0, 30),
    st.sampled_from(("necessary", "unnecessary")),
    st.integers(1, 12),
)
STORIES = st.lists(ACTS, max_size=24)


class Town:
    """A log that is told by acts. What cannot happen (any more) does not."""

    def __init__(self, log: CountedLog | None = None) -> None:
        self.log = log or CountedLog()
        self.reports: list[Said] = []
        self.current: dict[bytes, Said | None] = {}
        self.repeats: list[Said] = []
        self.said: list[Said] = []
        """All but corrections."""
        self.corrected: set[int] = set()

    def tell(self, act: Act) -> None:
        """Let it happen."""
        if act.what == "correct":
            if self.said:
                target = self.said[act.to % len(self.said)]
                self.corrected.add(target.position)
                self.log.correct(target, act.at)
        elif act.what == "report":
            self._begin(self.log.report(act.by, ITEMS[act.to % len(ITEMS)]))
        elif act.what == "review":
            if self.repeats:
                order, found = self.repeats[act.to % len(self.repeats)], {"finding": act.why}
                self.said.append(
                    self.log.say("SYN-Q", "repeat.reviewed", order.subject, act.at, reviews=order, review=found)
                )
        elif self.reports and (version := self.current[self.reports[act.to % len(self.reports)].subject]):
            self._about(act, version)

    def _begin(self, report: Said) -> None:
        self.reports.append(report)
        self.current[report.subject] = report
        self.said.append(report)

    def _about(self, act: Act, version: Said) -> None:
        log = self.log
        if act.what == "amend":
            said = self.current[version.subject] = log.amend(version)
        elif act.what == "withdraw":
            said, self.current[version.subject] = log.withdraw(version), None
        elif act.what == "recognise":
            said = log.recognise(act.by, version, act.at)
        elif act.what == "decline":
            said = log.decline(act.by, version, act.why, act.at)
        elif act.what == "remind":
            said = log.remind(act.by, version, act.at)
        else:
            said = log.repeat(act.by, version, act.why, act.at)
            self.repeats.append(said)
        self.said.append(said)


def told(acts: Sequence[Act]) -> Town:
    """A town in which all this happened, under a catalogue."""
    town = Town()
    town.log.catalogue(PRICES)
    for act in acts:
        town.tell(act)
    return town


def nets(figures: Figures) -> dict[tuple, int]:
    """What is left of every figure and in every row."""
    return {
        (row.by, row.value, row.figure): row.gross - row.subtracted for row in figures.rows if row.figure not in CHANGES
    } | {("all", (), name): one.net for name, one in figures.figures.items() if name not in CHANGES}


def sums(figures: Figures) -> Counter:
    """Everything that is counted, by name."""
    found = Counter({("said again",): figures.said_again})
    found.update({("broken", code): count for code, count in figures.broken.items()})
    for name, one in figures.figures.items():
        found.update({(name, "gross"): one.gross, (name, "subtracted"): one.subtracted})
    for row in figures.rows:
        found.update({(*row.value, row.by, row.figure, "gross"): row.gross})
        found.update({(*row.value, row.by, row.figure, "subtracted"): row.subtracted})
    return Counter({name: count for name, count in found.items() if count})


@QUIET
@given(STORIES)
def test_recognitions_and_savings_are_those_of_a_plain_count(acts: list[Act]) -> None:
    town = told(acts)
    withdrawn = {subject for subject, current in town.current.items() if current is None}
    pairs: dict[tuple[str, bytes], list[Said]] = {}
    for said in town.said:
        if said.kind == "recognition.accepted":
            pairs.setdefault((said.by, said.links["report"].id), []).append(said)
    left = [
        (by, said[0])
        for (by, _), said in pairs.items()
        if said[0].subject not in withdrawn and any(one.position not in town.corrected for one in said)
    ]
    figures = town.log.count()
    assert figures.broken == {}
    assert figures.figures["recognitions"].gross == len(pairs)
    assert figures.figures["recognitions"].net == len(left)
    by_hospital = Counter(by for by, _ in left)
    found = {
        row.value[0]: row.gross - row.subtracted for row in figures.of("institution") if row.figure == "recognitions"
    }
    assert {by: count for by, count in found.items() if count} == by_hospital
    versions = {said.id: said for said in town.said}
    items = [town.log.contents[versions[said.links["report"].id].position].value("examination") for _, said in left]
    assert figures.figures["savings"].net == sum(PRICES.get(item["item"], 0) for item in items)
    assert figures.figures["unpriced"].net == sum(item["item"] not in PRICES for item in items)


@QUIET
@given(STORIES, st.integers(0, 30), st.integers(0, 30))
def test_a_correction_never_raises_a_net_figure(acts: list[Act], target: int, later: int) -> None:
    before = nets(told(acts).log.count())
    position = min(later, len(acts))
    corrected = [*acts[:position], Act("correct", HOSPITALS[0], target, "", 6), *acts[position:]]
    after = nets(told(corrected).log.count())
    raised = {name: (before.get(name, 0), count) for name, count in after.items() if count > before.get(name, 0)}
    assert not raised


@QUIET
@given(STORIES, st.integers(1, 11))
def test_the_parts_of_a_period_sum_to_it(acts: list[Act], month: int) -> None:
    log = told(acts).log
    first = log.count("2026-01-01", f"2026-{month:02}-20")
    second = log.count(f"2026-{month:02}-21", "2026-12-31")
    assert sums(first) + sums(second) == sums(log.count())


@QUIET
@given(STORIES, STORIES, st.randoms(use_true_random=False))
def test_the_order_of_independent_streams_does_not_matter(one: list[Act], two: list[Act], chance) -> None:
    """Two towns share a log and no report: however their statements fall between each other, the figures are alike."""
    apart = CountedLog()
    apart.catalogue(PRICES)
    mixed = CountedLog()
    mixed.catalogue(PRICES)
    for town, acts in ((Town(apart), one), (Town(apart), two)):
        for act in acts:
            town.tell(act)
    waiting = [(Town(mixed), list(one)), (Town(mixed), list(two))]
    while waiting := [(town, acts) for town, acts in waiting if acts]:
        town, acts = chance.choice(waiting)
        town.tell(acts.pop(0))
    assert sums(mixed.count()) == sums(apart.count())


@QUIET
@given(STORIES, st.sets(st.integers(0, 30)))
def test_an_erased_personal_part_changes_no_figure(acts: list[Act], erased: set[int]) -> None:
    town = told(acts)
    reports = [town.log.report("SYN-A", note=f"（合成）患者{number}") for number in range(3)]
    for report in reports:
        town.log.recognise("SYN-B", report)
    before = town.log.count()
    for number in erased:
        town.log.erase(reports[number % len(reports)], "note")
    assert town.log.count() == before


@QUIET
@given(STORIES)
def test_net_is_never_below_nothing_and_rows_sum_to_their_figure(acts: list[Act]) -> None:
    figures = told(acts).log.count()
    assert all(count >= 0 for count in nets(figures).values())
    for dimension in ("institution", "direction", "item", "month", "tier"):
        for name, one in figures.figures.items():
            rows = [row for row in figures.of(dimension) if row.figure == name]
            assert sum(row.gross for row in rows) == one.gross
            assert sum(row.subtracted for row in rows) == one.subtracted
