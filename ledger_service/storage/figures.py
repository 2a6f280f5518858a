"""What is overdue, and how the witness transactions went: figures for those who watch."""

from dataclasses import dataclass

from sqlalchemy import Engine, func, select

from ledger_service.storage import schema
from ledger_service.storage.database import unavailable_on_error


@dataclass(frozen=True)
class TransactionFigures:
    """Witness transactions: how many are open and since when (Unix seconds; None where none is); of the closed ones
    how many ended in which way, and the gas they used in all."""

    open: int
    open_since: int | None
    closed: dict[str, int]
    gas_used: int


class SqlFigures:
    """Figures over SQLAlchemy Core. Nothing here changes anything."""

    def __init__(self, engine: Engine):
        self._engine = engine

    def overdue_receipts(self, witnessed: int, now: int) -> int:
        """How many receipts about entries from `witnessed` on promised an earlier time than `now`."""
        columns = schema.receipts.c
        query = select(func.count()).where(columns.last >= witnessed, columns.witness_by < now)
        with unavailable_on_error(), self._engine.connect() as connection:
            return connection.execute(query).scalar_one()

    def transactions(self) -> TransactionFigures:
        """The outbox in figures."""
        columns = schema.outbox.c
        query = select(columns.outcome, func.count(), func.min(columns.sent_at), func.sum(columns.gas_used))
        with unavailable_on_error(), self._engine.connect() as connection:
            rows = connection.execute(query.group_by(columns.outcome)).all()
        opened = next(((count, since) for outcome, count, since, _ in rows if outcome is None), (0, None))
        closed = {outcome: count for outcome, count, _, _ in rows if outcome is not None}
        return TransactionFigures(*opened, closed, sum(int(gas or 0) for _, _, _, gas in rows))
