"""Settings that name another log, chain or contract than the database: `huzheng serve` ends at once, with status 2 and
one line that says what it found and what to do."""

from pathlib import Path

import pytest

from anchors.core.encoding import encode_hex
from ledger_service.storage.database import open_database
from ledger_service.storage.identity import LogIdentity, claim_log, read_identity
from scripts.city.founding import PASSPHRASE, City
from scripts.city.service import free_port, service_settings
from tests.cli.command import huzheng
from tests.fixtures.chain import ScratchChain
from tests.fixtures.ledger import FINALITY_BLOCKS, found_small_city


@pytest.fixture(scope="module")
def city(module_chain: ScratchChain) -> City:
    return found_small_city(module_chain)


@pytest.fixture
def settings(city: City, tmp_path: Path) -> dict[str, str]:
    """Right settings, over a database that does not exist yet."""
    found = service_settings(city, tmp_path, f"sqlite:///{tmp_path / 'ledger.db'}", FINALITY_BLOCKS, free_port())
    del found["HUZHENG_PASSPHRASE_FILE"]
    return found | {"HUZHENG_PASSPHRASE": PASSPHRASE}


def claim(settings: dict[str, str], city: City, **other: object) -> None:
    """Make the database this city's, but for what is given."""
    values = {
        "origin": city.origin,
        "chain_id": city.domain.chain_id,
        "genesis": bytes(32),
        "registry": city.deployment.registry,
        "witness": city.deployment.witness,
    }
    engine = open_database(settings["HUZHENG_DATABASE"])
    claim_log(engine, LogIdentity(**values | other))
    engine.dispose()


def ended_with(settings: dict[str, str]) -> str:
    """The last line of a service that does not start."""
    ran = huzheng("serve", environment=settings)
    assert ran.status == 2 and "Traceback" not in ran.err, (ran.status, ran.err)
    last = ran.err.strip().splitlines()[-1]
    assert last.startswith("huzheng: ") and "an error inside" not in last, last
    return last


def test_no_contract_at_the_address_claims_nothing(settings: dict[str, str]) -> None:
    nobody = "0x" + "77" * 20
    said = ended_with(settings | {"HUZHENG_WITNESS": nobody})
    assert f"there is no contract at the witness's address {nobody}" in said and "set HUZHENG_WITNESS" in said
    engine = open_database(settings["HUZHENG_DATABASE"])
    assert read_identity(engine) is None, "with the right address it can still be this log's"
    engine.dispose()


def test_a_database_of_another_log_chain_or_contract(settings: dict[str, str], city: City) -> None:
    claim(settings, city, origin="ledger.example/elsewhere")
    said = ended_with(settings)
    assert "its origin is ledger.example/elsewhere, not " + city.origin in said and "name the right database" in said


def test_another_genesis(settings: dict[str, str], city: City) -> None:
    claim(settings, city)
    assert f"its genesis is {encode_hex(bytes(32))}, not 0x" in ended_with(settings)
