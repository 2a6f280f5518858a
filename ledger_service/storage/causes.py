"""What a failing database is said to be, in one line: what happened, and what to do. No parameters, no statements."""

import sqlite3

import psycopg

_SQLITE = (
    ("SQLITE_FULL", "the disk is full; free space, the service goes on by itself"),
    ("SQLITE_READONLY", "the file or its disk is read-only; make it writable, the service goes on by itself"),
    ("SQLITE_BUSY", "another process holds the file's lock; end that process, the service goes on by itself"),
    ("SQLITE_CANTOPEN", "the file cannot be opened; look at its folder and its permissions"),
    ("SQLITE_IOERR", "the disk does not read or write; look at the system's log and at the disk"),
    ("SQLITE_CORRUPT", "the file is damaged; stop the service, restore a backup, run an audit"),
    ("SQLITE_NOTADB", "the file is no database; stop the service, restore a backup, run an audit"),
)
_POSTGRESQL = (
    ("53100", "its disk is full; free space there, the service goes on by itself"),
    ("53300", "it has too many connections; raise max_connections, or run fewer processes"),
    ("25006", "it is read-only; make it writable, or use the primary: the service goes on by itself"),
    ("57P", "it is stopping or starting; the service goes on by itself once it runs"),
    ("08", "the connection broke; the service goes on by itself once it runs"),
    ("3D000", "the database does not exist there; look at HUZHENG_DATABASE"),
    ("XX001", "its data is damaged; stop the service, restore a backup, run an audit"),
    ("XX002", "an index of it is damaged; stop the service, REINDEX, run an audit"),
)
_UNREACHABLE = "it does not answer; start it, the service goes on by itself"
_DAMAGED = ("SQLITE_CORRUPT", "SQLITE_NOTADB")
_STALE = ("SQLITE_READONLY", "SQLITE_IOERR", "SQLITE_CANTOPEN")


def describe(error: BaseException | None) -> str:
    """One line for people about a driver's error: what it says, and what is to be done where that is known."""
    said = (str(error).splitlines() or ["no answer"])[0].strip()
    cause = _cause(error)
    return f"database: {cause} ({said})" if cause else f"database: {said}"


def _cause(error: BaseException | None) -> str:
    if isinstance(error, sqlite3.Error):
        return _first(_SQLITE, getattr(error, "sqlite_errorname", None) or "")
    if isinstance(error, psycopg.Error):
        if error.sqlstate is None and isinstance(error, psycopg.OperationalError):
            return _UNREACHABLE
        return _first(_POSTGRESQL, error.sqlstate or "")
    return ""


def _first(causes: tuple[tuple[str, str], ...], code: str) -> str:
    return next((cause for prefix, cause in causes if code.startswith(prefix)), "")


def is_damage(error: BaseException | None) -> bool:
    """Whether SQLite found its own file damaged; the driver has no class of its own for that."""
    return getattr(error, "sqlite_errorname", "").startswith(_DAMAGED)


def is_stale(error: BaseException) -> bool:
    """Whether the connection may fail for ever: SQLite opens a file that cannot be written for reading alone, and keeps
    it so when the cause is gone."""
    return getattr(getattr(error, "orig", error), "sqlite_errorname", "").startswith(_STALE)
