"""Reorganisations up to 64 blocks deep: states go back, nothing is final early, the head is witnessed again."""

from collections.abc import Callable

import pytest

from anchors.chain.port import ChainUnavailable, WitnessEvent
from anchors.core.trust import Finality
from anchors.core.typed_data import log_id
from ledger_service.storage.chain_view import KEPT_BLOCKS, SqlChainView
from ledger_service.storage.database import open_database
from ledger_service.storage.reader import SqlReader
from ledger_service.usecases.follow import Follower
from ledger_service.usecases.incident import Incident
from ledger_service.usecases.log_tiles import LogTiles
from ledger_service.usecases.look_up import LookUp, State
from tests.faults.rpc_proxy import RpcProxy, hide, result
from tests.faults.world_ledger import ORIGIN, WorldLedger
from tests.fixtures.chain import ScratchChain
from tests.fixtures.signer import Signed
from tests.ports.chain_world import AnvilWorld, FakeWorld, World, open_world

DEPTHS = [1, 2, 7, 63, 64]
CONFIRMATIONS = 70


@pytest.fixture(params=["fake", "anvil"])
def world(request: pytest.FixtureRequest) -> World:
    return open_world(request)


def has_its_confirmations(ledger: WorldLedger, signed: Signed) -> bool:
    """Whether the block of its covering head has all confirmations; its state must say the same."""
    standing, tip = ledger.standing(signed), ledger.world.chain.tip().number
    confirmed = standing.head.place.block_number + ledger.finality.blocks - 1 <= tip
    assert standing.state == (State.FINAL if confirmed else State.WITNESSED)
    return confirmed


def removed_and_back(world: World, url: str, depth: int) -> None:
    ledger = WorldLedger(world, url, Finality(CONFIRMATIONS))
    ledger.found()
    first, second = ledger.signers
    before = ledger.accept(first)
    ledger.witness()
    world.mine(3)
    ledger.follow()
    kept = world.chain.tip()

    inside = ledger.accept(second)
    if depth > 1:
        ledger.revoke(first)
        ledger.follow()
        refused = first.issued()
        assert ledger.submit(refused) == "key-revoked"
        first.sequence -= 1
    ledger.witness()
    witnessed = ledger.standing(inside)
    world.mine(kept.number + depth - world.chain.tip().number)
    ledger.follow()
    assert ledger.state(inside) == State.WITNESSED and ledger.is_sound()

    world.reorg(depth)
    followed = ledger.follower.run_once()
    assert followed.reorganised_from == kept.number + 1
    assert (ledger.state(before), ledger.state(inside)) == (State.WITNESSED, State.INTEGRATED)
    assert ledger.standing(inside).head is None and ledger.is_sound()
    assert ledger.submit(first.issued()) == "accepted", "the revocation has left the chain"

    ledger.integrator.run_once()
    ledger.witness()
    again = ledger.standing(inside)
    assert again.state == State.WITNESSED and again.head.place != witnessed.head.place and not again.overdue
    left = again.head.place.block_number + CONFIRMATIONS - 1 - world.chain.tip().number
    for blocks in (left - 2, 1, 1):
        assert not has_its_confirmations(ledger, inside)
        world.mine(blocks)
        ledger.follow()
    assert has_its_confirmations(ledger, inside) and has_its_confirmations(ledger, before)
    world.mine(5)
    ledger.follow()
    ledger.clock.seconds += 11
    assert ledger.witnesser.run_once() is None and ledger.outbox.open() == [], "nothing is left in flight"
    assert ledger.is_sound()


@pytest.mark.parametrize("depth", DEPTHS)
def test_what_stood_in_the_removed_blocks_goes_back_and_comes_again(world: World, sqlite_url: str, depth: int) -> None:
    removed_and_back(world, sqlite_url, depth)


def test_the_same_on_postgresql(chain: ScratchChain, postgres_url: str) -> None:
    removed_and_back(AnvilWorld(chain), postgres_url, 64)


@pytest.mark.parametrize("depth", [1, 7, 64])
def test_a_chain_that_is_rolled_back_is_one_that_lags_until_it_goes_another_way(
    chain: ScratchChain, sqlite_url: str, depth: int
) -> None:
    world = AnvilWorld(chain)
    ledger = WorldLedger(world, sqlite_url, Finality(CONFIRMATIONS))
    ledger.found()
    world.mine(2)
    ledger.follow()
    kept = chain.height
    signed = ledger.accept(ledger.signers[0])
    ledger.witness()
    world.mine(kept + depth - chain.height)
    ledger.follow()
    newest = ledger.view.recent_blocks(None, 1)
    chain.rpc("anvil_rollback", depth)
    assert chain.height == kept
    for _ in range(3):
        assert ledger.follower.run_once().reorganised_from is None
    assert ledger.view.recent_blocks(None, 1) == newest and ledger.state(signed) == State.WITNESSED
    waiting = WorldLedger(world, sqlite_url, Finality(CONFIRMATIONS))
    with pytest.raises(ChainUnavailable, match="lags behind"):
        waiting.follower.run_once()  # a new process cannot know how far the chain is
    assert not waiting.follower.caught_up
    chain.set_next_time(newest[0].timestamp + 1_000)
    world.mine()  # another block at a number that is stored
    assert ledger.follower.run_once().reorganised_from == kept + 1
    assert ledger.state(signed) == State.INTEGRATED and ledger.is_sound()
    ledger.witness()
    assert ledger.state(signed) == State.WITNESSED and ledger.is_sound()


