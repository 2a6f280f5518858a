"""An audit that stops and goes on: killed in the middle, run again later, with a state that is another's."""

import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from anchors.core.trust import format_trust
from ledger_service.cli import main
from ledger_service.storage.statistics import open_statistics_rows
from ledger_service.usecases.audit import state as states
from ledger_service.usecases.audit import stretches
from ledger_service.usecases.audit.scratch import Scratch, StateRefused
from ledger_service.usecases.statistics import Piece, compute, take_log_apart
from ledger_service.usecases.taken_apart import take_apart
from tests.audit.published import publish, write_contents
from tests.audit.test_published_figures import AROUND, Published
from tests.audit.test_replayed_decisions import Town
from tests.audit.world import World, change, copy_database, flipped, make_world
from tests.fixtures.chain import ScratchChain
from tests.fixtures.other_log import OtherLog
from tests.fixtures.signer import example, links

BUNDLE = 256
UNTIMED = {"seconds", "statementsPerSecond", "recoverPerSecond", "ratio", "begunAt"}
KILLED_AT = """
import os, signal, sys
from contextlib import contextmanager
from ledger_service.cli import main
from ledger_service.cli.output import Output
from ledger_service.usecases.audit import state, stretches

@contextmanager
def progress(self, what, total):
    passed = 0
    def advance(count):
        nonlocal passed
        passed += count
        if passed > int(sys.argv[1]):
            os.kill(os.getpid(), signal.SIGKILL)
    yield advance

stretches.STRETCH_ENTRIES = state.STRETCH_ENTRIES = 256
state.STRETCHES_A_SAVE = 1
Output.progress = progress
main(sys.argv[2:])
"""


