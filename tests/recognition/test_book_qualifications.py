"""Which qualification an institution had, on which day, by what had been said when. Every answer is written by hand."""

from datetime import date

import pytest

from ledger_service.recognition.book import Book
from ledger_service.recognition.qualifications import QualificationAnswer
from tests.recognition.stories import QUALITY, book_of, qualification, stated

ALL = 99


def ask(
    book: Book, day: str, size: int = ALL, item: str = "S-001", category: str = "laboratory"
) -> QualificationAnswer:
    return book.as_of(size).qualification("SYN-A", category, {item}, date.fromisoformat(day))


def life() -> Book:
    """Granted for 2025; suspended from June; renewed from August, for 2025 and 2026; revoked from March 2026."""
    year, both = qualification("SYN-A", "2025-01-01", "2025-12-31"), qualification("SYN-A", "2025-08-01", "2026-12-31")
    june, march = {"since": "2025-06-01"}, {"since": "2026-03-01"}
    why = {"code": "SYN-failed"}
    return book_of(
        stated(3, "qualification.granted", QUALITY, "q", qualification=year),
        stated(7, "qualification.suspended", QUALITY, "q", since=june, reason=why, replaces="s3"),
        stated(9, "qualification.renewed", QUALITY, "q", qualification=both, replaces="s7"),
        stated(12, "qualification.revoked", QUALITY, "q", since=march, reason=why, replaces="s9"),
    )


@pytest.mark.parametrize(
    ("day", "state", "statements"),
    [
        ("2024-12-31", "none", ()),
        ("2025-01-01", "granted", ("s3",)),
        ("2025-05-31", "granted", ("s3",)),
        ("2025-06-01", "suspended", ("s3", "s7")),
        ("2025-07-31", "suspended", ("s3", "s7")),
        ("2025-08-01", "granted", ("s9",)),
        ("2026-02-28", "granted", ("s9",)),
        ("2026-03-01", "revoked", ("s9", "s12")),
        ("2027-01-01", "revoked", ("s9", "s12")),
    ],
)
def test_a_whole_life(day: str, state: str, statements: tuple[str, ...]) -> None:
    answer = ask(life(), day)
    assert (answer.state, answer.statements, answer.others) == (state, statements, ())


@pytest.mark.parametrize(
    ("size", "state"), [(3, "none"), (4, "granted"), (7, "granted"), (8, "suspended"), (10, "granted"), (13, "granted")]
)
def test_what_had_been_said_by_then(size: int, state: str) -> None:
    """Of one and the same day, 1 September 2025: the suspension was not said to have ended before entry 9."""
    assert ask(life(), "2025-09-01", size).state == state


def test_it_lapses_after_its_last_day() -> None:
    book = book_of(stated(0, "qualification.granted", QUALITY, "q", qualification=qualification("SYN-A", *YEAR)))
    assert ask(book, "2025-12-31").state == "granted"
    assert ask(book, "2026-01-01").state == "lapsed"


YEAR = ("2025-01-01", "2025-12-31")


def test_revoked_from_a_day_long_past() -> None:
    """A revocation that is said later and holds from before the renewal leaves nothing after its day."""
    book = book_of(
        stated(0, "qualification.granted", QUALITY, "q", qualification=qualification("SYN-A", *YEAR)),
        stated(
            1, "qualification.renewed", QUALITY, "q", qualification=qualification("SYN-A", "2025-06-01", "2026-06-01")
        ),
        stated(2, "qualification.revoked", QUALITY, "q", since={"since": "2025-03-01"}, reason={"code": "x"}),
    )
    assert [ask(book, day).state for day in ("2025-02-28", "2025-03-01", "2025-07-01")] == [
        "granted",
        "revoked",
        "revoked",
    ]
    assert ask(book, "2025-07-01", 2).state == "granted"


def test_only_what_it_covers() -> None:
    one = qualification("SYN-A", *YEAR, items=["S-001", "S-002"])
    book = book_of(stated(0, "qualification.granted", QUALITY, "q", qualification=one))
    assert ask(book, "2025-05-01", item="S-002").state == "granted"
    assert ask(book, "2025-05-01", item="S-003").state == "none"
    assert ask(book, "2025-05-01", category="imaging").state == "none"
    assert book.as_of(ALL).qualification("SYN-B", "laboratory", {"S-001"}, date(2025, 5, 1)).state == "none"


