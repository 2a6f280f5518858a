"""The `Chain` and `WitnessSender` ports, over the fake and over a real node with the real contracts."""

from dataclasses import replace

import pytest

from anchors.chain.acts import Admit, Exit, OpenLog, Resume, RevokeKey, Suspend, add_key
from anchors.chain.port import ChainUnavailable, Fees, Head, TransactionRefused
from anchors.core import signature as signatures
from anchors.core.block.head import witness_id
from anchors.core.encoding import keccak256
from anchors.core.merkle import EMPTY_ROOT
from anchors.core.registry import Action, Registry
from tests.ports.chain_world import HOSPITAL, OPERATOR, Leaves, SampleLog, World, open_world, secret, send


@pytest.fixture(params=["fake", "anvil"])
def world(request) -> World:
    return open_world(request)


@pytest.fixture
def log(world) -> SampleLog:
    return SampleLog(world).set_up()


def test_identity_is_the_hash_of_block_zero(world):
    identity = world.chain.identity()
    assert identity.chain_id == world.chain_id
    assert identity.genesis == world.chain.block(0).hash


def test_blocks_name_their_parents_up_to_the_tip_and_none_above(world):
    world.mine(3)
    tip = world.chain.tip()
    assert world.chain.block(tip.number) == tip
    assert world.chain.block(tip.number - 1).hash == tip.parent
    assert world.chain.block(tip.number - 1).timestamp <= tip.timestamp
    assert world.chain.block(tip.number + 1) is None


def test_registry_events_fold_to_the_heads_that_they_carry(world, log):
    world.perform(
        Suspend(HOSPITAL, "reason"),
        Resume(HOSPITAL),
        RevokeKey(signatures.address_from_secret(log.hospital_secret), 7),
        Admit("HEIR", ("hospital",), keccak256(b"acceptance")),
        Exit(HOSPITAL, "HEIR"),
    )
    events = world.chain.registry_events(0, world.chain.tip().number)
    registry = Registry(world.chain_id, world.registry)
    for event in events:
        registry.apply(event.change)
        assert registry.head == event.head
        block = world.chain.block(event.place.block_number)
        assert (block.hash, block.timestamp) == (event.place.block_hash, event.change.time)
    assert [event.change.action for event in events] == [
        *[Action.ADMITTED] * 3,
        Action.LOG_OPENED,
        *[Action.KEY_ADDED] * 3,
        *[Action.SUSPENDED, Action.RESUMED, Action.KEY_REVOKED, Action.ADMITTED, Action.EXITED],
    ]
    assert registry.heir(HOSPITAL) == "HEIR"
    assert registry.keys[signatures.address_from_secret(log.hospital_secret)].end_sequence == 7
    assert registry.operators == {log.id: OPERATOR}


def test_events_are_those_of_the_blocks_asked_for(world, log):
    before = world.chain.tip().number
    world.perform(Suspend(HOSPITAL))
    after = world.chain.tip().number
    assert [event.change.action for event in world.chain.registry_events(before + 1, after)] == [Action.SUSPENDED]
    assert Action.SUSPENDED not in [event.change.action for event in world.chain.registry_events(0, before)]
    assert world.chain.registry_events(after, before) == []


def test_events_beyond_the_tip_are_not_answered_as_if_there_were_none(world, log):
    beyond = world.chain.tip().number + 1
    with pytest.raises(ChainUnavailable):
        world.chain.registry_events(0, beyond)
    with pytest.raises(ChainUnavailable):
        world.chain.witness_events(beyond, beyond)


def test_a_contract_has_code_and_an_account_has_none(world):
    assert world.chain.code_hash(world.registry) != world.chain.code_hash(world.witness)
    assert world.chain.code_hash(keccak256(b"nobody")[12:]) == keccak256(b"")


def test_a_log_starts_with_the_empty_head(world, log):
    assert world.chain.head(log.id) == Head(0, EMPTY_ROOT)
    assert world.chain.head(keccak256(b"no log")) == Head(0, EMPTY_ROOT)


def test_a_witnessed_head_is_stored_and_emitted_with_everything_it_binds(world, log):
    receipts = [log.witness(0, 5), log.witness(5, 8), log.witness(8, 40)]
    assert all(receipt.succeeded and receipt.gas_used > 21_000 for receipt in receipts)
    assert world.chain.head(log.id) == Head(40, log.leaves.root(40))
    events = world.chain.witness_events(0, world.chain.tip().number)
    assert [(event.old_size, event.new_size) for event in events] == [(0, 5), (5, 8), (8, 40)]
    registry = world.chain.registry_events(0, world.chain.tip().number)[-1]
    for event, receipt in zip(events, receipts, strict=True):
        block = world.chain.block(event.place.block_number)
        place = event.place
        assert (place.transaction, place.block_number, place.block_hash) == (
            receipt.transaction,
            receipt.block_number,
            receipt.block_hash,
        )
        assert (event.log, event.root) == (log.id, log.leaves.root(event.new_size))
        assert (event.registry_head, event.registry_count) == (registry.head, registry.change.number)
        values = (event.log, event.old_size, event.new_size, event.root, event.registry_head, event.registry_count)
        assert event.witness_id == witness_id(*values, block.timestamp, block.parent)


