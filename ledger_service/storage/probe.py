"""A write that changes nothing, to learn whether the database takes writes."""

from sqlalchemy import Engine, update

from ledger_service.storage import schema
from ledger_service.storage.database import begin_writing, unavailable_on_error
from ledger_service.storage.ledger import LOG_ROW


def probe(engine: Engine) -> None:
    """Write the log's row as it is, durably. Raises `StoreUnavailable`."""
    with unavailable_on_error(), begin_writing(engine) as connection:
        connection.execute(update(schema.log).where(schema.log.c.id == LOG_ROW).values(size=schema.log.c.size))
