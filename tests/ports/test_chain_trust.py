"""Trust files from a chain, and the claim `witnessed`, over the fake and over a real node (docs/spec/trust.md)."""

from dataclasses import dataclass, replace

import pytest

from anchors.chain.acts import RevokeKey, Suspend
from anchors.chain.port import ChainUnavailable
from anchors.chain.trust_builder import build_trust
from anchors.chain.witnessed import check_witnessed, judge_with_node
from anchors.core import signature as signatures
from anchors.core.checkpoint import Checkpoint
from anchors.core.content import Content, Part
from anchors.core.encoding import keccak256
from anchors.core.errors import VerificationFailed
from anchors.core.merkle import leaf_hash
from anchors.core.note import SignerKey
from anchors.core.registry import Change, note_key_address
from anchors.core.statement import Statement
from anchors.core.tlog_proof import Extra, TlogProof
from anchors.core.trust import Contract, Finality, Trust, format_trust, parse_trust
from anchors.core.verify import State, Verdict, verify_proof
from tests.fakes.chain import FakeChain
from tests.ports.chain_world import HOSPITAL, Leaves, SampleLog, World, open_world, secret

FINALITY = Finality(3)
INDEX = 6  # between the heads of 5 and 8 entries


@pytest.fixture(params=["fake", "anvil"])
def world(request) -> World:
    return open_world(request)


@dataclass
class Story:
    """One statement at INDEX of a log."""

    log: SampleLog
    sequence: int = 3

    def __post_init__(self) -> None:
        self.content = Content((Part.create("note", "a synthetic sample", bytes(32)),))
        statement = Statement(
            kind="report.issued",
            institution=HOSPITAL,
            subject=keccak256(b"subject"),
            sequence=self.sequence,
            issued_at=1_800_000_000,
            observed=bytes(32),
            content=self.content.hash,
        )
        self.entry = statement.sign(self.log.domain, self.log.hospital_secret).to_bytes()
        self.log.leaves.hashes[INDEX] = leaf_hash(self.entry)

    def trust(self) -> Trust:
        """As the chain tells it now."""
        world = self.log.world
        logs = [(self.log.origin, [self.log.note_key.verifier])]
        return build_trust(world.chain, world.registry, world.witness, logs, FINALITY)

    def verdict(self, size: int, trust: Trust, leaves: Leaves | None = None) -> Verdict:
        """The offline verdict about the proof under the operator's checkpoint of `size` entries."""
        leaves = leaves or self.log.leaves
        note = Checkpoint(self.log.origin, size, leaves.root(size)).sign(self.log.note_key)
        key = signatures.address_from_secret(self.log.hospital_secret)
        extra = Extra(key, self.entry, self.content).encode()
        return verify_proof(TlogProof(INDEX, leaves.inclusion(INDEX, size), note, extra).format(), trust)


@pytest.fixture
def story(world) -> Story:
    """The log is set up and its heads of 5, 8 and 20 entries are final."""
    story = Story(SampleLog(world).set_up())
    for old, new in ((0, 5), (5, 8), (8, 20)):
        story.log.witness(old, new)
    world.mine(2)
    return story


def states(verdict: Verdict) -> dict[str, State]:
    return {claim.name: claim.state for claim in verdict.claims}


def test_a_trust_file_from_the_chain_reads_back_and_names_what_it_saw(world, story):
    trust = story.trust()
    assert parse_trust(format_trust(trust)) == trust
    assert (trust.chain_id, trust.genesis) == (world.chain_id, world.chain.identity().genesis)
    assert trust.registry_contract == Contract(world.registry, world.chain.code_hash(world.registry))
    assert trust.witness_contract == Contract(world.witness, world.chain.code_hash(world.witness))
    last = world.chain.registry_events(0, world.chain.tip().number)[-1]
    assert (trust.registry.count, trust.registry.head) == (last.change.number, last.head)
    assert len(trust.changes) == 7


def test_a_change_that_is_not_final_is_not_in_the_trust_file(world, story):
    world.perform(Suspend(HOSPITAL))
    world.mine(FINALITY.blocks - 2)
    assert story.trust().registry.count == 7
    world.mine()
    assert story.trust().registry.count == 8


def test_a_verifier_key_that_the_registry_does_not_know_makes_no_trust_file(world, story):
    story.log.note_key = SignerKey(story.log.origin, secret("stranger's note key"))
    with pytest.raises(VerificationFailed, match="not a note key"):
        story.trust()


def test_an_address_without_a_contract_makes_no_trust_file(world, story):
    with pytest.raises(VerificationFailed, match="no witness contract"):
        build_trust(world.chain, world.registry, keccak256(b"nobody")[12:], [], FINALITY)


