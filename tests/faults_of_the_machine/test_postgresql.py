"""A running service on PostgreSQL: the server is stopped and started, is read-only, has no space left."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.postgres import OwnPostgres, PostgresFailed, own_postgres
from tests.faults_of_the_machine.causes import full_disk, small_disk
from tests.faults_of_the_machine.scenario import QUICK_LEASE, trial
from tests.fixtures.availability import missing
from tests.fixtures.chain import ScratchChain
from tests.fixtures.ledger import Ledger, running_ledger

SMALL_DISK_KILOBYTES = 32_768


@pytest.fixture(scope="module")
def own() -> Iterator[OwnPostgres]:
    """A server that these tests may stop."""
    try:
        with own_postgres(durable=True) as own:
            yield own
    except PostgresFailed as failure:
        missing(str(failure))


def _url(own: OwnPostgres, name: str) -> str:
    return own.server.url(name).replace("postgresql+psycopg:", "postgresql:")


def _cut_connections(own: OwnPostgres) -> None:
    own.server.administer("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'ledger'")


@pytest.fixture(scope="module")
def ledger(own: OwnPostgres, module_chain: ScratchChain, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    """A ledger on the server; each test leaves it well."""
    own.server.administer("CREATE DATABASE ledger")
    with running_ledger(module_chain, tmp_path_factory.mktemp("machine"), _url(own, "ledger"), **QUICK_LEASE) as ledger:
        yield ledger


def test_the_server_is_stopped_and_started(own: OwnPostgres, ledger: Ledger) -> None:
    told = "it does not answer; start it|it is stopping or starting|the connection broke"
    with trial(ledger, told) as run:
        own.stop()
        try:
            run.is_turned_away(told)
            run.is_not_ready("it does not answer; start it")
        finally:
            own.start()


def test_all_connections_are_cut(own: OwnPostgres, ledger: Ledger) -> None:
    with trial(ledger, ""):
        for _ in range(3):
            _cut_connections(own)


def test_the_server_is_read_only(own: OwnPostgres, ledger: Ledger) -> None:
    told = "it is read-only; make it writable"
    with trial(ledger, told) as run:
        own.server.administer("ALTER DATABASE ledger SET default_transaction_read_only = on")
        _cut_connections(own)
        try:
            run.is_turned_away(told)
            run.is_not_ready(told)
        finally:
            own.server.administer("ALTER DATABASE ledger RESET default_transaction_read_only")
            _cut_connections(own)


def test_the_servers_disk_is_full(own: OwnPostgres, module_chain: ScratchChain, tmp_path: Path) -> None:
    told = "its disk is full; free space there"
    with small_disk(own.server.socket_folder / "disk", SMALL_DISK_KILOBYTES) as disk:
        space = disk / "space"
        space.mkdir()
        shutil.chown(space, (own.server.socket_folder / "data").stat().st_uid)
        own.server.administer(f"CREATE TABLESPACE small LOCATION '{space}'")
        own.server.administer("CREATE DATABASE small TABLESPACE small")
        with (
            running_ledger(module_chain, tmp_path, _url(own, "small"), **QUICK_LEASE) as ledger,
            trial(ledger, told) as run,
            full_disk(disk),
        ):
            run.is_turned_away(told)
            run.is_not_ready(told)
        own.server.administer("DROP DATABASE small WITH (FORCE)")
        own.server.administer("DROP TABLESPACE small")
