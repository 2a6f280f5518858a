"""The parent of several processes, where the machine has no room for another one."""

import os
import resource
import signal
import subprocess
from pathlib import Path

from scripts.city.service import ServiceProcess, free_port, service_settings
from tests.fixtures.chain import ScratchChain
from tests.fixtures.ledger import FINALITY_BLOCKS, found_small_city
from tests.kills.town import wait_for

NO_MORE_FILES = 3
WITHIN_SECONDS = 30


def children(parent: int) -> set[int]:
    """The process ids of those that run now."""
    listed = subprocess.run(["pgrep", "-P", str(parent)], capture_output=True, text=True).stdout
    return {int(line) for line in listed.split()}


def test_a_process_that_cannot_be_started_is_started_later(chain: ScratchChain, tmp_path: Path) -> None:
    city, log_file = found_small_city(chain), tmp_path / "service.log"
    settings = service_settings(city, tmp_path, f"sqlite:///{tmp_path / 'ledger.db'}", FINALITY_BLOCKS, free_port())
    with ServiceProcess(settings | {"HUZHENG_API_PROCESSES": "2", "HUZHENG_LEASE_SECONDS": "1"}, log_file) as service:
        before = children(service.pid)
        names = sorted(Path(f"/proc/{process}/comm").read_text().strip() for process in before)
        assert names == ["ledger anchorer", "ledger api", "ledger api"]
        soft, hard = resource.prlimit(service.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(service.pid, resource.RLIMIT_NOFILE, (NO_MORE_FILES, hard))
        os.kill(min(before), signal.SIGKILL)
        wait_for("the failure", lambda: "does not start: Too many open files" in log_file.read_text(), WITHIN_SECONDS)
        resource.prlimit(service.pid, resource.RLIMIT_NOFILE, (soft, hard))
        wait_for("another process", lambda: len(children(service.pid) - before) == 1, WITHIN_SECONDS)
        assert len(children(service.pid) & before) == 2, "the others went on"
        service.wait_ready()
