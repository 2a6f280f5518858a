"""One suite for the storage ports, over SQLite and over PostgreSQL: what is durable, what is one at a time, what goes
back."""

import secrets
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Engine, create_engine, select, text

from anchors.chain.port import Block, Place, RegistryEvent, WitnessEvent
from anchors.core.encoding import code_word, keccak256, uint_word
from anchors.core.promise import Receipt
from anchors.core.registry import Action, Change
from anchors.core.tiles import FullTile
from ledger_service.storage import schema
from ledger_service.storage.chain_view import KEPT_BLOCKS, SqlChainView
from ledger_service.storage.database import migrate, open_database
from ledger_service.storage.disputes import PAGE, WHAT_THEY_NAME
from ledger_service.storage.identity import LogIdentity, claim_log, read_identity
from ledger_service.storage.ledger import SqlLedger
from ledger_service.storage.outbox import SqlOutbox
from ledger_service.storage.reader import SqlReader
from ledger_service.storage.tree import SqlTree
from ledger_service.usecases.incident import Incident
from ledger_service.usecases.ports import (
    ChainStatus,
    FollowedBlocks,
    Logged,
    NewReceipt,
    NewStatement,
    OutgoingTransaction,
    Provable,
    SignedCheckpoint,
    StoreUnavailable,
    Stream,
    SubjectState,
)
from scripts.forking import forking

IDENTITY = LogIdentity("ledger.example/store", 31337, b"\x01" * 32, b"\x02" * 20, b"\x03" * 20)
LOG, OTHER_LOG = b"\x04" * 32, b"\x05" * 32
KEY = b"\x06" * 20
MIGRATIONS = Path(schema.__file__).parent / "migrations"


@pytest.fixture
def url(store_url: str) -> str:
    """The database as the service's setting names it."""
    return store_url.replace("postgresql+psycopg:", "postgresql:")


@pytest.fixture
def engine(url: str) -> Engine:
    """A claimed database."""
    engine = open_database(url)
    claim_log(engine, IDENTITY)
    yield engine
    engine.dispose()


def a_statement(index: int, key: bytes = KEY, sequence: int | None = None, **changes: object) -> NewStatement:
    """A statement whose entry says what the row says."""
    logged = Logged(index, secrets.token_bytes(32), "report.issued", "SYN1", secrets.token_bytes(32))
    logged = msgspec.structs.replace(logged, **changes)
    digests = secrets.token_bytes(32), secrets.token_bytes(32)
    entry = code_word(logged.kind) + code_word(logged.institution) + logged.subject
    entry += uint_word(index if sequence is None else sequence) + bytes(161)
    parts = b'["' + digests[0].hex().encode() + b'"]'
    return NewStatement(logged, key, entry, parts, digests)


def a_receipt(*indexes: int, witness_by: int = 200) -> NewReceipt:
    return NewReceipt(indexes, Receipt(b"\x07" * 32, 100, witness_by), b"\x08" * 65)


def append(engine: Engine, *statements: NewStatement, receipts: tuple[NewReceipt, ...] = ()) -> None:
    with SqlLedger(engine).sequencing() as transaction:
        transaction.append(list(statements), {}, {}, list(receipts))


# Sequencing


def take_indexes(url: str, key: bytes, rounds: int) -> None:
    """Take one or two indexes at a time, as one of several processes would."""
    engine = open_database(url)
    ledger = SqlLedger(engine)
    for number in range(rounds):
        with ledger.sequencing() as transaction:
            stream = transaction.streams([key]).get(key, Stream())
            count = 1 + number % 2
            statements = [
                a_statement(transaction.size + offset, key, stream.next_sequence + offset) for offset in range(count)
            ]
            transaction.append(statements, {key: Stream(stream.next_sequence + count)}, {}, [])
    engine.dispose()


def _check_gapless(engine: Engine, keys: list[bytes], total: int) -> None:
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT position, key FROM entries ORDER BY position")).all()
    assert [row.position for row in rows] == list(range(total))
    sequences = [int.from_bytes(entry[96:128], "big") for entry in SqlTree(engine).entries(0, total)]
    for key in keys:
        numbers = [sequence for row, sequence in zip(rows, sequences, strict=True) if bytes(row.key) == key]
        assert numbers == list(range(len(numbers))), "a stream has a gap or a fork"
    assert SqlTree(engine).size() == total


