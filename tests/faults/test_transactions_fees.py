"""What the transaction manager pays, and what it does when nodes ask for more, for less, or for nothing."""

from itertools import pairwise

import pytest

from anchors.chain.json_rpc import JsonRpc
from anchors.chain.port import ChainUnavailable, TransactionRefused
from anchors.chain.transactions import MOST_WEI, REPLACE_BLOCKS, REPLACE_SECONDS, RESEND_SECONDS, WEI_PER_GWEI
from ledger_service.storage.outbox import SqlOutbox
from ledger_service.usecases.ports import StoreUnavailable
from tests.faults.anchorage import Anchorage, make_anchorage, warnings_of, wire
from tests.faults.rpc_proxy import PoolRules, RpcProxy, refuse, result
from tests.ports.chain_world import secret

GWEI = WEI_PER_GWEI


@pytest.fixture
def anchorage(chain, sqlite_url):
    with RpcProxy(chain.url) as proxy:
        proxy.on("eth_sendRawTransaction", PoolRules())
        yield make_anchorage(chain, sqlite_url, proxy)


@pytest.fixture
def free(zero_gas_chain, sqlite_url):
    """On a chain without a gas price."""
    with RpcProxy(zero_gas_chain.url) as proxy:
        yield make_anchorage(zero_gas_chain, sqlite_url, proxy)


def fees_of(anchorage: Anchorage) -> list[tuple[int, int]]:
    return [(offer.fee_cap, offer.fee_tip) for offer in anchorage.outbox.open()]


def let_it_wait(anchorage: Anchorage) -> None:
    """Long enough for a better offer, on a chain that makes blocks."""
    anchorage.run_once()
    anchorage.full_blocks(REPLACE_BLOCKS)
    anchorage.pass_time(REPLACE_SECONDS)


# Offering more


def test_what_waits_on_a_busy_chain_is_offered_for_a_tenth_more_of_both_fees_which_geth_s_rule_takes(anchorage):
    first = anchorage.run_once()
    for number in range(3):
        let_it_wait(anchorage)
        assert len(anchorage.outbox.open()) == 2 + number
    offers = anchorage.outbox.open()
    assert {offer.nonce for offer in offers} == {first.nonce}
    assert anchorage.waiting() == [wire(offers[-1].hash)], "the node took each of them in the place of the one before"
    for before, after in pairwise(offers):
        assert after.fee_cap * 10 > before.fee_cap * 11 and after.fee_tip * 10 > before.fee_tip * 11
    anchorage.run_until_final()
    assert anchorage.outcomes() == ["replaced"] * 3 + ["mined"] and anchorage.heads() == [(0, 5)]


def test_of_many_offers_the_first_may_be_the_one_that_is_mined(anchorage):
    anchorage.proxy.on("eth_sendRawTransaction", lambda exchange: exchange.answer("0x" + "00" * 32))  # taken, and lost
    first = anchorage.run_once()
    for _ in range(2):
        let_it_wait(anchorage)
    assert len(anchorage.outbox.open()) == 3 and anchorage.waiting() == []
    anchorage.proxy.node("eth_sendRawTransaction", wire(first.raw))  # it comes out of another node's pool
    anchorage.run_until_final()
    assert anchorage.outcomes() == ["mined", "replaced", "replaced"] and anchorage.heads() == [(0, 5)]


def test_a_process_that_dies_between_closing_two_offers_settles_the_rest_and_suspects_nobody(
    anchorage, caplog, monkeypatch
):
    anchorage.run_once()
    let_it_wait(anchorage)
    first, second = anchorage.outbox.open()
    anchorage.scratch.rpc("anvil_dropTransaction", wire(second.hash))
    anchorage.scratch.rpc("eth_sendRawTransaction", wire(first.raw))
    anchorage.scratch.mine()
    real, closed = SqlOutbox.close, []

    def close(outbox: SqlOutbox, *arguments: object) -> None:
        if closed:
            raise StoreUnavailable("database: the connection broke (made by the test)")
        closed.append(arguments)
        real(outbox, *arguments)

    monkeypatch.setattr(SqlOutbox, "close", close)
    with pytest.raises(StoreUnavailable):
        anchorage.run_once()
    monkeypatch.undo()
    anchorage.restart()
    anchorage.run_once()
    assert anchorage.outcomes() == ["mined", "replaced"]
    assert warnings_of(caplog.records) == []


