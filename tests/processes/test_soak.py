"""The soak itself, for half a minute; and that its check finds what it is for."""

import json
import subprocess
import sys

import pytest

from scripts.bootstrap import ROOT
from scripts.soaking.check import Logged, broken_promises, broken_streams, repeated_statements
from tests.fixtures.postgres import PostgresServer

MINUTES = 0.6
LOG = [Logged("a", "one", 0), Logged("b", "two", 0), Logged("c", "one", 1), Logged("d", "one", 2)]


@pytest.mark.timeout(500)
def test_half_a_minute_of_everything(postgres_server: PostgresServer) -> None:
    command = [sys.executable, "-m", "scripts.soaking", "--minutes", str(MINUTES), "--seed", "20", "--json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stderr + done.stdout
    told = json.loads(done.stdout)
    assert told["faults"] == [] and (told["accepted_lost"], told["duplicated"], told["audit_status"]) == (0, 0, 0)
    assert told["events"] == sum(told["by_kind"].values()) and len(told["by_kind"]) >= 6
    assert told["promises"] == told["statements"] >= 100 and told["heads"] >= 3 and told["takeovers"] >= 1


def test_a_log_that_keeps_its_promises_has_no_fault() -> None:
    assert broken_promises(LOG, [("a", 0), ("d", 3)]) == repeated_statements(LOG) == broken_streams(LOG) == []


@pytest.mark.parametrize("promise", [("a", 1), ("z", 0), ("a", 4), ("a", -1)])
def test_a_lost_statement_is_found(promise: tuple[str, int]) -> None:
    assert len(broken_promises(LOG, [("b", 1), promise])) == 1


def test_what_stands_twice_is_found() -> None:
    assert repeated_statements([*LOG, Logged("b", "two", 1)]) == ["b stands 2 times"]


@pytest.mark.parametrize("log", [LOG[1:], LOG[:2] + LOG[3:], [*LOG, LOG[3]], [LOG[2], LOG[0]]])
def test_a_gap_a_repetition_or_the_wrong_order_is_found(log: list[Logged]) -> None:
    assert broken_streams(log) == ["the stream of one has a gap"]
