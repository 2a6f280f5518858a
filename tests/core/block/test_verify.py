"""Which proofs of blocks hold, and why each of the others does not (docs/spec/block.md)."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from anchors.core.block.consensus import Consensus, quorum
from anchors.core.block.proof import BlockProof
from anchors.core.block.receipts import find_receipt, prove_receipt
from anchors.core.block.verify import NotBelieved, Strength, find_set_changes, open_block_proof, verify_block_proof
from anchors.core.errors import Error, MalformedInput, VerificationFailed
from anchors.core.trust import FixedBlock
from scripts.qbft_genesis import encode_rlp
from tests.core.block.build import (
    LOG,
    NUMBER,
    TIME,
    TOPIC,
    WITNESS,
    Made,
    Sealing,
    address,
    header_items,
    keccak,
    make,
    plain,
    receipt_of,
    sealing,
    secret,
    trust_of,
    validators,
    words,
)  # fmt: skip

QBFT, IBFT2, NONE = Consensus.QBFT, Consensus.IBFT2, Consensus.NONE
FOUR = validators(4)
both = pytest.mark.parametrize("consensus", [QBFT, IBFT2])


def trusting(consensus: Consensus, keys=FOUR, *blocks: FixedBlock):
    return trust_of(consensus, [address(key) for key in keys], blocks)


def refused(proof: BlockProof, trust, error: type[Error], words_: str) -> None:
    with pytest.raises(error, match=words_) as caught:
        verify_block_proof(proof, trust)
    assert "\n" not in str(caught.value)


@both
@pytest.mark.parametrize("round_number", [0, 1, 0xFEDCBA])
def test_a_quorum_of_the_trust_files_validators_proves_head_block_and_times(consensus, round_number) -> None:
    made = make(sealing(consensus, FOUR, round=round_number))
    proven = verify_block_proof(made.proof, trusting(consensus))
    assert (proven.strength, proven.block.number, proven.block.hash) == (Strength.SEALED, NUMBER, made.hash)
    assert (proven.block.timestamp, proven.parent.timestamp) == (TIME, TIME - 2)
    assert proven.parent.hash == proven.block.parent == made.parent_hash
    head = proven.head
    assert (head.log, head.old_size, head.new_size, head.registry_count) == (LOG, 5, 8, 7)
    assert (head.root, head.registry_head) == (keccak(b"root"), keccak(b"registry head"))
    assert head.witness_id == made.witness_id
    assert "sealed by 3 validators, a quorum of the 4" in proven.why


@pytest.mark.parametrize(("validators_", "needed"), [(1, 1), (2, 2), (3, 2), (4, 3), (5, 4), (6, 4), (7, 5), (10, 7)])
def test_the_quorum_is_two_thirds_rounded_up(validators_: int, needed: int) -> None:
    assert quorum(validators_) == needed


@both
def test_a_vote_of_any_kind_is_under_the_hash(consensus) -> None:
    drop = b"" if consensus is QBFT else b"\x00"
    hashes = set()
    for vote in (None, [bytes(19) + b"\x01", b"\xff"], [bytes(19) + b"\x01", drop]):
        made = make(sealing(consensus, FOUR, vote=vote))
        assert verify_block_proof(made.proof, trusting(consensus)).block.hash == made.hash
        hashes.add(made.hash)
    assert len(hashes) == 3


@pytest.mark.parametrize("vote", [b"\x01", [bytes(20)], [bytes(20), b"\x01"], [bytes(19), b"\xff"], [[], b"\xff"]])
@both
def test_a_vote_of_another_form_is_refused(consensus, vote) -> None:
    refused(make(sealing(consensus, FOUR, vote=vote)).proof, trusting(consensus), MalformedInput, "vote")


@both
def test_no_seal_no_round_and_other_seals_do_not_change_the_hash(consensus) -> None:
    hashes = {make(sealing(consensus, FOUR, by, round=r)).hash for by in (FOUR, FOUR[:3], ()) for r in (0, 1)}
    assert len(hashes) == 1


@both
def test_too_few_seals_a_double_one_and_a_strangers_are_refused(consensus) -> None:
    def proof(*by: bytes) -> BlockProof:
        return make(sealing(consensus, FOUR, by)).proof

    trust = trusting(consensus)
    refused(proof(*FOUR[:2]), trust, VerificationFailed, "2 of 4 validators sealed it, no quorum")
    refused(proof(), trust, VerificationFailed, "0 of 4")
    refused(proof(*FOUR[:3], FOUR[0]), trust, VerificationFailed, "sealed it twice")
    refused(proof(*FOUR[:3], secret("stranger")), trust, VerificationFailed, "by nobody of its validators")
    assert verify_block_proof(proof(*FOUR), trust).strength is Strength.SEALED


@both
def test_a_set_that_the_trust_file_does_not_know_proves_nothing(consensus) -> None:
    strangers = validators(0, "a", "b", "c", "d")
    refused(make(sealing(consensus, strangers)).proof, trusting(consensus), NotBelieved, "0 of the 4 validators")
    smaller = FOUR[:2]  # two of the four name themselves alone
    refused(make(sealing(consensus, smaller)).proof, trusting(consensus), NotBelieved, "2 of the 4 validators")
    refused(make(sealing(consensus, FOUR)).proof, trusting(consensus, ()), NotBelieved, "neither fixes")


@both
def test_where_validators_stand_in_a_contract_the_trust_files_are_meant(consensus) -> None:
    made = make(Sealing(consensus, (), FOUR[:3]))
    assert verify_block_proof(made.proof, trusting(consensus)).strength is Strength.SEALED
    refused(make(Sealing(consensus, (), FOUR[:2])).proof, trusting(consensus), VerificationFailed, "2 of 4")
    refused(
        make(Sealing(consensus, (), (*FOUR[:2], secret("x")))).proof, trusting(consensus), VerificationFailed, "nob"
    )


@both
def test_the_seals_of_the_other_consensus_prove_nothing(consensus) -> None:
    other = IBFT2 if consensus is QBFT else QBFT
    with pytest.raises(Error):
        verify_block_proof(make(sealing(consensus, FOUR)).proof, trusting(other))
    refused(make(sealing(consensus, FOUR)).proof, trusting(NONE), NotBelieved, "neither fixes")


def test_a_fixed_block_needs_no_seal_and_a_contradicted_one_fails_whoever_sealed_it() -> None:
    made = make(None)
    proven = verify_block_proof(made.proof, trusting(NONE, (), FixedBlock(NUMBER, made.hash)))
    assert (proven.strength, proven.block.hash) == (Strength.FIXED, made.hash)
    assert "fixed by the trust file" in proven.why
    refused(made.proof, trusting(NONE, (), FixedBlock(NUMBER + 1, made.hash)), NotBelieved, "neither fixes")
    refused(made.proof, trusting(NONE, (), FixedBlock(NUMBER, bytes(32))), VerificationFailed, "another block")
    sealed = make(sealing(QBFT, FOUR))
    refused(sealed.proof, trusting(QBFT, FOUR, FixedBlock(NUMBER, bytes(32))), VerificationFailed, "another block")
    unsealed = make(sealing(QBFT, FOUR, ()))
    fixed = verify_block_proof(unsealed.proof, trusting(QBFT, (), FixedBlock(NUMBER, unsealed.hash)))
    assert fixed.strength is Strength.FIXED


def change(consensus, named, by, number=NUMBER - 50) -> bytes:
    """A header that names these validators, sealed by those."""
    return sealing(consensus, named, by).seal(header_items(number, bytes(32), bytes(32), TIME - 100, b""))[0]


FIVE = tuple(sorted((*FOUR, secret("fifth")), key=address))
OLD_AND_SEALING = tuple(key for key in FIVE if key in FOUR)


@both
def test_a_set_hands_over_where_a_quorum_of_it_sealed_the_header_that_names_the_next(consensus) -> None:
    six = tuple(sorted((*FIVE, secret("sixth")), key=address))
    changes = (change(consensus, FIVE, FIVE, NUMBER - 50), change(consensus, six, FIVE, NUMBER - 20))
    made = make(sealing(consensus, six))
    proof = replace(made.proof, set_changes=changes)
    proven = verify_block_proof(proof, trusting(consensus))
    assert proven.strength is Strength.SEALED and "over 2 changes" in proven.why
    assert BlockProof.decode(proof.encode()) == proof
    newcomers = tuple(key for key in six if key not in FOUR)
    without = make(sealing(consensus, six, (*newcomers, *FOUR[:2]))).proof
    refused(without, trusting(consensus), NotBelieved, "2 of the 4 validators")
    refused(replace(proof, set_changes=changes[::-1]), trusting(consensus), VerificationFailed, "out of order")
    others = trusting(consensus, validators(0, "a", "b", "c", "d"))
    refused(proof, others, NotBelieved, "0 of the 4 validators")
    refused(replace(proof, set_changes=(*changes, changes[-1])), trusting(consensus), VerificationFailed, "order")
    late = (changes[0], change(consensus, six, FIVE, NUMBER))
    refused(replace(proof, set_changes=late), trusting(consensus), VerificationFailed, "out of order")


@both
def test_headers_that_lead_to_the_set_are_found_among_others(consensus) -> None:
    six = tuple(sorted((*FIVE, secret("sixth")), key=address))
    newcomers = tuple(key for key in six if key not in FOUR)
    first, second = change(consensus, FIVE, FIVE, NUMBER - 50), change(consensus, six, FIVE, NUMBER - 20)
    back = change(consensus, FOUR, FOUR, NUMBER + 5)  # above the block: it does not lead there
    noise = [
        b"no header", change(consensus, FOUR, FOUR, NUMBER - 60), change(consensus, FIVE, FIVE, NUMBER - 40),
        change(consensus, six, newcomers, NUMBER - 30), back,
    ]  # fmt: skip
    proof = make(sealing(consensus, six, (*newcomers, *FOUR[:2]))).proof
    trust = trusting(consensus)
    found = find_set_changes([second, *noise, first], trust)
    assert found == (first, second, back)
    proven = verify_block_proof(proof, trust, found)
    assert "over 2 changes" in proven.why
    assert proven == verify_block_proof(replace(proof, set_changes=(first, second)), trust)
    for too_few in ([first], noise, [], [change(consensus, six, six, NUMBER)]):
        with pytest.raises(NotBelieved):
            verify_block_proof(proof, trust, find_set_changes(too_few, trust))
    assert find_set_changes([first, second], trusting(NONE)) == ()
    assert "changes" not in verify_block_proof(make(sealing(consensus, FOUR)).proof, trust, found).why


@both
def test_the_block_itself_may_be_the_first_that_names_a_set(consensus) -> None:
    made = make(sealing(consensus, FIVE, OLD_AND_SEALING))
    assert verify_block_proof(made.proof, trusting(consensus)).strength is Strength.SEALED


@both
def test_a_header_that_hands_over_with_too_few_of_either_set_does_not(consensus) -> None:
    made = make(sealing(consensus, FIVE))
    newcomer = secret("fifth")
    few = replace(made.proof, set_changes=(change(consensus, FIVE, (newcomer, *FOUR[:2])),))
    refused(few, trusting(consensus), VerificationFailed, "3 of 5")
    others = tuple(sorted((*FOUR[:2], *map(secret, "uvwx")), key=address))
    stolen = (*FOUR[:2], secret("u"), secret("v"))  # a quorum of the six that are named, two of the four that are known
    taken = replace(make(sealing(consensus, others)).proof, set_changes=(change(consensus, others, stolen),))
    refused(taken, trusting(consensus), NotBelieved, "2 of the 4")


@both
def test_a_header_that_changes_nothing_or_is_not_needed_is_refused(consensus) -> None:
    made = make(sealing(consensus, FOUR))
    idle = replace(made.proof, set_changes=(change(consensus, FOUR, FOUR),))
    refused(idle, trusting(consensus), VerificationFailed, "changes no validators")
    nobody = Sealing(consensus, (), FOUR).seal(header_items(NUMBER - 9, bytes(32), bytes(32), TIME, b""))[0]
    refused(replace(made.proof, set_changes=(nobody,)), trusting(consensus), VerificationFailed, "changes no")
    five = replace(made.proof, set_changes=(change(consensus, FIVE, FOUR),))
    fixed = trusting(consensus, FOUR, FixedBlock(NUMBER, made.hash))
    refused(five, fixed, VerificationFailed, "leave the headers that change validators out")


@both
def test_a_fixed_header_names_the_set_of_its_time(consensus) -> None:
    three = FOUR[:3]  # two of them seal: never a quorum of the four
    items = header_items(NUMBER - 50, bytes(32), bytes(32), TIME - 100, b"")
    data, hashed = sealing(consensus, three).seal(items)
    proof = replace(make(sealing(consensus, three)).proof, set_changes=(data,))
    refused(proof, trusting(consensus), NotBelieved, "quorum")
    trust = trusting(consensus, FOUR, FixedBlock(NUMBER - 50, keccak(hashed)))
    assert verify_block_proof(proof, trust).strength is Strength.SEALED


def test_on_a_plain_chain_no_header_changes_validators() -> None:
    made = make(None)
    trust = trusting(NONE, (), FixedBlock(NUMBER, made.hash))
    more = replace(made.proof, set_changes=(plain(NUMBER - 5, bytes(32), bytes(32), TIME)[0],))
    refused(more, trust, VerificationFailed, "no validators")


SEALED = sealing(QBFT, FOUR)
OTHER_LOG = [bytes(20), [keccak(b"another event")], b"data"]


@pytest.mark.parametrize("receipt_type", [b"", b"\x01", b"\x02", b"\x03", b"\x04", b"\x7f"])
@pytest.mark.parametrize("before", [(), (OTHER_LOG, OTHER_LOG)])
def test_receipts_of_every_type_are_read(receipt_type: bytes, before) -> None:
    made = make(SEALED, receipt_type=receipt_type, before=before)
    assert verify_block_proof(made.proof, trusting(QBFT)).head.witness_id == made.witness_id


@pytest.mark.parametrize("receipt_type", [b"\x00", b"\x80", b"\xbf", b"\x02\x02"])
def test_a_receipt_of_no_type_is_refused(receipt_type: bytes) -> None:
    refused(make(SEALED, receipt_type=receipt_type).proof, trusting(QBFT), MalformedInput, "receipt")


def test_another_contracts_event_another_log_and_another_time_are_refused() -> None:
    trust = trusting(QBFT)
    refused(make(SEALED, emitter=bytes(20)).proof, trust, VerificationFailed, "not by the witness contract")
    made = make(SEALED, before=(OTHER_LOG,))
    refused(replace(made.proof, log_index=0), trust, VerificationFailed, "not by the witness contract")
    refused(replace(made.proof, log_index=2), trust, VerificationFailed, "has 2 logs")
    refused(make(SEALED, claimed_time=TIME + 1).proof, trust, VerificationFailed, "does not hash to its id")
    other = make(SEALED, before=([WITNESS, [keccak(b"Other()")], b""],))
    refused(replace(other.proof, log_index=0), trust, MalformedInput, "Witnessed event")


@pytest.mark.parametrize(
    ("topics", "data"),
    [
        ([TOPIC, LOG], words(5, 8, LOG, LOG, 7)),
        ([TOPIC, LOG, LOG, LOG], words(5, 8, LOG, LOG, 7)),
        ([TOPIC, LOG, LOG], words(5, 8, LOG, LOG)),
        ([TOPIC, LOG, LOG], words(5, 8, LOG, LOG, 7, 0)),
        ([TOPIC, LOG, LOG], words(2**64, 8, LOG, LOG, 7)),
        ([LOG, TOPIC, LOG], words(5, 8, LOG, LOG, 7)),
        ([], words(5, 8, LOG, LOG, 7)),
        ([TOPIC] * 5, b""),
        ([TOPIC[1:], LOG, LOG], words(5, 8, LOG, LOG, 7)),
    ],
)
def test_what_is_no_witnessed_event_is_refused(topics, data) -> None:
    made = make(SEALED, before=([WITNESS, topics, data],))
    refused(replace(made.proof, log_index=0), trusting(QBFT), MalformedInput, "Witnessed event|receipt: log")


def test_the_proof_of_another_receipt_another_parent_and_nodes_too_many_are_refused() -> None:
    trust, made, other = trusting(QBFT), make(SEALED), make(SEALED, before=(OTHER_LOG,))
    refused(replace(made.proof, receipt=other.proof.receipt), trust, VerificationFailed, "do not lead")
    refused(replace(made.proof, receipt=()), trust, VerificationFailed, "do not lead")
    refused(replace(made.proof, transaction_index=1), trust, VerificationFailed, "no such transaction")
    refused(replace(made.proof, receipt=made.proof.receipt * 2), trust, VerificationFailed, "not needed, twice")
    extra = (*made.proof.receipt, *other.proof.receipt)
    refused(replace(made.proof, receipt=extra), trust, VerificationFailed, "not needed")
    refused(replace(made.proof, receipt=extra[::-1]), trust, VerificationFailed, "not needed")
    refused(replace(made.proof, receipt=made.proof.receipt * 17), trust, MalformedInput, "more than 16 nodes")
    later = make(SEALED, block=NUMBER + 1)
    refused(replace(made.proof, parent=later.proof.parent), trust, VerificationFailed, "not the one before")
    refused(replace(made.proof, parent=made.proof.header), trust, VerificationFailed, "not the one before")


def test_a_branch_of_a_trie_written_by_hand_is_walked() -> None:
    """Two transactions: a branch at the first nibble, 8 for rlp(0) = 0x80 and 0 for rlp(1) = 0x01."""
    first, second = receipt_of([]), receipt_of([OTHER_LOG])
    leaves = {8: encode_rlp([b"\x30", first]), 0: encode_rlp([b"\x31", second])}
    branch = encode_rlp([*(keccak(leaves[i]) if i in leaves else b"" for i in range(16)), b""])
    assert find_receipt(keccak(branch), 0, [branch, leaves[8]]) == first
    assert find_receipt(keccak(branch), 1, [branch, leaves[0]]) == second
    assert prove_receipt([first, second], 1) == (keccak(branch), (branch, leaves[0]))
    for index, nodes in ((0, [branch, leaves[0]]), (1, [branch, leaves[8]]), (2, [branch]), (0, [leaves[8]])):
        with pytest.raises(VerificationFailed):
            find_receipt(keccak(branch), index, nodes)
    for nodes in ([leaves[8], branch], [branch, leaves[8], leaves[0]], [branch, branch, leaves[8]]):
        with pytest.raises(VerificationFailed, match="not needed, twice or out of order"):
            find_receipt(keccak(branch), 0, nodes)


def test_block_0_is_hashed_as_it_is() -> None:
    genesis = encode_rlp(header_items(0, bytes(32), bytes(32), TIME - 2, Sealing(QBFT, (), ()).extra([])))
    values = (0, 8, keccak(b"root"), keccak(b"registry head"), 7)
    witness_id = keccak(words(LOG, *values, TIME, keccak(genesis)))
    leaf = encode_rlp([b"\x20\x80", receipt_of([[WITNESS, [TOPIC, LOG, witness_id], words(*values)]])])
    header, _ = SEALED.seal(header_items(1, keccak(genesis), keccak(leaf), TIME, b""))
    shown = open_block_proof(BlockProof(header, genesis, 0, 0, (leaf,)), QBFT, WITNESS)
    assert shown.parent.hash == keccak(genesis) and shown.head.old_size == 0


@pytest.fixture(scope="module")
def samples() -> dict[str, tuple[Made, object]]:
    changed = make(sealing(QBFT, FIVE))
    proof = replace(changed.proof, set_changes=(change(QBFT, FIVE, FOUR),))
    plain_ = make(None, before=(OTHER_LOG,))
    return {
        "qbft": (make(sealing(QBFT, FOUR, round=3)), trusting(QBFT)),
        "ibft2": (make(sealing(IBFT2, FOUR, round=3)), trusting(IBFT2)),
        "none": (plain_, trusting(NONE, (), FixedBlock(NUMBER, plain_.hash))),
        "changed": (replace(changed, proof=proof), trusting(QBFT)),
    }


def flipped(data: bytes, place: int) -> bytes:
    return data[:place] + bytes((data[place] ^ 1 << place % 8,)) + data[place + 1 :]


PARTS: dict[str, Callable[[BlockProof], bytes]] = {
    "header": lambda proof: proof.header,
    "parent": lambda proof: proof.parent,
    "receipt": lambda proof: proof.receipt[0],
    "set_changes": lambda proof: proof.set_changes[0],
}


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("qbft", "header"), ("qbft", "parent"), ("qbft", "receipt"), ("ibft2", "header"), ("none", "header"),
        ("changed", "set_changes"),
    ],
)  # fmt: skip
def test_every_byte_that_is_flipped_is_refused(samples, name: str, part: str) -> None:
    made, trust = samples[name]
    data = PARTS[part](made.proof)
    for place in range(len(data)):
        wrong = flipped(data, place)
        spoilt = replace(made.proof, **{part: wrong if part in ("header", "parent") else (wrong,)})
        with pytest.raises(Error) as caught:
            verify_block_proof(spoilt, trust)
        assert "\n" not in str(caught.value), place


def test_every_character_of_the_text_that_is_changed_is_refused(samples) -> None:
    made, trust = samples["changed"]
    text = made.proof.encode()
    for place in range(0, len(text), 7):
        with pytest.raises(Error):
            verify_block_proof(BlockProof.decode(flipped(text, place)), trust)
