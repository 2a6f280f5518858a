"""Open the database: SQLite where none is named, PostgreSQL by URL. The schema is brought up to date by Alembic."""

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg.types.string import BytesBinaryDumper
from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.exc import DatabaseError, InterfaceError, InternalError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import ConnectionPoolEntry, QueuePool

from ledger_service.storage import schema
from ledger_service.storage.causes import describe, is_damage, is_stale
from ledger_service.usecases.ports import StoreUnavailable

SQLITE_BUSY_SECONDS = 10
SQLITE_LOOK_SECONDS = 0.003
SQLITE_LOG_BYTES = 128 * 2**20
SQLITE_SHORTEN_SECONDS = 0.2
_BUSY_TIMEOUT = f"PRAGMA busy_timeout = {SQLITE_BUSY_SECONDS * 1000}"
IDLE_TRANSACTION_SECONDS = 10
_POSTGRESQL_OPTIONS = (
    f"-c idle_in_transaction_session_timeout={IDLE_TRANSACTION_SECONDS}s -c enable_seqscan=off -c jit=off"
)
"""A process that hangs in the middle of a transaction loses its connection, so that its locks do not hold up others.
Nothing here wants to read a whole table, which is what would be planned for a new one that was never analysed; and
where a table has no other way than that, its cost would be taken for a reason to compile the query."""
_MIGRATIONS = Path(__file__).parent / "migrations"


def open_database(url: str, name: str = "huzheng") -> Engine:
    """An engine for `sqlite:///path` or `postgresql://…`, its schema up to date. Raises `StoreUnavailable`.

    `name` is what PostgreSQL calls its connections."""
    # A file does not hang up: only a server is asked whether it is still there.
    remote = not url.startswith("sqlite")
    options = {"application_name": name, "options": _POSTGRESQL_OPTIONS} if remote else {}
    engine = create_engine(
        _with_driver(url), poolclass=QueuePool, pool_size=8, max_overflow=24, pool_pre_ping=remote, connect_args=options
    )
    if engine.dialect.name == "sqlite":
        _prepare_sqlite(engine)
    else:
        _prepare_postgresql(engine)
    with unavailable_on_error():
        migrate(engine)
        if engine.dialect.name == "sqlite" and engine.url.database:
            _stay_with_file(engine, engine.url.database)
    return engine


def migrate(engine: Engine) -> None:
    """Run the migrations that are missing, under a lock that other processes respect."""
    with begin_setting_up(engine) as connection:
        if _revision(connection) == schema.REVISION:
            return
        # Only now: what runs migrations takes fifteen megabytes, and most starts have none to run.
        from alembic import command
        from alembic.config import Config

        config = Config()
        config.set_main_option("script_location", str(_MIGRATIONS))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


@contextmanager
def begin_writing(engine: Engine) -> Iterator[Connection]:
    """A transaction that will write. On SQLite it takes the write lock at once, so that it cannot fail half-way."""
    with _begin(engine) as connection:
        try:
            yield connection
            _end(connection, "COMMIT")
        except BaseException as error:
            if is_stale(error):
                connection.invalidate()
                engine.dispose()
            else:
                _end(connection, "ROLLBACK")
            raise


def _begin(engine: Engine) -> Connection:
    connection = engine.connect()
    try:
        _send_begin(connection)
    except BaseException as error:
        connection.invalidate()
        connection.close()
        if not is_stale(error):
            raise
        engine.dispose()
        connection = engine.connect()
        _send_begin(connection)
    return connection


def _send_begin(connection: Connection) -> None:
    if connection.dialect.name == "sqlite":
        driver = connection.connection.driver_connection
        connection.info[_WRITE_AHEAD_LOG].shorten(driver)
        _take_write_lock(driver)
    else:
        connection.begin()


class _WriteAheadLog:
    """One connection's care for SQLite's write-ahead log, which must be copied into the file now and then.

    SQLite would do so after a commit, while the next process writes already; where two always write, the log is never
    copied to its end, so it never begins anew, and grows without bound. Here it is done before a transaction, while
    nobody writes. Pages of indexes are written again and again: the longer the log, the fewer go to the file."""

    def __init__(self, path: str):
        self._path = path
        self._allowed_bytes = SQLITE_LOG_BYTES

    def shorten(self, connection: sqlite3.Connection) -> None:
        """Begin it anew where it has become long. Where somebody reads what is in it, that is tried again later."""
        try:
            size = os.stat(self._path).st_size
        except FileNotFoundError:  # nobody wrote yet, or the last who had it open has closed it
            return
        if size < self._allowed_bytes:
            return
        begun_anew = empty_write_ahead_log(connection)
        self._allowed_bytes = SQLITE_LOG_BYTES + (0 if begun_anew else size)


