"""Nonces that somebody else used, that went missing, or that a node has not heard of yet."""

import pytest

from anchors.chain.acts import OpenLog, add_key
from anchors.chain.port import ChainUnavailable
from anchors.chain.transactions import FOREIGN_SECONDS, RESEND_SECONDS
from tests.faults.anchorage import LEAVES, Anchorage, warnings_of, wire
from tests.faults.rpc_proxy import lose_request, refuse, result
from tests.ports.chain_world import OPERATOR, SampleLog, secret


def unsent(anchorage: Anchorage) -> None:
    """Sign and store the next head; no node hears of it."""
    with anchorage.proxy.on("eth_sendRawTransaction", lose_request()), pytest.raises(ChainUnavailable):
        anchorage.run_once()


def test_a_foreign_transaction_at_our_nonce_is_named_and_the_head_sent_under_a_fresh_one(anchorage, caplog):
    unsent(anchorage)
    theirs = anchorage.foreign(0)
    anchorage.scratch.mine()
    again = anchorage.run_once()
    assert again is not None and again.nonce == 1
    (told,) = [text for text in warnings_of(caplog.records) if "was used by" in text]
    assert f"transaction {theirs}" in told and "give the relay key to one service only" in told
    anchorage.run_until_final()
    assert anchorage.outcomes() == ["replaced", "mined"] and anchorage.heads() == [(0, 5)]


def test_where_the_node_keeps_no_past_the_foreign_transaction_has_no_name_and_is_believed_at_the_second_look(
    anchorage, caplog
):
    unsent(anchorage)
    anchorage.foreign(0)
    anchorage.scratch.mine()
    anchorage.proxy.on(
        "eth_getTransactionCount", refuse(-32000, "missing trie node"), where=lambda given: given[1].startswith("0x")
    )
    assert anchorage.run_once() is None
    assert anchorage.run_once().nonce == 1
    assert any("a transaction that the node cannot name" in text for text in warnings_of(caplog.records))
    anchorage.run_until_final()
    assert anchorage.outcomes() == ["replaced", "mined"]


def test_ours_is_not_given_up_while_the_foreign_one_may_still_leave_the_chain(anchorage):
    anchorage.confirmations = 8
    unsent(anchorage)
    anchorage.foreign(0)
    anchorage.scratch.mine()
    second = anchorage.run_once()
    assert second.nonce == 1 and anchorage.outcomes() == [None, None]
    anchorage.scratch.reorg(1)
    anchorage.pass_time(RESEND_SECONDS)
    first = anchorage.outbox.open()[0]
    assert wire(first.hash) in anchorage.waiting(), "its nonce is free again, so it is sent again"
    anchorage.run_until_final()
    assert anchorage.outcomes() == ["mined", "reverted"] and anchorage.heads() == [(0, 5)]


def test_a_nonce_that_went_missing_before_ours_is_found_and_used_for_the_next_head(anchorage, caplog):
    theirs = anchorage.foreign(0)
    first = anchorage.run_once()
    assert first.nonce == 1, "behind what waits already"
    anchorage.scratch.rpc("anvil_dropTransaction", theirs)
    anchorage.scratch.rpc("anvil_dropTransaction", wire(first.hash))  # anvil drops what builds on it too
    anchorage.grow(2)
    anchorage.pass_time(RESEND_SECONDS)
    anchorage.scratch.mine()
    assert anchorage.head == 7, "it did not wait for somebody to fill the gap"
    assert any("nonce 0 of account" in text and "is missing before 1" in text for text in warnings_of(caplog.records))
    anchorage.run_until_final()
    assert anchorage.outcomes() == ["reverted", "mined"] and anchorage.heads() == [(0, 7)]


def test_a_foreign_transaction_that_waits_for_ever_before_ours_is_contested(anchorage):
    waits = anchorage.foreign(0)
    first = anchorage.run_once()
    assert first.nonce == 1
    anchorage.full_blocks(1)
    anchorage.pass_time(RESEND_SECONDS)
    assert anchorage.outcomes() == [None], "for a while it is waited for"
    anchorage.scratch.rpc("anvil_dropTransaction", waits)
    cheap = anchorage.foreign(0, fee=10**9)
    anchorage.pass_time(FOREIGN_SECONDS)
    assert [offer.nonce for offer in anchorage.outbox.open()] == [1, 0]
    assert cheap not in anchorage.waiting()
    anchorage.run_until_final()
    assert anchorage.outcomes() == ["reverted", "mined"] and anchorage.heads() == [(0, 5)]


def test_a_node_that_lags_behind_is_no_gap_and_makes_no_old_nonce_new(anchorage, caplog):
    anchorage.run_until_final()
    anchorage.grow(2)
    with anchorage.proxy.on("eth_getTransactionCount", result("0x0")):  # it has not seen the first one mined
        sent = anchorage.run_once()
        assert sent.nonce == 1, "the outbox knows better"
        anchorage.pass_time(RESEND_SECONDS, runs=3)
        assert len(anchorage.outbox.open()) == 1
    anchorage.run_until_final()
    assert anchorage.outcomes() == ["mined", "mined"] and warnings_of(caplog.records) == []


def test_two_logs_share_one_account_and_both_go_on(anchorage, chain, tmp_path):
    chain.set_automine(True)
    second = SampleLog(anchorage.log.world, "log.example/other", secret("other checkpoint"), leaves=LEAVES)
    key = add_key(second.domain, OPERATOR, "checkpoint", second.checkpoint_secret)
    second.world.perform(OpenLog(second.origin, OPERATOR), key)
    chain.set_automine(False)
    other = Anchorage(chain, f"sqlite:///{tmp_path / 'other.sqlite'}", anchorage.proxy, log=second)
    for size in range(5, 14):
        for one in (anchorage, other):
            one.size = size
            one.run_once()
        chain.mine()
    for one in (anchorage, other):
        one.run_until_final()
        assert set(one.outcomes()) == {"mined"} and one.head == 13
