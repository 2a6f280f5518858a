"""Every change of one value and every row put in or taken out, of every table of the schema; which row, a seed says."""

import os
import random
import sqlite3
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from asn1crypto import cms
from sqlalchemy import Boolean, Column, Integer, LargeBinary, Table, UniqueConstraint

from ledger_service.storage import schema
from tests.audit.world import flipped

SEED = os.environ.get("HUZHENG_MUTATIONS", "1")
"""Another seed chooses other rows, bits and letters."""
TRIES = 1_000
Change = Callable[[Any, random.Random], Any]
REMOVED, ADDED = "row removed", "row added"

_LATER = (
    'EXISTS (SELECT 1 FROM prefixes AS other WHERE other.young = 0 AND other.what = "prefixes".what '
    'AND other.prefix = "prefixes".prefix AND other.position > "prefixes".position)'
)
_WITNESSED = "size IN (SELECT new_size FROM heads)"
_RENEWED = "number IN (SELECT renews FROM timestamps WHERE renews IS NOT NULL)"
CHOICES = {
    ("checkpoints", REMOVED): {"witnessed": _WITNESSED, "not witnessed": f"NOT {_WITNESSED}"},
    ("timestamps", "number"): {"renewed": _RENEWED, "not renewed": f"NOT {_RENEWED}"},
    ("timestamps", REMOVED): {"renewed": _RENEWED, "not renewed": f"NOT {_RENEWED}"},
    ("timestamps", ADDED): {"a renewal": "renews IS NOT NULL", "a first one": "renews IS NULL"},
    # What renews a token is over all of it.
    ("timestamps", "token (what stands beside)"): {"": f"NOT {_RENEWED}"},
    ("prefixes", "young"): {
        "young": "young = 1",
        "old, with a later one": f"young = 0 AND {_LATER}",
        "old": f"young = 0 AND NOT {_LATER}",
    },
}
"""Where it depends on the row what follows: the rows among which one is chosen, by what is added to the name."""


