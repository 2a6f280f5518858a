"""Entries are found by id, subject and document, on both sides of the border of what is indexed in batches."""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import msgspec
import pytest
from sqlalchemy import Engine, text

from anchors.core.encoding import ZERO_WORD, code_word, keccak256, uint_word
from ledger_service.storage import finder
from ledger_service.storage.database import begin_writing, open_database
from ledger_service.storage.finder import check_prefixes, index_anew
from ledger_service.storage.identity import LogIdentity, claim_log
from ledger_service.storage.ledger import SqlLedger
from ledger_service.storage.reader import SqlReader
from ledger_service.usecases.ports import PREFIX_BYTES, Logged, NewStatement, SubjectState

BATCH, SLICES = 16, 2
KEY = b"\x06" * 20
IDENTITY = LogIdentity("ledger.example/finder", 31337, b"\x01" * 32, b"\x02" * 20, b"\x03" * 20)


@pytest.fixture(autouse=True)
def _small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finder, "BATCH_ENTRIES", BATCH)
    monkeypatch.setattr(finder, "SLICES", SLICES)


@dataclass
class Process:
    """One with its own connections and its own memory."""

    engine: Engine
    ledger: SqlLedger = field(init=False)
    reader: SqlReader = field(init=False)

    def __post_init__(self) -> None:
        self.ledger, self.reader = SqlLedger(self.engine), SqlReader(self.engine)

    def append(self, *statements: NewStatement) -> None:
        with self.ledger.sequencing() as transaction:
            transaction.append(statements, {}, {}, [])

    def indexes(self, ids: list[bytes]) -> list[int]:
        with self.ledger.sequencing() as transaction:
            return sorted(logged.index for logged in transaction.logged(ids).values())


@pytest.fixture
def processes(store_url: str) -> Iterator[list[Process]]:
    url = store_url.replace("postgresql+psycopg:", "postgresql:")
    both = [Process(open_database(url)) for _ in range(2)]
    claim_log(both[0].engine, IDENTITY)
    with ended(both[0]), ended(both[1]):
        yield both


@contextmanager
def ended(process: Process) -> Iterator[Process]:
    yield process
    process.engine.dispose()


def a_statement(index: int, subject: bytes, *, document: bool = True) -> NewStatement:
    kind = "report.issued" if document else "access.granted"
    words = (code_word(kind), code_word("SYN1"), subject, uint_word(index), uint_word(1), ZERO_WORD, ZERO_WORD)
    id, digests = keccak256(b"id %d" % index), (keccak256(b"sha256 %d" % index), keccak256(b"sm3 %d" % index))
    logged = Logged(index, id, kind, "SYN1", subject, {})
    parts = msgspec.json.encode([digest.hex() for digest in digests])
    return NewStatement(logged, KEY, b"".join(words) + bytes(65), parts, digests if document else None)


def a_subject(number: int) -> bytes:
    return keccak256(b"subject %d" % number)


