"""What holds what: read from the table `holds`, which is small beside the log."""

from collections.abc import Collection

from sqlalchemy import Connection, Engine, text

from ledger_service.storage.bulk import select_rows
from ledger_service.storage.database import unavailable_on_error
from ledger_service.storage.reader import read_statements
from ledger_service.storage.relations import holds_at, positions_about
from ledger_service.usecases.privacy_ports import Held

AT_ONCE = 500
PAGE = text("SELECT position FROM holds WHERE position > :after ORDER BY position LIMIT :most")
_NAMING = "SELECT position FROM holds WHERE about"
WHAT_THEY_NAME = "SELECT position, about FROM holds WHERE position"


class SqlDisputes:
    """`privacy_ports.Disputes` over SQLAlchemy Core."""

    def __init__(self, engine: Engine):
        self._engine = engine

    def page(self, subject: bytes | None, institution: str | None, after: int | None, limit: int) -> list[Held]:
        """See `privacy_ports.Disputes`."""
        begin, found = -1 if after is None else after, []
        with unavailable_on_error(), self._engine.connect() as connection:
            if subject is not None:
                about = positions_about(connection, subject)
                naming = (row[0] for row in select_rows(connection, _NAMING, about))
                positions = sorted(position for position in {*naming, *about} if position > begin)
                return _held(connection, positions, institution, limit)
            while len(found) < limit:
                positions = list(connection.execute(PAGE, {"after": begin, "most": AT_ONCE}).scalars())
                found += _held(connection, positions, institution, limit - len(found))
                if len(positions) < AT_ONCE:
                    break
                begin = positions[-1]
        return found


def _held(connection: Connection, positions: Collection[int], institution: str | None, limit: int) -> list[Held]:
    """The first of the holds and disputes at these positions that the institution signed."""
    holds = [
        (line.position, stands)
        for line, stands in holds_at(connection, positions)
        if institution is None or line.institution == institution
    ][:limit]
    about = dict(map(tuple, select_rows(connection, WHAT_THEY_NAME, [position for position, _ in holds])))
    statements = read_statements(connection, {*about, *about.values()})
    return [
        Held(statements[position], statements[about[position]], stands)
        for position, stands in holds
        if position in about
    ]
