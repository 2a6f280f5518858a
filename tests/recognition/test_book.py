"""Institutions, alliances and policies as of a moment. Every answer is written by hand."""

import json
from datetime import date

import pytest

from anchors.core.errors import MalformedInput
from ledger_service.recognition.book import Book
from ledger_service.recognition.policies import shipped_policy
from ledger_service.recognition.policy import policy_digest
from ledger_service.recognition.profiles import connection_on, groups_on
from tests.recognition.stories import BUREAU, OTHER_BUREAU, book_of, profile, published, stated

ALL = 99
MAY = date(2025, 5, 1)


def tier(book: Book, day: str, size: int = ALL) -> int | None:
    found = book.as_of(size).profile("SYN-A", date.fromisoformat(day)).profile
    return found.tier if found is not None else None


def promoted() -> Book:
    """Tier 2 from 2024; tier 3 from July 2025, as the bureau says in entry 8."""
    return book_of(
        stated(2, "institution.profiled", BUREAU, "a1", profile=profile("SYN-A", "2024-01-01", tier=2)),
        stated(8, "institution.profiled", BUREAU, "a2", profile=profile("SYN-A", "2025-07-01"), replaces="s2"),
    )


@pytest.mark.parametrize(
    ("day", "size", "expected"),
    [
        ("2023-12-31", ALL, None),
        ("2024-01-01", ALL, 2),
        ("2025-06-30", ALL, 2),
        ("2025-07-01", ALL, 3),
        ("2025-07-01", 8, 2),
        ("2025-07-01", 2, None),
    ],
)
def test_a_profile_holds_from_a_day_on(day: str, size: int, expected: int | None) -> None:
    assert tier(promoted(), day, size) == expected


def test_a_publishers_later_day_needs_no_link() -> None:
    book = book_of(
        stated(0, "institution.profiled", BUREAU, "a1", profile=profile("SYN-A", "2025-07-01")),
        stated(1, "institution.profiled", BUREAU, "a2", profile=profile("SYN-A", "2024-01-01", tier=2)),
    )
    assert (tier(book, "2025-01-01"), tier(book, "2025-08-01")) == (2, 3)


def test_two_bureaus_that_differ_are_both_kept() -> None:
    book = book_of(
        stated(0, "institution.profiled", BUREAU, "a1", profile=profile("SYN-A", "2024-01-01", tier=2)),
        stated(1, "institution.profiled", OTHER_BUREAU, "a2", profile=profile("SYN-A", "2024-06-01", tier=3)),
    )
    answer = book.as_of(ALL).profile("SYN-A", MAY)
    assert answer.profile is None and answer.contradictory
    assert [each.tier for each in answer.candidates] == [2, 3] and answer.statements == ("s0", "s1")
    assert tier(book, "2024-05-01") == 2


def test_two_bureaus_that_agree_do_not_contradict() -> None:
    same = profile("SYN-A", "2024-01-01")
    book = book_of(
        stated(0, "institution.profiled", BUREAU, "a1", profile=same),
        stated(1, "institution.profiled", OTHER_BUREAU, "a2", profile=same),
    )
    answer = book.as_of(ALL).profile("SYN-A", MAY)
    assert answer.profile is not None and answer.statements == ("s0", "s1")


def test_one_bureau_that_says_two_things_of_one_day() -> None:
    """The same publisher and day, no link: whoever spoke last does not win."""
    book = book_of(
        stated(0, "institution.profiled", BUREAU, "a1", profile=profile("SYN-A", "2024-01-01", tier=2)),
        stated(1, "institution.profiled", BUREAU, "a2", profile=profile("SYN-A", "2024-01-01", tier=3)),
    )
    assert book.as_of(ALL).profile("SYN-A", MAY).contradictory
    assert not book.as_of(1).profile("SYN-A", MAY).contradictory


def test_a_link_settles_it() -> None:
    book = book_of(
        stated(0, "institution.profiled", BUREAU, "a1", profile=profile("SYN-A", "2024-01-01", tier=2)),
        stated(1, "institution.profiled", OTHER_BUREAU, "a2", profile=profile("SYN-A", "2024-01-01"), replaces="s0"),
    )
    assert tier(book, "2025-05-01") == 3