@pytest.mark.parametrize("how", [threading.Thread, forking.Process], ids=["threads", "processes"])
def test_indexes_taken_at_once_never_collide_and_leave_no_gap(engine: Engine, url: str, how: Callable) -> None:
    shared, own = b"\x11" * 20, b"\x12" * 20
    takers = [how(target=take_indexes, args=(url, key, 20)) for key in (shared, shared, own)]
    for taker in takers:
        taker.start()
    for taker in takers:
        taker.join()
    _check_gapless(engine, [shared, own], 90)


def test_whoever_holds_the_lock_is_alone(engine: Engine) -> None:
    ledger, entered, order = SqlLedger(engine), threading.Event(), []

    def second() -> None:
        entered.set()
        with ledger.sequencing() as transaction:
            order.append(("second", transaction.size))

    thread = threading.Thread(target=second)
    with ledger.sequencing() as transaction:
        thread.start()
        entered.wait()
        thread.join(0.3)
        order.append(("first", transaction.size))
        transaction.append([a_statement(0)], {}, {}, [])
    thread.join()
    assert order == [("first", 0), ("second", 1)]


def test_an_error_inside_undoes_everything(engine: Engine) -> None:
    ledger, subject = SqlLedger(engine), b"\x21" * 32
    with pytest.raises(RuntimeError, match="power"), ledger.sequencing() as transaction:
        transaction.append([a_statement(0)], {KEY: Stream(1)}, {subject: SubjectState("SYN1", 0, 0)}, [a_receipt(0)])
        raise RuntimeError("power")
    with engine.connect() as connection:
        for table in ("entries", "contents", "receipts", "streams", "subjects"):
            assert connection.execute(text(f"SELECT count(*) FROM {table}")).scalar() == 0, table
    with ledger.sequencing() as transaction:
        assert transaction.size == 0
        assert transaction.streams([KEY]) == {} and transaction.subjects([subject]) == {}


def test_the_database_itself_gives_no_index_twice(engine: Engine) -> None:
    append(engine, a_statement(0))
    with pytest.raises(Exception, match=r"(?i)unique|duplicate"):
        append(engine, a_statement(0, sequence=1))
    assert SqlTree(engine).size() == 1


def test_what_was_appended_is_read_back(engine: Engine, url: str) -> None:
    target = a_statement(0)
    opened = a_statement(1, kind="access.granted", links={"report": 0}, subject=target.logged.subject)
    with SqlLedger(engine).sequencing() as transaction:
        transaction.append(
            [target, opened],
            {KEY: Stream(2, 5)},
            {target.logged.subject: SubjectState("SYN1", 0, 0)},
            [a_receipt(0, 1)],
        )
        assert transaction.size == 2
    engine.dispose()
    again = open_database(url)
    with SqlLedger(again).sequencing() as transaction:
        assert transaction.size == 2
        found = transaction.logged([opened.logged.id, target.logged.id, b"\x99" * 32])
        assert found == {opened.logged.id: opened.logged, target.logged.id: target.logged}
        assert transaction.streams([KEY]) == {KEY: Stream(2, 5, False)}
        assert transaction.subjects([target.logged.subject]) == {target.logged.subject: SubjectState("SYN1", 0, 0)}
    reader = SqlReader(again)
    assert reader.statement(opened.logged.id).entry == opened.entry
    assert reader.statement(b"\x99" * 32) is None
    assert [found.index for found in reader.timeline(target.logged.subject, None, 10)] == [0, 1]
    assert [found.index for found in reader.timeline(target.logged.subject, 0, 10)] == [1]
    assert [found.index for found in reader.timeline(target.logged.subject, None, 1)] == [0]
    assert [found.index for found in reader.by_document(opened.digests[0], None, 10)] == [1]
    begins_alike = opened.digests[0][:31] + bytes([opened.digests[0][31] ^ 1])
    assert reader.by_document(begins_alike, None, 10) == []
    again.dispose()


