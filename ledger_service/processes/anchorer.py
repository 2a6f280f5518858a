"""The anchorer: it competes for the lease, and while it holds it integrates, witnesses and follows
(docs/adr/0012-one-anchorer-by-lease.md)."""

import contextlib
import logging
import os
import secrets
import signal
import socket
import threading
import time
from collections.abc import Callable

from anchors.chain.sender import EthereumWitnessSender
from anchors.chain.transactions import WEI_PER_GWEI, Transactions
from anchors.core.trust import Finality
from ledger_service.observed import Tracing, start_telemetry, traced_step, traced_stores
from ledger_service.operator_keys import AnchorerKeys, unlock_anchorer_keys
from ledger_service.processes.opening import OpenedLog, guard_of, now, open_log
from ledger_service.processes.outsiders import authority_workers, proof_worker, witness_workers
from ledger_service.settings import Settings
from ledger_service.storage.chain_view import SqlChainView
from ledger_service.storage.lease import SqlLease, anchorer_name
from ledger_service.storage.outbox import SqlOutbox
from ledger_service.storage.tree import SqlTree
from ledger_service.usecases.follow import Follower
from ledger_service.usecases.incident import Incident
from ledger_service.usecases.integrate import Integrator
from ledger_service.usecases.ports import Fence, Lease, LeaseLost, StoreUnavailable, WorkerStanding
from ledger_service.usecases.witness import Witnesser
from ledger_service.workers.repeat import Worker

RENEWALS_A_TERM = 3
SHUTDOWN_SECONDS = 5.0
SHORTEST_WAIT_SECONDS = 0.05

_log = logging.getLogger(__name__)


class Anchorer:
    """One candidate. Of all candidates on a database one holds the lease at a time."""

    def __init__(self, settings: Settings):
        self._seconds = settings.lease_seconds
        self._holder = f"{socket.gethostname()[:32]}:{os.getpid()}:{secrets.token_hex(4)}"
        self._opened = open_log(settings, anchorer_name(self._holder))
        self._keys = unlock_anchorer_keys(settings)
        self._lease = SqlLease(self._opened.engine, self._holder, self._seconds)
        self._telemetry = start_telemetry(settings, "anchorer")
        self._closing = threading.Event()
        self._lost = threading.Event()
        self._thread = threading.Thread(target=self._compete, name="lease", daemon=True)

    def start(self) -> None:
        """Begin to compete, in a thread of its own."""
        self._thread.start()

    def close(self) -> None:
        """Stop working and give the lease back, in bounded time; what does not end then is cut off, and fenced."""
        self._closing.set()
        self._lost.set()
        if self._thread.is_alive():
            self._thread.join(2 * SHUTDOWN_SECONDS)
        if self._telemetry:
            self._telemetry.close()
        # The last to leave an SQLite file brings the write-ahead log into it: a stopped ledger is one file.
        self._opened.engine.dispose()

    def _compete(self) -> None:
        problem = ""
        while not self._closing.is_set():
            try:
                standing = self._lease.standing()
                fence = self._lease.take()
                if fence is not None:
                    self._hold(fence, standing.holder)
                    continue
                wait, problem = standing.remaining_seconds, ""
            except StoreUnavailable as error:
                if str(error) != problem:
                    _log.warning("lease: %s", error)
                wait, problem = self._seconds, str(error)
            except Exception:
                _log.exception("lease: failed in a way nobody foresaw; trying again")
                wait = self._seconds
            # Not only at its end: a clean stop gives the lease back before.
            self._closing.wait(max(min(wait, self._seconds / RENEWALS_A_TERM), SHORTEST_WAIT_SECONDS))

    def _hold(self, fence: Fence, before: str) -> None:
        _log.info("this process is the anchorer of term %d, after %s", fence.term, before or "nobody")
        self._lost.clear()
        # Read within the term: until it began, the holder before may have met one.
        incident = self._lease.standing().incident
        term = _Term(self._opened, self._keys, self._lease, fence, incident, self._lost, self._telemetry)
        term.start()
        try:
            with contextlib.suppress(LeaseLost):
                while not self._closing.is_set() and not self._lost.wait(self._seconds / RENEWALS_A_TERM):
                    term.renew()
        finally:
            ended = term.close()
        if not self._closing.is_set():
            _log.warning("term %d is over, another process has taken over; this one competes again", fence.term)
        elif ended:
            self._give_back(fence)

    def _give_back(self, fence: Fence) -> None:
        try:
            self._lease.give_back(fence)
        except (LeaseLost, StoreUnavailable) as error:
            _log.warning("the lease is not given back, it ends by itself: %s", error)


