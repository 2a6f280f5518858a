"""The steps at which the service is made to die, and the wrappers that make it die there.

The product knows nothing of them: in the process that is to be killed, the methods of the ports are wrapped before the
service is composed. A test names a step in the file `order`; the process that reaches it writes the file `reached` and
kills itself, so that the file and the signal together prove where it ended.

    before                   the call is entered, nothing has happened
    before-commit            everything is written, in a transaction that is not committed
    after-commit             the database has it, the process does not know: no memory is changed, nothing is answered
    persisted-but-failed     the same, but the process lives on and is told that the write failed
"""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from anchors.chain.ethereum import EthereumChain
from anchors.chain.port import ChainUnavailable
from anchors.chain.sender import EthereumWitnessSender
from ledger_service.storage import database, finder
from ledger_service.storage.chain_view import SqlChainView
from ledger_service.storage.ledger import SqlLedger, SqlSequencing
from ledger_service.storage.outbox import SqlOutbox
from ledger_service.storage.tree import SqlTree
from ledger_service.usecases.ports import StoreUnavailable

WRITES = {
    "integrate/checkpoint": (SqlTree, "add_checkpoint"),
    "witness/outbox": (SqlOutbox, "add"),
    "witness/settled": (SqlOutbox, "close"),
    "follow/blocks": (SqlChainView, "add"),
    "follow/roll-back": (SqlChainView, "roll_back"),
}
"""Writes of one call each, by the name of their step."""

CALLS = {
    "integrate/read": (SqlTree, "entries"),
    "witness/sign": (EthereumWitnessSender, "sign"),
    "witness/broadcast": (EthereumWitnessSender, "broadcast"),
    "witness/receipt": (EthereumWitnessSender, "receipt"),
    "follow/tip": (EthereumChain, "tip"),
    "follow/events": (EthereumChain, "witness_events"),
}
"""Calls that write nothing here, by the name of their step."""

AROUND_WRITE = ("before", "before-commit", "after-commit", "persisted-but-failed")
ACCEPT = ("before", "before-write", "before-commit", "after-commit", "persisted-but-failed", "after-answer")
STEPS = (
    *(f"accept/{moment}" for moment in ACCEPT),
    *(f"{name}/{moment}" for name in WRITES for moment in AROUND_WRITE),
    *(f"{name}/{moment}" for name in CALLS for moment in ("before", "after")),
    "witness/broadcast/sent-but-failed",
)
"""All of them. `accept/after-answer` is reached by the sender, who has the answer in hand when the service dies."""


class Orders:
    """What the test orders and the process reports, in a folder that both see."""

    def __init__(self, folder: Path):
        self._order = folder / "order"
        self._reached = folder / "reached"

    def give(self, step: str) -> None:
        """From now on, die (or fail) at this step."""
        self._reached.unlink(missing_ok=True)
        self._order.write_text(step, "utf-8")

    def take_back(self) -> None:
        """Nobody dies any more."""
        self._order.unlink(missing_ok=True)

    def reached(self) -> str:
        """The step that was reached since the last order; empty where none was."""
        return self._reached.read_text("utf-8") if self._reached.exists() else ""

    def meets(self, step: str) -> bool:
        """Whether the process that asks has reached the ordered step. It is reached once."""
        with suppress(FileNotFoundError):
            if self._order.read_text("utf-8") == step:
                self._order.unlink()
                self._reached.write_text(step, "utf-8")
                return True
        return False

    def die_at(self, step: str) -> None:
        """End this process, as a power failure would, if it is to end here."""
        if self.meets(step):
            os.kill(os.getpid(), signal.SIGKILL)


_writing = threading.local()


def wrap_ports(folder: Path) -> None:
    """Make this process die as it is told in `folder`. What is wrapped stays wrapped: call it in a child process.

    On SQLite each accepting is large enough to write a batch of prefixes, so it dies in the middle of one too."""
    orders = Orders(folder)
    finder.BATCH_ENTRIES, finder.SLICES = 1, 2
    _wrap_commit(orders)
    _wrap_sequencing(orders)
    for name, (owner, method) in WRITES.items():
        setattr(owner, method, _write(orders, name, getattr(owner, method)))
    for name, (owner, method) in CALLS.items():
        setattr(owner, method, _call(orders, name, getattr(owner, method)))


def _wrap_commit(orders: Orders) -> None:
    real = database._end

    def end(connection: Any, how: str) -> None:
        name = getattr(_writing, "name", "")
        if how == "COMMIT":
            orders.die_at(f"{name}/before-commit")
        real(connection, how)
        if how == "COMMIT":
            orders.die_at(f"{name}/after-commit")

    database._end = end


@contextmanager
def _named(name: str) -> Iterator[None]:
    _writing.name = name
    try:
        yield
    finally:
        _writing.name = ""


def _wrap_sequencing(orders: Orders) -> None:
    real, real_append = SqlLedger.sequencing, SqlSequencing.append

    @contextmanager
    def sequencing(self: SqlLedger) -> Iterator[SqlSequencing]:
        orders.die_at("accept/before")
        with _named("accept"), real(self) as transaction:
            yield transaction
        if orders.meets("accept/persisted-but-failed"):
            raise StoreUnavailable("database: the connection broke (made by the test)")

    def append(self: SqlSequencing, *arguments: Any) -> None:
        orders.die_at("accept/before-write")
        real_append(self, *arguments)

    SqlLedger.sequencing, SqlSequencing.append = sequencing, append


def _write(orders: Orders, name: str, real: Callable) -> Callable:
    def write(*arguments: Any, **named: Any) -> Any:
        orders.die_at(f"{name}/before")
        with _named(name):
            result = real(*arguments, **named)
        if orders.meets(f"{name}/persisted-but-failed"):
            raise StoreUnavailable("database: the connection broke (made by the test)")
        return result

    return write


def _call(orders: Orders, name: str, real: Callable) -> Callable:
    def call(*arguments: Any, **named: Any) -> Any:
        orders.die_at(f"{name}/before")
        result = real(*arguments, **named)
        orders.die_at(f"{name}/after")
        if orders.meets(f"{name}/sent-but-failed"):
            raise ChainUnavailable("the node's answer was lost (made by the test)")
        return result

    return call
