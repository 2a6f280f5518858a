"""Everything of one log in this process, on a world of tests/ports/chain_world.py: the fake chain or a real node."""

from dataclasses import dataclass, field

import msgspec

from anchors.chain.acts import Admit, OpenLog, RevokeKey, add_key
from anchors.chain.port import ChainUnavailable
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
from ledger_service.storage.reader import SqlReader
from ledger_service.storage.tree import SqlTree
from ledger_service.usecases.accept import Accepted, Door
from ledger_service.usecases.follow import Follower
from ledger_service.usecases.integrate import Integrator
from ledger_service.usecases.log_tiles import LogTiles
from ledger_service.usecases.look_up import LookUp, Standing, State
from ledger_service.usecases.submission import read_submission
from ledger_service.usecases.witness import Witnesser
from tests.fixtures.signer import Signed, Signer
from tests.ports.chain_world import World, secret
from tests.usecases.world import Clock

ORIGIN = "ledger.example/reorganised"
OPERATOR, HOSPITALS = "SAMPLE-OPERATOR", ("SAMPLE-HOSPITAL-1", "SAMPLE-HOSPITAL-2")
PROMISE_SECONDS = 600
MOST_RUNS = 20


@dataclass
class WorldLedger:
    """One log of two hospitals. Its clock stands until a test moves it."""

    world: World
    url: str
    finality: Finality
    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        world, chain, log = self.world, self.world.chain, log_id(ORIGIN)
        self.clock.seconds = chain.tip().timestamp  # the fake chain has a time of its own
        self.domain = Domain(world.chain_id, world.registry, log)
        self.engine = open_database(self.url)
        identity = chain.identity()
        claim_log(self.engine, LogIdentity(ORIGIN, identity.chain_id, identity.genesis, world.registry, world.witness))
        self.tree, self.view = SqlTree(self.engine), SqlChainView(self.engine, log)
        self.outbox = SqlOutbox(self.engine)
        self.follower = Follower(chain, self.view, world.registry, 0, self.finality)
        self.door = Door(SqlLedger(self.engine), self.domain, secret("receipt"), PROMISE_SECONDS, self.clock)
        note = SignerKey(ORIGIN, secret("note"))
        self.integrator = Integrator(self.tree, ORIGIN, self.domain, note, secret("checkpoint"), self.clock)
        transactions = Transactions(chain, world.sender(), self.outbox, self.clock)
        self.witnesser = Witnesser(chain, transactions, self.tree, self.view, log)
        self.look_up = LookUp(SqlReader(self.engine), self.tree, LogTiles(self.tree), self.view, self.clock)
        self.signers = [Signer(self.domain, name, secret(name)) for name in HOSPITALS]

    def found(self) -> None:
        """Admit everybody, and have it final."""
        self.world.perform(
            Admit(OPERATOR, ("operator",)),
            OpenLog(ORIGIN, OPERATOR),
            add_key(self.domain, OPERATOR, Purpose.CHECKPOINT, secret("checkpoint")),
            *(Admit(name, ("hospital",)) for name in HOSPITALS),
            *(add_key(self.domain, name, Purpose.STATEMENT, secret(name)) for name in HOSPITALS),
        )
        self.world.mine(self.finality.blocks or 3)
        self.follower.run_once()

    def submit(self, signed: Signed) -> str:
        """`accepted`, or the code of its problem."""
        body = msgspec.json.encode({"origin": ORIGIN, "statements": [signed.wire]})
        checked = self.door.check(read_submission(body, ORIGIN).statements)
        result = self.door.commit([checked])[0].results[0]
        return "accepted" if isinstance(result, Accepted) else result.refused.problem.code

    def accept(self, signer: Signer) -> Signed:
        """A statement, accepted and integrated."""
        signed = signer.issued()
        assert self.submit(signed) == "accepted"
        self.integrator.run_once()
        return signed

    def witness(self) -> None:
        """Run the worker until the newest checkpoint is witnessed and seen; every transaction makes a block."""
        for _ in range(MOST_RUNS):
            self.clock.seconds += 11
            self.witnesser.run_once()
            self.follow()
            head, newest = self.view.newest_head(), self.tree.newest_checkpoint()
            if newest is not None and head is not None and head.new_size == newest.size:
                return
        raise AssertionError(f"not witnessed in {MOST_RUNS} runs")

    def follow(self) -> None:
        """Go to the tip, also where blocks are made meanwhile."""
        for _ in range(MOST_RUNS):
            try:
                self.follower.run_once()
                return
            except ChainUnavailable as error:
                last = error
        raise last

    def standing(self, signed: Signed) -> Standing:
        """How a statement stands."""
        return self.look_up.statement(signed.id).standing

    def state(self, signed: Signed) -> State:
        """Its state."""
        return self.standing(signed).state

    def revoke(self, signer: Signer) -> None:
        """The administrator revokes a signer's key as of its next number."""
        self.world.perform(RevokeKey(signer.key, signer.sequence))

    def is_sound(self) -> bool:
        """Whether what is stored is what the chain says now."""
        chain, tip = self.world.chain, self.world.chain.tip()
        heads = [event for event in chain.witness_events(0, tip.number) if event.log == self.domain.log]
        return (
            self.view.registry_events() == chain.registry_events(0, tip.number)
            and self.view.heads(None, 1_000) == heads[::-1]
            and self.view.recent_blocks(None, 1) == [tip]
        )
