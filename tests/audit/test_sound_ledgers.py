"""What was not changed passes, and the audit has looked at all of it."""

from tests.audit.world import World, make_world
from tests.fixtures.chain import ScratchChain


def test_a_sound_ledger_holds(world: World) -> None:
    result = world.audit()
    assert result.holds, result.findings.faults
    assert (result.size, result.witnessed) == (451, 440)
    counts = result.findings.counts
    assert counts["entries"] == counts["statements"] == counts["attributable"] == counts["contents"] == 451
    assert counts["pending"] == 11
    assert counts["tiles"] == 1
    assert counts["heads"] == counts["head rows"] == 4
    assert counts["checkpoints"] >= 10
    assert counts["receipts"] == 41
    assert counts["documents"] == 41 * 3 * 2
    assert result.statements_per_second > 0 and result.recovered_per_second > 0


def test_a_ledger_holds_on_each_database(module_chain: ScratchChain, store_url: str) -> None:
    world = make_world(module_chain, store_url)
    assert world.audit().holds
    for number in range(3):
        world.submit(*world.tell_story(number))
        world.settle()
    world.submit(*world.tell_story())
    result = world.audit()
    assert result.holds, result.findings.faults
    assert (result.size, result.witnessed) == (44, 33)
    assert not result.findings.warnings
    world.engine.dispose()
