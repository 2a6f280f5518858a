"""An account that pays for transactions: nonces, fees, signing, sending, receipts."""

import time
from collections.abc import Sequence
from typing import Any

from anchors.chain.artifacts import Artifact
from anchors.chain.endpoints import Endpoints
from anchors.chain.hexadecimal import octets, quantity
from anchors.chain.json_rpc import RpcRefused
from anchors.chain.port import ChainUnavailable, Fees, SignedTransaction, TransactionReceipt
from anchors.chain.refusals import ALREADY_KNOWN, NONCE_TOO_LOW, refused_by_contract, refused_by_node, sending_reason
from anchors.core.encoding import encode_hex, keccak256, require_bytes
from anchors.core.errors import MalformedInput
from anchors.imports import keeping_recursion_limit

with keeping_recursion_limit():
    import rlp
    from eth_account import Account
    from eth_account.signers.local import LocalAccount

BASE_FEE_MARGIN = 2
"""The cap allows for the base fee to double: six full blocks in a row at 12.5 % each."""

SEARCHED_BLOCKS = 100
"""Full nodes keep the states of the newest 128 blocks (geth); some are gone while the search goes on."""

_DYNAMIC_FEE_TYPE = 2
_GAS_MARGIN_DIVISOR = 4
_GAS_MARGIN_UNITS = 10_000
_POLL_SECONDS = 0.05
_LONGEST_POLL_SECONDS = 1.0