def test_below_the_rule_of_finality_it_is_an_incident(world: World, sqlite_url: str) -> None:
    ledger = WorldLedger(world, sqlite_url, Finality(7))
    ledger.found()
    world.mine(20)
    ledger.follow()
    world.reorg(6)
    assert ledger.follower.run_once().reorganised_from == world.chain.tip().number - 5
    world.reorg(7)
    with pytest.raises(Incident, match="was final and has left the chain"):
        ledger.follower.run_once()


@pytest.mark.parametrize("depth", [KEPT_BLOCKS - 1, KEPT_BLOCKS + 1, 3 * KEPT_BLOCKS])
def test_however_deep_what_is_not_final_is_found_again_to_the_block(sqlite_url: str, depth: int) -> None:
    world = FakeWorld()
    ledger = WorldLedger(world, sqlite_url, Finality(4 * KEPT_BLOCKS))
    ledger.found()
    world.mine(6 * KEPT_BLOCKS)
    ledger.follow()
    for _ in range(3):  # and when blocks came one by one
        world.mine()
        ledger.follow()
    world.reorg(depth)
    assert ledger.follower.run_once().reorganised_from == world.chain.tip().number - depth + 1
    assert ledger.is_sound()


def test_rows_are_bounded_by_finality(sqlite_url: str) -> None:
    world = FakeWorld()
    ledger = WorldLedger(world, sqlite_url, Finality(1))
    for _ in range(30):
        world.mine(50)
        ledger.follow()
    assert len(ledger.view.recent_blocks()) <= KEPT_BLOCKS + 50


# The node's own word


def test_final_is_what_the_node_calls_so_and_never_goes_back(chain: ScratchChain, sqlite_url: str) -> None:
    world = AnvilWorld(chain)
    ledger = WorldLedger(world, sqlite_url, Finality(None))
    ledger.found()
    signed = ledger.accept(ledger.signers[0])
    ledger.witness()
    for _ in range(6):
        finalized = int(chain.rpc("eth_getBlockByNumber", "finalized", False)["number"], 16)
        ledger.follow()
        assert ledger.view.status().final_number == finalized == world.chain.finalized().number
        reached = ledger.standing(signed).head.place.block_number <= finalized
        assert ledger.state(signed) == (State.FINAL if reached else State.WITNESSED)
        world.mine()
    assert reached


@pytest.mark.parametrize("told", ["lower", "none", "another"])
def test_a_node_that_says_less_later_is_not_believed(chain: ScratchChain, sqlite_url: str, told: str) -> None:
    world = AnvilWorld(chain)
    world.mine(10)
    with RpcProxy(chain.url) as node:
        source = type(world.chain)(node.url, world.registry, world.witness)
        view = SqlChainView(open_database(sqlite_url), bytes(32))
        follower = Follower(source, view, world.registry, 0, Finality(None))
        follower.run_once()
        final = view.status().final_number
        assert final == world.chain.finalized().number > 0
        lower = chain.rpc("eth_getBlockByNumber", "0x1", False)
        answers: dict[str, Callable] = {
            "lower": result(lower),
            "none": hide(),
            "another": result(lower | {"hash": "0x" + "ab" * 32, "number": hex(final + 1)}),
        }
        world.mine(2)
        with node.on("eth_getBlockByNumber", answers[told], where=lambda parameters: parameters[0] == "finalized"):
            if told == "another":
                with pytest.raises(ChainUnavailable, match="is not in the node's chain"):
                    follower.run_once()
            else:
                follower.run_once()
                assert view.recent_blocks(None, 1) == [world.chain.tip()]
            assert view.status().final_number == final
        follower.run_once()
        assert view.status().final_number == final + 2
        with node.on("eth_getBlockByNumber", hide(), where=lambda parameters: parameters[0] == "finalized"):
            fresh = Follower(source, view, world.registry, 0, Finality(None))
            fresh.run_once()
        assert view.status().final_number == final + 2, "nor by a new process"


def test_blocks_become_final_without_a_new_one(sqlite_url: str) -> None:
    world = FakeWorld()
    ledger = WorldLedger(world, sqlite_url, Finality(None))
    world.mine(10)
    ledger.follow()
    assert ledger.view.status().final_number == -1
    for number in (4, 7):
        world.chain.finalized_number = number
        ledger.follow()
        assert ledger.view.status().final_number == number


class _ReplacedMeanwhile(SqlChainView):
    """A view of a chain that is replaced right after it was asked which head covers an entry."""

    def covering_head(self, index: int) -> WitnessEvent | None:
        """See `ChainView`."""
        head = super().covering_head(index)
        self.roll_back(head.place.block_number - 1)
        return head


def test_a_head_that_leaves_between_two_questions(sqlite_url: str) -> None:
    ledger = WorldLedger(FakeWorld(), sqlite_url, Finality(CONFIRMATIONS))
    ledger.found()
    inside = ledger.accept(ledger.signers[0])
    ledger.witness()
    assert ledger.standing(inside).head is not None
    view = _ReplacedMeanwhile(ledger.engine, log_id(ORIGIN))
    meanwhile = LookUp(SqlReader(ledger.engine), ledger.tree, LogTiles(ledger.tree), view, ledger.clock)
    standing = meanwhile.statement(inside.id).standing
    assert (standing.head, standing.overdue) == (None, False)
    ledger.engine.dispose()
