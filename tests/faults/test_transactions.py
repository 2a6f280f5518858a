"""The transaction manager on a real node: nothing is lost or done twice, whatever dies or falls silent meanwhile."""

from dataclasses import replace
from itertools import pairwise

import pytest

from anchors.chain.port import ChainUnavailable, TransactionRefused
from anchors.chain.transactions import REPLACE_SECONDS, RESEND_SECONDS
from anchors.core.merkle import EMPTY_ROOT
from ledger_service.storage.lease import SqlLease
from ledger_service.storage.outbox import SqlOutbox
from ledger_service.usecases.ports import LeaseLost, StoreUnavailable
from tests.faults.anchorage import Anchorage, warnings_of, wire
from tests.faults.rpc_proxy import (
    answer_twice,
    delayed,
    hide,
    http_status,
    late,
    lose_answer,
    lose_request,
    refuse,
    result,
    stale,
)


def test_a_head_is_sent_once_settled_when_final_and_followed_by_the_next(anchorage):
    first = anchorage.run_once()
    assert first is not None and anchorage.run_once() is None, "one is in flight"
    anchorage.scratch.mine()
    anchorage.grow(3)
    second = anchorage.run_once()
    assert anchorage.outcomes() == ["mined", None]
    assert second.nonce == first.nonce + 1
    anchorage.run_until_final()
    assert anchorage.heads() == [(0, 5), (5, 8)] and anchorage.outcomes() == ["mined", "mined"]


# Crashes and lost answers


def test_what_was_stored_and_never_sent_is_sent_by_the_next_process_at_once(anchorage):
    with anchorage.proxy.on("eth_sendRawTransaction", lose_request()), pytest.raises(ChainUnavailable):
        anchorage.run_once()
    (stored,) = anchorage.outbox.open()
    assert anchorage.waiting() == []
    anchorage.restart()
    before = len(anchorage.proxy.asked("eth_getTransactionReceipt"))
    anchorage.run_once()
    assert len(anchorage.proxy.asked("eth_getTransactionReceipt")) == before + 1, "the chain is asked first"
    assert anchorage.waiting() == ["0x" + stored.hash.hex()]
    anchorage.run_until_final()
    assert anchorage.heads() == [(0, 5)] and anchorage.outcomes() == ["mined"]


def test_an_answer_that_is_lost_is_no_second_transaction(anchorage):
    with anchorage.proxy.on("eth_sendRawTransaction", lose_answer()), pytest.raises(ChainUnavailable):
        anchorage.run_once()
    sent = anchorage.sent_raws()
    anchorage.scratch.mine()
    anchorage.restart()
    assert anchorage.run_once() is None
    assert anchorage.sent_raws() == sent, "the chain was asked first, and knew it"
    assert anchorage.outcomes() == ["mined"] and anchorage.heads() == [(0, 5)]


@pytest.mark.parametrize("persisted", [False, True])
def test_a_write_that_failed_sends_nothing_and_takes_a_nonce_only_if_it_persisted(anchorage, monkeypatch, persisted):
    real = SqlOutbox.add

    def fail(outbox, transaction):
        if persisted:
            real(outbox, transaction)
        raise StoreUnavailable("database: the connection broke (made by the test)")

    monkeypatch.setattr(SqlOutbox, "add", fail)
    with pytest.raises(StoreUnavailable):
        anchorage.run_once()
    assert anchorage.sent_raws() == []
    monkeypatch.undo()
    sent = anchorage.run_once()
    assert (sent is None) == persisted, "what persisted is found, and sent"
    (stored,) = anchorage.outbox.open()
    assert stored.nonce == 0 and anchorage.waiting() == ["0x" + stored.hash.hex()]
    anchorage.run_until_final()
    assert anchorage.heads() == [(0, 5)] and anchorage.outcomes() == ["mined"]


@pytest.mark.parametrize(
    ("method", "fault", "error"),
    [
        ("eth_estimateGas", lose_request(), ChainUnavailable),
        ("eth_estimateGas", refuse(3, "execution reverted"), TransactionRefused),
        ("eth_getBlockByNumber", http_status(503), ChainUnavailable),
        ("eth_gasPrice", refuse(-32601, "no such method"), ChainUnavailable),
        ("eth_getTransactionCount", result("nonsense"), ChainUnavailable),
    ],
)
def test_a_nonce_is_given_back_when_signing_fails(anchorage, method, fault, error):
    with anchorage.proxy.on(method, fault), pytest.raises(error):
        anchorage.run_once()
    assert anchorage.outcomes() == [] and anchorage.sent_raws() == []
    assert anchorage.run_once().nonce == 0
    anchorage.run_until_final()
    assert anchorage.heads() == [(0, 5)]


