"""What was not changed passes, and the audit has looked at all of it."""

from concurrent.futures import ThreadPoolExecutor
from threading import Event

from sqlalchemy import delete, update

from ledger_service.storage import schema
from ledger_service.storage.database import begin_writing
from tests.audit.world import World, make_world, place
from tests.fixtures.chain import ScratchChain


def test_a_sound_ledger_holds(world: World) -> None:
    result = world.audit()
    assert result.holds, result.findings.faults
    assert (result.size, result.witnessed) == (451, 440)
    counts = result.findings.counts
    assert counts["entries"] == counts["statements"] == counts["attributable"] == counts["contents"] == 451
    assert counts["pending"] == 11
    assert counts["tiles"] == 1
    assert counts["heads"] == counts["head rows"] == counts["head proofs"] == 4
    assert counts["checkpoints"] >= 10
    assert counts["receipts"] == 41
    assert counts["documents"] == 41 * 3
    assert result.statements_per_second > 0 and result.recovered_per_second > 0


def test_each_database_holds_and_then_does_not(module_chain: ScratchChain, store_url: str) -> None:
    world = make_world(module_chain, store_url)
    assert world.audit().holds
    for number in range(24):
        world.submit(*world.tell_story(number))
    world.settle()
    world.submit(*world.tell_story())
    result = world.audit()
    assert result.holds, result.findings.faults
    assert (result.size, result.witnessed, result.findings.counts["tiles"]) == (275, 264, 1)
    assert not result.findings.warnings
    changes = {
        ("heads", "264", "root"): update(schema.heads).values(root=bytes(32)),
        ("checkpoints", "264", "root"): update(schema.checkpoints).values(root=bytes(32)),
        ("tiles", "0/0", "root"): update(schema.tiles).values(root=bytes(32)),
        ("entries", "100", "links"): update(schema.entries)
        .where(schema.entries.c.position == 100)
        .values(links='{"zz":0}'),
        ("contents", "50", "row"): delete(schema.contents).where(schema.contents.c.position == 50),
        ("entries", "20", "form"): update(schema.entries)
        .where(schema.entries.c.position == 20)
        .values(entry=bytes(289)),
    }
    for expected, command in changes.items():
        with begin_writing(world.engine) as connection:
            connection.execute(command)
        assert place(world.audit().findings.first) == expected
    world.engine.dispose()


def test_a_ledger_that_grows_while_it_is_audited(module_chain: ScratchChain, store_url: str) -> None:
    world = make_world(module_chain, store_url)
    trust, stop = world.trust(), Event()

    def grow() -> int:
        rounds = 0
        while not stop.is_set():
            world.submit(*world.tell_story(rounds))
            world.settle()
            rounds += 1
        return rounds

    with ThreadPoolExecutor(1) as pool:
        growing = pool.submit(grow)
        sizes = []
        while len(sizes) < 8 and not growing.done():
            result = world.audit(trust=trust)
            assert result.holds, result.findings.faults
            sizes.append(result.size)
        stop.set()
        assert growing.result() > 1
    assert sizes[-1] > sizes[0]
    world.engine.dispose()