class PayingAccount:
    """One account on one chain, by its 32-byte secret. It keeps no state but the chain's id, which does not change."""

    def __init__(self, rpc: Endpoints, secret: bytes):
        self.rpc = rpc
        self._account: LocalAccount = Account.from_key(require_bytes(secret, 32, "account secret"))
        self.address: bytes = bytes.fromhex(self._account.address.removeprefix("0x"))
        self._chain_id: int | None = None

    def next_nonce(self) -> int:
        """The next nonce by the node's pending view."""
        return self.rpc.ask(quantity, "eth_getTransactionCount", encode_hex(self.address), "pending")

    def mined_nonce(self) -> int:
        """How many transactions of the account are mined in the node's present chain: the next nonce without those
        that wait."""
        return self.rpc.ask(quantity, "eth_getTransactionCount", encode_hex(self.address), "latest")

    def transaction_at(self, nonce: int) -> bytes | None:
        """The hash of the mined transaction that used this nonce, looked for in the newest `SEARCHED_BLOCKS` blocks;
        None where there is none, or where the node keeps no states of the past."""
        try:
            number = self._block_that_used(nonce)
            block = None if number is None else self.rpc.call("eth_getBlockByNumber", hex(number), True)
            for wire in block["transactions"] if block else ():
                if octets(wire["from"], 20) == self.address and quantity(wire["nonce"]) == nonce:
                    return octets(wire["hash"], 32)
        except (RpcRefused, ValueError, KeyError, TypeError, MalformedInput):
            pass  # the name of a transaction is worth no more than this
        return None

    def fees(self) -> Fees:
        """What the chain asks: cap and tip, which are both the legacy price where the chain has no base fee."""
        deadline = self.rpc.deadline()
        base_fee = self.rpc.ask(_read_base_fee, "eth_getBlockByNumber", "latest", False, deadline=deadline)
        price = self.rpc.ask(quantity, "eth_gasPrice", deadline=deadline)
        if base_fee is None or price == 0:
            return Fees(price, price)
        tip = self._tip(max(0, price - base_fee), deadline)
        return Fees(BASE_FEE_MARGIN * base_fee + tip, tip)

    def estimate_gas(self, to: bytes, data: bytes, contract: Artifact) -> int:
        """The gas limit for a call of `contract` in the state at the tip, with a quarter to spare.

        Raises `TransactionRefused` where the contract would revert.
        """
        call = {"from": encode_hex(self.address), "to": encode_hex(to), "data": encode_hex(data)}
        try:
            units = quantity(self.rpc.call("eth_estimateGas", call, "latest"))
        except RpcRefused as refused:
            raise refused_by_contract(refused, contract) from None
        except ValueError as error:
            raise self.rpc.unavailable(f"eth_estimateGas was answered with something unusable: {error}") from None
        return units + units // _GAS_MARGIN_DIVISOR + _GAS_MARGIN_UNITS

    def check_call(self, to: bytes, data: bytes, contract: Artifact, block: str = "latest") -> None:
        """Raise `TransactionRefused` where `contract` would revert on this call in the state after `block`."""
        call = {"from": encode_hex(self.address), "to": encode_hex(to), "data": encode_hex(data)}
        try:
            self.rpc.call("eth_call", call, block)
        except RpcRefused as refused:
            raise refused_by_contract(refused, contract) from None

    def sign(self, to: bytes | None, data: bytes, gas: int, nonce: int, fees: Fees) -> SignedTransaction:
        """Sign a call, or a deployment where `to` is None. Where cap and tip are one price the transaction is a legacy
        one, which every chain takes and which costs the same."""
        fields: dict[str, Any] = {"data": data, "gas": gas, "nonce": nonce, "value": 0, "chainId": self._id()}
        if to is not None:
            fields["to"] = to
        if fees.cap == fees.tip:
            fields["gasPrice"] = fees.cap
        else:
            fields |= {"maxFeePerGas": fees.cap, "maxPriorityFeePerGas": fees.tip}
        signed = self._account.sign_transaction(fields)
        return SignedTransaction(bytes(signed.raw_transaction), bytes(signed.hash), nonce)

    def reprice(self, raw: bytes, fees: Fees) -> SignedTransaction:
        """Sign the same call under the same nonce, with the same gas limit, for other fees."""
        nonce, gas, to, data = _read_signed(raw)
        return self.sign(to, data, gas, nonce, fees)

    def broadcast(self, raw: bytes) -> None:
        """Give a signed transaction to all nodes. Returns where one has it, also when it had or mined it before.

        Raises the first `TransactionRefused` where none has, `ChainUnavailable` where none answered."""
        answers = self.rpc.call_all("eth_sendRawTransaction", encode_hex(raw))
        if any(not isinstance(answer, Exception) for answer in answers):
            return
        refusals = [answer for answer in answers if isinstance(answer, RpcRefused)]
        reasons = [sending_reason(refused) for refused in refusals]
        # "Too low" is also said of this very transaction once it is mined.
        if ALREADY_KNOWN in reasons or (NONCE_TOO_LOW in reasons and self._has(keccak256(raw))):
            return
        raise refused_by_node(refusals[0]) if refusals else ChainUnavailable("; ".join(str(each) for each in answers))

    def receipt(self, transaction: bytes, deadline: float | None = None) -> TransactionReceipt | None:
        """The receipt where the transaction is mined in the node's present chain, else None."""
        return self.rpc.ask(_read_receipt, "eth_getTransactionReceipt", encode_hex(transaction), deadline=deadline)

    def wait(self, transactions: Sequence[SignedTransaction], timeout_seconds: float) -> list[TransactionReceipt]:
        """The receipts of all, in order. Raises `ChainUnavailable` where one is not mined within the time; what was
        sent may still be mined later."""
        deadline, poll = time.monotonic() + timeout_seconds, _POLL_SECONDS
        receipts: list[TransactionReceipt] = []
        while len(receipts) < len(transactions):
            try:
                receipt = self.receipt(transactions[len(receipts)].hash)
            except ChainUnavailable:  # they are sent, so a node that is away for a moment is waited for
                receipt = None
            if receipt is not None:
                receipts.append(receipt)
                continue
            if time.monotonic() > deadline:
                raise ChainUnavailable(
                    f"chain node {self.rpc.name}: {len(receipts)} of {len(transactions)} transactions were mined within"
                    f" {timeout_seconds:g} s; the others may be mined later: look before sending them again"
                )
            time.sleep(poll)
            poll = min(2 * poll, _LONGEST_POLL_SECONDS)
        return receipts

    def _tip(self, otherwise: int, deadline: float) -> int:
        try:
            return quantity(self.rpc.call("eth_maxPriorityFeePerGas", deadline=deadline))
        except (RpcRefused, ValueError):  # not every node knows the method
            return otherwise

    def _block_that_used(self, nonce: int) -> int | None:
        def used_after(number: int) -> bool:
            return quantity(self.rpc.call("eth_getTransactionCount", encode_hex(self.address), hex(number))) > nonce

        newest = quantity(self.rpc.call("eth_blockNumber"))
        oldest = max(0, newest - SEARCHED_BLOCKS)
        if used_after(oldest) or not used_after(newest):
            return None
        while newest - oldest > 1:
            middle = (oldest + newest) // 2
            oldest, newest = (oldest, middle) if used_after(middle) else (middle, newest)
        return newest

    def _has(self, transaction: bytes) -> bool:
        return self.rpc.ask(lambda answer: answer is not None, "eth_getTransactionByHash", encode_hex(transaction))

    def _id(self) -> int:
        if self._chain_id is None:
            self._chain_id = self.rpc.ask(quantity, "eth_chainId")
        return self._chain_id


def _read_signed(raw: bytes) -> tuple[int, int, bytes | None, bytes]:
    """Nonce, gas limit, recipient (None of a deployment) and data of a transaction that `sign` made (EIP-1559 or
    legacy with EIP-155)."""
    if raw[0] == _DYNAMIC_FEE_TYPE:
        _, nonce, _, _, gas, to, _, data, *_ = rlp.decode(raw[1:])
    else:
        nonce, _, gas, to, _, data, *_ = rlp.decode(raw)
    return int.from_bytes(nonce, "big"), int.from_bytes(gas, "big"), to or None, data


def _read_base_fee(block: Any) -> int | None:
    base_fee = block.get("baseFeePerGas")
    return None if base_fee is None else quantity(base_fee)


def _read_receipt(wire: Any) -> TransactionReceipt | None:
    if wire is None or wire["blockNumber"] is None:
        return None
    return TransactionReceipt(
        transaction=octets(wire["transactionHash"], 32),
        block_number=quantity(wire["blockNumber"]),
        block_hash=octets(wire["blockHash"], 32),
        succeeded=quantity(wire["status"]) == 1,
        gas_used=quantity(wire["gasUsed"]),
    )
