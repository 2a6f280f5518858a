"""All figures of a run: as rows of a table with the limit beside each, and as one flat object for programs."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from scripts.benchmark.audits import STATEMENTS, Audited, Audits
from scripts.benchmark.evidence import CaseTimes
from scripts.benchmark.gas import STATEMENTS_PER_CHECKPOINT
from scripts.benchmark.growth import AtSize
from scripts.benchmark.ingest import Ingest
from scripts.benchmark.limits import Limits
from scripts.benchmark.statistics import ENTRIES, Measured

INGEST_RATIO, SINGLE_RATIO, EVIDENCE_MS = 0.7, 0.15, 1_000
FULL_AUDIT_RATIO, LOG_AUDIT_RATIO = 0.4, 0.7
STATISTICS_SECONDS = 60
"""For a million entries."""
MEMORY_MB, PROOF_MS, PROOF_GROWTH, STATEMENT_BYTES, HEAD_GAS = 400, 2.0, 2.0, 600, 110_000


@dataclass(frozen=True)
class Results:
    """What a run measured: `ingests` by kind of database, in batches and with one statement a request; `growth` in
    order of size; `counting` of a log of up to a million entries; `case` and `audits` are of ledgers of their own."""

    limits: Limits
    ingests: dict[str, tuple[Ingest, Ingest]]
    gas: dict[str, int]
    growth: list[AtSize]
    counting: Measured
    case: CaseTimes
    audits: Audits


@dataclass(frozen=True)
class Row:
    """A line of the table: what was measured, the figure, the limit that it is held to with the word whether it is met
    (both empty where none is set), and what it stands beside."""

    what: str
    figure: str
    limit: str = ""
    verdict: str = ""
    beside: str = ""


def at_least(value: float, limit: float) -> dict[str, str]:
    """Limit and verdict of a figure that must not be smaller."""
    return {"limit": f"at least {limit:g}", "verdict": "met" if value >= limit else "NOT MET"}


def at_most(value: float, limit: float, unit: str = "") -> dict[str, str]:
    """Limit and verdict of a figure that must not be larger."""
    return {"limit": f"at most {limit:,g}{unit}", "verdict": "met" if value <= limit else "NOT MET"}


def short(leaves: int) -> str:
    """1,000,000 as 1e6, other sizes as they are."""
    zeros = len(str(leaves)) - 1
    return f"1e{zeros}" if leaves == 10**zeros else str(leaves)


def rows_of(results: Results) -> list[Row]:
    """The table."""
    return [
        *_raw_rows(results),
        *(row for kind in results.ingests for row in _ingest_rows(kind, results)),
        *_growth_rows(results.growth),
        *_gas_rows(results.gas),
        *_statistics_rows(results.counting),
        _evidence_row(results.case),
        *_audit_rows(results.audits.full, "with content and index", FULL_AUDIT_RATIO),
        *_audit_rows(results.audits.log, "log and chain alone", LOG_AUDIT_RATIO),
    ]


def _raw_rows(results: Results) -> Iterator[Row]:
    recovered = next(iter(results.ingests.values()))[0].speed.recovered_per_s
    yield Row("secp256k1 recovery on one core", f"{recovered:,.0f}/s", beside="coincurve, in turns with the load")
    yield Row("SHA-256 of 64 bytes on one core", f"{results.limits.sha256_per_s:,.0f}/s")
    yield Row("flushes to this disk", f"{results.limits.flush_per_s:,.0f}/s", beside="fdatasync of a page")
    yield Row("rows into bare SQLite", f"{results.limits.sqlite_rows_per_s:,.0f}/s", beside="durable, no other index")


def _ingest_rows(kind: str, results: Results) -> Iterator[Row]:
    batches, singles = results.ingests[kind]
    for how, ingest, limit in (
        (f"batches of {batches.load.batch}", batches, INGEST_RATIO),
        ("one a request", singles, SINGLE_RATIO),
    ):
        load, speed = ingest.load, ingest.speed
        name = f"{how}, {load.streams} connections"
        processes = f"{load.processes} API process{'es' if load.processes > 1 else ''}"
        speeds = f"of {speed.recovered_per_s:,.0f} recoveries/s: {speed.accepted_per_s:,.0f} statements/s"
        beside = f"{speeds}; {processes}"
        yield Row(f"accepted, {kind}, {name}", f"{speed.ratio:.2f}", **at_least(speed.ratio, limit), beside=beside)
        costs = sorted(speed.cpu_us.items(), key=lambda item: -item[1])
        parts = ", ".join(f"{part} {cost:.1f}" for part, cost in costs if cost >= 0.05)
        yield Row("  processor time a statement", f"{sum(speed.cpu_us.values()):,.0f} µs", beside=parts)
        yield _memory_row("  memory of the service", ingest)
        size = ingest.bytes_per_statement
        held = at_most(size, STATEMENT_BYTES)
        yield Row("  disk a statement", f"{size:,.0f} bytes", **held, beside="without content")


def _memory_row(what: str, ingest: Ingest) -> Row:
    beside = f"the largest process {ingest.process_mb:,.0f} MiB; {ingest.statements:,} statements"
    return Row(what, f"{ingest.tree_mb:,.0f} MiB", **at_most(ingest.tree_mb, MEMORY_MB, " MiB"), beside=beside)


def _growth_rows(growth: list[AtSize]) -> Iterator[Row]:
    first, last = growth[0], growth[-1]
    for size in growth:
        for where, times in (("", size.proofs), (" from the disk", size.proofs_from_disk)):
            held = at_most(times.p99_ms, PROOF_MS, " ms") if size is last else {}
            beside = f"median {times.p50_ms:.2f} ms, {times.read_kib:,.0f} KiB read, process {times.peak_mb:,.0f} MiB"
            yield Row(f"proof in {size.leaves:,}{where}, p99", f"{times.p99_ms:.2f} ms", **held, beside=beside)
    for where, factor in (("", _proof_growth(growth)), (" from the disk", _proof_growth_from_disk(growth))):
        beside = f"{last.leaves:,} beside {first.leaves:,}"
        yield Row(f"growth of a proof's p99{where}", f"{factor:.2f}", **at_most(factor, PROOF_GROWTH), beside=beside)
    for size in growth:
        stored = size.bytes_per_statement
        beside = f"integrated {size.integration.leaves_per_s:,.0f}/s in {size.integration.peak_mb:,.0f} MiB"
        held = at_most(stored, STATEMENT_BYTES) if size is last else {}
        yield Row(f"disk a statement in {size.leaves:,}", f"{stored:,.0f} bytes", **held, beside=beside)
    ratio, small = last.ingest.speed.ratio, first.ingest.speed
    beside = (
        f"{last.ingest.speed.accepted_per_s:,.0f}/s; on a log of {first.leaves:,} "
        f"{small.ratio:.2f}, {small.accepted_per_s:,.0f}/s"
    )
    yield Row(f"accepted on a log of {last.leaves:,}", f"{ratio:.2f}", **at_least(ratio, INGEST_RATIO), beside=beside)
    yield _memory_row(f"  memory of the service at {last.leaves:,}", last.ingest)


def _gas_rows(gas: dict[str, int]) -> Iterator[Row]:
    for statements in STATEMENTS_PER_CHECKPOINT:
        cost = gas[str(statements)]
        yield Row(f"gas a statement, {statements:,} a head", f"{cost / statements:,.2f}", beside=f"{cost:,} a head")
    cost = gas["head_2_20"]
    yield Row("gas of the head 1,044,481 to 1,048,577", f"{cost:,}", **at_most(cost, HEAD_GAS))


def _statistics_rows(counting: Measured) -> Iterator[Row]:
    held = at_most(counting.seconds, STATISTICS_SECONDS, " s") if counting.entries == ENTRIES else {}
    beside = (
        f"processor time {counting.counting_seconds:,.1f} s counting, {counting.apart_seconds:,.1f} s beside; "
        f"{counting.peak_bytes / 2**20:,.0f} MiB"
    )
    yield Row(f"figures over {counting.entries:,} entries", f"{counting.seconds:,.1f} s", **held, beside=beside)


def _proof_growth(growth: list[AtSize]) -> float:
    return growth[-1].proofs.p99_ms / growth[0].proofs.p99_ms


def _proof_growth_from_disk(growth: list[AtSize]) -> float:
    return growth[-1].proofs_from_disk.p99_ms / growth[0].proofs_from_disk.p99_ms


def figures_of(results: Results) -> dict[str, Any]:
    """One flat object: numbers by name."""
    ingests = results.ingests
    first, first_singles = next(iter(ingests.values()))
    figures: dict[str, Any] = {
        "recover_per_s": round(first.speed.recovered_per_s),
        "sha256_per_s": round(results.limits.sha256_per_s),
        "flush_per_s": round(results.limits.flush_per_s),
        "sqlite_rows_per_s": round(results.limits.sqlite_rows_per_s),
        "connections": first.load.streams,
        "single_connections": first_singles.load.streams,
    }
    for kind, (batches, singles) in ingests.items():
        figures[f"api_processes_{kind}"] = batches.load.processes
        figures |= _ingest_figures("", kind, batches) | _ingest_figures("single_", kind, singles)
    for statements in STATEMENTS_PER_CHECKPOINT:
        figures[f"gas_per_statement_{statements}"] = round(results.gas[str(statements)] / statements, 2)
    return (
        figures
        | {"gas_head_2_20": results.gas["head_2_20"]}
        | _growth_figures(results.growth)
        | _statistics_figures(results.counting)
        | {"evidence_verify_ms_100": round(results.case.verify_ms, 1)}
        | _audit_figures(results.audits)
        | {
            "bytes_per_statement": round(first.bytes_per_statement),
            "service_peak_mb": round(max(ingest.tree_mb for both in ingests.values() for ingest in both)),
        }
    )


def _evidence_row(case: CaseTimes) -> Row:
    beside = f"{case.heads} heads, {case.package_bytes / 1_000:,.0f} kB"
    held = at_most(case.verify_ms, EVIDENCE_MS, " ms")
    return Row(f"evidence of {case.statements} statements verified", f"{case.verify_ms:,.0f} ms", **held, beside=beside)


def _audit_rows(audited: Audited, what: str, ratio: float) -> Iterator[Row]:
    beside = f"of {audited.recovered_per_s:,.0f} recoveries/s on all cores: {audited.entries_per_s:,.0f} entries/s"
    held = at_least(audited.ratio, ratio) if audited.entries >= STATEMENTS else {}
    yield Row(f"audit of {audited.entries:,}, {what}", f"{audited.ratio:.2f}", **held, beside=beside)
    beside = f"it holds; the largest process {audited.process_mb:,.0f} MiB"
    yield Row("  memory of the audit", f"{audited.tree_mb:,.0f} MiB", beside=beside)


def _audit_figures(audits: Audits) -> dict[str, Any]:
    """No audit that finds anything comes so far."""
    return {
        "audit_ratio_full": round(audits.full.ratio, 3),
        "audit_ratio_log": round(audits.log.ratio, 3),
        "audit_entries": audits.full.entries,
        "audit_memory_mib": round(audits.full.tree_mb),
        "audit_process_memory_mib": round(audits.full.process_mb),
    }


def _statistics_figures(counting: Measured) -> dict[str, Any]:
    return {
        f"statistics_seconds_{short(counting.entries)}": round(counting.seconds, 1),
        f"statistics_cpu_seconds_{short(counting.entries)}": round(counting.processor_seconds, 1),
        "statistics_peak_mb": round(counting.peak_bytes / 2**20),
    }


def _ingest_figures(one: str, kind: str, ingest: Ingest) -> dict[str, Any]:
    """`one` begins the names where each request was of one statement."""
    speed, accepted = ingest.speed, one or "ingest_"
    return {
        f"{one}recover_per_s_{kind}": round(speed.recovered_per_s),
        f"{accepted}per_s_{kind}": round(speed.accepted_per_s),
        f"{accepted}ratio_{kind}": round(speed.ratio, 3),
        f"{one}bytes_per_statement_{kind}": round(ingest.bytes_per_statement),
        f"{one}service_peak_mb_{kind}": round(ingest.tree_mb),
        f"{one}service_process_peak_mb_{kind}": round(ingest.process_mb),
        f"{one}cpu_us_{kind}": {part: round(cost, 1) for part, cost in speed.cpu_us.items()},
    }


def _growth_figures(growth: list[AtSize]) -> dict[str, Any]:
    first, last = growth[0], growth[-1]
    figures: dict[str, Any] = {}
    for size in growth:
        name = short(size.leaves)
        figures[f"proof_p50_ms_{name}"] = round(size.proofs.p50_ms, 3)
        figures[f"proof_p99_ms_{name}"] = round(size.proofs.p99_ms, 3)
        figures[f"proof_from_disk_p50_ms_{name}"] = round(size.proofs_from_disk.p50_ms, 3)
        figures[f"proof_from_disk_p99_ms_{name}"] = round(size.proofs_from_disk.p99_ms, 3)
        figures[f"proof_peak_mb_{name}"] = round(max(size.proofs.peak_mb, size.proofs_from_disk.peak_mb))
        figures[f"integrate_per_s_{name}"] = round(size.integration.leaves_per_s)
        figures[f"integrate_peak_mb_{name}"] = round(size.integration.peak_mb)
        figures[f"bytes_per_statement_{name}"] = round(size.bytes_per_statement)
        if size.ingest is not None:
            figures[f"ingest_ratio_sqlite_{name}"] = round(size.ingest.speed.ratio, 3)
            figures[f"ingest_per_s_sqlite_{name}"] = round(size.ingest.speed.accepted_per_s)
            figures[f"service_mb_{name}"] = round(size.ingest.tree_mb)
    span = f"{short(first.leaves)}_{short(last.leaves)}"
    figures[f"proof_growth_{span}"] = round(_proof_growth(growth), 2)
    figures[f"proof_from_disk_growth_{span}"] = round(_proof_growth_from_disk(growth), 2)
    figures["integrate_per_s"] = figures[f"integrate_per_s_{short(last.leaves)}"]
    return figures
