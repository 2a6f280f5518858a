"""Receipts by time: the newest, and the oldest that still waits."""

from sqlalchemy import Engine, func, select

from ledger_service.storage import schema
from ledger_service.storage.database import unavailable_on_error
from ledger_service.storage.question import Question
from ledger_service.usecases.ports import Promise

LONGEST_RECEIPT = 1_000
"""A receipt gives consecutive indexes to at most so many statements, those that were in the log before left out."""
_NEWEST = Question(select(schema.receipts.c.accepted_at).order_by(schema.receipts.c.id.desc()).limit(1))


class SqlPromises:
    """`ports.Promises` over SQLAlchemy Core."""

    def __init__(self, engine: Engine):
        self._engine = engine

    def newest_accepted_at(self) -> int | None:
        """See `ports.Promises`."""
        with unavailable_on_error(), self._engine.connect() as connection:
            return next(iter(_NEWEST.ask_values(connection)), None)

    def first_about(self, index: int) -> Promise | None:
        """See `ports.Promises`."""
        columns = schema.receipts.c
        query = select(func.min(columns.accepted_at), func.min(columns.witness_by)).where(
            columns.last >= index, columns.last < index + LONGEST_RECEIPT
        )
        with unavailable_on_error(), self._engine.connect() as connection:
            accepted_at, witness_by = connection.execute(query).one()
        return None if accepted_at is None else Promise(accepted_at, witness_by)
