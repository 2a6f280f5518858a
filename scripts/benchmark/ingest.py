"""How fast the production application accepts, beside how fast one core merely recovers signatures, in turns."""

import secrets
import statistics
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import func, select

from ledger_service.storage import schema
from ledger_service.storage.database import open_database
from scripts.anvil import Anvil
from scripts.benchmark.limits import recover_rate
from scripts.benchmark.load import LoadGenerator, Window
from scripts.benchmark.processes import MemoryWatch, Parts
from scripts.benchmark.statements import Writers
from scripts.city.founding import City, found_city
from scripts.city.run import development_account
from scripts.city.service import ServiceProcess, free_port, service_settings
from scripts.local_chain import CHAIN_ID, FINALITY_CONFIRMATIONS, MNEMONIC

INSTITUTIONS_PER_HOSPITAL = 5 / 4  # one institution in five is a laboratory, which signs no decisions
SEED = "bench"
MARGIN = 1.6
"""How much quicker than at the warm-up the service may be before the prepared requests run out."""
CHAIN = ("--block-time", "1", "--chain-id", str(CHAIN_ID), "--mnemonic", MNEMONIC)


@dataclass(frozen=True)
class Load:
    """How much to send: over so many connections, one stream each; in windows of so many seconds; requests of so many
    statements; to so many API processes."""

    streams: int
    windows: int
    seconds: float
    batch: int
    processes: int


@dataclass(frozen=True)
class Speed:
    """Medians over the windows: statements and recoveries a second; processor microseconds a statement by part."""

    accepted_per_s: float
    recovered_per_s: float
    cpu_us: dict[str, float]

    @property
    def ratio(self) -> float:
        """Accepted over recovered."""
        return self.accepted_per_s / self.recovered_per_s


@dataclass(frozen=True)
class Ingest:
    """Of which load; how fast; how many statements the log has in the end; memory of the service's processes in MiB,
    together and the largest; bytes on disk a statement."""

    load: Load
    speed: Speed
    statements: int
    tree_mb: float
    process_mb: float
    bytes_per_statement: float


@dataclass(frozen=True)
class FoundedCity:
    """A city, on a chain that runs."""

    city: City
    chain: Anvil


@contextmanager
def founded_city(folder: Path, hospitals: int) -> Iterator[FoundedCity]:
    """Found a city with so many hospitals, on a chain of its own, which makes a block a second and keeps none of them
    for a later start."""
    institutions = int(hospitals * INSTITUTIONS_PER_HOSPITAL)
    origin = f"bench.example/{secrets.token_hex(4)}"
    folder.mkdir(parents=True, exist_ok=True)
    chain = Anvil(folder / "anvil.log", options=CHAIN).start()
    try:
        yield FoundedCity(found_city(chain.url, origin, development_account(0), SEED, institutions), chain)
    finally:
        chain.stop()


def measure_ingest(founded: FoundedCity, folder: Path, database: str, load: Load) -> Ingest:
    """Start the service on `database` and send in windows, with raw recovery between them."""
    settings = service_settings(founded.city, folder, database, FINALITY_CONFIRMATIONS, free_port())
    settings["HUZHENG_API_PROCESSES"] = str(load.processes)
    writers = Writers(founded.city)
    with ServiceProcess(settings, folder / "service.log") as service:
        memory = MemoryWatch(service.pid)
        speed = _Measure(service, founded.chain, writers, memory, load).speed()
        memory.look()
        statements, size = disk_use(database)
    return Ingest(load, speed, statements, memory.tree_mb, memory.process_mb, size)


class _Measure:
    def __init__(self, service: ServiceProcess, chain: Anvil, writers: Writers, memory: MemoryWatch, load: Load):
        self._service = service
        self._chain = chain
        self._writers = writers
        self._memory = memory
        self._load = load

    def speed(self) -> Speed:
        """Windows of load, after a while in which it warms up; then one more in which memory is looked at, which takes
        the processors some time."""
        wanted = self._warm_up() * MARGIN * (self._load.windows + 1) * self._load.seconds
        requests = self._write(int(wanted / self._load.batch / len(self._writers)) + 2)
        generator = LoadGenerator(self._service.url, requests)
        parts = Parts(self._service.pid, generator.pid, self._chain.pid)
        accepted, recovered, costs = [], [], []
        for _ in range(self._load.windows):
            recovered.append(recover_rate(self._load.seconds / 2))
            before = parts.cpu_seconds()
            window = generator.window(self._load.seconds)
            used = parts.cpu_seconds() - before
            self._memory.look()
            if window.seconds < self._load.seconds / 2:
                break  # the requests ran out
            if not window.statements:
                continue  # nothing was accepted in so short a window
            accepted.append(window.rate)
            costs.append({part: seconds * 1e6 / window.statements for part, seconds in used.items()})
        recovered.append(recover_rate(self._load.seconds / 2))
        generator.window(self._load.seconds, self._memory.look)
        generator.send_all()
        generator.close()
        if not accepted:
            seconds = f"{self._load.seconds:g} s"
            raise RuntimeError(
                f"no window of {seconds} measured anything: the load ran out, or nothing was accepted; say more"
            )
        names = {part for cost in costs for part in cost}
        cpu_us = {part: statistics.median(cost.get(part, 0.0) for cost in costs) for part in sorted(names)}
        return Speed(statistics.median(accepted), statistics.median(recovered), cpu_us)

    def _write(self, requests: int) -> list[list[bytes]]:
        return self._writers.write(requests, self._load.batch)

    def _warm_up(self) -> float:
        """Send more and more until a sending takes a while; its statements a second."""
        requests = 1
        while True:
            requests *= 2
            window = self._send(self._write(requests))
            if window.seconds >= min(1.0, self._load.seconds):
                return window.rate

    def _send(self, requests: list[list[bytes]]) -> Window:
        generator = LoadGenerator(self._service.url, requests)
        window = generator.send_all()
        generator.close()
        return window


def disk_use(database: str) -> tuple[int, float]:
    """How many statements there are, and the bytes on disk for each: tables and indexes, without the content itself."""
    engine = open_database(database)
    with engine.connect() as connection:
        statements = connection.execute(select(schema.log.c.size)).scalar_one()
        content = connection.execute(select(func.sum(func.length(schema.contents.c.parts)))).scalar_one()
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
            pages, page = (
                connection.exec_driver_sql(f"PRAGMA {name}").scalar_one() for name in ("page_count", "page_size")
            )
            stored = pages * page
        else:
            stored = sum(
                connection.execute(select(func.pg_total_relation_size(table))).scalar_one()
                for table in schema.metadata.tables
            )
    engine.dispose()
    return statements, (stored - content) / statements
