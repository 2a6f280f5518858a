"""Runs every check and every test of the project, and ends with a summary that hides nothing.

Started by `scripts/test`, which sets up first. Arguments go to pytest. All checks run even if one fails. The exit
status is 0 only if nothing failed; the last line is `N passed, N failed, N skipped` over all of it.

Tests run in several processes (tests/fixtures/workers.py). They wait a lot; what they leave of the processors goes to
the checks of the contracts and of the packages, which run beside them and are shown after them.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from scripts import audit, slither
from scripts.bootstrap import NODE_MODULES, ROOT, node_command
from scripts.outcome import Outcome

PROGRAMS = Path(sys.executable).parent
PYTEST_COLLECTED_NOTHING = 5
BESIDE = "--beside-the-tests"
BESIDE_NICENESS = 10


def main() -> int:
    """Run all; the exit status."""
    if sys.argv[1:] == [BESIDE]:
        return _in_the_background()
    outcomes = [
        _timed("ruff check", lambda name: _static(name, [str(PROGRAMS / "ruff"), "check", "--quiet"])),
        _timed("ruff format", lambda name: _static(name, [str(PROGRAMS / "ruff"), "format", "--check", "--quiet"])),
        _timed("import rules", lambda name: _static(name, [str(PROGRAMS / "lint-imports"), "--no-logo"])),
    ]
    with running_beside([sys.executable, "-m", "scripts.checks", BESIDE]) as beside:
        tests = _timed("pytest", lambda name: _pytest(name, sys.argv[1:]))
        outcomes += [*beside(), tests]
    _summarize(outcomes)
    return 1 if any(outcome.failed for outcome in outcomes) else 0


def _timed(name: str, check: Callable[[str], Outcome]) -> Outcome:
    print(f"\n== {name}", flush=True)
    started = time.monotonic()
    outcome = check(name)
    return Outcome(**{**vars(outcome), "seconds": time.monotonic() - started})


def _in_the_background() -> int:
    """What runs beside the tests, after them in rank: its output as usual, then its outcomes as one line of JSON."""
    os.nice(BESIDE_NICENESS)
    outcomes = [_timed("contracts", _contracts), _timed("slither", slither.check), _timed("audit", audit.check)]
    print(json.dumps([vars(outcome) for outcome in outcomes]))
    return 0


@contextmanager
def running_beside(command: list[str]) -> Iterator[Callable[[], list[Outcome]]]:
    """Run a command that ends with its outcomes; the function waits for it, shows its output and gives them."""
    with tempfile.TemporaryFile("w+", encoding="utf-8") as shown:
        running = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=shown, stderr=subprocess.STDOUT)

        def outcomes() -> list[Outcome]:
            status = running.wait()
            shown.seek(0)
            *lines, last = shown.read().splitlines() or [""]
            print("\n".join(lines), flush=True)
            return read_outcomes(last, status)

        try:
            yield outcomes
        finally:
            running.terminate()  # only where something went wrong here: else it has ended
            running.wait()


def read_outcomes(line: str, status: int) -> list[Outcome]:
    """The outcomes in the last line that was written beside; a failure where it holds none."""
    try:
        return [Outcome(**outcome | {"skips": tuple(outcome["skips"])}) for outcome in json.loads(line)]
    except (ValueError, KeyError, TypeError):
        return [Outcome("contracts", 0, 1, note=f"ended with status {status} and without an outcome: {line[:200]}")]


def _static(name: str, command: list[str]) -> Outcome:
    """A check that passes or fails as a whole; its output is shown only when it fails."""
    done = subprocess.run(
        command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    print("holds" if done.returncode == 0 else done.stdout, flush=True)
    return Outcome(name, passed=int(done.returncode == 0), failed=int(done.returncode != 0))


def _contracts(name: str) -> Outcome:
    """The Solidity tests; also compiles the contracts."""
    command = [*node_command(), str(NODE_MODULES / "hardhat" / "dist" / "src" / "cli.js"), "test", "solidity"]
    quiet = os.environ | {"HARDHAT_DISABLE_TELEMETRY_PROMPT": "true", "NO_COLOR": "1"}
    lines = []
    output = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    with subprocess.Popen(command, cwd=ROOT, env=quiet, **output) as running:
        for line in running.stdout or ():
            print(line, end="", flush=True)
            lines.append(line)
    return read_hardhat(name, "".join(lines), running.returncode)


def read_hardhat(name: str, output: str, status: int) -> Outcome:
    """The outcome that Hardhat's closing lines (`3 passing`, `1 failing`, `1 skipped`) and exit status tell."""
    passed, failed, skipped = (_hardhat_count(output, word) for word in ("passing", "failing", "(?:skipped|pending)"))
    note = ""
    if failed == 0 and status != 0:
        failed, note = 1, f"Hardhat ended with status {status}"
    elif failed == 0 and passed == 0:
        failed, note = 1, "no Solidity test ran"
    names = re.findall(r"^\s+- (\w+)\(.*\)$", output, re.MULTILINE)
    names += ["a Solidity test"] * (skipped - len(names))
    skips = tuple(f"{test}: skips itself; Hardhat does not hand on why" for test in names[:skipped])
    return Outcome(name, passed, failed, skips, note)


def _hardhat_count(output: str, word: str) -> int:
    return sum(int(number) for number in re.findall(rf"^\s*(\d+) {word}\b", output, re.MULTILINE))


def _pytest(name: str, arguments: list[str]) -> Outcome:
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = [sys.executable, "-m", "pytest", "-n", "auto", f"--junitxml={report}", *arguments]
        status = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL).returncode
        return read_pytest(name, report.read_text() if report.exists() else "", status)


def read_pytest(name: str, report: str, status: int) -> Outcome:
    """The outcome that pytest's JUnit report (empty if there is none) and exit status tell."""
    if not report:
        return Outcome(name, 0, 1, note=f"pytest ended with status {status} and without a report")
    passed, failed, skips = 0, 0, []
    for case in ElementTree.fromstring(report).iter("testcase"):
        skip = case.find("skipped")
        if case.find("failure") is not None or case.find("error") is not None:
            failed += 1
        elif skip is not None:
            skips.append(f"{case.get('classname')}.{case.get('name')}: {skip.get('message')}")
        else:
            passed += 1
    note = ""
    if status == PYTEST_COLLECTED_NOTHING:
        failed, note = failed + 1, "no test was collected"
    elif status != 0 and failed == 0:
        failed, note = 1, f"pytest ended with status {status}"
    return Outcome(name, passed, failed, tuple(skips), note)


def _summarize(outcomes: list[Outcome]) -> None:
    print("\n== summary")
    for one in outcomes:
        verdict = "FAILED" if one.failed else "passed"
        counts = f"{one.passed} passed, {one.failed} failed, {len(one.skips)} skipped"
        print(f"{verdict}  {one.name:<14} {counts:<40} {one.seconds:6.1f} s  {one.note}".rstrip())
    skips = [skip for one in outcomes for skip in one.skips]
    if skips:
        print(f"\n!! {len(skips)} SKIPPED: these were not tested")
        for skip in skips:
            print(f"   {skip}")
    print()
    passed, failed = sum(one.passed for one in outcomes), sum(one.failed for one in outcomes)
    print(f"{passed} passed, {failed} failed, {len(skips)} skipped", flush=True)


if __name__ == "__main__":
    sys.exit(main())
