"""Block proofs, judged from docs/spec/block.md alone: own RLP and Merkle-Patricia walk; `none` and `qbft`."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from eth_keys.datatypes import Signature
from eth_keys.exceptions import BadSignature

from .standards import keccak256, uint_word

HEADER = [32, 32, 20, 32, 32, 32, 256, -32, -8, -8, -8, -8, None, 32, 8, -32, 32, -8, -8, 32, 32]  # negative: a number
PARENT, RECEIPTS, NUMBER, TIME, EXTRA = 0, 5, 8, 11, 12
WITNESSED = keccak256(b"Witnessed(bytes32,uint64,uint64,bytes32,bytes32,uint64,bytes32)")


class BlockError(Exception):
    """Malformed, or does not hold."""


class NotBelieved(Exception):
    """Neither the trust file nor the seals say anything about this block."""


def require(condition: object, why: str) -> None:
    """Raise `BlockError` unless the condition holds."""
    if not condition:
        raise BlockError(why)


@dataclass(frozen=True)
class Proved:
    """What a believed proof shows; the event's values by their names."""

    log: bytes
    oldSize: int
    newSize: int
    root: bytes
    registryHead: bytes
    registryCount: int
    witnessId: bytes
    number: int
    time: int
    parent_time: int


def encode(item: Any) -> bytes:
    """RLP."""
    if isinstance(item, bytes):
        return item if len(item) == 1 and item < b"\x80" else _length(len(item), 0x80) + item
    body = b"".join(map(encode, item))
    return _length(len(body), 0xC0) + body


def _length(size: int, base: int) -> bytes:
    if size < 56:
        return bytes([base + size])
    digits = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([base + 55 + len(digits)]) + digits


def decode(data: bytes) -> Any:
    """RLP; refused where it is not the one encoding of what it holds."""
    item, end = _decode(data, 0, len(data), 0)
    require(end == len(data) and encode(item) == data, "RLP")
    return item


def _decode(data: bytes, at: int, limit: int, depth: int) -> tuple[Any, int]:
    require(at < limit and depth < 32, "RLP is cut short or too deep")
    first = data[at]
    if first < 0x80:
        return data[at : at + 1], at + 1
    base = 0x80 if first < 0xC0 else 0xC0
    start, size = at + 1, first - base
    if size > 55:
        start = at + 1 + size - 55
        size = int.from_bytes(data[at + 1 : start], "big")
    end = start + size
    require(end <= limit, "RLP is cut short")
    if base == 0x80:
        return data[start:end], end
    items, at = [], start
    while at < end:
        item, at = _decode(data, at, end, depth + 1)
        items.append(item)
    return items, end


def _unhex(text: Any) -> bytes:
    require(isinstance(text, str) and re.fullmatch("0x([0-9a-f]{2})*", text, re.ASCII), "hex")
    return bytes.fromhex(text[2:])


def _is_number(data: bytes, size: int) -> bool:
    return len(data) <= size and data[:1] != b"\0"


def read_header(data: bytes) -> list[Any]:
    """The items of a header."""
    require(len(data) <= 65_536, "a header is too long")
    items = decode(data)
    require(isinstance(items, list) and 15 <= len(items) <= 21, "number of a header's items")
    for item, size in zip(items, HEADER, strict=False):
        require(isinstance(item, bytes), "a list in a header")
        require(
            size is None or (_is_number(item, -size) if size < 0 else len(item) == size), "length of a header's item"
        )
    return items


def _int(data: bytes) -> int:
    return int.from_bytes(data, "big")


def walk(root: bytes, key: bytes, nodes: Sequence[bytes]) -> bytes:
    """Merkle-Patricia: the value under the key; every node is used, in order."""
    nibbles, rest, wanted = key.hex(), list(nodes), root
    while True:
        if isinstance(wanted, bytes):
            require(len(wanted) == 32 and rest and keccak256(rest[0]) == wanted, "a node is missing or another")
            node = decode(rest.pop(0))
        else:
            node = wanted
        require(isinstance(node, list) and len(node) in (2, 17), "form of a node")
        if len(node) == 17:
            if not nibbles:
                value = node[16]
                break
            wanted, nibbles = node[int(nibbles[0], 16)], nibbles[1:]
            continue
        require(isinstance(node[0], bytes) and node[0], "path of a node")
        flag, path = int(node[0].hex()[0]) if node[0].hex()[0] in "0123" else 9, node[0].hex()
        require(flag < 4 and (flag & 1 or path[1] == "0"), "path of a node")
        path = path[1:] if flag & 1 else path[2:]
        require(nibbles.startswith(path), "the path leads elsewhere")
        nibbles = nibbles[len(path) :]
        if flag & 2:
            require(not nibbles, "the path ends early")
            value = node[1]
            break
        require(path, "an empty extension")
        wanted = node[1]
    require(isinstance(value, bytes) and value and not rest, "no value, or nodes that are not needed")
    return value


def _event(receipt: bytes, place: int, contract: bytes) -> tuple[bytes, bytes, list[bytes]]:
    typed = 0 < receipt[0] < 0x80
    items = decode(receipt[1:] if typed else receipt)
    require(isinstance(items, list) and len(items) == 4 and isinstance(items[3], list), "form of a receipt")
    require(place < len(items[3]), "no such log in the receipt")
    log = items[3][place]
    require(isinstance(log, list) and len(log) == 3, "form of a log")
    address, topics, data = log
    require(address == contract, "a log of another contract")
    require(isinstance(topics, list) and len(topics) == 3 and topics[0] == WITNESSED, "not a Witnessed event")
    require(isinstance(data, bytes) and len(data) == 160 and all(len(topic) == 32 for topic in topics), "five words")
    words = [data[at : at + 32] for at in range(0, 160, 32)]
    require(all(words[at][:24] == bytes(24) for at in (0, 1, 4)), "a number does not fit")
    return topics[1], topics[2], words


