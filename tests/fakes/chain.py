"""A chain in memory with both contracts on it: `FakeChain` is a `Chain`, `FakeSender` a `WitnessSender`.

It keeps the contracts' rules and the node's (nonces, replacement at +10 %, base fee, balances). What a test may do to
it: `mine`, `reorg`, `automine`, `unavailable`, `refuse_next`, `balances`, `next_time`, `lose_pool`,
`finalized_number`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import msgspec

from anchors.chain.acts import Act
from anchors.chain.port import (
    Block,
    ChainIdentity,
    ChainUnavailable,
    Fees,
    Head,
    Place,
    RegistryEvent,
    SignedTransaction,
    TransactionReceipt,
    TransactionRefused,
    WitnessCall,
    WitnessEvent,
)
from anchors.core import signature as signatures
from anchors.core.block.head import witness_id
from anchors.core.encoding import keccak256, uint_word
from anchors.core.registry import Registry
from tests.fakes.contracts import State, administer, check_head

REGISTRY = keccak256(b"the fake registry")[12:]
WITNESS = keccak256(b"the fake witness")[12:]
START_TIME = 1_800_000_000
BASE_FEE = 1_000_000_000
TIP = 1_000_000_000
GAS = 80_000
RICH = 10**22
_REPLACEMENT_PERCENT = 110


class _Transaction(msgspec.Struct, frozen=True):
    sender: bytes
    nonce: int
    cap: int
    tip: int
    log: bytes
    old_size: int
    new_size: int
    new_root: bytes
    proof: list[bytes]
    signature: bytes

    @property
    def call(self) -> WitnessCall:
        return WitnessCall(self.log, self.old_size, self.new_size, self.new_root, self.proof, self.signature)


@dataclass
class _Mined:
    """A block with what it did."""

    block: Block
    state: State
    registry_events: list[RegistryEvent] = field(default_factory=list)
    witness_events: list[WitnessEvent] = field(default_factory=list)
    receipts: dict[bytes, TransactionReceipt] = field(default_factory=dict)
    nonces: dict[tuple[bytes, int], bytes] = field(default_factory=dict)
    position: int = 0

    def place(self, transaction: bytes) -> Place:
        """The next place in the block."""
        place = Place(self.block.number, self.block.hash, transaction, self.position)
        self.position += 1
        return place


class FakeChain:
    """One chain, its contracts at `REGISTRY` and `WITNESS`. Accounts own nothing until `balances` says so."""

    def __init__(self, chain_id: int = 31337):
        self.chain_id = chain_id
        self.automine = True
        self.unavailable = False
        self.refuse_next: TransactionRefused | None = None
        self.balances: dict[bytes, int] = {}
        self.next_time: int | None = None
        self.finalized_number: int | None = None
        self._pool: dict[tuple[bytes, int], bytes] = {}
        self._blocks: list[_Mined] = []
        self._forks = 0
        self._blocks.append(_Mined(self._next_block(), State(Registry(chain_id, REGISTRY))))

    def identity(self) -> ChainIdentity:
        """The chain's id and genesis hash."""
        self.reach()
        return ChainIdentity(self.chain_id, self._blocks[0].block.hash)

    def tip(self) -> Block:
        """The newest block."""
        self.reach()
        return self._blocks[-1].block

    def finalized(self) -> Block | None:
        """The block that a test called final, None before."""
        self.reach()
        return None if self.finalized_number is None else self.block(self.finalized_number)

    def hold_to(self, final: Block) -> None:
        """There is one node only, and it never lags; what it contradicts, the caller sees."""

    def block(self, number: int) -> Block | None:
        """The block at `number`, or None above the tip."""
        self.reach()
        return self._blocks[number].block if number < len(self._blocks) else None

    def registry_events(self, first_block: int, last_block: int) -> list[RegistryEvent]:
        """All changes in these blocks (inclusive)."""
        return [event for mined in self._range(first_block, last_block) for event in mined.registry_events]

    def witness_events(self, first_block: int, last_block: int) -> list[WitnessEvent]:
        """All heads in these blocks (inclusive)."""
        return [event for mined in self._range(first_block, last_block) for event in mined.witness_events]

    def head(self, log: bytes) -> Head:
        """The head of a log at the tip."""
        self.reach()
        return self.state.head(log)

    def code_hash(self, address: bytes) -> bytes:
        """keccak256 of the code at `address`."""
        self.reach()
        return keccak256({REGISTRY: b"registry code", WITNESS: b"witness code"}.get(address, b""))

    @property
    def state(self) -> State:
        """The contracts at the tip."""
        return self._blocks[-1].state

    def reach(self) -> None:
        """Raise where a test made the chain unavailable."""
        if self.unavailable:
            raise ChainUnavailable("chain node fake://chain: no answer; check the node and try again")

    def perform(self, *acts: Act) -> None:
        """Do the administrator's acts in one new block. Raises `TransactionRefused` for the first that is refused;
        then there is no block."""
        mined = self._empty_block()
        for number, act in enumerate(acts):
            transaction = keccak256(mined.block.hash + uint_word(number))
            for change, head in administer(mined.state, act, mined.block.timestamp):
                mined.registry_events.append(RegistryEvent(change, head, mined.place(transaction)))
        self._blocks.append(mined)

    def mine(self, blocks: int = 1) -> None:
        """Make blocks; the first takes all of the pool that can be mined."""
        for _ in range(blocks):
            mined = self._empty_block()
            while ready := self._ready(mined.state):
                raw = self._pool.pop(ready)
                self._execute(mined, raw)
            self._blocks.append(mined)
        self._pool = {key: raw for key, raw in self._pool.items() if key[1] >= self.state.nonces.get(key[0], 0)}

    def reorg(self, depth: int) -> None:
        """Replace the last `depth` blocks by as many empty ones with other hashes; their transactions are gone."""
        del self._blocks[-depth:]
        self._forks += 1
        for _ in range(depth):
            self._blocks.append(self._empty_block())

    def lose_pool(self) -> None:
        """Forget all transactions that wait."""
        self._pool.clear()

    def send(self, raw: bytes) -> None:
        """Take a transaction into the pool, by the rules of a node."""
        self.reach()
        if self.refuse_next is not None:
            refused, self.refuse_next = self.refuse_next, None
            raise refused
        transaction = msgspec.msgpack.decode(raw, type=_Transaction)
        place = (transaction.sender, transaction.nonce)
        if self._pool.get(place) == raw or self.find_receipt(keccak256(raw)):
            return
        self._check(transaction)
        self._pool[place] = raw
        if self.automine:
            self.mine()

    def find_receipt(self, transaction: bytes) -> TransactionReceipt | None:
        """The receipt of a mined transaction."""
        self.reach()
        return next((mined.receipts[transaction] for mined in self._blocks if transaction in mined.receipts), None)

    def pending_nonce(self, account: bytes) -> int:
        """The account's next nonce, with what waits in the pool."""
        self.reach()
        nonce = self.state.nonces.get(account, 0)
        while (account, nonce) in self._pool:
            nonce += 1
        return nonce

    def mined_nonce(self, account: bytes) -> int:
        """How many transactions of the account are mined."""
        self.reach()
        return self.state.nonces.get(account, 0)

    def transaction_at(self, account: bytes, nonce: int) -> bytes | None:
        """The mined transaction that used the nonce."""
        self.reach()
        return next((mined.nonces[account, nonce] for mined in self._blocks if (account, nonce) in mined.nonces), None)

    def _check(self, transaction: _Transaction) -> None:
        if transaction.nonce < self.state.nonces.get(transaction.sender, 0):
            raise _refused("nonce-too-low")
        if transaction.cap * GAS > self.balances.get(transaction.sender, 0):
            raise _refused("insufficient-funds")
        if transaction.cap < BASE_FEE:
            raise _refused("underpriced")
        waiting = self._pool.get((transaction.sender, transaction.nonce))
        if waiting is not None:
            other = msgspec.msgpack.decode(waiting, type=_Transaction)
            for new, old in ((transaction.cap, other.cap), (transaction.tip, other.tip)):
                if 100 * new < _REPLACEMENT_PERCENT * old:
                    raise _refused("replacement-underpriced")

    def _ready(self, state: State) -> tuple[bytes, int] | None:
        return next((key for key in self._pool if key[1] == state.nonces.get(key[0], 0)), None)

    def _execute(self, mined: _Mined, raw: bytes) -> None:
        transaction, name = msgspec.msgpack.decode(raw, type=_Transaction), keccak256(raw)
        block, state, call = mined.block, mined.state, transaction.call
        state.nonces[transaction.sender] = transaction.nonce + 1
        try:
            check_head(state, call)
            succeeded = True
        except TransactionRefused:
            succeeded = False
        if succeeded and call.new_size != call.old_size:
            state.heads[call.log] = Head(call.new_size, call.new_root)
            values = (call.log, call.old_size, call.new_size, call.new_root, state.registry.head, state.registry.count)
            identifier = witness_id(*values, block.timestamp, block.parent)
            mined.witness_events.append(WitnessEvent(*values, identifier, mined.place(name)))
        mined.nonces[transaction.sender, transaction.nonce] = name
        mined.receipts[name] = TransactionReceipt(name, block.number, block.hash, succeeded, GAS)

    def _range(self, first_block: int, last_block: int) -> Iterator[_Mined]:
        self.reach()
        if first_block <= last_block >= len(self._blocks):
            raise ChainUnavailable(f"chain node fake://chain: the node has not reached block {last_block}")
        return iter(self._blocks[first_block : last_block + 1])

    def _empty_block(self) -> _Mined:
        return _Mined(self._next_block(), self.state.copy())

    def _next_block(self) -> Block:
        number = len(self._blocks)
        before = self._blocks[-1].block if self._blocks else Block(-1, bytes(32), bytes(32), START_TIME - 1)
        timestamp, self.next_time = self.next_time or before.timestamp + 1, None
        words = (uint_word(self.chain_id), uint_word(number), before.hash, uint_word(timestamp), uint_word(self._forks))
        return Block(number, keccak256(b"".join(words)), before.hash, timestamp)


