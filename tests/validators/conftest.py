"""The two networks, each started once: one without fees, as a consortium runs it, one with the fees of London."""

from collections.abc import Iterator

import pytest

from tests.validators.network import Network, running_network


@pytest.fixture(scope="session")
def free_network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    """Base fee 0, price 0, and nobody owns anything. Every test leaves all validators running."""
    with running_network(tmp_path_factory.mktemp("free"), free=True) as network:
        yield network


@pytest.fixture(scope="session")
def fee_network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    """A base fee that moves with the blocks, tips of a gwei. Every test leaves all validators running."""
    with running_network(tmp_path_factory.mktemp("fees"), free=False) as network:
        yield network
