"""Whatever is changed, lost or rolled back at the log's right edge: nothing is signed over it, and it is said what."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, select, text

from ledger_service.storage import schema
from ledger_service.storage.database import begin_writing
from ledger_service.usecases.incident import Incident
from ledger_service.usecases.recover import sign_witnessed
from ledger_service.usecases.right_edge import root_at
from tests.fakes.chain import FakeChain
from tests.rollback.sealed import ENTRIES, Change, change, changed, guard_of, sealed_ledger
from tests.usecases.world import InProcessLedger


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def ledger(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[InProcessLedger]:
    if request.param == "sqlite":
        yield sealed_ledger(f"sqlite:///{tmp_path_factory.mktemp('edge') / 'ledger.db'}")[0]
        return
    server = request.getfixturevalue("postgres_server")
    server.administer("CREATE DATABASE right_edge")
    sealed, _ = sealed_ledger(server.url("right_edge"))
    yield sealed
    sealed.engine.dispose()
    server.administer("DROP DATABASE right_edge WITH (FORCE)")


def restarted(ledger: InProcessLedger) -> InProcessLedger:
    """The same log in a process that remembers nothing."""
    return InProcessLedger(ledger.engine.url.render_as_string(hide_password=False), chain=ledger.chain)


def swapped_entries(one: int, other: int) -> Change:
    """Two entries stand in each other's place."""

    def run(connection: Connection) -> None:
        entries = schema.entries
        found = {
            row.position: row.entry
            for row in connection.execute(select(entries).where(entries.c.position.in_([one, other])))
        }
        for position, entry in ((one, found[other]), (other, found[one])):
            connection.execute(entries.update().where(entries.c.position == position).values(entry=entry))

    return run


def with_root(table: str, where: str, root: bytes = b"\x5a" * 32) -> Change:
    """Another root in one row."""

    def run(connection: Connection) -> None:
        found = schema.metadata.tables[table]
        done = connection.execute(found.update().where(text(where)).values(root=root))
        assert done.rowcount == 1

    return run


def other_raw(connection: Connection) -> None:
    """The transactions for the largest head carry another root."""
    outbox = schema.outbox
    raw = connection.execute(select(outbox.c.raw).where(outbox.c.new_size == ENTRIES)).scalars().first()
    root = connection.execute(select(schema.checkpoints.c.root).where(schema.checkpoints.c.size == ENTRIES)).scalar()
    assert root in raw
    forged = raw.replace(root, b"\x5a" * 32)
    connection.execute(outbox.update().where(outbox.c.new_size == ENTRIES).values(raw=forged))


