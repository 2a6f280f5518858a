"""The composition root: every object of the service is made here, once, from the settings."""

import logging
import signal
import socket
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import uvicorn
from sqlalchemy import Engine

from anchors.chain.ethereum import EthereumChain
from anchors.chain.port import Chain, ChainIdentity, ChainUnavailable
from anchors.chain.sender import EthereumWitnessSender
from anchors.core.encoding import decode_hex
from anchors.core.trust import Finality
from anchors.core.typed_data import Domain, log_id
from ledger_service.http.api import create_api
from ledger_service.http.services import Admission, Services
from ledger_service.logging import set_up_logging
from ledger_service.metrics import LedgerCollector, create_metrics
from ledger_service.operator_keys import OperatorKeys, unlock_operator_keys
from ledger_service.settings import Settings, SettingsError
from ledger_service.storage.chain_view import SqlChainView
from ledger_service.storage.database import open_database
from ledger_service.storage.identity import LogIdentity, claim_log, read_identity
from ledger_service.storage.ledger import SqlLedger
from ledger_service.storage.outbox import SqlOutbox
from ledger_service.storage.promises import SqlPromises
from ledger_service.storage.reader import SqlReader
from ledger_service.storage.tree import SqlTree
from ledger_service.usecases.accept import Door, GroupCommit
from ledger_service.usecases.clock import Clock
from ledger_service.usecases.follow import Follower
from ledger_service.usecases.guard import Guard
from ledger_service.usecases.incident import Incident
from ledger_service.usecases.integrate import Integrator
from ledger_service.usecases.log_tiles import LogTiles
from ledger_service.usecases.look_up import LookUp
from ledger_service.usecases.readiness import ReadinessCheck
from ledger_service.usecases.witness import Witnesser
from ledger_service.workers.repeat import Worker

LOOK_SECONDS = 1.0
SHUTDOWN_SECONDS = 5
SUBMISSIONS_AT_ONCE = 128
CONNECTIONS_AT_ONCE = 1_024
RECURSION_LIMIT = 1_000
"""The interpreter's own. A library that comes with web3 raises it so far that deep JSON would overrun the stack."""

_log = logging.getLogger(__name__)


def _now() -> int:
    return int(time.time())


