"""Move a head on a local chain and print where the gas of the transaction goes: the table of docs/adr/0001.

Run it as `python -m scripts.measure_gas` in a set-up checkout. The tree is sparse: proof nodes are chosen freely and
both roots computed from them, so a log of 2^30 leaves costs no more to set up than one of a thousand.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from eth_account import Account
from eth_utils import keccak
from web3 import Web3

from scripts.anvil import Anvil, ChainFailed

ROOT = Path(__file__).resolve().parent.parent
ORIGIN = "gas.example/log"
MOVES = ((1_021, 5_117), (1_044_481, 1_048_577), (2**30 - 4_095, 2**30 + 1))
OPERATOR = b"operator.example".ljust(32, b"\0")
KEY = Account.from_key(keccak(b"synthetic checkpoint key"))


@contextlib.contextmanager
def local_chain() -> Iterator[Web3]:
    """An anvil chain on the loopback address that ends with the block."""
    with tempfile.TemporaryDirectory() as folder:
        anvil = Anvil(Path(folder) / "anvil.log", options=["--steps-tracing"]).start()
        try:
            yield Web3(Web3.HTTPProvider(anvil.url))
        finally:
            anvil.stop()


def node(left: bytes, right: bytes) -> bytes:
    """RFC 9162 section 2.1: the hash of an inner node."""
    return hashlib.sha256(b"\1" + left + right).digest()


def sparse_proof(old_size: int, new_size: int) -> tuple[list[bytes], bytes, bytes]:
    """A consistency proof of chosen nodes and the two roots that it leads to: (proof, old root, new root)."""
    first, last, level = old_size - 1, new_size - 1, 0
    while first & 1:
        first, last = first >> 1, last >> 1
    seed = hashlib.sha256(b"the largest complete subtree at the end").digest()
    proof = [] if first == 0 else [seed]
    old = new = seed
    while last:
        level += 1
        sibling = hashlib.sha256(f"node {level}".encode()).digest()
        if first & 1 or first == last:
            old, new = node(sibling, old), node(sibling, new)
            while not first & 1 and first:
                first, last = first >> 1, last >> 1
        else:
            new = node(new, sibling)
        proof.append(sibling)
        first, last = first >> 1, last >> 1
    return proof, old, new


def deploy(web3: Web3, name: str, *arguments) -> object:
    """Deploy one of the committed artifacts from the first account."""
    artifact = json.loads((ROOT / "anchors" / "chain" / "artifacts" / f"{name}.json").read_text(encoding="utf-8"))
    contract = web3.eth.contract(abi=artifact["abi"], bytecode=artifact["bytecode"])
    receipt = web3.eth.wait_for_transaction_receipt(contract.constructor(*arguments).transact())
    return web3.eth.contract(address=receipt["contractAddress"], abi=artifact["abi"])


def sign(registry, log: bytes, struct_type: str, *words: bytes) -> bytes:
    """The EIP-712 signature of the checkpoint key over a structure of 32-byte words (docs/spec/statement.md)."""
    struct = keccak(keccak(struct_type.encode()) + b"".join(words))
    digest = keccak(b"\x19\x01" + registry.functions.domainSeparator(log).call() + struct)
    return bytes(KEY.unsafe_sign_hash(digest).signature)


def set_up(web3: Web3) -> tuple[object, object, bytes]:
    """A registry, a witness and one log with its checkpoint key."""
    web3.eth.default_account = web3.eth.accounts[0]
    registry = deploy(web3, "InstitutionRegistry", web3.eth.accounts[0])
    witness = deploy(web3, "CheckpointWitness", registry.address)
    registry.functions.admit(OPERATOR, [b"operator".ljust(32, b"\0")], bytes(32)).transact()
    registry.functions.openLog(ORIGIN, OPERATOR).transact()
    log = keccak(ORIGIN.encode())
    purpose = b"checkpoint".ljust(32, b"\0")
    address = bytes(12) + bytes.fromhex(KEY.address[2:])
    consent_type = "KeyConsent(bytes32 institution,bytes32 log,bytes32 purpose,address key)"
    consent = sign(registry, log, consent_type, OPERATOR, log, purpose, address)
    registry.functions.addKey(OPERATOR, log, purpose, KEY.address, bytes(32), consent).transact()
    return registry, witness, log


def move(web3: Web3, registry, witness, log: bytes, old_size: int, new_size: int, root: bytes, proof: list[bytes]):
    """One witness transaction; its receipt."""
    words = (log, new_size.to_bytes(32, "big"), root)
    signature = sign(registry, log, "Checkpoint(bytes32 log,uint64 size,bytes32 root)", *words)
    sent = witness.functions.witness(log, old_size, new_size, root, proof, signature).transact()
    return web3.eth.wait_for_transaction_receipt(sent)


def measure(old_size: int, new_size: int) -> tuple[int, int, Counter]:
    """(hashes in the proof, gas of the whole transaction, gas by part) of a second head."""
    with local_chain() as web3:
        registry, witness, log = set_up(web3)
        proof, old_root, new_root = sparse_proof(old_size, new_size)
        move(web3, registry, witness, log, 0, old_size, old_root, [])
        receipt = move(web3, registry, witness, log, old_size, new_size, new_root, proof)
        if receipt["status"] != 1:
            raise SystemExit(f"the move from {old_size} to {new_size} was refused")
        return len(proof), receipt["gasUsed"], breakdown(web3, receipt)


def breakdown(web3: Web3, receipt) -> Counter:
    """The gas of a transaction by part, from its steps. A call's own cost is what its callee did not use."""
    data = bytes(web3.eth.get_transaction(receipt["transactionHash"])["input"])
    zeros = data.count(0)
    parts = Counter({"transaction base": 21_000, "calldata": 4 * zeros + 16 * (len(data) - zeros)})
    trace = web3.provider.make_request("debug_traceTransaction", [receipt["transactionHash"].to_0x_hex(), {}])
    steps = trace["result"]["structLogs"]
    for step, after in zip(steps, [*steps[1:], None], strict=True):
        parts[part_of(step)] += cost_of(step, after, steps)
    parts["all other steps"] += receipt["gasUsed"] - sum(parts.values())
    return parts


