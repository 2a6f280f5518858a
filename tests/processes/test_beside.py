"""Work in a process beside: its result, its errors, its end."""

import os
import time

import pytest

from anchors.core.errors import VerificationFailed
from ledger_service.processes.beside import Beside


def _refuse(what: str) -> None:
    raise VerificationFailed(f"{what} does not hold")


def test_the_result_comes_back_from_another_process() -> None:
    with Beside(os.getpid) as beside:
        assert beside.result() != os.getpid()


def test_what_the_work_raised_is_raised_here() -> None:
    with Beside(_refuse, "this") as beside, pytest.raises(VerificationFailed, match="this does not hold"):
        beside.result()


def test_a_process_that_dies_is_told() -> None:
    with Beside(os._exit, 3) as beside, pytest.raises(RuntimeError, match="ended before it was done"):
        beside.result()


def test_leaving_the_block_ends_the_work() -> None:
    began = time.monotonic()
    with Beside(time.sleep, 600):
        pass
    assert time.monotonic() - began < 60