def test_whoever_looks_up_is_told_of_subjects_what_a_commit_is_told(engine: Engine) -> None:
    """That of a subject without a row of its own, too, and that of one that begins like another."""
    subjects = [b"\x41" * 32, b"\x41" * 31 + b"\x42", b"\x43" * 32, b"\x44" * 32]
    states = [SubjectState("SYN1", index, index) for index in range(3)]
    states[2] = SubjectState("SYN1", 2, None)
    with SqlLedger(engine).sequencing() as transaction:
        statements = [a_statement(index, subject=subject) for index, subject in enumerate(subjects[:3])]
        assert transaction.subjects(subjects) == {}
        transaction.append(statements, {}, dict(zip(subjects, states, strict=False)), [a_receipt(0, 1, 2)])
    told = SqlReader(engine).subjects(subjects)
    assert told == dict(zip(subjects, states, strict=False))
    with SqlLedger(engine).sequencing() as transaction:
        assert transaction.subjects(subjects) == told
    assert [told[subjects[0]].version_at(index) for index in (0, 3)] == ["current", "superseded"]
    assert told[subjects[2]].version_at(2) == "withdrawn"


def test_what_only_begins_alike_is_not_found(engine: Engine) -> None:
    """Indexes hold how a subject and a digest begin; pages are full all the same."""
    subject, other = b"\x41" * 32, b"\x41" * 31 + b"\x42"
    append(engine, *(a_statement(index, subject=other if index % 3 else subject) for index in range(12)))
    reader = SqlReader(engine)
    assert [found.index for found in reader.timeline(subject, None, 3)] == [0, 3, 6]
    assert [found.index for found in reader.timeline(subject, 6, 3)] == [9]
    assert [found.index for found in reader.timeline(other, 1, 4)] == [2, 4, 5, 7]


def test_many_look_ups_in_one_transaction(engine: Engine) -> None:
    with SqlLedger(engine).sequencing() as transaction:
        statements = [a_statement(index) for index in range(4_000)]
        transaction.append(statements, {}, {}, [a_receipt(*range(4_000))])
        wanted = [secrets.token_bytes(32) for _ in range(8_000)]
        assert transaction.logged(wanted) == {} and transaction.subjects(wanted) == {}
        assert len(transaction.logged([item.logged.id for item in statements])) == 4_000
        assert transaction.final_heads(wanted) == {}


def test_a_key_is_frozen_for_good_at_its_next_number(engine: Engine) -> None:
    ledger, other = SqlLedger(engine), b"\x31" * 20
    with ledger.sequencing() as transaction:
        transaction.append([a_statement(0)], {KEY: Stream(1, 3)}, {}, [])
    assert (ledger.freeze(KEY), ledger.freeze(other), ledger.freeze(KEY)) == (1, 0, 1)
    with ledger.sequencing() as transaction:
        assert transaction.streams([KEY, other]) == {KEY: Stream(1, 3, True), other: Stream(0, 0, True)}
    streams = SqlReader(engine).streams([KEY, b"\x32" * 20])
    assert streams.keys() == {KEY} and streams[KEY].frozen


# Promises


def test_the_earliest_promise_about_an_entry(engine: Engine) -> None:
    statements = [a_statement(index) for index in range(4)]
    append(
        engine, *statements, receipts=(a_receipt(0, 1), a_receipt(2, 3, witness_by=150), a_receipt(1, witness_by=300))
    )
    reader = SqlReader(engine)
    assert [reader.promised_by(index) for index in range(5)] == [200, 200, 150, 150, None]
    assert [reader.earliest_witness_by(index) for index in (0, 2, 3, 4)] == [150, 150, 150, None]


def test_a_promise_holds_for_the_entries_that_it_names(engine: Engine) -> None:
    append(engine, *(a_statement(index) for index in range(3)), receipts=(a_receipt(1, witness_by=200),))
    append(engine, receipts=(a_receipt(0, 2, witness_by=150),))
    assert SqlReader(engine).promised_by(1) == 200


# Tree


def a_checkpoint(size: int) -> SignedCheckpoint:
    return SignedCheckpoint(size, secrets.token_bytes(32), b"note", b"\x09" * 65, 100)


def a_tile(level: int, number: int) -> FullTile:
    return FullTile(level, number, secrets.token_bytes(8192), secrets.token_bytes(32))