def test_an_item_is_known_by_several_codes() -> None:
    one = qualification("SYN-A", *YEAR, items=["N-1"])
    book = book_of(stated(0, "qualification.granted", QUALITY, "q", qualification=one))
    assert book.as_of(ALL).qualification("SYN-A", "laboratory", ("S-001", "N-1"), date(2025, 5, 1)).state == "granted"


def test_granted_and_revoked_for_one_scope_contradict() -> None:
    """Two centres, one place: both are kept, and nobody wins."""
    book = book_of(
        stated(0, "qualification.granted", QUALITY, "p", qualification=qualification("SYN-A", *YEAR)),
        stated(1, "qualification.granted", "SYN-QUALITY-2", "q", qualification=qualification("SYN-A", *YEAR)),
        stated(2, "qualification.revoked", "SYN-QUALITY-2", "q", since={"since": "2025-05-01"}, reason={"code": "x"}),
    )
    answer = ask(book, "2025-06-01")
    assert answer.state is None and answer.contradictory
    assert answer.statements == ("s0", "s1", "s2")
    assert ask(book, "2025-04-30").state == "granted"


def test_granted_anew_after_a_revocation() -> None:
    book = book_of(
        stated(0, "qualification.granted", QUALITY, "p", qualification=qualification("SYN-A", *YEAR)),
        stated(1, "qualification.revoked", QUALITY, "p", since={"since": "2025-03-01"}, reason={"code": "x"}),
        stated(
            2, "qualification.granted", QUALITY, "q", qualification=qualification("SYN-A", "2025-04-01", "2026-03-31")
        ),
    )
    answer = ask(book, "2025-05-01")
    assert (answer.state, answer.statements) == ("granted", ("s2",))
    assert [found.state for found in answer.others] == ["revoked"]


def test_another_scope_contradicts_nothing() -> None:
    elsewhere = qualification("SYN-A", *YEAR, scope=["440100"])
    book = book_of(
        stated(0, "qualification.granted", QUALITY, "p", qualification=elsewhere),
        stated(1, "qualification.revoked", QUALITY, "p", since={"since": "2025-03-01"}, reason={"code": "x"}),
        stated(2, "qualification.granted", QUALITY, "q", qualification=qualification("SYN-A", *YEAR)),
    )
    assert ask(book, "2025-05-01").state == "granted"


def test_what_was_corrected() -> None:
    """The last day was wrong; before the correction nobody could know."""
    right = qualification("SYN-A", "2025-01-01", "2026-06-30")
    correction = {"parts": ["qualification"]}
    book = book_of(
        stated(0, "qualification.granted", QUALITY, "q", qualification=qualification("SYN-A", *YEAR)),
        stated(5, "statement.corrected", QUALITY, "q", correction=correction, qualification=right, corrects="s0"),
    )
    assert ask(book, "2026-03-01", 5).state == "lapsed"
    assert ask(book, "2026-03-01", 6).state == "granted"


def test_corrected_to_be_of_another_institution() -> None:
    right = qualification("SYN-B", *YEAR)
    correction = {"parts": ["qualification"]}
    book = book_of(
        stated(0, "qualification.granted", QUALITY, "q", qualification=qualification("SYN-A", *YEAR)),
        stated(5, "statement.corrected", QUALITY, "q", correction=correction, qualification=right, corrects="s0"),
    )
    day = date(2025, 5, 1)
    assert ask(book, "2025-05-01", 5).state == "granted" and ask(book, "2025-05-01", 6).state == "none"
    assert book.as_of(5).qualification("SYN-B", "laboratory", {"S-001"}, day).state == "none"
    assert book.as_of(6).qualification("SYN-B", "laboratory", {"S-001"}, day).state == "granted"


def test_corrected_without_saying_what_is_right() -> None:
    book = book_of(
        stated(0, "qualification.granted", QUALITY, "q", qualification=qualification("SYN-A", *YEAR)),
        stated(5, "statement.corrected", QUALITY, "q", correction={"parts": ["qualification"]}, corrects="s0"),
    )
    assert ask(book, "2025-05-01", 6).state == "none"
