"""Topics `trust-blocks` and `block-proof`: docs/spec/trust.md, docs/spec/block.md."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from coincurve import PrivateKey

from .standards import Case, Cases, keccak256, pseudo_random
from .vectors_registry import opened
from .vectors_trust import WITNESS, trust_document, trust_text

Rlp = bytes | Sequence["Rlp"]

NUMBER, TIME = 300, 1_790_000_300
LOG = pseudo_random("block proof log")
VALUES = (5, 8, keccak256(b"root"), keccak256(b"registry head"), 7)
TOPIC = keccak256(b"Witnessed(bytes32,uint64,uint64,bytes32,bytes32,uint64,bytes32)")
BLOOM, ADD = bytes(256), b"\xff"
OTHER_LOG: Rlp = [bytes(20), [keccak256(b"another event")], b"data"]
BLOCK_A, BLOCK_B = "0x" + "a1" * 32, "0x" + "b2" * 32


def rlp(item: Rlp) -> bytes:
    """Yellow Paper, appendix B."""
    if isinstance(item, bytes):
        return item if len(item) == 1 and item[0] < 0x80 else _length(len(item), 0x80) + item
    inner = b"".join(map(rlp, item))
    return _length(len(inner), 0xC0) + inner


def _length(length: int, offset: int) -> bytes:
    if length < 56:
        return bytes((offset + length,))
    digits = number(length)
    return bytes((offset + 55 + len(digits),)) + digits


def number(value: int) -> bytes:
    """As RLP holds it."""
    return value.to_bytes((value.bit_length() + 7) // 8, "big")


def word(value: int | bytes) -> bytes:
    """32 bytes."""
    return value.to_bytes(32, "big") if isinstance(value, int) else value


def header_items(block: int, parent: bytes, receipts_root: bytes, time: int, extra: bytes) -> list[Rlp]:
    """A header under London's rules."""
    return [
        parent, keccak256(b"\xc0"), bytes(20), keccak256(b"state"), keccak256(b"\x80"), receipts_root, BLOOM, number(1),
        number(block), number(30_000_000), number(21_000), number(time), extra, pseudo_random("mix"), bytes(8), b"",
    ]  # fmt: skip


def validator(name: str) -> PrivateKey:
    """A synthetic validator."""
    return PrivateKey(pseudo_random(f"validator {name}"))


def address(key: PrivateKey) -> bytes:
    """Its account."""
    return keccak256(key.public_key.format(compressed=False)[1:])[12:]


FOUR = tuple(validator(name) for name in "1234")
FIVE = (*FOUR, validator("5"))


@dataclass(frozen=True)
class Sealing:
    """Who is named and who seals a block of `qbft` or `ibft2`; None seals and names nobody."""

    kind: str
    named: tuple[PrivateKey, ...] = FOUR
    by: tuple[PrivateKey, ...] = FOUR[:3]
    round: int = 0
    vote: Rlp | None = None

    def extra(self, seals: list[bytes] | None, with_round: bool = True) -> bytes:
        """With seals; with None as the seals cover it; without a round as the hash covers it."""
        qbft = self.kind == "qbft"
        items: list[Rlp] = [bytes(32), [address(key) for key in self.named], self.vote or ([] if qbft else b"")]
        if qbft:
            return rlp([*items, number(self.round) if with_round else b"", seals or []])
        if with_round:
            items.append(self.round.to_bytes(4, "big"))
        return rlp(items if seals is None else [*items, seals])

    def close(self, items: list[Rlp]) -> tuple[bytes, bytes]:
        """The header, and as it is hashed."""

        def with_extra(extra: bytes) -> bytes:
            return rlp([*items[:12], extra, *items[13:]])

        if self.kind == "none":
            return with_extra(b"synthetic"), with_extra(b"synthetic")
        digest = keccak256(with_extra(self.extra(None)))
        seals = [key.sign_recoverable(digest, hasher=None) for key in self.by]
        return with_extra(self.extra(seals)), with_extra(self.extra(None, with_round=False))


@dataclass(frozen=True)
class Made:
    """A proof's members, and what it shows."""

    members: dict[str, Any]
    hash: bytes
    parent_hash: bytes
    witness_id: bytes

    def but(self, **members: Any) -> "Made":
        """With other members."""
        return replace(self, members={**self.members, **members})

    @property
    def text(self) -> str:
        """Canonical JSON."""
        return json.dumps(self.members, separators=(",", ":"), sort_keys=True)


def hexed(data: bytes) -> str:
    """With 0x."""
    return "0x" + data.hex()


