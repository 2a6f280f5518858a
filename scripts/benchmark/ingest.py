"""How fast the production application accepts, beside how fast one core merely recovers signatures, in turns."""

import secrets
import statistics
import time
from argparse import Namespace
from dataclasses import dataclass
from pathlib import Path

from coincurve import PrivateKey, PublicKey
from sqlalchemy import func, select

from ledger_service.storage import schema
from ledger_service.storage.database import open_database
from scripts.benchmark.load import LoadGenerator
from scripts.benchmark.statements import write_load
from scripts.city.founding import City, found_city
from scripts.city.run import development_account
from scripts.city.service import ServiceProcess, free_port, service_settings
from scripts.local_chain import FINALITY_CONFIRMATIONS, LocalChain

STREAMS = 64
INSTITUTIONS_PER_HOSPITAL = 5 / 4  # one institution in five is a laboratory, which signs no decisions
WARM_UP_SECONDS = 1.0


@dataclass(frozen=True)
class Ingest:
    """Medians over the windows: statements and recoveries a second; memory and disk at the end."""

    accepted_per_s: float
    recovered_per_s: float
    statements: int
    peak_mb: float
    bytes_per_statement: float

    @property
    def ratio(self) -> float:
        """Accepted over recovered."""
        return self.accepted_per_s / self.recovered_per_s


def recover_rate(seconds: float) -> float:
    """Recoveries a second of one core with coincurve: the limit that everything is held against."""
    digest = secrets.token_bytes(32)
    signature = PrivateKey(secrets.token_bytes(32)).sign_recoverable(digest, hasher=None)
    count, began = 0, time.perf_counter()
    while time.perf_counter() - began < seconds:
        for _ in range(100):
            PublicKey.from_signature_and_message(signature, digest, hasher=None)
        count += 100
    return count / (time.perf_counter() - began)


@dataclass(frozen=True)
class Load:
    """How much to send: windows of so many seconds, and a guess at the rate for which to prepare requests."""

    windows: int
    seconds: float
    statements_per_request: int
    expected_per_s: float

    @classmethod
    def of(cls, arguments: Namespace) -> "Load":
        """What the command line says."""
        return cls(arguments.windows, arguments.seconds, arguments.batch, arguments.expected)

    @property
    def requests_per_stream(self) -> int:
        """Requests to prepare for each stream."""
        statements = self.expected_per_s * (self.windows * self.seconds + WARM_UP_SECONDS)
        return int(statements / self.statements_per_request / STREAMS) + 2


def measure_ingest(folder: Path, database: str, load: Load) -> Ingest:
    """Found a city, start the service on `database`, and send in windows, with raw recovery between them."""
    folder.mkdir(parents=True, exist_ok=True)
    with LocalChain(folder / "chain") as chain:
        city = _city(chain.url)
        requests = write_load(city, load.requests_per_stream, load.statements_per_request)
        settings = service_settings(city, folder, database, FINALITY_CONFIRMATIONS, free_port())
        with ServiceProcess(settings, folder / "service.log") as service:
            generator = LoadGenerator(service.url, list(requests.values()), load.statements_per_request)
            generator.window(WARM_UP_SECONDS)
            accepted, recovered, total = [], [], 0
            for _ in range(load.windows):
                recovered.append(recover_rate(load.seconds / 2))
                window = generator.window(load.seconds)
                if window.refused:
                    raise RuntimeError(
                        f"{window.refused} statements of the load were refused; see {folder}/service.log"
                    )
                accepted.append(window.rate)
                total += window.statements
            recovered.append(recover_rate(load.seconds / 2))
            generator.close()
            peak = peak_mb(service.pid)
            size = bytes_per_statement(database)
    return Ingest(statistics.median(accepted), statistics.median(recovered), total, peak, size)


def bytes_per_statement(database: str) -> float:
    """Bytes on disk for each statement: all tables and indexes, without the content itself."""
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
    return (stored - content) / statements


def _city(rpc: str) -> City:
    institutions = int(STREAMS * INSTITUTIONS_PER_HOSPITAL)
    return found_city(rpc, f"bench.example/{secrets.token_hex(4)}", development_account(0), "bench", institutions)


def peak_mb(pid: int) -> float:
    """The largest resident memory that the process ever had, in MiB."""
    for line in Path(f"/proc/{pid}/status").read_text("utf-8").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("the system does not tell a process's peak memory")
