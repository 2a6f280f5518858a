"""A local chain that keeps its blocks: one block a second, final after three, no final block lost by any kill.

anvil's own `--state` file is written every so often, and in place, so a kill can take back the newest blocks or leave
half a file. Here the order is turned round: anvil mines nothing by itself, and this module's thread repeats

    1. mine block n
    2. write the whole chain up to block n to the disk, and swap it in atomically

so that block n + 1 exists only when block n is safe. Of a chain whose tip is n, all blocks up to n - 1 are on the disk,
whatever is killed and whenever. A block is called final at three confirmations (the tip at least two above it), which
leaves one block to spare. When saving takes longer than a block's time, blocks come later; nothing is lost.

After a restart blocks, transactions, receipts and logs answer as before, under the same hashes, and two blocks follow
them, the first empty. State as of *older* blocks (`eth_call`, `eth_getCode` at a past number) is not kept.

    python -m scripts.local_chain FOLDER PORT

runs one without fees, for rehearsals, until Ctrl-C or SIGTERM.
"""

import contextlib
import fcntl
import gzip
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from scripts.anvil import Anvil, ChainFailed, Rpc, RpcError

FINALITY_CONFIRMATIONS = 3
"""A block is final when the tip's number is at least the block's number + this - 1 (docs/spec/witness.md, States)."""

CHAIN_ID = 31337
MNEMONIC = "test test test test test test test test test test test junk"
"""anvil's public development accounts: worth nothing anywhere else, and known to everybody."""

_SNAPSHOT = "chain.json.gz"
_NO_FEES = ("--gas-price", "0", "--block-base-fee-per-gas", "0", "--disable-min-priority-fee")


