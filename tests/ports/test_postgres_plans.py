"""PostgreSQL finds by its indexes what a commit asks for, also in tables that were filled a moment ago."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, Engine, text

from anchors.core.encoding import code_word, keccak256
from ledger_service.storage import schema
from ledger_service.storage.bulk import insert_rows, replace_rows, select_rows
from ledger_service.storage.database import begin_writing, open_database
from ledger_service.storage.disputes import AT_ONCE, PAGE, WHAT_THEY_NAME
from ledger_service.storage.identity import LogIdentity, claim_log
from ledger_service.storage.ledger import SqlLedger
from ledger_service.storage.packed_entry import pack_entry
from ledger_service.usecases.ports import SubjectState

SUBJECTS = [keccak256(number.to_bytes(4, "big")) for number in range(5_000)]
ALL_ABOUT_ONE = 10_000
HOLDS = 20_000


@pytest.fixture
def engine(postgres_url: str) -> Iterator[Engine]:
    engine = open_database(postgres_url.replace("postgresql+psycopg:", "postgresql:"))
    claim_log(engine, LogIdentity("ledger.example/plans", 31337, b"\x01" * 32, b"\x02" * 20, b"\x03" * 20))
    yield engine
    engine.dispose()


def _row(position: int, subject: bytes) -> tuple:
    entry = b"".join((code_word("report.issued"), code_word("SYN1"), subject, bytes(193)))
    return (position, pack_entry(entry), keccak256(position.to_bytes(8, "big")), b"", "{}", None, None)


def _rows_read(connection: Connection) -> dict[str, int]:
    """How many rows of each table the transaction looked at."""
    query = "SELECT relname, seq_tup_read + idx_tup_fetch FROM pg_stat_xact_user_tables"
    return dict(tuple(row) for row in connection.execute(text(query)))


def test_many_subjects_of_tables_that_were_never_analysed(engine: Engine) -> None:
    """Each costs one look into the index, however many entries there are about it."""
    about = [*SUBJECTS, *[SUBJECTS[-1]] * ALL_ABOUT_ONE]
    with begin_writing(engine) as connection:
        insert_rows(connection, schema.entries, [_row(position, subject) for position, subject in enumerate(about)])
        withdrawn = [(subject, "SYN2", position, None) for position, subject in enumerate(SUBJECTS[:100])]
        replace_rows(connection, schema.subjects, withdrawn)
    with SqlLedger(engine).sequencing() as transaction:
        found = transaction.subjects([*SUBJECTS[1::2], keccak256(b"another")])
        read = _rows_read(transaction._connection)
    assert found == {
        subject: SubjectState("SYN2", position, None) if position < 100 else SubjectState("SYN1", position, position)
        for position, subject in enumerate(SUBJECTS)
        if position % 2
    }
    assert read["subjects"] == 50 and read["entries"] == len(SUBJECTS) // 2


def test_a_page_of_holds_costs_a_page_however_many_there_are(engine: Engine) -> None:
    with begin_writing(engine) as connection:
        insert_rows(connection, schema.holds, [(number * 7_919 % HOLDS, number) for number in range(HOLDS)])
    with engine.connect() as connection:
        last = list(connection.execute(PAGE, {"after": HOLDS - 3 * AT_ONCE, "most": AT_ONCE}).scalars())
        named = list(select_rows(connection, WHAT_THEY_NAME, last))
        read = _rows_read(connection)
    assert len(last) == len(named) == AT_ONCE
    assert read["holds"] == 2 * AT_ONCE
