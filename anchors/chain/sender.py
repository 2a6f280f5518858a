"""The `WitnessSender` port over the JSON-RPC of an Ethereum node: heads for the witness contract."""

from collections.abc import Sequence

from anchors.chain import artifacts
from anchors.chain.account import PayingAccount
from anchors.chain.call_data import call_data
from anchors.chain.endpoints import Endpoints
from anchors.chain.port import Fees, SignedTransaction, TransactionReceipt, WitnessCall
from anchors.core.encoding import require_bytes


class EthereumWitnessSender:
    """Implements `anchors.chain.port.WitnessSender` with one paying account, by its 32-byte secret.

    It keeps no nonces: whoever uses it owns them. Safe to use from several threads.
    """

    def __init__(
        self, rpc: Endpoints | str | Sequence[str], witness: bytes, secret: bytes, timeout_seconds: float = 10.0
    ):
        self._account = PayingAccount(Endpoints.of(rpc, timeout_seconds), secret)
        self._witness = require_bytes(witness, 20, "witness address")
        self._contract = artifacts.load(artifacts.WITNESS)

    @property
    def address(self) -> bytes:
        """The account that pays, 20 bytes."""
        return self._account.address

    def next_nonce(self) -> int:
        """The account's next nonce by the node's pending view."""
        return self._account.next_nonce()

    def mined_nonce(self) -> int:
        """The next nonce without what waits: how many of the account's transactions are mined."""
        return self._account.mined_nonce()

    def transaction_at(self, nonce: int) -> bytes | None:
        """The hash of the mined transaction that used this nonce, where the node can still tell, else None."""
        return self._account.transaction_at(nonce)

    def fees(self) -> Fees:
        """What the chain asks at present, in wei per gas."""
        return self._account.fees()

    def sign(self, call: WitnessCall, nonce: int, fees: Fees) -> SignedTransaction:
        """Sign, without sending. Raises `TransactionRefused` with the contract's error where it would refuse now."""
        data = call_data(
            artifacts.WITNESS,
            "witness",
            call.log,
            call.old_size,
            call.new_size,
            call.new_root,
            list(call.proof),
            call.signature,
        )
        gas = self._account.estimate_gas(self._witness, data, self._contract)
        return self._account.sign(self._witness, data, gas, nonce, fees)

    def reprice(self, raw: bytes, fees: Fees) -> SignedTransaction:
        """Sign what `sign` signed once more, under the same nonce, for other fees."""
        return self._account.reprice(raw, fees)

    def broadcast(self, raw: bytes) -> None:
        """Give a signed transaction to all nodes. Returns where one has it, also when it had it before; raises
        `TransactionRefused` with one of the codes of `anchors.chain.refusals`."""
        self._account.broadcast(raw)

    def receipt(self, transaction: bytes) -> TransactionReceipt | None:
        """The receipt where the transaction is mined in the node's present chain, else None."""
        return self._account.receipt(transaction)

    def close(self) -> None:
        """Close the connections to the node."""
        self._account.rpc.close()
