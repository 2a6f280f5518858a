"""The summary of scripts/test counts what really happened."""

import fcntl
import multiprocessing
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from scripts.bootstrap import ROOT
from scripts.checks import read_hardhat, read_outcomes, read_pytest, running_beside
from scripts.outcome import Outcome
from tests.fixtures.workers import Room, piece_of

PASSES = "def test_passes(): pass\n"
FAILS = "def test_fails(): assert False\n"
SKIPS = "import pytest\ndef test_skips(): pytest.skip('no samples')\n"
BROKEN_FIXTURE = "import pytest\n@pytest.fixture\ndef part(): raise OSError\ndef test_errs(part): pass\n"


def _run_pytest(folder: Path, source: str) -> Outcome:
    (folder / "test_it.py").write_text(source)
    report = folder / "report.xml"
    command = [sys.executable, "-m", "pytest", "-q", "-c", "/dev/null", f"--junitxml={report}", "--rootdir=.", "."]
    plain = os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = subprocess.run(command, cwd=folder, capture_output=True, env=plain)
    return read_pytest("pytest", report.read_text() if report.exists() else "", done.returncode)


@pytest.mark.parametrize(
    ("source", "passed", "failed", "skipped"),
    [
        (PASSES, 1, 0, 0),
        (PASSES + FAILS, 1, 1, 0),
        (PASSES + SKIPS, 1, 0, 1),
        (PASSES + BROKEN_FIXTURE, 1, 1, 0),
        ("this is no Python", 0, 1, 0),
        ("", 0, 1, 0),  # a run without tests has not passed
    ],
)
def test_pytest_is_counted(tmp_path: Path, source: str, passed: int, failed: int, skipped: int) -> None:
    outcome = _run_pytest(tmp_path, source)
    assert (outcome.passed, outcome.failed, len(outcome.skips)) == (passed, failed, skipped)


def test_a_skip_says_why(tmp_path: Path) -> None:
    assert [skip.partition(": ")[2] for skip in _run_pytest(tmp_path, SKIPS).skips] == ["no samples"]


SHARED_OUT = {
    "test_alone": "pytestmark = pytest.mark.alone\ndef test_one(): note('alone')\ndef test_two(): note('alone')",
    "test_beside": "@pytest.mark.parametrize('number', range(4))\ndef test_it(number): note('beside')",
    "test_dies": "import os\ndef test_it(): os._exit(1)",
    "test_fails": "def test_it(): assert False",
    "test_passes": "def test_it(): note('beside')",
    "test_skips": "def test_it(): pytest.skip('no samples')",
}
NOTE = """import pathlib, time, pytest
def note(who):
    for moment in ("begins", "ends"):
        with pathlib.Path("notes").open("a") as notes:
            notes.write(f"{who} {moment}\\n")
        time.sleep(0.1)
"""


def test_tests_in_several_processes_are_all_counted_and_some_run_alone(tmp_path: Path) -> None:
    for name, source in SHARED_OUT.items():
        (tmp_path / f"{name}.py").write_text(f"{NOTE}{source}\n")
    report = tmp_path / "report.xml"
    options = ["-c", "/dev/null", "--rootdir=.", "-p", "tests.fixtures.workers", "-n", "2", f"--junitxml={report}"]
    search_path = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "pytest", "-q", *options, "."]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, env=search_path, timeout=300)
    outcome = read_pytest("pytest", report.read_text(), done.returncode)
    assert (outcome.passed, outcome.failed) == (7, 2)
    assert [skip.partition(": ")[2] for skip in outcome.skips] == ["no samples"]
    notes = (tmp_path / "notes").read_text().splitlines()
    begun = [number for number, note in enumerate(notes) if note == "alone begins"]
    assert len(begun) == 2 and all(notes[number + 1] == "alone ends" for number in begun)
    for number in begun:
        before = notes[:number]
        assert before.count("beside begins") == before.count("beside ends"), "somebody was still there"


@pytest.mark.parametrize("alone", [True, False])
def test_who_leaves_the_room_has_left_though_a_process_of_his_is_still_there(tmp_path: Path, alone: bool) -> None:
    room = Room()
    room.enter(tmp_path, alone=alone)
    forked = multiprocessing.get_context("fork").Process(target=time.sleep, args=(600,))
    forked.start()
    try:
        room.leave(stay=False)
        for name in ("door.lock", "room.lock"):
            with (tmp_path / name).open() as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    finally:
        forked.kill()
        forked.join()


@pytest.mark.parametrize(
    ("test", "piece"),
    [
        ("tests/core/test_tree.py::test_it", "tests/core/test_tree.py"),
        ("tests/service/test_links.py::test_it[sqlite-a b]", "tests/service/test_links.py sqlite"),
        ("tests/service/test_links.py::test_it[a-postgresql]", "tests/service/test_links.py postgresql"),
        ("tests/privacy/test_erasure.py::test_it[sqlite]", "tests/privacy sqlite"),
        ("tests/privacy/test_sessions.py::TestIt::test_it", "tests/privacy"),
    ],
)
def test_what_stays_together(test: str, piece: str) -> None:
    assert piece_of(test) == piece


def test_what_runs_beside_the_tests_is_shown_and_counted(capsys: pytest.CaptureFixture[str]) -> None:
    line = '[{"name": "a", "passed": 2, "failed": 1, "skips": ["b: why"], "note": "", "seconds": 1.5}]'
    with running_beside([sys.executable, "-c", f"print('something was wrong'); print({line!r})"]) as beside:
        assert beside() == [Outcome("a", 2, 1, ("b: why",), "", 1.5)]
    assert capsys.readouterr().out == "something was wrong\n"


def test_what_ends_beside_without_an_outcome_has_failed() -> None:
    with running_beside([sys.executable, "-c", "raise SystemExit(3)"]) as beside:
        (outcome,) = beside()
    assert outcome.failed == 1 and "status 3" in outcome.note
    assert [outcome.failed for outcome in read_outcomes("[{}]", 0)] == [1]


def test_a_crash_of_pytest_is_a_failure() -> None:
    assert read_pytest("pytest", "", 3).failed == 1
    assert read_pytest("pytest", "<testsuites><testsuite><testcase/></testsuite></testsuites>", 3).failed == 1


@pytest.mark.parametrize(
    ("output", "status", "passed", "failed", "skipped"),
    [
        ("  ✔ test_a()\n\n\n  12 passing\n", 0, 12, 0, 0),
        ("  3 passing\n  1 failing\n\n  1) ATest#test_b()\n", 1, 3, 1, 0),
        ("  3 passing\n  2 skipped\n", 0, 3, 0, 2),
        ("  0 passing\n", 0, 0, 1, 0),
        ("Error HHE1: cannot compile\n", 1, 0, 1, 0),
        ("  3 passing\n", 1, 3, 1, 0),
    ],
)
def test_hardhat_is_counted(output: str, status: int, passed: int, failed: int, skipped: int) -> None:
    outcome = read_hardhat("contracts", output, status)
    assert (outcome.passed, outcome.failed, len(outcome.skips)) == (passed, failed, skipped)


def test_a_skipped_solidity_test_is_named() -> None:
    outcome = read_hardhat("contracts", "    - test_vectors()\n    ✔ test_a()\n\n  1 passing\n  2 skipped\n", 0)
    assert [skip.partition(":")[0] for skip in outcome.skips] == ["test_vectors", "a Solidity test"]