CHANGES: dict[str, tuple[Change, str]] = {
    "an entry under the last full tile": (
        swapped_entries(300, 400),
        "tile 1 of level 0 does not hash over the entries",
    ),
    "an entry of the tail": (swapped_entries(520, 530), "the checkpoint of 600 entries has root 0x"),
    "an entry of the tail is missing": (
        change("DELETE FROM entries WHERE position = 550"),
        "not whole.* 87 of 88 items",
    ),
    "the last entry is missing": (
        change("DELETE FROM entries WHERE position = 599"),
        "the log counts 600 entries and 599 are stored",
    ),
    "the count was rolled back": (
        change("UPDATE log SET size = 590"),
        "the log counts 590 entries and 600 are stored",
    ),
    "entries and count were rolled back": (
        change("DELETE FROM entries WHERE position >= 590", "UPDATE log SET size = 590"),
        "the newest checkpoint covers 600 entries and 590 are stored",
    ),
    "everything but the chain was rolled back": (
        change(
            "DELETE FROM entries WHERE position >= 250",
            "UPDATE log SET size = 250",
            "DELETE FROM checkpoints WHERE size > 250",
            "DELETE FROM tiles",
            "DELETE FROM outbox WHERE new_size > 250",
        ),
        "a head of 600 entries, this database has 250 and is behind by 350; an older copy was restored",
    ),
    "all but the outbox was rolled back": (
        change(
            "DELETE FROM entries WHERE position >= 250",
            "UPDATE log SET size = 250",
            "DELETE FROM checkpoints WHERE size > 250",
            "DELETE FROM tiles",
        ),
        "was sent for a head of 600 entries, this database has 250: entries are lost",
    ),
    "the last tile is missing": (
        change("DELETE FROM tiles WHERE level = 0 AND number = 1"),
        "tile 1 of level 0 is missing over the entries 256 to 511",
    ),
    "an earlier tile is missing": (
        change("DELETE FROM tiles WHERE level = 0 AND number = 0"),
        "the tree of 600 entries is not whole",
    ),
    "the last tile's root": (with_root("tiles", "level = 0 AND number = 1"), "tile 1 of level 0 does not hash"),
    "an earlier tile's root": (
        with_root("tiles", "level = 0 AND number = 0"),
        "the checkpoint of 600 entries has root",
    ),
    "the newest checkpoint's root": (with_root("checkpoints", "size = 600"), "the checkpoint of 600 entries has root"),
    "checkpoints were rolled back and tiles were not": (
        change("DELETE FROM checkpoints WHERE size > 250"),
        "a tile beyond the newest checkpoint of 250 entries: checkpoints are missing",
    ),
    "what was sent had another root": (other_raw, "was sent for a head of 600 entries with another root than"),
    "an entry that no checkpoint here covers any more": (
        lambda connection: [
            how(connection)
            for how in (
                change("DELETE FROM checkpoints WHERE size > 250", "DELETE FROM tiles", "DELETE FROM outbox"),
                swapped_entries(300, 400),
            )
        ],
        "the contract's head of 600 entries has root .*, this database has .*; the log was forked or changed",
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_changed_right_edge_is_refused(ledger: InProcessLedger, name: str) -> None:
    how, message = CHANGES[name]
    guard_of(ledger).check()
    with changed(ledger, how):
        guard = guard_of(ledger)
        with pytest.raises(Incident, match=message) as caught:
            guard.check()
        assert not guard.passed
        assert "\n" not in str(caught.value) and len(str(caught.value)) < 500
    guard_of(ledger).check()


@pytest.mark.parametrize(
    "name",
    ["the newest checkpoint's root", "an entry of the tail", "an earlier tile's root", "an earlier tile is missing"],
)
def test_integrating_compares_before_it_signs_whoever_asked_the_guard(ledger: InProcessLedger, name: str) -> None:
    how, _ = CHANGES[name]

    def with_one_more(connection: Connection) -> None:
        how(connection)
        row = connection.execute(select(schema.entries).where(schema.entries.c.position == 10)).one()
        connection.execute(schema.entries.insert(), {**row._mapping, "position": ENTRIES, "id": b"\x01" * 32})
        connection.execute(schema.log.update().values(size=ENTRIES + 1))

    with changed(ledger, with_one_more):
        fresh = restarted(ledger)
        with pytest.raises(Incident):
            fresh.integrator.run_once()
        newest = ledger.tree.newest_checkpoint()
        assert newest is not None and newest.size == ENTRIES, "nothing was signed"
        fresh.engine.dispose()


def test_lost_checkpoints_are_signed_again_with_the_same_roots(ledger: InProcessLedger) -> None:
    head = ledger.chain.head(ledger.domain.log)
    lost = change("DELETE FROM checkpoints WHERE size > 250", "DELETE FROM tiles")
    with changed(ledger, lost):
        with pytest.raises(Incident, match="600 entries is in this database and under no checkpoint of it"):
            guard_of(ledger).check()
        assert root_at(ledger.tree, head.size) == head.root
        fresh = restarted(ledger)
        sign_witnessed(fresh.integrator, fresh.tree, fresh.view)
        newest = ledger.tree.newest_checkpoint()
        assert newest is not None and (newest.size, newest.root) == (head.size, head.root)
        guard_of(ledger).check()
        fresh.engine.dispose()


def test_another_code_than_at_the_first_start_is_refused(ledger: InProcessLedger) -> None:
    with changed(ledger, lambda connection: None):
        guard_of(ledger).check()
        with begin_writing(ledger.engine) as connection:
            connection.execute(schema.log.update().values(witness_code=b"\x07" * 32))
        with pytest.raises(
            Incident, match=r"the witness contract's code has hash 0x.*, it was 0x0707.* at the first start"
        ):
            guard_of(ledger).check()


def test_a_log_that_was_never_witnessed_passes(sqlite_url: str) -> None:
    ledger = InProcessLedger(sqlite_url, chain=FakeChain())
    guard_of(ledger).check()
    ledger.found()
    ledger.follower.run_once()
    guard_of(ledger).check()
