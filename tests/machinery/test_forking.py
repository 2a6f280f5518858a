"""Processes that the tests and the tools start end with the one that started them, however that ended."""

import json
import os
import subprocess
import sys
from pathlib import Path

from scripts.bootstrap import ROOT
from scripts.city.service import free_port, is_free, service_settings
from tests.fixtures.chain import ScratchChain
from tests.fixtures.ledger import FINALITY_BLOCKS, found_small_city
from tests.kills.town import wait_for

START = """
import json, sys, time
from pathlib import Path
from scripts.city.service import ServiceProcess
from scripts.soaking.killable import Killable, run_service
from tests.fixtures.service import ForkedService

log = Path("service.log")
started, forked, killable = map(json.loads, sys.argv[1:])
kept = ServiceProcess(started, log).start(), ForkedService(forked, log).start()
Killable("service", log, run_service, killable).start()
time.sleep(600)
"""


def test_services_end_with_a_killed_parent(chain: ScratchChain, tmp_path: Path) -> None:
    city, ports = found_small_city(chain), [free_port() for _ in range(3)]
    settings = [
        service_settings(city, tmp_path, f"sqlite:///{tmp_path / f'{port}.db'}", FINALITY_BLOCKS, port)
        for port in ports
    ]
    command = [sys.executable, "-c", START, *map(json.dumps, settings)]
    parent = subprocess.Popen(command, cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(ROOT)})
    try:
        wait_for("three services", lambda: not any(map(is_free, ports)))
    finally:
        parent.kill()
        parent.wait()
    wait_for("their end", lambda: all(map(is_free, ports)), 30)
