"""Counting and tracing at the edges of the use cases, which know nothing of either: the same objects with the same
methods, that also tell what they were asked to do and how large it was.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from prometheus_client import CollectorRegistry

from anchors.core.tiles import FullTile
from ledger_service.logging import current_request
from ledger_service.metrics import ProcessFigures
from ledger_service.problems import Refused
from ledger_service.settings import Settings
from ledger_service.usecases.accept import Accepted, Answer, Door, GroupCommit, NotAccepted, Requests
from ledger_service.usecases.check import Checked, Rejected
from ledger_service.usecases.ports import ChainView, FollowedBlocks, Outbox, OutgoingTransaction, SignedCheckpoint, Tree
from ledger_service.usecases.submission import Item

Value = str | int | float | bool


class Tracing(Protocol):
    """Where spans go. A span holds names, sizes, indexes and times, never what a statement says."""

    def request(self, method: str, parent: str) -> AbstractContextManager[Callable[[str, int, int], None]]:
        """A span around a request (`http.request_log.Trace`)."""

    def span(self, name: str, attributes: Mapping[str, Value], after: list[object]) -> AbstractContextManager[None]:
        """A span under the present one, linked to those that `here` gave."""

    def step(self, name: str) -> AbstractContextManager[None]:
        """A span around a worker's step; it is sent only where something was done, or failed."""

    def did(self, attributes: Mapping[str, Value]) -> None:
        """The present span did this."""

    def begin(self, name: str, attributes: Mapping[str, Value]) -> Callable[[Mapping[str, Value], str], None]:
        """A span under the present one that another thread ends, with more attributes and an error or an empty text."""

    def here(self) -> object:
        """The present span, for `span` of another thread."""


class Telemetry(Tracing, Protocol):
    """`Tracing` that was started."""

    def send_metrics(self, registry: CollectorRegistry, shared_folder: str | None) -> None:
        """Send what `/metrics` shows, again and again; of processes that share a folder, one does."""

    def close(self) -> None:
        """Send what waits, within some seconds."""


def start_telemetry(settings: Settings, role: str) -> Telemetry | None:
    """Telemetry of this process, None where the setting is missing; only then is OpenTelemetry loaded."""
    if settings.telemetry is None:
        return None
    from ledger_service.telemetry import OpenTelemetry

    return OpenTelemetry(settings.telemetry, role, settings.origin)


class _Around:
    """The object inside, but for what a subclass does around it."""

    def __init__(self, inside: Any):
        self._inside = inside

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inside, name)


class ObservedDoor(_Around):
    """A door that counts what it commits and refuses."""

    def __init__(self, door: Door, counts: ProcessFigures, tracing: Tracing | None):
        super().__init__(door)
        self._counts = counts
        self._tracing = tracing
        self._spans: dict[int, object] = {}
        """The span of each request that waits for its commit, by the identity of what was checked."""

    def waits(self, request: Sequence[Checked | Rejected]) -> None:
        """The present span's request waits for its commit."""
        if self._tracing:
            self._spans[id(request)] = self._tracing.here()

    def waits_no_more(self, request: Sequence[Checked | Rejected]) -> None:
        """The request was refused before its commit."""
        self._spans.pop(id(request), None)

    def check(self, statements: Sequence[Item]) -> list[Checked | Rejected]:
        """See `Door`."""
        if self._tracing is None:
            return self._inside.check(statements)
        with self._tracing.span("accept: check", {"huzheng.statements": len(statements)}, []):
            return self._inside.check(statements)

    def commit(self, requests: Requests, join: Callable[[], Requests] = list) -> list[Answer]:
        """See `Door`. Where spans are sent nobody joins late, so that the span can name all whom it commits."""
        started = time.perf_counter()
        if self._tracing is None:
            answers = self._inside.commit(requests, join)
        else:
            spans = [span for request in requests if (span := self._spans.pop(id(request), None))]
            sizes = {"huzheng.requests": len(requests), "huzheng.statements": sum(map(len, requests))}
            with self._tracing.span("accept: commit together", sizes, spans):
                answers = self._inside.commit(requests)
        self._counts.committed(sum(len(answer.results) for answer in answers), time.perf_counter() - started)
        for answer in answers:
            for result in answer.results:
                if isinstance(result, NotAccepted):
                    self._counts.refused(result.refused.problem.code)
        return answers


