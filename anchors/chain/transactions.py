"""One account's transactions, from the signature until a final block: stored, sent, watched, offered for more, settled.

The caller says which head is to move; this says under which nonce, for what fee, and when the account is free for the
next one (docs/adr/0015-one-transaction-in-flight.md). What it relies on: the contract knows its size, so a transaction
that is mined late or twice moves nothing; it may cost gas, and never the truth.

    1. Signed and stored before it is sent. What stands in the outbox is asked about first, and sent again.
    2. A nonce is taken when the signed transaction is stored, so a failure before that takes none. It is the larger of
       what the chain and the outbox say.
    3. One nonce is in flight. All transactions that were offered under it are watched; none is given up while it could
       be mined: only when another one of its nonce is final, or when no node could ever take its bytes.
    4. What is not mined in time, on a chain that makes blocks, is offered for an eighth more, up to a ceiling.
    5. Mined means that the block of the receipt is in the chain now; settled, that it is also final.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Protocol

from anchors.chain import refusals
from anchors.chain.port import (
    Chain,
    Fees,
    SignedTransaction,
    TransactionReceipt,
    TransactionRefused,
    WitnessCall,
    WitnessSender,
)
from anchors.core.encoding import encode_hex

RESEND_SECONDS = 10
"""How often what is not mined is sent again. Pools forget, nodes restart, and sending again is free."""

REPLACE_SECONDS = 60
REPLACE_BLOCKS = 3
"""After so long and so many blocks the fee is thought to be too low. Without blocks no fee helps."""

MOST_TIMES_ASKED = 10
"""No fee is offered above so many times what the chain asks."""

WEI_PER_GWEI = 10**9

MOST_WEI = 1_000 * WEI_PER_GWEI
"""Nor above this, in wei per gas, where the operator says nothing: a node that asks for more is lying or broken."""

FOREIGN_SECONDS = 300
"""For so long a transaction of somebody else, which waits before ours, may be mined; then its place is contested."""

_NEVER_MINED = (refusals.INVALID, refusals.GAS_TOO_LOW)
"""By its own bytes, whatever the state."""

_TIME_WILL_TELL = (
    refusals.NONCE_TOO_LOW,
    refusals.NONCE_TOO_HIGH,
    refusals.REPLACEMENT_UNDERPRICED,
    refusals.UNDERPRICED,
)
"""Refusals to which the next look has an answer. The others need a person, or a node that mends itself."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class OutgoingTransaction:
    """A transaction as sent: by which account (20 bytes), for which move of the head, and every byte that went out.
    Fees are wei per gas, times Unix seconds."""

    id: int
    account: bytes
    old_size: int
    new_size: int
    nonce: int
    hash: bytes
    raw: bytes
    fee_cap: int
    fee_tip: int
    sent_at: int


class Outbox(Protocol):
    """Transactions that were signed, so that after a crash the chain can be asked about them first."""

    def add(self, transaction: OutgoingTransaction) -> int:
        """Store before it is sent; its `id` is ignored, the one it got is returned. Durable on return."""

    def open(self) -> list[OutgoingTransaction]:
        """Those not yet closed, oldest first."""

    def close(self, id: int, outcome: str, gas_used: int | None) -> None:
        """Remember how it ended: `mined`, `reverted`, `replaced` (another one used its nonce) or `refused` (no node
        could ever take it). Durable on return."""

    def next_nonce(self, account: bytes) -> int:
        """One more than the largest nonce that is known to be used for good: that of a closed transaction which was not
        `refused`; 0 where there is none."""


@dataclass(frozen=True)
class Flight:
    """How things stand: whether a transaction may still be mined, so that none may be sent, and the largest size that a
    mined transaction moved the head to, 0 where none did."""

    busy: bool
    mined_size: int


@dataclass
class _Watch:
    """What this process remembers of a nonce. All of it may be forgotten: then it is found out again, later."""

    sent_at: int | None = None
    newest: int = 0
    seen_at_block: int | None = None
    underpriced: bool = False
    ceiling: str = ""
    used_at_block: int | None = None
    trouble: TransactionRefused | None = None
    told: set[str] = field(default_factory=set)