def test_two_processes_find_all_that_either_wrote(processes: list[Process]) -> None:
    statements: list[NewStatement] = []
    for writer, count in zip(itertools.cycle(processes), (1, 5, 9, 1, 1, 20, 15, 1, 40, 3), strict=False):
        end = len(statements) + count
        added = [a_statement(index, a_subject(index // 3)) for index in range(len(statements), end)]
        writer.append(*added)
        statements += added
        for process in processes:
            assert process.indexes([item.logged.id for item in statements]) == list(range(end))
            assert process.indexes([keccak256(b"another")]) == []
    for process, item in itertools.product(processes, statements):
        index, subject = item.logged.index, item.logged.subject
        assert process.reader.statement(item.logged.id).entry == item.entry
        assert index in [found.index for found in process.reader.timeline(subject, None, 10)]
        for digest in item.digests:
            assert [found.index for found in process.reader.by_document(digest, None, 10)] == [index]
    with processes[0].engine.connect() as connection:
        check = check_prefixes(connection)
    if check is not None:
        assert check.missing is None and check.expected == check.found
        assert len(statements) - BATCH < check.indexed < len(statements)


def test_what_was_rolled_back_is_forgotten(processes: list[Process]) -> None:
    first = processes[0]
    kept = [a_statement(index, a_subject(index)) for index in range(40)]
    lost = [a_statement(1_000 + index, a_subject(index)) for index in range(40)]
    for begin in range(0, 40, 5):
        with pytest.raises(RuntimeError), first.ledger.sequencing() as transaction:
            placed = [msgspec.structs.replace(item.logged, index=begin + at) for at, item in enumerate(lost[:5])]
            some = zip(lost, placed, strict=False)
            transaction.append([msgspec.structs.replace(item, logged=logged) for item, logged in some], {}, {}, [])
            raise RuntimeError
        first.append(*kept[begin : begin + 5])
        for process in processes:
            assert process.indexes([item.logged.id for item in lost]) == []
            assert process.indexes([item.logged.id for item in kept]) == list(range(begin + 5))


def test_pages_of_a_timeline_cross_the_border(processes: list[Process]) -> None:
    first, second = processes
    for begin in range(0, 60, 6):
        first.append(*(a_statement(index, a_subject(0)) for index in range(begin, begin + 6)))
        pages, after = [], None
        while page := second.reader.timeline(a_subject(0), after, 7):
            after = page[-1].index
            pages += [found.index for found in page]
        assert pages == list(range(begin + 6))


def test_what_begins_alike_is_told_apart_and_holds_nobody_up(processes: list[Process]) -> None:
    """Somebody names subjects that begin as another's subject, or as the id of a statement, does."""
    first, second = processes
    target = a_statement(0, a_subject(0))
    alike = [a_subject(0)[:PREFIX_BYTES] + keccak256(b"%d" % number)[PREFIX_BYTES:] for number in range(1, 25)]
    first.append(target, *(a_statement(number, subject) for number, subject in enumerate(alike, 1)))
    first.append(*(a_statement(index, target.logged.id) for index in range(25, 50)))
    assert [found.index for found in second.reader.timeline(a_subject(0), None, 3)] == [0]
    assert [found.index for found in second.reader.timeline(alike[20], None, 3)] == [21]
    assert [found.index for found in second.reader.timeline(target.logged.id, None, 99)] == list(range(25, 50))
    assert second.indexes([target.logged.id]) == [0]


def test_the_state_of_a_subject_is_its_own(processes: list[Process]) -> None:
    """Where others begin alike too: in one transaction, in a later one, on both sides of the border, amended or not."""
    first, second = processes
    alike = [a_subject(0)[:PREFIX_BYTES] + keccak256(b"%d" % number)[PREFIX_BYTES:] for number in range(6)]
    states = {subject: SubjectState("SYN1", index, index) for index, subject in enumerate(alike)}
    for begin in (0, 3):
        some = alike[begin : begin + 3]
        with second.ledger.sequencing() as transaction:
            assert transaction.subjects(some) == {}
            statements = [a_statement(alike.index(subject), subject) for subject in some]
            transaction.append(statements, {}, {subject: states[subject] for subject in some}, [])
    states |= {alike[0]: SubjectState("SYN1", 0, None), alike[4]: SubjectState("SYN1", 4, 7)}
    with first.ledger.sequencing() as transaction:
        changed = transaction.subjects([alike[0], alike[4]])
        assert changed[alike[4]] == SubjectState("SYN1", 4, 4)
        amended = [a_statement(6, alike[0]), a_statement(7, alike[4])]
        transaction.append(amended, {}, {subject: states[subject] for subject in changed}, [])
    for begin in range(8, 5 * BATCH, 8):
        for process in processes:
            with process.ledger.sequencing() as transaction:
                assert transaction.subjects([*alike, keccak256(b"another")]) == states
        first.append(*(a_statement(index, a_subject(index)) for index in range(begin, begin + 8)))


def test_digests_and_a_subject_that_are_the_same(processes: list[Process]) -> None:
    same = keccak256(b"the same")
    one = a_statement(0, same)
    one = msgspec.structs.replace(one, digests=(same, same), parts=msgspec.json.encode([same.hex()]))
    processes[0].append(one, *(a_statement(index, a_subject(index)) for index in range(1, BATCH + 1)))
    assert [found.index for found in processes[1].reader.by_document(same, None, 9)] == [0]
    assert [found.index for found in processes[1].reader.timeline(same, None, 9)] == [0]


def test_what_was_undone_is_found_by_nobody(processes: list[Process]) -> None:
    first, second = processes
    first.append(*(a_statement(index, a_subject(index)) for index in range(10)))
    undone = [a_statement(index, a_subject(index)) for index in range(10, 40)]
    with pytest.raises(RuntimeError, match="power"), first.ledger.sequencing() as transaction:
        transaction.append(undone, {}, {}, [])
        raise RuntimeError("power")
    other = [a_statement(index, a_subject(index + 100)) for index in range(10, 40)]
    second.append(*other)
    for process in processes:
        assert process.indexes([item.logged.id for item in other]) == list(range(10, 40))
        assert process.reader.timeline(undone[0].logged.subject, None, 9) == []
        assert [found.index for found in process.reader.timeline(other[0].logged.subject, None, 9)] == [10]


def test_what_is_no_position_is_found_by_nobody(sqlite_url: str) -> None:
    """SQLite keeps in any column whatever somebody puts there."""
    with ended(Process(open_database(sqlite_url))) as process:
        claim_log(process.engine, IDENTITY)
        subject = a_subject(0)
        process.append(*(a_statement(index, subject) for index in range(BATCH)))
        target = a_statement(0, subject).logged.id
        with begin_writing(process.engine) as connection:
            for what, value in ((0, target), (1, subject)):
                for foreign in (b"\xff\x00", "no such thing", 1.5, -1.5):
                    for young in (0, 1):
                        row = (young, what, value[:PREFIX_BYTES], foreign)
                        connection.exec_driver_sql("INSERT INTO prefixes VALUES (?, ?, ?, ?)", row)
        assert process.indexes([target]) == [0]
        assert process.reader.statement(target).index == 0
        assert [found.index for found in process.reader.timeline(subject, None, 99)] == list(range(BATCH))
        with process.ledger.sequencing() as transaction:
            assert transaction.subjects([subject]) == {subject: SubjectState("SYN1", 0, 0)}


def test_each_further_batch_makes_a_slice_old(sqlite_url: str) -> None:
    """The slices take turns, by the first bit of a prefix here; what came after stays young."""
    old_below = {0: 0, 1: 0}
    with ended(Process(open_database(sqlite_url))) as process:
        claim_log(process.engine, IDENTITY)
        for batch in range(SLICES + 4):
            begin = batch * BATCH
            process.append(*(a_statement(index, a_subject(index)) for index in range(begin, begin + BATCH)))
            if batch >= SLICES:
                old_below[batch % 2] = begin + BATCH
            with process.engine.connect() as connection:
                rows = connection.execute(text("SELECT young, prefix, position FROM prefixes")).all()
            assert len(rows) == 4 * (begin + BATCH)
            assert all(row.young == (row.position >= old_below[row.prefix[0] >> 7]) for row in rows)


def test_it_is_made_anew(processes: list[Process]) -> None:
    first, second = processes
    statements = [a_statement(index, a_subject(index), document=index % 2 == 0) for index in range(3 * BATCH + 5)]
    first.append(*statements)
    with begin_writing(first.engine) as connection:
        connection.execute(text("DELETE FROM prefixes"))
        index_anew(connection, len(statements))
    assert second.indexes([item.logged.id for item in statements]) == list(range(len(statements)))
    with first.engine.connect() as connection:
        check = check_prefixes(connection)
    assert check is None or (check.missing is None and check.expected == check.found)
