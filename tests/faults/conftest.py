"""Chains of other kinds than the default one of tests/fixtures/chain.py."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.anvil import Anvil, ChainFailed
from scripts.local_chain import CHAIN_ID, MNEMONIC
from tests.fixtures.availability import missing
from tests.fixtures.chain import ScratchChain, funded_accounts

ETHER = 10**18


def started(folder: Path, options: list[str]) -> Iterator[ScratchChain]:
    """A chain with these options of anvil."""
    anvil = Anvil(folder / "anvil.log", options=["--mnemonic", MNEMONIC, *options])
    try:
        anvil.start()
    except ChainFailed as failure:
        missing(str(failure))
    try:
        yield ScratchChain(anvil)
    finally:
        anvil.kill()


@pytest.fixture
def zero_gas_chain(tmp_path: Path) -> Iterator[ScratchChain]:
    """A consortium chain: London rules, a base fee of 0, no price."""
    genesis = tmp_path / "genesis.json"
    genesis.write_text(json.dumps(zero_gas_genesis()))
    yield from started(
        tmp_path,
        [
            "--init", str(genesis), "--gas-price", "0", "--block-base-fee-per-gas", "0", "--hardfork", "london",
            "--disable-min-priority-fee",
        ],
    )  # fmt: skip


@pytest.fixture
def legacy_chain(tmp_path: Path) -> Iterator[ScratchChain]:
    """A chain before London: one gas price, no base fee."""
    yield from started(tmp_path, ["--chain-id", str(CHAIN_ID), "--hardfork", "berlin"])


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
