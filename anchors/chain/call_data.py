"""Call data by a contract's ABI. Only what sends needs this: importing web3 takes more than a second."""

from functools import cache
from typing import Any

from anchors.chain import artifacts
from anchors.imports import keeping_recursion_limit

with keeping_recursion_limit():
    from web3 import Web3


def call_data(contract: str, function: str, *arguments: Any) -> bytes:
    """The bytes that call `function` of a contract of ours; addresses and bytes32 are given as bytes."""
    return _octets(_interface(contract).encode_abi(function, args=list(arguments)))


def deployment_data(contract: str, *arguments: Any) -> bytes:
    """The bytes that deploy a contract of ours."""
    return _octets(_interface(contract).constructor(*arguments).data_in_transaction)


@cache
def _interface(contract: str) -> Any:
    artifact = artifacts.load(contract)
    return Web3().eth.contract(abi=list(artifact.abi), bytecode="0x" + artifact.bytecode.hex())


def _octets(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))
