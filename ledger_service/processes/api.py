"""An API process: it takes statements and answers questions. Any number of them run on one database; what one of them
knows that the others do not, it can lose."""

import logging
import os
import signal
import socket
import sys
from collections.abc import Callable
from importlib.metadata import version

import uvicorn

from ledger_service.collector import rest_what_was_loaded
from ledger_service.http.api import Api
from ledger_service.http.connection import allow_open_files, bounded
from ledger_service.http.listening import FairServer
from ledger_service.http.request_log import RequestLog
from ledger_service.http.services import Admission, Services
from ledger_service.http.submit import settle_on_loop
from ledger_service.metrics import SHARED_FOLDER, LedgerCollector, create_metrics
from ledger_service.observed import ObservedCommit, ObservedDoor, start_telemetry
from ledger_service.operator_keys import unlock_receipt_key
from ledger_service.processes.opening import OpenedLog, now, open_log
from ledger_service.settings import Settings
from ledger_service.storage.chain_view import SqlChainView
from ledger_service.storage.cosignatures import SqlCosignatures
from ledger_service.storage.disputes import SqlDisputes
from ledger_service.storage.erasing import SqlErasures
from ledger_service.storage.figures import SqlFigures
from ledger_service.storage.head_proofs import SqlHeadProofs
from ledger_service.storage.lease import read_standing
from ledger_service.storage.ledger import SqlLedger
from ledger_service.storage.probe import probe
from ledger_service.storage.promises import SqlPromises
from ledger_service.storage.reader import SqlReader
from ledger_service.storage.readings import SqlReadings
from ledger_service.storage.relations import SqlRelations
from ledger_service.storage.rulebook import SqlGrounds
from ledger_service.storage.sessions import SqlRegistryStore, SqlSessions
from ledger_service.storage.timestamps import SqlTimestamps
from ledger_service.storage.tree import SqlTree
from ledger_service.usecases.accept import Door, GroupCommit
from ledger_service.usecases.clock import Clock, passed_seconds
from ledger_service.usecases.document_check import DocumentCheck
from ledger_service.usecases.erase import Eraser
from ledger_service.usecases.evidence import ExportEvidence
from ledger_service.usecases.log_tiles import LogTiles
from ledger_service.usecases.look_up import LookUp
from ledger_service.usecases.ports import Ledger
from ledger_service.usecases.publish import Publication
from ledger_service.usecases.rate import Asking, Budgets, Rates
from ledger_service.usecases.readiness import ReadinessCheck
from ledger_service.usecases.reading import Disclosure
from ledger_service.usecases.readings import CloseDay
from ledger_service.usecases.remind import Remind
from ledger_service.usecases.responsibility import Responsibility
from ledger_service.usecases.rule_book import RuleBook
from ledger_service.usecases.sessions import KnownRegistry, SignIn
from ledger_service.usecases.standing import StandingWatch
from ledger_service.usecases.writable import WatchedLedger
from ledger_service.workers.repeat import Worker

CLOCK_SECONDS = 1.0
STANDING_SECONDS = 0.5
PROBE_SECONDS = 5.0
SHUTDOWN_SECONDS = 5
SUBMITTED_BYTES = 64 * 2**20
RECURSION_LIMIT = 1_000
"""The interpreter's own. A library that comes with web3 raises it so far that deep JSON would overrun the stack."""

_log = logging.getLogger(__name__)