class FakeSender:
    """Sends heads to a `FakeChain` from one account."""

    def __init__(self, chain: FakeChain, secret: bytes, balance: int = RICH):
        self._chain = chain
        self._address = signatures.address_from_secret(secret)
        chain.balances.setdefault(self._address, balance)

    @property
    def address(self) -> bytes:
        """The account that pays."""
        return self._address

    def next_nonce(self) -> int:
        """The account's next nonce by the pending view."""
        return self._chain.pending_nonce(self._address)

    def mined_nonce(self) -> int:
        """The next nonce without what waits."""
        return self._chain.mined_nonce(self._address)

    def transaction_at(self, nonce: int) -> bytes | None:
        """The mined transaction that used the nonce."""
        return self._chain.transaction_at(self._address, nonce)

    def fees(self) -> Fees:
        """What the chain asks."""
        self._chain.reach()
        return Fees(2 * BASE_FEE + TIP, TIP)

    def sign(self, call: WitnessCall, nonce: int, fees: Fees) -> SignedTransaction:
        """Sign; raises `TransactionRefused` where the contract would refuse the call now."""
        self._chain.reach()
        check_head(self._chain.state, call)
        fields = (call.log, call.old_size, call.new_size, call.new_root, list(call.proof), call.signature)
        raw = msgspec.msgpack.encode(_Transaction(self._address, nonce, fees.cap, fees.tip, *fields))
        return SignedTransaction(raw, keccak256(raw), nonce)

    def reprice(self, raw: bytes, fees: Fees) -> SignedTransaction:
        """Sign the same again for other fees."""
        transaction = msgspec.msgpack.decode(raw, type=_Transaction)
        raw = msgspec.msgpack.encode(msgspec.structs.replace(transaction, cap=fees.cap, tip=fees.tip))
        return SignedTransaction(raw, keccak256(raw), transaction.nonce)

    def broadcast(self, raw: bytes) -> None:
        """Give a signed transaction to the chain."""
        self._chain.send(raw)

    def receipt(self, transaction: bytes) -> TransactionReceipt | None:
        """The receipt where it is mined."""
        return self._chain.find_receipt(transaction)


def _refused(reason: str) -> TransactionRefused:
    return TransactionRefused(reason, f"the node refused the transaction: {reason}")
