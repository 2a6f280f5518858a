"""Work in a process beside: what it gives, its errors, its end."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from anchors.core.errors import VerificationFailed
from ledger_service.processes.beside import Beside
from scripts.bootstrap import ROOT

KILLED = """
import itertools, os, signal
from ledger_service.processes.beside import Beside

with Beside(itertools.repeat, bytes(1_000)) as beside:
    next(iter(beside))
    os.kill(os.getpid(), signal.SIGKILL)
"""


def _count(to: int, fault: str = "") -> Iterator[bytes]:
    for number in range(to):
        yield b"%d of %d" % (number, os.getpid())
    if fault:
        raise VerificationFailed(f"{fault} does not hold")


def _die() -> Iterator[bytes]:
    yield b"one"
    os._exit(3)


def _sleep() -> Iterator[bytes]:
    time.sleep(600)
    yield b""


def test_what_is_given_comes_in_order_from_another_process() -> None:
    with Beside(_count, 300) as beside:
        given = [each.split(b" of ") for each in beside]
    assert [int(number) for number, _ in given] == list(range(300))
    assert {int(process) for _, process in given} != {os.getpid()}


def test_what_the_work_raised_is_raised_here() -> None:
    with Beside(_count, 2, "this") as beside:
        given = iter(beside)
        assert [next(given), next(given)]
        with pytest.raises(VerificationFailed, match="this does not hold"):
            next(given)


def test_a_process_that_dies_is_told() -> None:
    with Beside(_die) as beside, pytest.raises(RuntimeError, match="ended before it was done"):
        list(beside)


@pytest.mark.parametrize("work", [(_sleep,), (_count, 10**9)])
def test_leaving_the_block_ends_the_work(work: tuple) -> None:
    began = time.monotonic()
    with Beside(*work):
        pass
    assert time.monotonic() - began < 60


def test_the_work_ends_with_a_killed_parent() -> None:
    """Both hold the pipes in which this waits for the end of what they say."""
    ended = subprocess.run([sys.executable, "-c", KILLED], cwd=ROOT, capture_output=True, timeout=60)
    assert (ended.returncode, ended.stdout, ended.stderr) == (-signal.SIGKILL, b"", b"")
