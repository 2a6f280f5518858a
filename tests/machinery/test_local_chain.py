"""The local chain survives every kill: whatever had three confirmations is there again after a restart."""

import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from scripts.anvil import ChainFailed, Rpc, RpcError
from scripts.city.service import free_port
from scripts.local_chain import FINALITY_CONFIRMATIONS, LocalChain
from tests.fixtures.availability import missing
from tests.fixtures.chain import funded_accounts

KILLS = 20
BLOCK_SECONDS = 0.1  # many blocks a round, so that many kills fall between a block and its saving

# Deploys a contract whose only code is LOG1 with the caller as topic: `CALLER PUSH1 0 PUSH1 0 LOG1 STOP`.
LOGGING_CONTRACT = "0x663360006000a100600052600760" + "19f3"

# Stores blockhash(number - 1) in slot 0 when it is deployed, and has no code.
REMEMBERING_CONTRACT = "0x60014303405f55" + "00"

RUN_CHAIN = """
import sys, threading
from scripts.local_chain import LocalChain
chain = LocalChain(sys.argv[1], block_seconds=float(sys.argv[2])).start()
print(chain.url, chain.pid, flush=True)
threading.Event().wait()
"""


@dataclass
class Observer:
    """What somebody outside saw and was told is final: blocks by number, with their logs and receipts."""

    final: dict[int, dict[str, Any]] = field(default_factory=dict)
    seen_logs: int = 0

    def look(self, rpc: Rpc) -> None:
        """Remember every block that is final now."""
        tip = int(rpc("eth_blockNumber"), 16)
        for number in range(len(self.final), tip - FINALITY_CONFIRMATIONS + 2):
            self.final[number] = _everything_of(rpc, number)
            self.seen_logs += len(self.final[number]["logs"])

    def compare(self, rpc: Rpc) -> None:
        """All of it must be there unchanged."""
        for number, remembered in self.final.items():
            assert _everything_of(rpc, number) == remembered, f"block {number} was final and is gone or changed"


def _everything_of(rpc: Rpc, number: int) -> dict[str, Any]:
    block = rpc("eth_getBlockByNumber", hex(number), True)
    if block is None:
        return {}
    return {
        "block": block,
        "by hash": rpc("eth_getBlockByHash", block["hash"], True),
        "receipts": [rpc("eth_getTransactionReceipt", one["hash"]) for one in block["transactions"]],
        "logs": rpc("eth_getLogs", {"fromBlock": hex(number), "toBlock": hex(number)}),
    }


def _start_in_another_process(state_dir: Path) -> tuple[subprocess.Popen[str], Rpc, int]:
    command = [sys.executable, "-c", RUN_CHAIN, str(state_dir), str(BLOCK_SECONDS)]
    root = Path(__file__).resolve().parents[2]
    holder = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root)
    assert holder.stdout is not None
    words = holder.stdout.readline().split()
    if not words:
        missing("the local chain does not start here: run scripts/test, which sets it up")
    return holder, Rpc(words[0]), int(words[1])


def _call_and_look_until(moment: float, rpc: Rpc, contract: str, observer: Observer) -> None:
    sender = funded_accounts()[0].address
    while time.monotonic() < moment:
        rpc("eth_sendTransaction", {"from": sender, "to": contract, "gas": hex(100_000)})
        observer.look(rpc)
        time.sleep(0.02)


def _deploy(rpc: Rpc) -> str:
    sender = funded_accounts()[0].address
    name = rpc("eth_sendTransaction", {"from": sender, "data": LOGGING_CONTRACT, "gas": hex(200_000)})
    while (receipt := rpc("eth_getTransactionReceipt", name)) is None:
        time.sleep(0.02)
    while int(rpc("eth_blockNumber"), 16) < int(receipt["blockNumber"], 16) + FINALITY_CONFIRMATIONS - 1:
        time.sleep(0.02)
    return receipt["contractAddress"]