def test_a_corrected_profile() -> None:
    right = profile("SYN-A", "2024-01-01", tier=1)
    said = {"correction": {"parts": ["profile"]}, "profile": right}
    book = book_of(
        stated(0, "institution.profiled", BUREAU, "a1", profile=profile("SYN-A", "2024-01-01", tier=2)),
        stated(4, "statement.corrected", BUREAU, "a1", corrects="s0", **said),
        stated(6, "statement.corrected", BUREAU, "other", corrects="s3", **said),
    )
    assert (tier(book, "2025-05-01", 4), tier(book, "2025-05-01", 5)) == (2, 1)
    answer = book.as_of(ALL).profile("SYN-A", MAY)
    assert answer.statements == ("s0",)


STEPS = [
    {"since": "2024-03-01", "state": "agreed"},
    {"since": "2024-05-10", "state": "integrating"},
    {"since": "2025-01-01", "state": "connected"},
    {"since": "2026-01-01", "state": "left"},
]


@pytest.mark.parametrize(
    ("day", "steps", "expected"),
    [
        ("2024-02-29", STEPS, "none"),
        ("2024-03-01", STEPS, "agreed"),
        ("2024-05-09", STEPS, "agreed"),
        ("2024-05-10", STEPS, "integrating"),
        ("2024-12-31", STEPS, "integrating"),
        ("2025-01-01", STEPS[::-1], "connected"),
        ("2025-12-31", STEPS, "connected"),
        ("2026-01-01", STEPS, "left"),
        ("2025-06-01", [], None),
        ("2024-03-01", [STEPS[0], STEPS[0] | {"state": "connected"}], "connected"),
    ],
)
def test_how_far_an_institution_is_with_the_platform_on_a_day(day: str, steps: list, expected: str | None) -> None:
    on = date.fromisoformat(day)
    said = profile("SYN-A", "2024-01-01", connection=steps)
    answer = book_of(stated(0, "institution.profiled", BUREAU, "a", profile=said)).as_of(ALL).profile("SYN-A", on)
    assert answer.profile is not None and connection_on(answer.profile, on) == expected


@pytest.mark.parametrize(
    ("day", "groups"),
    [
        ("2025-01-31", set()),
        ("2025-02-01", {"county-close/SYN-1"}),
        ("2025-03-01", {"county-close/SYN-1", "city-close/SYN-2"}),
        ("2025-06-30", {"county-close/SYN-1", "city-close/SYN-2"}),
        ("2025-07-01", {"city-close/SYN-2"}),
    ],
)
def test_alliances_on_their_days(day: str, groups: set[str]) -> None:
    said = [
        {"group": "county-close/SYN-1", "since": "2025-02-01", "until": "2025-06-30"},
        {"group": "city-close/SYN-2", "since": "2025-03-01"},
    ]
    on = date.fromisoformat(day)
    book = book_of(stated(0, "institution.profiled", BUREAU, "a", profile=profile("SYN-A", "2024-01-01", groups=said)))
    assert groups_on(book.as_of(ALL).profile("SYN-A", on).profile, on) == groups


def test_statements_come_in_log_order() -> None:
    book = promoted()
    with pytest.raises(MalformedInput, match="log order"):
        book.add(stated(8, "institution.profiled", BUREAU, "a3", profile=profile("SYN-A", "2024-01-01")))


def test_what_is_no_rule_and_what_lacks_its_part_is_left_out() -> None:
    book = book_of(
        stated(0, "report.issued", "SYN-A", "r"),
        stated(1, "institution.profiled", BUREAU, "a"),
        stated(2, "qualification.granted", BUREAU, "q"),
        stated(3, "catalogue.published", BUREAU, "c"),
    )
    assert book.as_of(ALL).profile("SYN-A", MAY).statements == ()
    assert not book.as_of(ALL).is_described("SYN-A")
    assert book.as_of(ALL).catalogues(MAY) == ()


# Policies

ZHANJIANG = json.loads(shipped_policy("zhanjiang-2024"))
DAY = date(2025, 5, 1)


