"""What Prometheus reads (docs/OPERATIONS.md says what to do about it).

Two kinds. What the ledger is like is read from the database when it is asked, so every process answers the same: sizes,
ages, promises, chain, lease, transactions. What a process did is counted in it; where several processes share one
socket they count into one folder (`PROMETHEUS_MULTIPROC_DIR`, made by whoever starts them), so whichever of them is
asked answers for all.
"""

import os
from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from ledger_service.storage.figures import SqlFigures
from ledger_service.usecases.look_up import State
from ledger_service.usecases.ports import ChainView, Standing, StoreUnavailable
from ledger_service.usecases.readiness import Figures, Readiness, ReadinessCheck

SHARED_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""The variable by which prometheus_client finds the folder; it must be set before that is imported."""

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_SIZES = (1, 10, 50, 100, 250, 500, 1_000, 2_000, 4_000, 8_000)


class ProcessFigures:
    """What this process counts. Any thread may count."""

    def __init__(self, registry: CollectorRegistry | None):
        self._requests = Counter("huzheng_requests", "Requests", ["method", "route", "status"], registry=registry)
        self._request_seconds = Histogram(
            "huzheng_request_seconds", "Time of a request", ["route"], registry=registry, buckets=_SECONDS
        )
        self._refusals = Counter("huzheng_refusals", "Refused statements and requests", ["code"], registry=registry)
        self._group_statements = Histogram(
            "huzheng_commit_statements", "Statements committed together", registry=registry, buckets=_SIZES
        )
        self._group_seconds = Histogram(
            "huzheng_commit_seconds", "Time of a commit", registry=registry, buckets=_SECONDS
        )
        self._known: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}

    def request(self, method: str, route: str, status: int, seconds: float, problem: str) -> None:
        """A request was answered, as a whole with the problem of this code, if any."""
        found = self._known.get((method, route, status))
        if found is None:
            found = (self._requests.labels(method, route, str(status)), self._request_seconds.labels(route))
            self._known[method, route, status] = found
        found[0].inc()
        found[1].observe(seconds)
        if problem:
            self.refused(problem)

    def refused(self, code: str) -> None:
        """A statement or a request was refused for the problem of this code."""
        self._refusals.labels(code).inc()

    def committed(self, statements: int, seconds: float) -> None:
        """A group of this many statements was committed."""
        self._group_statements.observe(statements)
        self._group_seconds.observe(seconds)


class LedgerCollector(Collector):
    """Reads the figures when it is asked, so that they cannot drift from the ledger."""

    def __init__(
        self, readiness: ReadinessCheck, view: ChainView, figures: SqlFigures, standing: Callable[[], Standing],
        unproven_heads: Callable[[], int], now: Callable[[], int],
    ):  # fmt: skip
        self._readiness = readiness
        self._view = view
        self._figures = figures
        self._standing = standing
        self._unproven_heads = unproven_heads
        self._now = now

    def collect(self) -> Iterator[Metric]:
        """The metrics of now; those of the database are left out while it does not answer."""
        readiness = self._readiness.read()
        found = list(_progress(readiness.figures)) if readiness.figures else []
        try:
            found += [*self._chain(), *self._promises(readiness), *self._anchorer(), *self._transactions()]
            found += self._timestamps()
            answers = True
        except StoreUnavailable:
            answers = False
        yield _gauge("huzheng_ready", "Whether /readyz says ready", readiness.ready)
        yield _gauge("huzheng_database_up", "Whether the database answers", answers)
        yield from found

    def _promises(self, readiness: Readiness) -> Iterator[Metric]:
        witnessed = readiness.figures.progress[State.WITNESSED].entries if readiness.figures else 0
        overdue = self._figures.overdue_receipts(witnessed, self._now())
        yield _gauge("huzheng_overdue_receipts", "Receipts whose promise is broken", overdue)

    def _chain(self) -> Iterator[Metric]:
        status = self._view.status()
        number = status.tip.number if status.tip else -1
        yield _gauge("huzheng_chain_block", "Newest block followed", number)
        lag = max(0, number - status.final_number)
        yield _gauge("huzheng_chain_blocks_not_final", "Blocks followed that are not final", lag)
        unproven = self._unproven_heads()
        yield _gauge("huzheng_heads_without_proof", "Final heads whose block has no stored proof yet", unproven)

    def _anchorer(self) -> Iterator[Metric]:
        standing = self._standing()
        yield _gauge("huzheng_lease_term", "Term of the anchorer's lease: grows with every holder", standing.term)
        remaining = max(0.0, standing.remaining_seconds)
        yield _gauge("huzheng_lease_remaining_seconds", "For how long the lease still holds", remaining)
        holder = GaugeMetricFamily("huzheng_lease_held", "Who holds the lease", labels=["holder"])
        if standing.held:
            holder.add_metric([standing.holder], 1)
        yield holder
        yield _gauge(
            "huzheng_incident", "Whether an incident stops signing; /readyz says which", bool(standing.incident)
        )
        failing = GaugeMetricFamily("huzheng_worker_failing", "Whether a worker fails now", labels=["worker"])
        beside = {
            "node": GaugeMetricFamily(
                "huzheng_node_failing", "Whether one of several nodes fails now", labels=["node"]
            ),
            "authority": GaugeMetricFamily(
                "huzheng_authority_failing", "Whether a time-stamp authority fails now", labels=["authority"]
            ),
            "cosigner": GaugeMetricFamily(
                "huzheng_cosigner_failing", "Whether a witness that is to cosign fails now", labels=["witness"]
            ),
        }
        for worker in standing.workers:
            kind, _, name = worker.name.partition(" ")
            family = failing if worker.needed else beside.get(kind)
            if family is not None:  # the worker that captures proofs has a figure of its own
                family.add_metric([worker.name if worker.needed else name], int(bool(worker.problem)))
        yield failing
        yield from beside.values()

    def _timestamps(self) -> Iterator[Metric]:
        ages = GaugeMetricFamily("huzheng_timestamp_age_seconds", "Age of its newest token", labels=["authority"])
        for authority, stamped_at in self._figures.stamped_at().items():
            ages.add_metric([authority], max(0, self._now() - stamped_at))
        yield ages

    def _transactions(self) -> Iterator[Metric]:
        figures = self._figures.transactions()
        yield _gauge("huzheng_transactions_open", "Witness transactions that are not final", figures.open)
        age = max(0, self._now() - figures.open_since) if figures.open_since is not None else 0
        yield _gauge("huzheng_transaction_open_seconds", "Age of the oldest of them", age)
        counts = CounterMetricFamily("huzheng_witness_transactions", "How they ended", labels=["outcome"])
        for outcome, count in figures.closed.items():
            counts.add_metric([outcome], count)
        yield counts
        yield CounterMetricFamily("huzheng_witness_gas", "Gas that they used", value=figures.gas_used)


def _progress(figures: Figures) -> Iterator[Metric]:
    entries = GaugeMetricFamily("huzheng_entries", "Entries that reached a state", labels=["state"])
    waiting = GaugeMetricFamily("huzheng_waiting_entries", "Entries that wait for a state", labels=["state"])
    oldest = GaugeMetricFamily("huzheng_waiting_seconds", "How long the oldest of them waits", labels=["state"])
    for state, progress in figures.progress.items():
        entries.add_metric([state], progress.entries)
        waiting.add_metric([state], progress.waiting)
        oldest.add_metric([state], progress.seconds)
    yield from (entries, waiting, oldest)
    age = figures.block_age_seconds
    yield _gauge("huzheng_overdue_seconds", "How long the oldest broken promise is broken", figures.overdue_seconds)
    yield _gauge("huzheng_chain_block_age_seconds", "Age of the newest block followed, by this machine's clock", age)


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, text, value=float(value))


def create_metrics() -> tuple[CollectorRegistry, ProcessFigures]:
    """A registry for one process, or for the processes that share a folder, and what this process counts."""
    registry = CollectorRegistry()
    folder = os.environ.get(SHARED_FOLDER)
    if folder is None:
        return registry, ProcessFigures(registry)
    MultiProcessCollector(registry, path=folder)
    return registry, ProcessFigures(None)
