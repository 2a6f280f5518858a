"""The facts of a decision and where each comes from. Every fact is written by hand."""

import json
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import msgspec
import pytest

from ledger_service.recognition.book import Book
from ledger_service.recognition.facts import Facts, Profile, Qualification
from ledger_service.recognition.join import Joined, Situation, join
from ledger_service.recognition.policies import shipped_policy
from ledger_service.recognition.policy import convert_policy
from ledger_service.recognition.prepared import prepare
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

POLICY = prepare(convert_policy(json.loads(shipped_policy("zhanjiang-2024"))))
CHINA = timezone(timedelta(hours=8))
GROUP = {"group": "county-close/SYN-1", "since": "2025-01-01"}


def rules() -> list[Stated]:
    """Two hospitals, the issuer's qualification, a catalogue, and national codes mapped to it."""
    members: dict[str, Any] = {"tier": 2, "groups": [GROUP], "pilot": ["zhanjiang-2024"]}
    return [
        stated(0, "institution.profiled", BUREAU, "a", profile=profile("SYN-A", "2025-01-01")),
        stated(1, "institution.profiled", BUREAU, "b", profile=profile("SYN-B", "2025-01-01", **members)),
        stated(
            2,
            "qualification.granted",
            QUALITY,
            "q",
            qualification=qualification("SYN-A", "2026-01-01", "2026-12-31", items=["S-001"]),
        ),
        stated(3, "catalogue.published", BUREAU, "c", catalogue=section(1, 1, [("S-001", "样例"), ("S-002", "样例")])),
        stated(4, "codemap.published", BUREAU, "m", codemap=codemap([("N-1", "S-001"), ("N-7", "S-007")])),
    ]


EXAMINED = {"at": "2026-03-01T08:30+08:00", "category": "laboratory", "item": "N-1", "system": "SYN-national"}
DECIDED = {"at": "2026-03-05T10:15:00+08:00", "extent": ["result"]}


def situation(examination: dict[str, Any] | None = EXAMINED, decision: dict[str, Any] | None = DECIDED) -> Situation:
    """SYN-A issued; SYN-B opened in an emergency and decided."""
    report = {"examination": examination} if examination is not None else {}
    said = {"decision": decision} if decision is not None else {}
    return Situation(
        stated(10, "report.issued", "SYN-A", "r", **report),
        stated(12, "recognition.accepted", "SYN-B", "r", access="s11", report="s10", **said),
        "current",
        stated(11, "access.emergency", "SYN-B", "r", report="s10"),
    )


def known(book: Book | None = None, size: int = 12, **changed: dict[str, Any] | None) -> Joined:
    return join(situation(**changed), (book or book_of(*rules())).as_of(size), POLICY)


def test_everything_is_known() -> None:
    here = {"ownership": "public", "region": "440000", "city": "440800", "district": "440883"}
    marked = EXAMINED | {"marks": ["湛江市 HR"], "channel": "paper", "complete": False, "modality": "US"}
    found = known(examination=marked)
    assert found.facts == Facts(
        category="laboratory",
        item="S-001",
        modality="US",
        in_catalogue=True,
        extent=frozenset({"result"}),
        examined=datetime(2026, 3, 1, 8, 30, tzinfo=CHINA),
        decided=datetime(2026, 3, 5, 10, 15, tzinfo=CHINA),
        issuer=Profile(code="SYN-A", tier=3, groups=frozenset(), pilots=frozenset(), **here),
        recogniser=Profile(
            code="SYN-B",
            tier=2,
            groups=frozenset({"county-close/SYN-1"}),
            pilots=frozenset({"zhanjiang-2024"}),
            **here,
        ),
        qualification=Qualification(state="granted", scope=frozenset({"440800"}), evaluated=date(2026, 1, 1)),
        marks=frozenset({"湛江市 HR"}),
        channel="paper",
        version="current",
        complete=False,
        emergency=True,
    )
    assert found.sources == {
        **dict.fromkeys(("category", "modality", "examined", "marks", "channel", "complete", "version"), ("s10",)),
        **dict.fromkeys(("decided", "extent"), ("s12",)),
        "item": ("s10", "s3", "s4"),
        "in_catalogue": ("s3", "s4"),
        "issuer": ("s10", "s0"),
        "recogniser": ("s12", "s1"),
        "qualification": ("s2",),
        "emergency": ("s11",),
    }


