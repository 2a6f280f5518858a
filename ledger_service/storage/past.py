"""What the database knows of its own past."""

from sqlalchemy import Engine, func, select, update

from ledger_service.storage import schema
from ledger_service.storage.database import begin_writing, unavailable_on_error
from ledger_service.storage.ledger import LOG_ROW
from ledger_service.usecases.past import Restored, SentHead

MINED = "mined"
LOST = "lost"
_log, _outbox, _restores = schema.log.c, schema.outbox.c, schema.restores.c
_SENT = select(_outbox.hash, _outbox.new_size, _outbox.raw)


class SqlPast:
    """`past.Past` over SQLAlchemy Core."""

    def __init__(self, engine: Engine):
        self._engine = engine

    def extent(self) -> tuple[int, int]:
        """See `past.Past`. One query, so that nothing is accepted between its two numbers."""
        highest = select(func.max(schema.entries.c.position)).scalar_subquery()
        query = select(_log.size, func.coalesce(highest, -1)).where(_log.id == LOG_ROW)
        with unavailable_on_error(), self._engine.connect() as connection:
            size, position = connection.execute(query).one()
        return size, position + 1

    def codes(self) -> tuple[bytes, bytes] | None:
        """See `past.Past`."""
        query = select(_log.registry_code, _log.witness_code).where(_log.id == LOG_ROW)
        with unavailable_on_error(), self._engine.connect() as connection:
            registry, witness = connection.execute(query).one()
        return (registry, witness) if registry and witness else None

    def record_codes(self, registry: bytes, witness: bytes) -> None:
        """See `past.Past`."""
        first = update(schema.log).where(_log.id == LOG_ROW, _log.registry_code.is_(None))
        with unavailable_on_error(), begin_writing(self._engine) as connection:
            connection.execute(first.values(registry_code=registry, witness_code=witness))

    def largest_sent(self) -> list[SentHead]:
        """See `past.Past`."""
        largest = select(func.max(_outbox.new_size)).scalar_subquery()
        with unavailable_on_error(), self._engine.connect() as connection:
            return [SentHead(*row) for row in connection.execute(_SENT.where(_outbox.new_size == largest))]

    def largest_mined(self) -> SentHead | None:
        """See `past.Past`."""
        query = _SENT.where(_outbox.outcome == MINED).order_by(_outbox.new_size.desc()).limit(1)
        with unavailable_on_error(), self._engine.connect() as connection:
            row = connection.execute(query).first()
        return SentHead(*row) if row else None

    def open_restore(self) -> Restored | None:
        """See `past.Past`."""
        query = select(_restores.entries, _restores.made_at).where(_restores.released_at.is_(None))
        with unavailable_on_error(), self._engine.connect() as connection:
            row = connection.execute(query.order_by(_restores.id.desc()).limit(1)).first()
        return Restored(*row) if row else None

    def release(self, now: int) -> None:
        """See `past.Past`."""
        with unavailable_on_error(), begin_writing(self._engine) as connection:
            connection.execute(update(schema.restores).where(_restores.released_at.is_(None)).values(released_at=now))

    def forget_moves(self, above: int) -> int:
        """See `past.Past`."""
        beyond = update(schema.outbox).where(_outbox.outcome.is_not(None), _outbox.new_size > above)
        with unavailable_on_error(), begin_writing(self._engine) as connection:
            return connection.execute(beyond.values(outcome=LOST)).rowcount
