"""Databases that are whole in themselves, beside a chain that tells another story."""

from dataclasses import replace
from pathlib import Path

from anchors.core.trust import Contract
from ledger_service.storage import schema
from ledger_service.storage.database import open_database
from tests.audit.world import World, change, copy_database, place, read


def _beside(world: World, path: Path) -> World:
    """A second ledger under the same keys, which goes on from a copy."""
    url = f"sqlite:///{path}"
    return World(world.chain, world.city, url, open_database(url))


def test_a_database_that_was_rolled_back(small_world: World, tmp_path: Path) -> None:
    older = copy_database(small_world, tmp_path)
    small_world.submit(*small_world.tell_story())
    small_world.settle()
    result = small_world.audit(f"sqlite:///{older}")
    assert place(result.findings.first) == ("entries", "11", "row")
    assert "witnessed 22" in result.findings.first.expected
    assert len(result.findings.faults) == 1


def test_a_rolled_back_database_that_followed_the_chain(small_world: World, tmp_path: Path) -> None:
    older = copy_database(small_world, tmp_path)
    small_world.submit(*small_world.tell_story())
    small_world.settle()
    behind = _beside(small_world, older)
    behind.follower.run_once()
    assert place(behind.audit().findings.first) == ("entries", "11", "row")
    behind.engine.dispose()


def test_a_fork_signed_by_the_operator(small_world: World, tmp_path: Path) -> None:
    """Everything in the database fits together, its checkpoints are rightly signed: only the contract tells."""
    forked = _beside(small_world, copy_database(small_world, tmp_path))
    forked.submit(*small_world.tell_story())
    forked.integrate()
    for signer, own in zip(forked.signers, small_world.signers, strict=True):
        signer.sequence = own.sequence
        own.sequence = small_world.ledger_sequence(own)
    small_world.submit(*small_world.tell_story())
    small_world.settle()
    forked.follower.run_once()
    result = forked.audit()
    table, key, what = place(result.findings.first)
    assert (table, what) == ("chain", "root of the log") and key.startswith("head of 22 entries in block ")
    assert len(result.findings.faults) == 1
    assert small_world.audit().holds
    forked.engine.dispose()


def test_a_rewritten_entry_with_everything_made_to_fit(small_world: World, tmp_path: Path) -> None:
    """The operator has a hospital's key, replaces its last statement and signs the checkpoint anew."""
    rewritten = _beside(small_world, copy_database(small_world, tmp_path))
    path = tmp_path / "copy.sqlite"
    (position,) = read(path, "SELECT max(position) FROM entries")
    (key,) = read(path, "SELECT key FROM entries WHERE position = ?", position)
    signer = next(signer for signer in rewritten.signers if signer.key == key)
    signer.sequence = next(own for own in small_world.signers if own.key == key).sequence - 1
    tables = ("entries", "contents")
    change(
        path,
        *((f"DELETE FROM {table} WHERE position = ?", (position,)) for table in tables),
        ("DELETE FROM checkpoints WHERE size > ?", (position,)),
        "DELETE FROM receipts",
        ("UPDATE log SET size = ?", (position,)),
    )
    rewritten.slip_in(signer.withdrawn(small_world.story[4]))
    rewritten.integrate()
    result = rewritten.audit()
    assert ("chain", "root of the log") in {(fault.first.table, fault.first.what) for fault in result.findings.faults}
    rewritten.engine.dispose()


def test_another_chain_or_another_contract(small_world: World) -> None:
    trust = small_world.trust()
    others = {
        "chain id": replace(trust, chain_id=5),
        "genesis hash": replace(trust, genesis=bytes(32)),
        "code hash": replace(trust, witness_contract=Contract(trust.witness_contract.address, bytes(32))),
    }
    for what, other in others.items():
        result = small_world.audit(trust=other)
        assert place(result.findings.first)[::2] == ("chain", what)
        assert result.findings.counts["entries"] == 0, "nothing can be judged beside another chain"


def test_another_registry_than_was_trusted(small_world: World) -> None:
    trust = small_world.trust()
    changed = (*trust.changes[:7], replace(trust.changes[7], institution="SYN-OTHER"), *trust.changes[8:])
    result = small_world.audit(trust=replace(trust, changes=changed))
    assert place(result.findings.first) == ("chain", "registry change 8", "institution")
    more = (*trust.changes, replace(trust.changes[-1], number=trust.registry.count + 1))
    result = small_world.audit(trust=replace(trust, changes=more))
    assert place(result.findings.first) == ("chain", f"registry change {trust.registry.count + 1}", "row")


def test_an_older_trust_file_will_do(small_world: World) -> None:
    trust = small_world.trust()
    assert small_world.audit(trust=replace(trust, changes=trust.changes[:-2])).holds


def test_a_subject_that_begins_like_another(small_world: World) -> None:
    """It has a row, and without it a statement about it would not be judged by its own state."""
    world, other = small_world, small_world.story[0].subject
    alike = world.signers[0].issued(other[:8] + bytes(24))
    (index,) = world.submit(alike)
    assert world.submit(world.signers[0].amended(alike)) == [index + 1]
    again = world.signers[0].issued(other[:8] + b"\x01" * 24)
    world.submit(again, world.signers[1].granted(again))
    world.settle()
    assert world.audit().holds
    with world.engine.begin() as connection:
        connection.execute(schema.subjects.delete().where(schema.subjects.c.subject == again.subject))
    assert place(world.audit().findings.first) == ("subjects", "0x" + again.subject.hex(), "row")
