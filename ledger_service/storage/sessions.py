"""Who is signed in, and the registry that says whether the key is in force."""

from sqlalchemy import Engine, delete, func, select, update

from anchors.core.registry import Change
from ledger_service.storage import schema
from ledger_service.storage.bulk import insert_rows
from ledger_service.storage.chain_view import read_changes
from ledger_service.storage.database import SIGNING_IN, begin_writing, take_lock, unavailable_on_error
from ledger_service.storage.ledger import read_registry_version
from ledger_service.usecases.ports import RegistryVersion

_sessions = schema.sessions.c


NOBODY = bytes(20)
"""Whose a session is that was ended. It stays for as long as its challenge might be answered again."""


class SqlSessions:
    """`privacy_ports.Sessions` over SQLAlchemy Core."""

    def __init__(self, engine: Engine):
        self._engine = engine

    def open(self, nonce: bytes, key: bytes, expires_at: int, now: int, most: int) -> bool:
        """See `privacy_ports.Sessions`."""
        used = select(_sessions.key).where(_sessions.nonce == nonce)
        many = select(func.count()).where(_sessions.key == key)
        with unavailable_on_error(), begin_writing(self._engine) as connection:
            take_lock(connection, SIGNING_IN)
            connection.execute(delete(schema.sessions).where(_sessions.expires_at <= now))
            if connection.execute(used).first() is not None or connection.execute(many).scalar_one() >= most:
                return False
            insert_rows(connection, schema.sessions, [(nonce, key, expires_at)])
        return True

    def end(self, nonce: bytes, key: bytes, until: int) -> None:
        """See `privacy_ports.Sessions`."""
        nobodys = update(schema.sessions).values(key=NOBODY, expires_at=until)
        with unavailable_on_error(), begin_writing(self._engine) as connection:
            connection.execute(nobodys.where(_sessions.nonce == nonce, _sessions.key == key))

    def key_of(self, nonce: bytes, now: int) -> bytes | None:
        """See `privacy_ports.Sessions`."""
        query = select(_sessions.key).where(_sessions.nonce == nonce, _sessions.expires_at > now)
        with unavailable_on_error(), self._engine.connect() as connection:
            return connection.execute(query).scalar()


class SqlRegistryStore:
    """`privacy_ports.RegistryStore` over SQLAlchemy Core."""

    def __init__(self, engine: Engine):
        self._engine = engine

    def registry_version(self) -> RegistryVersion:
        """See `privacy_ports.RegistryStore`."""
        with unavailable_on_error(), self._engine.connect() as connection:
            return read_registry_version(connection)

    def registry_changes(self) -> list[Change]:
        """See `privacy_ports.RegistryStore`."""
        with unavailable_on_error(), self._engine.connect() as connection:
            return [event.change for event in read_changes(connection)]

    def is_frozen(self, key: bytes) -> bool:
        """See `privacy_ports.RegistryStore`."""
        query = select(schema.streams.c.frozen).where(schema.streams.c.key == key)
        with unavailable_on_error(), self._engine.connect() as connection:
            return bool(connection.execute(query).scalar())