class ObservedCommit(_Around):
    """A group commit that tells the request in hand how much it brought, and when that was durable."""

    def __init__(self, commit: GroupCommit, door: ObservedDoor, tracing: Tracing | None):
        super().__init__(commit)
        self._door = door
        self._tracing = tracing

    def submit(self, request: Sequence[Checked | Rejected], future: Any) -> None:
        """See `GroupCommit`."""
        if (in_hand := current_request.get()) is not None:
            in_hand.statements = len(request)
        if self._tracing is None:
            self._inside.submit(request, future)
            return
        self._door.waits(request)
        end = self._tracing.begin("accept: commit", {"huzheng.statements": len(request)})
        try:
            self._inside.submit(request, future)
        except Refused as refused:
            self._door.waits_no_more(request)
            end({}, refused.problem.code)
            raise
        future.add_done_callback(lambda done: _end_commit(done, end))


def _end_commit(done: Any, end: Callable[[Mapping[str, Value], str], None]) -> None:
    if done.cancelled():
        end({}, "the sender went away")
    elif error := done.exception():
        end({}, error.problem.code if isinstance(error, Refused) else type(error).__name__)
    else:
        indexes = [result.index for result in done.result().results if isinstance(result, Accepted)]
        end({"huzheng.accepted": len(indexes), **_range(indexes)}, "")


def _range(indexes: Sequence[int]) -> dict[str, Value]:
    return {"huzheng.first": min(indexes), "huzheng.last": max(indexes)} if indexes else {}


def traced_step(tracing: Tracing | None, name: str, step: Callable[[], bool | None]) -> Callable[[], bool | None]:
    """A worker's step in a span."""
    if tracing is None:
        return step

    def traced() -> bool | None:
        with tracing.step(name):
            return step()

    return traced


def traced_stores(
    tracing: Tracing | None, tree: Tree, view: ChainView, outbox: Outbox
) -> tuple[Tree, ChainView, Outbox]:
    """What the workers write to, told to the step's span."""
    if tracing is None:
        return tree, view, outbox
    return TracedTree(tree, tracing), TracedChainView(view, tracing), TracedOutbox(outbox, tracing)


class TracedTree(_Around):
    """A tree whose growth is told."""

    def __init__(self, tree: Tree, tracing: Tracing):
        super().__init__(tree)
        self._tracing = tracing

    def add_checkpoint(self, tiles: Iterable[FullTile], checkpoint: SignedCheckpoint, expected_size: int) -> bool:
        """See `ports.Tree`."""
        self._tracing.did({"huzheng.old_size": expected_size, "huzheng.new_size": checkpoint.size})
        return self._inside.add_checkpoint(tiles, checkpoint, expected_size)


class TracedOutbox(_Around):
    """An outbox whose transactions are told."""

    def __init__(self, outbox: Outbox, tracing: Tracing):
        super().__init__(outbox)
        self._tracing = tracing

    def add(self, transaction: OutgoingTransaction) -> Any:
        """See `ports.Outbox`."""
        sizes = {"huzheng.old_size": transaction.old_size, "huzheng.new_size": transaction.new_size}
        self._tracing.did({**sizes, "huzheng.transaction": f"0x{transaction.hash.hex()}"})
        return self._inside.add(transaction)


class TracedChainView(_Around):
    """A view of the chain whose changes are told."""

    def __init__(self, view: ChainView, tracing: Tracing):
        super().__init__(view)
        self._tracing = tracing

    def add(self, followed: FollowedBlocks) -> None:
        """See `ports.ChainView`."""
        told: dict[str, Value] = {
            "huzheng.blocks": len(followed.blocks),
            "huzheng.registry_changes": len(followed.registry_events),
            "huzheng.heads": len(followed.witness_events),
            "huzheng.final_block": followed.status.final_number,
        }
        if followed.status.tip is not None:
            told["huzheng.block"] = followed.status.tip.number
        if followed.witness_events:
            told["huzheng.new_size"] = max(event.new_size for event in followed.witness_events)
        self._tracing.did(told)
        self._inside.add(followed)

    def roll_back(self, last_number: int, incident: str = "") -> None:
        """See `ports.ChainView`."""
        self._tracing.did({"huzheng.rolled_back_to": last_number})
        self._inside.roll_back(last_number, incident)
