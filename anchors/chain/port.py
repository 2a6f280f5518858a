"""The edge to a chain: what the rest of Huzheng may ask of it, and what an answer guarantees.

Everything that crosses this port is a value of ours: bytes, integers, frozen dataclasses. An adapter never interprets:
finality, reorganisations and attribution are decided by its callers from what it reports.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from anchors.core.block.head import Block as Block
from anchors.core.block.head import WitnessedHead
from anchors.core.block.proof import BlockProof
from anchors.core.errors import Error
from anchors.core.registry import Change


class ChainError(Error):
    """A chain, or the node in front of it, did not do what was asked."""


class ChainUnavailable(ChainError):
    """No answer, or no usable one: nothing is known about what happened. Ask again later."""


class TransactionRefused(ChainError):
    """The node or the contract refused a transaction. `reason` is the contract's error name or the node's code."""

    def __init__(self, reason: str, message: str):
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True)
class ChainIdentity:
    """Which chain answers: its id and the hash of its block 0 (32 bytes)."""

    chain_id: int
    genesis: bytes


@dataclass(frozen=True)
class Place:
    """Where an event stands. It stands there only as long as the block of this hash is in the chain."""

    block_number: int
    block_hash: bytes
    transaction: bytes
    position: int


@dataclass(frozen=True)
class RegistryEvent:
    """A `RegistryChanged` event of the registry contract: the change, and the head after it."""

    change: Change
    head: bytes
    place: Place


@dataclass(frozen=True)
class WitnessEvent(WitnessedHead):
    """A `Witnessed` event of the witness contract, with its place (docs/spec/witness.md)."""

    place: Place


@dataclass(frozen=True)
class Head:
    """What the witness contract holds for a log: size 0 with the empty root before the first head."""

    size: int
    root: bytes


@dataclass(frozen=True)
class WitnessCall:
    """The arguments of `witness(…)`: move the head of `log` from `old_size` to `new_size` and `new_root`."""

    log: bytes
    old_size: int
    new_size: int
    new_root: bytes
    proof: Sequence[bytes]
    signature: bytes


@dataclass(frozen=True)
class Fees:
    """Wei per gas. On a chain without EIP-1559, or without a gas price, both are the legacy price."""

    cap: int
    tip: int


@dataclass(frozen=True)
class SignedTransaction:
    """A transaction that can be sent any number of times: `raw` bytes, its hash (32 bytes) and its nonce."""

    raw: bytes
    hash: bytes
    nonce: int


@dataclass(frozen=True)
class TransactionReceipt:
    """A mined transaction: where, whether it succeeded, and the gas it used."""

    transaction: bytes
    block_number: int
    block_hash: bytes
    succeeded: bool
    gas_used: int


class Chain(Protocol):
    """Reading a chain. Every method raises `ChainUnavailable` when there is no usable answer, and never waits longer
    than the adapter's timeout. Answers may come from different moments: a caller that needs one view asks for blocks
    by number before and after, and compares their hashes. Events are `ChainUnavailable` where the node has not reached
    `last_block`: it would leave out what it does not know."""

    def identity(self) -> ChainIdentity:
        """The chain's id and genesis hash."""

    def tip(self) -> Block:
        """The newest block the node knows."""

    def finalized(self) -> Block | None:
        """The newest block that the node calls final by its own knowledge (the tag `finalized`), None before there is
        one. Only chains whose rule of finality is `finalized` are asked."""

    def hold_to(self, final: Block) -> None:
        """The caller knows that this block is final: from now on nodes that contradict it are not asked as long as
        there is one that does not, and a node that has not reached it is `ChainUnavailable`."""

    def block(self, number: int) -> Block | None:
        """The block at `number` in the node's present chain, or None above its tip."""

    def registry_events(self, first_block: int, last_block: int) -> list[RegistryEvent]:
        """All changes of the registry in these blocks (inclusive), in chain order; emitter *and* topic were matched."""

    def witness_events(self, first_block: int, last_block: int) -> list[WitnessEvent]:
        """All heads of all logs in these blocks (inclusive), in chain order; emitter *and* topic were matched."""

    def head(self, log: bytes) -> Head:
        """The head that the witness contract holds for `log` at the node's tip."""

    def code_hash(self, address: bytes) -> bytes:
        """keccak256 of the code at `address`, which is that of no bytes where there is no contract."""


class BlockProofs(Protocol):
    """Capturing what shows a head without a node. It raises and waits as `Chain` does."""

    def block_proof(self, event: WitnessEvent) -> BlockProof:
        """The proof of the block in which the event stands (docs/spec/block.md), without headers that change
        validators. It was verified: it shows this very head, in the block that the event names.

        `ChainUnavailable` also where the node cannot give the block's receipts, or holds another block there."""


class WitnessSender(Protocol):
    """Sending heads. Signing and sending are apart, so that a caller can store what it is about to send."""

    @property
    def address(self) -> bytes:
        """The account that pays."""

    def next_nonce(self) -> int:
        """The account's next nonce by the node's pending view."""

    def mined_nonce(self) -> int:
        """The next nonce without what waits: how many of the account's transactions are mined."""

    def transaction_at(self, nonce: int) -> bytes | None:
        """The hash of the mined transaction of this account that used this nonce; None where there is none, or where
        the node cannot tell any more."""

    def fees(self) -> Fees:
        """What the chain asks at present."""

    def sign(self, call: WitnessCall, nonce: int, fees: Fees) -> SignedTransaction:
        """Sign, without sending. Raises `TransactionRefused` where the contract would refuse the call now."""

    def reprice(self, raw: bytes, fees: Fees) -> SignedTransaction:
        """Sign what `sign` signed once more, the same call under the same nonce, for other fees."""

    def broadcast(self, raw: bytes) -> None:
        """Give a signed transaction to all nodes. Returns where one has it, also when it had it before; raises
        `TransactionRefused` (`nonce-too-low`, `underpriced`, `replacement-underpriced`, `insufficient-funds`, …)."""

    def receipt(self, transaction: bytes) -> TransactionReceipt | None:
        """The receipt where the transaction is mined in the node's present chain, else None."""
