"""One validator: a geth process with a folder, keys and ports of its own, reachable on 127.0.0.1 alone."""

import contextlib
import json
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from eth_account import Account

from anchors.core.encoding import encode_hex
from scripts.anvil import Rpc, die_with_parent
from scripts.city.service import free_port
from scripts.qbft_genesis import ValidatorKey

READY_WITHIN_SECONDS = 60
STOP_WITHIN_SECONDS = 30
CALL_SECONDS = 10
_PASSWORD = "synthetic"
_LIGHT_ROUNDS = 1_000


class Validator:
    """A signer of the Clique chain. Its folder outlives its process: `start` goes on where the last one ended."""

    def __init__(self, number: int, folder: Path, secret: bytes, program: Path, *, free: bool):
        self.number = number
        self.free = free
        self.folder = folder
        self.log_file = folder / "node.log"
        self.key = ValidatorKey(secret, f"127.0.0.1:{free_port()}")
        self._program = program
        self._process: subprocess.Popen[bytes] | None = None
        self.rpc = Rpc(f"http://127.0.0.1:{free_port()}", timeout_seconds=CALL_SECONDS)

    @property
    def url(self) -> str:
        """Where it answers JSON-RPC."""
        return self.rpc.url

    @property
    def address(self) -> str:
        """Its account, 0x and 40 lower-case hex digits."""
        return encode_hex(self.key.address)

    @property
    def is_running(self) -> bool:
        """Whether its process is alive."""
        return self._process is not None and self._process.poll() is None

    @property
    def height(self) -> int:
        """The number of the newest block it has."""
        return int(self.rpc("eth_blockNumber"), 16)

    def block(self, number: int | str) -> dict[str, Any]:
        """A block with its transactions' hashes, by number or tag."""
        return self.rpc("eth_getBlockByNumber", hex(number) if isinstance(number, int) else number, False)

    def prepare(self, genesis: dict[str, Any], peers: Sequence["Validator"]) -> None:
        """Write keys and settings, and the first block into an empty database."""
        keys = self.folder / "data" / "keystore"
        (self.folder / "data" / "geth").mkdir(parents=True)
        keys.mkdir()
        (self.folder / "data" / "geth" / "nodekey").write_text(self.key.secret.hex())
        locked = Account.encrypt(self.key.secret, _PASSWORD, kdf="pbkdf2", iterations=_LIGHT_ROUNDS)
        (keys / "account.json").write_text(json.dumps(locked))
        (self.folder / "password").write_text(f"{_PASSWORD}\n")
        (self.folder / "genesis.json").write_text(json.dumps(genesis))
        (self.folder / "config.toml").write_text(self._config([peer.key.enode for peer in peers if peer is not self]))
        command = [self._program, "--datadir", self.folder / "data", "init", self.folder / "genesis.json"]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        assert done.returncode == 0, f"validator {self.number} takes no such genesis: {done.stderr[-500:]}"

    def start(self) -> None:
        """Start, without waiting."""
        assert not self.is_running
        with self.log_file.open("ab") as log:
            self._process = subprocess.Popen(
                [str(part) for part in (self._program, *self._options())],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=die_with_parent(),
            )

    def wait_ready(self) -> None:
        """Wait until it answers."""
        deadline = time.monotonic() + READY_WITHIN_SECONDS
        while True:
            assert self.is_running, f"validator {self.number} ended by itself: {self.tail()}"
            with contextlib.suppress(OSError):
                self.rpc("eth_blockNumber")
                break
            assert time.monotonic() < deadline, f"validator {self.number} does not answer: {self.tail()}"
            time.sleep(0.05)
        if self.free:  # the flag for it takes no 0
            self.rpc("miner_setGasPrice", "0x0")

    def stop(self) -> None:
        """End it in order."""
        if self.is_running:
            self._process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(STOP_WITHIN_SECONDS)
        self.kill()

    def kill(self) -> None:
        """End it at once, as a power failure of its machine would."""
        if self.is_running:
            self._process.kill()
        if self._process is not None:
            self._process.wait()

    def tail(self) -> str:
        """The end of its log."""
        return self.log_file.read_text("utf-8", "replace")[-800:]

    def part_from(self, other: "Validator") -> None:
        """Neither talks to the other any more, until `meet`."""
        self.rpc("admin_removePeer", other.key.enode)
        other.rpc("admin_removePeer", self.key.enode)

    def meet(self, other: "Validator") -> None:
        """Both look for each other again."""
        self.rpc("admin_addPeer", other.key.enode)
        other.rpc("admin_addPeer", self.key.enode)

    def peers(self) -> set[str]:
        """The public keys of the nodes it talks to now, in hex."""
        return {peer["enode"].removeprefix("enode://").partition("@")[0] for peer in self.rpc("admin_peers")}

    def _config(self, enodes: Sequence[str]) -> str:
        price = ["[Eth.GPO]", "Default = 0", ""] if self.free else []
        lines = ["[Eth]", "NetworkId = 2026", "", *price, "[Node.P2P]", f'ListenAddr = "{self.key.node}"']
        return "\n".join([*lines, "NoDiscovery = true", f"StaticNodes = {json.dumps(list(enodes))}", ""])

    def _options(self) -> list[object]:
        """Archive, because by default geth keeps five minutes of state in memory alone, and a kill takes them back."""
        port = self.url.rpartition(":")[2]
        files = ["--config", self.folder / "config.toml", "--datadir", self.folder / "data", "--ipcdisable"]
        chain = ["--syncmode", "full", "--gcmode", "archive", "--cache", "32", "--nat", "none", "--maxpeers", "10"]
        signer = ["--mine", "--miner.recommit", "1s", "--miner.etherbase", self.address, "--unlock", self.address]
        signer += ["--password", self.folder / "password", "--allow-insecure-unlock"]
        http = ["--http", "--http.addr", "127.0.0.1", "--http.port", port, "--authrpc.port", "0"]
        return [*files, *chain, *signer, *http, "--http.api", "eth,net,web3,txpool,admin,miner,clique"]
