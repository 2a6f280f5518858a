"""A log that is anchored through the proxy; chains of other kinds than the default one of tests/fixtures/chain.py."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.local_chain import CHAIN_ID
from tests.faults.anchorage import Anchorage, make_anchorage
from tests.faults.rpc_proxy import RpcProxy
from tests.fixtures.chain import ScratchChain, funded_accounts, started_chain

ETHER = 10**18


@pytest.fixture
def anchorage(chain: ScratchChain, sqlite_url: str) -> Iterator[Anchorage]:
    """A log of five entries on a node behind the proxy."""
    with RpcProxy(chain.url) as proxy:
        yield make_anchorage(chain, sqlite_url, proxy)


@pytest.fixture
def zero_gas_chain(tmp_path: Path) -> Iterator[ScratchChain]:
    """A consortium chain: London rules, a base fee of 0, no price."""
    genesis = tmp_path / "genesis.json"
    genesis.write_text(json.dumps(zero_gas_genesis()))
    yield from started_chain(
        tmp_path,
        "--init", str(genesis), "--gas-price", "0", "--block-base-fee-per-gas", "0", "--hardfork", "london",
        "--disable-min-priority-fee",
    )  # fmt: skip


@pytest.fixture
def legacy_chain(tmp_path: Path) -> Iterator[ScratchChain]:
    """A chain before London: one gas price, no base fee."""
    yield from started_chain(tmp_path, "--chain-id", str(CHAIN_ID), "--hardfork", "berlin")


def zero_gas_genesis() -> dict:
    """The genesis of a chain whose accounts need no money, and have some all the same."""
    forks = (
        "homesteadBlock", "eip150Block", "eip155Block", "eip158Block", "byzantiumBlock", "constantinopleBlock",
        "petersburgBlock", "istanbulBlock", "berlinBlock", "londonBlock",
    )  # fmt: skip
    return {
        "config": {"chainId": CHAIN_ID} | dict.fromkeys(forks, 0),
        "alloc": {account.address: {"balance": hex(ETHER)} for account in funded_accounts()},
        "difficulty": "0x0",
        "gasLimit": hex(30_000_000),
        "baseFeePerGas": "0x0",
        "nonce": "0x0",
        "timestamp": "0x0",
        "extraData": "0x",
        "mixHash": "0x" + "00" * 32,
        "coinbase": "0x" + "00" * 20,
    }