class _Term:
    """The workers of one term. All that they write goes through its fence."""

    def __init__(
        self,
        opened: OpenedLog,
        keys: AnchorerKeys,
        lease: Lease,
        fence: Fence,
        incident: str,
        lost: threading.Event,
        tracing: Tracing | None,
    ):
        self._lease = lease
        self._fence = fence
        self._incident = incident
        self._lost = lost
        self._endpoints = opened.chain.endpoints
        settings, engine, log = opened.settings, opened.engine, opened.domain.log
        self._seconds = settings.lease_seconds
        self._held_until = time.monotonic() + self._seconds
        self._comparing = threading.Lock()
        tree, view, outbox = traced_stores(
            tracing, SqlTree(engine, fence), SqlChainView(engine, log, fence), SqlOutbox(engine, fence)
        )
        self._guard = guard_of(opened.chain, engine, opened.identity)
        follower = Follower(
            opened.chain, view, opened.domain.registry, settings.start_block, Finality.parse(settings.finality)
        )
        integrator = Integrator(
            tree, settings.origin, opened.domain, keys.note_key(settings.origin), keys.checkpoint, now
        )
        sender = EthereumWitnessSender(opened.chain.endpoints, opened.identity.witness, keys.relay)
        transactions = Transactions(opened.chain, sender, outbox, now, settings.max_fee * WEI_PER_GWEI)
        witnesser = Witnesser(opened.chain, transactions, tree, view, log)

        def follow() -> None:
            follower.run_once()
            self._lease.reached_tip(fence)

        def integrate() -> bool:
            integrator.run_once()
            return integrator.is_behind  # else what came meanwhile waits for others: each run has a price of its own

        def witness() -> None:
            witnesser.run_once()

        self._workers = [
            Worker(name, traced_step(tracing, name, step), seconds)
            for name, step, seconds in (
                ("follow", self._fenced("follow", follow), settings.follow_seconds),
                ("integrate", self._guarded("integrate", integrate), settings.checkpoint_seconds),
                ("witness", self._guarded("witness", witness), settings.witness_seconds),
            )
        ]
        self._beside = [
            *authority_workers(opened, fence, tree, view),
            *witness_workers(opened, fence, tree, view),
            proof_worker(opened, fence),
        ]

    def start(self) -> None:
        """Start the workers."""
        for worker in (*self._workers, *self._beside):
            worker.start()

    def renew(self) -> None:
        """Hold on. Raises `LeaseLost`; while the database is away the lease may run out, and the fence still holds."""
        try:
            self._renew()
        except StoreUnavailable as error:
            _log.warning("lease: not renewed: %s", error)

    def _renew(self) -> None:
        asked = time.monotonic()
        standings = [WorkerStanding(worker.health.name, worker.health.problem) for worker in self._workers]
        standings += [
            WorkerStanding(beside.health.name, beside.health.problem, needed=False) for beside in self._beside
        ]
        nodes = self._endpoints.states()
        if len(nodes) > 1:
            standings += [WorkerStanding(f"node {node.name}", node.trouble, needed=False) for node in nodes]
        self._lease.renew(self._fence, standings)
        self._held_until = asked + self._seconds

    def close(self) -> bool:
        """Let the present steps finish; False where one did not within some seconds. Whoever waits for an outsider is
        not waited for: what it brings home is fenced."""
        for worker in (*self._workers, *self._beside):
            worker.stop()
        deadline = time.monotonic() + SHUTDOWN_SECONDS
        return all([worker.ended_within(max(0.0, deadline - time.monotonic())) for worker in self._workers])

    def _fenced(self, name: str, step: Callable[[], bool | None]) -> Callable[[], bool | None]:
        """A step that is not begun when the lease may be another's, and whose incident everybody is told of."""

        def fenced() -> bool | None:
            try:
                if time.monotonic() > self._held_until:
                    self._renew()
                return step()
            except LeaseLost:
                self._lost.set()
                raise
            except Incident as incident:
                self._incident = self._incident or f"{name}: stopped: {incident}"
                # By each worker that it stops: what could not be written is written when the step is tried again.
                self._lease.met_incident(self._fence, self._incident)
                raise

        return fenced

    def _guarded(self, name: str, step: Callable[[], bool | None]) -> Callable[[], bool | None]:
        """A step that signs: it waits until the database was compared with the chain, and ends with the first incident
        that any worker meets, in this term or before."""

        def guarded() -> bool | None:
            if self._incident:
                raise Incident(f"nothing is signed because of {self._incident}")
            with self._comparing:  # one compares, the other waits for what it finds
                if not self._guard.passed:
                    self._guard.check(lambda: self._lease.passed_guard(self._fence))
            return step()

        return self._fenced(name, guarded)


def run_anchorer(settings: Settings, ready: Callable[[], object]) -> None:
    """Run one candidate as this process, until SIGTERM or SIGINT; `ready` is called once it competes."""
    anchorer, told = Anchorer(settings), threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: told.set())
    anchorer.start()
    ready()
    told.wait()
    anchorer.close()
