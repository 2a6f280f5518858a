"""Figures over the log of a running service, on both databases: what a story adds, and publishing them."""

import base64
import secrets
from datetime import UTC, datetime, timedelta

from anchors.core.encoding import encode_hex
from ledger_service.processes.beside import Beside
from ledger_service.recognition.figures import Figures, Period
from ledger_service.storage.statistics import log_taken_apart, open_statistics_rows
from ledger_service.usecases.statistics import compute, differences, published
from scripts.city.founding import OPERATOR
from tests.cli.command import huzheng
from tests.fixtures.ledger import LABORATORY, Ledger
from tests.fixtures.signer import example, links

YESTERDAY = datetime.now(UTC).date() - timedelta(days=1)
DAYS = Period(YESTERDAY, YESTERDAY + timedelta(days=3), "+08:00")


def counted(ledger: Ledger, period: Period = DAYS) -> Figures:
    """The figures of the whole log as it is stored now, taken apart in a process beside."""
    with open_statistics_rows(ledger.database) as rows:
        size = rows.log().size
    with Beside(log_taken_apart, ledger.database, size) as beside, open_statistics_rows(ledger.database) as rows:
        return compute(rows, size, period, beside)


def test_a_story_adds_what_it_tells(ledger: Ledger) -> None:
    before = counted(ledger)
    issuer, reader = ledger.signer(LABORATORY), ledger.signer(1)
    report = issuer.issued()
    opened, hurried = reader.granted(report), reader.emergency(report)
    recognised, declined = reader.recognised(opened, report), reader.declined(hurried, report)
    other = issuer.issued()
    again = reader.granted(other)
    doomed, withdrawn = reader.recognised(again, other), issuer.withdrawn(other)
    corrected = reader.sign("statement.corrected", report.subject, example("correction"), links(corrects=declined))
    statements = (report, opened, hurried, recognised, declined, other, again, doomed, withdrawn, corrected)
    assert all(isinstance(outcome, int) for outcome in ledger.submit(*statements).outcomes)
    after = counted(ledger)
    added = {
        name: (one.gross - before.figures[name].gross, one.subtracted - before.figures[name].subtracted)
        for name, one in after.figures.items()
    }
    assert {name: counts for name, counts in added.items() if any(counts)} == {
        "accesses": (2, 0),
        "corrections": (1, 0),
        "emergencies": (1, 0),
        "recognitions": (2, 1),
        "refusals": (1, 1),
        "unpriced": (2, 1),
        "withdrawals": (1, 0),
    }
    assert after.broken == before.broken and after.size == before.size + len(statements)


def test_the_figures_name_the_root_that_the_log_signed(ledger: Ledger) -> None:
    ledger.submit(ledger.signer(0).issued())
    size = counted(ledger).size
    ledger.wait_for(lambda: int(ledger.get("/log/checkpoint").text.split("\n")[1]) >= size)
    figures = counted(ledger)
    _, size_signed, root, *_ = ledger.get("/log/checkpoint").text.split("\n")
    assert (int(size_signed), base64.b64decode(root)) == (figures.size, figures.root)


def test_published_figures_are_checked_by_the_command(ledger: Ledger) -> None:
    said = counted(ledger).part()
    operator, other = ledger.authority(OPERATOR), {"evidence": "0" * 64}
    right = operator.sign("statistics.published", secrets.token_bytes(32), example("statistics", **said))
    wrong = operator.sign("statistics.published", secrets.token_bytes(32), example("statistics", **(said | other)))
    ledger.submit(right, wrong)
    with open_statistics_rows(ledger.database) as rows:
        assert differences(counted(ledger), published(rows, right.id)) != []  # over a longer log
    checks = [huzheng("stats", "--database", ledger.database, "--check", encode_hex(one.id)) for one in (right, wrong)]
    assert [ran.status for ran in checks] == [0, 1], checks