def test_a_node_that_changes_an_event_makes_no_trust_file(world, story, monkeypatch):
    honest = world.chain.registry_events

    def bent(first: int, last: int) -> list:
        events = honest(first, last)
        events[-1] = replace(events[-1], change=replace(events[-1].change, institution="ANOTHER"))
        return events

    monkeypatch.setattr(world.chain, "registry_events", bent)
    with pytest.raises(VerificationFailed, match="does not lead to the head"):
        story.trust()


@pytest.mark.parametrize("size", [8, 20])
def test_a_proof_under_a_witnessed_final_checkpoint_is_witnessed(world, story, size):
    trust = story.trust()
    verdict = story.verdict(size, trust)
    claim = check_witnessed(verdict, trust, world.chain)
    assert claim.state is State.VERIFIED, claim.why
    assert verdict.with_claim(claim).holds
    first = world.chain.witness_events(0, world.chain.tip().number)[1]
    assert f"block {first.place.block_number}" in claim.why


def test_reading_may_begin_where_the_contracts_were_deployed(world, story):
    trust = story.trust()
    assert check_witnessed(story.verdict(8, trust), trust, world.chain, first_block=1).state is State.VERIFIED


@pytest.mark.parametrize(("size", "why"), [(33, "not witnessed yet"), (12, "between two heads")])
def test_a_checkpoint_that_is_no_head_is_not_provable_and_spoils_no_proof(world, story, size, why):
    trust = story.trust()
    verdict = story.verdict(size, trust)
    claim = check_witnessed(verdict, trust, world.chain)
    assert (claim.state, why in claim.why) == (State.NOT_PROVABLE, True)
    assert verdict.with_claim(claim).holds


def test_a_head_that_is_not_final_is_not_provable_yet(world, story):
    trust = story.trust()
    story.log.witness(20, 40)
    world.mine(FINALITY.blocks - 2)
    verdict = story.verdict(40, trust)
    claim = check_witnessed(verdict, trust, world.chain)
    assert (claim.state, "not final yet" in claim.why) == (State.NOT_PROVABLE, True)
    world.mine()
    assert check_witnessed(verdict, trust, world.chain).state is State.VERIFIED


def test_under_the_rule_finalized_the_nodes_word_decides(world, story):
    """The node here calls final what has three blocks; the one in memory what the test says."""

    def call_final() -> None:
        if isinstance(world.chain, FakeChain):
            world.chain.finalized_number = world.chain.tip().number - 2

    def trust() -> Trust:
        logs = [(story.log.origin, [story.log.note_key.verifier])]
        return build_trust(world.chain, world.registry, world.witness, logs, Finality(None))

    call_final()
    believed = trust()
    assert parse_trust(format_trust(believed)) == believed and believed.finality == Finality(None)
    assert check_witnessed(story.verdict(20, believed), believed, world.chain).state is State.VERIFIED
    world.perform(Suspend(HOSPITAL))
    story.log.witness(20, 40)
    call_final()
    verdict = story.verdict(40, believed)
    claim = check_witnessed(verdict, believed, world.chain)
    assert (claim.state, "not final yet" in claim.why) == (State.NOT_PROVABLE, True)
    assert trust().registry.count == believed.registry.count
    world.mine(2)
    call_final()
    assert check_witnessed(verdict, believed, world.chain).state is State.VERIFIED
    assert trust().registry.count == believed.registry.count + 1


def test_a_second_face_of_the_log_signed_by_the_operator_fails(world, story):
    trust = story.trust()
    rewritten = Leaves([*story.log.leaves.hashes[:7], keccak256(b"rewritten"), *story.log.leaves.hashes[8:]])
    verdict = story.verdict(20, trust, rewritten)
    assert states(verdict)["logged"] is State.VERIFIED
    claim = check_witnessed(verdict, trust, world.chain)
    assert (claim.state, "another root" in claim.why) == (State.FAILED, True)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"chain_id": 1}, "chain"),
        ({"genesis": keccak256(b"another")}, "genesis"),
        ({"registry_contract": "code"}, "registry contract"),
        ({"witness_contract": "code"}, "witness contract"),
    ],
)
def test_another_chain_or_other_code_fails(world, story, change, why):
    trust = story.trust()
    verdict = story.verdict(8, trust)
    for name, value in change.items():
        if value == "code":
            change = {name: Contract(getattr(trust, name).address, keccak256(b"other code"))}
    claim = check_witnessed(verdict, replace(trust, **change), world.chain)
    assert (claim.state, why in claim.why) == (State.FAILED, True)


def test_a_trust_file_with_another_history_fails(world, story):
    trust = story.trust()
    verdict = story.verdict(8, trust)
    changes = (Change(1, 1, trust.changes[0].action, "ANOTHER", "operator"), *trust.changes[1:])
    claim = check_witnessed(verdict, replace(trust, changes=changes), world.chain)
    assert (claim.state, "not those of the trust file" in claim.why) == (State.FAILED, True)


