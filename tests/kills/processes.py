"""The chain as a process that is killed and started again."""

import sys
import threading
import time
from pathlib import Path

from scripts.anvil import ChainFailed
from scripts.local_chain import LocalChain

BLOCK_SECONDS = 0.2


def run_chain(folder: Path, port: int) -> None:
    """A local chain on a port that its predecessor may still be leaving."""
    for _ in range(50):
        try:
            LocalChain(folder, port, BLOCK_SECONDS).start()
            break
        except ChainFailed:
            time.sleep(0.1)
    else:
        sys.exit("the chain does not start")
    threading.Event().wait()
