"""What Prometheus reads: sizes, delays, the oldest waiting promise, how the workers fare."""

import contextlib
from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from ledger_service.storage.outbox import SqlOutbox
from ledger_service.usecases.look_up import State, read_reached
from ledger_service.usecases.ports import ChainView, Reader, StoreUnavailable, Tree
from ledger_service.workers.repeat import Worker


class LedgerCollector(Collector):
    """Reads the figures from the store when it is asked, so that they cannot drift from it."""

    def __init__(
        self,
        tree: Tree,
        view: ChainView,
        reader: Reader,
        outbox: SqlOutbox,
        workers: list[Worker],
        now: Callable[[], int],
    ):
        self._tree = tree
        self._view = view
        self._reader = reader
        self._outbox = outbox
        self._workers = workers
        self._now = now

    def collect(self) -> Iterator[Metric]:
        """The metrics of now; those of the store are left out while it does not answer."""
        with contextlib.suppress(StoreUnavailable):
            yield from self._ledger()
        failures = CounterMetricFamily("huzheng_worker_failures", "Failed runs", labels=["worker"])
        for worker in self._workers:
            failures.add_metric([worker.health.name], worker.health.failures)
        yield failures

    def _ledger(self) -> Iterator[Metric]:
        status, reached = self._view.status(), read_reached(self._tree, self._view)
        sizes = GaugeMetricFamily("huzheng_entries", "Entries that reached a state", labels=["state"])
        for state in State:
            sizes.add_metric([state], getattr(reached, state))
        yield sizes
        promised = self._reader.earliest_witness_by(reached.witnessed)
        overdue = max(0, self._now() - promised) if promised is not None else 0
        yield GaugeMetricFamily(
            "huzheng_overdue_seconds", "How long the oldest broken promise is broken", value=overdue
        )
        yield GaugeMetricFamily(
            "huzheng_chain_block", "Newest block followed", value=status.tip.number if status.tip else -1
        )
        age = self._now() - status.tip.timestamp if status.tip else 0
        yield GaugeMetricFamily("huzheng_chain_block_age_seconds", "Age of the newest block followed", value=age)
        transactions, gas = self._outbox.gas_used()
        yield CounterMetricFamily(
            "huzheng_witness_transactions", "Witness transactions that are final", value=transactions
        )
        yield CounterMetricFamily("huzheng_witness_gas", "Gas that they used", value=gas)


def create_metrics(collector: LedgerCollector) -> CollectorRegistry:
    """A registry of metrics with this collector."""
    registry = CollectorRegistry()
    registry.register(collector)
    return registry
