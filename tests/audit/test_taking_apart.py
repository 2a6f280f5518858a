"""Entries are taken apart in processes of their own where a log is long: with the same findings, and no hang."""

import os
import signal
import subprocess
import time

import pytest
from sqlalchemy import delete, update

from ledger_service.storage import schema
from ledger_service.storage.database import begin_writing
from ledger_service.usecases.audit import statements, stretches, taking
from ledger_service.usecases.audit.taking import Job, ProcessLost, TakenBeside, TakenHere, open_takers
from tests.audit.world import World, make_world
from tests.fixtures.chain import ScratchChain

PROCESSES = 2


@pytest.fixture
def beside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Logs of every length are taken apart beside."""
    monkeypatch.setattr(taking, "LARGE_LOG", 0)
    monkeypatch.setattr(os, "cpu_count", lambda: PROCESSES)


def test_long_logs_are_worth_processes(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: PROCESSES)
    assert isinstance(open_takers(world.city.domain, taking.LARGE_LOG - 1), TakenHere)
    with open_takers(world.city.domain, taking.LARGE_LOG) as takers:
        assert isinstance(takers, TakenBeside) and takers.ahead == PROCESSES
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    assert isinstance(open_takers(world.city.domain, taking.LARGE_LOG), TakenHere)


def test_links_reach_back_beyond_what_is_remembered(
    module_chain: ScratchChain, store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever was known when a stretch was read may be forgotten while it is judged, or have been forgotten before."""
    monkeypatch.setattr(statements, "KNOWN_STATEMENTS", 5)
    monkeypatch.setattr(stretches, "STRETCH_ENTRIES", 256)
    world = make_world(module_chain, store_url)
    for number in range(40):
        world.submit(*world.tell_story(number))
    world.settle()
    result = world.audit()
    assert result.size > 256 and result.findings.counts["links"] > 100
    assert result.holds, result.findings.faults
    world.engine.dispose()


def test_a_sound_ledger_holds(world: World, beside: None) -> None:
    alone = world.audit()
    assert alone.holds and alone.size > 0 and alone.recovered_per_second > 0


def test_what_is_found_is_the_same(module_chain: ScratchChain, store_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Damage of every kind that taking apart meets: bytes, signature, parts, rows that are missing."""
    world = make_world(module_chain, store_url)
    for number in range(24):
        world.submit(*world.tell_story(number))
    world.settle()
    entries, contents = schema.entries, schema.contents
    with begin_writing(world.engine) as connection:
        for command in (
            update(entries).where(entries.c.position == 20).values(entry=bytes(289)),
            update(entries).where(entries.c.position == 30).values(key=bytes(20)),
            update(contents).where(contents.c.position == 40).values(parts=b"[]"),
            update(contents).where(contents.c.position == 41).values(parts=b"\xff"),
            delete(contents).where(contents.c.position == 50),
            delete(entries).where(entries.c.position == 60),
        ):
            connection.execute(command)
    here = world.audit().findings
    monkeypatch.setattr(taking, "LARGE_LOG", 0)
    monkeypatch.setattr(os, "cpu_count", lambda: PROCESSES)
    found = world.audit().findings
    assert len(found.faults) > 5
    assert [str(fault.first) for fault in found.faults] == [str(fault.first) for fault in here.faults]
    assert found.counts == here.counts
    world.engine.dispose()


def test_a_process_that_dies_is_told(world: World) -> None:
    takers = TakenBeside(world.city.domain, 1)
    with takers:
        takers.give(Job([None], [None]))
        assert len(takers.take()) == 1
        os.kill(takers._processes[0].pid, signal.SIGKILL)
        takers._processes[0].join()
        with pytest.raises(ProcessLost, match="ended"):
            takers.give(Job([bytes(289)] * 10_000, [None] * 10_000))
            takers.take()


def test_none_is_left_when_the_audit_ends(world: World) -> None:
    with TakenBeside(world.city.domain, PROCESSES) as takers:
        pids = [process.pid for process in takers._processes]
    for pid in pids:
        assert not _runs(pid)


def test_they_end_with_the_audit_that_is_killed() -> None:
    """Nobody asks them anything any more once the other end of their pipe is gone."""
    program = (
        "import os, signal\n"
        "from anchors.core.typed_data import Domain\n"
        "from ledger_service.usecases.audit.taking import TakenBeside\n"
        "takers = TakenBeside(Domain(1, bytes(20), bytes(32)), 2)\n"
        "print(*[process.pid for process in takers._processes], flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    ran = subprocess.run([os.sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    pids = [int(word) for word in ran.stdout.split()]
    assert len(pids) == 2
    deadline = time.monotonic() + 30
    while any(_runs(pid) for pid in pids):
        assert time.monotonic() < deadline, "a process outlived the audit"
        time.sleep(0.05)


def _runs(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
