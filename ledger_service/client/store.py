"""The sender's durable store: one stream of numbered statements for each key (docs/spec/api.md, Submitting).

A statement is signed and stored, under the next number of its key, before it is sent; a crash between the two sends the
same bytes again, and the service answers with the same index. A statement is

    unsent      stored; not answered yet, or answered with a problem after which the same bytes may be accepted
    accepted    in the log under its index, with a receipt that was checked
    refused     refused for good: its number is free, and `mend` signs another statement under it

Numbers never move. What stands behind a refused statement waits until that one is mended, and is then sent as it is.
"""

import json
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path

from anchors.core.encoding import ZERO_WORD, encode_hex
from anchors.core.statement import Entry
from ledger_service.client.compose import Draft
from ledger_service.client.errors import WrongInput
from ledger_service.client.stored import ACCEPTED, REFUSED, UNSENT, Observed, Result, Stored, Stream, sign_draft

SUBMISSION_LIMIT = 1_000
LOCK_TIMEOUT_SECONDS = 30

_COLUMNS = "statement, key, sequence, place, entry, parts, withheld, state, log_index, problem, detail, source"


class Store:
    """The file. Every method that writes returns once its rows are on the disk (synchronous=FULL)."""

    def __init__(self, path: Path | str) -> None:
        self._path = Path(path)
        try:
            self._database = sqlite3.connect(self._path, isolation_level=None, timeout=LOCK_TIMEOUT_SECONDS)
            self._path.chmod(0o600)
            self._database.execute("PRAGMA journal_mode = WAL")
            self._database.execute("PRAGMA synchronous = FULL")
            self._database.execute("PRAGMA foreign_keys = ON")
            self._database.executescript(files(__package__).joinpath("schema.sql").read_text("utf-8"))
        except (sqlite3.Error, OSError) as error:
            raise WrongInput(f"{self._path}: cannot be used as a sender's store ({error}); give another file") from None

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def __enter__(self) -> "Store":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._database.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._database.execute("ROLLBACK")
            raise
        self._database.execute("COMMIT")

    # Streams

    def open_stream(
        self, key: bytes, *, chain_id: int, registry: bytes, origin: str, institution: str, first_sequence: int = 0
    ) -> Stream:
        """The stream of `key`, made with `first_sequence` as its next number where it is not there yet.

        Raises `WrongInput` where the file has a stream of this key for another log, chain or institution.
        """
        with self._transaction():
            self._database.execute(
                "INSERT INTO stream VALUES (?, ?, ?, ?, ?, ?, ?, 0) ON CONFLICT (key) DO NOTHING",
                (key, chain_id, registry, origin, institution, first_sequence, ZERO_WORD),
            )
            stream = self.stream(key)
        told = (chain_id, registry, origin, institution)
        if told != (stream.chain_id, stream.registry, stream.origin, stream.institution):
            raise WrongInput(
                f"{self._path}: key {encode_hex(key)} signs for {stream.institution} in {stream.origin} on chain "
                f"{stream.chain_id} here; use that trust file, or another store"
            )
        return stream

    def streams(self) -> list[Stream]:
        """All streams, by key."""
        return [_read_stream(row) for row in self._database.execute("SELECT * FROM stream ORDER BY key")]

    def stream(self, key: bytes) -> Stream:
        """The stream of `key`. Raises `WrongInput`."""
        row = self._database.execute("SELECT * FROM stream WHERE key = ?", (key,)).fetchone()
        if row is None:
            raise WrongInput(f"{self._path}: has no stream of key {encode_hex(key)}; record something with it first")
        return _read_stream(row)

    # Signing

    def sign(
        self,
        key: bytes,
        secret: bytes,
        draft: Draft,
        *,
        observed: Observed | None = None,
        source: str | None = None,
        now: Callable[[], float] = time.time,
    ) -> Stored:
        """Sign one draft under the key's next number and store it."""
        return self.sign_all(key, secret, [(draft, source)], observed=observed, now=now)[0]

    def sign_all(
        self,
        key: bytes,
        secret: bytes,
        drafts: Iterable[tuple[Draft, str | None]],
        *,
        observed: Observed | None = None,
        now: Callable[[], float] = time.time,
    ) -> list[Stored]:
        """Sign drafts, each with its source or None, under the key's next numbers, and store all of them or none.

        `drafts` may be a generator: each is signed and stored before the next is taken, so that a later draft can name
        the statement id of an earlier one (`by_source`). `observed` is named if it is newer than what the key named
        before; a source that is stored already gives the statement stored then.
        """
        signed = []
        with self._transaction():
            stream = self.stream(key)
            seen = observed if observed and observed.size > stream.observed.size else stream.observed
            sequence, place = stream.next_sequence, self._next_place()
            for draft, source in drafts:
                stored = self.by_source(source) if source else None
                if stored is None:
                    stored = sign_draft(stream, secret, draft, sequence, place, seen.witness_id, now, source)
                    self._insert(stored)
                    sequence, place = sequence + 1, place + 1
                signed.append(stored)
            if sequence > stream.next_sequence:
                self._database.execute(
                    "UPDATE stream SET next_sequence = ?, observed = ?, observed_size = ? WHERE key = ?",
                    (sequence, seen.witness_id, seen.size, key),
                )
        return signed

    def mend(
        self, key: bytes, secret: bytes, sequence: int, draft: Draft, *, now: Callable[[], float] = time.time
    ) -> Stored:
        """Sign another statement under the number of a refused one. Raises `WrongInput`.

        It names the head that the refused one named, because those behind it are signed already and heads never go
        back; only where just that was refused, it names the predecessor's.
        """
        with self._transaction():
            refused = self._refused(key, sequence, "mended")
            observed = Entry.from_bytes(refused.entry).statement.observed
            if refused.problem in ("observed-backwards", "observed-unknown"):
                observed = self._observed_before(key, sequence)
            mended = sign_draft(self.stream(key), secret, draft, sequence, refused.place, observed, now, refused.source)
            self._insert(mended)
        return mended

    def send_again(self, key: bytes, sequence: int) -> Stored:
        """Make a refused statement unsent, bytes unchanged, because what it was refused for was put right elsewhere."""
        with self._transaction():
            refused = self._refused(key, sequence, "sent again")
            self._database.execute(
                "UPDATE statement SET state = 'unsent', problem = NULL, detail = NULL WHERE statement = ?",
                (refused.statement,),
            )
        return self.statement(refused.statement)

    def _refused(self, key: bytes, sequence: int, done_to: str) -> Stored:
        found = [stored for stored in self.blocked(key) if stored.sequence == sequence]
        if not found:
            raise WrongInput(f"number {sequence} of key {encode_hex(key)} is not refused, so it cannot be {done_to}")
        return found[-1]

    def _observed_before(self, key: bytes, sequence: int) -> bytes:
        row = self._database.execute(
            "SELECT entry FROM statement WHERE key = ? AND sequence < ? AND state <> 'refused' "
            "ORDER BY sequence DESC LIMIT 1",
            (key, sequence),
        ).fetchone()
        return Entry.from_bytes(row[0]).statement.observed if row else ZERO_WORD

    def _next_place(self) -> int:
        return self._database.execute("SELECT coalesce(max(place), 0) + 1 FROM statement").fetchone()[0]

    def _insert(self, stored: Stored) -> None:
        self._database.execute(
            "INSERT INTO statement (statement, key, sequence, place, entry, parts, withheld, state, source) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, 'unsent', ?)",
            (
                stored.statement,
                stored.key,
                stored.sequence,
                stored.place,
                stored.entry,
                json.dumps(stored.parts, ensure_ascii=False),
                json.dumps(stored.withheld),
                stored.source,
            ),
        )

    # Reading

    def statement(self, statement: bytes) -> Stored:
        """The statement of an id (32 bytes). Raises `WrongInput`."""
        found = self._select("statement = ?", statement)
        if not found:
            raise WrongInput(f"{self._path}: has no statement {encode_hex(statement)}")
        return found[0]

    def by_source(self, source: str) -> Stored | None:
        """The statement that came from `source`: what stands under its number, or a refused one that nothing mended."""
        found = self._select("source = ? ORDER BY state = 'refused', place DESC LIMIT 1", source)
        return found[0] if found else None

    def statements(self, key: bytes) -> list[Stored]:
        """All statements of a key by number, the refused ones before what took their place."""
        return self._select("key = ? ORDER BY sequence, state = 'refused' DESC", key)

    def unsent(self, keys: Sequence[bytes], *, after: int = 0, limit: int = SUBMISSION_LIMIT) -> list[Stored]:
        """Up to `limit` unsent statements of `keys` from behind place `after` on, in the order in which to send them.

        Those behind a refused number that is not mended yet are left out.
        """
        free = []
        for key in keys:
            blocked = self.blocked(key)
            bound = min((stored.sequence for stored in blocked), default=2**63 - 1)
            free.append((key, bound))
        found: list[Stored] = []
        for key, bound in free:
            condition = "key = ? AND state = 'unsent' AND sequence < ? AND place > ? ORDER BY place LIMIT ?"
            found += self._select(condition, key, bound, after, limit)
        return sorted(found, key=lambda stored: stored.place)[:limit]

    def waiting(self, key: bytes) -> list[Stored]:
        """The unsent statements of a key, by number, also those behind a refused one."""
        return self._select("key = ? AND state = 'unsent' ORDER BY sequence", key)

    def blocked(self, key: bytes) -> list[Stored]:
        """The refused statements of a key whose numbers nothing has taken yet: each must be mended."""
        return self._select(
            "key = ? AND state = 'refused' AND NOT EXISTS (SELECT 1 FROM statement AS other WHERE "
            "other.key = statement.key AND other.sequence = statement.sequence AND other.state <> 'refused') "
            "ORDER BY sequence",
            key,
        )

    def counts(self, key: bytes) -> dict[str, int]:
        """How many statements of a key are in each state."""
        rows = self._database.execute("SELECT state, count(*) FROM statement WHERE key = ? GROUP BY state", (key,))
        return {UNSENT: 0, ACCEPTED: 0, REFUSED: 0} | dict(rows.fetchall())

    def at_index(self, origin: str, index: int) -> bytes | None:
        """The id of our statement that a log accepted under `index`, or None."""
        row = self._database.execute(
            "SELECT statement FROM statement JOIN stream USING (key) WHERE log_index = ? AND origin = ?",
            (index, origin),
        ).fetchone()
        return row[0] if row else None

    def answers(self) -> list[tuple[int, str, str]]:
        """Every answer that was received, oldest first: when (Unix seconds), the verdict, and the body as received."""
        return self._database.execute("SELECT received_at, verdict, body FROM answer ORDER BY number").fetchall()

    def accepted_answers(self, origin: str) -> Iterator[tuple[str, list[str], list[Stored]]]:
        """Every answer that brought statements into a log: its body, the ids that were sent for it (hex), and those
        statements."""
        rows = self._database.execute(
            "SELECT number, body, sent FROM answer WHERE verdict = 'ok' AND EXISTS (SELECT 1 FROM statement JOIN "
            "stream USING (key) WHERE answer = number AND state = 'accepted' AND origin = ?) ORDER BY number",
            (origin,),
        ).fetchall()
        for number, body, sent in rows:
            yield body, json.loads(sent), self._select("answer = ? AND state = 'accepted' ORDER BY log_index", number)

    def _select(self, condition: str, *arguments: object) -> list[Stored]:
        rows = self._database.execute(f"SELECT {_COLUMNS} FROM statement WHERE {condition}", arguments)
        return [Stored(*row[:5], tuple(json.loads(row[5])), tuple(json.loads(row[6])), *row[7:]) for row in rows]

    # Answers

    def record_answer(
        self,
        body: str,
        sent: Sequence[bytes],
        results: Sequence[Result],
        verdict: str,
        *,
        now: Callable[[], float] = time.time,
    ) -> None:
        """Keep an answer. Its results change the statements' states only where the verdict is 'ok'."""
        with self._transaction():
            number = self._database.execute(
                "INSERT INTO answer (received_at, body, sent, verdict) VALUES (?, ?, ?, ?)",
                (int(now()), body, json.dumps([encode_hex(statement) for statement in sent]), verdict),
            ).lastrowid
            if verdict == "ok":
                self._database.executemany(
                    "UPDATE statement SET state = ?, log_index = ?, problem = ?, detail = ?, answer = ? "
                    "WHERE statement = ? AND state = 'unsent'",
                    [_outcome(result, number) for result in results],
                )


def _read_stream(row: tuple) -> Stream:
    return Stream(*row[:6], Observed(row[6], row[7]))


def _outcome(result: Result, answer: int) -> tuple:
    if result.index is not None:
        return (ACCEPTED, result.index, None, None, answer, result.statement)
    state = UNSENT if result.retry else REFUSED
    return (state, None, result.problem, result.detail, answer, result.statement)
