"""Time-stamp tokens on checkpoints: originals."""

from collections.abc import Collection
from itertools import count

from sqlalchemy import Connection, Engine, Row, func, insert, or_, select

from anchors.clocks import MAX_TOKENS
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
        with unavailable_on_error(), self._engine.connect() as connection:
            row = connection.execute(query.order_by(_c.number.desc()).limit(1)).first()
        return _stored(row) if row else None

    def ageing(self, expires_before: int, authority: str, configured: Collection[str]) -> list[StoredTimestamp]:
        """See `outside_ports.Timestamps`."""
        later = _rows.alias()
        renewed = select(later.c.number).where(later.c.renews == _c.number).exists()
        mine = _c.authority == authority
        if authority == next(iter(configured), None):
            mine = or_(mine, _c.authority.not_in(list(configured)))
        query = select(_rows).where(_c.expires_at < expires_before, mine, ~renewed)
        query, full = query.order_by(_c.expires_at, _c.number).limit(1), []
        with unavailable_on_error(), self._engine.connect() as connection:
            for place in count():
                row = connection.execute(query.offset(place)).first()
                if row is None:
                    return full
                chain = _before(connection, _stored(row))
                if len(chain) < MAX_TOKENS:
                    return chain
                full = full or chain

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


def _before(connection: Connection, last: StoredTimestamp) -> list[StoredTimestamp]:
    """A token behind those that it renews."""
    found = [last]
    while found[-1].renews is not None:
        found.append(_stored(connection.execute(select(_rows).where(_c.number == found[-1].renews)).one()))
    return found[::-1]


def _stored(row: Row) -> StoredTimestamp:
    return StoredTimestamp(**row._mapping)
