"""Three API processes under their parent, two candidates for the anchorer, one PostgreSQL, senders under load; each is
killed in turn, and the holder of the lease is also stopped for longer than its term and woken up again.

At the end nothing accepted is missing, nothing stands twice, streams have no gap, the audit is clean, every takeover
came within its term, heads went on, and no anchorer that had lost the lease sent a transaction of its own.
"""

import itertools
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from eth_account import Account
from sqlalchemy import Engine

from anchors.chain.ethereum import EthereumChain
from ledger_service.processes.anchorer import RENEWALS_A_TERM
from ledger_service.storage.database import open_database
from ledger_service.storage.lease import read_standing
from scripts.soaking.killable import Killable, run_service
from tests.fixtures.ledger import database_of
from tests.fixtures.postgres import PostgresServer
from tests.kills.town import Town, check_everything, founded_town, settle, wait_for

API_PROCESSES = 3
LEASE_SECONDS = 2.0
TAKEN_OVER_WITHIN_SECONDS = LEASE_SECONDS + LEASE_SECONDS / RENEWALS_A_TERM + 2.0
"""The term, the time between two looks, and what a machine with other work may need to wake a thread."""
ANSWERED_AT_LEAST = 50
STOPPED_WITHIN_SECONDS = 30
PAUSE_SECONDS = 0.1
"""Between two requests of a sender: processes that start must have something of the machine as well."""
LOST = "another process has taken over"


@dataclass(frozen=True)
class Service:
    """The parent of the API processes, the candidates, and what the database says of the lease."""

    town: Town
    engine: Engine
    parent: Killable
    candidates: tuple[Killable, ...]

    def api_processes(self) -> list[int]:
        """The process ids of those that run now."""
        listed = subprocess.run(["pgrep", "-P", str(self.parent.pid)], capture_output=True, text=True).stdout
        return [int(line) for line in listed.split()]

    def holder(self) -> Killable:
        """The candidate that holds the lease."""
        name = read_standing(self.engine).holder
        return next(one for one in self.candidates if f":{one.pid}:" in name)

    def witnessed(self) -> int:
        """The size of the contract's head."""
        deployment = self.town.city.deployment
        chain = EthereumChain(self.town.rpc.url, deployment.registry, deployment.witness)
        size = chain.head(self.town.city.domain.log).size
        chain.close()
        return size

    def goes_on(self) -> None:
        """Wait until a head is witnessed that did not exist before."""
        size = self.witnessed()
        wait_for("a newer head", lambda: self.witnessed() > size)

    def is_taken_over(self, act: Callable[[], None]) -> None:
        """Do something to the holder: another must be the anchorer within the term."""
        term, began = read_standing(self.engine).term, time.monotonic()
        act()
        wait_for("another term", lambda: read_standing(self.engine).term > term)
        took = time.monotonic() - began
        assert took <= TAKEN_OVER_WITHIN_SECONDS, f"taken over after {took:.1f} s of a term of {LEASE_SECONDS} s"


@contextmanager
def running_service(folder: Path, town: Town, database: str) -> Iterator[Service]:
    """All processes of the service, ready."""
    settings = town.settings | {"HUZHENG_LEASE_SECONDS": str(LEASE_SECONDS)}
    api = settings | {"HUZHENG_ROLE": "api", "HUZHENG_API_PROCESSES": str(API_PROCESSES)}
    anchorer = settings | {"HUZHENG_ROLE": "anchorer"}
    parent = Killable("parent", folder / "api.log", run_service, api)
    candidates = tuple(
        Killable(f"candidate {number}", folder / f"anchorer-{number}.log", run_service, anchorer) for number in (1, 2)
    )
    engine = open_database(database)
    try:
        for process in (parent, *candidates):
            process.start()
        wait_for("the service", town.is_ready)
        yield Service(town, engine, parent, candidates)
    finally:
        for process in (*candidates, parent):
            process.end()
        engine.dispose()