def test_a_key_revoked_after_the_first_covering_head_still_spoke(world, story):
    world.perform(RevokeKey(signatures.address_from_secret(story.log.hospital_secret), 0))
    world.mine(2)
    trust = story.trust()
    verdict = story.verdict(20, trust)
    assert states(verdict)["signed"] is State.FAILED  # offline, by the whole list
    assert check_witnessed(verdict, trust, world.chain).state is State.VERIFIED


@pytest.mark.parametrize(("end_sequence", "state"), [(3, State.FAILED), (4, State.VERIFIED)])
def test_a_key_revoked_before_the_first_covering_head_speaks_below_its_end_sequence(world, end_sequence, state):
    story = Story(SampleLog(world).set_up(), sequence=3)
    trust_before = None
    story.log.witness(0, 5)
    world.mine(2)
    trust_before = story.trust()  # made before the revocation: offline it knows nothing of it
    world.perform(RevokeKey(signatures.address_from_secret(story.log.hospital_secret), end_sequence))
    story.log.witness(5, 20)
    world.mine(2)
    verdict = story.verdict(20, trust_before)
    assert states(verdict)["signed"] is State.VERIFIED
    claim = check_witnessed(verdict, trust_before, world.chain)
    assert claim.state is state, claim.why


def test_without_an_answer_the_claim_is_not_checked(world, story, monkeypatch):
    trust = story.trust()
    verdict = story.verdict(8, trust)

    def no_answer(first: int, last: int) -> list:
        raise ChainUnavailable("no answer")

    monkeypatch.setattr(world.chain, "witness_events", no_answer)
    assert check_witnessed(verdict, trust, world.chain).state is State.NOT_CHECKED


def test_an_entry_that_is_not_logged_is_not_asked_about(world, story):
    trust = story.trust()
    verdict = story.verdict(8, trust)
    failed = replace(next(claim for claim in verdict.claims if claim.name == "logged"), state=State.FAILED)
    claim = check_witnessed(verdict.with_claim(failed), trust, world.chain)
    assert claim.state is State.NOT_CHECKED


@pytest.mark.parametrize("field", ["witness_id", "registry_head", "registry_count"])
def test_a_node_that_bends_a_head_is_found_out(world, story, monkeypatch, field):
    trust = story.trust()
    verdict = story.verdict(8, trust)
    honest = world.chain.witness_events

    def bent(first: int, last: int) -> list:
        value = 3 if field == "registry_count" else keccak256(b"bent")
        return [replace(event, **{field: value}) for event in honest(first, last)]

    monkeypatch.setattr(world.chain, "witness_events", bent)
    claim = check_witnessed(verdict, trust, world.chain)
    assert (claim.state, "does not hash to its id" in claim.why) == (State.FAILED, True)


def test_a_node_that_hides_the_first_covering_head_is_found_out(world, story, monkeypatch):
    trust = story.trust()
    verdict = story.verdict(20, trust)
    honest = world.chain.witness_events
    monkeypatch.setattr(
        world.chain,
        "witness_events",
        lambda first, last: [event for event in honest(first, last) if event.new_size != 8],
    )
    claim = check_witnessed(verdict, trust, world.chain)
    assert (claim.state, "ask another node" in claim.why) == (State.FAILED, True)


def test_a_node_decides_about_a_key_that_was_revoked_after_the_covering_head(world, story):
    world.perform(RevokeKey(signatures.address_from_secret(story.log.hospital_secret), story.sequence))
    world.mine(2)
    trust = story.trust()
    offline = story.verdict(8, trust)
    assert states(offline)["signed"] is State.FAILED and not offline.holds
    judged, times = judge_with_node(offline, trust, world.chain)
    assert states(judged)["signed"] is State.VERIFIED and judged.holds
    assert times.before is not None
    claimed_by_another = replace(offline, key=bytes(20))
    assert not judge_with_node(claimed_by_another, trust, world.chain)[0].holds


def test_a_checkpoint_that_only_a_revoked_note_key_signed_needs_a_node(world, story):
    note_key = note_key_address(story.log.note_key.verifier.public_key)
    world.perform(RevokeKey(note_key))
    world.mine(2)
    trust = story.trust()
    offline = story.verdict(8, trust)
    assert states(offline)["logged"] is State.NOT_PROVABLE and not offline.holds
    assert judge_with_node(offline, trust, world.chain)[0].holds
    forged = story.verdict(8, trust, leaves=_other_leaves(story))
    assert not forged.holds
    assert not judge_with_node(forged, trust, world.chain)[0].holds


def _other_leaves(story: Story) -> Leaves:
    """A log that the contract never saw, with the same entry at the same index."""
    leaves = Leaves.of_count(20, b"another log")
    leaves.hashes[INDEX] = leaf_hash(story.entry)
    return leaves