def _extra(items: list[Any]) -> list[Any]:
    extra = decode(items[EXTRA])
    require(isinstance(extra, list) and len(extra) == 5, "form of extraData")
    vanity, validators, vote, round_, seals = extra
    require(isinstance(vanity, bytes) and isinstance(validators, list) and isinstance(seals, list), "form of extraData")
    require(all(isinstance(one, bytes) and len(one) == 20 for one in validators), "validators of a header")
    require(len({*validators}) == len(validators), "a validator twice")
    good_vote = vote == [] or (
        isinstance(vote, list) and len(vote) == 2 and len(vote[0]) == 20 and vote[1] in (b"\xff", b"")
    )
    require(good_vote and isinstance(round_, bytes) and _is_number(round_, 4), "vote or round")
    require(all(isinstance(one, bytes) and len(one) == 65 and one[64] in (0, 1) for one in seals), "form of a seal")
    return extra


def _with_extra(items: list[Any], **changed: Any) -> bytes:
    names = ["vanity", "validators", "vote", "round", "seals"]
    extra = [changed.get(name, item) for name, item in zip(names, _extra(items), strict=True)]
    return keccak256(encode([*items[:EXTRA], encode(extra), *items[EXTRA + 1 :]]))


@dataclass
class Chain:
    """Which headers are believed."""

    trust: dict[str, Any]

    def __post_init__(self) -> None:
        chain = self.trust["chain"]
        self.sealed = chain.get("consensus", "none") == "qbft"
        require(chain.get("consensus", "none") in ("none", "qbft"), "only none and qbft are known here")
        self.fixed = {block["number"]: _unhex(block["hash"]) for block in chain.get("blocks", [])}
        self.known = {_unhex(one) for one in chain["validators"]}

    def hash(self, items: list[Any]) -> bytes:
        """The hash of the block of a header."""
        if self.sealed and _int(items[NUMBER]):
            return _with_extra(items, round=b"", seals=[])
        return keccak256(encode(items))

    def named(self, items: list[Any]) -> set[bytes]:
        """The validators that a header names."""
        return set(_extra(items)[1])

    def believe(self, items: list[Any]) -> None:
        """Refuse a header that is contradicted, or that nothing speaks for."""
        number = _int(items[NUMBER])
        if number in self.fixed:
            require(self.fixed[number] == self.hash(items), "the trust file fixes another block")
            return
        if not self.sealed or not self.known:
            raise NotBelieved(f"block {number} is not fixed")
        message = _with_extra(items, seals=[])
        signers = [_signer(message, seal) for seal in _extra(items)[4]]
        own = self.named(items) or self.known
        require(len(set(signers)) == len(signers) and set(signers) <= own, "a seal by a stranger, or twice")
        require(3 * len(signers) >= 2 * len(own), "no quorum of the header's validators")
        require(3 * len(set(signers) & self.known) >= 2 * len(self.known), "no quorum of the known validators")


def _signer(message: bytes, seal: bytes) -> bytes:
    try:
        signature = Signature(vrs=(seal[64], _int(seal[:32]), _int(seal[32:64])))
        return keccak256(signature.recover_public_key_from_msg_hash(message).to_bytes())[12:]
    except (BadSignature, ValueError) as error:
        raise BlockError(f"a seal: {error}") from None


def prove(proof: Any, trust: dict[str, Any]) -> Proved:
    """What a block proof shows under a trust file."""
    keys = {"header", "log", "parent", "receipt", "transaction", "validators"}
    require(isinstance(proof, dict) and set(proof) == keys, "members of a block proof")
    require(all(type(proof[name]) is int and 0 <= proof[name] < 1 << 32 for name in ("log", "transaction")), "a place")
    require(isinstance(proof["receipt"], list) and isinstance(proof["validators"], list), "lists of a block proof")
    chain = Chain(trust)
    header, parent = (read_header(_unhex(proof[name])) for name in ("header", "parent"))
    nodes = [_unhex(node) for node in proof["receipt"]]
    require(len(nodes) <= 16 and all(len(node) <= 1 << 20 for node in nodes), "size of nodes")
    require(keccak256(_unhex(proof["parent"])) == header[PARENT], "another parent")
    require(_int(parent[NUMBER]) + 1 == _int(header[NUMBER]), "the parent's number")
    place = _int_bytes(proof["transaction"])
    receipt = walk(header[RECEIPTS], encode(place), nodes)
    log, witness_id, words = _event(receipt, proof["log"], _unhex(trust["contracts"]["witness"]["address"]))
    old, new, root, registry_head, count = words
    recomputed = keccak256(
        log + old + new + root + registry_head + count + uint_word(_int(header[TIME])) + header[PARENT]
    )
    require(recomputed == witness_id, "witnessId does not recompute")
    last = -1
    for text in proof["validators"]:
        items = read_header(_unhex(text))
        require(last < _int(items[NUMBER]) < _int(header[NUMBER]), "order of headers that hand over")
        last = _int(items[NUMBER])
        chain.believe(items)
        require(chain.sealed and chain.named(items) not in (set(), chain.known), "a header that hands nothing over")
        chain.known = chain.named(items)
    require(not proof["validators"] or _int(header[NUMBER]) not in chain.fixed, "a fixed block needs no other header")
    chain.believe(header)
    return Proved(
        log, _int(old), _int(new), root, registry_head, _int(count), witness_id,
        _int(header[NUMBER]), _int(header[TIME]), _int(parent[TIME]),
    )  # fmt: skip


def _int_bytes(number: int) -> bytes:
    return number.to_bytes((number.bit_length() + 7) // 8, "big")
