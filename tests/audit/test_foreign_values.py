"""SQLite keeps any value in any column. Whatever stands where a service writes something else, no audit ends at it."""

import sqlite3
from pathlib import Path

import pytest

from ledger_service.storage import schema
from tests.audit.world import World, change

UNREAD = ("anchorer", "restores", "sessions")
"""Acts of the running service and its operator, about which the log says nothing."""
COLUMNS = [
    (table.name, column.name)
    for table in schema.metadata.sorted_tables
    for column in table.columns
    if table.name not in UNREAD
]
VALUES = {"a text": "no such thing", "octets": b"\xff\x00", "a fraction": 1.5, "a large number": 2**62}
JUDGED_BY_NOTHING = {
    ("checkpoints", "signed_at"),
    ("chain", "id"),
    ("log", "id"),
    ("chain", "final_number"),
    ("streams", "frozen"),
    ("outbox", "id"),
    ("receipts", "id"),
    *(("outbox", column) for column in ("account", "old_size", "nonce", "fee_cap", "fee_tip", "sent_at", "outcome")),
    ("outbox", "gas_used"),
}
"""What no other row, no entry and no event speaks about (docs/AUDIT.md, What it cannot see)."""


@pytest.mark.parametrize(("table", "column"), COLUMNS)
def test_foreign_values_are_judged(world: World, copy: Path, table: str, column: str) -> None:
    key = next(iter(schema.metadata.tables[table].primary_key)).name
    first = f'"{key}" = (SELECT min("{key}") FROM "{table}")'
    passed = []
    for name, value in VALUES.items():
        try:
            url = change(copy, (f'UPDATE "{table}" SET "{column}" = ? WHERE {first}', (value,)))
        except sqlite3.IntegrityError:  # an INTEGER PRIMARY KEY takes nothing else
            continue
        if world.audit(url).holds and (table, column) not in JUDGED_BY_NOTHING:
            passed.append(name)
    assert not passed, f"the audit holds with {', '.join(passed)} in {table}.{column}"
