"""Putting the two contracts on a chain, and the acts of the registry's administrator."""

from collections.abc import Sequence
from dataclasses import dataclass

from anchors.chain import artifacts
from anchors.chain.account import PayingAccount
from anchors.chain.acts import Act
from anchors.chain.call_data import deployment_data
from anchors.chain.endpoints import Endpoints
from anchors.chain.port import SignedTransaction, TransactionReceipt, TransactionRefused
from anchors.chain.refusals import REVERTED
from anchors.core.encoding import encode_hex, keccak256, require_bytes

MAX_BATCH = 128
"""Nodes keep a limited number of waiting transactions for one account; the smallest known default is 200 (Besu)."""

_GAS_DEPLOYMENT = 5_000_000


@dataclass(frozen=True)
class Deployment:
    """The contracts' addresses (20 bytes), the first block that can hold an event of theirs, the gas used."""

    registry: bytes
    witness: bytes
    block_number: int
    gas_used: int


def deploy(
    rpc: Endpoints | str | Sequence[str],
    secret: bytes,
    administrator: bytes | None = None,
    *,
    timeout_seconds: float = 10.0,
    mined_within_seconds: float = 120.0,
) -> Deployment:
    """Deploy the registry, administered by `administrator` (20 bytes, else the deploying account), and its witness.

    Returns when both are mined. Raises `ChainUnavailable` or `TransactionRefused`.
    """
    account = PayingAccount(Endpoints.of(rpc, timeout_seconds), secret)
    try:
        nonce, fees = account.next_nonce(), account.fees()
        registry, witness = contract_address(account.address, nonce), contract_address(account.address, nonce + 1)
        datas = (
            deployment_data(artifacts.REGISTRY, require_bytes(administrator or account.address, 20, "administrator")),
            deployment_data(artifacts.WITNESS, registry),
        )
        sent = [account.sign(None, data, _GAS_DEPLOYMENT, nonce + i, fees) for i, data in enumerate(datas)]
        for transaction in sent:
            account.broadcast(transaction.raw)
        receipts = account.wait(sent, mined_within_seconds)
    finally:
        account.rpc.close()
    if not all(receipt.succeeded for receipt in receipts):
        raise TransactionRefused(REVERTED, "the contracts could not be deployed: a constructor failed")
    return Deployment(registry, witness, receipts[0].block_number, sum(receipt.gas_used for receipt in receipts))


def contract_address(account: bytes, nonce: int) -> bytes:
    """Where the contract will stand that `account` deploys with `nonce`: keccak256(rlp([account, nonce]))[12:]."""
    number = nonce.to_bytes((nonce.bit_length() + 7) // 8, "big")
    encoded = number if len(number) == 1 and nonce < 0x80 else bytes((0x80 + len(number),)) + number
    items = b"\x94" + account + encoded
    return keccak256(bytes((0xC0 + len(items),)) + items)[12:]


class Administrator:
    """The account that holds the registry's administrator role, by its 32-byte secret."""

    def __init__(
        self,
        rpc: Endpoints | str | Sequence[str],
        registry: bytes,
        secret: bytes,
        timeout_seconds: float = 10.0,
        mined_within_seconds: float = 120.0,
    ):
        self._account = PayingAccount(Endpoints.of(rpc, timeout_seconds), secret)
        self._registry = require_bytes(registry, 20, "registry address")
        self._mined_within_seconds = mined_within_seconds
        self._contract = artifacts.load(artifacts.REGISTRY)

    @property
    def address(self) -> bytes:
        """The account, 20 bytes."""
        return self._account.address

    def perform(self, *acts: Act) -> list[TransactionReceipt]:
        """Do the acts in order and return their receipts when all are mined.

        They are sent together, as many as fit go into one block, and each may build on those before it. Raises
        `TransactionRefused` with the contract's error for the first that is refused; those behind it may have been
        done all the same. A first act that would be refused is not sent, nor are the others then.
        """
        receipts: list[TransactionReceipt] = []
        for start in range(0, len(acts), MAX_BATCH):
            receipts += self._perform_batch(acts[start : start + MAX_BATCH])
        return receipts

    def close(self) -> None:
        """Close the connections to the node."""
        self._account.rpc.close()

    def _perform_batch(self, acts: Sequence[Act]) -> list[TransactionReceipt]:
        datas = [act.call_data() for act in acts]
        self._account.check_call(self._registry, datas[0], self._contract)
        nonce, fees = self._account.next_nonce(), self._account.fees()
        sent: list[SignedTransaction] = []
        for number, (act, data) in enumerate(zip(acts, datas, strict=True)):
            sent.append(self._account.sign(self._registry, data, act.gas_limit, nonce + number, fees))
            self._account.broadcast(sent[-1].raw)
        receipts = self._account.wait(sent, self._mined_within_seconds)
        for act, data, receipt in zip(acts, datas, receipts, strict=True):
            if not receipt.succeeded:
                raise self._refused(act, data, receipt)
        return receipts

    def _refused(self, act: Act, data: bytes, receipt: TransactionReceipt) -> TransactionRefused:
        """The reason stands in no receipt: the call is tried again, in the state after its block."""
        where = f"transaction {encode_hex(receipt.transaction)}"
        try:
            self._account.check_call(self._registry, data, self._contract, hex(receipt.block_number))
        except TransactionRefused as refused:
            return TransactionRefused(refused.reason, f"{refused} ({type(act).__name__}, {where})")
        return TransactionRefused(REVERTED, f"{type(act).__name__} was refused, and would not be now ({where})")