def test_a_checkpoint_is_added_only_to_the_one_it_was_made_from(engine: Engine) -> None:
    tree, first, second = SqlTree(engine), a_checkpoint(3), a_checkpoint(5)
    assert tree.newest_checkpoint() is None and tree.checkpoint_at(3) is None
    assert tree.add_checkpoint([a_tile(0, 0)], first, expected_size=0)
    assert not tree.add_checkpoint([a_tile(0, 1)], second, expected_size=0)
    assert tree.tiles(0, 0, 9).keys() == {0}, "the loser's tiles must not stand"
    assert tree.add_checkpoint([a_tile(0, 1)], second, expected_size=3)
    assert tree.newest_checkpoint() == second and tree.checkpoint_at(3) == first
    assert tree.checkpoints(None, 10) == [second, first]
    assert tree.checkpoints(5, 10) == [first] and tree.checkpoints(None, 1) == [second]


def test_of_two_that_add_a_checkpoint_at_once_one_wins(engine: Engine) -> None:
    tree, won, ready = SqlTree(engine), [], threading.Barrier(4)

    def add() -> None:
        ready.wait()
        won.append(tree.add_checkpoint([a_tile(0, 0)], a_checkpoint(4), expected_size=0))

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(won) == [False, False, False, True]


def test_entries_and_tiles_in_order(engine: Engine) -> None:
    statements, tiles = [a_statement(index) for index in range(5)], [a_tile(0, 0), a_tile(0, 1), a_tile(1, 0)]
    append(engine, *statements)
    tree = SqlTree(engine)
    tree.add_checkpoint(tiles, a_checkpoint(5), 0)
    assert tree.entries(1, 4) == [item.entry for item in statements[1:4]]
    assert tree.entries(4, 9) == [statements[4].entry]
    assert tree.tiles(0, 0, 2) == {0: tiles[0], 1: tiles[1]} and tree.tiles(1, 1, 5) == {}
    assert tree.tile_roots(0, 0, 2) == [tiles[0].root, tiles[1].root]


# Outbox


def a_transaction(account: bytes, nonce: int) -> OutgoingTransaction:
    raw = secrets.token_bytes(400)
    return OutgoingTransaction(0, account, nonce, nonce + 1, nonce, keccak256(raw), raw, 2**90, 2**80, 100)


def test_a_transaction_is_open_until_it_is_closed(engine: Engine, url: str) -> None:
    outbox, account = SqlOutbox(engine), secrets.token_bytes(20)
    sent = [a_transaction(account, nonce) for nonce in range(3)]
    ids = [outbox.add(transaction) for transaction in sent]
    again = SqlOutbox(open_database(url))
    opened = again.open()
    assert opened == [replace(transaction, id=id) for transaction, id in zip(sent, ids, strict=True)]
    again.close(opened[0].id, "mined", 60_000)
    again.close(opened[1].id, "replaced", None)
    assert outbox.open() == opened[2:]


def test_the_next_nonce_is_after_those_of_the_account_that_are_used_for_good(engine: Engine) -> None:
    outbox, account, other = SqlOutbox(engine), secrets.token_bytes(20), secrets.token_bytes(20)
    assert outbox.next_nonce(account) == 0
    for nonce, outcome in ((4, "mined"), (5, "reverted"), (6, "replaced"), (7, "refused")):
        outbox.close(outbox.add(a_transaction(account, nonce)), outcome, None)
    outbox.add(a_transaction(account, 8))
    outbox.close(outbox.add(a_transaction(other, 90)), "mined", 1)
    assert (outbox.next_nonce(account), outbox.next_nonce(other)) == (7, 91)


# Chain view


def a_block(number: int, fork: int = 0) -> Block:
    return Block(number, bytes([fork]) + number.to_bytes(31), bytes([fork]) + (number - 1).to_bytes(31), 1_000 + number)


def a_place(block: Block, position: int = 0) -> Place:
    return Place(block.number, block.hash, secrets.token_bytes(32), position)


def a_change(number: int, block: Block) -> RegistryEvent:
    change = Change(number, block.timestamp, Action.ADMITTED, "SYN1", "hospital", bytes(32), bytes(20), bytes(32))
    return RegistryEvent(change, number.to_bytes(32), a_place(block, number))


def a_head(old_size: int, new_size: int, block: Block, log: bytes = LOG) -> WitnessEvent:
    return WitnessEvent(log, old_size, new_size, b"\x41" * 32, bytes(32), 1, secrets.token_bytes(32), a_place(block))