def test_a_policy_by_version_and_digest() -> None:
    book = book_of(published(0, BUREAU, ZHANJIANG), published(1, OTHER_BUREAU, ZHANJIANG | {"number": "SYN-1"}))
    answer = book.as_of(ALL).policy("zhanjiang-2024", "1")
    assert answer.contradictory and answer.only is None and answer.statements == ("s0", "s1")
    first = answer.publications[0]
    named = book.as_of(ALL).policy("zhanjiang-2024", "1", first.digest)
    assert named.statements == ("s0",) and named.only == first and named.contradictory
    assert policy_digest(first.prepared.document).hex() == first.digest
    assert not book.as_of(1).policy("zhanjiang-2024", "1").contradictory
    assert book.as_of(ALL).policy("zhanjiang-2024", "2").publications == ()


def test_a_policy_published_twice_is_one() -> None:
    book = book_of(published(0, BUREAU, ZHANJIANG), published(1, OTHER_BUREAU, ZHANJIANG))
    answer = book.as_of(ALL).policy("zhanjiang-2024", "1")
    assert not answer.contradictory and answer.only is not None and answer.statements == ("s0", "s1")


@pytest.mark.parametrize(
    ("places", "day", "found"),
    [
        ({"440800", "440000"}, "2025-05-01", ("s0",)),
        ({"440800"}, "2024-01-23", ()),
        ({"440800"}, "2024-01-24", ("s0",)),
        ({"440800"}, "2029-01-24", ("s0",)),
        ({"440800"}, "2029-01-25", ()),
        ({"440100", "440000"}, "2025-05-01", ()),
    ],
)
def test_which_policy_is_in_force(places: set[str], day: str, found: tuple[str, ...]) -> None:
    """Zhanjiang's, from 24 January 2024 for five years, in Zhanjiang (440800) and not in Guangzhou (440100)."""
    book = book_of(published(0, BUREAU, ZHANJIANG))
    assert book.as_of(ALL).policies_in_force(places, date.fromisoformat(day)).statements == found


SECOND = ZHANJIANG | {"version": "2", "in_force": {"clause": "文末", "first": "2026-01-01", "last": "2030-12-31"}}


def test_a_new_version_takes_its_place_from_its_first_day() -> None:
    for link in ({}, {"replaces": "s0"}):
        book = book_of(published(0, BUREAU, ZHANJIANG), published(5, BUREAU, SECOND, **link))
        asked = [book.as_of(ALL).policies_in_force({"440800"}, date(year, 6, 1)) for year in (2025, 2026, 2030)]
        assert [answer.statements for answer in asked] == [("s0",), ("s5",), ("s5",)]
        assert not any(answer.contradictory for answer in asked)
        assert book.as_of(5).policies_in_force({"440800"}, date(2026, 6, 1)).statements == ("s0",)


def test_two_policies_for_one_area_contradict() -> None:
    other = ZHANJIANG | {"policy": "SYN-other"}
    book = book_of(published(0, BUREAU, ZHANJIANG), published(1, OTHER_BUREAU, other))
    answer = book.as_of(ALL).policies_in_force({"440800"}, DAY)
    assert answer.contradictory and answer.statements == ("s0", "s1") and answer.only is None


def test_rules_of_another_digest_are_left_out() -> None:
    named = published(0, BUREAU, SECOND).parts["policy"]
    named = {"policy": "zhanjiang-2024", "version": "1", "digest": named.digest}
    book = book_of(stated(0, "policy.published", BUREAU, "p", policy=named, rules=ZHANJIANG))
    assert book.as_of(ALL).policy("zhanjiang-2024", "1").statements == ()
    assert book.as_of(ALL).policies_in_force({"440800"}, DAY).publications == ()


def test_correcting_a_policy_does_not_change_its_rules() -> None:
    said = {"correction": {"parts": ["rules"]}, "rules": SECOND}
    first = published(0, BUREAU, ZHANJIANG)
    book = book_of(first, stated(3, "statement.corrected", BUREAU, "p", corrects="s0", **said))
    before, after = (book.as_of(size).policy("zhanjiang-2024", "1").publications[0] for size in (3, 4))
    assert before == after
