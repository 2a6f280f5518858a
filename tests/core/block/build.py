"""Sealed headers and receipts of synthetic chains, written out by hand: nothing here is the code under test.

Keys, contracts and heads are synthetic; everybody can derive them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256

from coincurve import PrivateKey
from sha3 import keccak_256

from anchors.core.block.consensus import Consensus
from anchors.core.block.proof import BlockProof
from anchors.core.registry import Registry
from anchors.core.trust import Contract, Finality, FixedBlock, Trust
from scripts.qbft_genesis import Rlp, encode_rlp

WITNESS = bytes.fromhex("5f" * 20)
REGISTRY = bytes.fromhex("6e" * 20)
LOG = bytes.fromhex("10" * 32)
TOPIC = keccak_256(b"Witnessed(bytes32,uint64,uint64,bytes32,bytes32,uint64,bytes32)").digest()
NUMBER, TIME = 300, 1_790_000_000
BLOOM = bytes(256)
BESU_MIX = bytes.fromhex("63746963616c2062797a616e74696e65206661756c7420746f6c6572616e6365")


def keccak(data: bytes) -> bytes:
    return keccak_256(data).digest()


def secret(name: str) -> bytes:
    """A validator's secret."""
    return sha256(f"huzheng synthetic block/{name}".encode()).digest()


def address(key: bytes) -> bytes:
    return keccak(PrivateKey(key).public_key.format(compressed=False)[1:])[12:]


def number(value: int) -> bytes:
    return value.to_bytes((value.bit_length() + 7) // 8, "big")


def header_items(block: int, parent: bytes, receipts_root: bytes, time: int, extra: bytes) -> list[Rlp]:
    """The sixteen items of a header under London's rules."""
    return [
        parent, keccak(b"\xc0"), bytes(20), keccak(b"state"), keccak(b"\x80"), receipts_root, BLOOM, number(1),
        number(block), number(30_000_000), number(21_000), number(time), extra, BESU_MIX, bytes(8), b"",
    ]  # fmt: skip


def with_extra(items: Sequence[Rlp], extra: Rlp) -> bytes:
    return encode_rlp([*items[:12], extra, *items[13:]])


@dataclass(frozen=True)
class Sealing:
    """How a block is sealed: who is named, who seals (secrets), in which round, with which vote."""

    consensus: Consensus
    named: tuple[bytes, ...]
    by: tuple[bytes, ...]
    round: int = 0
    vote: Rlp | None = None

    def extra(self, seals: Sequence[bytes] | None, *, with_round: bool = True) -> bytes:
        """The extra data: with these seals; with None as the seals cover it; without a round as the hash covers it."""
        qbft = self.consensus is Consensus.QBFT
        vote = self.vote if self.vote is not None else ([] if qbft else b"")
        items: list[Rlp] = [bytes(32), list(self.named), vote]
        if qbft:
            return encode_rlp([*items, number(self.round) if with_round else b"", list(seals or ())])
        if with_round:
            items.append(self.round.to_bytes(4, "big"))
        return encode_rlp(items if seals is None else [*items, list(seals)])

    def seal(self, items: Sequence[Rlp]) -> tuple[bytes, bytes]:
        """The header's RLP with its seals, and as it is hashed."""
        digest = keccak(with_extra(items, self.extra(None)))
        seals = [PrivateKey(key).sign_recoverable(digest, hasher=None) for key in self.by]
        return with_extra(items, self.extra(seals)), with_extra(items, self.extra(None, with_round=False))


@dataclass(frozen=True)
class Made:
    """A proof with what it must show."""

    proof: BlockProof
    hash: bytes
    parent_hash: bytes
    witness_id: bytes


def words(*values: int | bytes) -> bytes:
    return b"".join(value.to_bytes(32, "big") if isinstance(value, int) else value for value in values)


def receipt_of(logs: Sequence[Rlp], receipt_type: bytes = b"\x02") -> bytes:
    return receipt_type + encode_rlp([b"\x01", number(21_000), BLOOM, list(logs)])


def plain(block: int, parent: bytes, root: bytes, time: int) -> tuple[bytes, bytes]:
    """A header that nobody seals, and as it is hashed."""
    data = encode_rlp(header_items(block, parent, root, time, b"synthetic"))
    return data, data


def make(
    sealing: Sealing | None,
    *,
    emitter: bytes = WITNESS,
    receipt_type: bytes = b"\x02",
    before: Sequence[Rlp] = (),
    block: int = NUMBER,
    claimed_time: int = TIME,
) -> Made:
    """A block with one transaction whose receipt holds the event behind the logs `before`."""

    def close(number_: int, parent: bytes, root: bytes, time: int) -> tuple[bytes, bytes]:
        if sealing is None:
            return plain(number_, parent, root, time)
        return sealing.seal(header_items(number_, parent, root, time, b""))

    _, parent = close(block - 1, keccak(b"grandparent"), keccak(b"\x80"), TIME - 2)
    parent_hash = keccak(parent)
    values = (5, 8, keccak(b"root"), keccak(b"registry head"), 7)
    witness_id = keccak(words(LOG, *values, claimed_time, parent_hash))
    event: Rlp = [emitter, [TOPIC, LOG, witness_id], words(*values)]
    leaf = encode_rlp([b"\x20\x80", receipt_of([*before, event], receipt_type)])  # key rlp(0) = 0x80, hex prefix 0x20
    header, hashed = close(block, parent_hash, keccak(leaf), TIME)
    return Made(BlockProof(header, parent, 0, len(before), (leaf,)), keccak(hashed), parent_hash, witness_id)


def trust_of(consensus: Consensus, validators: Sequence[bytes] = (), blocks: Sequence[FixedBlock] = ()) -> Trust:
    """A trust file's beliefs about a chain, and nothing else of interest."""
    return Trust(
        chain_id=2026,
        genesis=bytes(32),
        finality=Finality(1),
        validators=tuple(validators),
        registry_contract=Contract(REGISTRY, bytes(32)),
        witness_contract=Contract(WITNESS, bytes(32)),
        logs=(),
        changes=(),
        registry=Registry(2026, REGISTRY),
        consensus=consensus,
        blocks=tuple(blocks),
    )


def validators(count: int, *names: str) -> tuple[bytes, ...]:
    """Secrets of so many validators, and of some by name, in the order of their addresses."""
    return tuple(sorted(map(secret, (*map(str, range(count)), *names)), key=address))


def sealing(consensus: Consensus, keys: Sequence[bytes], by: Sequence[bytes] | None = None, **more: object) -> Sealing:
    """A sealing that names all of the keys, by the first of them that are a quorum, or by others."""
    enough = tuple(keys[: -(-2 * len(keys) // 3)])
    return replace(Sealing(consensus, tuple(map(address, keys)), enough if by is None else tuple(by)), **more)
