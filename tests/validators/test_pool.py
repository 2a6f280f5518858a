"""A production node's transaction pool: how it refuses, sorted into our reasons, and what it does without a word.

Transactions that must wait have a nonce that is not their turn, so that no block decides while the test looks.
"""

import itertools
import re

import pytest
from eth_account import Account

from anchors.chain import refusals
from anchors.chain.json_rpc import JsonRpc, RpcRefused
from anchors.core.encoding import encode_hex, keccak256
from anchors.core.signature import address_from_secret
from tests.validators.network import ADMINISTRATOR, BUILD_AND_TEST_SECONDS, CHAIN_ID, Network, synthetic_secret
from tests.validators.node import Validator
from tests.validators.seals import signer_of

GWEI = 10**9
ETHER = 10**18
PLAIN_GAS = 21_000
ANSWERED_BY_PRICE_OR_NUMBER = {
    refusals.ALREADY_KNOWN, refusals.NONCE_TOO_LOW, refusals.UNDERPRICED, refusals.REPLACEMENT_UNDERPRICED,
}  # fmt: skip
_numbers = itertools.count()
pytestmark = pytest.mark.timeout(BUILD_AND_TEST_SECONDS)


class Sender:
    """An account of a test, with funds where there are fees."""

    def __init__(self, node: Validator, funds_from: bytes | None = None):
        self.node = node
        self.rpc = JsonRpc(node.url)
        self.secret = synthetic_secret(f"sender {next(_numbers)}")
        self.address = encode_hex(address_from_secret(self.secret))
        if funds_from is not None:
            payer = encode_hex(address_from_secret(funds_from))
            nonce = int(node.rpc("eth_getTransactionCount", payer, "pending"), 16)
            fields = {"nonce": nonce, "to": _checksummed(self.secret), "value": 10 * ETHER}
            node.rpc("eth_sendRawTransaction", _signed(funds_from, gasPrice=5 * GWEI, **fields))

    @property
    def count(self) -> int:
        """How many transactions of it are mined."""
        return int(self.node.rpc("eth_getTransactionCount", self.address, "latest"), 16)

    def transaction(self, nonce: int, **fields: int) -> str:
        """A transfer of nothing to itself, signed."""
        return _signed(self.secret, nonce=nonce, to=_checksummed(self.secret), **fields)

    def send(self, raw: str) -> str:
        """Empty where the node takes it, else the reason that we sort the refusal under and the node's own words."""
        try:
            self.rpc.call("eth_sendRawTransaction", raw)
        except RpcRefused as refused:
            return f"{refusals.sending_reason(refused)}: {refused.text}"
        return ""


def _checksummed(secret: bytes) -> str:
    return Account.from_key(secret).address


def _signed(secret: bytes, **fields: int | str) -> str:
    fields = {"gas": PLAIN_GAS, "chainId": CHAIN_ID, "value": 0} | fields
    return encode_hex(bytes(Account.sign_transaction(fields, secret).raw_transaction))


@pytest.fixture(scope="session")
def rich(fee_network: Network) -> Sender:
    """An account with ten ether on the network with fees."""
    sender = Sender(fee_network[0], ADMINISTRATOR)
    balance = lambda: int(fee_network[0].rpc("eth_getBalance", sender.address, "latest"), 16)  # noqa: E731
    fee_network.wait_for("the funds", balance)
    return sender


def test_without_fees_nothing_ever_replaces(free_network: Network) -> None:
    sender = Sender(free_network[0])
    first, other = (sender.transaction(1, gasPrice=0, gas=gas) for gas in (PLAIN_GAS, PLAIN_GAS + 1))
    assert sender.send(first) == ""
    assert sender.send(first) == "already-known: already known"
    assert sender.send(other) == "replacement-underpriced: replacement transaction underpriced"
    dearer = sender.transaction(1, gasPrice=1)
    assert re.match("insufficient-funds: insufficient funds for gas \\* price \\+ value", sender.send(dearer))
    assert sender.send(sender.transaction(0, gasPrice=0)) == ""
    free_network.wait_for("both in their turn", lambda: sender.count == 2)
    # The same words for the very transaction that was mined, and for another with its number.
    assert re.match("nonce-too-low: nonce too low: next nonce 2", sender.send(first))
    assert re.match("nonce-too-low: nonce too low: next nonce 2", sender.send(other))


