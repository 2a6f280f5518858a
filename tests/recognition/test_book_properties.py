"""What must hold of any book: later statements change no earlier answer, and the order of what is independent none at
all."""

from datetime import date, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ledger_service.recognition.book import BookAsOf
from ledger_service.recognition.stated import Stated
from tests.recognition.stories import (
    BUREAU,
    OTHER_BUREAU,
    QUALITY,
    book_of,
    codemap,
    profile,
    qualification,
    section,
    stated,
)

INSTITUTIONS = ("SYN-A", "SYN-B")
FIRST = date(2025, 1, 1)
days = st.integers(0, 400).map(lambda number: (FIRST + timedelta(days=number)).isoformat())
institutions, bureaus = st.sampled_from(INSTITUTIONS), st.sampled_from((BUREAU, OTHER_BUREAU))
groups = st.lists(
    st.builds(lambda code, since: {"group": f"county-close/{code}", "since": since}, st.sampled_from("xy"), days),
    max_size=2,
)


@st.composite
def drafts(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Statements without a place, each about a subject of its own or following its predecessor there."""
    found: list[dict[str, Any]] = []

    def add(kind: str, by: str, subject: str, **parts: Any) -> str:
        id = f"x{len(found)}"
        found.append({"kind": kind, "by": by, "subject": subject, "id": id, **parts})
        return id

    for number in range(draw(st.integers(0, 4))):
        said = profile(draw(institutions), draw(days), tier=draw(st.integers(0, 3)), groups=draw(groups))
        add("institution.profiled", draw(bureaus), f"p{number}", profile=said)
    for number in range(draw(st.integers(0, 3))):
        subject, since = f"q{number}", draw(days)
        part = qualification(draw(institutions), since, draw(days), scope=[draw(st.sampled_from(["440800", "440100"]))])
        last = add("qualification.granted", QUALITY, subject, qualification=part)
        for kind in draw(st.lists(st.sampled_from(["renewed", "suspended", "revoked"]), max_size=3)):
            more = (
                {"qualification": part | {"since": draw(days)}}
                if kind == "renewed"
                else {"since": {"since": draw(days)}}
            )
            last = add(f"qualification.{kind}", QUALITY, subject, replaces=last, **more)
        if draw(st.booleans()):
            right = {"correction": {"parts": ["qualification"]}, "qualification": part | {"until": draw(days)}}
            add("statement.corrected", QUALITY, subject, corrects=found[-1]["id"], **right)
    for number in range(draw(st.integers(0, 3))):
        codes = draw(st.lists(st.sampled_from(["S-1", "S-2"]), max_size=2, unique=True))
        part = section(
            2, draw(st.integers(1, 2)), [(code, "样例") for code in codes], version=draw(st.sampled_from("ab"))
        )
        add("catalogue.published", draw(bureaus), f"c{number}", catalogue=part | {"since": draw(days)})
        pairs = codemap([(f"N-{number}", code) for code in codes]) | {"since": draw(days)}
        add("codemap.published", draw(bureaus), f"m{number}", codemap=pairs)
    return found


def placed(found: list[dict[str, Any]]) -> list[Stated]:
    """In this order in the log."""
    return [
        stated(index, draft["kind"], draft["by"], draft["subject"], id=draft["id"], **_parts(draft))
        for index, draft in enumerate(found)
    ]


def _parts(draft: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in draft.items() if name not in ("kind", "by", "subject", "id")}


def answers(book: BookAsOf, day: date) -> list[Any]:
    """Everything that can be asked of a day."""
    return [
        *(book.profile(each, day) for each in INSTITUTIONS),
        *(book.qualification(each, "laboratory", {"S-1"}, day) for each in INSTITUTIONS),
        book.catalogues(day),
        book.codemaps(day),
    ]


@given(drafts(), st.integers(0, 20), days)
def test_later_statements_change_no_earlier_answer(found: list[dict[str, Any]], size: int, day: str) -> None:
    every, on = placed(found), date.fromisoformat(day)
    shorter = book_of(*every[:size]).as_of(size)
    assert answers(book_of(*every).as_of(size), on) == answers(shorter, on)


@given(drafts(), st.randoms(use_true_random=False), days)
def test_the_order_of_independent_statements_does_not_matter(
    found: list[dict[str, Any]], chance: Any, day: str
) -> None:
    """Statements about different subjects are independent; those about one keep their order."""
    subjects = [draft["subject"] for draft in found]
    chance.shuffle(subjects)
    queues = {subject: [draft for draft in found if draft["subject"] == subject] for subject in subjects}
    shuffled = [queues[subject].pop(0) for subject in subjects]
    one, other = (book_of(*placed(each)).as_of(len(found)) for each in (found, shuffled))
    on = date.fromisoformat(day)
    assert unordered(answers(one, on)) == unordered(answers(other, on))


def unordered(value: Any) -> Any:
    """The same without the order in which things are listed."""
    if isinstance(value, list | tuple):
        return sorted((unordered(each) for each in value), key=repr)
    if isinstance(value, dict):
        return {name: unordered(each) for name, each in sorted(value.items())}
    if hasattr(value, "__struct_fields__"):
        return {name: unordered(getattr(value, name)) for name in value.__struct_fields__}
    return value
