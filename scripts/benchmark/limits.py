"""What this machine can do at most, on one core and one disk: the limits that the other figures stand beside."""

import os
import secrets
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from itertools import cycle
from pathlib import Path

from coincurve import PrivateKey, PublicKey

ENTRY_BYTES = 289
SIGNATURES = 4_096
ROWS_PER_TRANSACTION = 4_000


@dataclass(frozen=True)
class Limits:
    """A second's worth: SHA-256 of 64 bytes on one core, flushes of one page to the disk, rows into bare SQLite."""

    sha256_per_s: float
    flush_per_s: float
    sqlite_rows_per_s: float


def measure_limits(folder: Path, seconds: float) -> Limits:
    """Each for so many seconds; `folder` is where the databases of the measurement lie."""
    folder.mkdir(parents=True, exist_ok=True)
    block = secrets.token_bytes(64)
    hashed = _rate(lambda: sha256(block).digest(), 1_000, seconds)
    return Limits(hashed, _flush_rate(folder / "flush", seconds), _rows_rate(folder / "rows.sqlite", seconds))


def recover_rate(seconds: float) -> float:
    """Recoveries a second of one core with coincurve, of signatures that all differ, as those of statements do: what
    accepting is held against. (One signature again and again is some six per cent quicker.)"""
    signed = cycle(_signatures())
    return _rate(lambda: PublicKey.from_signature_and_message(*next(signed), hasher=None), 100, seconds)


@cache
def _signatures() -> tuple[tuple[bytes, bytes], ...]:
    keys = cycle([PrivateKey(secrets.token_bytes(32)) for _ in range(64)])
    digests = [secrets.token_bytes(32) for _ in range(SIGNATURES)]
    return tuple((next(keys).sign_recoverable(digest, hasher=None), digest) for digest in digests)


def _rate(act: Callable[[], object], at_once: int, seconds: float) -> float:
    count, began = 0, time.perf_counter()
    while time.perf_counter() - began < seconds:
        for _ in range(at_once):
            act()
        count += at_once
    return count / (time.perf_counter() - began)


def _flush_rate(path: Path, seconds: float) -> float:
    page = secrets.token_bytes(4_096)
    with path.open("wb", buffering=0) as file:

        def flush() -> None:
            file.write(page)
            os.fdatasync(file.fileno())

        return _rate(flush, 1, seconds)


def _rows_rate(path: Path, seconds: float) -> float:
    """Rows as long as an entry, by number, with nothing beside them: durable transactions, as accepting has them."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("CREATE TABLE rows (position INTEGER PRIMARY KEY, entry BLOB NOT NULL)")
    entries = [(secrets.token_bytes(ENTRY_BYTES),) for _ in range(ROWS_PER_TRANSACTION)]

    def insert() -> None:
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany("INSERT INTO rows (entry) VALUES (?)", entries)
        connection.execute("COMMIT")

    try:
        return _rate(insert, 1, seconds) * ROWS_PER_TRANSACTION
    finally:
        connection.close()
