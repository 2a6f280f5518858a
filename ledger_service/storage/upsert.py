"""Insert rows or replace those with the same primary key, in the caller's transaction."""

from collections.abc import Sequence

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite

_INSERTS = {"postgresql": postgresql.insert, "sqlite": sqlite.insert}


def upsert_rows(connection: Connection, table: Table, rows: Sequence[tuple]) -> None:
    """Write rows whose values stand in the order of the table's columns; the primary key decides."""
    if not rows:
        return
    insert = _INSERTS[connection.dialect.name](table)
    keys = [column.name for column in table.primary_key]
    changed = {column.name: insert.excluded[column.name] for column in table.columns if column.name not in keys}
    names = [column.name for column in table.columns]
    connection.execute(
        insert.on_conflict_do_update(index_elements=keys, set_=changed),
        [dict(zip(names, row, strict=True)) for row in rows],
    )