def test_a_forged_head_with_a_valid_operator_signature_is_refused_for_its_false_consistency_proof(world, log):
    log.witness(0, 20)
    rewritten = Leaves([keccak256(b"rewritten"), *log.leaves.hashes[1:]])
    forged = log.call(20, 33, rewritten)  # the operator itself signed another past
    with pytest.raises(TransactionRefused) as refused:
        world.sender().sign(forged, 0, world.sender().fees())
    assert refused.value.reason == "InvalidConsistencyProof"
    assert world.chain.head(log.id) == Head(20, log.leaves.root(20))


def test_every_refusal_of_the_contract_has_its_name(world, log):
    log.witness(0, 20)
    stranger = signatures.sign(log.domain.checkpoint(33, log.leaves.root(33)), secret("stranger"))
    other_root = Leaves.of_count(20, b"other")
    cases = {
        "ProofTooLong": log.call(20, 33, proof=[bytes(32)] * 64),
        "SizeOutOfRange": replace(log.call(20, 33), new_size=2**63 + 1),
        "SizeShrinks": log.call(20, 19),
        "UnauthorizedSigner": log.call(20, 33, signature=stranger),
        "StaleHead": log.call(10, 33),
        "RootMismatch": log.call(20, 20, other_root),
        "InvalidConsistencyProof": log.call(20, 33, proof=[]),
    }
    sender = world.sender()
    for name, call in cases.items():
        with pytest.raises(TransactionRefused) as refused:
            sender.sign(call, sender.next_nonce(), sender.fees())
        assert refused.value.reason == name
        assert "\n" not in str(refused.value)


@pytest.mark.parametrize("signature", [b"", bytes(65), bytes(64), b"\xff" * 65])
def test_a_malformed_signature_is_an_unauthorized_signer(world, log, signature):
    with pytest.raises(TransactionRefused) as refused:
        world.sender().sign(log.call(0, 5, signature=signature), 0, world.sender().fees())
    assert refused.value.reason == "UnauthorizedSigner"


def test_a_revoked_checkpoint_key_moves_no_head_and_its_successor_does(world, log):
    log.witness(0, 5)
    successor = secret("checkpoint 2")
    world.perform(
        RevokeKey(signatures.address_from_secret(log.checkpoint_secret)),
        add_key(log.domain, OPERATOR, "checkpoint", successor),
    )
    with pytest.raises(TransactionRefused) as refused:
        log.witness(5, 8)
    assert refused.value.reason == "UnauthorizedSigner"
    log.checkpoint_secret = successor
    assert log.witness(5, 8).succeeded


def test_the_same_head_again_succeeds_and_changes_nothing(world, log):
    log.witness(0, 5)
    assert log.witness(5, 5).succeeded
    assert len(world.chain.witness_events(0, world.chain.tip().number)) == 1
    assert world.chain.head(log.id).size == 5


def test_the_loser_of_a_race_is_mined_and_did_not_succeed(world, log):
    world.set_automine(False)
    senders = [world.sender(0), world.sender(1)]
    signed = [sender.sign(log.call(0, 5), sender.next_nonce(), sender.fees()) for sender in senders]
    for sender, transaction in zip(senders, signed, strict=True):
        sender.broadcast(transaction.raw)
        assert sender.receipt(transaction.hash) is None
        assert sender.next_nonce() == transaction.nonce + 1
    world.mine()
    receipts = [sender.receipt(transaction.hash) for sender, transaction in zip(senders, signed, strict=True)]
    assert sorted(receipt.succeeded for receipt in receipts) == [False, True]
    assert receipts[0].block_hash == receipts[1].block_hash == world.chain.tip().hash


def test_a_reorganisation_takes_head_event_and_receipt_back_and_they_can_come_again(world, log):
    log.witness(0, 5)
    kept = world.chain.tip()
    taken = log.witness(5, 8)
    world.mine()
    world.reorg(2)
    assert world.chain.block(kept.number) == kept
    assert world.chain.block(taken.block_number).hash != taken.block_hash
    assert world.chain.head(log.id).size == 5
    assert [event.new_size for event in world.chain.witness_events(0, world.chain.tip().number)] == [5]
    assert world.sender().receipt(taken.transaction) is None
    assert log.witness(5, 8).succeeded
    assert world.chain.head(log.id).size == 8


