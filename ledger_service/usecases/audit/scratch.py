"""What one audit remembers of a log of any length: in an SQLite file of its own, a bounded part of it in memory.

Without a path the file is a nameless temporary one, which is gone when the audit ends, however it ends. Nothing in it
is the ledger's. What the walk learns of a stretch is written when the stretch is done; in a file with a path it lasts
from one `save` to the next.
"""

import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TypeVar

import msgspec

from anchors.core.errors import Error
from ledger_service.usecases.ports import PREFIX_BYTES, Logged, SubjectState

MEMBERS_IN_MEMORY = 65_536
CACHE_KIBIBYTES = 65_536
MOST_VALUES = 4_096

_SCHEMA = """
CREATE TABLE subjects (subject BLOB PRIMARY KEY, owner TEXT NOT NULL, first INTEGER NOT NULL, current INTEGER)
    WITHOUT ROWID;
CREATE TABLE listed (subject BLOB PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE statements (position INTEGER PRIMARY KEY, id BLOB NOT NULL, kind TEXT NOT NULL, institution TEXT NOT NULL,
    subject BLOB NOT NULL, links TEXT NOT NULL);
CREATE INDEX statements_by_id ON statements (id);
CREATE TABLE true_ids (position INTEGER PRIMARY KEY, id BLOB NOT NULL);
CREATE TABLE members (name TEXT NOT NULL, member BLOB NOT NULL, PRIMARY KEY (name, member)) WITHOUT ROWID;
CREATE TABLE holds (position INTEGER PRIMARY KEY, about INTEGER, effective INTEGER NOT NULL);
CREATE TABLE corrections (report INTEGER NOT NULL, position INTEGER NOT NULL, PRIMARY KEY (report, position))
    WITHOUT ROWID;
CREATE TABLE given (hash BLOB PRIMARY KEY, parts BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE taken (position INTEGER PRIMARY KEY, hash BLOB NOT NULL);
CREATE TABLE pages (number INTEGER PRIMARY KEY, bits BLOB NOT NULL);
CREATE TABLE rules (position INTEGER PRIMARY KEY, rule BLOB NOT NULL);
CREATE TABLE saved (id INTEGER PRIMARY KEY CHECK (id = 1), about TEXT NOT NULL, saved BLOB);
"""

Member = TypeVar("Member", bytes, int)

_links = msgspec.json.Decoder(dict[str, int])
_encoder = msgspec.json.Encoder()


class StateRefused(Error):
    """The file of a state cannot be used."""


