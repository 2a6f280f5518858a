"""How fast the audit derives a ledger again, from its database and from the published log alone, beside the rate at
which all cores merely recover its signatures; that it holds, and in how much memory."""

import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import count, takewhile
from pathlib import Path

from anchors.chain.ethereum import EthereumChain
from anchors.core.checkpoint import Checkpoint
from anchors.core.note import split_note
from anchors.core.tiles import MAX_LEVEL, Tile, width_at
from anchors.core.trust import Finality, format_trust
from ledger_service.client.api import Api
from ledger_service.published.http import HttpLog
from scripts.benchmark.ingest import FoundedCity, founded_city
from scripts.benchmark.load import LoadGenerator
from scripts.benchmark.processes import MemoryWatch
from scripts.benchmark.statements import Writers
from scripts.city.service import HUZHENG, TOKEN, ServiceProcess, free_port, service_settings
from scripts.local_chain import FINALITY_CONFIRMATIONS

STATEMENTS, BATCH, HOSPITALS = 100_000, 100, 64
WITHIN_SECONDS, LOOK_SECONDS = 300, 0.2


@dataclass(frozen=True)
class Audited:
    """An audit of so many entries, which held: entries and recoveries (on all cores) a second; memory of all its
    processes and of the largest, MiB."""

    entries: int
    entries_per_s: float
    recovered_per_s: float
    tree_mb: float
    process_mb: float

    @property
    def ratio(self) -> float:
        """Entries over recoveries."""
        return self.entries_per_s / self.recovered_per_s


@dataclass(frozen=True)
class Audits:
    """The audit of one ledger: `full` with content and index, `log` of the published log and the chain alone."""

    full: Audited
    log: Audited


def measure_audits(folder: Path, statements: int) -> Audits:
    """Fill a ledger with at least so many signed statements, wait until all of them are final, copy what it publishes,
    stop the service, audit. Raises `RuntimeError` where an audit finds anything."""
    with founded_city(folder, HOSPITALS) as founded:
        database = f"sqlite:///{folder / 'ledger.sqlite'}"
        settings = service_settings(founded.city, folder, database, FINALITY_CONFIRMATIONS, free_port())
        settings["HUZHENG_API_PROCESSES"] = "2"
        with ServiceProcess(settings, folder / "service.log") as service, Api(service.url, token=TOKEN) as api:
            _fill(founded, service.url, api, statements)
            _copy_log(service.url, folder / "log")
        _write_trust(founded, folder)
        return Audits(
            _audit(founded, folder, "--database", database), _audit(founded, folder, "--log", str(folder / "log"))
        )


def _fill(founded: FoundedCity, url: str, api: Api, statements: int) -> None:
    writers = Writers(founded.city)
    batch = min(BATCH, -(-statements // len(writers)))
    requests = writers.write(-(-statements // (batch * len(writers))), batch)
    generator = LoadGenerator(url, requests)
    sent = generator.send_all().statements
    generator.close()
    deadline = time.monotonic() + WITHIN_SECONDS
    while (head := api.final_head()) is None or head["newSize"] < sent:
        if time.monotonic() > deadline:
            raise RuntimeError(f"{sent} statements were not final within {WITHIN_SECONDS} s")
        time.sleep(0.5)


def _copy_log(url: str, folder: Path) -> None:
    """A copy of the published log as files, from which a disk and no service is read."""
    with closing(HttpLog(f"{url}/log", TOKEN)) as log:
        note = log.checkpoint()
        size = Checkpoint.from_text(split_note(note)[0]).size
        read = {"checkpoint": note}
        for level in (None, *range(MAX_LEVEL + 1)):
            for tile in _tiles(level, size):
                read[tile.path()] = log.bundle(tile) if level is None else log.hashes(tile)
    for name, data in read.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def _tiles(level: int | None, size: int) -> Iterator[Tile]:
    """Those of a level in a tree of `size` leaves."""
    tiles = (Tile(level, number, width_at(level, number, size)) for number in count())
    return takewhile(lambda tile: tile.width > 0, tiles)


def _write_trust(founded: FoundedCity, folder: Path) -> None:
    deployed = founded.city.deployment
    chain = EthereumChain(founded.chain.url, deployed.registry, deployed.witness)
    (folder / "trust.json").write_bytes(format_trust(founded.city.trust(chain, Finality(FINALITY_CONFIRMATIONS))))
    chain.close()


def _audit(founded: FoundedCity, folder: Path, *source: str) -> Audited:
    command = [HUZHENG, "audit", "--json", *source, "--trust", str(folder / "trust.json")]
    output, errors = folder / "audit.json", folder / "audit.log"
    with output.open("wb") as out, errors.open("wb") as err:
        process = subprocess.Popen([*command, "--rpc", founded.chain.url], stdout=out, stderr=err)
        memory = MemoryWatch(process.pid)
        while process.poll() is None:
            memory.look()
            time.sleep(LOOK_SECONDS)
    if process.returncode:
        raise RuntimeError(f"the audit did not hold: {errors.read_text().strip() or output.read_text()[-500:]}")
    said = json.loads(output.read_bytes())
    speeds = said["statementsPerSecond"], said["recoverPerSecond"]
    return Audited(said["size"], *speeds, memory.tree_mb, memory.process_mb)
