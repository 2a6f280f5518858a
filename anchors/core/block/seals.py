"""A header's hash and seals by its chain's consensus (docs/spec/block.md, The hash of a block)."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from coincurve import PublicKey

from anchors.core.block.consensus import Consensus
from anchors.core.block.header import Header
from anchors.core.block.rlp_text import Item, decode_list, encode, read_number, require_list
from anchors.core.encoding import keccak256, require_bytes
from anchors.core.errors import MalformedInput, VerificationFailed
from anchors.core.signature import SIGNATURE_BYTES, address_of

_ITEMS = ("vanity", "validators", "vote", "round", "seals")
_ADD, _DROP_QBFT, _DROP_IBFT2 = b"\xff", b"", b"\x00"
_ROUND_BYTES = 4
_ADDRESS_BYTES = 20


@dataclass(frozen=True)
class SealedExtra:
    """The extra data of a QBFT or IBFT 2.0 header: the validators that it names (20-byte addresses), its seals (65
    bytes each), and itself as the block's hash and as the seals cover it."""

    validators: tuple[bytes, ...]
    seals: tuple[bytes, ...]
    for_hash: bytes
    for_seals: bytes


def hashed_form(header: Header, consensus: Consensus) -> Header:
    """The header as it is hashed: without what seals and rounds leave open. Raises `MalformedInput` where the extra
    data is not of this consensus."""
    if consensus is Consensus.NONE or header.number == 0:
        return header
    return header.with_extra(read_extra(header, consensus).for_hash)


def block_hash(header: Header, consensus: Consensus) -> bytes:
    """The hash by which the chain knows the block, 32 bytes. Raises as `hashed_form`."""
    return keccak256(hashed_form(header, consensus).encode())


def consensus_of(header: Header, known_hash: bytes) -> Consensus | None:
    """The consensus by which the header has this hash (32 bytes), None where it has it by none."""
    for consensus in Consensus:
        with suppress(MalformedInput):
            if block_hash(header, consensus) == known_hash:
                return consensus
    return None


def sealers(header: Header, extra: SealedExtra) -> list[bytes]:
    """Who made the header's seals, in their order: addresses that the seals recover, known or not.

    Raises `VerificationFailed` for a seal that nobody can have made."""
    digest = keccak256(header.with_extra(extra.for_seals).encode())
    return [_signer(digest, seal) for seal in extra.seals]


def read_extra(header: Header, consensus: Consensus) -> SealedExtra:
    """The extra data of a header of a sealed chain. Raises `MalformedInput`."""
    items = decode_list(header.extra_data, "extraData")
    if len(items) != len(_ITEMS):
        raise MalformedInput(f"extraData: {len(items)} items, expected {', '.join(_ITEMS)}")
    vanity, named, vote, round_number, seals = items
    if not isinstance(vanity, bytes):
        raise MalformedInput("extraData: vanity: expected bytes, not a list")
    validators = _read_all(named, _ADDRESS_BYTES, "extraData: validators")
    if len(set(validators)) != len(validators):
        raise MalformedInput("extraData: validators: one is named twice")
    _check_vote(vote, consensus)
    if consensus is Consensus.QBFT:
        read_number(round_number, _ROUND_BYTES, "extraData: round")
        for_hash, for_seals = [vanity, named, vote, b"", []], [vanity, named, vote, round_number, []]
    else:
        require_bytes(round_number, _ROUND_BYTES, "extraData: round")
        for_hash, for_seals = [vanity, named, vote], [vanity, named, vote, round_number]
    return SealedExtra(
        validators=validators,
        seals=_read_all(seals, SIGNATURE_BYTES, "extraData: seals"),
        for_hash=encode(for_hash),
        for_seals=encode(for_seals),
    )


def _read_all(items: Item, length: int, what: str) -> tuple[bytes, ...]:
    return tuple(require_bytes(item, length, what) for item in require_list(items, what))


def _check_vote(vote: Item, consensus: Consensus) -> None:
    if not vote and isinstance(vote, bytes) is (consensus is Consensus.IBFT2):
        return  # no vote: an empty string in IBFT 2.0, an empty list in QBFT
    drop = _DROP_IBFT2 if consensus is Consensus.IBFT2 else _DROP_QBFT
    parts: Sequence[Item] = require_list(vote, "extraData: vote")
    if len(parts) != 2 or parts[1] not in (_ADD, drop):
        raise MalformedInput("extraData: vote: expected an address and what becomes of it")
    require_bytes(parts[0], _ADDRESS_BYTES, "extraData: vote")


def _signer(digest: bytes, seal: bytes) -> bytes:
    """Seals are as nodes write them: the last byte is 0 or 1, and s may be high, which nodes accept."""
    if seal[64] > 1:
        raise VerificationFailed("seal: its last byte is neither 0 nor 1")
    try:
        return address_of(PublicKey.from_signature_and_message(seal, digest, hasher=None))
    except Exception:  # coincurve raises bare Exception where no key fits
        raise VerificationFailed("seal: no key can have made it") from None
