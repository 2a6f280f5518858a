"""Taking parts out of `contents`, and out of the files beneath."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, bindparam, update

from ledger_service.storage import schema
from ledger_service.storage.database import begin_writing, empty_write_ahead_log, unavailable_on_error
from ledger_service.storage.ledger import lock_log
from ledger_service.storage.links import decode_links
from ledger_service.storage.reader import read_statement
from ledger_service.storage.relations import holds_on
from ledger_service.usecases.ports import StoredStatement
from ledger_service.usecases.privacy_ports import Hold

_REPLACE = update(schema.contents).where(schema.contents.c.position == bindparam("at")).values(parts=bindparam("new"))
_LINKS = "SELECT links FROM entries WHERE position = "


class SqlErasures:
    """`privacy_ports.Erasures` over SQLAlchemy Core."""

    def __init__(self, engine: Engine):
        self._engine = engine

    @contextmanager
    def begin(self) -> Iterator["SqlErasure"]:
        """See `privacy_ports.Erasures`."""
        with unavailable_on_error():
            with begin_writing(self._engine) as connection:
                lock_log(connection)
                erasure = SqlErasure(connection)
                with _overwriting(connection):
                    yield erasure
            if erasure.replaced and self._engine.dialect.name == "sqlite":
                # Pages as they were before stand in the log until it begins anew; where somebody reads what is in it,
                # that waits for the next time that it is shortened.
                with self._engine.connect() as connection:
                    empty_write_ahead_log(connection.connection.driver_connection)

    @contextmanager
    def look(self) -> Iterator["SqlErasure"]:
        """See `privacy_ports.Erasures`."""
        with unavailable_on_error(), self._engine.connect() as connection:
            yield SqlErasure(connection)


class SqlErasure:
    """`privacy_ports.ErasureTransaction`."""

    def __init__(self, connection: Connection):
        self._connection = connection
        self.replaced = False

    def statement(self, id: bytes) -> StoredStatement | None:
        """See `privacy_ports.ErasureTransaction`."""
        return read_statement(self._connection, id)

    def holds(self, subject: bytes) -> Iterator[Hold]:
        """See `privacy_ports.ErasureTransaction`."""
        return holds_on(self._connection, subject)

    def links(self, index: int) -> dict[str, int]:
        """See `privacy_ports.ErasureTransaction`."""
        return decode_links(self._connection.exec_driver_sql(f"{_LINKS}{index:d}").scalar_one())

    def replace(self, index: int, parts: bytes) -> None:
        """See `privacy_ports.ErasureTransaction`."""
        self._connection.execute(_REPLACE, {"at": index, "new": parts})
        self.replaced = True


@contextmanager
def _overwriting(connection: Connection) -> Iterator[None]:
    """SQLite only forgets where deleted bytes are, unless it is told to overwrite them."""
    if connection.dialect.name != "sqlite":
        yield
        return
    connection.exec_driver_sql("PRAGMA secure_delete = ON")
    try:
        yield
    finally:
        connection.exec_driver_sql("PRAGMA secure_delete = OFF")
