"""Every published figure is counted again, over as many entries as it names."""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ledger_service.recognition.figures import Figures, Period
from ledger_service.storage.statistics import open_statistics_rows
from ledger_service.usecases.audit import AuditResult, figures
from ledger_service.usecases.statistics import compute
from tests.audit.published import audit_published, publish, write_contents
from tests.audit.world import World, change, copy_database, make_world, place
from tests.fixtures.chain import ScratchChain
from tests.fixtures.signer import Signed, Signer, example, links

OPERATOR = 2
TODAY = datetime.now(UTC).date()
AROUND = Period(TODAY - timedelta(days=2), TODAY + timedelta(days=2), "+08:00")


@dataclass
class Published:
    """A log in which somebody publishes figures; `named` are indexes."""

    world: World

    def __post_init__(self) -> None:
        operator = self.world.city.authorities[OPERATOR]
        self.operator = Signer(self.world.city.domain, operator.code, operator.secret)
        self.named: dict[str, str] = {}

    def count(self, size: int, period: Period = AROUND) -> Figures:
        """The figures of the first entries, counted alone."""
        with open_statistics_rows(self.world.database) as rows:
            return compute(rows, size, period)

    def publish(self, name: str, said: dict[str, Any], **targets: Signed) -> Signed:
        """The operator publishes this part."""
        parts = [example("statistics", **said), *([links(**targets)] if targets else [])]
        signed = self.operator.sign("statistics.published", secrets.token_bytes(32), *parts)
        self.named[name] = str(self.world.submit(signed)[0])
        return signed

    def correct(self, wrong: Signed, name: str, said: dict[str, Any]) -> None:
        """The operator says that a part was wrong, and what is right."""
        parts = [example("correction", parts=["statistics"]), example("statistics", **said), links(corrects=wrong)]
        self.named[name] = str(self.world.submit(self.operator.sign("statement.corrected", wrong.subject, *parts))[0])


def one_more(figures: Figures) -> dict[str, Any]:
    """The part for figures with one recognition more than there were; its evidence is right."""
    found = figures.figures["recognitions"]
    return replace_figure(figures, gross=found.gross + 1)


def replace_figure(figures: Figures, **fields: Any) -> dict[str, Any]:
    """The part for figures whose recognitions are others."""
    changed = msgspec.structs.replace(figures.figures["recognitions"], **fields)
    return msgspec.structs.replace(figures, figures=figures.figures | {"recognitions": changed}).part()


@pytest.fixture(scope="module")
def log(module_chain: ScratchChain, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Published]:
    """Two stories, and figures about the first, about both, of other periods, in another zone, and wrong ones."""
    world = make_world(module_chain, f"sqlite:///{tmp_path_factory.mktemp('figures') / 'ledger.sqlite'}")
    log = Published(world)
    world.submit(*world.tell_story())
    world.submit(*world.tell_story(1))
    one, both = log.count(11), log.count(22)
    recognised = [(found.figures["recognitions"].gross, found.figures["recognitions"].net) for found in (one, both)]
    assert recognised == [(1, 0), (2, 0)], "each story recognises once, and its report is withdrawn in the end"
    log.publish("of both", both.part())
    log.publish("of one, later", one.part())
    log.publish("of a month long ago", log.count(22, Period(date(2020, 2, 1), date(2020, 2, 29), "+08:00")).part())
    log.publish("of nothing", log.count(0).part())
    log.publish("in another zone", log.count(20, replace_zone(AROUND, "-03:30")).part())
    log.publish("off by one", one_more(both))
    log.publish("of other evidence", replace_figure(one, evidence=bytes(32)))
    log.publish("of what was to come", both.part() | {"size": 400})
    log.publish("of no day", both.part() | {"since": "2026-02-30"})
    wrong = log.publish("wrong and replaced", one_more(one))
    log.publish("in place of it", one.part(), replaces=wrong)
    wrong = log.publish("wrong and corrected", one_more(both))
    log.correct(wrong, "what is right", both.part())
    wrong = log.publish("wrong and corrected in vain", one_more(both))
    log.correct(wrong, "what is not right either", replace_figure(both, subtracted=1))
    yield log
    world.engine.dispose()


def replace_zone(period: Period, zone: str) -> Period:
    """The same days elsewhere."""
    return Period(period.since, period.until, zone)


@pytest.fixture(scope="module")
def audited(log: Published) -> AuditResult:
    """What the audit says of it."""
    return log.world.audit()


