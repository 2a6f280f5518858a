"""Proofs of the blocks of heads: what is stored, and in which order what is missing is captured; on both databases."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace

import pytest

from anchors.chain.port import Block, ChainUnavailable, Place, WitnessEvent
from anchors.core.block.proof import BlockProof
from ledger_service.storage.chain_view import SqlChainView
from ledger_service.storage.database import open_database
from ledger_service.storage.head_proofs import SqlHeadProofs
from ledger_service.usecases.ports import ChainStatus, FollowedBlocks
from ledger_service.usecases.prove_heads import HEADS_A_STEP, LONGEST_REST_SECONDS, REST_SECONDS, HeadProver

LOG = b"\x04" * 32
SOME = BlockProof(b"\xc0" * 900, b"\xc1" * 700, 3, 1, (b"\xc2" * 100, b"\xc3" * 40))


def head(size: int) -> WitnessEvent:
    """The head of so many entries, in the block of that number."""
    place = Place(size, size.to_bytes(32, "big"), b"\x01" * 32, 4)
    return WitnessEvent(LOG, size - 1, size, b"\x02" * 32, b"\x03" * 32, 9, size.to_bytes(32, "little"), place)


class Chronicle:
    """The stored view of a chain with one head a block, and its proofs."""

    def __init__(self, url: str):
        self.engine = open_database(url)
        self.view, self.proofs = SqlChainView(self.engine, LOG), SqlHeadProofs(self.engine, LOG)

    def follow(self, first: int, last: int, final: int) -> None:
        """Heads of these sizes stand, those up to `final` in final blocks."""
        blocks = [Block(n, n.to_bytes(32, "big"), (n - 1).to_bytes(32, "big"), n) for n in range(first, last + 1)]
        heads = [head(size) for size in range(first, last + 1)]
        times = {block.number: block.timestamp for block in blocks}
        tip = blocks[-1] if blocks else self.view.status().tip
        self.view.add(FollowedBlocks(blocks, [], heads, times, ChainStatus(tip, final)))

    def unproven(self) -> list[int]:
        return [event.new_size for event in self.proofs.unproven(0, 10**9, 10**6)]


@pytest.fixture
def chronicle(store_url: str) -> Iterator[Chronicle]:
    chronicle = Chronicle(store_url.replace("postgresql+psycopg:", "postgresql:"))
    yield chronicle
    chronicle.engine.dispose()


class Node:
    """A node that proves heads, but for those that it has forgotten."""

    def __init__(self) -> None:
        self.forgotten: set[int] = set()
        self.asked: list[int] = []

    def block_proof(self, event: WitnessEvent) -> BlockProof:
        self.asked.append(event.new_size)
        if event.new_size in self.forgotten:
            raise ChainUnavailable("chain node: a head's block cannot be proved")
        return replace(SOME, log_index=event.new_size)


def test_a_proof_reads_back_and_only_final_heads_lack_one(chronicle: Chronicle) -> None:
    chronicle.follow(1, 5, final=3)
    assert (chronicle.unproven(), chronicle.proofs.missing()) == ([3, 2, 1], 3)
    assert [event for event in chronicle.proofs.unproven(1, 3, 9)] == [head(2)]
    assert len(chronicle.proofs.unproven(0, 9, 2)) == 2
    chronicle.proofs.add(head(2), SOME)
    assert (chronicle.unproven(), chronicle.proofs.missing()) == ([3, 1], 2)
    assert chronicle.proofs.proofs([1, 2, 3, 77]) == {2: SOME}
    assert chronicle.proofs.proofs([]) == {}
    assert chronicle.proofs.proofs(range(3_000)) == {2: SOME}


def test_a_head_has_one_proof_and_one_that_left_the_chain_has_none(chronicle: Chronicle) -> None:
    chronicle.follow(1, 3, final=3)
    chronicle.proofs.add(head(2), SOME)
    chronicle.proofs.add(head(2), replace(SOME, log_index=8))
    assert chronicle.proofs.proofs([2]) == {2: SOME}
    elsewhere = replace(head(3), place=replace(head(3).place, block_hash=bytes(32)))
    chronicle.proofs.add(elsewhere, SOME)
    chronicle.proofs.add(head(4), SOME)
    assert chronicle.proofs.proofs([3, 4]) == {}
    chronicle.view.roll_back(1)
    assert (chronicle.proofs.proofs([2]), chronicle.unproven()) == ({}, [1])


class Watch:
    """Counts seconds in the test's hands."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def passed(self) -> float:
        return self.seconds


