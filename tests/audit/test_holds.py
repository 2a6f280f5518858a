"""Which statement each hold and dispute names: written by the door, and derived again from the entries."""

import secrets
import sqlite3
from pathlib import Path

import pytest

from tests.audit.world import World, change, copy_database, place
from tests.fixtures.signer import Signed, Signer, example, links


def placed(signer: Signer, kind: str, about: Signed) -> Signed:
    """A hold or a dispute about a statement."""
    return signer.sign(kind, secrets.token_bytes(32), example("basis"), links(about=about))


@pytest.fixture
def held(small_world: World) -> tuple[World, int, int]:
    """A ledger with a hold and a dispute about the first statement of its story; where they stand."""
    first = small_world.story[0]
    hold, dispute = (placed(small_world.signers[3], kind, first) for kind in ("hold.placed", "dispute.opened"))
    positions = small_world.submit(hold, small_world.signers[2].issued(), dispute)
    small_world.settle()
    return small_world, positions[0], positions[2]


def test_the_door_writes_what_they_name_and_nothing_else(held: tuple[World, int, int], tmp_path: Path) -> None:
    world, hold, dispute = held
    with sqlite3.connect(copy_database(world, tmp_path)) as connection:
        assert connection.execute("SELECT about, position FROM holds").fetchall() == [(0, hold), (0, dispute)]
    result = world.audit()
    assert result.holds and result.findings.counts["holds"] == 2


@pytest.mark.parametrize(
    ("command", "what"),
    [
        ("DELETE FROM holds WHERE position = {hold}", "row"),
        ("UPDATE holds SET about = 1 WHERE position = {hold}", "about"),
        ("UPDATE holds SET about = position WHERE position = {hold}", "about"),
        ("UPDATE holds SET position = 3 WHERE position = {hold}", "row"),
    ],
)
def test_a_row_that_differs(held: tuple[World, int, int], tmp_path: Path, command: str, what: str) -> None:
    world, hold, _ = held
    url = change(copy_database(world, tmp_path), command.format(hold=hold))
    named = "3" if "position = 3" in command else str(hold)
    assert place(world.audit(url).findings.first) == ("holds", named, what)


def test_a_row_too_many(held: tuple[World, int, int], tmp_path: Path) -> None:
    world, *_ = held
    url = change(copy_database(world, tmp_path), "INSERT INTO holds VALUES (0, 2)")
    assert place(world.audit(url).findings.first) == ("holds", "2", "row")


def test_a_hold_that_got_past_the_door(small_world: World) -> None:
    position = small_world.slip_in(placed(small_world.signers[3], "hold.placed", small_world.story[0]))
    small_world.settle()
    assert ("holds", str(position), "row") in {place(fault.first) for fault in small_world.audit().findings.faults}


def test_a_damaged_hold_is_named_once(held: tuple[World, int, int], tmp_path: Path) -> None:
    world, hold, _ = held
    url = change(copy_database(world, tmp_path), f"UPDATE contents SET parts = '[]' WHERE position = {hold}")
    faults = {fault.first.table for fault in world.audit(url).findings.faults}
    assert "contents" in faults and "holds" not in faults
