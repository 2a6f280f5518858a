"""Integrate, witness and follow when something goes wrong between two of their steps."""

from dataclasses import replace

import pytest
from sqlalchemy import delete

from anchors.chain.port import ChainUnavailable, TransactionRefused, WitnessEvent
from anchors.chain.transactions import REPLACE_BLOCKS, REPLACE_SECONDS, RESEND_SECONDS
from ledger_service.storage import schema
from ledger_service.storage.database import begin_writing
from ledger_service.usecases import integrate
from ledger_service.usecases.accept import Accepted
from ledger_service.usecases.follow import BLOCKS_WITH_HEADERS
from ledger_service.usecases.incident import Incident
from tests.fakes.chain import FakeChain
from tests.usecases.world import InProcessLedger


def _code(result: object) -> str:
    return "accepted" if isinstance(result, Accepted) else result.refused.problem.code


def test_a_final_block_that_leaves_the_chain_is_an_incident_even_when_the_node_fails_meanwhile(store_url: str) -> None:
    ledger = InProcessLedger(store_url)
    ledger.found()
    ledger.chain.mine(5)
    ledger.follower.run_once()
    assert ledger.follower.caught_up
    ledger.chain.reorg(4)
    ledger.lose_connection_while_reading()
    with pytest.raises(Incident, match="was final and has left the chain"):
        ledger.follower.run_once()
    assert not ledger.follower.caught_up


def test_after_a_reorganisation_nothing_counts_as_caught_up_before_the_new_blocks_are_read(sqlite_url: str) -> None:
    ledger = InProcessLedger(sqlite_url, finality_blocks=3)
    signer = ledger.found()
    ledger.chain.mine(5)
    ledger.follower.run_once()
    assert _code(ledger.submit(signer.issued().wire)[0]) == "accepted"
    revoke = ledger.revoke(signer.key, 1)
    ledger.chain.perform(revoke)
    ledger.follower.run_once()
    assert _code(ledger.submit(signer.issued().wire)[0]) == "key-revoked"
    signer.sequence = 1
    ledger.chain.reorg(1)
    ledger.chain.perform(revoke)  # the same act is mined again, and not yet read
    ledger.lose_connection_while_reading()
    with pytest.raises(ChainUnavailable):
        ledger.follower.run_once()
    assert not ledger.follower.caught_up
    ledger.follower.run_once()
    assert ledger.follower.caught_up
    assert _code(ledger.submit(signer.issued().wire)[0]) == "key-revoked"


def test_a_deep_reorganisation_goes_back_to_the_last_common_block(sqlite_url: str) -> None:
    ledger = InProcessLedger(sqlite_url, finality_blocks=1_000)
    ledger.chain.mine(600)
    ledger.found()
    ledger.chain.mine(100)
    ledger.follower.run_once()  # in steps: headers are kept of the newest blocks only, so there is a hole before them
    ledger.chain.reorg(ledger.chain.tip().number - 550)
    followed = ledger.follower.run_once()
    assert followed.reorganised_from is not None
    stored = [event.place.block_number for event in ledger.view.registry_events()]
    assert stored == [event.place.block_number for event in ledger.chain.registry_events(0, ledger.chain.tip().number)]


@pytest.mark.parametrize("blocks", [0, 3 * BLOCKS_WITH_HEADERS], ids=["new", "old"])
def test_a_head_that_does_not_hash_to_its_id_is_not_believed(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch, blocks: int
) -> None:
    ledger = InProcessLedger(sqlite_url)
    signer = ledger.found()
    ledger.follower.run_once()
    ledger.submit(signer.issued().wire)
    ledger.integrator.run_once()
    ledger.witnesser.run_once()
    ledger.chain.mine(blocks)
    told = ledger.chain.witness_events

    def lie(first_block: int, last_block: int) -> list[WitnessEvent]:
        return [replace(event, root=bytes(32)) for event in told(first_block, last_block)]

    monkeypatch.setattr(ledger.chain, "witness_events", lie)
    with pytest.raises(ChainUnavailable, match=r"the head of 1 entries in block \d+ does not hash to its id"):
        ledger.follower.run_once()
    assert ledger.view.newest_head() is None
    monkeypatch.undo()
    ledger.follower.run_once()
    assert ledger.view.newest_head().root == ledger.tree.newest_checkpoint().root