class LocalChain:
    """The chain in `state_dir`, running between `start` and `stop`, or inside a `with` block.

    `port`: the port on 127.0.0.1, a free one if None. `block_seconds`: time between blocks, at least. `options`: more
    arguments for anvil. One process at a time may use a `state_dir`. Blocks mined by calls from outside (`evm_mine`)
    are saved with the next block of the rhythm, so nothing is promised for more than one such block in a row.
    """

    def __init__(
        self,
        state_dir: Path | str,
        port: int | None = None,
        block_seconds: float = 1.0,
        chain_id: int = CHAIN_ID,
        options: Sequence[str] = (),
    ) -> None:
        self._state_dir = Path(state_dir)
        self._snapshot = self._state_dir / _SNAPSHOT
        self._block_seconds = block_seconds
        self._load_file = self._state_dir / "loading.json"
        # With one slot an epoch the node's "finalized" tag is the tip - 2: three confirmations, like ours.
        rules = ["--no-mining", "--slots-in-an-epoch", "1", "--chain-id", str(chain_id), "--mnemonic", MNEMONIC]
        self._anvil_options = [*rules, *options]
        self._port = port
        self._anvil: Anvil | None = None
        self._thread: threading.Thread | None = None
        self._ready = threading.Event()
        self._stopping = threading.Event()
        self._failure: Exception | None = None

    @property
    def url(self) -> str:
        """Where the node answers JSON-RPC, `http://127.0.0.1:<port>`."""
        return self._running().url

    @property
    def rpc(self) -> Rpc:
        """A client of the node."""
        return self._running().rpc

    @property
    def pid(self) -> int:
        """The number of the node's process."""
        return self._running().pid

    def start(self) -> Self:
        """Start, continuing from what `state_dir` holds; returns when the node answers. Raises `ChainFailed`."""
        if self._thread is not None:
            raise ChainFailed("this local chain was started before; make a new one to start again")
        self._state_dir.mkdir(parents=True, exist_ok=True)
        self._thread = threading.Thread(target=self._run, name="local-chain", daemon=True)
        self._thread.start()
        self._ready.wait()
        self.check()
        return self

    def stop(self) -> None:
        """Save and end. Does nothing if it does not run. Raises `ChainFailed` if the last blocks were not saved."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()
            self.check()

    def check(self) -> None:
        """Raise `ChainFailed` if the chain ended by itself since `start`."""
        if self._failure is not None:
            raise ChainFailed(f"the local chain in {self._state_dir} ended: {self._failure}") from self._failure

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _running(self) -> Anvil:
        self.check()
        if self._anvil is None or self._stopping.is_set():
            raise ChainFailed("the local chain does not run: start it first")
        return self._anvil

    def _run(self) -> None:
        # anvil is started by this thread because it dies with the thread that started it: if blocks can no longer be
        # saved, no more may be made.
        try:
            with _lock(self._state_dir / "lock"):
                restored = self._snapshot.exists()
                anvil = self._start_anvil()
                try:
                    if restored:
                        _pass_first_block(anvil.rpc)
                    self._save(anvil.rpc)  # the first block's hash names the chain: it must survive too
                    self._anvil = anvil
                    self._ready.set()
                    self._make_blocks(anvil.rpc)
                finally:
                    anvil.stop()
        except (OSError, RpcError, ChainFailed, EOFError, ValueError) as failure:
            self._failure = failure
        finally:
            self._ready.set()

    def _start_anvil(self) -> Anvil:
        options = list(self._anvil_options)
        if self._snapshot.exists():
            self._load_file.write_bytes(_with_one_genesis(gzip.decompress(self._snapshot.read_bytes())))
            options += ["--load-state", str(self._load_file)]
        try:
            return Anvil(self._state_dir / "anvil.log", self._port, options).start()
        finally:
            self._load_file.unlink(missing_ok=True)

    def _make_blocks(self, rpc: Rpc) -> None:
        due = time.monotonic() + self._block_seconds
        while not self._stopping.wait(max(0.0, due - time.monotonic())):
            due = max(due + self._block_seconds, time.monotonic())
            rpc("evm_mine")
            self._save(rpc)
        self._save(rpc)

    def _save(self, rpc: Rpc) -> None:
        snapshot = bytes.fromhex(rpc("anvil_dumpState").removeprefix("0x"))
        unfinished = self._snapshot.with_suffix(".new")
        with unfinished.open("wb") as file:
            file.write(snapshot)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(self._snapshot)
        folder = os.open(self._state_dir, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _pass_first_block(rpc: Rpc) -> None:
    """Make a block in which no transaction fits: in the first block after a restart anvil's BLOCKHASH does not give the
    parent's hash, so nothing may be executed there. A second one brings the gas limit back, which calls go by too.
    Until both are saved the newest block on the disk is the third from the tip: it alone is final."""
    limit = rpc("eth_getBlockByNumber", "0x0", False)["gasLimit"]
    for gas in ("0x1", limit):
        rpc("evm_setBlockGasLimit", gas)
        rpc("evm_mine")


def _with_one_genesis(state: bytes) -> bytes:
    """The state without the first blocks that restarts added.

    anvil makes a new block 0 whenever it starts, before it loads a state, and saves both; loading takes either of them
    for block 0. The oldest is the chain's own. (Two of the same second are the same block.)
    """
    content = json.loads(state)
    first = [block for block in content["blocks"] if int(block["header"]["number"], 16) == 0]
    own = min(first, key=lambda block: int(block["header"]["timestamp"], 16))
    content["blocks"] = [own, *(block for block in content["blocks"] if int(block["header"]["number"], 16) > 0)]
    return json.dumps(content).encode()


@contextlib.contextmanager
def _lock(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ChainFailed("another process runs a local chain there; stop it or choose another folder") from None
        yield


def _main(arguments: Sequence[str]) -> None:
    if len(arguments) != 2 or not arguments[1].isdecimal():
        sys.exit("say: python -m scripts.local_chain FOLDER PORT")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with (
            LocalChain(arguments[0], int(arguments[1]), options=_NO_FEES) as chain,
            contextlib.suppress(KeyboardInterrupt),
        ):
            print(
                f"chain {CHAIN_ID} answers on {chain.url}; HUZHENG_FINALITY=confirmations:{FINALITY_CONFIRMATIONS}",
                flush=True,
            )
            while True:
                chain.check()
                time.sleep(1)
    except ChainFailed as failure:
        sys.exit(str(failure))


if __name__ == "__main__":
    _main(sys.argv[1:])
