"""Receipts: originals too, so what was changed in one is named; and a promise that was not kept is shown."""

from pathlib import Path
from struct import iter_unpack

import pytest

from anchors.core.promise import Receipt, accepted_hash
from tests.audit.world import World, change, flipped, place, read


def test_a_changed_signature(world: World, copy: Path) -> None:
    (signature,) = read(copy, "SELECT signature FROM receipts WHERE id = 5")
    url = change(copy, ("UPDATE receipts SET signature = ? WHERE id = 5", (flipped(signature, 10),)))
    assert place(world.audit(url).findings.first) == ("receipts", "5", "signature")


@pytest.mark.parametrize("column", ["first", "last", "accepted_at", "witness_by"])
def test_changed_numbers(world: World, copy: Path, column: str) -> None:
    url = change(copy, f"UPDATE receipts SET {column} = {column} + 1 WHERE id = 5")
    assert place(world.audit(url).findings.first)[:2] == ("receipts", "5")


def test_changed_positions(world: World, copy: Path) -> None:
    (positions,) = read(copy, "SELECT positions FROM receipts WHERE id = 5")
    url = change(copy, ("UPDATE receipts SET positions = ? WHERE id = 5", (positions[8:] + positions[:8],)))
    result = world.audit(url)
    assert place(result.findings.first) == ("receipts", "5", "signature")
    assert len(result.findings.faults) == 1


def test_a_removed_receipt(world: World, copy: Path) -> None:
    (first,) = read(copy, "SELECT first FROM receipts WHERE id = 5")
    result = world.audit(change(copy, "DELETE FROM receipts WHERE id = 5"))
    assert place(result.findings.first) == ("entries", str(first), "receipt")
    assert result.findings.faults[0].count == 11


def test_a_receipt_twice_is_shown_and_no_fault(world: World, copy: Path) -> None:
    """Two equal requests within one second are answered with the same receipt."""
    columns = "first, last, positions, accepted_at, witness_by, signature"
    url = change(copy, f"INSERT INTO receipts SELECT 900, {columns} FROM receipts WHERE id = 5")
    result = world.audit(url)
    assert result.holds
    assert [place(warning.first) for warning in result.findings.warnings] == [("receipts", "5", "signature")]


def test_a_receipt_twice_with_other_places(world: World, copy: Path) -> None:
    columns = "last, positions, accepted_at, witness_by, signature"
    url = change(copy, f"INSERT INTO receipts SELECT 900, first + 11, {columns} FROM receipts WHERE id = 5")
    assert place(world.audit(url).findings.first)[:2] == ("receipts", "900")


def test_a_receipt_for_another_statement(world: World, copy: Path) -> None:
    """Rightly signed by the operator, and not what the log holds."""
    (accepted_at,) = read(copy, "SELECT accepted_at FROM receipts WHERE id = 5")
    receipt = Receipt(b"\x07" * 32, accepted_at, accepted_at + 600)
    signature = receipt.sign(world.city.domain, world.city.operator.receipt)
    result = world.audit(change(copy, ("UPDATE receipts SET signature = ? WHERE id = 5", (signature,))))
    assert place(result.findings.first) == ("receipts", "5", "signature")
    assert len(result.findings.faults) == 1


def test_a_broken_promise_is_a_warning(world: World, copy: Path) -> None:
    """A receipt that promised to be witnessed before it was: the log is as it should be, the delay is shown."""
    accepted_at, positions = read(copy, "SELECT accepted_at, positions FROM receipts WHERE id = 5")
    indexes = [index for (index,) in iter_unpack(">Q", positions)]
    ids = [read(copy, f"SELECT id FROM entries WHERE position = {index}")[0] for index in indexes]
    accepted = accepted_hash(zip(ids, indexes, strict=True))
    receipt = Receipt(accepted, accepted_at, accepted_at - 100)
    signature = receipt.sign(world.city.domain, world.city.operator.receipt)
    command = "UPDATE receipts SET witness_by = ?, signature = ? WHERE id = 5"
    result = world.audit(change(copy, (command, (receipt.witness_by, signature))))
    assert result.holds
    (warning,) = result.findings.warnings
    assert place(warning.first) == ("receipts", "5", "promise")
    assert warning.first.found.startswith("witnessed at ") and warning.first.found.endswith(" s later")


def test_a_transaction_that_went_out(world: World, copy: Path) -> None:
    url = change(copy, "UPDATE outbox SET hash = zeroblob(32) WHERE id = 2")
    assert place(world.audit(url).findings.first) == ("outbox", "2", "hash")
    url = change(copy, "UPDATE outbox SET hash = (SELECT hash FROM outbox WHERE id = 2), new_size = 9")
    assert "outbox" in {fault.first.table for fault in world.audit(url).findings.faults}
