"""A small city's spring, counted by hand; and the same figures made again from nothing but what the page says."""

import json
from hashlib import sha256

import pytest

from anchors.core.errors import MalformedInput
from ledger_service.recognition.figures import FIGURES, Period, read_day
from tests.recognition.counted import CountedLog, Said, by, counts

SOUTH, NORTH, WEST, LAB, CENTRE = "SYN-SOUTH", "SYN-NORTH", "SYN-WEST", "SYN-LAB", "SYN-CENTRE"


class Spring:
    """The story. South is a public hospital of tier 3, North a private one of tier 2, nobody described West."""

    def __init__(self) -> None:
        log = self.log = CountedLog()
        log.catalogue({"S-001": 1_800, "S-002": 24_000, "S-003": None})
        log.profile(SOUTH, 3, "public", "东区")
        log.profile(NORTH, 2, "private", "西区")
        blood, scan = log.report(LAB, "S-001"), log.report(SOUTH, "S-002", "imaging")
        unpriced, unsaid, of_north = log.report(LAB, "S-003"), log.report(LAB, None), log.report(NORTH, "S-001")
        self.reminders = [
            log.remind(SOUTH, blood, "2026-03-01T09:00+08:00"),
            log.remind(NORTH, scan, "2026-03-02T09:00+08:00"),
            log.remind(NORTH, blood, "2026-03-02T10:00+08:00"),
        ]
        log.say(NORTH, "reminder.dismissed", blood.subject, "2026-03-02T10:01+08:00", reminder=self.reminders[2])
        self.recognised = [
            log.recognise(SOUTH, blood, "2026-03-31T23:59+08:00"),
            log.recognise(NORTH, scan, "2026-04-01T00:00+08:00"),
            log.recognise(NORTH, unpriced, "2026-04-02T12:00+08:00"),
            log.recognise(WEST, unsaid, "2026-04-02T12:00+08:00"),
            log.recognise(SOUTH, of_north, "2026-04-03T12:00+08:00"),
        ]
        log.recognise(SOUTH, blood, "2026-04-04T12:00+08:00")  # for the second time
        self.declined = [
            log.decline(SOUTH, unpriced, "changes-fast", "2026-04-04T12:00+08:00"),
            log.decline(NORTH, blood, "emergency", "2026-04-05T12:00+08:00"),
        ]
        self.repeats = [
            log.repeat(NORTH, blood, "emergency", "2026-04-06T12:00+08:00"),
            log.repeat(WEST, blood, "patient-asks", "2026-04-06T12:00+08:00"),
        ]
        self.review(self.repeats[0], "unnecessary")
        self.review(self.repeats[1], "necessary")
        log.say(WEST, "access.denied", scan.subject, "2026-04-07T12:00+08:00", report=scan)
        log.say(NORTH, "access.emergency", unpriced.subject, "2026-04-08T12:00+08:00", report=unpriced)
        self.before_changes = len(log.rows)
        self.correction = log.correct(self.recognised[2], "2026-05-01T12:00+08:00")
        self.withdrawal = log.withdraw(of_north)
        log.correct(self.reminders[1], "2026-05-02T12:00+08:00")

    def review(self, repeat: Said, finding: str) -> Said:
        """The experts' finding."""
        found = {"finding": finding}
        return self.log.say(
            CENTRE, "repeat.reviewed", repeat.subject, "2026-04-20T12:00+08:00", reviews=repeat, review=found
        )


@pytest.fixture(scope="module")
def spring() -> Spring:
    """The story, told once."""
    return Spring()


def test_every_figure_is_what_a_person_counts(spring: Spring) -> None:
    figures = spring.log.count()
    assert counts(figures) == {
        "accesses": (10, 0),
        "accessesDenied": (1, 0),
        "corrections": (2, 0),
        "emergencies": (1, 0),
        "recognitions": (5, 2),
        "refusals": (2, 0),
        "remindersDismissed": (1, 0),
        "remindersFollowed": (2, 1),
        "remindersShown": (3, 1),
        "repeats": (2, 0),
        "repeatsNecessary": (1, 0),
        "repeatsUnnecessary": (1, 0),
        "savings": (27_600, 1_800),
        "unpriced": (2, 1),
        "withdrawals": (1, 0),
    }
    assert figures.figures.keys() == set(FIGURES) and figures.said_again == 1
    assert figures.broken == {} and figures.gaps is None


def test_before_anything_was_taken_back(spring: Spring) -> None:
    figures = spring.log.count(size=spring.before_changes)
    assert {name: one for name, one in counts(figures).items() if one[1]} == {}
    assert figures.figures["savings"].net == 27_600 and figures.figures["unpriced"].net == 2


def test_recognitions_by_every_dimension(spring: Spring) -> None:
    figures = spring.log.count()
    assert by(figures, "institution", "recognitions") == {SOUTH: (2, 1), NORTH: (2, 1), WEST: (1, 0)}
    assert by(figures, "direction", "recognitions") == {
        (SOUTH, LAB): (1, 0),
        (SOUTH, NORTH): (1, 1),
        (NORTH, SOUTH): (1, 0),
        (NORTH, LAB): (1, 1),
        (WEST, LAB): (1, 0),
    }
    assert by(figures, "tier", "recognitions") == {"3": (2, 1), "2": (2, 1), "": (1, 0)}
    assert by(figures, "ownership", "recognitions") == {"public": (2, 1), "private": (2, 1), "": (1, 0)}
    assert by(figures, "city", "recognitions") == {"样例市": (4, 2), "": (1, 0)}
    assert by(figures, "district", "recognitions") == {
        ("样例市", "东区"): (2, 1),
        ("样例市", "西区"): (2, 1),
        ("", ""): (1, 0),
    }
    assert by(figures, "category", "recognitions") == {"laboratory": (3, 2), "imaging": (1, 0), "": (1, 0)}
    assert by(figures, "item", "recognitions") == {
        ("SAMPLE-local", "S-001"): (2, 1),
        ("SAMPLE-local", "S-002"): (1, 0),
        ("SAMPLE-local", "S-003"): (1, 1),
        ("", ""): (1, 0),
    }
    assert by(figures, "month", "recognitions") == {"2026-03": (1, 0), "2026-04": (4, 2)}
    assert by(figures, "reason", "recognitions") == {}


