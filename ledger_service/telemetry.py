"""OpenTelemetry, where `HUZHENG_TELEMETRY` names a collector: spans and metrics over OTLP/HTTP.

This module is imported only then: without the setting neither the SDK nor an exporter is loaded. They are an extra
(`pip install 'huzheng[telemetry]'`), because whatever is installed beside the operator's keys must be trusted, and most
operators read `/metrics` instead.
"""

import fcntl
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics import export
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, NonRecordingSpan, Span, SpanContext, SpanKind, Status, StatusCode, TraceFlags
from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric

from ledger_service.logging import current_trace
from ledger_service.observed import Value

SPANS_EVERY_MILLISECONDS = 2_000
METRICS_EVERY_SECONDS = 15.0
CLOSE_WITHIN_MILLISECONDS = 3_000

_log = logging.getLogger(__name__)


class OpenTelemetry:
    """`observed.Tracing` over the OpenTelemetry SDK; sends in threads of its own and never holds anybody up."""

    def __init__(self, endpoint: str, role: str, origin: str):
        self._endpoint = endpoint.rstrip("/")
        self._resource = Resource.create(
            {
                "service.name": "huzheng",
                "service.instance.id": socket.gethostname(),
                "huzheng.role": role,
                "huzheng.origin": origin,
            }
        )
        self._provider = TracerProvider(resource=self._resource, shutdown_on_exit=False)
        exporter = OTLPSpanExporter(endpoint=f"{self._endpoint}/v1/traces")
        self._provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=SPANS_EVERY_MILLISECONDS))
        self._tracer = self._provider.get_tracer("huzheng")
        self._sender: _MetricSender | None = None

    def send_metrics(self, registry: CollectorRegistry, shared_folder: str | None) -> None:
        """Send what `/metrics` shows, every quarter of a minute; of processes that share a folder, one does."""
        exporter = OTLPMetricExporter(endpoint=f"{self._endpoint}/v1/metrics")
        lock = Path(shared_folder) / "telemetry.lock" if shared_folder else None
        self._sender = _MetricSender(exporter, self._resource, registry, lock)
        self._sender.start()

    def close(self) -> None:
        """Send what waits, within some seconds."""
        if self._sender:
            self._sender.close()
        self._provider.force_flush(CLOSE_WITHIN_MILLISECONDS)
        self._provider.shutdown()

    @contextmanager
    def request(self, method: str, parent: str) -> Iterator[Callable[[str, int, int], None]]:
        """See `http.request_log.Trace`."""
        context = trace.set_span_in_context(NonRecordingSpan(_read_parent(parent))) if parent else None
        with self._entered(self._tracer.start_span(method, context, SpanKind.SERVER)) as span:

            def tell(route: str, status: int, statements: int) -> None:
                span.update_name(f"{method} {route}")
                span.set_attributes({"http.request.method": method, "http.route": route})
                span.set_attributes({"http.response.status_code": status, "huzheng.statements": statements})
                if status >= 500:
                    span.set_status(Status(StatusCode.ERROR))

            yield tell

    @contextmanager
    def span(self, name: str, attributes: Mapping[str, Value], after: list[object]) -> Iterator[None]:
        """See `observed.Tracing`."""
        links = [Link(context) for context in after if isinstance(context, SpanContext)]
        with self._entered(self._tracer.start_span(name, links=links, attributes=dict(attributes))):
            yield

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """See `observed.Tracing`."""
        span = self._tracer.start_span(name)
        with self._entered(span, end=False):
            yield
        # A span that is not ended is not sent: a worker looks around twice a second and mostly finds nothing to do.
        if span.attributes:
            span.end()

    def did(self, attributes: Mapping[str, Value]) -> None:
        """See `observed.Tracing`."""
        trace.get_current_span().set_attributes(dict(attributes))

    def begin(self, name: str, attributes: Mapping[str, Value]) -> Callable[[Mapping[str, Value], str], None]:
        """See `observed.Tracing`."""
        span = self._tracer.start_span(name, attributes=dict(attributes))

        def end(more: Mapping[str, Value], error: str) -> None:
            span.set_attributes(dict(more))
            if error:
                span.set_status(Status(StatusCode.ERROR, error))
            span.end()

        return end

    def here(self) -> object:
        """See `observed.Tracing`."""
        return trace.get_current_span().get_span_context()

    @contextmanager
    def _entered(self, span: Span, *, end: bool = True) -> Iterator[Span]:
        context = span.get_span_context()
        token = current_trace.set(f"{context.trace_id:032x}-{context.span_id:016x}")
        try:
            with trace.use_span(span, record_exception=False, set_status_on_exception=False):
                yield span
        except BaseException as error:
            # The name alone: a message may quote what was sent.
            span.set_status(Status(StatusCode.ERROR, type(error).__name__))
            span.end()
            raise
        finally:
            current_trace.reset(token)
        if end:
            span.end()


