"""A running service on SQLite, and what befalls its disk and its file."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.faults_of_the_machine.causes import full_disk, locked, moved_away, replaced, small_disk, write_protected
from tests.faults_of_the_machine.scenario import QUICK_LEASE, file_of, trial
from tests.fixtures.chain import ScratchChain
from tests.fixtures.ledger import Ledger, running_ledger

SMALL_DISK_KILOBYTES = 4_096


@contextmanager
def _ledger_in(chain: ScratchChain, folder: Path, database_folder: Path) -> Iterator[Ledger]:
    with running_ledger(chain, folder, f"sqlite:///{database_folder / 'ledger.db'}", **QUICK_LEASE) as ledger:
        yield ledger


@pytest.fixture(scope="module")
def ledger(module_chain: ScratchChain, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    """A ledger whose database lies in a folder of its own; each test leaves it well."""
    folder = tmp_path_factory.mktemp("machine")
    (folder / "disk").mkdir()
    with _ledger_in(module_chain, folder, folder / "disk") as ledger:
        yield ledger


def test_the_disk_is_full(module_chain: ScratchChain, tmp_path: Path) -> None:
    told = "the disk is full; free space"
    with (
        small_disk(tmp_path / "disk", SMALL_DISK_KILOBYTES) as disk,
        _ledger_in(module_chain, tmp_path, disk) as ledger,
        trial(ledger, told) as run,
        full_disk(disk),
    ):
        run.is_turned_away(told)
        run.is_not_ready(told)


def test_the_file_is_write_protected(ledger: Ledger) -> None:
    told = "the disk does not read or write|read-only"
    with trial(ledger, told) as run, write_protected(Path(f"{file_of(ledger)}-wal")):
        run.is_turned_away(told)
        run.is_not_ready(told)


def test_another_process_holds_the_lock(ledger: Ledger) -> None:
    told = "another process holds the file's lock"
    with trial(ledger, told) as run, locked(file_of(ledger)):
        run.is_turned_away(told)
        run.is_not_ready(told)


def test_the_folder_was_moved_away(ledger: Ledger) -> None:
    told = "No such file or directory; put the file back"
    with trial(ledger, told) as run, moved_away(file_of(ledger).parent):
        run.is_turned_away(told)
        run.is_not_ready(told)


def test_another_file_stands_in_its_place(ledger: Ledger) -> None:
    told = "is not the file that was opened"
    with trial(ledger, told) as run, replaced(file_of(ledger)):
        size = os.stat(file_of(ledger)).st_size
        run.is_turned_away(told)
        run.is_not_ready(told)
        assert os.stat(file_of(ledger)).st_size == size
