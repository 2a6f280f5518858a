"""A log in process on a real chain: its database, its guard, and the hands that move it forward."""

import time
from dataclasses import dataclass, field

import msgspec

from anchors.chain.acts import Admit, OpenLog, add_key
from anchors.chain.ethereum import EthereumChain
from anchors.chain.port import ChainIdentity
from anchors.chain.transactions import Transactions
from anchors.core.note import SignerKey
from anchors.core.registry import Purpose
from anchors.core.trust import Finality
from anchors.core.typed_data import Domain, log_id
from ledger_service.storage.chain_view import SqlChainView
from ledger_service.storage.database import open_database
from ledger_service.storage.identity import LogIdentity, claim_log
from ledger_service.storage.ledger import SqlLedger
from ledger_service.storage.outbox import SqlOutbox
from ledger_service.storage.past import SqlPast
from ledger_service.storage.tree import SqlTree
from ledger_service.usecases.accept import Door
from ledger_service.usecases.follow import Follower
from ledger_service.usecases.guard import Guard
from ledger_service.usecases.integrate import Integrator
from ledger_service.usecases.submission import read_submission
from ledger_service.usecases.witness import Witnesser
from tests.fixtures.signer import Signed, Signer
from tests.ports.chain_world import AnvilWorld, secret

ORIGIN = "ledger.example/rollback"
OPERATOR, HOSPITAL = "SAMPLE-OPERATOR", "SAMPLE-HOSPITAL"
SETTLED_WITHIN_SECONDS = 30


def found(world: AnvilWorld, origin: str = ORIGIN) -> Domain:
    """Open the log on the chain, with an operator and one hospital."""
    domain = Domain(world.chain_id, world.registry, log_id(origin))
    world.perform(
        Admit(OPERATOR, ("operator",)),
        Admit(HOSPITAL, ("hospital",)),
        OpenLog(origin, OPERATOR),
        add_key(domain, OPERATOR, Purpose.CHECKPOINT, secret("checkpoint")),
        add_key(domain, OPERATOR, Purpose.RECEIPT, secret("receipt")),
        add_key(domain, HOSPITAL, Purpose.STATEMENT, secret("hospital")),
    )
    return domain


@dataclass
class AnvilLedger:
    """One database of the log of `domain`. `rpc` may name another node than the world's."""

    world: AnvilWorld
    domain: Domain
    url: str
    rpc: str = ""
    time: float = field(default_factory=time.time)

    def __post_init__(self) -> None:
        world, log = self.world, self.domain.log
        self.engine = open_database(self.url)
        self.chain = EthereumChain(self.rpc or world.scratch.url, world.registry, world.witness)
        found = world.chain.identity()
        self.identity = LogIdentity(ORIGIN, found.chain_id, found.genesis, world.registry, world.witness)
        self.tree, self.view = SqlTree(self.engine), SqlChainView(self.engine, log)
        self.past, self.outbox = SqlPast(self.engine), SqlOutbox(self.engine)
        self.follower = Follower(self.chain, self.view, world.registry, 0, Finality(1))
        self.door = Door(SqlLedger(self.engine), self.domain, secret("receipt"), 600, self._now)
        note = SignerKey(ORIGIN, secret("note"))
        self.integrator = Integrator(self.tree, ORIGIN, self.domain, note, secret("checkpoint"), self._now)
        transactions = Transactions(self.chain, world.sender(), self.outbox, self._now)
        self.witnesser = Witnesser(self.chain, transactions, self.tree, self.view, log)

    def _now(self) -> int:
        return int(time.time())

    def start(self) -> "AnvilLedger":
        """Claim the database, as a first start does, and read the chain."""
        claim_log(self.engine, self.identity)
        self.follower.run_once()
        return self

    def signer(self) -> Signer:
        """The hospital's."""
        return Signer(self.domain, HOSPITAL, secret("hospital"))

    def accept(self, *signed: Signed) -> list[int]:
        """The indexes of these, all of which must be accepted."""
        body = msgspec.json.encode({"origin": ORIGIN, "statements": [item.wire for item in signed]})
        return [
            result.index
            for result in self.door.commit([self.door.check(read_submission(body, ORIGIN).statements)])[0].results
        ]

    def integrate(self) -> None:
        """Bring everything under a checkpoint."""
        while self.integrator.run_once():
            pass

    def witness(self, size: int) -> None:
        """Have the head moved to `size`, final here, with its transaction closed."""
        deadline = time.monotonic() + SETTLED_WITHIN_SECONDS
        while self.chain.head(self.domain.log).size < size or self.outbox.open():
            assert time.monotonic() < deadline, f"the head did not come to {size}"
            self.witnesser.run_once()
            self.world.mine()
            self.follower.run_once()

    def grow(self, signer: Signer, count: int) -> None:
        """Accept so many statements; they are final afterwards."""
        self.accept(*(signer.issued() for _ in range(count)))
        self.integrate()
        self.witness(self.tree.size())

    def guard(self) -> Guard:
        """What a process that starts now would ask."""
        identity = ChainIdentity(self.identity.chain_id, self.identity.genesis)
        contracts = (self.identity.registry, self.identity.witness)
        return Guard(self.chain, self.tree, self.view, self.past, identity, contracts, self.domain.log)

    def close(self) -> None:
        """Close database and node."""
        self.engine.dispose()
        self.chain.close()
