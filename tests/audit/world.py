"""A ledger made in this process by the service's own use cases, so that a test decides what happens when."""

import sqlite3
import time
from dataclasses import dataclass
from pathlib import Path

import msgspec
from sqlalchemy import Connection, Engine, select

from anchors.chain.block_capture import EthereumBlockProofs
from anchors.chain.ethereum import EthereumChain
from anchors.chain.sender import EthereumWitnessSender
from anchors.chain.transactions import Transactions
from anchors.core.encoding import encode_hex
from anchors.core.errors import MalformedInput
from anchors.core.promise import Receipt, accepted_hash
from anchors.core.trust import Finality, Trust
from ledger_service.kinds import KINDS
from ledger_service.originals import TrustedOrigins
from ledger_service.problems import Refused
from ledger_service.storage import schema
from ledger_service.storage.audit_rows import open_audit_rows
from ledger_service.storage.chain_view import SqlChainView
from ledger_service.storage.database import begin_writing, open_database
from ledger_service.storage.head_proofs import SqlHeadProofs
from ledger_service.storage.identity import LogIdentity, claim_log
from ledger_service.storage.ledger import SqlLedger
from ledger_service.storage.links import encode_links
from ledger_service.storage.outbox import SqlOutbox
from ledger_service.storage.packed_entry import pack_entry
from ledger_service.storage.tree import SqlTree
from ledger_service.usecases.accept import Accepted, Door
from ledger_service.usecases.audit import Audit, AuditResult, Finding
from ledger_service.usecases.check import read_parts
from ledger_service.usecases.follow import Follower
from ledger_service.usecases.integrate import Integrator
from ledger_service.usecases.ports import Stream, digest_prefixes
from ledger_service.usecases.prove_heads import HeadProver
from ledger_service.usecases.submission import content_of, decode_parts, read_submission
from ledger_service.usecases.witness import Witnesser
from scripts.city.founding import City
from tests.fixtures.chain import ScratchChain
from tests.fixtures.ledger import FINALITY_BLOCKS, found_small_city
from tests.fixtures.other_log import OtherLog
from tests.fixtures.signer import Signed, Signer

PROMISE_SECONDS = 600
ORIGINALS = TrustedOrigins([OtherLog().trust()])


