"""One view of a database, only read, while others go on writing to it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.engine import make_url
from sqlalchemy.pool import NullPool

from ledger_service.storage.database import unavailable_on_error
from ledger_service.usecases.ports import StoreUnavailable


@contextmanager
def open_snapshot(url: str) -> Iterator[Connection]:
    """The database at `sqlite:///path` or `postgresql://…` as of the first read; not even migrated.

    Raises `StoreUnavailable` where it cannot be opened."""
    engine = _open(url)
    try:
        with unavailable_on_error(), engine.connect() as connection:
            if engine.dialect.name == "sqlite":
                connection.exec_driver_sql("PRAGMA query_only = ON")
                connection.exec_driver_sql("BEGIN")
            else:
                connection = connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            yield connection
    finally:
        engine.dispose()


def _open(url: str) -> Engine:
    parsed = make_url(url.replace("postgresql://", "postgresql+psycopg://", 1))
    if parsed.get_backend_name() == "postgresql":
        return create_engine(parsed, poolclass=NullPool)
    if parsed.get_backend_name() != "sqlite":
        raise StoreUnavailable(f"database: {parsed.get_backend_name()} is not sqlite or postgresql")
    path = Path(parsed.database or "")
    if not path.is_file():
        raise StoreUnavailable(f"database: there is no file {path}")
    read_only = f"sqlite:///file:{path.resolve()}?mode=ro&uri=true"
    return create_engine(read_only, poolclass=NullPool, connect_args={"isolation_level": None})
