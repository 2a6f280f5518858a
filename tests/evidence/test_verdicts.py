"""How steps come to their states, and what the command says of options that do not fit."""

from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from anchors.core.errors import VerificationFailed
from anchors.core.trust import format_trust
from anchors.core.verify import State
from anchors.evidence.outcome import Items, NotChecked, NotProvable
from anchors.evidence.report import BASE, MOST_ITEMS, Report, Said, Step
from tests.cli.command import huzheng
from tests.evidence.conftest import Exported


def _raise(error: Exception) -> None:
    raise error


def test_the_worst_is_told_first_however_late_it_comes() -> None:
    items = Items("事项", "things")
    for number in range(2 * MOST_ITEMS):
        items.look(f"a{number}", partial(_raise, NotChecked("not at hand")))
    items.look("p", partial(_raise, NotProvable("nobody can")))
    items.look("f", partial(_raise, VerificationFailed("is wrong")))
    items.look("v", lambda: None)
    outcome = items.outcome()
    assert outcome.state is State.FAILED and len(outcome.items) == MOST_ITEMS
    assert [item.about for item in outcome.items[:3]] == ["f", "p", "a0"]
    assert outcome.said.en == f"{2 * MOST_ITEMS + 2} of {2 * MOST_ITEMS + 3} things do not verify; f: is wrong"
    assert str(2 * MOST_ITEMS + 2) in outcome.said.zh


def _report(**states: State) -> Report:
    named = dict.fromkeys(sorted(BASE), State.VERIFIED) | states
    return Report([Step(number, claim, state, Said("", "")) for number, (claim, state) in enumerate(named.items(), 1)])


@pytest.mark.parametrize(
    ("states", "why"),
    [
        ({}, None),
        ({"exporter": State.NOT_PROVABLE, "acceptance": State.NOT_CHECKED}, None),
        ({"exporter": State.NOT_PROVABLE, "checkpoint": State.NOT_PROVABLE}, "checkpoint"),
        ({"checkpoint": State.NOT_PROVABLE, "blocks": State.VERIFIED}, None),
        ({"heads": State.NOT_CHECKED, "documents": State.FAILED}, "documents"),
    ],
)
def test_the_step_that_keeps_it_from_holding_is_named(states: dict[str, State], why: str | None) -> None:
    report = _report(**states)
    step = report.why_not()
    assert (step.claim if step is not None else None) == why and report.holds == (why is None)


@pytest.fixture
def court(exported: Exported, tmp_path: Path) -> Path:
    (tmp_path / "case.zip").write_bytes(exported.package)
    (tmp_path / "trust.json").write_bytes(format_trust(exported.trust))
    (tmp_path / "early.json").write_bytes(format_trust(replace(exported.trust, blocks=())))
    return tmp_path


def test_options_that_do_not_fit_are_refused(court: Path) -> None:
    package = ("verify", court / "case.zip", "--trust", court / "trust.json")
    assert "offline" in huzheng(*package, "--rpc", "http://127.0.0.1:1").failed_in_one_line(2)
    assert "offline" in huzheng(*package, "--first-block", "1").failed_in_one_line(2)
    proof = ("verify", court / "trust.json", "--trust", court / "trust.json", "--root", court / "trust.json")
    assert "acceptances" in huzheng(*proof).failed_in_one_line(2)


def test_witnessed_may_be_required_of_a_package(court: Path) -> None:
    required = ("verify", court / "case.zip", "--require-witnessed", "--json", "--trust")
    assert huzheng(*required, court / "trust.json").status == 0
    assert "blocks" in huzheng(*required, court / "early.json").failed_in_one_line(1)
    assert huzheng("verify", court / "case.zip", "--trust", court / "early.json").status == 0