@pytest.fixture(autouse=True)
def short_stretches(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a small log has several."""
    monkeypatch.setattr(stretches, "STRETCH_ENTRIES", BUNDLE)
    monkeypatch.setattr(states, "STRETCH_ENTRIES", BUNDLE)
    monkeypatch.setattr(states, "STRETCHES_A_SAVE", 1)


@pytest.fixture
def options(world: World, tmp_path: Path) -> list[str]:
    (tmp_path / "trust.json").write_bytes(format_trust(world.trust()))
    return ["--trust", str(tmp_path / "trust.json"), "--rpc", world.chain.url, "--json"]


def _said(capsys: pytest.CaptureFixture[str], *options: str) -> tuple[int, dict, int]:
    """Status, what was said but for times, and where it began."""
    status = main(["audit", *options])
    said = json.loads(capsys.readouterr().out)
    return status, {name: value for name, value in said.items() if name not in UNTIMED}, said["begunAt"]


def _kill(passed: int, *options: str) -> None:
    """An audit that is killed when it has passed more than so many entries."""
    done = subprocess.run([sys.executable, "-c", KILLED_AT, str(passed), "audit", *options], check=False)
    assert done.returncode == -9


@pytest.mark.parametrize("damaged", [False, True])
def test_a_database_whose_audit_was_killed(
    world: World, copy: Path, options: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], damaged: bool
) -> None:
    """It ends as one that was not, with faults on both sides of where it stopped."""
    database = f"sqlite:///{copy}"
    if damaged:
        with sqlite3.connect(copy) as connection:
            parts = "SELECT parts FROM contents WHERE position = ?"
            other = connection.execute(parts, (7,)).fetchone()
        change(copy, ("UPDATE contents SET parts = ? WHERE position = 5", other), "DELETE FROM heads")
        change(copy, "UPDATE entries SET sm3 = x'00' WHERE position IN (100, 300)", "DELETE FROM subjects")
    unbroken = _said(capsys, "--database", database, *options)
    kept = ["--database", database, "--state", str(tmp_path / "state"), *options]
    _kill(0, *kept)
    resumed = _said(capsys, *kept)
    assert resumed[:2] == unbroken[:2] and unbroken[0] == int(damaged)
    assert (unbroken[2], resumed[2]) == (0, BUNDLE)
    assert _said(capsys, *kept) == resumed, "what is complete only at the end is done anew"


def test_a_published_log_whose_audit_was_killed(
    world: World, options: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log, contents = publish(world, tmp_path / "log"), write_contents(world, tmp_path / "contents", 440)
    named = ["--log", str(log), "--content", str(contents), *options]
    unbroken, kept = _said(capsys, *named), [*named, "--state", str(tmp_path / "state")]
    _kill(0, *kept)
    resumed = _said(capsys, *kept)
    assert resumed[:2] == unbroken[:2] and resumed[2] == BUNDLE and resumed[0] == 0
    # What was read is in the tree: a log that is another below is found out, though nobody reads it again.
    bundle = log / "tile/entries/001.p/184"
    bundle.write_bytes(flipped(bundle.read_bytes(), 2 + 250))
    status, said, _ = _said(capsys, *kept)
    assert (status, said["first"]["key"], said["first"]["what"]) == (1, "256", "leaf hash")


def test_contents_that_are_given_only_later(
    world: World, options: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What links lead to below is not known then: a new file is asked for, no fault is found."""
    log, contents = publish(world, tmp_path / "log"), write_contents(world, tmp_path / "contents", 440)
    (tmp_path / "nothing").mkdir()
    given = ["--content", str(contents)]
    for name, first in (("left out", []), ("empty", ["--content", str(tmp_path / "nothing")])):
        kept = ["--log", str(log), "--state", str(tmp_path / name), *options]
        assert _said(capsys, *kept, *first)[0] == 0
        assert main(["audit", *kept, *given]) == 2
        line = capsys.readouterr().err
        assert "without contents" in line and "name a new file" in line and line.count("\n") == 1, line
        assert _said(capsys, *kept)[::2] == (0, BUNDLE), "what was refused changed nothing"
    kept = ["--log", str(log), "--state", str(tmp_path / "with"), *options]
    whole = _said(capsys, *kept, *given)
    for now in (given, []):
        assert _said(capsys, *kept, *now) == (*whole[:2], BUNDLE)


def test_a_log_that_has_grown(
    world: World, options: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is kept above the newest final head: what was pending is judged anew."""
    older = copy_database(world, tmp_path)
    kept = ["--state", str(tmp_path / "state"), *options]
    status, said, begun_at = _said(capsys, "--database", f"sqlite:///{older}", *kept)
    assert (status, said["size"], said["checked"]["pending"], begun_at) == (0, 451, 11, 0)
    for number in range(6):
        world.submit(*world.tell_story(number))
    world.settle()
    status, said, begun_at = _said(capsys, "--database", world.database, *kept)
    assert (status, said["size"], said["checked"]["pending"], begun_at) == (0, 517, 0, BUNDLE)
    status, again, begun_at = _said(capsys, "--database", world.database, *kept)
    assert (again, begun_at) == (said, 2 * BUNDLE)
    assert _said(capsys, "--database", world.database, *options)[1] == said


def test_a_state_of_something_else(
    world: World, options: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state = tmp_path / "state"
    kept = ["audit", "--database", world.database, "--state", str(state), *options]

    def refused(why: str, *arguments: str) -> None:
        capsys.readouterr()
        assert main(list(arguments)) == 2
        line = capsys.readouterr().err
        assert why in line and line.count("\n") == 1 and "inside huzheng" not in line, line

    assert main(kept) == 0
    log = publish(world, tmp_path / "log")
    refused("another source", "audit", "--log", str(log), "--state", str(state), *options)
    with closing(sqlite3.connect(state, isolation_level=None)) as connection:
        (about,) = connection.execute("SELECT about FROM saved").fetchone()
    for name in ("version", "log", "chain"):
        _write_about(state, json.dumps(json.loads(about) | {name: "another"}))
        refused(f"another {name}", *kept)
    _write_about(state, about)
    (tmp_path / "foreign.json").write_bytes(OtherLog().trust_file())
    refused("another set of foreign trust files", *kept, "--foreign-trust", str(tmp_path / "foreign.json"))
    trust = world.trust()
    (log_named,) = trust.logs
    (tmp_path / "keys.json").write_bytes(format_trust(replace(trust, logs=(replace(log_named, keys=()),))))
    refused("another set of note keys", *kept, "--trust", str(tmp_path / "keys.json"))
    with closing(sqlite3.connect(state, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        refused("locked", *kept)
    refused("no such table", *kept[:3], "--state", world.database.removeprefix("sqlite:///"), *options)
    refused("not a database", *kept[:3], "--state", str(tmp_path / "trust.json"), *options)
    refused("unable to open", *kept[:3], "--state", str(tmp_path / "nowhere" / "state"), *options)


def _write_about(state: Path, about: str) -> None:
    with closing(sqlite3.connect(state, isolation_level=None)) as connection:
        connection.execute("UPDATE saved SET about = ?", (about,))


def test_a_full_disk_is_told_in_one_line() -> None:
    with (
        pytest.raises(StateRefused, match=r"full; make room, or name a file on another disk by --state$"),
        Scratch() as scratch,
    ):
        scratch.connection.execute("PRAGMA max_page_count = 64")
        scratch.given.add({bytes([number]) * 32: bytes(4_096) for number in range(200)})


def test_figures_over_what_was_changed_behind_the_position(
    world: World, options: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Somebody changes a reason that was walked, and publishes what is then counted: it is not taken as right."""
    kept = ["--state", str(tmp_path / "state"), *options]
    world.settle()
    assert _said(capsys, "--database", world.database, *kept)[0] == 0
    reason = "UPDATE contents SET parts = CAST(replace(parts, 'synthetic-reason', 'another-reason') AS BLOB)"
    (tmp_path / "before").mkdir()
    before = change(copy_database(world, tmp_path / "before"), f"{reason} WHERE position = 6")
    with open_statistics_rows(world.database) as rows:
        *_, last = take_log_apart(rows, BUNDLE)
        right = compute(rows, BUNDLE, AROUND)
    with open_statistics_rows(before) as rows:
        apart = [take_apart(row) for piece in rows.entries(BUNDLE) for row in piece]
        wrong = compute(rows, BUNDLE, AROUND, [Piece(apart, last.root)])
    assert wrong.part() != right.part()
    Published(world).publish("wrong", wrong.part())
    world.settle()
    after = change(copy_database(world, tmp_path), f"{reason} WHERE position = 6")
    status, said, begun_at = _said(capsys, "--database", after, *kept)
    assert (status, begun_at > 6) == (0, True), "what lies behind the position is not read again"
    assert [step["state"] for step in said["steps"] if step["name"] == "figures"] == ["NOT_CHECKED"]
    assert _said(capsys, "--database", world.database, *kept)[:1] == (1,), "of the true log they are wrong"


def test_decisions_on_what_was_changed_behind_the_position(
    module_chain: ScratchChain, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of three reports one content is no longer there, one is no list of parts, one lacks its correction."""
    world = make_world(module_chain, f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    town = Town(world)
    town.rules()
    reports = [town.report() for _ in range(4)]
    right = example("correction", parts=["examination"]), example("examination"), links(corrects=reports[2])
    first, second, *_ = world.submit(*reports)
    (correction,) = world.submit(town.issuer.sign("statement.corrected", reports[2].subject, *right))
    for _ in range(4):
        world.submit(*(town.issuer.issued() for _ in range(64)))
    world.settle()
    (tmp_path / "trust.json").write_bytes(format_trust(world.trust()))
    kept = ["--trust", str(tmp_path / "trust.json"), "--rpc", world.chain.url, "--json"]
    kept += ["--state", str(tmp_path / "state")]
    assert _said(capsys, "--database", world.database, *kept)[0] == 0
    for number, report in enumerate(reports):
        town.decide(str(number), report)
    world.settle()
    changed = change(
        copy_database(world, tmp_path),
        ("DELETE FROM contents WHERE position IN (?, ?)", (first, correction)),
        ("UPDATE contents SET parts = CAST('[' AS BLOB) WHERE position = ?", (second,)),
    )
    world.engine.dispose()
    status, said, begun_at = _said(capsys, "--database", changed, *kept)
    assert (status, begun_at > correction) == (0, True), "what lies behind the position is not read again"
    (left,) = (each for each in said["notChecked"] if each["step"] == 11)
    assert (left["key"], left["count"], said["checked"]["decisions"]) == (str(town.named["0"]), 3, 4)
    assert said["checked"]["recognisable"] == 1