def test_nothing_is_signed_over_a_missing_entry(store_url: str) -> None:
    ledger = InProcessLedger(store_url)
    signer = ledger.found()
    ledger.follower.run_once()
    ledger.submit(*[signer.issued().wire for _ in range(10)])
    with begin_writing(ledger.engine) as connection:
        connection.execute(delete(schema.entries).where(schema.entries.c.position == 5))
    with pytest.raises(Incident, match="1 of the entries 0 to 9 are missing"):
        ledger.integrator.run_once()
    assert ledger.tree.newest_checkpoint() is None


def test_the_integrator_is_behind_while_more_waits_than_one_checkpoint_takes(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(integrate, "ENTRIES_PER_CHECKPOINT", 4)
    ledger = InProcessLedger(sqlite_url)
    signer = ledger.found()
    ledger.follower.run_once()
    ledger.submit(*[signer.issued().wire for _ in range(9)])
    for size, is_behind in ((4, True), (8, True), (9, False)):
        assert ledger.integrator.run_once().size == size
        assert ledger.integrator.is_behind is is_behind
    assert ledger.integrator.run_once() is None
    assert not ledger.integrator.is_behind


def test_a_transaction_that_is_not_mined_is_offered_for_more_and_then_settled(store_url: str) -> None:
    ledger = InProcessLedger(store_url)
    signer = ledger.found()
    ledger.follower.run_once()
    ledger.submit(signer.issued().wire)
    ledger.integrator.run_once()
    chain: FakeChain = ledger.chain
    chain.automine = False
    first = ledger.witnesser.run_once()
    assert first is not None
    ledger.clock.seconds += RESEND_SECONDS
    assert ledger.witnesser.run_once() is None
    assert len(ledger.outbox.open()) == 1
    ledger.clock.seconds += REPLACE_SECONDS
    assert ledger.witnesser.run_once() is None
    assert len(ledger.outbox.open()) == 1, "no block was made, so no fee helps"
    for _ in range(REPLACE_BLOCKS):
        chain.perform()
    ledger.follower.run_once()
    ledger.clock.seconds += RESEND_SECONDS
    ledger.witnesser.run_once()
    opened = ledger.outbox.open()
    assert [item.nonce for item in opened] == [first.nonce, first.nonce]
    assert opened[1].fee_cap * 10 >= opened[0].fee_cap * 11
    assert opened[1].fee_tip * 10 >= opened[0].fee_tip * 11
    chain.mine()
    ledger.follower.run_once()
    ledger.witnesser.run_once()
    assert ledger.outcomes() == ["replaced", "mined"]
    assert chain.head(ledger.domain.log).size == 1


def test_a_transaction_that_no_node_can_ever_take_does_not_stop_witnessing(sqlite_url: str) -> None:
    ledger = InProcessLedger(sqlite_url)
    signer = ledger.found()
    ledger.follower.run_once()
    ledger.submit(signer.issued().wire)
    ledger.integrator.run_once()
    outgoing = ledger.witnesser.run_once()
    ledger.follower.run_once()
    ledger.witnesser.run_once()
    assert outgoing is not None and ledger.outbox.open() == []
    ledger.submit(signer.issued().wire)
    ledger.integrator.run_once()
    ledger.outbox.add(replace(outgoing, nonce=1, hash=b"\x01" * 32, raw=b"junk", sent_at=0))
    ledger.chain.refuse_next = TransactionRefused("invalid", "the node refused the transaction: rlp")
    with pytest.raises(TransactionRefused, match="rlp"):
        ledger.witnesser.run_once()
    ledger.clock.seconds += RESEND_SECONDS
    ledger.witnesser.run_once()
    ledger.follower.run_once()
    ledger.witnesser.run_once()
    assert ledger.outcomes() == ["mined", "refused", "mined"]
    assert ledger.chain.head(ledger.domain.log).size == 2


def test_a_statement_in_the_log_is_answered_with_its_index_whatever_parts_come_with_it(store_url: str) -> None:
    ledger = InProcessLedger(store_url)
    signer = ledger.found()
    ledger.follower.run_once()
    signed = signer.issued()
    assert ledger.submit(signed.wire)[0].index == 0
    other_parts = signed.wire | {"parts": [{"leaf": "00" * 32, "name": "document"}]}
    again = ledger.submit(other_parts)[0]
    assert isinstance(again, Accepted) and again.index == 0 and again.known