class Application:
    """One running service: storage, use cases, workers, HTTP."""

    def __init__(self, settings: Settings, keys: OperatorKeys):
        registry, witness = _addresses(settings)
        chain = EthereumChain(settings.rpc, registry, witness)
        engine = open_database(settings.database)
        identity = _identify(settings, chain, engine)
        claim_log(engine, identity)
        log = log_id(settings.origin)
        domain = Domain(identity.chain_id, registry, log)

        self.tree, self.reader, self.ledger = SqlTree(engine), SqlReader(engine), SqlLedger(engine)
        self.view, self.outbox = SqlChainView(engine, log), SqlOutbox(engine)
        self.guard = Guard(chain, self.tree, ChainIdentity(identity.chain_id, identity.genesis), log)
        promises = SqlPromises(engine)
        self.clock = Clock(self.view, promises, settings.clock_seconds, _now)
        self.workers = self._make_workers(settings, keys, chain, domain, witness)
        self.readiness = ReadinessCheck(
            self.tree, self.view, promises, self.clock, _now, self.why_not_promising, self.failing
        )
        self.door = Door(self.ledger, domain, keys.receipt, settings.promise_seconds, self.clock.now)
        self.commit = GroupCommit(self.door)
        self.checkers = ThreadPoolExecutor(settings.check_threads, thread_name_prefix="check")
        tiles = LogTiles(self.tree)
        services = Services(
            origin=settings.origin,
            domain=domain,
            witness=witness,
            door=self.door,
            commit=self.commit,
            checkers=self.checkers,
            submissions=Admission(SUBMISSIONS_AT_ONCE),
            ledger=self.ledger,
            look_up=LookUp(self.reader, self.tree, self.view, _now),
            tree=self.tree,
            tiles=tiles,
            view=self.view,
            reader=self.reader,
            readiness=self.readiness,
            operator_token=settings.operator_token.get_secret_value() if settings.operator_token else None,
            bundles_need_token=settings.entry_bundles == "token",
        )
        collector = LedgerCollector(self.tree, self.view, self.reader, self.outbox, self.workers, _now)
        self.api = create_api(services, create_metrics(collector))

    def _make_workers(
        self, settings: Settings, keys: OperatorKeys, chain: Chain, domain: Domain, witness: bytes
    ) -> list[Worker]:
        note_key = keys.note_key(settings.origin)
        integrator = Integrator(self.tree, settings.origin, domain, note_key, keys.checkpoint, _now)
        sender = EthereumWitnessSender(settings.rpc, witness, keys.relay)
        witnesser = Witnesser(chain, sender, self.tree, self.view, self.outbox, domain.log, _now)
        finality = Finality(settings.finality_blocks)
        self.follower = Follower(chain, self.view, domain.registry, settings.start_block, finality)

        def look() -> bool:
            self.clock.look()
            return False

        def follow() -> bool:
            self.follower.run_once()
            return False

        def integrate() -> bool:
            return integrator.run_once() is not None

        def witness() -> bool:
            witnesser.run_once()
            return False

        return [
            Worker("clock", look, LOOK_SECONDS),
            Worker("follow", follow, settings.follow_seconds),
            Worker("integrate", self._guarded(integrate), settings.checkpoint_seconds),
            Worker("witness", self._guarded(witness), settings.witness_seconds),
        ]

    def _guarded(self, step: Callable[[], bool]) -> Callable[[], bool]:
        """A step that signs: it waits until the database was compared with the chain, and ends with the first incident
        that any worker meets."""

        def guarded() -> bool:
            self.guard.check_once()
            if incident := self._incident():
                raise Incident(f"nothing is signed because of {incident}")
            return step()

        return guarded

    def why_not_promising(self) -> str:
        """What stands against any promise now, the clock left out; empty where nothing does."""
        if incident := self._incident():
            return incident
        if not self.guard.passed:
            return "the database was not compared with the chain yet; send again later"
        return "" if self.follower.caught_up else "the chain's registry is being read; send again later"

    def _incident(self) -> str:
        """Which worker stopped for good, and why; empty where none did."""
        stopped = (worker.health for worker in self.workers if worker.health.stopped_for_good)
        return next((f"{health.name}: {health.problem}" for health in stopped), "")

    def failing(self) -> list[str]:
        """What the workers fail at now."""
        return [f"{worker.health.name}: {worker.health.problem}" for worker in self.workers if worker.health.problem]

    def start(self) -> None:
        """Start the workers."""
        for worker in self.workers:
            worker.start()

    def close(self) -> None:
        """Finish what is under way, then stop. Whatever is cut off instead is found again at the next start."""
        self.commit.close()
        self.checkers.shutdown()
        for worker in self.workers:
            worker.close()


def serve(settings: Settings) -> None:
    """Run the service until it is told to stop. Raises `SettingsError`, `Incident` or `StoreUnavailable` at start."""
    set_up_logging(settings.log_format)
    sys.setrecursionlimit(RECURSION_LIMIT)
    listener = _listen(settings.host, settings.port)
    application = Application(settings, unlock_operator_keys(settings))
    application.start()
    config = uvicorn.Config(
        application.api,
        access_log=False,
        log_config=None,
        lifespan="off",
        server_header=False,
        limit_concurrency=CONNECTIONS_AT_ONCE,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
    )
    # uvicorn raises the signal again once it has shut down: it must not end the process before the workers ended.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))
    host, port = listener.getsockname()[:2]
    _log.info("the log %s is served on http://%s:%d", settings.origin, host, port)
    try:
        uvicorn.Server(config).run(sockets=[listener])
    finally:
        application.close()


def _listen(host: str, port: int) -> socket.socket:
    try:
        return socket.create_server((host, port), backlog=1024)
    except OSError as error:
        raise SettingsError(f"cannot listen on {host}:{port}: {error.strerror}; set HUZHENG_PORT") from None


def _addresses(settings: Settings) -> tuple[bytes, bytes]:
    return decode_hex(settings.registry, 20, "registry"), decode_hex(settings.witness, 20, "witness")


def _identify(settings: Settings, chain: Chain, engine: Engine) -> LogIdentity:
    """Which log on which chain this is; of a database that was used before, the chain need not answer for that."""
    registry, witness = _addresses(settings)
    try:
        found = chain.identity()
    except ChainUnavailable:
        known = read_identity(engine)
        if known is None:
            raise
        return LogIdentity(settings.origin, known.chain_id, known.genesis, registry, witness)
    return LogIdentity(settings.origin, found.chain_id, found.genesis, registry, witness)