def test_the_wrong_ones_are_named_and_the_right_ones_hold(log: Published, audited: AuditResult) -> None:
    found = audited.findings
    assert {fault.first.what: (fault.first.table, fault.first.key, fault.count) for fault in found.faults} == {
        "size": ("entries", log.named["of what was to come"], 1),
        "period": ("entries", log.named["of no day"], 1),
        "evidence": ("entries", log.named["of other evidence"], 1),
        # Its figures too, as they name the evidence; off by one; what is not right either.
        "figures": ("entries", log.named["of other evidence"], 3),
    }
    # Replaced, corrected, corrected in vain: what was put right since is no fault any more.
    assert {warning.first.what: warning.count for warning in found.warnings} == {"figures": 3}
    assert warned_first(audited) == log.named["wrong and replaced"]
    assert (found.counts["published figures"], found.counts["figures counted again"]) == (15, 13)
    assert (found.state(12), found.left) == ("FAILED", [])


def warned_first(result: AuditResult) -> str:
    """The entry that the first warning names."""
    return result.findings.warnings[0].first.key


def test_what_was_computed_stands_beside_what_was_said(log: Published, audited: AuditResult) -> None:
    (evidence,) = (fault.first for fault in audited.findings.faults if fault.first.what == "evidence")
    one = log.count(11)
    assert evidence.expected == one.evidence().hex() != evidence.found
    assert evidence.found == replace_figure(one, evidence=bytes(32))["evidence"]


def test_one_period_at_a_time_says_the_same(
    log: Published, audited: AuditResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(figures, "PERIODS_AT_ONCE", 1)
    again = log.world.audit().findings
    assert set(again.faults) == set(audited.findings.faults)
    assert again.counts["figures counted again"] == 13


def test_the_first_fault_is_enough(log: Published) -> None:
    found = log.world.audit(first=True).findings
    assert [place(fault.first) for fault in found.faults] == [("entries", log.named["of what was to come"], "size")]
    assert (found.state(12), found.state(11), found.state(1)) == ("FAILED", "VERIFIED", "VERIFIED")


def test_over_a_gap_there_is_no_figure(log: Published, tmp_path: Path) -> None:
    """Those over fewer entries are counted; the others are left, whether they were right or wrong."""
    copy = copy_database(log.world, tmp_path)
    found = log.world.audit(change(copy, "DELETE FROM contents WHERE position = 12")).findings
    assert place(found.first) == ("contents", "12", "row")
    (left,) = (fault for fault in found.left if fault.first.step == 12)
    assert (left.first.step, left.first.key, left.count) == (12, log.named["of both"], 8)
    assert "entry 12 below its size" in left.first.found
    assert found.counts["figures counted again"] == 5
    assert {fault.first.what: fault.count for fault in found.faults if fault.first.step == 12} == {
        "size": 1,
        "period": 1,
        "evidence": 1,
        "figures": 1,
    }


def test_each_database(module_chain: ScratchChain, store_url: str) -> None:
    log = Published(make_world(module_chain, store_url))
    log.world.submit(*log.world.tell_story())
    log.publish("right", log.count(11).part())
    assert log.world.audit().findings.counts["figures counted again"] == 1
    assert log.world.audit().holds
    log.publish("wrong", one_more(log.count(11)))
    assert place(log.world.audit().findings.first) == ("entries", log.named["wrong"], "figures")
    log.world.engine.dispose()


def test_a_published_log_gives_the_same_figures(log: Published, tmp_path: Path) -> None:
    """Without the database, by its entries and the contents that somebody kept."""
    log.world.integrate()
    folder = publish(log.world, tmp_path / "log")
    by_log = audit_published(log.world, folder, write_contents(log.world, tmp_path / "contents", 2**40)).findings
    by_database = log.world.audit().findings
    assert by_log.counts["figures counted again"] == by_database.counts["figures counted again"] > 5
    of_figures = [[fault for fault in found.faults if fault.first.step == 12] for found in (by_log, by_database)]
    assert of_figures[0] == of_figures[1] != []


def test_a_content_that_is_not_given_may_have_put_figures_right(small_world: World, tmp_path: Path) -> None:
    """Nobody can tell whether what came before it was replaced; what comes after it was not."""
    log, world = Published(small_world), small_world
    right, wrong = log.count(11).part(), one_more(log.count(11))
    replaced = log.publish("wrong and replaced", wrong)
    hidden = log.publish("in place of it", right, replaces=replaced)
    world.settle()
    contents = write_contents(world, tmp_path / "contents", 2**40)
    (contents / f"{hidden.id.hex()}.json").unlink()
    found = audit_published(world, publish(world, tmp_path / "log"), contents).findings
    assert not found.faults and not found.warnings
    (left,) = (fault for fault in found.left if fault.first.step == 12)
    assert (left.first.key, left.count) == (log.named["in place of it"], 2), "what it says itself, and the wrong one"
    log.publish("wrong", wrong)
    world.settle()
    contents = write_contents(world, tmp_path / "more", 2**40)
    (contents / f"{hidden.id.hex()}.json").unlink()
    found = audit_published(world, publish(world, tmp_path / "longer"), contents).findings
    assert [place(fault.first) for fault in found.faults] == [("entries", log.named["wrong"], "figures")]