@pytest.mark.alone
@pytest.mark.timeout(180)
def test_no_final_block_is_lost_by_any_kill(tmp_path: Path) -> None:
    chance = random.Random(20)
    observer, contract = Observer(), ""
    for round_number in range(KILLS):
        holder, rpc, node = _start_in_another_process(tmp_path)
        try:
            observer.compare(rpc)
            contract = contract or _deploy(rpc)
            _call_and_look_until(time.monotonic() + chance.uniform(0.2, 0.9), rpc, contract, observer)
        finally:
            # In turn the process that saves, and the node: at any moment, without a warning.
            os.kill(holder.pid if round_number % 2 else node, signal.SIGKILL)
            holder.kill()
            holder.communicate()
    holder, rpc, _ = _start_in_another_process(tmp_path)
    try:
        observer.compare(rpc)
        assert len(observer.final) > 2 * KILLS, "too few final blocks to prove anything"
        assert observer.seen_logs > KILLS, "too few logs to prove anything"
    finally:
        holder.kill()
        holder.communicate()


def test_the_node_dies_with_the_process_that_started_it(tmp_path: Path) -> None:
    holder, rpc, _ = _start_in_another_process(tmp_path)
    holder.kill()
    holder.communicate()
    for _ in range(100):
        try:
            rpc("eth_chainId")
        except OSError:
            return
        time.sleep(0.1)
    pytest.fail("the node still answers")


def test_an_orderly_stop_keeps_every_block(tmp_path: Path) -> None:
    with LocalChain(tmp_path, block_seconds=60) as chain:
        chain.rpc("anvil_mine", hex(5))
        hashes = [chain.rpc("eth_getBlockByNumber", hex(number), False)["hash"] for number in range(6)]
    with LocalChain(tmp_path, block_seconds=60) as chain:
        assert [chain.rpc("eth_getBlockByNumber", hex(number), False)["hash"] for number in range(6)] == hashes
        assert chain.rpc("eth_blockNumber") == "0x7", "two blocks follow, the first empty"


def test_contracts_see_the_right_parent_after_a_restart(tmp_path: Path) -> None:
    sender = funded_accounts()[0].address
    for _ in range(2):
        with LocalChain(tmp_path, block_seconds=60) as chain:
            deployment = {"from": sender, "data": REMEMBERING_CONTRACT, "gas": hex(200_000)}
            name = chain.rpc("eth_sendTransaction", deployment)
            chain.rpc("evm_mine")
            address = chain.rpc("eth_getTransactionReceipt", name)["contractAddress"]
            block = chain.rpc("eth_getBlockByNumber", "latest", False)
            assert chain.rpc("eth_getStorageAt", address, "0x0", "latest") == block["parentHash"]


def test_our_rule_of_finality_is_the_nodes(tmp_path: Path) -> None:
    with LocalChain(tmp_path, block_seconds=60) as chain:
        chain.rpc("anvil_mine", hex(9))
        final = chain.rpc("eth_getBlockByNumber", "finalized", False)
    assert int(final["number"], 16) == 9 - FINALITY_CONFIRMATIONS + 1


def test_one_folder_has_one_chain(tmp_path: Path) -> None:
    with LocalChain(tmp_path), pytest.raises(ChainFailed, match="another process"):
        LocalChain(tmp_path).start()


def test_as_a_command_it_asks_no_fees_and_ends_in_order(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "scripts.local_chain", str(tmp_path), str(free_port())]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        rpc = Rpc(process.stdout.readline().split("answers on ")[1].split(";")[0])
        assert rpc("eth_gasPrice") == "0x0"
        process.terminate()
        assert process.wait(60) == 0
    assert (tmp_path / "chain.json.gz").exists()


def test_a_damaged_snapshot_is_refused_and_kept(tmp_path: Path) -> None:
    with LocalChain(tmp_path):
        pass
    snapshot = tmp_path / "chain.json.gz"
    damaged = snapshot.read_bytes()[:-20]
    snapshot.write_bytes(damaged)
    with pytest.raises(ChainFailed, match="ended"):
        LocalChain(tmp_path).start()
    assert snapshot.read_bytes() == damaged


def test_a_dead_node_is_reported(tmp_path: Path) -> None:
    chain = LocalChain(tmp_path, block_seconds=0.1).start()
    os.kill(chain.pid, signal.SIGKILL)
    deadline = time.monotonic() + 20
    with pytest.raises(ChainFailed):
        while time.monotonic() < deadline:
            chain.check()
            time.sleep(0.05)


def test_the_nodes_refusal_is_an_error(tmp_path: Path) -> None:
    with LocalChain(tmp_path) as chain, pytest.raises(RpcError, match="eth_nonsense"):
        chain.rpc("eth_nonsense")