def _bit(value: bytes, chance: random.Random) -> bytes:
    number = chance.randrange(8 * len(value))
    return flipped(value, number // 8, number % 8)


def _bit_within(value: bytes, begin: int, end: int, chance: random.Random) -> bytes:
    return value[:begin] + _bit(value[begin:end], chance) + value[end:]


def _signed_of_token(value: bytes, chance: random.Random) -> bytes:
    """What the token states, or the certificate by which it was signed."""
    signed = cms.ContentInfo.load(value)["content"]
    stated, signer = signed["encap_content_info"]["content"].contents, signed["certificates"][0].dump()
    begin, length = chance.choice([(value.find(part), len(part)) for part in (stated, signer)])
    return _bit_within(value, begin, begin + length, chance)


def _beside_token(value: bytes, chance: random.Random) -> bytes:
    """The signature of the authority's own certificate, which the trust file has."""
    root = cms.ContentInfo.load(value)["content"]["certificates"][1].dump()
    end = value.find(root) + len(root)
    return _bit_within(value, end - 16, end, chance)


def _letter(value: str, chance: random.Random, begin: int = 0, end: int | None = None) -> str:
    letters = [at for at in range(len(value))[begin:end] if value[at].isascii() and value[at].isalnum()] or [0]
    at = chance.choice(letters)
    return value[:at] + ("b" if value[at] == "a" else "a") + value[at + 1 :]


def _deflated_otherwise(value: bytes, chance: random.Random) -> bytes:
    return zlib.compress(zlib.decompress(value), 1)


def _other_proof(value: bytes, chance: random.Random) -> bytes:
    """A bit by which it does not inflate to the same."""
    while True:
        changed = _bit(value, chance)
        with suppress(zlib.error):
            if zlib.decompressobj().decompress(changed) == zlib.decompress(value):
                continue
        return changed


CHANGES: dict[tuple[str, str], dict[str, Change]] = {
    ("chain", "final_number"): {"raised": lambda value, _: value + 1, "lowered": lambda value, _: value - 1},
    ("cosignatures", "line"): {
        "what is signed": lambda value, chance: _letter(value, chance, len(value) - 99, len(value) - 4),
        "by which key": lambda value, chance: _letter(value, chance, len(value) - 105, len(value) - 100),
    },
    ("head_proofs", "proof"): {"what it says": _other_proof, "deflated otherwise": _deflated_otherwise},
    ("timestamps", "token"): {"what is signed": _signed_of_token, "what stands beside": _beside_token},
}
"""Changes that are not of any bit or letter, or one more: by what is added to the name."""
NEVER_EMPTY = [("log", "registry_code"), ("log", "witness_code")]
"""Columns of a table of one row."""


@dataclass(frozen=True)
class Mutation:
    """One act on one row of a table: a column that is changed, or the row itself."""

    table: Table
    act: str
    column: Column | None
    where: str
    change: Change | None = None

    @property
    def name(self) -> tuple[str, str]:
        """Table and act."""
        return self.table.name, self.act

    def apply(self, path: Path) -> tuple[str, dict[str, Any], dict[str, Any]]:
        """Change a database; its URL, the row as it was and as it is, which is empty where it was taken out."""
        chance = random.Random(f"{SEED} {self.table.name} {self.act}")
        with sqlite3.connect(path) as connection:
            names = [column.name for column in self.table.columns]
            quoted = ", ".join(f'"{name}"' for name in names)
            keys = ", ".join(f'"{column.name}"' for column in self.table.primary_key)
            query = f'SELECT {quoted} FROM "{self.table.name}" WHERE {self.where} ORDER BY {keys}'
            rows = connection.execute(query).fetchall()
            assert rows, f"no row to choose from: {query}"
            before = dict(zip(names, chance.choice(rows), strict=True))
            after = _write(connection, self, before, chance)
        return f"sqlite:///{path}", before, after


def mutations() -> Iterator[Mutation]:
    """All of them."""
    for table in schema.metadata.sorted_tables:
        for column in table.columns:
            name, filled = (table.name, column.name), f'"{column.name}" IS NOT NULL'
            for label, change in CHANGES.get(name, {"": partial(_other, column)}).items():
                act = f"{column.name} ({label})" if label else column.name
                yield from _chosen(table, act, column, filled if column.nullable else "1", change)
            if column.nullable:
                yield from _chosen(table, f"{column.name} taken out", column, filled, lambda *_: None)
            if column.nullable and name not in NEVER_EMPTY:
                yield from _chosen(table, f"{column.name} put in", column, f"NOT {filled}", partial(_something, column))
        yield from _chosen(table, REMOVED, None, "1")
        yield from _chosen(table, ADDED, None, "1")


def _chosen(
    table: Table, act: str, column: Column | None, where: str, change: Change | None = None
) -> Iterator[Mutation]:
    for label, rows in CHOICES.get((table.name, act), {"": where}).items():
        named = f"{act} ({label})" if label else act
        yield Mutation(table, named, column, rows, change)


def _other(column: Column, value: Any, chance: random.Random) -> Any:
    """A bit, a letter or one more."""
    if isinstance(column.type, LargeBinary):
        return _bit(value, chance)
    if isinstance(column.type, Boolean):
        return not value
    if isinstance(column.type, Integer):
        return value + 1
    if not value:
        return "x"
    return _letter(value, chance)


def _something(column: Column, value: Any, chance: random.Random) -> Any:
    if isinstance(column.type, LargeBinary):
        return chance.randbytes(column.type.length or 8)
    return 7 if isinstance(column.type, Integer) else "mined"


def _write(
    connection: sqlite3.Connection, mutation: Mutation, before: dict[str, Any], chance: random.Random
) -> dict[str, Any]:
    table, keys = mutation.table, [column.name for column in mutation.table.primary_key]
    found = " AND ".join(f'"{key}" = ?' for key in keys)
    where = [before[key] for key in keys]
    if mutation.act.startswith(REMOVED):
        connection.execute(f'DELETE FROM "{table.name}" WHERE {found}', where)
        return {}
    after = dict(before)
    if mutation.column is None:
        for column in _alone(table):
            after[column.name] = after[column.name] and _other(column, after[column.name], chance)
    for _ in range(TRIES):
        # A key that another row has is changed on.
        try:
            if mutation.column is None:
                last = keys[-1]
                after[last] = _other(table.c[last], after[last], chance)
                names, places = ", ".join(f'"{name}"' for name in after), ", ".join("?" * len(after))
                connection.execute(f'INSERT INTO "{table.name}" ({names}) VALUES ({places})', list(after.values()))
            else:
                name = mutation.column.name
                after[name] = mutation.change(after[name], chance)
                connection.execute(f'UPDATE "{table.name}" SET "{name}" = ? WHERE {found}', [after[name], *where])
        except sqlite3.IntegrityError:
            continue
        return after
    raise AssertionError(f"{mutation.name}: no such change of {before} is possible")


def _alone(table: Table) -> list[Column]:
    """Columns besides the key of which no two rows have the same value."""
    return [column for each in table.constraints if isinstance(each, UniqueConstraint) for column in each.columns]