def part_of(step: dict) -> str:
    operation = step["op"]
    if operation == "STATICCALL":
        target = int(step["stack"][-2], 16)
        return {1: "signature: recover", 2: "proof: SHA-256 calls"}.get(target, "registry: the call")
    if operation == "SLOAD":
        return "registry: three slots" if step["depth"] > 1 else "head: two slots read"
    names = {"SSTORE": "head and history: slots written", "LOG3": "event"}
    return names.get(operation, "all other steps")


def cost_of(step: dict, after: dict | None, steps: list[dict]) -> int:
    """Gas of one step. For a call into code it is what is charged before the callee starts."""
    if step["op"] == "STATICCALL" and after is not None and after["depth"] > step["depth"]:
        index = next(i for i, other in enumerate(steps) if other is step)
        back = next(other for other in steps[index + 1 :] if other["depth"] == step["depth"])
        last = [other for other in steps[index + 1 :] if other["depth"] > step["depth"]][-1]
        return step["gas"] - back["gas"] - (after["gas"] - (last["gas"] - last["gasCost"]))
    if step["op"] == "STATICCALL" and after is not None:
        return step["gas"] - after["gas"]
    return step["gasCost"]


def main() -> int:
    for old_size, new_size in MOVES:
        try:
            hashes, gas, parts = measure(old_size, new_size)
        except (ChainFailed, OSError) as failure:
            print(f"measure_gas: {failure}", file=sys.stderr)
            return 2
        print(f"{old_size:,} -> {new_size:,}: {hashes} hashes, {gas:,} gas")
        for part, used in parts.most_common():
            print(f"  {used:>7,}  {part}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
