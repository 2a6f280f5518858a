"""What must hold of the facts about any report, whatever its statements say or leave out."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from ledger_service.recognition.case import Case, Claim, Fact, Placed
from ledger_service.recognition.responsibility import responsibility
from ledger_service.recognition.sentences import ANSWERS
from ledger_service.recognition.stated import Stated
from tests.fixtures.examples import examples
from tests.recognition.stories import book_of, stated
from tests.recognition.test_responsibility import ACCESS, DECIDED, DOCUMENT, EXAMINATION, POLICY, rules

AS_OF_THEN = frozenset(
    {"issued", "opened", "opened-current", "recorded-in-time", "consented", "reminded", "decided", "decided-version"}
    | {"policy-published", "eligible", "reason-listed", "reviewed", "corrected", "erased", "exported"}
)
"""Claims about a moment that is past: later statements say nothing more of them."""
BEGIN = 10
BOOK = book_of(*rules())

EXAMINED = {"document": DOCUMENT, "examination": EXAMINATION}
REASON = {"reason": {"code": "changes-fast"}}
KINDS: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "report.amended": (EXAMINED, ("replaces",)),
    "report.withdrawn": (REASON, ("replaces",)),
    "reminder.shown": ({"reminder": {"at": 9, "hook": "patient-view"}}, ("report",)),
    "reminder.dismissed": ({"reminder": {"at": 9, "hook": "order-sign"}} | REASON, ("reminder",)),
    "access.granted": ({"access": ACCESS}, ("report", "consent")),
    "access.emergency": ({"access": ACCESS} | REASON, ("report",)),
    "access.denied": ({"access": ACCESS} | REASON, ("report",)),
    "recognition.accepted": ({"policy": POLICY, "knowingly": {"version": "withdrawn"}} | DECIDED, ("access", "report")),
    "recognition.declined": ({"policy": POLICY} | REASON | DECIDED, ("access", "report")),
    "repeat.ordered": ({"policy": POLICY} | REASON | DECIDED, ("access", "repeats")),
    "repeat.resulted": ({"outcome": {"compared": "agrees"}}, ("order", "result")),
    "repeat.reviewed": ({"review": {"finding": "undecided"}}, ("reviews",)),
    "explanation.given": ({"explanation": {"at": 9, "of": ["purpose"]}}, ("explains",)),
    "content.erased": ({"erasure": {"parts": ["note"], "basis": "asked"}}, ("erases",)),
    "statement.corrected": ({"correction": {"parts": ["examination"]}, "examination": EXAMINATION}, ("corrects",)),
}


@st.composite
def timelines(draw: st.DrawFn) -> list[Stated]:
    """A report and what is said of it. Links lead to any earlier statement, or nowhere; any part may be missing."""
    found = [stated(BEGIN, "report.issued", "SYN-A", "report", **draw(_some(EXAMINED)))]
    for index in range(BEGIN + 1, BEGIN + 1 + draw(st.integers(0, 8))):
        kind = draw(st.sampled_from(sorted(KINDS)))
        parts, rels = KINDS[kind]
        links = {rel: draw(st.sampled_from([*(each.id for each in found), "nowhere"])) for rel in rels}
        by = draw(st.sampled_from(["SYN-A", "SYN-B", "SYN-C"]))
        issued_at = draw(st.sampled_from([1_000, 1_060, 90_000]))
        said = stated(index, kind, by, "report", issued_at=issued_at, **draw(_some(parts)))
        found.append(replace(said, links=draw(_some(links))))
    return found


def _some(members: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Mostly all of them."""
    names = st.lists(st.sampled_from(sorted(members)), unique=True)
    return st.one_of(st.just(members), names.map(lambda kept: {name: members[name] for name in kept}))


def facts_of(timeline: list[Stated], final: int = 99) -> list[Fact]:
    return responsibility(Case([Placed(each) for each in timeline], {}, BOOK, 99, final))


@settings(max_examples=examples(200, thorough=2_000))
@given(timelines(), st.integers(BEGIN, BEGIN + 9))
def test_every_fact_is_whole(timeline: list[Stated], final: int) -> None:
    known = {each.id: each for each in timeline}
    for fact in facts_of(timeline, final):
        assert (fact.code, fact.says) in ANSWERS and fact.zh and fact.en
        assert "None" not in fact.zh and "None" not in fact.en
        about = known[fact.statements[0]]
        assert (fact.index, fact.institution) == (about.index, about.institution)
        if any(known[id].index >= final for id in fact.statements if id in known):
            assert fact.claim is Claim.NOT_CHECKED


@settings(max_examples=examples(200, thorough=2_000))
@given(timelines(), st.integers(1, 9))
def test_later_statements_change_nothing_that_was_settled(timeline: list[Stated], size: int) -> None:
    every, before = facts_of(timeline), facts_of(timeline[:size])
    settled = [fact for fact in before if fact.code in AS_OF_THEN]
    assert [fact for fact in every if fact.code in AS_OF_THEN and fact.index < BEGIN + size] == settled


@settings(max_examples=examples(100, thorough=1_000))
@given(timelines(), st.randoms(use_true_random=False))
def test_the_order_in_which_statements_are_given_does_not_matter(timeline: list[Stated], chance: Any) -> None:
    shuffled = list(timeline)
    chance.shuffle(shuffled)
    assert facts_of(shuffled) == facts_of(timeline)