def run(prover: HeadProver, steps: int = 10**6) -> None:
    """Steps until there is no more to do at once, or so many."""
    while steps and prover.run_once():
        steps -= 1


def test_every_head_gets_its_own_proof_the_newest_first(chronicle: Chronicle) -> None:
    count = 2 * HEADS_A_STEP + 3
    chronicle.follow(1, count, final=count)
    node = Node()
    prover = HeadProver(node, chronicle.proofs, Watch().passed)
    run(prover)
    assert node.asked == list(range(count, 0, -1))
    proofs = chronicle.proofs.proofs(range(1, count + 1))
    assert {size: proof.log_index for size, proof in proofs.items()} == {size: size for size in range(1, count + 1)}
    run(prover)
    assert len(node.asked) == count, "what has a proof is not asked for again"
    run(HeadProver(node, chronicle.proofs, Watch().passed))
    assert len(node.asked) == count, "nor by another process"


def test_what_became_final_comes_before_the_old_ones(chronicle: Chronicle) -> None:
    chronicle.follow(1, 40, final=40)
    node = Node()
    prover = HeadProver(node, chronicle.proofs, Watch().passed)
    run(prover, 1)
    chronicle.follow(41, 41, final=41)
    run(prover, 1)
    assert node.asked[HEADS_A_STEP] == 41
    run(prover)
    assert chronicle.unproven() == []


def test_what_a_node_has_forgotten_holds_up_nothing_and_is_asked_for_again(chronicle: Chronicle) -> None:
    chronicle.follow(1, 40, final=40)
    node = Node()
    node.forgotten = set(range(10, 15))
    watch = Watch()
    prover = HeadProver(node, chronicle.proofs, watch.passed)
    failures = 0
    for step in range(60):
        try:
            run(prover)
        except ChainUnavailable:
            failures += 1
        else:
            watch.seconds += LONGEST_REST_SECONDS
        if step == 2:
            chronicle.follow(41, 42, final=42)
    assert chronicle.unproven() == [14, 13, 12, 11, 10]
    assert failures >= 10, "each is tried again and again, one a step"
    node.forgotten = set()
    for _ in range(3):
        run(prover)
        watch.seconds += LONGEST_REST_SECONDS
    assert (chronicle.unproven(), chronicle.proofs.missing()) == ([], 0)


def test_what_no_node_can_prove_is_asked_for_once_and_rarely_again(chronicle: Chronicle) -> None:
    chronicle.follow(1, 40, final=40)
    node, watch = Node(), Watch()
    node.forgotten = {3, 9, 20, 40}
    prover = HeadProver(node, chronicle.proofs, watch.passed)

    def settle() -> list[int]:
        """Many steps; what was asked for in them."""
        node.asked.clear()
        for _ in range(100):
            with suppress(ChainUnavailable):
                prover.run_once()
        return list(node.asked)

    assert settle() == list(range(40, 0, -1))
    assert settle() == []
    # Heads that become final meanwhile, provable or not, lead nobody through the old ones again.
    chronicle.follow(41, 44, final=44)
    node.forgotten |= {43}
    assert settle() == [44, 43, 42, 41]
    rest = REST_SECONDS
    for size in range(45, 57):
        watch.seconds += rest - 1
        chronicle.follow(size, size, final=size)
        assert settle() == [size], "one that is new and proved tells nothing of the old ones"
        watch.seconds += 1
        assert settle() == [43, 40, 20, 9, 3]
        assert settle() == []
        rest = min(2 * rest, LONGEST_REST_SECONDS)
    assert rest == LONGEST_REST_SECONDS
    # One that is proved shows that a node may be mended: the others are asked for soon.
    node.forgotten -= {20}
    watch.seconds += rest
    assert settle() == [43, 40, 20, 9, 3]
    watch.seconds += REST_SECONDS
    assert settle() == [43, 40, 9, 3]


def test_many_heads_that_become_final_at_once_are_all_proved(chronicle: Chronicle) -> None:
    chronicle.follow(1, 5, final=5)
    node = Node()
    prover = HeadProver(node, chronicle.proofs, Watch().passed)
    run(prover)
    count = 3 * HEADS_A_STEP
    chronicle.follow(6, count, final=count)
    run(prover)
    assert chronicle.unproven() == []
