"""One log in process: real use cases over a real database, on the chain that keeps the contracts' rules in memory."""

import time
from dataclasses import dataclass, field

import msgspec
from sqlalchemy import select

from anchors.chain.acts import Admit, OpenLog, RevokeKey, add_key
from anchors.chain.port import ChainUnavailable
from anchors.chain.transactions import Transactions
from anchors.core.note import SignerKey
from anchors.core.registry import Purpose
from anchors.core.trust import Finality
from anchors.core.typed_data import Domain, log_id
from ledger_service.storage import schema
from ledger_service.storage.chain_view import SqlChainView
from ledger_service.storage.database import open_database
from ledger_service.storage.identity import LogIdentity, claim_log
from ledger_service.storage.ledger import SqlLedger
from ledger_service.storage.outbox import SqlOutbox
from ledger_service.storage.tree import SqlTree
from ledger_service.usecases.accept import Accepted, Door, NotAccepted
from ledger_service.usecases.follow import Follower
from ledger_service.usecases.integrate import Integrator
from ledger_service.usecases.submission import read_submission
from ledger_service.usecases.witness import Witnesser
from tests.fakes.chain import REGISTRY, WITNESS, FakeChain, FakeSender
from tests.fixtures.signer import Signer
from tests.ports.chain_world import secret

ORIGIN = "ledger.example/in-process"
OPERATOR, HOSPITAL = "SAMPLE-OPERATOR", "SAMPLE-HOSPITAL"


@dataclass
class Clock:
    """Time in the hands of the test, Unix seconds."""

    seconds: int = field(default_factory=lambda: int(time.time()))

    def __call__(self) -> int:
        return self.seconds


@dataclass
class InProcessLedger:
    """Everything of one log, without HTTP and without threads."""

    url: str
    finality_blocks: int | None = 1
    chain: FakeChain = field(default_factory=FakeChain)
    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        self.domain = Domain(self.chain.chain_id, REGISTRY, log_id(ORIGIN))
        self.engine = open_database(self.url)
        identity = self.chain.identity()
        claim_log(self.engine, LogIdentity(ORIGIN, identity.chain_id, identity.genesis, REGISTRY, WITNESS))
        self.tree, self.view = SqlTree(self.engine), SqlChainView(self.engine, self.domain.log)
        self.outbox = SqlOutbox(self.engine)
        self.sender = FakeSender(self.chain, secret("payer"))
        self.follower = Follower(self.chain, self.view, REGISTRY, 0, Finality(self.finality_blocks))
        self.door = Door(SqlLedger(self.engine), self.domain, secret("receipt"), 600, self.clock)
        note = SignerKey(ORIGIN, secret("note"))
        self.integrator = Integrator(self.tree, ORIGIN, self.domain, note, secret("checkpoint"), self.clock)
        transactions = Transactions(self.chain, self.sender, self.outbox, self.clock)
        self.witnesser = Witnesser(self.chain, transactions, self.tree, self.view, self.domain.log)

    def found(self) -> Signer:
        """Admit an operator and a hospital; the hospital's signer."""
        self.chain.perform(
            Admit(OPERATOR, ("operator",)),
            Admit(HOSPITAL, ("hospital",)),
            OpenLog(ORIGIN, OPERATOR),
            add_key(self.domain, OPERATOR, Purpose.CHECKPOINT, secret("checkpoint")),
            add_key(self.domain, HOSPITAL, Purpose.STATEMENT, secret("hospital")),
        )
        return Signer(self.domain, HOSPITAL, secret("hospital"))

    def revoke(self, key: bytes, end_sequence: int) -> RevokeKey:
        """The act that revokes a key."""
        return RevokeKey(key, end_sequence)

    def submit(self, *items: dict) -> list[Accepted | NotAccepted]:
        """The results for statements in their wire form."""
        body = msgspec.json.encode({"origin": ORIGIN, "statements": list(items)})
        checked = self.door.check(read_submission(body, ORIGIN).statements)
        return list(self.door.commit([checked])[0].results)

    def outcomes(self) -> list[str | None]:
        """How the transactions of the outbox ended, in the order in which they were signed; None: not yet."""
        with self.engine.connect() as connection:
            return list(connection.execute(select(schema.outbox.c.outcome).order_by(schema.outbox.c.id)).scalars())

    def lose_connection_while_reading(self) -> None:
        """The next run of the follower finds the tip, and then no events."""
        real = self.chain.registry_events

        def fail(first_block: int, last_block: int) -> list:
            self.chain.registry_events = real
            raise ChainUnavailable(f"no answer for {first_block} to {last_block} (made by the test)")

        self.chain.registry_events = fail
