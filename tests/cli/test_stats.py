"""`huzheng stats` over a small stored log: counting, files, published figures that hold and that do not."""

import csv
import io
import json
import secrets
import sqlite3
from hashlib import sha256
from pathlib import Path

import pytest
from arro3.io import read_parquet

from anchors.core.encoding import encode_hex
from ledger_service.storage.database import open_database
from ledger_service.storage.identity import LogIdentity, claim_log
from ledger_service.storage.ledger import SqlLedger
from ledger_service.usecases.ports import Logged, NewStatement, SubjectState
from tests.cli.conftest import Here
from tests.recognition.counted import DOMAIN, ORIGIN, CountedLog, Said

YEAR = ("--since", "2026-01-01", "--until", "2026-12-31")


class Stored:
    """A log in an SQLite file: two recognitions of one report, one of them said twice; and their figures, published."""

    def __init__(self, folder: Path):
        self.path = folder / "ledger.sqlite"
        self.url = f"sqlite:///{self.path}"
        log = self.log = CountedLog()
        log.catalogue({"S-001": 1_850})
        log.profile("SYN-EAST", 3, "public", "东区")
        report = log.report("SYN-LAB", note="（合成）张三")
        for by in ("SYN-EAST", "SYN-EAST", "SYN-WEST"):
            log.recognise(by, report)
        self.right = log.count().part()
        self.published = self.publish(self.right)
        self.wrong = self.publish(self.right | {"figures": "00" * 32})
        store(log, self.url)

    def publish(self, part: dict) -> Said:
        """The operator publishes these figures."""
        return self.log.say("OPERATOR", "statistics.published", secrets.token_bytes(32), statistics=part)

    def change(self, statement: str, *values: object) -> None:
        """Change the file behind the ledger's back."""
        with sqlite3.connect(self.path) as connection:
            assert connection.execute(statement, values).rowcount == 1
        connection.close()


def store(log: CountedLog, url: str) -> None:
    """Write a log into a new database, as the ledger would."""
    engine = open_database(url)
    claim_log(engine, LogIdentity(ORIGIN, DOMAIN.chain_id, bytes(32), DOMAIN.registry, b"\x02" * 20))
    statements, subjects = [], {}
    for row in log.rows:
        kind, institution = (word.rstrip(b"\x00").decode() for word in (row.entry[:32], row.entry[32:64]))
        logged = Logged(row.position, row.id, kind, institution, row.entry[64:96], json.loads(row.links))
        statements.append(NewStatement(logged, bytes(20), row.entry, row.parts, None))
        subjects.setdefault(logged.subject, SubjectState(institution, row.position, row.position))
    with SqlLedger(engine).sequencing() as transaction:
        transaction.append(statements, {}, subjects, [])
    engine.dispose()


@pytest.fixture
def stored(tmp_path: Path) -> Stored:
    """A stored log."""
    return Stored(tmp_path)


def test_counting_in_words_and_as_json(stored: Stored, here: Here) -> None:
    ran = here("stats", "--database", stored.url, *YEAR)
    assert ran.status == 0, ran.err
    assert "recognitions" in ran.out and "37.00 yuan" in ran.out and "SYN-EAST" in ran.out
    found = here("stats", "--database", stored.url, *YEAR, "--size", 9, "--json").object
    assert found["statistics"] == stored.right
    assert found["figures"]["figures"]["savings"]["net"] == 3_700 and found["figures"]["saidAgain"] == 1


def test_published_figures_hold(stored: Stored, here: Here) -> None:
    ran = here("stats", "--database", stored.url, "--check", encode_hex(stored.published.id))
    assert ran.status == 0 and "THE PUBLISHED FIGURES HOLD" in ran.out
    ran = here("stats", "--database", stored.url, "--check", encode_hex(stored.published.id), "--json")
    assert ran.status == 0 and ran.object["check"] == "ok" and ran.object["differences"] == []


def test_published_figures_that_are_others_do_not_hold(stored: Stored, here: Here) -> None:
    ran = here("stats", "--database", stored.url, "--check", encode_hex(stored.wrong.id))
    assert ran.status == 1 and "THE PUBLISHED FIGURES DO NOT HOLD" in ran.out
    ran = here("stats", "--database", stored.url, "--check", encode_hex(stored.wrong.id), "--json")
    different = {"member": "figures", "published": "00" * 32, "computed": stored.right["figures"]}
    assert ran.status == 1 and ran.object["check"] == "failed" and ran.object["differences"] == [different]


