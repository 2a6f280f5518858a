"""What the suites of the transaction manager run on: a real node with the real contracts, the proxy before it, a real
outbox, and the use case that the witness worker runs.

    anchorage.grow(5)              the log has five entries more
    anchorage.run_once()           one run of the worker; what it sent, if anything
    anchorage.run_until_final()    runs and makes blocks until the newest head is final and nothing is open
    anchorage.full_blocks(3)       blocks in which no transaction fits
    anchorage.restart()            a new process on the same database
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select

from anchors.chain.ethereum import EthereumChain
from anchors.chain.port import WitnessEvent
from anchors.chain.sender import EthereumWitnessSender
from anchors.chain.transactions import MOST_WEI, OutgoingTransaction, Transactions
from anchors.core.encoding import keccak256
from anchors.core.merkle import leaf_hash
from ledger_service.storage import schema
from ledger_service.storage.database import open_database
from ledger_service.storage.outbox import SqlOutbox
from ledger_service.usecases.ports import ChainStatus, Fence, SignedCheckpoint
from ledger_service.usecases.witness import Witnesser
from tests.faults.rpc_proxy import RpcProxy
from tests.fixtures.chain import ScratchChain
from tests.ports.chain_world import AnvilWorld, Leaves, SampleLog
from tests.usecases.world import Clock

RELAY = 1
ENTRIES = [keccak256(number.to_bytes(8, "big")) * 9 + b"\0" for number in range(64)]
"""As long as entries are; nobody reads them here."""
LEAVES = Leaves([leaf_hash(entry) for entry in ENTRIES])
MOST_RUNS = 60
SECONDS_A_RUN = 2


class GrowingLog:
    """A `Tree` and a `ChainView`, as far as the witness worker asks: the log has as many entries as the test says, and
    the chain was followed to its tip."""

    def __init__(self, anchorage: "Anchorage"):
        self._anchorage = anchorage

    def size(self) -> int:
        """How many entries there are."""
        return self._anchorage.size

    def entries(self, begin: int, end: int) -> list[bytes]:
        """See `ports.Tree`."""
        return ENTRIES[: self.size()][begin:end]

    def newest_checkpoint(self) -> SignedCheckpoint:
        """A checkpoint over all entries."""
        return self.checkpoint_at(self.size())

    def checkpoint_at(self, size: int) -> SignedCheckpoint:
        """See `ports.Tree`; every size was signed once."""
        call = self._anchorage.log.call(0, size)
        return SignedCheckpoint(size, call.new_root, b"", call.signature, 0)

    def status(self) -> ChainStatus:
        """See `ports.ChainView`."""
        tip = self._anchorage.log.world.chain.tip()
        return ChainStatus(tip, tip.number - self._anchorage.confirmations + 1)

    def newest_head(self) -> WitnessEvent | None:
        """See `ports.ChainView`."""
        chain, log = self._anchorage.log.world.chain, self._anchorage.log.id
        events = chain.witness_events(0, chain.tip().number)
        return next((event for event in reversed(events) if event.log == log), None)


@dataclass
class Anchorage:
    """One log, one relay account, one outbox."""

    scratch: ScratchChain
    database: str
    proxy: RpcProxy
    confirmations: int = 1
    urls: Sequence[str] = ()
    secret: bytes = b""
    most_wei: int = MOST_WEI
    timeout_seconds: float = 5.0
    fence: Fence | None = None
    log: SampleLog | None = None
    size: int = 0
    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        if self.log is None:
            self.log = SampleLog(AnvilWorld(self.scratch), leaves=LEAVES).set_up()
        self.secret = self.secret or bytes(self.scratch.accounts[RELAY].key)
        self.engine = open_database(self.database)
        self.restart()

    def restart(self) -> None:
        """A new process: everything that was only remembered is gone."""
        world, urls = self.log.world, self.urls or [self.proxy.url]
        self.chain = EthereumChain(urls, world.registry, world.witness, self.timeout_seconds)
        self.sender = EthereumWitnessSender(urls, world.witness, self.secret, self.timeout_seconds)
        self.outbox = SqlOutbox(self.engine, self.fence)
        transactions = Transactions(self.chain, self.sender, self.outbox, self.clock, self.most_wei)
        grown = GrowingLog(self)
        self.witnesser = Witnesser(self.chain, transactions, grown, grown, self.log.id)

    # The worker

    def grow(self, entries: int = 1) -> None:
        """The log's newest checkpoint has so many entries more."""
        self.size += entries

    def run_once(self) -> OutgoingTransaction | None:
        """One run of the worker, some seconds after the one before."""
        self.clock.seconds += SECONDS_A_RUN
        return self.witnesser.run_once()

    def run_until_final(self) -> None:
        """Runs, and a block after each, until nothing is open."""
        for _ in range(MOST_RUNS):
            self.run_once()
            self.scratch.mine()
            if self.head == self.size and not self.outbox.open():
                return
        raise AssertionError(f"head {self.head} of {self.size}, outbox {self.outcomes()}")

    def pass_time(self, seconds: int, runs: int = 1) -> None:
        """Time passes, then the worker runs."""
        for _ in range(runs):
            self.clock.seconds += seconds
            self.run_once()

    # The chain

    @property
    def head(self) -> int:
        """The size that the contract holds."""
        return EthereumChain(self.scratch.url, b"\0" * 20, self.log.world.witness).head(self.log.id).size

    def heads(self) -> list[tuple[int, int]]:
        """All moves of the head that are in the chain."""
        events = self.log.world.chain.witness_events(0, self.scratch.height)
        return [(event.old_size, event.new_size) for event in events]

    def full_blocks(self, number: int) -> None:
        """Blocks in which no transaction fits; those that wait go on waiting."""
        limit = self.scratch.rpc("eth_getBlockByNumber", "0x0", False)["gasLimit"]
        self.scratch.rpc("evm_setBlockGasLimit", "0x1")
        self.scratch.mine(number)
        self.scratch.rpc("evm_setBlockGasLimit", limit)

    def waiting(self) -> list[str]:
        """The hashes that wait in the node's pool."""
        content = self.scratch.rpc("txpool_content")
        found = [each for state in content.values() for account in state.values() for each in account.values()]
        return [each["hash"] for each in found]

    def receipts_of(self, *sent: OutgoingTransaction) -> list[bool]:
        """Of each whether it is mined."""
        receipt = "eth_getTransactionReceipt"
        return [self.scratch.rpc(receipt, f"0x{each.hash.hex()}") is not None for each in sent]

    def foreign_raw(self, nonce: int, fee: int | None = None) -> str:
        """Somebody else's transaction of the same account, at three times the price where `fee` does not say."""
        account = self.scratch.accounts[RELAY]
        price = 3 * int(self.scratch.rpc("eth_gasPrice"), 16) if fee is None else fee
        fields = {"gas": 21_000, "gasPrice": price, "nonce": nonce, "value": 1, "chainId": self.scratch.chain_id}
        return wire(bytes(account.sign_transaction(fields | {"to": account.address}).raw_transaction))

    def foreign(self, nonce: int, fee: int | None = None) -> str:
        """The same, given to the node past the proxy: its hash."""
        return self.scratch.rpc("eth_sendRawTransaction", self.foreign_raw(nonce, fee))

    # What is stored

    def outcomes(self) -> list[str | None]:
        """How the transactions ended, in the order in which they were signed; None: not yet."""
        with self.engine.connect() as connection:
            return list(connection.execute(select(schema.outbox.c.outcome).order_by(schema.outbox.c.id)).scalars())

    def sent_raws(self) -> list[str]:
        """Every raw transaction that reached the proxy, in order."""
        return [parameters[0] for parameters in self.proxy.asked("eth_sendRawTransaction")]


def warnings_of(records: Sequence[logging.LogRecord]) -> list[str]:
    """What the operator was told."""
    return [record.getMessage() for record in records if record.levelno >= logging.WARNING]


def wire(raw: bytes) -> str:
    """As it stands in a request."""
    return "0x" + raw.hex()


def make_anchorage(chain: ScratchChain, url: str, proxy: RpcProxy, **fields: Any) -> Anchorage:
    """A log of five entries on a chain whose blocks are the test's to make."""
    anchorage = Anchorage(chain, url, proxy, **fields)
    chain.set_automine(False)
    anchorage.grow(5)
    return anchorage