Offers = list[OutgoingTransaction]
"""Transactions of one account under one nonce, in the order in which they were signed: at most one is mined."""


class Transactions:
    """The transactions of one account. Used by one thread of one process at a time; a process that wakes up late and
    believes that it still is the one does no harm."""

    def __init__(
        self, chain: Chain, sender: WitnessSender, outbox: Outbox, now: Callable[[], int], most_wei: int = MOST_WEI
    ):
        self._chain = chain
        self._sender = sender
        self._outbox = outbox
        self._now = now
        self._most_wei = most_wei
        self._watches: dict[tuple[bytes, int], _Watch] = {}
        self._free_nonce: int | None = None
        self._used_nonce = -1
        self._refused: tuple[int, TransactionRefused] | None = None

    def settle(self, tip_number: int, final_number: int) -> Flight:
        """Look after all that went out: close what is final, send again what is not mined. `tip_number` is the newest
        block known (-1: none), `final_number` the newest final one.

        Raises `ChainUnavailable`; or `TransactionRefused` while no node takes what is in flight and a person must act.
        """
        opened = self._outbox.open()
        mined_nonce = self._sender.mined_nonce() if opened else 0  # before the receipts, or a new one would be missed
        busy, mined_size, waiting = False, 0, []
        self._used_nonce = -1
        for offers in _by_nonce(opened):
            first, watch, receipt = offers[0], self._watch(offers[0]), self._receipt(offers)
            if receipt is not None:
                watch.used_at_block = None
                mined_size = max(mined_size, first.new_size if receipt.succeeded else 0)
                self._used_nonce = max(self._used_nonce, first.nonce if self._is_own(first) else -1)
                if receipt.block_number <= final_number:
                    self._close(offers, receipt)
            elif not self._is_own(first):  # of an account that was the relay before: it holds up nothing
                if self._is_due(watch.sent_at, RESEND_SECONDS):
                    self._resend(offers)
            elif first.nonce < mined_nonce:
                busy = self._is_used_by_another(offers, final_number) or busy
            else:
                watch.used_at_block = None
                waiting.append(offers)
        return Flight(self._push(waiting, mined_nonce, tip_number) or busy, mined_size)

    def send(self, call: WitnessCall) -> OutgoingTransaction:
        """Sign, store and send. Only when `settle` said that nothing is in flight.

        Raises `TransactionRefused` where the contract would refuse the call now or no node takes it, `ChainUnavailable`
        where it is not known whether a node took it. What was stored by then is sent again by `settle`."""
        if self._refused is not None and not self._is_due(self._refused[0], RESEND_SECONDS):
            raise self._to_person(self._refused[1])
        fees = self._bounded(self._sender.fees())
        signed = self._sender.sign(call, self._next_nonce(), fees)
        outgoing = self._store(signed, call.old_size, call.new_size, fees)
        self._publish([outgoing])
        self._complain(outgoing)
        return outgoing

    # What is mined

    def _receipt(self, offers: Offers) -> TransactionReceipt | None:
        """The receipt of the one that is mined. A receipt whose block is not in the chain is that of a chain that was
        replaced, told by a node that has not noticed."""
        for offer in reversed(offers):
            receipt = self._sender.receipt(offer.hash)
            if receipt is not None:
                block = self._chain.block(receipt.block_number)
                if block is not None and block.hash == receipt.block_hash:
                    return receipt
        return None

    def _close(self, offers: Offers, receipt: TransactionReceipt) -> None:
        # The mined one last: a process that dies before it finds it, and with it the reason of the others.
        for offer in sorted(offers, key=lambda each: each.hash == receipt.transaction):
            if offer.hash == receipt.transaction:
                self._outbox.close(offer.id, "mined" if receipt.succeeded else "reverted", receipt.gas_used)
            else:
                self._outbox.close(offer.id, "replaced", None)
        self._forget(offers[0])

    def _is_used_by_another(self, offers: Offers, final_number: int) -> bool:
        """The nonce is used, and not by one of ours: somebody else has the account's key. True while that is not sure.

        They stay open until the other one is final: if its block leaves the chain, ours can be mined."""
        first, watch = offers[0], self._watch(offers[0])
        sure, name = watch.used_at_block is not None, "a transaction that the node cannot name"
        if not sure:
            found = self._sender.transaction_at(first.nonce)
            if found in {offer.hash for offer in offers}:
                return True  # the node will show the receipt in a moment
            watch.used_at_block = self._chain.tip().number
            if found is None:
                return True  # perhaps only the receipt is late: look once more
            name = f"transaction {encode_hex(found)}"
        self._tell(
            first,
            "another",
            f"nonce {first.nonce} of account {encode_hex(first.account)} was used by {name}, which this service did not"
            " send: give the relay key to one service only; the head is sent again",
        )
        if watch.used_at_block is not None and final_number >= watch.used_at_block:
            for offer in offers:
                self._outbox.close(offer.id, "replaced", None)
            self._forget(first)
        return False

    # What is not mined

    def _push(self, waiting: Sequence[Offers], mined_nonce: int, tip_number: int) -> bool:
        """Send again what waits, the next to be mined for more if it has waited long. True while it may be mined."""
        self._free_nonce = None
        for offers in waiting:
            watch, newest = self._watch(offers[0]), offers[-1]
            if watch.newest != newest.id or watch.seen_at_block is None:
                watch.newest, watch.seen_at_block = newest.id, tip_number if tip_number >= 0 else None
            if self._is_due(watch.sent_at, RESEND_SECONDS):
                dearer = self._offer_more(newest, tip_number) if newest.nonce == mined_nonce else None
                self._publish([*offers, dearer] if dearer else offers)
        if not waiting:
            return False
        if self._is_free(mined_nonce, waiting[0]):
            self._free_nonce = mined_nonce
            return False
        self._complain(waiting[0][0])
        return True

    def _is_free(self, mined_nonce: int, offers: Offers) -> bool:
        """Whether the account's next nonce is before all of ours, and nobody's: then nothing of ours can be mined until
        it is used. The next head is sent under it."""
        first, age = offers[0], self._now() - offers[-1].sent_at
        if first.nonce <= mined_nonce or 0 <= age < RESEND_SECONDS:
            return False
        if mined_nonce < max(self._used_nonce + 1, self._outbox.next_nonce(first.account)):
            return False  # the node has not seen the newest blocks
        if self._sender.next_nonce() > mined_nonce and 0 <= age < FOREIGN_SECONDS:
            return False
        account = encode_hex(first.account)
        self._tell(
            first,
            "gap",
            f"nonce {mined_nonce} of account {account} is missing before {first.nonce}: the next head has it",
        )
        return True

    def _offer_more(self, newest: OutgoingTransaction, tip_number: int) -> OutgoingTransaction | None:
        """The same call, signed and stored for more, where it is time and the ceilings allow it."""
        watch = self._watch(newest)
        blocks = tip_number - watch.seen_at_block if watch.seen_at_block is not None else 0
        if not watch.underpriced and (blocks < REPLACE_BLOCKS or not self._is_due(newest.sent_at, REPLACE_SECONDS)):
            return None
        asked, least = self._sender.fees(), Fees(_raised(newest.fee_cap), _raised(newest.fee_tip))
        if asked.cap == newest.fee_cap == 0:
            return None  # at a price of 0 a node replaces always or never: a price is no argument here
        most = min(self._most_wei, MOST_TIMES_ASKED * max(asked.cap, 1))
        watch.ceiling = ""
        if least.cap > most:
            watch.ceiling = (
                f"transaction {encode_hex(newest.hash)} is not mined for {newest.fee_cap} wei per gas, and more than"
                f" {most} is not allowed: wait until the chain asks for less, or allow more"
            )
            return None
        cap = min(most, max(asked.cap, least.cap))
        fees = Fees(cap, min(cap, max(asked.tip, least.tip)))
        return self._store(self._sender.reprice(newest.raw, fees), newest.old_size, newest.new_size, fees)

    # Sending

    def _next_nonce(self) -> int:
        if self._free_nonce is not None:
            return self._free_nonce
        known = max(self._used_nonce + 1, self._outbox.next_nonce(self._sender.address))
        return max(known, self._sender.next_nonce())

    def _store(self, signed: SignedTransaction, old_size: int, new_size: int, fees: Fees) -> OutgoingTransaction:
        values = (old_size, new_size, signed.nonce, signed.hash, signed.raw, fees.cap, fees.tip, self._now())
        outgoing = OutgoingTransaction(0, self._sender.address, *values)
        return replace(outgoing, id=self._outbox.add(outgoing))

    def _publish(self, offers: Offers) -> None:
        """Send the dearest offer that is taken, and remember what keeps nodes from taking any."""
        first, watch = offers[0], self._watch(offers[0])
        refused = self._resend(offers)
        reasons = {each.reason for each in refused}
        watch.underpriced = refusals.UNDERPRICED in reasons
        if refusals.REPLACEMENT_UNDERPRICED in reasons:
            self._tell(
                first,
                "elsewhere",
                f"nodes hold another transaction of account {encode_hex(first.account)} under nonce {first.nonce}:"
                " is the relay key used elsewhere?",
            )
        watch.trouble = next((each for each in refused if each.reason not in _TIME_WILL_TELL), None)
        if watch.trouble is None and watch.ceiling:
            watch.trouble = TransactionRefused(refusals.FEE_CEILING, watch.ceiling)

    def _resend(self, offers: Offers) -> list[TransactionRefused]:
        """Send the newest that is taken: where a node does not replace what it has, that is sent again. The refusals
        where none is taken. What no node can ever take is closed."""
        self._watch(offers[0]).sent_at, refused = self._now(), []
        for offer in reversed(offers):
            try:
                self._sender.broadcast(offer.raw)
                return []
            except TransactionRefused as refusal:
                refused.append(refusal)
                text = f"transaction {encode_hex(offer.hash)} is not taken: {refusal}"
                self._tell(offer, f"{refusal.reason} {offer.id}", text)
                if refusal.reason in _NEVER_MINED:
                    self._outbox.close(offer.id, "refused", None)
                    self._refused = (self._now(), refusal)
        return refused

    def _complain(self, offer: OutgoingTransaction) -> None:
        if trouble := self._watch(offer).trouble:
            raise self._to_person(trouble)

    def _to_person(self, trouble: TransactionRefused) -> TransactionRefused:
        account = encode_hex(self._sender.address)
        if trouble.reason == refusals.INSUFFICIENT_FUNDS:
            return TransactionRefused(trouble.reason, f"account {account} cannot pay, send it money: {trouble}")
        return TransactionRefused(trouble.reason, str(trouble))

    def _bounded(self, asked: Fees) -> Fees:
        return Fees(min(asked.cap, self._most_wei), min(asked.tip, self._most_wei))

    # Remembering

    def _is_own(self, offer: OutgoingTransaction) -> bool:
        return offer.account == self._sender.address

    def _watch(self, offer: OutgoingTransaction) -> _Watch:
        return self._watches.setdefault((offer.account, offer.nonce), _Watch())

    def _forget(self, offer: OutgoingTransaction) -> None:
        self._watches.pop((offer.account, offer.nonce), None)

    def _is_due(self, last: int | None, seconds: int) -> bool:
        """Whether so much time has passed; also when the clock was put back."""
        return last is None or not 0 <= self._now() - last < seconds

    def _tell(self, offer: OutgoingTransaction, what: str, text: str) -> None:
        """Warn, once for each nonce and `what`."""
        told = self._watch(offer).told
        if what not in told:
            told.add(what)
            _log.warning("%s", text)


def _by_nonce(opened: Sequence[OutgoingTransaction]) -> list[Offers]:
    def place(each: OutgoingTransaction) -> tuple[bytes, int]:
        return each.account, each.nonce

    return [list(offers) for _, offers in groupby(sorted(opened, key=place), place)]


def _raised(fee: int) -> int:
    """Nodes replace a transaction for a tenth more of both fees, some for more than a tenth (Reth), old ones for an
    eighth (Parity)."""
    return fee * 9 // 8 + 1
