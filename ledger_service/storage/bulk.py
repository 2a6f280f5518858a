"""Insert many rows at once: executemany on SQLite, COPY on PostgreSQL. Both go in the caller's transaction."""

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, Table

_sqlite_inserts: dict[str, str] = {}


def insert_rows(connection: Connection, table: Table, rows: Sequence[tuple]) -> None:
    """Insert rows whose values stand in the order of the table's columns."""
    if not rows:
        return
    if connection.dialect.name == "postgresql":
        _copy(connection, table, rows)
    else:
        connection.exec_driver_sql(_sqlite_insert(table), rows)


def _sqlite_insert(table: Table) -> str:
    if table.name not in _sqlite_inserts:
        marks = ", ".join("?" for _ in table.columns)
        _sqlite_inserts[table.name] = f'INSERT INTO "{table.name}" VALUES ({marks})'
    return _sqlite_inserts[table.name]


def _copy(connection: Connection, table: Table, rows: Iterable[tuple]) -> None:
    columns = ", ".join(f'"{column.name}"' for column in table.columns)
    with (
        connection.connection.driver_connection.cursor() as cursor,
        cursor.copy(f'COPY "{table.name}" ({columns}) FROM STDIN') as copy,
    ):
        for row in rows:
            copy.write_row(row)