def empty_write_ahead_log(connection: sqlite3.Connection) -> bool:
    """Copy SQLite's write-ahead log into the file and begin it anew; whether that was done. Writers wait meanwhile, so
    whoever reads from the log is waited for a moment only."""
    connection.execute(f"PRAGMA busy_timeout = {round(SQLITE_SHORTEN_SECONDS * 1000)}")
    busy, *_ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    connection.execute(_BUSY_TIMEOUT)
    return not busy


_WRITE_AHEAD_LOG = "write-ahead log"


def _take_write_lock(connection: sqlite3.Connection) -> None:
    """SQLite's own way of waiting sleeps for up to a tenth of a second between two looks; several processes that each
    want the lock for some hundredths would leave it idle half of the time."""
    deadline = time.monotonic() + SQLITE_BUSY_SECONDS
    connection.execute("PRAGMA busy_timeout = 0")
    try:
        while True:
            try:
                connection.execute("BEGIN IMMEDIATE")
                return
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                    raise
            time.sleep(SQLITE_LOOK_SECONDS)
    finally:
        connection.execute(_BUSY_TIMEOUT)


@contextmanager
def begin_setting_up(engine: Engine) -> Iterator[Connection]:
    """A transaction that makes what is not there yet; other processes that would make it too wait for its end."""
    with begin_writing(engine) as connection:
        take_lock(connection, SETTING_UP)
        yield connection


SETTING_UP, SIGNING_IN, READING = 4851, 4852, 4853
"""What is done by one at a time, beside what the log's row is locked for."""


def take_lock(connection: Connection, what: int) -> None:
    """Wait until nobody else does this, until the transaction ends. On SQLite whoever writes is alone already."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:what)"), {"what": what})


def _end(connection: Connection, how: str) -> None:
    if connection.dialect.name == "sqlite":
        # sqlite3's own transaction control is off (see _prepare_sqlite): the words are sent as they are.
        if connection.connection.driver_connection.in_transaction:
            connection.exec_driver_sql(how)
    elif how == "COMMIT":
        connection.commit()
    else:
        connection.rollback()


@contextmanager
def unavailable_on_error() -> Iterator[None]:
    """Turn a driver's failure to reach or write the database into `StoreUnavailable`, in one line, without parameters.

    Errors that a row causes (a broken constraint, a value out of range) are defects and pass through."""
    try:
        yield
    except (OperationalError, InterfaceError, InternalError) as error:
        raise StoreUnavailable(describe(error.orig)) from error
    except DatabaseError as error:
        if not is_damage(error.orig):
            raise
        raise StoreUnavailable(describe(error.orig)) from error
    except sqlite3.DatabaseError as error:
        if not (isinstance(error, sqlite3.OperationalError) or is_damage(error)):
            raise
        raise StoreUnavailable(describe(error)) from error
    except (PoolTimeout, psycopg.OperationalError, psycopg.InterfaceError, psycopg.InternalError, OSError) as error:
        raise StoreUnavailable(describe(error)) from error


def _with_driver(url: str) -> str:
    return url.replace("postgresql://", "postgresql+psycopg://", 1)


def _prepare_postgresql(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def _configure(connection: psycopg.Connection, _: ConnectionPoolEntry) -> None:
        # Of a column of bytes the driver expects DB-API's `Binary` too, and calls Python for each value to see.
        connection.adapters.register_dumper(bytes, BytesBinaryDumper)


def _prepare_sqlite(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def _configure(connection: sqlite3.Connection, record: ConnectionPoolEntry) -> None:
        connection.isolation_level = None
        connection.execute(_BUSY_TIMEOUT)
        _use_write_ahead_log(connection)
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA cache_size = -16384")
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        record.info[_WRITE_AHEAD_LOG] = _WriteAheadLog(f"{engine.url.database}-wal")


def _stay_with_file(engine: Engine, path: str) -> None:
    """Refuse to go on where another file, or none, stands at the path: what is written to a file that was moved away is
    lost with the process, and a new connection would begin an empty one."""
    opened = os.stat(path)

    def look() -> None:
        try:
            found = os.stat(path)
        except OSError as error:
            raise sqlite3.OperationalError(f"{path}: {error.strerror}; put the file back where it was") from None
        if not os.path.samestat(found, opened):
            raise sqlite3.OperationalError(
                f"{path} is not the file that was opened; put that back, or start the service again to use the new one"
            )

    event.listen(engine, "do_connect", lambda *_: look())
    event.listen(engine, "checkout", lambda *_: look())


def _use_write_ahead_log(connection: sqlite3.Connection) -> None:
    """The change of mode does not wait for its lock as other statements do, so that is done here."""
    deadline = time.monotonic() + SQLITE_BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)
