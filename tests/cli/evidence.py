"""A small city made of nothing but the core: keys, a registry, a log of a few statements, trust file and proofs.

Everything is synthetic. A forger builds a `City` of its own with other keys, and everything in it fits together.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from anchors.core.checkpoint import Checkpoint
from anchors.core.content import Content, Part
from anchors.core.merkle import inclusion_proof, leaf_hash, tree_root
from anchors.core.note import SignerKey
from anchors.core.registry import Action, Change, Purpose, Registry, note_key_address
from anchors.core.signature import address_from_secret
from anchors.core.statement import Entry, Statement
from anchors.core.tlog_proof import Extra, TlogProof
from anchors.core.trust import Contract, Finality, Trust, TrustedLog, format_trust
from anchors.core.typed_data import Domain, log_id

ORIGIN = "ledger.example/tests"
HOSPITAL = "SAMPLE-HOSPITAL-01"
OPERATOR = "SAMPLE-OPERATOR"
ISSUED_AT = 1_760_000_000


@dataclass
class Nodes:
    """Hashes of complete subtrees, computed anew from all leaves: slow, small, obvious."""

    leaves: list[bytes]

    def read_nodes(self, nodes: Sequence[tuple[int, int]]) -> list[bytes]:
        return [tree_root(self.leaves[index << level : (index + 1) << level]) for level, index in nodes]


@dataclass
class City:
    """One chain, one log, one hospital. `seed` sets every key apart from another city's."""

    seed: int = 1
    chain_id: int = 31337
    origin: str = ORIGIN
    role: str = "hospital"
    entries: list[Entry] = field(default_factory=list)
    contents: list[Content] = field(default_factory=list)

    def secret(self, name: str) -> bytes:
        return leaf_hash(f"{name} {self.seed}".encode())

    @property
    def registry_address(self) -> bytes:
        return self.secret("registry")[:20]

    @property
    def domain(self) -> Domain:
        return Domain(self.chain_id, self.registry_address, log_id(self.origin))

    @property
    def note_key(self) -> SignerKey:
        return SignerKey(self.origin, self.secret("note"))

    def say(self, text: str = "within the normal range, 正常") -> Entry:
        """One more statement in the log."""
        content = Content.of(
            [
                Part.create("document", {"bytes": 3, "format": "raw", "sha256": "0" * 64, "sm3": "1" * 64}),
                Part.create("note", text),
            ]
        )
        statement = Statement(
            kind="report.issued",
            institution=HOSPITAL,
            subject=leaf_hash(f"report {len(self.entries)}".encode()),
            sequence=len(self.entries),
            issued_at=ISSUED_AT + len(self.entries),
            observed=bytes(32),
            content=content.hash,
        )
        entry = statement.sign(self.domain, self.secret("hospital"))
        self.entries.append(entry)
        self.contents.append(content)
        return entry

    def proof(self, index: int, *, parts_shown: bool = True) -> bytes:
        """The `.tlog-proof` of one statement under the newest checkpoint."""
        leaves = [leaf_hash(entry.to_bytes()) for entry in self.entries]
        checkpoint = Checkpoint(self.origin, len(leaves), tree_root(leaves))
        key = address_from_secret(self.secret("hospital"))
        extra = Extra(key, self.entries[index].to_bytes(), self.contents[index]).encode(parts_shown=parts_shown)
        hashes = inclusion_proof(index, len(leaves), Nodes(leaves))
        return TlogProof(index, hashes, checkpoint.sign(self.note_key), extra).format()

    def changes(self) -> tuple[Change, ...]:
        """The registry: two institutions, one log, its keys."""
        log, note = log_id(self.origin), self.note_key.verifier.public_key
        hospital_key = address_from_secret(self.secret("hospital"))
        receipt_key = address_from_secret(self.secret("receipt"))
        return (
            Change(1, ISSUED_AT, Action.ADMITTED, OPERATOR, "operator"),
            Change(2, ISSUED_AT, Action.ADMITTED, HOSPITAL, self.role),
            Change(3, ISSUED_AT, Action.LOG_OPENED, OPERATOR, log=log),
            Change(4, ISSUED_AT, Action.KEY_ADDED, OPERATOR, Purpose.NOTE, log, note_key_address(note), note),
            Change(5, ISSUED_AT, Action.KEY_ADDED, OPERATOR, Purpose.RECEIPT, log, receipt_key),
            Change(6, ISSUED_AT, Action.KEY_ADDED, HOSPITAL, Purpose.STATEMENT, log, hospital_key),
        )

    def trust(self) -> Trust:
        """What a verifier of this city believes."""
        return Trust(
            chain_id=self.chain_id,
            genesis=self.secret("genesis"),
            finality=Finality(3),
            validators=(),
            registry_contract=Contract(self.registry_address, self.secret("registry code")),
            witness_contract=Contract(self.secret("witness")[:20], self.secret("witness code")),
            logs=(TrustedLog(self.origin, (self.note_key.verifier,)),),
            changes=self.changes(),
            registry=Registry.fold(self.chain_id, self.registry_address, self.changes()),
        )

    def trust_file(self) -> bytes:
        return format_trust(self.trust())


def city(seed: int = 1, statements: int = 5, **settings: object) -> City:
    """A city whose log holds some statements."""
    made = City(seed, **settings)
    for _ in range(statements):
        made.say()
    return made