def test_a_transaction_may_be_sent_any_number_of_times(world, log):
    sender = world.sender()
    world.set_automine(False)
    signed = sender.sign(log.call(0, 5), sender.next_nonce(), sender.fees())
    sender.broadcast(signed.raw)
    sender.broadcast(signed.raw)
    world.mine()
    sender.broadcast(signed.raw)
    world.mine()
    assert sender.receipt(signed.hash).succeeded
    assert sender.next_nonce() == signed.nonce + 1
    assert len(world.chain.witness_events(0, world.chain.tip().number)) == 1


def test_another_transaction_under_a_used_nonce_is_too_low(world, log):
    sender = world.sender()
    used = sender.next_nonce()
    log.witness(0, 5)
    late = sender.sign(log.call(5, 8), used, sender.fees())
    with pytest.raises(TransactionRefused) as refused:
        sender.broadcast(late.raw)
    assert refused.value.reason == "nonce-too-low"


def test_a_replacement_has_to_pay_more(world, log):
    world.set_automine(False)
    sender, fees = world.sender(), world.sender().fees()
    nonce = sender.next_nonce()
    first = sender.sign(log.call(0, 5), nonce, fees)
    sender.broadcast(first.raw)
    cheaper = sender.sign(log.call(0, 8), nonce, Fees(fees.cap * 9 // 10, fees.tip * 9 // 10))
    with pytest.raises(TransactionRefused) as refused:
        sender.broadcast(cheaper.raw)
    assert refused.value.reason == "replacement-underpriced"
    dearer = sender.sign(log.call(0, 40), nonce, Fees(fees.cap * 5 // 4, fees.tip * 5 // 4))
    sender.broadcast(dearer.raw)
    world.mine()
    assert sender.receipt(first.hash) is None
    assert sender.receipt(dearer.hash).succeeded
    assert world.chain.head(log.id).size == 40


def test_the_same_call_can_be_signed_again_for_other_fees_and_only_one_of_them_is_mined(world, log):
    world.set_automine(False)
    sender, fees = world.sender(), world.sender().fees()
    first = sender.sign(log.call(0, 5), sender.next_nonce(), fees)
    sender.broadcast(first.raw)
    dearer = sender.reprice(first.raw, Fees(fees.cap * 5 // 4, fees.tip * 5 // 4))
    assert dearer.nonce == first.nonce and dearer.hash != first.hash
    assert sender.reprice(dearer.raw, fees) == first
    sender.broadcast(dearer.raw)
    world.mine()
    assert sender.receipt(dearer.hash).succeeded and sender.receipt(first.hash) is None
    assert world.chain.head(log.id).size == 5


def test_what_is_mined_and_what_waits_are_counted_apart_and_a_used_nonce_names_its_transaction(world, log):
    sender = world.sender()
    before = sender.mined_nonce()
    assert before == sender.next_nonce() and sender.transaction_at(before) is None
    world.set_automine(False)
    signed = sender.sign(log.call(0, 5), before, sender.fees())
    sender.broadcast(signed.raw)
    assert (sender.mined_nonce(), sender.next_nonce()) == (before, before + 1)
    assert sender.transaction_at(before) is None
    world.mine(5)
    assert (sender.mined_nonce(), sender.next_nonce()) == (before + 1, before + 1)
    assert sender.transaction_at(before) == signed.hash
    world.reorg(5)
    assert sender.mined_nonce() == before and sender.transaction_at(before) is None


def test_an_account_without_money_cannot_send(world, log):
    poor = world.poor_sender()
    signed = poor.sign(log.call(0, 5), poor.next_nonce(), poor.fees())
    with pytest.raises(TransactionRefused) as refused:
        poor.broadcast(signed.raw)
    assert refused.value.reason == "insufficient-funds"


def test_a_price_below_the_base_fee_is_underpriced(world, log):
    sender = world.sender()
    signed = sender.sign(log.call(0, 5), sender.next_nonce(), Fees(2, 1))
    with pytest.raises(TransactionRefused) as refused:
        sender.broadcast(signed.raw)
    assert refused.value.reason == "underpriced"


def test_two_logs_move_apart(world, log):
    other = SampleLog(world, "log.example/other", secret("other checkpoint"), secret("other hospital"))
    world.perform(
        OpenLog(other.origin, OPERATOR), add_key(other.domain, OPERATOR, "checkpoint", other.checkpoint_secret)
    )
    log.witness(0, 5)
    send(world.sender(), other.call(0, 3))
    assert (world.chain.head(log.id).size, world.chain.head(other.id).size) == (5, 3)
    with pytest.raises(TransactionRefused) as refused:  # a signature fits one log
        world.sender().sign(log.call(5, 8, signature=other.call(5, 8).signature), 9, world.sender().fees())
    assert refused.value.reason == "UnauthorizedSigner"
