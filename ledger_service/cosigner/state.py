"""What a witness cosigned last of each log, and what a log signed that does not fit it: one SQLite file, on the disk
before anything is answered."""

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
CREATE TABLE cosigned (
    origin TEXT PRIMARY KEY, size INTEGER NOT NULL, root BLOB NOT NULL, time INTEGER NOT NULL, note BLOB NOT NULL
);
CREATE TABLE suspects (
    text TEXT PRIMARY KEY, origin TEXT NOT NULL, seen_at INTEGER NOT NULL, proven INTEGER NOT NULL,
    note BLOB NOT NULL, cosigned BLOB NOT NULL
);
"""


@dataclass(frozen=True)
class Cosigned:
    """The checkpoint of a log that was cosigned last, when, and the note with the log's verified lines alone; an empty
    tree before the first."""

    size: int = 0
    root: bytes = EMPTY_ROOT
    time: int = 0
    note: bytes = b""


@dataclass(frozen=True)
class Suspect:
    """A note that a log signed, and the one that was cosigned last when it came (Unix seconds), both with the log's
    verified lines alone. `proven`: they have two roots at one size. Otherwise nobody showed that it extends that one,
    which may be the fault of who sent it."""

    seen_at: int
    proven: bool
    note: bytes
    cosigned: bytes


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
            self._connection.execute("SELECT note FROM cosigned LIMIT 1").fetchall()
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

    def suspects(self) -> list[Suspect]:
        """What was kept, the proven ones first, in the order in which their texts came."""
        query = "SELECT seen_at, proven, note, cosigned FROM suspects ORDER BY proven DESC, rowid"
        with self._lock:
            rows = self._connection.execute(query).fetchall()
        return [Suspect(seen_at, bool(proven), note, cosigned) for seen_at, proven, note, cosigned in rows]


class Turn:
    """One log's row while nobody else may touch it."""

    def __init__(self, connection: sqlite3.Connection, origin: str):
        self._connection = connection
        self._origin = origin

    def last(self) -> Cosigned:
        """What was cosigned last."""
        query = "SELECT size, root, time, note FROM cosigned WHERE origin = ?"
        row = self._connection.execute(query, (self._origin,)).fetchone()
        return Cosigned(*row) if row else Cosigned()

    def put(self, text: str, cosigned: Cosigned) -> None:
        """Replace it. What is cosigned, by the text of its note, is no suspect."""
        command = (
            "INSERT INTO cosigned (origin, size, root, time, note) VALUES (?, ?, ?, ?, ?) ON CONFLICT (origin) DO "
            "UPDATE SET size = excluded.size, root = excluded.root, time = excluded.time, note = excluded.note"
        )
        row = (self._origin, cosigned.size, cosigned.root, cosigned.time, cosigned.note)
        self._connection.execute(command, row)
        self._connection.execute("DELETE FROM suspects WHERE text = ?", (text,))

    def suspect(self, text: str, suspect: Suspect) -> None:
        """Keep it, once a text. Of many of a log, proven or not, the first ones are kept."""
        count = "SELECT count(*) FROM suspects WHERE origin = ? AND proven = ?"
        if self._connection.execute(count, (self._origin, suspect.proven)).fetchone()[0] >= MOST_SUSPECTS:
            return
        command = (
            "INSERT INTO suspects (text, origin, seen_at, proven, note, cosigned) VALUES (?, ?, ?, ?, ?, ?) "
            "ON CONFLICT (text) DO UPDATE SET seen_at = excluded.seen_at, proven = excluded.proven, "
            "note = excluded.note, cosigned = excluded.cosigned WHERE excluded.proven > suspects.proven"
        )
        row = (text, self._origin, suspect.seen_at, suspect.proven, suspect.note, suspect.cosigned)
        self._connection.execute(command, row)
