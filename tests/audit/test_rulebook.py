"""Where the book of rules stands: written by the door, and derived again from the entries."""

import secrets
import sqlite3
from pathlib import Path

from scripts.city.founding import COMMISSION, QUALITY_CENTRE
from tests.audit.world import World, change, copy_database, place, read
from tests.fixtures.signer import Signer, example, links


def authority(world: World, code: str) -> Signer:
    """A signer of the commission or the quality-control centre."""
    found = next(item for item in world.city.authorities if item.code == code)
    return Signer(world.city.domain, found.code, found.secret)


def with_rules(world: World) -> list[int]:
    """Three rules and a correction of one among other statements, all final; where they stand."""
    commission, centre = authority(world, COMMISSION), authority(world, QUALITY_CENTRE)
    profiled = commission.sign("institution.profiled", secrets.token_bytes(32), example("profile"))
    correction = (example("correction", parts=["profile"]), links(corrects=profiled))
    corrected = commission.sign("statement.corrected", profiled.subject, *correction)
    published = commission.published()
    granted = centre.sign("qualification.granted", secrets.token_bytes(32), example("qualification"))
    indexes = world.submit(profiled, world.signers[3].issued(), corrected, published, granted)
    world.settle()
    return [index for number, index in enumerate(indexes) if number != 1]


def test_the_door_writes_where_rules_stand_and_nothing_else(small_world: World, tmp_path: Path) -> None:
    expected = with_rules(small_world)
    copy = copy_database(small_world, tmp_path)
    with sqlite3.connect(copy) as connection:
        found = [row[0] for row in connection.execute("SELECT position FROM rulebook ORDER BY position")]
    assert found == expected
    result = small_world.audit()
    assert result.holds and result.findings.counts["rules"] == 4


def test_a_rule_that_is_missing_and_one_too_many(small_world: World, tmp_path: Path) -> None:
    first, *_ = with_rules(small_world)
    url = change(copy_database(small_world, tmp_path), ("DELETE FROM rulebook WHERE position = ?", (first,)))
    assert place(small_world.audit(url).findings.first) == ("rulebook", str(first), "row")
    other = copy_database(small_world, tmp_path)
    url = change(other, "INSERT INTO rulebook VALUES (0), (1000000)")
    findings = small_world.audit(url).findings
    assert place(findings.first) == ("rulebook", "0", "row")
    assert [fault.count for fault in findings.faults] == [2]
    assert read(other, "SELECT count(*) FROM rulebook") == (6,)


def test_a_position_that_is_no_number(small_world: World, tmp_path: Path) -> None:
    """SQLite refuses text in an integer key; a negative position is named like any other."""
    with_rules(small_world)
    url = change(copy_database(small_world, tmp_path), "INSERT INTO rulebook VALUES (-7)")
    assert place(small_world.audit(url).findings.first) == ("rulebook", "-7", "row")