def test_without_an_examination_nothing_is_known_of_it() -> None:
    found = known(examination=None)
    unknown = ("category", "item", "in_catalogue", "examined", "marks", "channel", "complete")
    assert [getattr(found.facts, name) for name in unknown] == [None] * len(unknown)
    assert found.facts.qualification == Qualification() and found.qualification is None
    assert not {"qualification", *unknown} & found.sources.keys()
    assert found.facts.issuer.tier == 3


def test_without_the_time_of_the_decision_nothing_that_has_a_day_is_known() -> None:
    found = known(decision=None)
    assert (found.facts.decided, found.facts.extent, found.facts.item) == (None, None, None)
    assert found.facts.issuer == Profile(code="SYN-A") and found.facts.recogniser == Profile(code="SYN-B")
    assert "item" not in found.sources
    # The day of the examination is known, and with it the code in the catalogue of that day.
    assert found.facts.qualification.state == "granted"


@pytest.mark.parametrize(
    ("size", "tier", "state"), [(0, None, None), (1, 3, "none"), (2, 3, "none"), (3, 3, "granted")]
)
def test_only_what_had_been_said(size: int, tier: int | None, state: str | None) -> None:
    """Before entry 0 the log says nothing of SYN-A: its qualification may stand in another log."""
    found = known(size=size, examination=EXAMINED | {"item": "S-001"})
    assert (found.facts.issuer.tier, found.facts.qualification.state) == (tier, state)


def test_the_day_is_that_of_the_policys_zone() -> None:
    """20:00 UTC on 31 December is 1 January in China: the qualification has begun."""
    late = EXAMINED | {"at": "2025-12-31T20:00:00Z", "item": "S-001"}
    found = known(examination=late)
    assert found.facts.examined == datetime(2025, 12, 31, 20, tzinfo=UTC)
    assert found.facts.qualification.state == "granted"
    before = EXAMINED | {"at": "2025-12-31T23:59+08:00", "item": "S-001"}
    assert known(examination=before).facts.qualification.state == "none"


def test_a_day_in_no_calendar_is_not_known() -> None:
    found = known(examination=EXAMINED | {"at": "2026-02-31T08:00:00Z"})
    assert found.facts.examined is None and found.facts.qualification == Qualification()


def test_the_performer_is_who_must_be_qualified() -> None:
    found = known(examination=EXAMINED | {"item": "S-001", "performer": "SYN-LAB"})
    assert found.facts.qualification == Qualification() and found.facts.issuer.code == "SYN-A"
    theirs = stated(
        5, "qualification.granted", QUALITY, "l", qualification=qualification("SYN-LAB", "2026-01-01", "2026-12-31")
    )
    found = known(book_of(*rules(), theirs), examination=EXAMINED | {"item": "S-001", "performer": "SYN-LAB"})
    assert found.facts.qualification.state == "granted" and found.sources["qualification"] == ("s5",)


@pytest.mark.parametrize(
    ("item", "system", "code", "listed"),
    [
        ("S-002", "SYN-local", "S-002", True),
        ("S-009", "SYN-local", None, False),
        ("N-1", "SYN-national", "S-001", True),
        ("N-7", "SYN-national", None, False),
        ("N-9", "SYN-national", None, None),
        ("X-1", "SYN-other", None, None),
    ],
)
def test_an_item_in_the_catalogue(item: str, system: str, code: str | None, listed: bool | None) -> None:
    """N-7 is mapped to a code that the catalogue does not list; no map knows N-9; nothing is known of SYN-other."""
    found = known(examination=EXAMINED | {"item": item, "system": system})
    assert (found.facts.item, found.facts.in_catalogue) == (code, listed)
    assert [answer.code for answer in found.codes] == [item]


