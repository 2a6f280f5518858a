"""Catalogues and code maps: sections put together, codes of one system in another. Every answer is written by hand."""

from datetime import date

import pytest

from ledger_service.recognition.book import Book
from ledger_service.recognition.catalogue import translate
from tests.recognition.stories import BUREAU, OTHER_BUREAU, book_of, codemap, section, stated

ALL = 99
DAY = date(2026, 3, 1)
BLOOD, LIVER, KIDNEY = ("S-001", "（样例）血细胞分析"), ("S-002", "（样例）肝功能"), ("S-003", "（样例）肾功能")


def catalogue_book(*sections: dict, by: str = BUREAU) -> Book:
    return book_of(
        *(stated(n, "catalogue.published", by, f"c{n}", catalogue=value) for n, value in enumerate(sections))
    )


def test_sections_are_put_together_in_any_order() -> None:
    for order in ((1, 2), (2, 1)):
        items = {1: [BLOOD], 2: [LIVER]}
        (found,) = catalogue_book(*(section(2, number, items[number]) for number in order)).as_of(ALL).catalogues(DAY)
        assert sorted(found.items) == ["S-001", "S-002"]
        assert found.sections.missing == () and found.sections.contradictory == ()
        assert found.sections.statements == ("s0", "s1")
        assert [found.find(code) for code in ("S-001", "S-002", "S-003")] == ["listed", "listed", "not-listed"]


def test_a_missing_section_is_said() -> None:
    (found,) = catalogue_book(section(3, 2, [LIVER])).as_of(ALL).catalogues(DAY)
    assert found.sections.missing == (1, 3) and not found.sections.complete
    assert [found.find(code) for code in ("S-002", "S-001")] == ["listed", "unknown"]


def test_a_section_that_is_not_there_yet() -> None:
    book = catalogue_book(section(2, 1, [BLOOD]), section(2, 2, [LIVER]))
    (before,), (after,) = (book.as_of(size).catalogues(DAY) for size in (1, 2))
    assert (before.sections.missing, after.sections.missing) == ((2,), ())


def test_one_section_twice_is_no_contradiction_unless_it_differs() -> None:
    (same,) = catalogue_book(section(1, 1, [BLOOD]), section(1, 1, [BLOOD])).as_of(ALL).catalogues(DAY)
    assert same.sections.contradictory == () and same.find("S-001") == "listed"
    (other,) = catalogue_book(section(1, 1, [BLOOD]), section(1, 1, [("S-001", "另一项目")])).as_of(ALL).catalogues(DAY)
    assert other.sections.contradictory == ("s0", "s1")
    assert other.find("S-001") == "contradictory" and len(other.items["S-001"]) == 2


@pytest.mark.parametrize(
    ("number", "count", "missing", "contradictory"),
    [(2, 3, (3,), ("s0", "s1")), (4, 2, (2,), ("s1",)), (0, 2, (2,), ("s1",))],
)
def test_sections_that_count_otherwise(
    number: int, count: int, missing: tuple[int, ...], contradictory: tuple[str, ...]
) -> None:
    """The first says two sections, the other says or is something else."""
    (found,) = catalogue_book(section(2, 1, [BLOOD]), section(count, number, [LIVER])).as_of(ALL).catalogues(DAY)
    assert (found.sections.contradictory, found.sections.missing) == (contradictory, missing)


def test_sections_without_end_are_not_looked_for() -> None:
    (found,) = catalogue_book(section(2**53 - 1, 1, [BLOOD])).as_of(ALL).catalogues(DAY)
    assert len(found.sections.missing) == 9_999


def test_a_new_version_holds_from_its_day() -> None:
    new = {"version": "2027", "since": "2027-01-01"}
    for link in ({}, {"replaces": "s0"}):
        book = book_of(
            stated(0, "catalogue.published", BUREAU, "c0", catalogue=section(1, 1, [BLOOD])),
            stated(1, "catalogue.published", BUREAU, "c1", catalogue=section(1, 1, [LIVER], **new), **link),
        )
        versions = [
            [each.version for each in book.as_of(ALL).catalogues(date(year, 6, 1))] for year in (2025, 2026, 2027)
        ]
        assert versions == [[], ["2026"], ["2027"]]


def test_one_link_replaces_a_version_of_several_sections() -> None:
    book = book_of(
        stated(0, "catalogue.published", BUREAU, "c0", catalogue=section(2, 1, [BLOOD])),
        stated(1, "catalogue.published", BUREAU, "c1", catalogue=section(2, 2, [LIVER])),
        stated(
            2,
            "catalogue.published",
            OTHER_BUREAU,
            "c2",
            catalogue=section(1, 1, [KIDNEY], version="2026b"),
            replaces="s1",
        ),
    )
    assert [each.version for each in book.as_of(ALL).catalogues(DAY)] == ["2026b"]
    assert [each.version for each in book.as_of(2).catalogues(DAY)] == ["2026"]