def _kill_api_process(service: Service) -> None:
    """The oldest. The others go on meanwhile, and the parent starts another."""
    os.kill(min(service.api_processes()), signal.SIGKILL)


def _kill_parent(service: Service) -> None:
    """Its children see that it is gone, and leave the socket to the next."""
    children = service.api_processes()
    service.parent.kill()
    wait_for("the end of orphans", lambda: not any(map(_is_alive, children)), 30)
    service.parent.start()
    wait_for("the service", service.town.is_ready)


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def _kill_holder(service: Service) -> None:
    holder = service.holder()
    service.is_taken_over(holder.kill)
    holder.start()


def _kill_waiting_candidate(service: Service) -> None:
    term, holder = read_standing(service.engine).term, service.holder()
    waiting = next(one for one in service.candidates if one is not holder)
    waiting.kill()
    waiting.start()
    service.goes_on()
    assert read_standing(service.engine).term == term, "the holder is left alone"


def _stop_holder_beyond_its_term(service: Service) -> None:
    stopped = service.holder()
    service.is_taken_over(lambda: os.kill(stopped.pid, signal.SIGSTOP))
    service.goes_on()
    term, said = read_standing(service.engine).term, stopped.said(LOST)
    os.kill(stopped.pid, signal.SIGCONT)
    wait_for("the woken one", lambda: stopped.said(LOST) > said)
    service.goes_on()
    assert read_standing(service.engine).term == term, "it competes again, and does not take the lease from its holder"


def _check_that_only_moves_were_sent(service: Service) -> None:
    """The account that pays sent one transaction for each move of the head: none was sent twice or in vain."""
    town = service.town
    chain = EthereumChain(town.rpc.url, town.city.deployment.registry, town.city.deployment.witness)
    moves = chain.witness_events(0, chain.tip().number)
    chain.close()
    payer = Account.from_key(town.city.operator.relay).address
    sent = int(town.rpc("eth_getTransactionCount", payer, "latest"), 16)
    waiting = int(town.rpc("eth_getTransactionCount", payer, "pending"), 16)
    assert len(moves) == sent == waiting
    assert all(move.old_size == before.new_size for before, move in itertools.pairwise(moves))


def _stop_in_order(service: Service) -> None:
    """The lease is given back and taken at once; the parent ends in bounded time, and leaves nobody behind."""
    service.is_taken_over(lambda: os.kill(service.holder().pid, signal.SIGTERM))
    children = service.api_processes()
    os.kill(service.parent.pid, signal.SIGTERM)
    service.parent.wait(STOPPED_WITHIN_SECONDS)
    assert not any(map(_is_alive, children))


@pytest.mark.alone
def test_any_process_may_die_or_hang_under_load(tmp_path: Path, postgres_server: PostgresServer) -> None:
    with (
        database_of("postgresql", tmp_path, lambda: postgres_server) as database,
        founded_town(tmp_path, database, "processes", PAUSE_SECONDS) as town,
        running_service(tmp_path, town, database) as service,
    ):
        for sender in town.senders:
            sender.start()
        service.goes_on()
        for turn in (
            _kill_api_process,
            _kill_holder,
            _kill_api_process,
            _stop_holder_beyond_its_term,
            _kill_api_process,
            _kill_waiting_candidate,
            _kill_parent,
            _kill_holder,
            _stop_holder_beyond_its_term,
        ):
            turn(service)
            service.goes_on()
        wait_for("all API processes", lambda: len(service.api_processes()) == API_PROCESSES)
        # Said once in each life, when all work: one that dies meanwhile is waited for once more.
        wait_for("the parent", lambda: service.parent.said("is served on http://") == service.parent.kills + 1)
        town.senders[0].kill()
        town.senders[0].start()
        settle(town)
        check_everything(town, database, ANSWERED_AT_LEAST)
        _check_that_only_moves_were_sent(service)
        _stop_in_order(service)
        for log in tmp_path.glob("*.log"):
            assert "Traceback" not in log.read_text(errors="replace"), log