def test_a_code_that_stands_for_two_items_is_not_chosen() -> None:
    said = codemap([("N-1", "S-002")], codemap="SYN-map-2")
    more = stated(5, "codemap.published", OTHER_BUREAU, "n", codemap=said)
    found = known(book_of(*rules(), more))
    assert (found.facts.item, found.facts.in_catalogue) == (None, True)
    assert found.codes[0].answer == "ambiguous"
    # It is known by all of its codes, so the qualification for one of them covers it.
    assert found.facts.qualification.state == "granted"


def test_profiles_that_contradict_are_known_where_they_agree() -> None:
    other = profile("SYN-A", "2025-06-01", tier=2, district="440823")
    found = known(book_of(*rules(), stated(5, "institution.profiled", OTHER_BUREAU, "a2", profile=other)))
    issuer = found.facts.issuer
    assert (issuer.tier, issuer.district) == (None, None)
    assert (issuer.city, issuer.ownership, issuer.groups) == ("440800", "public", frozenset())
    assert found.profiles[0].contradictory and found.sources["issuer"] == ("s10", "s0", "s5")


def test_qualifications_that_contradict_are_not_known() -> None:
    part = qualification("SYN-A", "2026-01-01", "2026-12-31")
    found = known(
        book_of(
            *rules(),
            stated(5, "qualification.granted", "SYN-QUALITY-2", "p", qualification=part),
            stated(6, "qualification.revoked", "SYN-QUALITY-2", "p", since={"since": "2026-02-01"}, replaces="s5"),
        )
    )
    assert found.facts.qualification == Qualification()
    assert found.qualification is not None and found.qualification.contradictory


def test_what_it_says_of_every_fact_is_a_name_of_the_engines() -> None:
    assert set(known().sources) <= {field.name for field in msgspec.structs.fields(Facts)}


JOINED = {"connection": [{"since": "2026-01-01", "state": "connected"}]}
JOINING = {"connection": [{"since": "2026-01-01", "state": "integrating"}]}
LATER = {"connection": [{"since": "2026-03-06", "state": "connected"}]}


@pytest.mark.parametrize(
    ("issuer", "recogniser", "connected"),
    [
        (JOINED, JOINED, True),
        (JOINED, JOINING, False),
        (LATER, JOINED, False),
        (JOINED, {}, None),
        ({}, JOINING, False),
        ({}, {}, None),
    ],
)
def test_whether_both_are_connected_on_the_day_of_the_decision(
    issuer: dict, recogniser: dict, connected: bool | None
) -> None:
    """Decided on 5 March: what begins on the day after does not count."""
    found = known(
        book_of(
            stated(0, "institution.profiled", BUREAU, "a", profile=profile("SYN-A", "2025-01-01", **issuer)),
            stated(1, "institution.profiled", BUREAU, "b", profile=profile("SYN-B", "2025-01-01", **recogniser)),
        )
    )
    assert found.facts.connected is connected
    assert found.sources.get("connected") == (("s0", "s1") if connected is not None else None)


def test_bureaus_that_differ_about_the_platform_leave_it_unknown() -> None:
    found = known(
        book_of(
            stated(0, "institution.profiled", BUREAU, "a", profile=profile("SYN-A", "2025-01-01", **JOINED)),
            stated(1, "institution.profiled", OTHER_BUREAU, "a2", profile=profile("SYN-A", "2025-01-01", **JOINING)),
            stated(2, "institution.profiled", BUREAU, "b", profile=profile("SYN-B", "2025-01-01", **JOINED)),
        )
    )
    assert found.facts.connected is None
