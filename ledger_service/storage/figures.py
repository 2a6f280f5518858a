"""What is overdue, and how the witness transactions went: figures for those who watch."""

from dataclasses import dataclass, field

from sqlalchemy import ColumnElement, Connection, Engine, func, select

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


@dataclass(frozen=True)
class _Closed:
    """Closed transactions, counted by how they ended, and the largest id among them."""

    up_to: int = 0
    outcomes: dict[str, int] = field(default_factory=dict)
    gas_used: int = 0


class SqlFigures:
    """Figures over SQLAlchemy Core. Nothing here changes anything. Any thread may ask."""

    def __init__(self, engine: Engine):
        self._engine = engine
        self._closed = _Closed()
        """Those before the oldest that is open: they stay as they are, and with the years they are millions."""

    def overdue_receipts(self, witnessed: int, now: int) -> int:
        """How many receipts about entries from `witnessed` on promised an earlier time than `now`."""
        columns = schema.receipts.c
        query = select(func.count()).where(columns.last >= witnessed, columns.witness_by < now)
        with unavailable_on_error(), self._engine.connect() as connection:
            return connection.execute(query).scalar_one()

    def stamped_at(self) -> dict[str, int]:
        """When each time-stamp authority last stamped a checkpoint, by the authority's name."""
        columns = schema.timestamps.c
        query = select(columns.authority, func.max(columns.stamped_at)).where(columns.renews.is_(None))
        with unavailable_on_error(), self._engine.connect() as connection:
            return dict(tuple(row) for row in connection.execute(query.group_by(columns.authority)))

    def transactions(self) -> TransactionFigures:
        """The outbox in figures."""
        columns = schema.outbox.c
        behind_all = select(func.max(columns.id) + 1).correlate(None).scalar_subquery()
        oldest_open = func.coalesce(func.min(columns.id), behind_all, 0)
        opened = select(func.count(), func.min(columns.sent_at), oldest_open).where(columns.outcome.is_(None))
        with unavailable_on_error(), self._engine.connect() as connection:
            count, since, oldest = connection.execute(opened).one()
            self._closed = settled = _add_closed(connection, self._closed, columns.id < oldest)
            closed = _add_closed(connection, settled, columns.id > oldest)
        return TransactionFigures(count, since, closed.outcomes, closed.gas_used)


def _add_closed(connection: Connection, counted: _Closed, where: ColumnElement[bool]) -> _Closed:
    columns = schema.outbox.c
    query = select(columns.outcome, func.count(), func.sum(columns.gas_used), func.max(columns.id))
    query = query.where(columns.outcome.is_not(None), columns.id > counted.up_to, where).group_by(columns.outcome)
    outcomes, gas_used, up_to = dict(counted.outcomes), counted.gas_used, counted.up_to
    for outcome, count, gas, largest in connection.execute(query):
        outcomes[outcome] = outcomes.get(outcome, 0) + count
        gas_used, up_to = gas_used + int(gas or 0), max(up_to, largest)
    return _Closed(up_to, outcomes, gas_used)
