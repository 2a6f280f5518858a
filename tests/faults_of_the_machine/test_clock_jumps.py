"""A running service whose machine's clock jumps, on a chain that makes a block a second."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.city.service import ServiceProcess
from tests.faults_of_the_machine.scenario import trial
from tests.fixtures.chain import ScratchChain
from tests.fixtures.ledger import Ledger, found_small_city

CLOCK_SECONDS = 600
HOUR = 3_600
SEEN_BLOCKS = 4
"""After so many blocks the service knows the chain's time."""
_SERVE_BY_ANOTHER_CLOCK = """
import pathlib, sys, time
offset, true_time = pathlib.Path(sys.argv.pop(1)), time.time
time.time = lambda: true_time() + int(offset.read_text())
from ledger_service.cli.run import main
sys.exit(main())
"""


class Clock:
    """The clock of the service's machine."""

    def __init__(self, file: Path):
        self.file = file
        self.set(0)

    def set(self, error_seconds: int) -> None:
        """Let it be wrong by so much."""
        new = self.file.with_suffix(".new")
        new.write_text(str(error_seconds))
        new.replace(self.file)


@pytest.fixture(scope="module")
def clock(tmp_path_factory: pytest.TempPathFactory) -> Clock:
    """Right at first."""
    return Clock(tmp_path_factory.mktemp("clock") / "error")


@pytest.fixture(scope="module")
def ledger(module_chain: ScratchChain, clock: Clock, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    """A ledger that goes by this clock."""
    folder = tmp_path_factory.mktemp("ledger")
    database = f"sqlite:///{folder / 'ledger.db'}"
    ledger = Ledger(module_chain, found_small_city(module_chain), folder, database, clock_seconds=str(CLOCK_SECONDS))
    command = [sys.executable, "-c", _SERVE_BY_ANOTHER_CLOCK, str(clock.file), "serve"]
    ledger.service = ServiceProcess(ledger.settings, ledger.log_file, command)
    module_chain.set_interval(1)
    try:
        ledger.start()
        yield ledger
    finally:
        ledger.close()


@pytest.mark.parametrize(
    ("error_seconds", "told"),
    [
        (24 * HOUR, "clock is 8[0-9]{4} s ahead of the chain's time; set it right"),
        (-HOUR, "clock is 3[0-9]{3} s behind the newest receipt; set it right"),
    ],
)
def test_the_clock_jumps(ledger: Ledger, clock: Clock, error_seconds: int, told: str) -> None:
    with trial(ledger, told, blocks_come_by_themselves=True) as run:
        begun = ledger.followed_block()
        ledger.wait_for(lambda: ledger.followed_block() >= begun + SEEN_BLOCKS)
        clock.set(error_seconds)
        try:
            run.is_turned_away(told)
            run.is_not_ready(told)
        finally:
            clock.set(0)