def test_a_section_replaced_within_its_version() -> None:
    book = book_of(
        stated(0, "catalogue.published", BUREAU, "c0", catalogue=section(1, 1, [BLOOD])),
        stated(1, "catalogue.published", BUREAU, "c1", catalogue=section(1, 1, [LIVER]), replaces="s0"),
    )
    (found,) = book.as_of(ALL).catalogues(DAY)
    assert (found.find("S-001"), found.find("S-002")) == ("not-listed", "listed")
    assert found.sections.contradictory == ()


def test_two_publishers_of_one_catalogue_are_both_kept() -> None:
    book = book_of(
        stated(0, "catalogue.published", BUREAU, "c0", catalogue=section(1, 1, [BLOOD])),
        stated(1, "catalogue.published", OTHER_BUREAU, "c1", catalogue=section(1, 1, [LIVER], version="B")),
    )
    assert [each.version for each in book.as_of(ALL).catalogues(DAY)] == ["2026", "B"]


def test_a_corrected_section() -> None:
    right = {"correction": {"parts": ["catalogue"]}, "catalogue": section(1, 1, [LIVER])}
    book = book_of(
        stated(0, "catalogue.published", BUREAU, "c0", catalogue=section(1, 1, [BLOOD])),
        stated(1, "statement.corrected", BUREAU, "c0", corrects="s0", **right),
    )
    (before,), (after,) = (book.as_of(size).catalogues(DAY) for size in (1, 2))
    assert [before.find(code) for code in ("S-001", "S-002")] == ["listed", "not-listed"]
    assert [after.find(code) for code in ("S-001", "S-002")] == ["not-listed", "listed"]


# Code maps

PAIRS = [("N-1", "S-001"), ("N-1", "S-003"), ("N-2", "S-001"), ("N-4", "S-004")]
NATIONAL, LOCAL = "SYN-national", "SYN-local"


@pytest.mark.parametrize(
    ("system", "code", "target", "answer", "codes"),
    [
        (NATIONAL, "N-2", LOCAL, "mapped", ("S-001",)),
        (NATIONAL, "N-1", LOCAL, "ambiguous", ("S-001", "S-003")),
        (LOCAL, "S-001", NATIONAL, "ambiguous", ("N-1", "N-2")),
        (LOCAL, "S-004", NATIONAL, "mapped", ("N-4",)),
        (LOCAL, "S-001", LOCAL, "same-system", ("S-001",)),
        (NATIONAL, "N-9", LOCAL, "not-mapped", ()),
        ("SYN-other", "N-1", LOCAL, "no-map", ()),
    ],
)
def test_a_code_in_another_system(system: str, code: str, target: str, answer: str, codes: tuple[str, ...]) -> None:
    book = book_of(stated(0, "codemap.published", BUREAU, "m", codemap=codemap(PAIRS)))
    found = translate(book.as_of(ALL).codemaps(DAY), system, code, target)
    assert (found.answer, found.codes) == (answer, codes)
    assert (found.system, found.code, found.target) == (system, code, target), "the original is always kept"
    assert found.statements == (() if answer in ("same-system", "no-map") else ("s0",))
    assert found.zh and found.en.isascii()


def test_what_a_missing_section_may_map_is_not_known() -> None:
    part = codemap([("N-1", "S-001")], sections=2)
    book = book_of(stated(0, "codemap.published", BUREAU, "m", codemap=part))
    maps = book.as_of(ALL).codemaps(DAY)
    assert translate(maps, NATIONAL, "N-9", LOCAL).answer == "sections-missing"
    assert translate(maps, NATIONAL, "N-1", LOCAL).answer == "mapped"


def test_two_maps_that_differ_both_count() -> None:
    book = book_of(
        stated(0, "codemap.published", BUREAU, "m", codemap=codemap([("N-1", "S-001")])),
        stated(1, "codemap.published", OTHER_BUREAU, "n", codemap=codemap([("N-1", "S-009")], codemap="SYN-map-2")),
    )
    found = translate(book.as_of(ALL).codemaps(DAY), NATIONAL, "N-1", LOCAL)
    assert (found.answer, found.codes, found.statements) == ("ambiguous", ("S-001", "S-009"), ("s0", "s1"))


def test_a_section_between_other_systems_is_kept_and_said_to_contradict() -> None:
    other = codemap([("N-1", "X-1")], sections=2, section=2, target="SYN-elsewhere")
    book = book_of(
        stated(0, "codemap.published", BUREAU, "m", codemap=codemap([("N-1", "S-001")], sections=2)),
        stated(1, "codemap.published", BUREAU, "n", codemap=other),
    )
    (found,) = book.as_of(ALL).codemaps(DAY)
    assert found.codes(NATIONAL, "N-1", LOCAL) == ("S-001",)
    assert found.codes(NATIONAL, "N-1", "SYN-elsewhere") == ("X-1",)
    assert found.sections.contradictory == ("s0", "s1")
