"""What the anchorer could not write down at once, it writes down later: else no process would promise any more, or
each of them go on to promise, until somebody restarts it.

The database refuses one column of the lease's row for a while, as it might for any reason. It is real, as all else is.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Engine, insert, text

from anchors.core.cosignature import WitnessSecret
from ledger_service.processes.anchorer import Anchorer
from ledger_service.settings import Settings, read_settings
from ledger_service.storage import schema
from ledger_service.storage.database import begin_writing, open_database
from ledger_service.storage.lease import read_standing
from ledger_service.usecases.ports import Standing
from scripts.city.service import free_port, service_settings
from tests.fixtures.chain import ScratchChain
from tests.fixtures.clock_authority import make_house
from tests.fixtures.ledger import FINALITY_BLOCKS, found_small_city

WITHIN_SECONDS = 30
REFUSED = "refused by the test"


@pytest.fixture
def settings(module_chain: ScratchChain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Those of a ledger of its own that was never started."""
    database = f"sqlite:///{tmp_path / 'ledger.db'}"
    city = found_small_city(module_chain)
    for name, value in service_settings(city, tmp_path, database, FINALITY_BLOCKS, free_port()).items():
        monkeypatch.setenv(name, value)
    return read_settings(lease_seconds=1)


@pytest.fixture
def engine(settings: Settings) -> Iterator[Engine]:
    engine = open_database(settings.database)
    yield engine
    engine.dispose()


@contextmanager
def refusing(engine: Engine, column: str) -> Iterator[None]:
    """The database takes no true value, and no text, into this column of the lease's row."""
    trigger = (
        f"CREATE TRIGGER refuse BEFORE UPDATE ON anchorer WHEN NEW.{column} NOT IN (0, '')"
        f" BEGIN SELECT RAISE(ABORT, '{REFUSED}'); END"
    )
    with begin_writing(engine) as connection:
        connection.execute(text(trigger))
    yield
    with begin_writing(engine) as connection:
        connection.execute(text("DROP TRIGGER refuse"))


def wait_for(engine: Engine, question: Callable[[Standing], bool]) -> Standing:
    """The standing of which it is true."""
    deadline = time.monotonic() + WITHIN_SECONDS
    while not question(standing := read_standing(engine)):
        assert time.monotonic() < deadline, f"not within {WITHIN_SECONDS} s: {standing}"
        time.sleep(0.05)
    return standing


def all_signers_fail(standing: Standing) -> bool:
    """Whether both workers that sign have met the refusal."""
    return sum(REFUSED in worker.problem for worker in standing.workers) == 2


@contextmanager
def refused_at_first(engine: Engine, settings: Settings, column: str) -> Iterator[None]:
    """An anchorer that could not write this column when it wanted to, and now can."""
    anchorer = Anchorer(settings)
    try:
        with refusing(engine, column):
            anchorer.start()
            wait_for(engine, all_signers_fail)
        yield
    finally:
        anchorer.close()


def test_that_the_database_was_compared(settings: Settings, engine: Engine) -> None:
    with refused_at_first(engine, settings, "compared"):
        assert wait_for(engine, lambda standing: standing.compared).incident == ""


def test_an_incident(settings: Settings, engine: Engine) -> None:
    with begin_writing(engine) as connection:
        connection.execute(insert(schema.restores).values(entries=0, made_at=1, restored_at=1, released_at=None))
    with refused_at_first(engine, settings, "incident"):
        standing = wait_for(engine, lambda standing: standing.incident != "")
        assert "was restored from a backup" in standing.incident and not standing.compared


def test_files_that_are_broken_after_the_start_keep_nobody_from_anchoring(
    settings: Settings, engine: Engine, tmp_path: Path
) -> None:
    witness = WitnessSecret("witness.example/w", b"\x01" * 32)
    roots, policy = tmp_path / "roots.pem", tmp_path / "policy"
    roots.write_text(make_house(tmp_path, "house").root)
    policy.write_text(f"witness w {witness.key} http://127.0.0.1:9/\nquorum w\n")
    told = read_settings(
        lease_seconds=1,
        timestamp_authorities="http://127.0.0.1:9/tsr",
        timestamp_roots=str(roots),
        cosign_policy=str(policy),
    )
    roots.write_text("nothing")
    policy.unlink()
    anchorer = Anchorer(told)
    anchorer.start()
    try:
        standing = wait_for(engine, lambda standing: standing.compared and len(standing.workers) > 3)
    finally:
        anchorer.close()
    names = [worker.name for worker in standing.workers]
    assert "authority http://127.0.0.1:9" in names and "cosigner witness.example/w" in names