def test_answers_that_come_late_twice_or_not_at_all_change_nothing(anchorage):
    anchorage.timeout_seconds = 1.0
    anchorage.restart()
    anchorage.proxy.on("eth_sendRawTransaction", delayed(1.5), times=1)
    with pytest.raises(ChainUnavailable):
        anchorage.run_once()
    assert anchorage.waiting() == []
    anchorage.pass_time(RESEND_SECONDS)
    assert len(anchorage.waiting()) == 1, "sent again, whenever the first one arrives"
    anchorage.proxy.on("*", answer_twice(), times=8)
    anchorage.proxy.on("eth_getTransactionReceipt", late(0.3), times=1)
    for _ in range(12):
        try:
            anchorage.run_once()
        except ChainUnavailable:
            anchorage.scratch.mine()
    anchorage.run_until_final()
    assert len(set(anchorage.sent_raws())) == 1
    assert anchorage.heads() == [(0, 5)] and anchorage.outcomes() == ["mined"]


def test_a_head_that_somebody_relayed_meanwhile_is_settled_as_reverted_and_the_next_one_goes_on(anchorage):
    ours = anchorage.run_once()
    anchorage.grow(2)
    relayed = anchorage.log.world.sender(4)
    theirs = relayed.sign(anchorage.log.call(0, 7), 0, relayed.fees())
    dearer = relayed.reprice(theirs.raw, replace(relayed.fees(), tip=5 * 10**9, cap=9 * 10**9))
    relayed.broadcast(dearer.raw)
    anchorage.scratch.mine()
    assert anchorage.receipts_of(ours) == [True] and anchorage.head == 7
    anchorage.grow(2)
    anchorage.run_until_final()
    assert anchorage.outcomes() == ["reverted", "mined"] and anchorage.heads() == [(0, 7), (7, 9)]


def test_a_move_that_the_contract_refuses_is_not_stored_and_says_why(anchorage):
    anchorage.log.checkpoint_secret = bytes(anchorage.scratch.accounts[8].key)  # not a key of the log
    with pytest.raises(TransactionRefused) as refused:
        anchorage.run_once()
    assert refused.value.reason == "UnauthorizedSigner" and anchorage.outcomes() == []


# Finality and reorganisations


def test_nothing_is_settled_before_it_is_final_and_a_receipt_that_vanished_is_sent_again(anchorage):
    anchorage.confirmations = 4
    sent = anchorage.run_once()
    anchorage.scratch.mine(3)
    anchorage.run_once()
    assert anchorage.receipts_of(sent) == [True] and anchorage.outcomes() == [None], "mined, and not final"
    anchorage.scratch.reorg(3)
    assert anchorage.head == 0
    anchorage.pass_time(RESEND_SECONDS)
    assert anchorage.waiting() == ["0x" + sent.hash.hex()]
    anchorage.run_until_final()
    assert anchorage.heads() == [(0, 5)] and anchorage.outcomes() == ["mined"]


def test_several_heads_that_left_the_chain_come_back_in_order(anchorage):
    anchorage.confirmations = 64
    for _ in range(4):
        assert anchorage.run_once() is not None
        anchorage.scratch.mine(15)
        if anchorage.size < 11:
            anchorage.grow(2)
    moves = anchorage.heads()
    assert moves == [(0, 5), (5, 7), (7, 9), (9, 11)] and anchorage.outcomes() == [None] * 4
    anchorage.scratch.reorg(60)
    assert anchorage.heads() == []
    anchorage.pass_time(RESEND_SECONDS)
    assert len(anchorage.waiting()) == 4 and len(set(anchorage.sent_raws())) == 4, "the same four, and no other"
    anchorage.scratch.mine()
    assert anchorage.heads() == moves
    anchorage.scratch.mine(64)
    anchorage.run_once()
    assert anchorage.outcomes() == ["mined"] * 4


def test_a_receipt_of_a_block_that_left_the_chain_is_not_believed(anchorage):
    anchorage.confirmations = 3
    sent = anchorage.run_once()
    anchorage.scratch.mine()
    frozen = anchorage.proxy.on("eth_getTransactionReceipt", stale())  # a node behind the balancer stands still
    anchorage.run_once()
    anchorage.scratch.reorg(1)
    anchorage.scratch.mine(5)
    anchorage.pass_time(RESEND_SECONDS)
    assert anchorage.outcomes() == [None], "its number is final, its block is another"
    assert anchorage.waiting() == ["0x" + sent.hash.hex()]
    frozen.stop()
    anchorage.run_until_final()
    assert anchorage.heads() == [(0, 5)] and anchorage.outcomes() == ["mined"]


def test_a_head_that_lags_behind_a_receipt_is_not_moved_again(anchorage):
    anchorage.confirmations = 5
    anchorage.run_once()
    anchorage.scratch.mine()
    anchorage.grow(2)
    old = "0x" + (bytes(32) + EMPTY_ROOT).hex()
    with anchorage.proxy.on("eth_call", result(old)), anchorage.proxy.on("eth_estimateGas", result("0x20000")):
        assert anchorage.run_once() is None, "a node that has not seen the newest block would let us pay for nothing"
    anchorage.run_until_final()
    assert anchorage.heads() == [(0, 5), (5, 7)] and anchorage.outcomes() == ["mined", "mined"]


