"""What responsibility is told by: where the statements of the book of rules stand, and the times of blocks."""

from sqlalchemy import Engine, bindparam, select

from ledger_service.storage import schema
from ledger_service.storage.database import unavailable_on_error
from ledger_service.storage.reader import stored_statements
from ledger_service.usecases.ports import StoredStatement

_entries, _contents, _heads = schema.entries.c, schema.contents.c, schema.heads.c
_RULES = (
    select(_entries.position, _entries.id, _entries.key, _entries.entry, _contents.parts)
    .join_from(schema.rulebook, schema.entries, schema.rulebook.c.position == _entries.position)
    .join(schema.contents, _contents.position == _entries.position)
    .where(schema.rulebook.c.position > bindparam("after"))
    .order_by(schema.rulebook.c.position)
    .limit(bindparam("most"))
)
_COVERING = select(_heads.time).where(_heads.new_size > bindparam("index")).order_by(_heads.new_size).limit(1)
_TIME = select(_heads.time).where(_heads.witness_id == bindparam("head"))


class SqlGrounds:
    """`rule_book.Rules` and `responsibility.HeadTimes` over SQLAlchemy Core."""

    def __init__(self, engine: Engine):
        self._engine = engine

    def rules(self, after: int, limit: int) -> list[StoredStatement]:
        """See `rule_book.Rules`."""
        with unavailable_on_error(), self._engine.connect() as connection:
            return list(stored_statements(connection.execute(_RULES, {"after": after, "most": limit})))

    def covering_time(self, index: int) -> int | None:
        """See `responsibility.HeadTimes`."""
        with unavailable_on_error(), self._engine.connect() as connection:
            return connection.execute(_COVERING, {"index": index}).scalar()

    def head_time(self, witness_id: bytes) -> int | None:
        """See `responsibility.HeadTimes`."""
        with unavailable_on_error(), self._engine.connect() as connection:
            return connection.execute(_TIME, {"head": witness_id}).scalar()