def test_an_offer_that_is_refused_leaves_the_one_before_and_that_one_is_sent_again(anchorage):
    first = anchorage.run_once()
    anchorage.proxy.on(
        "eth_sendRawTransaction",
        refuse(-32000, "replacement transaction underpriced"),
        where=lambda parameters: parameters[0] != wire(first.raw),
    )
    anchorage.scratch.rpc("anvil_dropTransaction", wire(first.hash))
    let_it_wait(anchorage)
    _, better = anchorage.outbox.open()
    assert anchorage.sent_raws()[-2:] == [wire(better.raw), wire(first.raw)]
    assert anchorage.waiting() == [wire(first.hash)]
    anchorage.run_until_final()
    assert anchorage.outcomes() == ["mined", "replaced"] and anchorage.heads() == [(0, 5)]


def test_a_base_fee_that_doubles_is_within_the_margin(anchorage):
    sent = anchorage.run_once()
    base_fee = int(anchorage.scratch.rpc("eth_getBlockByNumber", "latest", False)["baseFeePerGas"], 16)
    anchorage.scratch.rpc("anvil_setNextBlockBaseFeePerGas", hex(2 * base_fee * 3 // 4))
    anchorage.scratch.mine()
    anchorage.run_once()
    assert anchorage.outcomes() == ["mined"] and anchorage.receipts_of(sent) == [True]


def test_a_base_fee_that_leaves_the_offer_behind_is_answered_at_once_when_a_node_says_so(anchorage):
    anchorage.run_once()
    anchorage.scratch.rpc("anvil_setNextBlockBaseFeePerGas", hex(100 * GWEI))
    anchorage.scratch.mine()
    assert anchorage.waiting() == [], "the node forgot it, and would not take it now"
    anchorage.pass_time(RESEND_SECONDS)
    anchorage.pass_time(RESEND_SECONDS)
    first, second = anchorage.outbox.open()
    assert second.nonce == first.nonce and second.fee_cap > 100 * GWEI
    anchorage.run_until_final()
    assert anchorage.outcomes() == ["replaced", "mined"] and anchorage.heads() == [(0, 5)]


# Ceilings


def test_more_than_the_ceiling_is_not_offered_and_a_person_is_told(anchorage):
    first = anchorage.run_once()
    anchorage.most_wei = first.fee_cap + 1
    anchorage.restart()
    anchorage.run_once()
    anchorage.full_blocks(REPLACE_BLOCKS)
    with pytest.raises(TransactionRefused, match="is not allowed: wait until the chain asks for less, or allow more"):
        anchorage.pass_time(REPLACE_SECONDS)
    assert fees_of(anchorage) == [(first.fee_cap, first.fee_tip)]
    assert anchorage.waiting() == [wire(first.hash)], "it is sent again as it is"
    anchorage.scratch.mine()
    anchorage.run_once()
    assert anchorage.outcomes() == ["mined"]


def test_a_node_that_asks_for_everything_gets_no_more_than_the_ceiling(anchorage):
    anchorage.proxy.on("eth_gasPrice", result(hex(10**9 * GWEI)))
    anchorage.proxy.on("eth_maxPriorityFeePerGas", result(hex(10**8 * GWEI)))
    sent = anchorage.run_once()
    assert (sent.fee_cap, sent.fee_tip) == (MOST_WEI, MOST_WEI)


def test_no_offer_is_above_ten_times_what_the_chain_asks(anchorage):
    anchorage.scratch.rpc("anvil_setNextBlockBaseFeePerGas", hex(50 * GWEI))
    anchorage.scratch.mine()
    first = anchorage.run_once()
    anchorage.scratch.rpc("anvil_setNextBlockBaseFeePerGas", hex(GWEI))
    anchorage.full_blocks(1)
    assert first.fee_cap > 10 * anchorage.sender.fees().cap
    with pytest.raises(TransactionRefused) as refused:
        let_it_wait(anchorage)
    assert refused.value.reason == "fee-ceiling" and len(fees_of(anchorage)) == 1
    anchorage.scratch.mine()
    anchorage.run_once()
    assert anchorage.outcomes() == ["mined"]


# Refusals that a person must hear of


def test_an_account_without_money_says_so_and_goes_on_when_it_has_some(anchorage):
    anchorage.secret = secret("poor relay")
    anchorage.restart()
    address = wire(anchorage.sender.address)
    with pytest.raises(TransactionRefused, match=f"account {address} cannot pay, send it money"):
        anchorage.run_once()
    with pytest.raises(TransactionRefused, match="send it money"):
        anchorage.run_once()
    (stored,) = anchorage.outbox.open()
    anchorage.scratch.rpc("anvil_setBalance", address, hex(10**18))
    anchorage.pass_time(RESEND_SECONDS)
    assert anchorage.waiting() == [wire(stored.hash)]
    anchorage.run_until_final()
    assert anchorage.outcomes() == ["mined"]


@pytest.mark.parametrize(
    "text",
    [
        "Sender account not authorized to send transactions",
        "txpool is full",
        "exceeds block gas limit",
        "tx fee (1.10 ether) exceeds the configured cap (1.00 ether)",
        "something nobody has seen yet",
    ],
)
def test_a_refusal_that_may_pass_is_shown_kept_and_tried_again(anchorage, text):
    anchorage.proxy.on("eth_sendRawTransaction", refuse(-32000, text), times=2)
    for _ in range(2):
        with pytest.raises(TransactionRefused):
            anchorage.pass_time(RESEND_SECONDS)
    (stored,) = anchorage.outbox.open()
    anchorage.pass_time(RESEND_SECONDS)
    assert anchorage.waiting() == [wire(stored.hash)] and len(set(anchorage.sent_raws())) == 1
    anchorage.run_until_final()
    assert anchorage.outcomes() == ["mined"]


def test_what_no_node_could_ever_take_is_closed_and_its_nonce_given_back(anchorage):
    anchorage.proxy.on("eth_sendRawTransaction", refuse(-32003, "Intrinsic gas exceeds gas limit"), times=1)
    with pytest.raises(TransactionRefused):
        anchorage.run_once()
    assert anchorage.outcomes() == ["refused"]
    with pytest.raises(TransactionRefused):
        anchorage.run_once()
    assert anchorage.outcomes() == ["refused"], "not signed again at every run"
    anchorage.clock.seconds += RESEND_SECONDS
    assert anchorage.run_once().nonce == 0
    anchorage.run_until_final()
    assert anchorage.outcomes() == ["refused", "mined"]


@pytest.mark.parametrize("text", ["already known", "Known transaction", "nonce too low: next nonce 1, tx nonce 0"])
def test_what_a_node_says_of_a_transaction_that_it_has_is_no_trouble(anchorage, text):
    sent = anchorage.run_once()
    if "nonce" in text:
        anchorage.scratch.mine()
    with anchorage.proxy.on("eth_sendRawTransaction", refuse(-32000, text)):
        anchorage.sender.broadcast(sent.raw)
    anchorage.run_until_final()


# Zero-gas chains


def test_without_a_gas_price_nothing_is_offered_for_more_and_the_same_is_sent_again(free):
    sent = free.run_once()
    assert (sent.fee_cap, sent.fee_tip) == (0, 0)
    for _ in range(5):
        let_it_wait(free)
        free.pass_time(3_600)
    assert fees_of(free) == [(0, 0)] and set(free.sent_raws()) == {wire(sent.raw)}
    free.scratch.rpc("anvil_dropTransaction", wire(sent.hash))
    free.pass_time(RESEND_SECONDS)
    assert free.waiting() == [wire(sent.hash)]
    free.run_until_final()
    assert free.outcomes() == ["mined"] and free.heads() == [(0, 5)]


def test_on_a_zero_gas_chain_that_begins_to_ask_for_a_price_it_is_paid(free):
    free.proxy.on("eth_sendRawTransaction", refuse(-32009, "Gas price below configured minimum gas price"), times=1)
    free.run_once()
    free.proxy.on("eth_gasPrice", result(hex(GWEI)))
    free.pass_time(RESEND_SECONDS)
    assert fees_of(free) == [(0, 0), (GWEI, GWEI)]
    free.run_until_final()
    assert free.outcomes() == ["replaced", "mined"]


def test_where_besu_lets_a_foreign_transaction_take_the_place_it_is_seen_named_and_the_head_sent_again(free, caplog):
    free.proxy.on("eth_sendRawTransaction", PoolRules.of_besu())
    sent = free.run_once()
    raw_of_theirs = free.foreign_raw(sent.nonce, 0)
    theirs = JsonRpc(free.proxy.url).call("eth_sendRawTransaction", raw_of_theirs)
    assert free.waiting() == [theirs], "ours is gone without a word"
    free.scratch.mine()
    again = free.run_once()
    assert again is not None and again.nonce == sent.nonce + 1
    assert any(theirs in text and "was used by" in text for text in warnings_of(caplog.records))
    free.run_until_final()
    assert free.outcomes() == ["replaced", "mined"] and free.heads() == [(0, 5)]


def test_where_geth_keeps_the_foreign_transaction_ours_waits_until_that_is_mined(free, caplog):
    free.proxy.on("eth_sendRawTransaction", PoolRules())
    with free.proxy.on("eth_getTransactionCount", result("0x0")):  # the pool of this node has not heard of it
        theirs = free.foreign(0, 0)
        sent = free.run_once()
    assert free.waiting() == [theirs]
    free.pass_time(REPLACE_SECONDS, runs=3)
    assert free.waiting() == [theirs] and len(set(free.sent_raws())) == 1
    assert any("is the relay key used elsewhere?" in text for text in warnings_of(caplog.records))
    free.scratch.mine()
    assert free.run_once().nonce == sent.nonce + 1
    free.run_until_final()
    assert free.outcomes() == ["replaced", "mined"] and free.heads() == [(0, 5)]


# Chains before London, and several nodes


def test_a_chain_without_a_base_fee_is_paid_its_gas_price(legacy_chain, sqlite_url):
    with RpcProxy(legacy_chain.url) as proxy:
        proxy.on("eth_sendRawTransaction", PoolRules())
        anchorage = make_anchorage(legacy_chain, sqlite_url, proxy)
        sent = anchorage.run_once()
        assert sent.raw[0] >= 0xC0 and sent.fee_cap == sent.fee_tip > 0, "a legacy transaction"
        let_it_wait(anchorage)
        assert anchorage.waiting() == [wire(anchorage.outbox.open()[-1].hash)]
        anchorage.run_until_final()
        assert anchorage.outcomes() == ["replaced", "mined"] and anchorage.heads() == [(0, 5)]


def test_a_transaction_goes_to_all_nodes_and_the_loss_of_any_is_no_event(chain, sqlite_url):
    with RpcProxy(chain.url) as one, RpcProxy(chain.url) as two:
        anchorage = make_anchorage(chain, sqlite_url, one, urls=[one.url, two.url])
        sent = anchorage.run_once()
        for proxy in (one, two):
            assert [parameters[0] for parameters in proxy.asked("eth_sendRawTransaction")] == [wire(sent.raw)]
        anchorage.run_until_final()
        for node in (one, two):
            node.on("eth_sendRawTransaction", refuse(-32000, "txpool is full"), times=1)
            anchorage.grow(3)
            anchorage.run_until_final()
        for lost in (one, two):
            lost.down = True
            anchorage.grow(3)
            anchorage.run_until_final()
            lost.down = False
        assert anchorage.heads() == [(0, 5), (5, 8), (8, 11), (11, 14), (14, 17)]
        one.down = two.down = True
        anchorage.grow(3)
        with pytest.raises(ChainUnavailable):
            anchorage.run_once()
