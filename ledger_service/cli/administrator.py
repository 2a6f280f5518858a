"""Performing acts of the registry's administrator, or writing them down for a multisig."""

from pathlib import Path

from anchors.chain.acts import Act
from anchors.chain.administration import Administrator
from anchors.chain.ethereum import EthereumChain
from anchors.core.encoding import encode_hex
from anchors.core.typed_data import Domain, log_id
from ledger_service.cli.options import parse_hex, passphrase
from ledger_service.cli.output import Output
from ledger_service.client.errors import WrongInput
from ledger_service.client.keystore import read_key_file


def perform(output: Output, act: Act, rpc: str, registry: str, key: Path | None, call_data: bool) -> int:
    """Send one act and wait until it is mined; with `call_data` only show what a multisig would send."""
    address = parse_hex(registry, 20, "--registry")
    name = type(act).__name__
    if call_data:
        members = {"act": name, "to": registry.lower(), "data": encode_hex(act.call_data())}
        output.result(members)
        output.pairs(members.items(), title="Not sent. To be sent by the administrator:")
        return 0
    if key is None:
        raise WrongInput("give the administrator's key file with --administrator, or --call-data to send nothing")
    administrator = Administrator(rpc, address, read_key_file(key).unlock(passphrase()))
    try:
        receipt = administrator.perform(act)[0]
    finally:
        administrator.close()
    members = {
        "act": name,
        "transaction": encode_hex(receipt.transaction),
        "block": receipt.block_number,
        "gas": receipt.gas_used,
    }
    output.result(members)
    output.pairs(members.items(), title="Done. It counts once its block is final:")
    return 0


def domain_of(rpc: str, registry: str, origin: str) -> Domain:
    """What a log's signatures are bound to, with the chain id that the node answers."""
    address = parse_hex(registry, 20, "--registry")
    chain = EthereumChain(rpc, address, address)
    try:
        return Domain(chain.identity().chain_id, address, log_id(origin))
    finally:
        chain.close()