def _read_parent(parent: str) -> SpanContext:
    _, trace_id, span_id, flags = parent.split("-")
    return SpanContext(int(trace_id, 16), int(span_id, 16), is_remote=True, trace_flags=TraceFlags(int(flags, 16)))


class _MetricSender:
    """A thread that sends the figures of a registry."""

    def __init__(
        self, exporter: OTLPMetricExporter, resource: Resource, registry: CollectorRegistry, lock: Path | None
    ):
        self._exporter = exporter
        self._resource = resource
        self._registry = registry
        self._lock = lock
        self._since = time.time_ns()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="telemetry", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def close(self) -> None:
        """Send once more, then stop."""
        self._closing.set()
        self._thread.join(CLOSE_WITHIN_MILLISECONDS / 1_000)

    def _run(self) -> None:
        with open(self._lock or "/dev/null", "w") as file:
            mine = self._lock is None
            while True:
                last = self._closing.wait(METRICS_EVERY_SECONDS)
                mine = mine or _lock(file.fileno())
                if mine:
                    self._send()
                if last:
                    return

    def _send(self) -> None:
        try:
            self._exporter.export(self._read())
        except Exception:
            _log.exception("metrics could not be sent; trying again")

    def _read(self) -> export.MetricsData:
        now = time.time_ns()
        metrics = [converted for one in self._registry.collect() if (converted := _convert(one, self._since, now))]
        scope = export.ScopeMetrics(InstrumentationScope("huzheng"), metrics, "")
        return export.MetricsData([export.ResourceMetrics(self._resource, [scope], "")])


def _lock(file: int) -> bool:
    """Become the one that sends; the lock ends with the process that holds it."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _convert(metric: Metric, since: int, now: int) -> export.Metric | None:
    """A Prometheus metric as an OpenTelemetry one; None where it has no values."""
    cumulative = export.AggregationTemporality.CUMULATIVE
    if metric.type == "histogram":
        points = list(_histogram_points(metric, since, now))
        data = export.Histogram(points, cumulative)
    else:
        counter = metric.type == "counter"
        points = [
            export.NumberDataPoint(sample.labels, since if counter else now, now, float(sample.value))
            for sample in metric.samples
            if not sample.name.endswith("_created")
        ]
        data = export.Sum(points, cumulative, is_monotonic=True) if counter else export.Gauge(points)
    return export.Metric(metric.name, metric.documentation, "", data) if points else None


def _histogram_points(metric: Metric, since: int, now: int) -> Iterator[export.HistogramDataPoint]:
    """Prometheus counts up to each bound, OpenTelemetry between two."""
    found: dict[tuple, dict] = {}
    for sample in metric.samples:
        labels = {name: value for name, value in sample.labels.items() if name != "le"}
        one = found.setdefault(tuple(sorted(labels.items())), {"labels": labels, "up_to": [], "sum": 0.0, "count": 0})
        if sample.name.endswith("_bucket"):
            one["up_to"].append((float(sample.labels["le"]), sample.value))
        elif sample.name.endswith(("_sum", "_count")):
            one[sample.name.rpartition("_")[2]] = sample.value
    for one in found.values():
        up_to = sorted(one["up_to"])
        totals = [int(total) for _, total in up_to]
        between = [total - before for total, before in zip(totals, [0, *totals], strict=False)]
        bounds = [bound for bound, _ in up_to if bound != float("inf")]
        yield export.HistogramDataPoint(
            one["labels"], since, now, totals[-1], one["sum"], between, bounds, min=0.0, max=0.0
        )