def test_two_nodes_take_two_transactions_of_one_number(free_network: Network) -> None:
    """Where nothing replaces, each node keeps what it saw first; one of the two is mined, and the sender has to look
    which."""
    here, elsewhere = Sender(free_network[0]), JsonRpc(free_network[1].url)
    first, other = (here.transaction(1, gasPrice=0, gas=gas) for gas in (PLAIN_GAS, PLAIN_GAS + 1))
    assert here.send(first) == ""
    elsewhere.call("eth_sendRawTransaction", other)  # taken: what is not its turn yet is handed to nobody
    assert here.send(here.transaction(0, gasPrice=0)) == ""
    free_network.wait_for("one of the two", lambda: here.count == 2)
    receipts = [free_network[0].rpc("eth_getTransactionReceipt", _name(raw)) for raw in (first, other)]
    assert sum(receipt is not None for receipt in receipts) == 1


def test_with_fees_ten_percent_more_replace_and_less_does_not(fee_network: Network, rich: Sender) -> None:
    nonce = rich.count + 1
    cap, tip = 50 * GWEI, 10 * GWEI

    def with_more(percent: int, of_cap: bool = True, of_tip: bool = True) -> str:
        more_cap = cap * percent // 100 if of_cap else 0
        more_tip = tip * percent // 100 if of_tip else 0
        fees = {"maxFeePerGas": cap + more_cap, "maxPriorityFeePerGas": tip + more_tip}
        return rich.send(rich.transaction(nonce, **fees))

    refused = "replacement-underpriced: replacement transaction underpriced"
    assert with_more(0) == ""
    assert with_more(0) == "already-known: already known"
    assert with_more(9) == refused
    assert with_more(10, of_tip=False) == refused, "both have to rise"
    assert with_more(10, of_cap=False) == refused, "both have to rise"
    assert with_more(10) == ""
    assert rich.send(rich.transaction(nonce - 1, gasPrice=cap)) == ""
    fee_network.wait_for("both in their turn", lambda: rich.count == nonce + 1)


def test_what_pays_no_tip_is_mined_by_the_node_that_took_it_alone(fee_network: Network, rich: Sender) -> None:
    """A node takes whatever its own users send and tells nobody where the others would not take it."""
    nonce = rich.count
    raw = rich.transaction(nonce, maxFeePerGas=5 * GWEI, maxPriorityFeePerGas=0)
    assert rich.send(raw) == ""
    receipt = fee_network.wait_for("its block", lambda: rich.node.rpc("eth_getTransactionReceipt", _name(raw)))
    assert signer_of(rich.node.rpc("eth_getBlockByHash", receipt["blockHash"], False)) == rich.node.address


def test_what_no_price_mends_is_none_of_the_reasons_that_ask_for_another_price(
    fee_network: Network, rich: Sender
) -> None:
    nonce = rich.count
    hopeless = {
        "intrinsic gas too low": {"gas": PLAIN_GAS - 1, "gasPrice": 5 * GWEI},
        "exceeds block gas limit": {"gas": 31_000_000, "gasPrice": 5 * GWEI},
        "invalid sender": {"gasPrice": 5 * GWEI, "chainId": CHAIN_ID + 1},
        "max priority fee per gas higher": {"maxFeePerGas": GWEI, "maxPriorityFeePerGas": 2 * GWEI},
        "exceeds the configured cap": {"gasPrice": 10**14},
    }
    for words, fields in hopeless.items():
        said = rich.send(rich.transaction(nonce, **fields))
        assert words in said and said.partition(":")[0] not in ANSWERED_BY_PRICE_OR_NUMBER, said
    pauper = Sender(fee_network[0])
    assert pauper.send(pauper.transaction(0, gasPrice=5 * GWEI)).startswith(refusals.INSUFFICIENT_FUNDS)


def _name(raw: str) -> str:
    return encode_hex(keccak256(bytes.fromhex(raw[2:])))
