"""The reading log: one row a request that was shown content, each hash over the one before."""

from sqlalchemy import Connection, Engine, select

from anchors.core.encoding import ZERO_WORD
from ledger_service.storage import schema
from ledger_service.storage.bulk import insert_rows
from ledger_service.storage.database import READING, begin_writing, take_lock, unavailable_on_error
from ledger_service.usecases.privacy_ports import Reading, ReadingRow
from ledger_service.usecases.readings import encode_record, next_hash

_readings = schema.readings.c
_NEWEST = select(_readings.number, _readings.hash, _readings.read_at).order_by(_readings.number.desc()).limit(1)


class SqlReadings:
    """`privacy_ports.Readings` over SQLAlchemy Core."""

    def __init__(self, engine: Engine):
        self._engine = engine

    def append(self, reading: Reading, now: int) -> int:
        """See `privacy_ports.Readings`."""
        with unavailable_on_error(), begin_writing(self._engine) as connection:
            take_lock(connection, READING)
            newest = connection.execute(_NEWEST).first()
            number, at, previous = (newest.number + 1, newest.read_at, newest.hash) if newest else (0, 0, ZERO_WORD)
            at = max(now, at)
            record = encode_record(number, at, reading)
            insert_rows(connection, schema.readings, [(number, record, next_hash(previous, record), at)])
        return number

    def rows(self, after: int | None, limit: int) -> list[ReadingRow]:
        """See `privacy_ports.Readings`."""
        query = select(schema.readings).where(_readings.number > (-1 if after is None else after))
        with unavailable_on_error(), self._engine.connect() as connection:
            return [ReadingRow(*row) for row in connection.execute(query.order_by(_readings.number).limit(limit))]

    def before(self, moment: int) -> tuple[int, bytes]:
        """See `privacy_ports.Readings`."""
        with unavailable_on_error(), begin_writing(self._engine) as connection:
            take_lock(connection, READING)
            return _before(connection, moment)


def _before(connection: Connection, moment: int) -> tuple[int, bytes]:
    query = select(_readings.number, _readings.hash).where(_readings.read_at < moment)
    last = connection.execute(query.order_by(_readings.read_at.desc(), _readings.number.desc()).limit(1)).first()
    return (last.number + 1, last.hash) if last else (0, ZERO_WORD)