def follow(view: SqlChainView, blocks: list[Block], final: int, *events: RegistryEvent | WitnessEvent) -> None:
    changes = [event for event in events if isinstance(event, RegistryEvent)]
    heads = [event for event in events if isinstance(event, WitnessEvent)]
    times = {block.number: block.timestamp for block in blocks}
    view.add(FollowedBlocks(blocks, changes, heads, times, ChainStatus(blocks[-1], final)))


def test_what_was_followed_is_read_back(engine: Engine) -> None:
    view = SqlChainView(engine, LOG)
    assert view.status() == ChainStatus() and view.recent_blocks() == []
    assert view.newest_head() is view.newest_head(final=True) is None
    blocks = [a_block(number) for number in range(1, 6)]
    changes = [a_change(number, blocks[number]) for number in (1, 2)]
    heads = [a_head(0, 4, blocks[1]), a_head(4, 9, blocks[3])]
    follow(view, blocks, 3, *changes, *heads, a_head(0, 3, blocks[2], OTHER_LOG))
    assert view.status() == ChainStatus(blocks[-1], 3)
    assert view.recent_blocks() == blocks[::-1]
    assert view.registry_events() == changes
    assert view.heads(None, 10) == heads[::-1] and view.heads(9, 10) == heads[:1] and view.heads(None, 1) == heads[1:]
    assert [view.covering_head(index) for index in (0, 3, 4, 8, 9)] == [heads[0], heads[0], heads[1], heads[1], None]
    assert [view.head_time(head) for head in heads] == [blocks[1].timestamp, blocks[3].timestamp]
    assert view.newest_head() == heads[1] and view.newest_head(final=True) == heads[0]
    with SqlLedger(engine).sequencing() as transaction:
        version = transaction.registry_version()
        assert (version.count, version.final_count, version.head) == (2, 2, changes[-1].head)
        assert transaction.registry_changes() == [event.change for event in changes]
        assert transaction.final_heads([head.witness_id for head in heads]) == {heads[0].witness_id: 4}


def test_going_back_forgets_what_stood_in_the_blocks_and_comes_again(engine: Engine) -> None:
    view = SqlChainView(engine, LOG)
    blocks = [a_block(number) for number in range(1, 6)]
    kept, lost = a_head(0, 4, blocks[1]), a_head(4, 9, blocks[3])
    follow(view, blocks, 4, a_change(1, blocks[0]), a_change(2, blocks[4]), kept, lost)
    view.roll_back(3)
    assert view.recent_blocks() == blocks[2::-1]
    assert [event.change.number for event in view.registry_events()] == [1]
    assert view.heads(None, 10) == [kept] and view.covering_head(5) is None
    assert (view.head_time(kept), view.head_time(lost)) == (blocks[1].timestamp, None)
    assert view.status().final_number == 3
    again = [a_block(number, fork=1) for number in (4, 5)]
    moved = replace(lost, place=a_place(again[1]))
    follow(view, again, 3, a_change(2, again[0]), moved)
    assert view.recent_blocks()[:2] == again[::-1]
    assert view.covering_head(5) == moved and len(view.registry_events()) == 2


def test_going_back_to_before_the_beginning(engine: Engine) -> None:
    view = SqlChainView(engine, LOG)
    block = a_block(7)
    follow(view, [block], 7, a_change(1, block), a_head(0, 1, block))
    view.roll_back(6)
    assert view.recent_blocks() == [] and view.registry_events() == [] and view.newest_head() is None
    assert view.status().final_number == 6


def test_a_statement_is_provable_under_the_newest_final_checkpoint_and_the_newest(engine: Engine) -> None:
    statements = [a_statement(index) for index in range(6)]
    append(engine, *statements)
    tree, view, first, second = SqlTree(engine), SqlChainView(engine, LOG), a_checkpoint(4), a_checkpoint(5)
    id = statements[3].logged.id
    assert tree.provable(secrets.token_bytes(32)) is None
    assert tree.provable(id) == Provable(SqlReader(engine).statement(id), None, None)
    assert tree.add_checkpoint([], first, expected_size=0) and tree.add_checkpoint([], second, expected_size=4)
    blocks = [a_block(1), a_block(2)]
    follow(view, blocks[:1], 0, a_head(0, 4, blocks[0]))
    assert (tree.provable(id).final, tree.provable(id).newest) == (None, second), "the head's block is not final"
    follow(view, blocks[1:], 1, a_head(4, 5, blocks[1]))
    assert (tree.provable(id).final, tree.provable(id).newest) == (first, second)
    assert tree.provable(statements[5].logged.id).stored.index == 5, "which neither covers"


