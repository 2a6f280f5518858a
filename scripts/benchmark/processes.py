"""What the processes of a measurement cost, as Linux counts it: processor time by part, memory of a whole tree."""

import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from ledger_service.processes.supervisor import ANCHORER, process_name

_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
_PROCESSES = Path("/proc")


@dataclass(frozen=True)
class Process:
    """A process: its parent, the processor seconds that it used, its name."""

    parent: int
    cpu_seconds: float
    name: str


def running_processes() -> dict[int, Process]:
    """Every process by its id."""
    found = {}
    for folder in _PROCESSES.iterdir():
        if not folder.name.isdigit():
            continue
        try:
            begin, _, end = (folder / "stat").read_text("utf-8", errors="replace").rpartition(")")
        except OSError:
            continue  # it ended meanwhile
        fields = end.split()
        cpu_seconds = (int(fields[11]) + int(fields[12])) / _TICKS_PER_SECOND
        found[int(folder.name)] = Process(int(fields[1]), cpu_seconds, begin.partition("(")[2])
    return found


def tree_of(root: int, processes: dict[int, Process]) -> set[int]:
    """A process and all that descend from it."""
    children: dict[int, list[int]] = {}
    for pid, process in processes.items():
        children.setdefault(process.parent, []).append(pid)
    found, waiting = set(), [root]
    while waiting:
        pid = waiting.pop()
        found.add(pid)
        waiting += children.get(pid, [])
    return found


@dataclass(frozen=True)
class Parts:
    """Which process is which in a measurement; the database and the rest are found by their names."""

    service: int
    load: int
    chain: int

    def cpu_seconds(self) -> Counter[str]:
        """Processor seconds by part until now, of this process and of all that descend from it."""
        processes = running_processes()
        service = tree_of(self.service, processes)
        used: Counter[str] = Counter()
        for pid in tree_of(os.getpid(), processes) & processes.keys():
            used[self._part(pid, processes[pid].name, pid in service)] += processes[pid].cpu_seconds
        return used

    def _part(self, pid: int, name: str, of_service: bool) -> str:
        if of_service:
            return "anchorer" if name == process_name(ANCHORER) else "api"
        if pid in (self.load, self.chain):
            return "load generator" if pid == self.load else "chain"
        return "postgres" if name == "postgres" else "this program"


class MemoryWatch:
    """The memory of a process and all that descend from it, in MiB, as far as it was looked at.

    `tree_mb` is the largest sum of proportional set sizes (memory that several share counts once); `process_mb` is the
    largest resident set that one of them ever had."""

    def __init__(self, root: int):
        self._root = root
        self.tree_mb = 0.0
        self.process_mb = 0.0

    def look(self) -> None:
        """Look now."""
        tree = tree_of(self._root, running_processes())
        self.tree_mb = max(self.tree_mb, sum(_mebibytes(pid, "smaps_rollup", "Pss:") for pid in tree))
        self.process_mb = max(self.process_mb, *(peak_mb(pid) for pid in tree))


def peak_mb(pid: int) -> float:
    """The largest resident memory that the process ever had, in MiB; 0 where it has ended."""
    return _mebibytes(pid, "status", "VmHWM:")


def _mebibytes(pid: int, file: str, name: str) -> float:
    try:
        lines = (_PROCESSES / str(pid) / file).read_text("utf-8").splitlines()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) for line in lines if line.startswith(name)) / 1024
