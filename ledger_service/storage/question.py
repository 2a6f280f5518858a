"""A query that is asked again and again."""

from collections import namedtuple
from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, Select


class Question:
    """A query of SQLAlchemy's, whose text is made once. SQLite's driver is given it directly: SQLAlchemy takes ten
    times as long to ask as SQLite to answer. A server may hang up, of which SQLAlchemy must learn."""

    def __init__(self, query: Select):
        self._query = query
        self._row = namedtuple("Row", query.selected_columns.keys())
        self._texts: dict[str, tuple[str, dict[str, object]]] = {}

    def ask(self, connection: Connection, **values: object) -> list[Sequence]:
        """The rows, with the query's columns by name; `values` are those of its bound parameters."""
        return [self._row._make(row) for row in self._run(connection, values)]

    def ask_values(self, connection: Connection, **values: object) -> list:
        """The same of a query for one column: what stands in it."""
        return [value for (value,) in self._run(connection, values)]

    def _run(self, connection: Connection, values: dict[str, object]) -> Iterable[Sequence]:
        text, limits = self._text(connection)
        is_file = connection.dialect.name == "sqlite"
        run = connection.connection.driver_connection.execute if is_file else connection.exec_driver_sql
        return run(text, limits | values)

    def _text(self, connection: Connection) -> tuple[str, dict[str, object]]:
        dialect = connection.dialect
        if dialect.name not in self._texts:
            # The driver of SQLite takes names too, SQLAlchemy just does not ask it to.
            names = "pyformat" if dialect.name == "postgresql" else "named"
            compiled = self._query.compile(dialect=type(dialect)(paramstyle=names))
            self._texts[dialect.name] = compiled.string, compiled.params
        return self._texts[dialect.name]
