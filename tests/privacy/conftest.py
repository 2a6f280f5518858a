"""`people`: a running ledger with one of each role, on SQLite and on PostgreSQL."""

from collections.abc import Iterator

import pytest

from tests.fixtures.chain import ScratchChain
from tests.fixtures.ledger import database_of, running_ledger
from tests.privacy.people import People, gather

SETTINGS = {"retention_years": "30,laboratory=0", "entry_bundles": "token"}


@pytest.fixture(scope="package", params=["sqlite", "postgresql"])
def people(
    request: pytest.FixtureRequest, session_chain: ScratchChain, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[People]:
    """Everybody, shared by the tests of this folder: they add to the ledger and leave every stream whole."""
    folder = tmp_path_factory.mktemp("people")
    server = lambda: request.getfixturevalue("postgres_server")  # noqa: E731
    with (
        database_of(request.param, folder, server) as database,
        running_ledger(session_chain, folder, database, **SETTINGS) as ledger,
    ):
        yield gather(ledger)
