"""What a witness cosigned last of each log: one SQLite file, on the disk before anything is answered."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from anchors.core.merkle import EMPTY_ROOT
from ledger_service.client.errors import WrongInput

MOST_SUSPECTS = 1_000
_BUSY_SECONDS = 10
_SCHEMA = """
CREATE TABLE cosigned (origin TEXT PRIMARY KEY, size INTEGER NOT NULL, root BLOB NOT NULL, time INTEGER NOT NULL);
CREATE TABLE suspects (id INTEGER PRIMARY KEY, seen_at INTEGER NOT NULL, request BLOB NOT NULL UNIQUE);
"""


@dataclass(frozen=True)
class Cosigned:
    """The checkpoint of a log that was cosigned last, and when; an empty tree before the first."""

    size: int = 0
    root: bytes = EMPTY_ROOT
    time: int = 0


class CosignerState:
    """The file. Several threads and processes may use it; they take turns."""

    def __init__(self, path: Path, *, new: bool = False):
        """Open it; with `new` make it, which is for a witness that never cosigned. Raises `WrongInput`."""
        if new == path.exists():
            forgot = "a witness that forgot what it saw must not cosign: put the file back"
            lost = f"{path} is not there; {forgot}, or, if this key never cosigned anything, give --new"
            raise WrongInput(f"{path} exists already; leave --new out" if new else lost)
        self._lock = threading.Lock()
        try:
            self._connection = sqlite3.connect(path, _BUSY_SECONDS, isolation_level=None, check_same_thread=False)
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = FULL")
            if new:
                self._connection.executescript(f"BEGIN; {_SCHEMA} COMMIT;")
            self._connection.execute("SELECT origin, size, root, time FROM cosigned LIMIT 1").fetchall()
        except sqlite3.Error as error:
            raise WrongInput(f"{path} is no state of a witness, or cannot be used: {error}") from None

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    @contextmanager
    def turn(self, origin: str) -> Iterator["Turn"]:
        """Read and replace what was cosigned of a log, with nobody in between. What was put is on the disk once the
        block has ended without an error; an error undoes it."""
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield Turn(self._connection, origin)
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    def keep_suspect(self, request: bytes, seen_at: int) -> None:
        """Keep a request that a log signed and that contradicts what it signed before; of many, the first ones."""
        with self._lock:
            count = "SELECT count(*) FROM suspects"
            if self._connection.execute(count).fetchone()[0] < MOST_SUSPECTS:
                command = "INSERT OR IGNORE INTO suspects (seen_at, request) VALUES (?, ?)"
                self._connection.execute(command, (seen_at, request))

    def suspects(self) -> list[bytes]:
        """The requests that were kept."""
        with self._lock:
            return [row[0] for row in self._connection.execute("SELECT request FROM suspects ORDER BY id")]


class Turn:
    """One log's row while nobody else may touch it."""

    def __init__(self, connection: sqlite3.Connection, origin: str):
        self._connection = connection
        self._origin = origin

    def last(self) -> Cosigned:
        """What was cosigned last."""
        query = "SELECT size, root, time FROM cosigned WHERE origin = ?"
        row = self._connection.execute(query, (self._origin,)).fetchone()
        return Cosigned(*row) if row else Cosigned()

    def put(self, cosigned: Cosigned) -> None:
        """Replace it."""
        command = (
            "INSERT INTO cosigned (origin, size, root, time) VALUES (?, ?, ?, ?) ON CONFLICT (origin) DO UPDATE SET "
            "size = excluded.size, root = excluded.root, time = excluded.time"
        )
        self._connection.execute(command, (self._origin, cosigned.size, cosigned.root, cosigned.time))
