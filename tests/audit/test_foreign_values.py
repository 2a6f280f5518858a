"""SQLite keeps any value in any column. Whatever stands where a service writes something else, no audit ends at it."""

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from anchors.clocks import verify_timestamp
from anchors.core.checkpoint import Checkpoint
from anchors.core.cosignature import WitnessSecret
from ledger_service.storage import schema
from ledger_service.storage.cosignatures import SqlCosignatures
from ledger_service.storage.readings import SqlReadings
from ledger_service.storage.timestamps import SqlTimestamps
from ledger_service.usecases.outside_ports import NewCosignature, NewTimestamp
from ledger_service.usecases.privacy_ports import Reading
from scripts.city.founding import COMMISSION
from tests.audit.world import World, change, copy_database, make_world
from tests.fixtures.chain import ScratchChain
from tests.fixtures.clock_authority import House, make_house
from tests.fixtures.signer import Signer, example, links

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
    ("chain", "final_number"),
    ("streams", "frozen"),
    ("outbox", "id"),
    ("receipts", "id"),
    *(("outbox", column) for column in ("account", "old_size", "nonce", "fee_cap", "fee_tip", "sent_at", "outcome")),
    ("outbox", "gas_used"),
    ("timestamps", "number"),
    ("timestamps", "authority"),
}
"""What no other row, no entry and no event speaks about (docs/AUDIT.md, What it cannot see)."""


WITNESS = WitnessSecret("witness.example/1", b"\x01" * 32)

FILLED_APART = ("holds", "readings", "rulebook", "timestamps", "cosignatures")
"""Tables of which the shared ledger has no row."""


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    """A time-stamp authority."""
    return make_house(tmp_path_factory.mktemp("houses"), "house")


@pytest.fixture(scope="module")
def other_world(module_chain: ScratchChain, tmp_path_factory: pytest.TempPathFactory, house: House) -> Iterator[World]:
    """A small ledger with a hold, a rule, a reading, a time-stamp and a cosignature."""
    world = make_world(module_chain, f"sqlite:///{tmp_path_factory.mktemp('other') / 'ledger.sqlite'}")
    story = world.tell_story()
    hold = world.signers[3].sign("hold.placed", b"\x09" * 32, example("basis"), links(about=story[0]))
    commission = next(item for item in world.city.authorities if item.code == COMMISSION)
    published = Signer(world.city.domain, commission.code, commission.secret).published()
    world.submit(*story, hold, published)
    world.settle()
    reading = Reading(None, None, (), "request", "GET /", [(story[0].id, "operator", ["document"])])
    SqlReadings(world.engine).append(reading, 1_790_000_000)
    newest = world.tree.newest_checkpoint()
    text = Checkpoint(world.city.origin, newest.size, newest.root).to_text().encode()
    token = house.token(text)
    stamp = verify_timestamp(token, text, [house.authority])
    SqlTimestamps(world.engine).add(NewTimestamp(newest.size, None, "http://x", token, stamp.time, stamp.expires))
    line = WITNESS.cosign(text.decode(), stamp.time)
    SqlCosignatures(world.engine).add(NewCosignature(newest.size, WITNESS.name, line, stamp.time))
    yield world
    world.engine.dispose()


@pytest.mark.parametrize(("table", "column"), COLUMNS)
def test_foreign_values_are_judged(
    world: World, other_world: World, house: House, tmp_path: Path, table: str, column: str
) -> None:
    world = other_world if table in FILLED_APART else world
    copy = copy_database(world, tmp_path)
    key = next(iter(schema.metadata.tables[table].primary_key)).name
    first = f'"{key}" = (SELECT min("{key}") FROM "{table}")'
    witnesses = (f"witness w {WITNESS.key}", "quorum w")
    trust, passed = replace(world.trust(), authorities=(house.authority,), witnesses=witnesses), []
    for name, value in VALUES.items():
        try:
            url = change(copy, (f'UPDATE "{table}" SET "{column}" = ? WHERE {first}', (value,)))
        except sqlite3.IntegrityError:  # an INTEGER PRIMARY KEY takes nothing else
            continue
        if world.audit(url, trust=trust).holds and (table, column) not in JUDGED_BY_NOTHING:
            passed.append(name)
    assert not passed, f"the audit holds with {', '.join(passed)} in {table}.{column}"