def make(
    sealing: Sealing,
    emitter: bytes = bytes.fromhex(WITNESS[2:]),
    typed: bytes = b"\x02",
    before: Sequence[Rlp] = (),
    block: int = NUMBER,
    time: int = TIME,
    claimed: int | None = None,
    log: bytes = LOG,
    values: Sequence[int | bytes] = VALUES,
) -> Made:
    """A block of one transaction whose receipt holds the event behind other logs. `values` are the event's, from
    `oldSize` on; `claimed` is the time in its id, that of the block by default."""
    grandparent = header_items(block - 1, keccak256(b"grandparent"), keccak256(b"\x80"), time - 2, b"")
    parent = sealing.close(grandparent)[1]
    claimed = time if claimed is None else claimed
    witness_id = keccak256(b"".join(map(word, (log, *values, claimed, keccak256(parent)))))
    event: Rlp = [emitter, [TOPIC, log, witness_id], b"".join(map(word, values))]
    receipt = typed + rlp([b"\x01", number(21_000), BLOOM, [*before, event]])
    leaf = rlp([b"\x20\x80", receipt])  # the key is rlp(0) = 0x80; 0x20 marks a leaf with an even path
    header, hashed = sealing.close(header_items(block, keccak256(parent), keccak256(leaf), time, b""))
    members = {
        "header": hexed(header),
        "log": len(before),
        "parent": hexed(parent),
        "receipt": [hexed(leaf)],
        "transaction": 0,
        "validators": [],
    }
    return Made(members, keccak256(hashed), keccak256(parent), witness_id)


def trusting(kind: str, keys: Sequence[PrivateKey] = FOUR, **blocks: bytes) -> str:
    """A trust file of this consensus; blocks are given as `n300=hash`."""
    document = trust_document(opened().changes)
    fixed = [{"number": int(name[1:]), "hash": hexed(value)} for name, value in blocks.items()]
    document["chain"] |= {"consensus": kind, "validators": [hexed(address(key)) for key in keys], "blocks": fixed}
    return trust_text(document)


def _proved(name: str, desc: str, made: Made, trust: str, strength: str = "sealed") -> Case:
    expect = {
        "number": str(NUMBER), "hash": made.hash.hex(), "time": str(TIME), "parentHash": made.parent_hash.hex(),
        "parentTime": str(TIME - 2), "strength": strength, "log": LOG.hex(), "oldSize": "5", "newSize": "8",
        "witnessId": made.witness_id.hex(),
    }  # fmt: skip
    return Case("block-proof", f"valid-{name}", desc, {"proof": made.text, "trust": trust}, expect)


def _refused(error: str, name: str, desc: str, proof: Made | str, trust: str) -> Case:
    text = proof if isinstance(proof, str) else proof.text
    return Case("block-proof", f"{error}-{name}", desc, {"proof": text, "trust": trust}, error=error)


def _sealed(kind: str) -> Cases:
    trust, usual = trusting(kind), Sealing(kind)
    yield _proved(kind, "three of four validators sealed it", make(usual), trust)
    later = Sealing(kind, by=FOUR, round=3, vote=[bytes(19) + b"\x01", ADD])
    yield _proved(f"{kind}-round-3-vote", "all four sealed it in round 3, with a vote in it", make(later), trust)
    contract = Sealing(kind, named=())
    yield _proved(f"{kind}-contract", "it names nobody: those of the trust file are meant", make(contract), trust)
    over = hexed(Sealing(kind, FIVE, FIVE).close(header_items(250, bytes(32), bytes(32), TIME - 100, b""))[0])
    after = make(Sealing(kind, FIVE, (FIVE[4], *FOUR[:3]))).but(validators=[over])
    yield _proved(f"{kind}-after-a-change", "a header sealed by both sets hands over to five", after, trust)
    nobody = make(Sealing(kind, by=()))
    fixed = trusting(kind, (), n300=nobody.hash)
    yield _proved(f"{kind}-fixed", "nobody sealed it, the trust file fixes it", nobody, fixed, "fixed")
    stranger = validator("stranger")
    for name, by, desc in (
        ("two-of-four", FOUR[:2], "two of four are no quorum"),
        ("seal-twice", (*FOUR[:3], FOUR[0]), "a validator sealed twice"),
        ("stranger", (*FOUR[:3], stranger), "a seal is by nobody of the set"),
    ):
        yield _refused("failed", f"{kind}-{name}", desc, make(Sealing(kind, by=by)), trust)
    others = tuple(validator(name) for name in "abcd")
    yield _refused("refused", f"{kind}-other-set", "four others", make(Sealing(kind, others, others)), trust)
    idle = hexed(usual.close(header_items(250, bytes(32), bytes(32), TIME - 100, b""))[0])
    same = make(usual).but(validators=[idle])
    yield _refused("failed", f"{kind}-change-of-nothing", "a header that names the known set", same, trust)


def _plain() -> Cases:
    made = make(Sealing("none"))
    yield _proved("none-fixed", "the block is fixed", made, trusting("none", (), n300=made.hash), "fixed")
    yield _refused("refused", "none-not-fixed", "nothing is fixed", made, trusting("none", ()))
    false = trusting("none", (), n300=bytes(32))
    yield _refused("failed", "none-other-hash", "the trust file fixes another block of that number", made, false)


