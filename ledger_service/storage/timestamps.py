"""Time-stamp tokens on checkpoints: originals."""

from collections.abc import Collection

from sqlalchemy import Engine, Row, Select, func, insert, or_, select

from ledger_service.storage import schema
from ledger_service.storage.database import unavailable_on_error
from ledger_service.storage.lease import begin_fenced
from ledger_service.usecases.outside_ports import NewTimestamp, StoredTimestamp
from ledger_service.usecases.ports import Fence

_rows = schema.timestamps
_c = schema.timestamps.c


class SqlTimestamps:
    """`outside_ports.Timestamps` over SQLAlchemy Core."""

    def __init__(self, engine: Engine, fence: Fence | None = None):
        self._engine = engine
        self._fence = fence

    def add(self, timestamp: NewTimestamp) -> None:
        """See `outside_ports.Timestamps`."""
        values = {name: getattr(timestamp, name) for name in NewTimestamp.__dataclass_fields__}
        with unavailable_on_error(), begin_fenced(self._engine, self._fence) as connection:
            connection.execute(insert(_rows).values(values))

    def newest(self, authority: str) -> StoredTimestamp | None:
        """See `outside_ports.Timestamps`."""
        query = select(_rows).where(_c.authority == authority, _c.renews.is_(None))
        return self._first(query.order_by(_c.number.desc()))

    def ageing(self, expires_before: int, authority: str, configured: Collection[str]) -> StoredTimestamp | None:
        """See `outside_ports.Timestamps`."""
        later = _rows.alias()
        renewed = select(later.c.number).where(later.c.renews == _c.number).exists()
        mine = _c.authority == authority
        if authority == next(iter(configured), None):
            mine = or_(mine, _c.authority.not_in(list(configured)))
        query = select(_rows).where(_c.expires_at < expires_before, mine, ~renewed)
        return self._first(query.order_by(_c.expires_at, _c.number))

    def chain(self, number: int) -> list[StoredTimestamp]:
        """See `outside_ports.Timestamps`."""
        found: list[StoredTimestamp] = []
        following: int | None = number
        with unavailable_on_error(), self._engine.connect() as connection:
            while following is not None:
                row = connection.execute(select(_rows).where(_c.number == following)).one()
                found.append(_stored(row))
                following = row.renews
        return found[::-1]

    def covering(self, index: int) -> list[list[StoredTimestamp]]:
        """See `outside_ports.Timestamps`."""
        first = select(_c.authority, func.min(_c.size).label("size")).where(_c.size > index, _c.renews.is_(None))
        first = first.group_by(_c.authority).subquery()
        on = (_c.authority == first.c.authority) & (_c.size == first.c.size) & _c.renews.is_(None)
        query = select(_rows).join(first, on).order_by(_c.number)
        with unavailable_on_error(), self._engine.connect() as connection:
            chains = [[_stored(row)] for row in connection.execute(query)]
            for chain in chains:
                while row := connection.execute(select(_rows).where(_c.renews == chain[-1].number)).first():
                    chain.append(_stored(row))
        return chains

    def _first(self, query: Select) -> StoredTimestamp | None:
        with unavailable_on_error(), self._engine.connect() as connection:
            row = connection.execute(query.limit(1)).first()
        return _stored(row) if row else None


def _stored(row: Row) -> StoredTimestamp:
    return StoredTimestamp(**row._mapping)
