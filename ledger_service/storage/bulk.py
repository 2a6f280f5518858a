"""Many rows at once, in the caller's transaction, by the quickest way that each driver has.

SQLite takes many rows in one statement; PostgreSQL takes a binary COPY, and arrays where it is asked or replaces.
"""

from collections.abc import Collection, Iterator, Sequence
from functools import lru_cache
from itertools import chain

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Integer,
    LargeBinary,
    SmallInteger,
    String,
    Table,
)
from sqlalchemy.types import TypeEngine

VALUES_PER_QUERY = 1_024
ROWS_PER_INSERT = 512
"""On SQLite, whose prepared statements take some kilobytes a row and are kept."""
_POSTGRESQL_TYPES: tuple[tuple[type[TypeEngine], str], ...] = (
    (LargeBinary, "bytea"),
    (String, "text"),
    (BigInteger, "int8"),
    (SmallInteger, "int2"),
    (Integer, "int4"),
    (Boolean, "bool"),
)


def insert_rows(connection: Connection, table: Table, rows: Collection[tuple]) -> None:
    """Insert rows whose values stand in the order of the table's columns; they may leave out the number that the
    database gives."""
    if not rows:
        return
    columns = _given(table, len(next(iter(rows))))
    if connection.dialect.name != "postgresql":
        _insert_sqlite(connection, table.name, columns, list(rows), "")
        return
    names = ", ".join(f'"{column.name}"' for column in columns)
    with (
        connection.connection.driver_connection.cursor() as cursor,
        cursor.copy(f'COPY "{table.name}" ({names}) FROM STDIN (FORMAT BINARY)') as copy,
    ):
        copy.set_types(_types(columns))
        for row in rows:
            copy.write_row(row)


def replace_rows(connection: Connection, table: Table, rows: Collection[tuple]) -> None:
    """Insert rows, or put them in the place of those with the same primary key."""
    if not rows:
        return
    if connection.dialect.name == "postgresql":
        columns = tuple(list(column) for column in zip(*rows, strict=True))
        connection.exec_driver_sql(_postgresql_replace(table), columns)
    else:
        _insert_sqlite(connection, table.name, tuple(table.columns), list(rows), _on_conflict(table))


def select_rows(connection: Connection, query: str, values: Collection) -> Iterator[Sequence]:
    """The rows of `query`, an SQL text that ends in the column that must hold one of the values."""
    if connection.dialect.name == "postgresql":
        yield from _select_postgresql(connection, f"{query} = ANY(%b)", values)
        return
    for some in _few_lengths(values):
        marks = ", ".join("?" * len(some))
        yield from connection.connection.driver_connection.execute(f"{query} IN ({marks})", some)


def select_for_each(connection: Connection, query: str, values: Collection) -> Iterator[Sequence]:
    """The rows of `query`, an SQL text that knows the values as the table `wanted(value)`."""
    if connection.dialect.name == "postgresql":
        yield from _select_postgresql(connection, f"WITH wanted(value) AS (SELECT unnest(%b)) {query}", values)
        return
    for some in _few_lengths(values):
        marks = ", ".join(["(?)"] * len(some))
        with_values = f"WITH wanted(value) AS (VALUES {marks}) {query}"
        yield from connection.connection.driver_connection.execute(with_values, some)


def in_pieces(values: Sequence) -> Iterator[Sequence]:
    """Values in pieces that one query can name."""
    for begin in range(0, len(values), VALUES_PER_QUERY):
        yield values[begin : begin + VALUES_PER_QUERY]


def _select_postgresql(connection: Connection, query: str, values: Collection) -> Iterator[Sequence]:
    if not values:
        return
    # Binary: as text, bytes would come as hexadecimal digits.
    with connection.connection.driver_connection.cursor(binary=True) as cursor:
        yield from cursor.execute(query, (list(values),))


def _few_lengths(values: Collection) -> Iterator[tuple]:
    """Values in pieces whose lengths are powers of two, the last value repeated: few statements are made, and the
    driver keeps them prepared."""
    for some in in_pieces(list(values)):
        length = 1 << (len(some) - 1).bit_length()
        yield (*some, *some[-1:] * (length - len(some)))


def _given(table: Table, width: int) -> tuple[Column, ...]:
    """The columns of which a row of so many values has a value."""
    columns = tuple(table.columns)
    if width == len(columns):
        return columns
    return tuple(column for column in columns if column is not table.autoincrement_column)


@lru_cache(maxsize=64)
def _types(columns: tuple[Column, ...]) -> tuple[str, ...]:
    return tuple(next(name for kind, name in _POSTGRESQL_TYPES if isinstance(column.type, kind)) for column in columns)


def _insert_sqlite(
    connection: Connection, table: str, columns: tuple[Column, ...], rows: list[tuple], conflict: str
) -> None:
    """Many rows a statement: the driver lets go of the interpreter once a statement, so a row a statement would hand it
    to and fro between the thread that commits and the one that checks."""
    begin = 0
    while begin < len(rows):
        # Powers of two, so that few statements are made and the driver keeps them prepared.
        count = min(ROWS_PER_INSERT, 1 << ((len(rows) - begin).bit_length() - 1))
        values = tuple(chain.from_iterable(rows[begin : begin + count]))
        connection.exec_driver_sql(_sqlite_insert(table, columns, count, conflict), values)
        begin += count


@lru_cache(maxsize=256)
def _sqlite_insert(table: str, columns: tuple[Column, ...], count: int, conflict: str) -> str:
    names = ", ".join(f'"{column.name}"' for column in columns)
    marks = ", ".join([f"({', '.join('?' * len(columns))})"] * count)
    return f'INSERT INTO "{table}" ({names}) VALUES {marks} {conflict}'


@lru_cache(maxsize=64)
def _postgresql_replace(table: Table) -> str:
    arrays = ", ".join(f"%b::{name}[]" for name in _types(tuple(table.columns)))
    return f'INSERT INTO "{table.name}" SELECT * FROM unnest({arrays}) {_on_conflict(table)}'


@lru_cache(maxsize=64)
def _on_conflict(table: Table) -> str:
    keys = [column.name for column in table.primary_key]
    changed = (column.name for column in table.columns if column.name not in keys)
    changes = ", ".join(f'"{name}" = excluded."{name}"' for name in changed)
    return f"ON CONFLICT ({', '.join(keys)}) DO UPDATE SET {changes}"
