"""`scripts/bench`: one run, one table. Speeds stand beside a limit measured in the same minutes, as ratios."""

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from scripts.benchmark.gas import STATEMENTS_PER_CHECKPOINT, measure_gas
from scripts.benchmark.ingest import Ingest, Load, measure_ingest
from scripts.benchmark.proofs import ProofTimes, measure_proofs
from scripts.postgres import running_postgres

SMALL_LOG = 10_000


def _arguments(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("--json", action="store_true", help="end with one JSON object on standard output")
    parser.add_argument("--windows", type=int, default=3, help="windows of load for each database")
    parser.add_argument("--seconds", type=float, default=5.0, help="length of a window")
    parser.add_argument("--batch", type=int, default=100, help="statements in a request")
    parser.add_argument("--expected", type=int, default=10_000, help="statements a second to prepare load for")
    parser.add_argument("--leaves", type=int, default=1_000_000, help="size of the large log to prove in")
    return parser.parse_args(words)


def main(words: list[str]) -> int:
    """Measure and print."""
    arguments = _arguments(words)
    console = Console(stderr=arguments.json, highlight=False, width=None if sys.stdout.isatty() else 100)
    with tempfile.TemporaryDirectory(prefix="huzheng-bench-") as name:
        folder = Path(name)
        ingests = {}
        for kind in ("sqlite", "postgresql"):
            with console.status(f"accepting on {kind}"), _database(kind, folder) as url:
                ingests[kind] = measure_ingest(folder / kind, url, Load.of(arguments))
        with console.status("moving heads"):
            gas = measure_gas(folder / "gas")
        with console.status(f"proving in {SMALL_LOG:,} and {arguments.leaves:,} leaves"):
            small = measure_proofs(folder / "small", SMALL_LOG)
            large = measure_proofs(folder / "large", arguments.leaves)
    console.print(_table(arguments, ingests, gas, small, large))
    if arguments.json:
        print(json.dumps(_figures(ingests, gas, small, large, arguments.leaves)))
    return 0


@contextmanager
def _database(kind: str, folder: Path) -> Iterator[str]:
    """A fresh database that flushes to disk."""
    if kind == "sqlite":
        yield f"sqlite:///{folder / 'ledger.sqlite'}"
        return
    with running_postgres(durable=True) as server:
        server.administer("CREATE DATABASE bench")
        yield server.url("bench")


def _short(leaves: int) -> str:
    """1,000,000 as 1e6, other sizes as they are."""
    zeros = len(str(leaves)) - 1
    return f"1e{zeros}" if leaves == 10**zeros else str(leaves)


def _figures(
    ingests: dict[str, Ingest], gas: dict[str, int], small: ProofTimes, large: ProofTimes, leaves: int
) -> dict[str, Any]:
    figures: dict[str, Any] = {"recover_per_s": round(ingests["sqlite"].recovered_per_s)}
    for kind, ingest in ingests.items():
        figures[f"recover_per_s_{kind}"] = round(ingest.recovered_per_s)
        figures[f"ingest_per_s_{kind}"] = round(ingest.accepted_per_s)
        figures[f"ingest_ratio_{kind}"] = round(ingest.ratio, 3)
        figures[f"bytes_per_statement_{kind}"] = round(ingest.bytes_per_statement)
        figures[f"service_peak_mb_{kind}"] = round(ingest.peak_mb)
    for statements in STATEMENTS_PER_CHECKPOINT:
        figures[f"gas_per_statement_{statements}"] = round(gas[str(statements)] / statements, 2)
    return figures | {
        "gas_head_2_20": gas["head_2_20"],
        "proof_p99_ms_1e4": round(small.p99_ms, 3),
        f"proof_p99_ms_{_short(leaves)}": round(large.p99_ms, 3),
        "integrate_per_s": round(large.integrated_per_s),
        "bytes_per_statement": round(ingests["sqlite"].bytes_per_statement),
        "service_peak_mb": round(max(ingest.peak_mb for ingest in ingests.values())),
    }


def _table(
    arguments: argparse.Namespace, ingests: dict[str, Ingest], gas: dict[str, int], small: ProofTimes, large: ProofTimes
) -> Table:
    table = Table(title="What it costs", title_justify="left", header_style="bold")
    table.add_column("what")
    table.add_column("figure", justify="right")
    table.add_column("beside")
    for kind, ingest in ingests.items():
        table.add_row(
            f"accepted over HTTP, {kind}, batches of {arguments.batch}",
            f"{ingest.accepted_per_s:,.0f}/s",
            f"{ingest.ratio:.2f} of {ingest.recovered_per_s:,.0f}/s, raw recovery on one core",
        )
        table.add_row(
            f"  peak memory of the service, {kind}", f"{ingest.peak_mb:,.0f} MiB", f"{ingest.statements:,} accepted"
        )
        table.add_row(f"  disk a statement, {kind}", f"{ingest.bytes_per_statement:,.0f} bytes", "without the content")
    for statements in STATEMENTS_PER_CHECKPOINT:
        cost = gas[str(statements)]
        table.add_row(f"gas a statement, {statements:,} a checkpoint", f"{cost / statements:,.2f}", f"{cost:,} a head")
    table.add_row("gas of the head 1,044,481 to 1,048,577", f"{gas['head_2_20']:,}", "at most 110,000")
    for leaves, times in ((SMALL_LOG, small), (arguments.leaves, large)):
        table.add_row(f"proof in {leaves:,} leaves, p99", f"{times.p99_ms:.2f} ms", f"median {times.p50_ms:.2f} ms")
    table.add_row("integrated", f"{large.integrated_per_s:,.0f}/s", "leaves hashed, tiles stored, checkpoints signed")
    return table


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