class ApiProcess:
    """Storage, use cases and HTTP of one process."""

    def __init__(self, settings: Settings):
        sys.setrecursionlimit(RECURSION_LIMIT)
        allow_open_files()
        opened = open_log(settings, "api", signs=False)
        self._engine = engine = opened.engine
        domain = opened.domain
        tree, view, promises = SqlTree(engine), SqlChainView(engine, domain.log), SqlPromises(engine)
        tiles, newest = LogTiles(tree), tree.newest_checkpoint()
        if newest is not None:
            tiles.keep_upper(newest.size)
        standing = StandingWatch(lambda: read_standing(engine), passed_seconds)
        clock = Clock(view, promises, settings.clock_seconds, now)
        self._workers = [
            Worker("standing", standing.look, STANDING_SECONDS),
            Worker("clock", clock.look, CLOCK_SECONDS),
            Worker("database", lambda: probe(engine), PROBE_SECONDS),
        ]
        ledger = WatchedLedger(SqlLedger(engine), passed_seconds)

        def failing() -> list[str]:
            own = [worker.health.line for worker in self._workers if worker.health.problem]
            return [*standing.failing(), *own, *([f"door: {ledger.problem}"] if ledger.problem else [])]

        told = (standing.why_not_promising, failing, standing.notes)
        readiness = ReadinessCheck(tree, view, promises, clock, now, *told)
        metrics, counts = create_metrics()
        self._telemetry = start_telemetry(settings, "api")
        receipt_secret = unlock_receipt_key(settings)
        promising = Door(ledger, domain, receipt_secret, settings.promise_seconds, clock.now, settings.originals)
        promising.look()
        door = ObservedDoor(promising, counts, self._telemetry)
        self._commit = ObservedCommit(GroupCommit(door, settle_on_loop), door, self._telemetry)
        sign_in = _sign_in(opened, receipt_secret)
        evidence = _evidence(opened, receipt_secret, tree, tiles, view)
        services = _services(opened, ledger, tree, tiles, view, door, self._commit, readiness, sign_in, evidence)
        figures, missing = SqlFigures(engine), SqlHeadProofs(engine, opened.domain.log).missing
        metrics.register(LedgerCollector(readiness, view, figures, lambda: read_standing(engine), missing, now))
        self._api = RequestLog(
            Api(services, metrics), counts.request, self._telemetry.request if self._telemetry else None
        )
        if self._telemetry:
            self._telemetry.send_metrics(metrics, os.environ.get(SHARED_FOLDER))

    def run(self, listener: socket.socket, ready: Callable[[], None]) -> None:
        """Serve until SIGTERM or SIGINT; `ready` is called once requests can be taken. What is cut off at the end is
        found again at the next start."""
        config = uvicorn.Config(
            self._api,
            access_log=False,
            log_config=None,
            lifespan="off",
            server_header=False,
            http=bounded(),
            ws="none",
            timeout_graceful_shutdown=SHUTDOWN_SECONDS,
        )
        # uvicorn raises the signal again once it has shut down: it must not end the process before the workers ended.
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: sys.exit(0))
        for worker in self._workers:
            worker.start()
        rest_what_was_loaded()
        try:
            ready()
            FairServer(config).run(sockets=[listener])
        finally:
            self.close()

    def close(self) -> None:
        """Finish what is under way, then stop."""
        self._commit.close()
        for worker in self._workers:
            worker.close()
        if self._telemetry:
            self._telemetry.close()
        self._engine.dispose()


def _sign_in(opened: OpenedLog, receipt_secret: bytes) -> SignIn:
    registry = KnownRegistry(opened.domain, SqlRegistryStore(opened.engine))
    return SignIn(opened.domain, receipt_secret, SqlSessions(opened.engine), registry, now)


def _evidence(
    opened: OpenedLog, receipt_secret: bytes, tree: SqlTree, tiles: LogTiles, view: SqlChainView
) -> ExportEvidence:
    engine, proofs = opened.engine, SqlHeadProofs(opened.engine, opened.domain.log)
    return ExportEvidence(
        opened.domain,
        opened.settings.origin,
        receipt_secret,
        SqlReader(engine),
        tree,
        tiles,
        view,
        SqlGrounds(engine),
        lambda sizes: {size: proof.to_json() for size, proof in proofs.proofs(sizes).items()},
        SqlTimestamps(engine),
        now,
        f"huzheng {version('huzheng')}",
    )


def _asking(settings: Settings) -> Asking:
    return Asking(Budgets(settings.rate_reminders, settings.rate_reminders_burst, passed_seconds))


def _services(
    opened: OpenedLog,
    ledger: Ledger,
    tree: SqlTree,
    tiles: LogTiles,
    view: SqlChainView,
    door: Door,
    commit: GroupCommit,
    readiness: ReadinessCheck,
    sign_in: SignIn,
    evidence: ExportEvidence,
) -> Services:
    settings, engine, reader = opened.settings, opened.engine, SqlReader(opened.engine)
    readings, grounds = SqlReadings(engine), SqlGrounds(engine)
    rules, look_up = RuleBook(grounds), LookUp(reader, tree, tiles, view, now)
    withheld_by = settings.policy if settings.cosign_rule == "withhold" else None
    return Services(
        origin=settings.origin,
        domain=opened.domain,
        witness=opened.identity.witness,
        door=door,
        commit=commit,
        submissions=Admission(SUBMITTED_BYTES),
        rates=Rates(
            Budgets(settings.rate_statements, settings.rate_burst, passed_seconds),
            Budgets(settings.rate_unproven, settings.rate_unproven_burst, passed_seconds),
        ),
        ledger=ledger,
        look_up=look_up,
        document_check=DocumentCheck(look_up, reader),
        tree=tree,
        tiles=tiles,
        view=view,
        reader=reader,
        readiness=readiness,
        sign_in=sign_in,
        disclosure=Disclosure(SqlRelations(engine), readings, now),
        disputes=SqlDisputes(engine),
        readings=readings,
        close_day=CloseDay(readings, now),
        eraser=Eraser(SqlErasures(engine), view, settings.retention, now),
        responsibility=Responsibility(reader, tree, view, grounds, rules),
        remind=Remind(reader, tree, rules, readings, _asking(settings), now),
        evidence=evidence,
        timestamps=SqlTimestamps(engine),
        publication=Publication(tree, SqlCosignatures(engine), withheld_by),
        operator_token=settings.operator_token.get_secret_value() if settings.operator_token else None,
        bundles_need_token=settings.entry_bundles == "token",
    )
