"""Any process may be killed at any time, under load: nothing accepted is missing, nothing stands twice.

The chain, the service and the senders are each killed twenty times at random moments and started again, on SQLite and
on PostgreSQL. The service's database server is not killed: its own durability is not ours to test.
"""

import random
import time
from pathlib import Path

import pytest

from scripts.soaking.killable import Killable, run_service
from tests.fixtures.ledger import database_of
from tests.kills.town import SENDERS, Town, check_everything, founded_town, settle, wait_for

KILLS_OF_EACH = 20
LONGEST_PAUSE_SECONDS = 0.8


def _kill_and_restart(town: Town, service: Killable, chance: random.Random) -> None:
    turns = ["chain", "service", "sender"] * KILLS_OF_EACH
    chance.shuffle(turns)
    for number, turn in enumerate(turns):
        time.sleep(chance.uniform(0.0, LONGEST_PAUSE_SECONDS))
        victim = {"chain": town.chain, "service": service, "sender": town.senders[number % SENDERS]}[turn]
        victim.kill()
        victim.start()


@pytest.mark.timeout(400)
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_nothing_accepted_is_lost_by_any_kill(request: pytest.FixtureRequest, tmp_path: Path, kind: str) -> None:
    server = lambda: request.getfixturevalue("postgres_server")  # noqa: E731
    with database_of(kind, tmp_path, server) as database, founded_town(tmp_path, database, "kills") as town:
        service = Killable("service", tmp_path / "service.log", run_service, town.settings)
        try:
            service.start()
            wait_for("the service", town.is_ready)
            for sender in town.senders:
                sender.start()
            _kill_and_restart(town, service, random.Random(f"kills on {kind}"))
            assert town.chain.kills == service.kills == sum(s.kills for s in town.senders) == KILLS_OF_EACH
            settle(town)
            check_everything(town, database, answered_at_least=KILLS_OF_EACH)
        finally:
            service.end()
        assert "Traceback" not in (tmp_path / "service.log").read_text()