class Scratch:
    """The file, with a part for each thing that is remembered. Leaving it as a context lets go of the file, as it was
    when it was saved last."""

    def __init__(self, path: Path | None = None, about: Mapping[str, str] | None = None):
        """`about` says of what audit the file at `path` is. Raises `StateRefused` where it is of another, or none."""
        self.lasts = path is not None
        self._path = path
        try:
            self.connection = connection = sqlite3.connect(path or "", timeout=0, isolation_level=None)
            try:
                self._open(path, dict(about or {}))
            except BaseException:
                connection.close()
                raise
        except sqlite3.Error as error:
            why = f"{path}: {error}; name a file of an audit that nobody else uses, or a new one"
            raise StateRefused(why) from None
        self._sets: list[Members] = []
        self.subjects = Subjects(connection)
        self.statements = Statements(connection)
        self.true_ids = TrueIds(connection)
        self.holds = Holds(connection)
        self.corrections = Corrections(connection)
        self.given = Given(connection)
        self.rules = Rules(connection)

    def _open(self, path: Path | None, about: dict[str, str]) -> None:
        run = self.connection.execute
        is_new = not run("SELECT count(*) FROM sqlite_master").fetchone()[0]
        known = about if is_new else msgspec.json.decode(run("SELECT about FROM saved").fetchone()[0])
        for name, value in about.items():
            if known.get(name) != value:
                is_of = f"{path} is the state of an audit of another {name} ({known.get(name)}, not {value})"
                raise StateRefused(f"{is_of}; name another file, or a new one")
        run("PRAGMA locking_mode = EXCLUSIVE")
        run(f"PRAGMA journal_mode = {'WAL' if self.lasts else 'OFF'}")
        run(f"PRAGMA synchronous = {'NORMAL' if self.lasts else 'OFF'}")
        run(f"PRAGMA cache_size = -{CACHE_KIBIBYTES}")
        run("BEGIN IMMEDIATE")
        if is_new:
            for command in filter(str.strip, _SCHEMA.split(";")):
                run(command)
            run("INSERT INTO saved VALUES (1, ?, NULL)", (msgspec.json.encode(about).decode(),))

    def members(self, name: str) -> "Members":
        """The set of this name."""
        self._sets.append(Members(self.connection, name))
        return self._sets[-1]

    def save(self, saved: bytes) -> None:
        """Make everything last, with what else there is to know."""
        for members in self._sets:
            members.settle()
        self.connection.execute("UPDATE saved SET saved = ?", (saved,))
        self.connection.execute("COMMIT")
        self.connection.execute("BEGIN IMMEDIATE")

    def saved(self) -> bytes | None:
        """What was saved, None where nothing was."""
        return self.connection.execute("SELECT saved FROM saved").fetchone()[0]

    def __enter__(self) -> "Scratch":
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        self.connection.close()
        if isinstance(error, sqlite3.Error):
            file = self._path or "the temporary file"
            raise StateRefused(f"{file}: {error}; make room, or name a file on another disk by --state") from None


class Subjects:
    """States of subjects. Those that a stretch may ask for are read with `load`, before it is judged; what changed
    is written with `settle`, after it."""

    def __init__(self, connection: sqlite3.Connection):
        self._connection = connection
        self._here: dict[bytes, SubjectState] = {}
        self._changed: dict[bytes, SubjectState] = {}

    def load(self, wanted: Collection[bytes]) -> None:
        """Read the states of these subjects, and forget all others."""
        rows = _select(self._connection, "SELECT subject, owner, first, current FROM subjects WHERE subject", wanted)
        self._here = {subject: SubjectState(*state) for subject, *state in rows}

    def get(self, subject: bytes) -> SubjectState | None:
        """The state of a subject that was loaded, None before anything was issued under it."""
        return self._here.get(subject)

    def put(self, subject: bytes, state: SubjectState) -> None:
        """A subject's new state."""
        self._here[subject] = self._changed[subject] = state

    def settle(self) -> None:
        """Write what changed."""
        rows = [(subject, state.owner, state.first, state.current) for subject, state in self._changed.items()]
        self._connection.executemany("INSERT OR REPLACE INTO subjects VALUES (?, ?, ?, ?)", rows)
        self._changed.clear()

    def __len__(self) -> int:
        return self._connection.execute("SELECT count(*) FROM subjects").fetchone()[0]

    def list_with_rows(self) -> None:
        """Note which subjects were amended or withdrawn, or began when another had begun alike."""
        began = f"min(first) OVER (PARTITION BY substr(subject, 1, {PREFIX_BYTES})) AS began"
        self._connection.execute("DELETE FROM listed")
        self._connection.execute(
            f"INSERT INTO listed SELECT subject FROM (SELECT subject, first, current, {began} FROM subjects) "
            "WHERE current IS NOT first OR first <> began"
        )

    def take_listed(self, subjects: Collection[bytes]) -> dict[bytes, tuple[SubjectState, bool]]:
        """State of each of these subjects, and whether it was noted; it no longer is."""
        query = (
            "SELECT subject, owner, first, current, listed.subject IS NOT NULL FROM subjects LEFT JOIN listed "
            "USING (subject) WHERE subjects.subject"
        )
        rows = list(_select(self._connection, query, subjects))
        taken = [(subject,) for subject, *_, listed in rows if listed]
        self._connection.executemany("DELETE FROM listed WHERE subject = ?", taken)
        return {subject: (SubjectState(*state), bool(listed)) for subject, *state, listed in rows}

    def still_listed(self) -> Iterator[bytes]:
        """Those that are noted, in order."""
        return (subject for (subject,) in self._connection.execute("SELECT subject FROM listed ORDER BY subject"))