def test_money_reasons_and_reviews_by_institution(spring: Spring) -> None:
    figures = spring.log.count()
    assert by(figures, "institution", "savings") == {SOUTH: (3_600, 1_800), NORTH: (24_000, 0)}
    assert by(figures, "institution", "unpriced") == {NORTH: (1, 1), WEST: (1, 0)}
    assert by(figures, "reason", "refusals") == {"changes-fast": (1, 0), "emergency": (1, 0)}
    assert by(figures, "reason", "repeats") == {"emergency": (1, 0), "patient-asks": (1, 0)}
    assert by(figures, "institution", "repeatsUnnecessary") == {NORTH: (1, 0)}
    assert by(figures, "institution", "repeatsNecessary") == {WEST: (1, 0)}
    assert by(figures, "institution", "withdrawals") == {NORTH: (1, 0)}


def test_the_evidence_is_the_tree_over_the_statements_counted(spring: Spring) -> None:
    figures = spring.log.count().figures
    recognised = [one.id for one in spring.recognised]
    assert figures["recognitions"].evidence == tree_hash(recognised)
    assert figures["recognitions"].against == tree_hash([spring.correction.id, spring.withdrawal.id])
    assert figures["savings"].evidence == tree_hash([recognised[0], recognised[1], recognised[4]])
    assert figures["savings"].against == tree_hash([spring.withdrawal.id])
    assert figures["unpriced"].evidence == tree_hash(recognised[2:4])
    assert figures["remindersShown"].evidence == tree_hash([one.id for one in spring.reminders])
    assert figures["remindersFollowed"].evidence == tree_hash(recognised[:2])
    assert figures["refusals"].evidence == tree_hash([one.id for one in spring.declined])
    assert figures["repeatsUndecided"].evidence == sha256(b"").digest()


def test_one_root_over_all_figures(spring: Spring) -> None:
    figures = spring.log.count()
    leaves = [name.encode() + b"\x00" + one.evidence + one.against for name, one in sorted(figures.figures.items())]
    assert len(leaves) == 16 and figures.evidence() == tree_hash(leaves)


def test_the_document_is_canonical_and_names_its_log(spring: Spring) -> None:
    figures = spring.log.count()
    document = figures.document()
    text = json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
    assert figures.digest() == sha256(text).digest()
    assert document["root"] == "0x" + tree_hash([row.entry for row in spring.log.rows]).hex()
    assert (document["origin"], document["size"]) == ("ledger.example/figures", len(spring.log.rows))
    assert (document["since"], document["until"], document["zone"]) == ("2026-01-01", "2026-12-31", "+08:00")
    assert document["figures"]["recognitions"]["net"] == 3
    assert figures.part() == {
        "evidence": figures.evidence().hex(),
        "figures": sha256(text).hexdigest(),
        "since": "2026-01-01",
        "size": len(spring.log.rows),
        "until": "2026-12-31",
        "zone": "+08:00",
    }


def test_counting_again_gives_the_same(spring: Spring) -> None:
    assert spring.log.count() == spring.log.count()


def test_days_are_those_of_the_citys_zone(spring: Spring) -> None:
    march = ("2026-03-01", "2026-03-31")
    assert spring.log.count(*march).figures["recognitions"].gross == 1
    assert spring.log.count(*march, zone="+00:00").figures["recognitions"].gross == 2  # midnight of April 1 in +08:00
    assert spring.log.count(*march, zone="+09:00").figures["recognitions"].gross == 0


def test_a_table_holds_everything_once(spring: Spring) -> None:
    figures = spring.log.count()
    columns, rows = figures.table()
    assert columns == ("by", "value", "second", "figure", "gross", "subtracted", "net")
    assert ("all", "", "", "recognitions", 5, 2, 3) in rows
    assert ("direction", SOUTH, NORTH, "recognitions", 1, 1, 0) in rows
    assert len(rows) == len(set(rows)) == len(FIGURES) + len(figures.rows)


@pytest.mark.parametrize(
    ("since", "until", "zone", "wrong"),
    [
        ("2026-03-02", "2026-03-01", "+08:00", "before it begins"),
        ("2026-03-01", "2026-03-02", "8", "zone"),
        ("2026-03-01", "2026-03-02", "+15:00", "zone"),
        ("2026-02-30", "2026-03-02", "+08:00", "day"),
        ("March", "2026-03-02", "+08:00", "day"),
    ],
)
def test_a_period_that_is_none_is_refused(since: str, until: str, zone: str, wrong: str) -> None:
    with pytest.raises(MalformedInput, match=wrong):
        Period(read_day(since), read_day(until), zone)


def tree_hash(data: list[bytes]) -> bytes:
    """MTH of RFC 9162 section 2.1.1, as it is written there."""
    if not data:
        return sha256(b"").digest()
    if len(data) == 1:
        return sha256(b"\x00" + data[0]).digest()
    split = 1
    while 2 * split < len(data):
        split *= 2
    return sha256(b"\x01" + tree_hash(data[:split]) + tree_hash(data[split:])).digest()