def test_a_node_that_hides_the_receipt_gets_no_second_head(anchorage):
    sent = anchorage.run_once()
    anchorage.scratch.mine()
    with anchorage.proxy.on("eth_getTransactionReceipt", hide()):
        anchorage.pass_time(RESEND_SECONDS, runs=5)
    assert set(anchorage.sent_raws()) == {wire(sent.raw)}
    anchorage.run_until_final()
    assert anchorage.outcomes() == ["mined"] and anchorage.heads() == [(0, 5)]


def test_on_a_chain_that_stands_still_one_transaction_is_sent_again_and_not_multiplied(anchorage):
    sent = anchorage.run_once()
    anchorage.pass_time(REPLACE_SECONDS, runs=20)
    anchorage.grow(7)
    assert anchorage.run_once() is None, "still in flight"
    assert anchorage.outcomes() == [None] and set(anchorage.sent_raws()) == {wire(sent.raw)}
    assert len(anchorage.sent_raws()) > 15
    anchorage.run_until_final()
    assert anchorage.heads() == [(0, 5), (5, 12)]


def test_a_transaction_that_the_pool_dropped_is_sent_again(anchorage):
    sent = anchorage.run_once()
    anchorage.scratch.rpc("anvil_dropTransaction", wire(sent.hash))
    assert anchorage.waiting() == []
    anchorage.pass_time(RESEND_SECONDS)
    assert anchorage.waiting() == [wire(sent.hash)]


def test_a_clock_that_was_put_back_stops_nothing(anchorage):
    sent = anchorage.run_once()
    anchorage.scratch.rpc("anvil_dropTransaction", wire(sent.hash))
    anchorage.clock.seconds -= 86_400
    anchorage.run_once()
    assert anchorage.waiting() == [wire(sent.hash)]
    anchorage.run_until_final()


# Two that believe they are the one


def test_an_old_holder_that_wakes_up_stores_and_sends_nothing(anchorage, caplog):
    lease, next_lease = (SqlLease(anchorage.engine, name, 0.5) for name in ("old", "new"))
    anchorage.fence = lease.take()
    anchorage.restart()
    lease.give_back(anchorage.fence)
    new = Anchorage(
        anchorage.scratch, anchorage.database, anchorage.proxy, log=anchorage.log, size=5, fence=next_lease.take()
    )
    with pytest.raises(LeaseLost):
        anchorage.run_once()
    assert anchorage.sent_raws() == [] and anchorage.outcomes() == []
    sent = new.run_once()
    assert anchorage.run_once() is None, "what it finds in the outbox it may send again: the bytes are the same"
    assert set(anchorage.sent_raws()) == {wire(sent.raw)}
    new.scratch.mine()
    with pytest.raises(LeaseLost):
        anchorage.run_once()
    new.run_until_final()
    assert new.heads() == [(0, 5)] and new.outcomes() == ["mined"]
    assert warnings_of(caplog.records) == []


def test_two_services_on_one_account_never_move_a_head_twice_and_never_stop_for_good(anchorage, tmp_path, caplog):
    other = Anchorage(
        anchorage.scratch, f"sqlite:///{tmp_path / 'other.sqlite'}", anchorage.proxy, log=anchorage.log, size=5
    )
    anchorage.scratch.set_automine(False)
    for step in range(16):
        for one in (anchorage, other):
            one.size = 5 + step
            one.clock.seconds += 5
            try:
                one.run_once()
            except (ChainUnavailable, TransactionRefused) as error:
                assert "StaleHead" in str(error) or isinstance(error, ChainUnavailable)
        if step % 2:
            anchorage.scratch.mine()
    for one in (anchorage, other):
        one.size = 25
        one.clock.seconds += REPLACE_SECONDS
        one.run_until_final()
    moves = anchorage.heads()
    assert moves[0][0] == 0 and moves[-1][1] == 25
    assert all(before[1] == after[0] for before, after in pairwise(moves)), "one line of heads"
    assert len(moves) > 5, "both made progress"


def test_what_an_earlier_relay_account_sent_holds_up_nothing(anchorage):
    with anchorage.proxy.on("eth_sendRawTransaction", lose_request()), pytest.raises(ChainUnavailable):
        anchorage.run_once()
    anchorage.secret = bytes(anchorage.scratch.accounts[2].key)
    anchorage.restart()
    second = anchorage.run_once()
    assert second is not None and second.account != anchorage.outbox.open()[0].account
    assert len(anchorage.waiting()) == 2, "the old one is sent again all the same"
    anchorage.run_until_final()
    assert sorted(anchorage.outcomes()) == ["mined", "reverted"] and anchorage.heads() == [(0, 5)]