class Statements:
    """Statements by id and by position, as later ones see them."""

    def __init__(self, connection: sqlite3.Connection):
        self._connection = connection
        self._new: list[Logged] = []
        self._any = connection.execute("SELECT 1 FROM statements LIMIT 1").fetchone() is not None

    def add(self, logged: Logged) -> None:
        """Remember one. It is found once it was settled."""
        self._new.append(logged)

    def settle(self) -> None:
        """Write what was added."""
        if not self._new:
            return
        rows = [(s.index, s.id, s.kind, s.institution, s.subject, _encoder.encode(s.links).decode()) for s in self._new]
        self._connection.executemany("INSERT OR REPLACE INTO statements VALUES (?, ?, ?, ?, ?, ?)", rows)
        self._new, self._any = [], True

    def find(self, ids: Collection[bytes]) -> dict[bytes, Logged]:
        """Those of these ids."""
        if not self._any:
            return {}
        query = "SELECT position, id, kind, institution, subject, links FROM statements WHERE id"
        found = (Logged(*row[:-1], _links.decode(row[-1])) for row in _select(self._connection, query, ids))
        return {logged.id: logged for logged in sorted(found, key=lambda logged: logged.index)}

    def between(self, begin: int, end: int) -> dict[int, tuple[bytes, str]]:
        """Id and links (positions by rel, as JSON) by position."""
        query = "SELECT position, id, links FROM statements WHERE position >= ? AND position < ?"
        return {position: (id, links) for position, id, links in self._connection.execute(query, (begin, end))}


class TrueIds:
    """The ids of entries of which the index has another, by position; empty where the entry is none."""

    def __init__(self, connection: sqlite3.Connection):
        self._connection = connection

    def add(self, position: int, id: bytes) -> None:
        """That of one entry."""
        self._connection.execute("INSERT OR REPLACE INTO true_ids VALUES (?, ?)", (position, id))

    def at(self, positions: Collection[int]) -> dict[int, bytes]:
        """Those at these positions."""
        return dict(_select(self._connection, "SELECT position, id FROM true_ids WHERE position", positions))


class Members:
    """A set of bytes or of integers: what was added last is in memory."""

    def __init__(self, connection: sqlite3.Connection, name: str):
        self._connection = connection
        self._name = name
        self._new: set[Member] = set()
        query = "SELECT 1 FROM members WHERE name = ? LIMIT 1"
        self._any = connection.execute(query, (name,)).fetchone() is not None

    def add(self, member: Member) -> None:
        """Put it in."""
        self._new.add(member)
        if len(self._new) > MEMBERS_IN_MEMORY:
            self.settle()

    def settle(self) -> None:
        """Write what is in memory."""
        if not self._new:
            return
        self._connection.executemany(
            "INSERT OR IGNORE INTO members VALUES (?, ?)", [(self._name, member) for member in self._new]
        )
        self._new, self._any = set(), True

    def __contains__(self, member: Member) -> bool:
        if member in self._new:
            return True
        query = "SELECT 1 FROM members WHERE name = ? AND member = ?"
        return self._any and self._connection.execute(query, (self._name, member)).fetchone() is not None

    def __bool__(self) -> bool:
        return self._any or bool(self._new)