def test_a_published_statement_that_was_changed_is_refused(stored: Stored, here: Here) -> None:
    right, position = stored.right["figures"], stored.wrong.position
    change = "UPDATE contents SET parts = CAST(replace(parts, ?, ?) AS BLOB) WHERE position = ?"
    stored.change(change, "00" * 32, right, position)
    ran = here("stats", "--database", stored.url, "--check", encode_hex(stored.wrong.id))
    assert f"the content at {position} is not what was signed" in ran.failed_in_one_line(1)


def test_files_hold_what_was_counted(stored: Stored, here: Here, tmp_path: Path) -> None:
    text, table, columns = tmp_path / "figures.json", tmp_path / "figures.csv", tmp_path / "figures.parquet"
    files = ("--figures", text, "--csv", table, "--parquet", columns)
    assert here("stats", "--database", stored.url, *YEAR, "--size", 9, *files).status == 0
    assert sha256(text.read_bytes()).hexdigest() == stored.right["figures"]
    rows = list(csv.reader(io.StringIO(table.read_text("utf-8"), newline="")))
    assert rows[0] == ["by", "value", "second", "figure", "gross", "subtracted", "net"]
    assert ["all", "", "", "recognitions", "2", "0", "2"] in rows
    assert ["district", "样例市", "东区", "savings", "1850", "0", "1850"] in rows
    read = read_parquet(columns).read_all()
    assert read.column_names == rows[0]
    values = zip(*(read.column(name).to_pylist() for name in rows[0]), strict=True)
    assert [[str(value) for value in row] for row in values] == rows[1:]


def test_a_file_that_exists_is_left_alone(stored: Stored, here: Here, tmp_path: Path) -> None:
    (tmp_path / "figures.csv").write_text("mine")
    ran = here("stats", "--database", stored.url, *YEAR, "--csv", tmp_path / "figures.csv")
    assert "exists already" in ran.failed_in_one_line(2)


def test_a_changed_content_is_refused(stored: Stored, here: Here) -> None:
    stored.change("UPDATE contents SET parts = CAST(replace(parts, '张三', '李四') AS BLOB) WHERE position = 2")
    line = here("stats", "--database", stored.url, *YEAR).failed_in_one_line(1)
    assert "the content at 2 is not what was signed" in line


def test_a_gap_is_refused_or_told(stored: Stored, here: Here) -> None:
    stored.change("DELETE FROM contents WHERE position = 7")
    line = here("stats", "--database", stored.url, *YEAR).failed_in_one_line(1)
    assert "the content at 7 is missing" in line and "--with-gaps" in line
    found = here("stats", "--database", stored.url, *YEAR, "--with-gaps", "--json").object["figures"]
    assert found["gaps"] == {"count": 1, "first": 7} and found["root"] is None
    assert "missing entries" in here("stats", "--database", stored.url, *YEAR, "--with-gaps").out


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ((), "name the period with --since and --until"),
        (("--since", "2026-01-01"), "name the period"),
        (("--since", "2026-02-30", "--until", "2026-03-01"), "give one of the calendar"),
        (("--since", "2026-03-02", "--until", "2026-03-01"), "exchange them"),
        ((*YEAR, "--zone", "Asia/Shanghai"), "such as +08:00"),
        (("--check", "0x12"), "--check"),
        (("--check", "0x" + "12" * 32), "is not in this log"),
        ((*YEAR, "--check", "published"), "leave those options out"),
        (("--check", "report"), "is a report.issued"),
    ],
)
def test_a_wrong_call_is_told_in_one_line(stored: Stored, here: Here, options: tuple[str, ...], told: str) -> None:
    named = {"published": encode_hex(stored.published.id), "report": encode_hex(stored.log.rows[2].id)}
    ran = here("stats", "--database", stored.url, *(named.get(option, option) for option in options))
    assert told in ran.failed_in_one_line(2)


def test_more_than_the_log_has_is_not_counted(stored: Stored, here: Here) -> None:
    ran = here("stats", "--database", stored.url, *YEAR, "--size", str(2**53 - 1))
    assert "not 9007199254740991; count fewer" in ran.failed_in_one_line(1)


def test_what_is_no_ledger_is_told_in_one_line(here: Here, tmp_path: Path) -> None:
    assert "there is no file" in here("stats", "--database", f"sqlite:///{tmp_path}/none", *YEAR).failed_in_one_line(2)
    sqlite3.connect(tmp_path / "empty.sqlite").execute("CREATE TABLE other (x)")
    line = here("stats", "--database", f"sqlite:///{tmp_path}/empty.sqlite", *YEAR).failed_in_one_line(2)
    assert "does not hold a ledger" in line