def test_old_blocks_are_not_kept_for_ever(engine: Engine) -> None:
    view = SqlChainView(engine, LOG)
    newest = 2 * KEPT_BLOCKS
    follow(view, [a_block(number) for number in range(1, newest)], 1)
    assert len(view.recent_blocks()) == newest - 1, "what is not final may still leave the chain"
    follow(view, [a_block(newest)], newest - 1)
    numbers = [block.number for block in view.recent_blocks()]
    assert numbers == list(range(newest, newest - KEPT_BLOCKS - 1, -1))
    assert [block.number for block in view.recent_blocks(newest - 10, 2)] == [newest - 10, newest - 11]


# Schema and identity


def is_of_sqlite(_item: object, name: str, *_: object) -> bool:
    return name not in {index.name for index in schema.POSTGRESQL_INDEXES}


def test_migrations_make_the_schema(engine: Engine) -> None:
    with engine.connect() as connection:
        options = {"compare_type": True, "compare_server_default": True, "include_object": is_of_sqlite}
        if connection.dialect.name == "postgresql":
            del options["include_object"]
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, schema.metadata) == []
        assert context.get_current_revision() == schema.REVISION


def test_a_receipt_of_before_loses_what_follows_from_the_rest(store_url: str, url: str) -> None:
    before = create_engine(store_url)
    with before.begin() as connection:
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        config.attributes["connection"] = connection
        command.upgrade(config, "0004")
        row = {
            "first": 3,
            "last": 4,
            "positions": bytes(15) + b"\x03" + bytes(7) + b"\x04",
            "accepted_at": 5,
            "witness_by": 6,
        }
        row |= {"signature": b"\x07" * 65, "accepted": b"\x08" * 32, "key": KEY}
        names = ", ".join(f'"{name}"' for name in row)
        values = ", ".join(f":{name}" for name in row)
        connection.execute(text(f"INSERT INTO receipts ({names}) VALUES ({values})"), row)
    before.dispose()
    engine = open_database(url)
    with engine.connect() as connection:
        (found,) = connection.execute(select(schema.receipts))
    engine.dispose()
    assert found == (
        1,
        *(row[name] for name in ("first", "last", "positions", "accepted_at", "witness_by", "signature")),
    )


def test_migrating_again_changes_nothing(engine: Engine) -> None:
    append(engine, a_statement(0))
    migrate(engine)
    assert SqlTree(engine).size() == 1


def test_several_may_open_a_new_database_at_once(url: str) -> None:
    failures = []

    def open_it() -> None:
        try:
            engine = open_database(url)
            claim_log(engine, IDENTITY)
            engine.dispose()
        except Exception as failure:
            failures.append(failure)

    threads = [threading.Thread(target=open_it) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


@pytest.mark.parametrize(
    ("name", "value"),
    [("origin", "ledger.example/other"), ("chain_id", 1), ("genesis", b"\x51" * 32), ("registry", b"\x52" * 20)],
)
def test_a_database_belongs_to_one_log(engine: Engine, name: str, value: object) -> None:
    assert read_identity(engine) == IDENTITY
    claim_log(engine, IDENTITY)
    with pytest.raises(Incident, match=f"another log or chain: its {name}"):
        claim_log(engine, replace(IDENTITY, **{name: value}))


# Failure


@pytest.mark.parametrize(
    "url", ["sqlite:////nowhere/at/all.db", "postgresql://nobody@127.0.0.1:1/nothing"], ids=["sqlite", "postgresql"]
)
def test_a_database_that_cannot_be_reached_is_said_in_one_line(url: str) -> None:
    with pytest.raises(StoreUnavailable) as caught:
        open_database(url)
    assert "\n" not in str(caught.value) and str(caught.value).startswith("database: ")


def test_sqlite_finds_holds_by_their_position(tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    with engine.connect() as connection:
        for query in (PAGE.text, f"{WHAT_THEY_NAME} IN (:after, :most)"):
            plan = connection.execute(text(f"EXPLAIN QUERY PLAN {query}"), {"after": 7, "most": 500}).all()
            assert len(plan) == 1 and "SEARCH holds USING COVERING INDEX holds_position" in plan[0][3], plan
    engine.dispose()