class Holds:
    """What each hold or dispute names, None where that is not known, and whether it has an effect."""

    def __init__(self, connection: sqlite3.Connection):
        self._connection = connection

    def add(self, position: int, about: int | None, effective: bool) -> None:
        """That of the statement at a position."""
        self._connection.execute("INSERT OR REPLACE INTO holds VALUES (?, ?, ?)", (position, about, effective))

    def take(self, position: int) -> tuple[int | None, bool] | None:
        """That of the statement at a position, None where there is none or it was taken."""
        query = "SELECT about, effective FROM holds WHERE position = ?"
        row = self._connection.execute(query, (position,)).fetchone()
        self._connection.execute("DELETE FROM holds WHERE position = ?", (position,))
        return None if row is None else (row[0], bool(row[1]))

    def __iter__(self) -> Iterator[tuple[int, int | None, bool]]:
        """Those that were not taken, by position."""
        query = "SELECT position, about, effective FROM holds ORDER BY position"
        return ((at, about, bool(effective)) for at, about, effective in self._connection.execute(query))


class Corrections:
    """Where the corrections of a version of a report stand, by its position."""

    def __init__(self, connection: sqlite3.Connection):
        self._connection = connection

    def add(self, report: int, position: int) -> None:
        """One more of a report."""
        self._connection.execute("INSERT OR IGNORE INTO corrections VALUES (?, ?)", (report, position))

    def of(self, report: int) -> list[int]:
        """Those of a report, in order."""
        query = "SELECT position FROM corrections WHERE report = ? ORDER BY position"
        return [position for (position,) in self._connection.execute(query, (report,))]


class Rules:
    """The statements of the book of rules, as they were put into it."""

    def __init__(self, connection: sqlite3.Connection):
        self._connection = connection

    def add(self, position: int, rule: bytes) -> None:
        """That at a position."""
        self._connection.execute("INSERT OR REPLACE INTO rules VALUES (?, ?)", (position, rule))

    def __iter__(self) -> Iterator[bytes]:
        """All, by position."""
        return (rule for (rule,) in self._connection.execute("SELECT rule FROM rules ORDER BY position"))


class Given:
    """Contents that somebody kept, by their hash; and at which entries one belongs, once these were seen."""

    def __init__(self, connection: sqlite3.Connection):
        self._connection = connection

    def add(self, contents: Mapping[bytes, bytes]) -> None:
        """Stored parts by their content's hash. Of two copies that which shows more, and so is longer, is kept."""
        rows = list(contents.items())
        self._connection.executemany(
            "INSERT INTO given VALUES (?, ?) ON CONFLICT (hash) DO UPDATE SET parts = excluded.parts "
            "WHERE length(excluded.parts) > length(parts)",
            rows,
        )

    def __bool__(self) -> bool:
        return self._connection.execute("SELECT EXISTS (SELECT 1 FROM given)").fetchone()[0] == 1

    def take(self, wanted: Mapping[int, bytes]) -> dict[int, bytes]:
        """Stored parts by position; `wanted` are the hashes to which the entries there commit."""
        rows = _select(self._connection, "SELECT hash, parts FROM given WHERE hash", wanted.values())
        found = dict(rows)
        here = {position: found[hash] for position, hash in wanted.items() if hash in found}
        self._connection.executemany(
            "INSERT OR REPLACE INTO taken VALUES (?, ?)", [(position, wanted[position]) for position in here]
        )
        return here

    def at(self, positions: Collection[int]) -> dict[int, bytes]:
        """Stored parts by position, of those that were taken."""
        query = "SELECT position, parts FROM taken JOIN given USING (hash) WHERE position"
        return dict(_select(self._connection, query, positions))

    def unused(self) -> int:
        """How many belong to no entry that was seen."""
        query = "SELECT count(*) FROM given WHERE hash NOT IN (SELECT hash FROM taken)"
        return self._connection.execute(query).fetchone()[0]


def _select(connection: sqlite3.Connection, query: str, values: Iterable) -> Iterator[tuple]:
    """The rows of a query that ends in the column which must hold one of the values."""
    values = list(values)
    for begin in range(0, len(values), MOST_VALUES):
        some = values[begin : begin + MOST_VALUES]
        yield from connection.execute(f"{query} IN ({', '.join('?' * len(some))})", some)
