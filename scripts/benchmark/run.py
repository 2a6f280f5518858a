"""`scripts/bench`: one run, one table. Speeds stand beside a limit measured in the same minutes, as ratios."""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from scripts.benchmark.audits import STATEMENTS, measure_audits
from scripts.benchmark.evidence import measure_evidence
from scripts.benchmark.gas import measure_gas
from scripts.benchmark.growth import measure_growth, sizes_to
from scripts.benchmark.ingest import Ingest, Load, founded_city, measure_ingest
from scripts.benchmark.limits import measure_limits
from scripts.benchmark.scoreboard import Results, figures_of, rows_of
from scripts.benchmark.statistics import ENTRIES, measure
from scripts.benchmark.writing import check_page, terminal_table, write_table
from scripts.postgres import running_postgres

API_PROCESSES = {"sqlite": 2, "postgresql": 3}
"""On each database, of the service, unless another number is said: what two processors are best used by."""
LEAVES, QUICK_LEAVES = 10_000_000, 1_000_000


def _arguments(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("--json", action="store_true", help="end with one JSON object on standard output")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the table into this page, at its marks")
    parser.add_argument("--chart", type=Path, metavar="FILE", help="draw the growth as SVG")
    parser.add_argument("--windows", type=int, default=3, help="windows of load for each figure")
    parser.add_argument("--seconds", type=float, default=5.0, help="length of a window")
    parser.add_argument("--batch", type=int, default=100, help="statements in a request")
    parser.add_argument("--streams", type=int, default=64, help="connections, each with one hospital's stream")
    parser.add_argument("--single-streams", type=int, default=256, help="the same for one statement in a request")
    parser.add_argument("--processes", type=int, help="API processes of the service, whatever the database")
    parser.add_argument(
        "--database", choices=list(API_PROCESSES), action="append", help="only this one; may be repeated"
    )
    parser.add_argument("--leaves", type=int, default=LEAVES, help="size to which a log is grown")
    parser.add_argument(
        "--audit",
        type=int,
        metavar="N",
        help=f"audit a ledger of so many statements; as many as a log is grown to, at most {STATEMENTS:,}, unless said",
    )
    parser.add_argument("--quick", action="store_true", help=f"grow it to {QUICK_LEAVES:,} at most")
    return parser.parse_args(words)


def main(words: list[str]) -> int:
    """Measure and print."""
    arguments = _arguments(words)
    console = Console(stderr=arguments.json, highlight=False, width=None if sys.stdout.isatty() else 160)
    if arguments.markdown:
        try:
            check_page(arguments.markdown)
        except ValueError as error:
            sys.exit(f"scripts/bench: {error}")
    with tempfile.TemporaryDirectory(prefix="huzheng-bench-") as name:
        results = _measure(arguments, Path(name), console)
    rows = rows_of(results)
    console.print(terminal_table(rows))
    if arguments.chart:
        # Drawing takes a second to load and memory to hold: after everything was measured.
        from scripts.benchmark.chart import draw_growth

        draw_growth(arguments.chart, results.growth)
    if arguments.markdown:
        write_table(arguments.markdown, rows, arguments.chart)
    if arguments.json:
        print(json.dumps(figures_of(results)))
    return 0


def _measure(arguments: argparse.Namespace, folder: Path, console: Console) -> Results:
    began = time.monotonic()

    def say(what: str) -> None:
        console.print(f"{time.monotonic() - began:6.0f} s  {what}", style="dim")

    def load_on(kind: str) -> Load:
        processes = arguments.processes or API_PROCESSES[kind]
        return Load(arguments.streams, arguments.windows, arguments.seconds, arguments.batch, processes)

    load = load_on("sqlite")
    sizes = sizes_to(min(arguments.leaves, QUICK_LEAVES) if arguments.quick else arguments.leaves, folder, say)
    say("measuring the limits of this machine")
    limits = measure_limits(folder / "limits", load.seconds / 2)
    ingests = {}
    for kind in arguments.database or API_PROCESSES:
        say(f"accepting on {kind}")
        batches, singles = load_on(kind), replace(load_on(kind), streams=arguments.single_streams, batch=1)
        ingests[kind] = (
            _measure_ingest(folder / kind, kind, batches),
            _measure_ingest(folder / f"{kind}-1", kind, singles),
        )
    say("moving heads")
    gas = measure_gas(folder / "gas")
    entries = min(sizes[-1], ENTRIES)
    say(f"counting {entries:,} entries")
    counting = measure(entries, folder)
    say("verifying a case, auditing a ledger")
    case = measure_evidence(folder / "case")
    audits = measure_audits(folder / "audit", arguments.audit or min(sizes[-1], STATEMENTS))
    growth = measure_growth(folder / "growth", sizes, load, say)
    return Results(limits, ingests, gas, growth, counting, case, audits)


def _measure_ingest(folder: Path, kind: str, load: Load) -> Ingest:
    with founded_city(folder, load.streams) as founded, _database(kind, folder) as url:
        return measure_ingest(founded, folder, url, load)


@contextmanager
def _database(kind: str, folder: Path) -> Iterator[str]:
    """A fresh database that flushes to disk."""
    if kind == "sqlite":
        yield f"sqlite:///{folder / 'ledger.sqlite'}"
        return
    with running_postgres(durable=True) as server:
        server.administer("CREATE DATABASE bench")
        yield server.url("bench").replace("+psycopg", "")
