"""Makes what a QBFT network of Besu nodes starts from: validator keys, genesis, static peers, permissioning.

    python -m scripts.qbft_genesis FOLDER --node 172.28.1.11:30303 ... --chain-id 2026 [--account 0x...]

FOLDER then holds `genesis.json`, `static-nodes.json` and `permissions_config.toml`, the same for all nodes, and for
node n (from 1, in the order given) `validator-n/key`, its 32-byte secret in hex, which Besu takes as
`--node-private-key-file`, beside `validator-n/address`. Keys are made here and nowhere else: each belongs on one
machine and into no repository. Nothing that exists is overwritten.
"""

import argparse
import json
import os
import re
import secrets
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from coincurve import PrivateKey

from anchors.core.block.consensus import quorum
from anchors.core.encoding import encode_hex, keccak256

MIX_HASH = "0x63746963616c2062797a616e74696e65206661756c7420746f6c6572616e6365"
"""The mark of a BFT block in Besu, "ctical byzantine fault tolerance"."""

EPOCH_BLOCKS = 30_000
GAS_LIMIT = 30_000_000
VANITY = bytes(32)
FEWEST_FOR_ONE_FAULT = 4
_PRIVATE_FILE_MODE = 0o600
_NODE = re.compile(r"[0-9A-Za-z.\-]+:[0-9]{1,5}")
_ADDRESS = re.compile(r"0x[0-9a-f]{40}")

Rlp = bytes | Sequence["Rlp"]


class GenesisRefused(Exception):
    """The network cannot be made so; the message says why, in one line."""


@dataclass(frozen=True)
class ValidatorKey:
    """One validator: its secret (32 bytes), where others reach it (`host:port`)."""

    secret: bytes = field(repr=False)
    node: str

    @property
    def public(self) -> bytes:
        """The public key, 64 bytes."""
        return PrivateKey(self.secret).public_key.format(compressed=False)[1:]

    @property
    def address(self) -> bytes:
        """The account, 20 bytes."""
        return keccak256(self.public)[12:]

    @property
    def enode(self) -> str:
        """Its name among nodes."""
        return f"enode://{self.public.hex()}@{self.node}"


def encode_rlp(item: Rlp) -> bytes:
    """Recursive length prefix (Ethereum yellow paper, appendix B) of bytes, or of a list of such."""
    if isinstance(item, bytes):
        if len(item) == 1 and item[0] < 0x80:
            return item
        return _rlp_length(len(item), 0x80) + item
    inner = b"".join(encode_rlp(one) for one in item)
    return _rlp_length(len(inner), 0xC0) + inner


def _rlp_length(length: int, offset: int) -> bytes:
    if length < 56:
        return bytes((offset + length,))
    digits = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes((offset + 55 + len(digits),)) + digits


def extra_data(validators: Sequence[bytes]) -> bytes:
    """The genesis header's extra data: rlp([vanity, validators, no vote, round 0, no seals]) of 20-byte addresses."""
    return encode_rlp([VANITY, list(validators), [], b"", []])


def make_genesis(validators: Sequence[bytes], chain_id: int, block_seconds: int, timestamp: int) -> dict[str, Any]:
    """The genesis of a network without fees, by the rules of London (which the contracts are compiled for)."""
    return {
        "config": {
            "chainId": chain_id,
            "berlinBlock": 0,
            "londonBlock": 0,
            "zeroBaseFee": True,
            "qbft": {
                "blockperiodseconds": block_seconds,
                "epochlength": EPOCH_BLOCKS,
                "requesttimeoutseconds": 2 * block_seconds,
            },
        },
        "nonce": "0x0",
        "timestamp": hex(timestamp),
        "extraData": encode_hex(extra_data(sorted(validators))),
        "gasLimit": hex(GAS_LIMIT),
        "difficulty": "0x1",
        "mixHash": MIX_HASH,
        "coinbase": encode_hex(bytes(20)),
        "alloc": {},
    }


def permissions(nodes: Sequence[str], accounts: Sequence[str]) -> str:
    """Besu's local permissioning: which nodes are talked to and, where any are given, which accounts may send."""
    lines = [f"nodes-allowlist={json.dumps(list(nodes))}"]
    if accounts:
        lines.append(f"accounts-allowlist={json.dumps(list(accounts))}")
    return "\n".join(lines) + "\n"


def make_network(
    folder: Path, nodes: Sequence[str], chain_id: int, block_seconds: int = 2, accounts: Sequence[str] = ()
) -> tuple[ValidatorKey, ...]:
    """Write everything into `folder`, one validator for each of `nodes`. Raises `GenesisRefused`."""
    _check(folder, nodes, accounts)
    validators = tuple(ValidatorKey(secrets.token_bytes(32), node) for node in nodes)
    genesis = make_genesis([one.address for one in validators], chain_id, block_seconds, int(time.time()))
    enodes = [one.enode for one in validators]
    for number, validator in enumerate(validators, start=1):
        own = folder / f"validator-{number}"
        own.mkdir(parents=True)
        _write(own / "key", encode_hex(validator.secret), _PRIVATE_FILE_MODE)
        _write(own / "address", encode_hex(validator.address))
    _write(folder / "genesis.json", json.dumps(genesis, indent=2))
    _write(folder / "static-nodes.json", json.dumps(enodes, indent=2))
    _write(folder / "permissions_config.toml", permissions(enodes, accounts))
    return validators


def _check(folder: Path, nodes: Sequence[str], accounts: Sequence[str]) -> None:
    if folder.exists() and any(folder.iterdir()):
        raise GenesisRefused(f"{folder} is not empty: a network's keys and genesis are made once, into a new folder")
    if not nodes or len(set(nodes)) != len(nodes):
        raise GenesisRefused("give each validator's host:port once (--node)")
    for node in nodes:
        if not _NODE.fullmatch(node):
            raise GenesisRefused(f"{node!r} is not host:port")
    for account in accounts:
        if not _ADDRESS.fullmatch(account):
            raise GenesisRefused(f"{account!r} is not an account: 0x and 40 lower-case hex digits")


def _write(path: Path, text: str, mode: int = 0o644) -> None:
    opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(opened, "w", encoding="utf-8") as file:
        file.write(text.rstrip("\n") + "\n")


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="qbft_genesis", description="Make keys and genesis of a Besu QBFT network.")
    parser.add_argument("folder", type=Path, help="a new folder for all of it")
    parser.add_argument("--node", action="append", default=[], help="host:port of a validator; once for each")
    parser.add_argument("--account", action="append", default=[], help="an account that may send; without: all may")
    parser.add_argument("--chain-id", type=int, required=True, help="the chain's id, one that no other chain has")
    parser.add_argument("--block-seconds", type=int, default=2, help="time between blocks")
    arguments = parser.parse_args()
    try:
        made = make_network(
            arguments.folder, arguments.node, arguments.chain_id, arguments.block_seconds, arguments.account
        )
    except GenesisRefused as refused:
        sys.exit(f"qbft_genesis: {refused}")
    if len(made) < FEWEST_FOR_ONE_FAULT:
        print(f"qbft_genesis: {len(made)} validators stop when one stops; take four or more", file=sys.stderr)
    print(f"{len(made)} validators, quorum {quorum(len(made))}: {arguments.folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
