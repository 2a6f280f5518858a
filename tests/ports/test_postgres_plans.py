"""PostgreSQL finds by its indexes what a commit asks for, also in tables that were filled a moment ago."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, text

from anchors.core.encoding import keccak256
from ledger_service.storage import schema
from ledger_service.storage.bulk import replace_rows
from ledger_service.storage.database import begin_writing, open_database
from ledger_service.storage.identity import LogIdentity, claim_log
from ledger_service.storage.ledger import SqlLedger
from ledger_service.usecases.ports import SubjectState

SUBJECTS = [keccak256(number.to_bytes(4, "big")) for number in range(5_000)]


@pytest.fixture
def engine(postgres_url: str) -> Iterator[Engine]:
    engine = open_database(postgres_url.replace("postgresql+psycopg:", "postgresql:"))
    claim_log(engine, LogIdentity("ledger.example/plans", 31337, b"\x01" * 32, b"\x02" * 20, b"\x03" * 20))
    yield engine
    engine.dispose()


def test_many_subjects_of_a_table_that_was_never_analysed(engine: Engine) -> None:
    with begin_writing(engine) as connection:
        replace_rows(connection, schema.subjects, [(subject, "SYN1", 7) for subject in SUBJECTS])
    with SqlLedger(engine).sequencing() as transaction:
        found = transaction.subjects(SUBJECTS[::2])
        read = transaction._connection.execute(
            text("SELECT seq_tup_read FROM pg_stat_xact_user_tables WHERE relname = 'subjects'")
        ).scalar_one()
    assert found == dict.fromkeys(SUBJECTS[::2], SubjectState("SYN1", 7))
    assert read == 0
