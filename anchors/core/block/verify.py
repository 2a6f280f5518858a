"""Verify a block proof, in the numbered steps of docs/spec/block.md, from its arguments alone.

1. form                                          `BlockProof.decode`
2. the parent  3. the receipt  4. the event  5. its id   -> `open_block_proof`
6. the block is believed, by a trust file        -> `verify_block_proof`
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import pairwise

from anchors.core.block.consensus import Consensus, quorum
from anchors.core.block.head import Block, WitnessedHead, id_in_block, read_witnessed
from anchors.core.block.header import Header
from anchors.core.block.proof import MAX_SET_CHANGES, BlockProof
from anchors.core.block.receipts import find_receipt, read_logs
from anchors.core.block.seals import block_hash, read_extra, sealers
from anchors.core.encoding import encode_hex, keccak256
from anchors.core.errors import Error, MalformedInput, VerificationFailed
from anchors.core.trust import Trust


class NotBelieved(Error):
    """Nothing in the proof is wrong, and the trust file says nothing about its block."""


class Strength(StrEnum):
    """Why a block is believed."""

    SEALED = "sealed"
    FIXED = "fixed"


@dataclass(frozen=True)
class ShownHead:
    """A head in the block that a proof holds, and the block before it, whether or not they are to be believed."""

    head: WitnessedHead
    block: Block
    parent: Block


@dataclass(frozen=True)
class ProvenBlock(ShownHead):
    """A head that stands in a block that is believed: by `strength`, in a sentence `why`.

    The contract took the head at `block.timestamp`; what names its id as observed was made after `parent.timestamp`."""

    strength: Strength
    why: str


def verify_block_proof(proof: BlockProof, trust: Trust, set_changes: Sequence[bytes] = ()) -> ProvenBlock:
    """What a proof shows, believed by a trust file (steps 2 to 6).

    `set_changes` is what `find_set_changes` found in whatever else the reader has; it is turned to where the trust
    file's validators did not seal the block and the proof itself has no headers that lead to those who did.

    Raises `MalformedInput`; `VerificationFailed` where something does not lead where it should; `NotBelieved` where the
    trust file neither fixes the block nor has validators that lead to it. That the head's registry is this chain's is
    for the caller to compare (docs/spec/block.md, What each claim is worth)."""
    shown = open_block_proof(proof, trust.consensus, trust.witness_contract.address)
    try:
        strength, why = _Belief(trust).judge(proof)
    except NotBelieved:
        below = tuple(data for data in set_changes if Header.decode(data).number < shown.block.number)
        if not below or proof.set_changes:
            raise
        strength, why = _Belief(trust).judge(replace(proof, set_changes=below))
    return ProvenBlock(shown.head, shown.block, shown.parent, strength, why)


def find_set_changes(headers: Sequence[bytes], trust: Trust) -> tuple[bytes, ...]:
    """Those of the headers by which one set of validators after the other handed over, from the trust file's on, oldest
    first; at most 64. What is no such header is passed over: nothing is raised."""
    belief, found = _Belief(trust), []
    for _, data in sorted(_numbered(headers)):
        with suppress(Error):
            belief.hand_over(Header.decode(data))
            found.append(data)
    return tuple(found[:MAX_SET_CHANGES])


def open_block_proof(proof: BlockProof, consensus: Consensus, witness: bytes) -> ShownHead:
    """What a proof shows of the witness contract at an address (20 bytes), on a chain of this consensus (steps 2 to 5).

    Raises `MalformedInput` or `VerificationFailed`."""
    header, before = Header.decode(proof.header), Header.decode(proof.parent)
    block = Block(header.number, block_hash(header, consensus), header.parent, header.timestamp)
    parent = Block(before.number, keccak256(proof.parent), before.parent, before.timestamp)
    if block.parent != parent.hash or block.number != parent.number + 1:  # step 2
        raise VerificationFailed(f"block {parent.number} in the proof is not the one before block {block.number}")
    receipt = find_receipt(header.receipts_root, proof.transaction_index, proof.receipt)  # step 3
    logs = read_logs(receipt)
    if proof.log_index >= len(logs):  # step 4
        raise VerificationFailed(f"the receipt has {len(logs)} logs, the proof names the one at {proof.log_index}")
    log = logs[proof.log_index]
    if log.emitter != witness:
        raise VerificationFailed(f"the log is by {encode_hex(log.emitter)}, not by the witness contract")
    head = read_witnessed(log.topics, log.data)
    if id_in_block(head, block) != head.witness_id:  # step 5
        raise VerificationFailed("the head does not hash to its id with the block's time and parent")
    return ShownHead(head, block, parent)


def _numbered(headers: Sequence[bytes]) -> Iterator[tuple[int, bytes]]:
    for data in headers:
        with suppress(MalformedInput):
            yield Header.decode(data).number, data


class _Belief:
    """Step 6: the known set of validators, as one header after the other is believed."""

    def __init__(self, trust: Trust):
        self._consensus = trust.consensus
        self._fixed = {block.number: block.hash for block in trust.blocks}
        self._known = frozenset(trust.validators)

    def judge(self, proof: BlockProof) -> tuple[Strength, str]:
        """Why the proof's block is believed, and in words."""
        headers = [Header.decode(data) for data in proof.set_changes]
        header = Header.decode(proof.header)
        numbers = [each.number for each in (*headers, header)]
        if any(later <= earlier for earlier, later in pairwise(numbers)):
            raise VerificationFailed("the headers that change the validators are out of order")
        for change in headers:
            self.hand_over(change)
        if self._is_fixed(header):
            if headers:
                raise VerificationFailed("the trust file fixes the block: leave the headers that change validators out")
            return Strength.FIXED, f"the hash of block {header.number} is fixed by the trust file"
        count, of = self._check_seals(header)
        over = f", over {len(headers)} changes of the set" if headers else ""
        why = f"block {header.number} is sealed by {count} validators, a quorum of the {of} of the trust file{over}"
        return Strength.SEALED, why

    def hand_over(self, header: Header) -> None:
        """Make the set that a believed header names the known one."""
        if self._consensus is Consensus.NONE:
            raise VerificationFailed("the trust file's chain has no validators that could change")
        named = frozenset(read_extra(header, self._consensus).validators)
        if not named or named == self._known:
            raise VerificationFailed(f"block {header.number} changes no validators: leave its header out")
        if not self._is_fixed(header):
            self._check_seals(header)
        self._known = named

    def _is_fixed(self, header: Header) -> bool:
        fixed = self._fixed.get(header.number)
        if fixed is not None and fixed != block_hash(header, self._consensus):
            raise VerificationFailed(f"the trust file fixes another block {header.number}: {encode_hex(fixed)}")
        return fixed is not None

    def _check_seals(self, header: Header) -> tuple[int, int]:
        """How many of the known set sealed, and how many they are, where that is a quorum of it and of the set that
        the header names."""
        number, known = header.number, self._known
        if self._consensus is Consensus.NONE or not known:
            raise NotBelieved(f"the trust file neither fixes block {number} nor names validators that sealed it")
        extra = read_extra(header, self._consensus)
        named = frozenset(extra.validators) or known
        sealed = sealers(header, extra)
        if len(set(sealed)) != len(sealed):
            raise VerificationFailed(f"block {number}: a validator sealed it twice")
        if not named.issuperset(sealed):
            raise VerificationFailed(f"block {number}: a seal is by nobody of its validators")
        if len(sealed) < quorum(len(named)):
            raise VerificationFailed(f"block {number}: {len(sealed)} of {len(named)} validators sealed it, no quorum")
        ours = len(known.intersection(sealed))
        if ours < quorum(len(known)):
            raise NotBelieved(
                f"block {number}: {ours} of the {len(known)} validators that the trust file leads to sealed it, no"
                " quorum; give the headers that changed the set, or a trust file that fixes one of its blocks"
            )
        return ours, len(known)