@dataclass
class World:
    """One log of a small city. `grow` lets its institutions act; `settle` brings all of it under a final head."""

    chain: ScratchChain
    city: City
    database: str
    engine: Engine

    def __post_init__(self) -> None:
        city, log = self.city, self.city.domain.log
        self.node = EthereumChain(self.chain.url, city.deployment.registry, city.deployment.witness)
        self.tree, self.view, self.ledger = SqlTree(self.engine), SqlChainView(self.engine, log), SqlLedger(self.engine)
        identity = self.node.identity()
        registry, witness = city.deployment.registry, city.deployment.witness
        claim_log(self.engine, LogIdentity(city.origin, identity.chain_id, identity.genesis, registry, witness))
        sender = EthereumWitnessSender(self.chain.url, witness, city.operator.relay)
        outbox = SqlOutbox(self.engine)
        now = lambda: int(time.time())  # noqa: E731
        self.follower = Follower(
            self.node, self.view, registry, city.deployment.block_number, Finality(FINALITY_BLOCKS)
        )
        self.integrator = Integrator(self.tree, city.origin, city.domain, city.note_key, city.operator.checkpoint, now)
        proofs = EthereumBlockProofs(self.chain.url, witness)
        self.prover = HeadProver(proofs, SqlHeadProofs(self.engine, log), time.monotonic)
        transactions = Transactions(self.node, sender, outbox, now)
        self.witnesser = Witnesser(self.node, transactions, self.tree, self.view, log)
        self.door = Door(self.ledger, city.domain, city.operator.receipt, PROMISE_SECONDS, now, ORIGINALS)
        self.signers = [Signer(city.domain, item.code, item.secret) for item in city.institutions]
        self.story: list[Signed] = []
        self.follower.run_once()

    def submit(self, *statements: Signed) -> list[int]:
        """Have statements accepted by the door, and give their indexes."""
        body = msgspec.json.encode({"origin": self.city.origin, "statements": [item.wire for item in statements]})
        request = self.door.check(read_submission(body, self.city.origin).statements)
        results = self.door.commit([request])[0].results
        assert all(isinstance(item, Accepted) for item in results), results
        return [item.index for item in results]

    def count_number(self, signed: Signed) -> None:
        """Have the index count a statement in its key's stream."""
        key = signed.entry.signer(self.city.domain)
        with self.ledger.sequencing() as transaction:
            stream = transaction.streams([key]).get(key, Stream())
            following = Stream(signed.sequence + 1, max(stream.observed_size, self._size_of(signed)))
            transaction.append([], {key: following}, {}, [])

    def ledger_sequence(self, signer: Signer) -> int:
        """The next number of a signer's stream as the ledger has it."""
        with self.ledger.sequencing() as transaction:
            return transaction.streams([signer.key]).get(signer.key, Stream()).next_sequence

    def _size_of(self, signed: Signed) -> int:
        observed = signed.entry.statement.observed
        return next((event.new_size for event in self.view.heads(None, 100) if event.witness_id == observed), 0)

    def slip_in(self, signed: Signed) -> int:
        """Put a statement into the log past the door, as an operator could who has the receipt key; give its index.

        Its row is as the door would write it; subjects and streams are left as they are."""
        with begin_writing(self.engine) as connection:
            index, now = connection.execute(select(schema.log.c.size)).scalar_one(), int(time.time())
            receipt = Receipt(accepted_hash([(signed.id, index)]), now, now + PROMISE_SECONDS)
            signature = receipt.sign(self.city.domain, self.city.operator.receipt)
            parts = msgspec.json.encode(signed.wire["parts"])
            links, sha256, sm3 = self._derived(connection, signed, parts)
            row = (index, pack_entry(signed.entry.to_bytes()), signed.id, self._signer(signed), links, sha256, sm3)
            connection.execute(schema.entries.insert().values(row))
            connection.execute(schema.contents.insert().values(position=index, parts=parts))
            connection.execute(
                schema.receipts.insert().values(
                    first=index,
                    last=index,
                    positions=index.to_bytes(8, "big"),
                    accepted_at=receipt.accepted_at,
                    witness_by=receipt.witness_by,
                    signature=signature,
                )
            )
            connection.execute(schema.log.update().values(size=index + 1))
        return index

    def _signer(self, signed: Signed) -> bytes:
        return signed.entry.signer(self.city.domain)

    def _derived(self, connection: Connection, signed: Signed, parts: bytes) -> tuple[str, bytes | None, bytes | None]:
        """Links, and how the document's digests begin; nothing where the content breaks a rule of its kind."""
        try:
            statement = signed.entry.statement
            said = read_parts(KINDS[statement.kind], content_of(decode_parts(parts)), statement.issued_at)
        except (Refused, MalformedInput, KeyError):
            return "{}", None, None
        if said.original is not None:
            return encode_links({"original": said.original.index}), None, None
        query, targets = select(schema.entries.c.position), {}
        for rel, id in said.links:
            position = connection.execute(query.where(schema.entries.c.id == id)).scalar()
            if position is not None:
                targets[rel] = position
        return encode_links(targets), *digest_prefixes(said.digests)

    def tell_story(self, number: int = 0) -> list[Signed]:
        """Eleven statements of all ten kinds, by three institutions."""
        issuer, visited, third = (self.signers[(number + step) % 4] for step in (0, 1, 2))
        issued = issuer.issued()
        opened = visited.granted(issued)
        amended = issuer.amended(issued)
        urgent = third.emergency(amended)
        ordered = third.repeat_ordered(urgent, amended)
        repeated = third.issued()
        story = [issued, opened, visited.recognised(opened, issued), visited.denied(issued), amended, urgent]
        # The numbers of each stream follow the order of the calls above.
        story += [visited.declined(opened, issued), ordered, repeated, third.repeat_resulted(ordered, repeated)]
        self.story = [*story, issuer.withdrawn(amended)]
        return self.story

    def integrate(self) -> int:
        """Sign checkpoints until everything is under one, and give its size."""
        while self.integrator.run_once():
            pass
        return self.tree.newest_checkpoint().size

    def witness(self) -> None:
        """Have the newest checkpoint witnessed, and wait until that is final and followed."""
        sent = self.witnesser.run_once()
        if sent:
            self.chain.receipt(encode_hex(sent.hash))
        self.chain.mine(FINALITY_BLOCKS)
        self.follower.run_once()
        self.prover.run_once()
        self.witnesser.run_once()
        head = self.view.newest_head(final=True)
        for signer in self.signers:
            signer.observed = head.witness_id

    def settle(self) -> None:
        """Everything that was accepted becomes final."""
        self.integrate()
        self.witness()

    def trust(self) -> Trust:
        """The trust file as of now."""
        return self.city.trust(self.node, Finality(FINALITY_BLOCKS))

    def audit(
        self,
        database: str | None = None,
        *,
        trust: Trust | None = None,
        first: bool = False,
        originals: TrustedOrigins | None = None,
    ) -> AuditResult:
        """Audit the database, or a copy of it, against the chain."""
        trust = trust or self.trust()
        begin = self.city.deployment.block_number
        audit = Audit(self.node, trust, trust.logs[0], begin, stop_at_first=first, originals=originals)
        audit.read_chain()
        with open_audit_rows(database or self.database) as rows:
            return audit.run(rows)


def make_world(chain: ScratchChain, database: str) -> World:
    """A city with an empty log."""
    return World(chain, found_small_city(chain), database, open_database(database))


def copy_database(world: World, folder: Path) -> Path:
    """A copy of an SQLite database as of now."""
    path = folder / "copy.sqlite"
    with sqlite3.connect(world.database.removeprefix("sqlite:///")) as source, sqlite3.connect(path) as copy:
        source.backup(copy)
    return path


def change(path: Path, *commands: str | tuple[str, tuple]) -> str:
    """Change an SQLite database by SQL, and give its URL."""
    with sqlite3.connect(path) as connection:
        for command in commands:
            statement, values = (command, ()) if isinstance(command, str) else command
            assert connection.execute(statement, values).rowcount > 0, f"nothing changed: {statement}"
    return f"sqlite:///{path}"


def read(path: Path, query: str, *values: object) -> tuple:
    """One row of an SQLite database."""
    with sqlite3.connect(path) as connection:
        row = connection.execute(query, values).fetchone()
    assert row is not None, query
    return row


def flipped(data: bytes, offset: int, bit: int = 0) -> bytes:
    """The bytes with one bit changed, by default the lowest of the one at `offset`."""
    return data[:offset] + bytes((data[offset] ^ 1 << bit,)) + data[offset + 1 :]


def place(finding: Finding | None) -> tuple[str, str, str]:
    """The row that a finding names, and what differs."""
    assert finding is not None, "the audit found nothing"
    return finding.table, finding.key, finding.what