def _receipts() -> Cases:
    usual, trust = Sealing("qbft"), trusting("qbft")
    second, made = make(usual, before=(OTHER_LOG,)), make(usual)
    yield _proved("second-log", "the event is the second log of its receipt", second, trust)
    yield _proved("legacy-receipt", "a receipt without a type", make(usual, typed=b""), trust)
    for name, desc, wrong in (
        ("first-log", "the first log is of another contract", second.but(log=0)),
        ("log-beyond", "the receipt has two logs", second.but(log=2)),
        ("other-contract", "the event is of another contract", make(usual, emitter=bytes(20))),
        ("other-time", "the id was made with another time", make(usual, claimed=TIME + 1)),
        ("other-transaction", "the path leads to another transaction", made.but(transaction=1)),
        ("no-node", "no node", made.but(receipt=[])),
        ("node-twice", "a node twice", made.but(receipt=made.members["receipt"] * 2)),
        ("other-parent", "the parent of another block", made.but(parent=make(usual, block=301).members["parent"])),
    ):
        yield _refused("failed", name, desc, wrong, trust)


def _malformed() -> Cases:
    usual, trust = Sealing("qbft"), trusting("qbft")
    made = make(usual)
    header = made.members["header"]
    items = header_items(NUMBER, bytes(32), bytes(32), TIME, b"")
    leading = [*items[:8], b"\x00" + number(NUMBER), *items[9:]]
    for name, desc, wrong in (
        ("receipt-type-0", "a receipt of the type 0", make(usual, typed=b"\x00")),
        ("17-nodes", "more nodes than any path has", made.but(receipt=made.members["receipt"] * 17)),
        ("header-byte-behind", "a byte behind the header", made.but(header=header + "00")),
        ("header-14-items", "a header of 14 items", made.but(header=hexed(rlp(items[:14])))),
        ("header-leading-zero", "a number with a leading zero", made.but(header=hexed(rlp(leading)))),
        ("member-more", "a member more", made.but(more=0)),
        ("not-canonical", "a space", made.text.replace(',"log"', ', "log"')),
        ("capitals", "hex in capitals", made.but(header="0x" + header[2:].upper())),
        ("transaction-33-bits", "a transaction index of 33 bits", made.but(transaction=2**32)),
    ):
        yield _refused("malformed", name, desc, wrong, trust)


def _chain(name: str, desc: str, error: str | None = None, **members: Any) -> Case:
    document = trust_document(opened().changes)
    document["chain"] |= members
    chain = document["chain"]
    expect = {"consensus": chain.get("consensus", "none"), "validators": chain["validators"]}
    expect["blocks"] = chain.get("blocks", [])
    outcome = {"error": error} if error else {"expect": expect}
    return Case("trust-blocks", f"{error or 'valid'}-{name}", desc, {"file": trust_text(document)}, **outcome)


def _trust() -> Cases:
    accounts = [hexed(address(key)) for key in FOUR]
    one = {"number": 17, "hash": BLOCK_A}
    yield _chain("neither", "neither member")
    yield _chain("qbft", "QBFT with four validators", consensus="qbft", validators=accounts)
    yield _chain("ibft2", "a fixed block besides", consensus="ibft2", validators=accounts, blocks=[one])
    yield _chain("blocks", "in the order given", consensus="none", blocks=[one, {"number": 0, "hash": BLOCK_B}])
    yield _chain("validator-twice", "without a consensus nobody counts them", validators=accounts[:1] * 2)
    for name, value in (("unknown", "clique"), ("capitals", "QBFT"), ("empty", ""), ("null", None)):
        yield _chain(f"consensus-{name}", "no consensus that is known", "malformed", consensus=value)
    for kind in ("qbft", "ibft2"):
        twice = [*accounts, accounts[0]]
        yield _chain(f"validator-twice-{kind}", "one is named twice", "malformed", consensus=kind, validators=twice)
    for name, value in (
        ("blocks-null", None),
        ("blocks-object", {"17": BLOCK_A}),
        ("block-twice", [one, one]),
        ("block-two-hashes", [one, {"number": 17, "hash": BLOCK_B}]),
        ("block-negative", [{"number": -1, "hash": BLOCK_A}]),
        ("block-number-text", [{"number": "17", "hash": BLOCK_A}]),
        ("block-number-64-bits", [{"number": 2**63, "hash": BLOCK_A}]),
        ("block-hash-short", [{"number": 17, "hash": BLOCK_A[:-2]}]),
        ("block-hash-capitals", [{"number": 17, "hash": "0x" + "A1" * 32}]),
        ("block-without-hash", [{"number": 17}]),
        ("block-without-number", [{"hash": BLOCK_A}]),
        ("block-member-more", [{**one, "time": 5}]),
    ):
        yield _chain(name, name.replace("-", " "), "malformed", blocks=value)


def cases() -> Cases:
    """All cases of both topics."""
    yield from _trust()
    for kind in ("qbft", "ibft2"):
        yield from _sealed(kind)
    yield from _plain()
    yield from _receipts()
    yield from _malformed()
