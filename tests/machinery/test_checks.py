"""The summary of scripts/test counts what really happened."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.checks import read_hardhat, read_pytest
from scripts.outcome import Outcome

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
