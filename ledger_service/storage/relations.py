"""Who has to do with which report: read from the entries about its subject, whenever somebody asks to see it."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter

from sqlalchemy import Connection, Engine

from ledger_service.kinds import OPENINGS
from ledger_service.storage.bulk import select_rows
from ledger_service.storage.database import unavailable_on_error
from ledger_service.storage.finder import What, find_positions
from ledger_service.storage.links import decode_links
from ledger_service.storage.packed_entry import read_heading
from ledger_service.usecases.ports import HOLDING_KINDS
from ledger_service.usecases.privacy_ports import Hold, Relation

POSITIONS_AT_ONCE = 1_000
_ENTRIES = "SELECT position, entry, links FROM entries WHERE position"
_INSTITUTION, _SUBJECT = 2, 3
"""Where they stand in what `_rows_at` gives."""
_NAMING = "SELECT position, about FROM holds WHERE about"
_WITHDRAWN = "SELECT subject FROM subjects WHERE current IS NULL AND subject"


@dataclass(frozen=True)
class Line:
    """One entry, as far as it tells of relations."""

    position: int
    kind: str
    institution: str
    subject: bytes
    links: dict[str, int]


class SqlRelations:
    """`privacy_ports.Relations` over SQLAlchemy Core."""

    def __init__(self, engine: Engine):
        self._engine = engine

    def relation(self, subject: bytes, institutions: Collection[str]) -> Relation:
        """See `privacy_ports.Relations`."""
        with unavailable_on_error(), self._engine.connect() as connection:
            rows = _rows_about(connection, subject)
            own = [_line(row) for row in rows if row[_INSTITUTION] in institutions]
            return Relation(
                owns=bool(rows) and rows[0][_INSTITUTION] in institutions,
                signed=bool(own),
                opened=frozenset(_opened(connection, own)),
                named=frozenset(
                    about
                    for about, line in _standing_holds(connection, [row[0] for row in rows])
                    if line.institution in institutions
                ),
            )


def holds_on(connection: Connection, subject: bytes) -> Iterator[Hold]:
    """The holds and disputes that stand and name a statement about the subject."""
    standing = _standing_holds(connection, positions_about(connection, subject))
    return (Hold(line.kind, line.institution) for _, line in standing)


def positions_about(connection: Connection, subject: bytes) -> list[int]:
    """The positions of all entries about a subject."""
    return [row[0] for row in _rows_about(connection, subject)]


def holds_at(connection: Connection, positions: Collection[int]) -> list[tuple[Line, bool]]:
    """The holds and disputes at these positions, in order, each with whether it stands."""
    lines = sorted(_lines(connection, positions), key=lambda line: line.position)
    standing = {line.position for line in _standing(connection, lines)}
    return [(line, line.position in standing) for line in lines if line.kind in HOLDING_KINDS]


def _rows_about(connection: Connection, subject: bytes) -> list[Sequence]:
    """All entries about a subject, in order. There may be thousands, and the links of few are looked at."""
    found: list[Sequence] = []
    after = -1
    while True:
        positions = find_positions(connection, What.SUBJECT, subject, after, POSITIONS_AT_ONCE)
        found += sorted((row for row in _rows_at(connection, positions) if row[_SUBJECT] == subject), key=itemgetter(0))
        if len(positions) < POSITIONS_AT_ONCE:
            return found
        after = positions[-1]


def _rows_at(connection: Connection, positions: Collection[int]) -> Iterator[Sequence]:
    """What a line is made of, its links as they are stored."""
    for position, entry, links in select_rows(connection, _ENTRIES, positions):
        yield position, *read_heading(entry), links


def _line(row: Sequence) -> Line:
    *heading, links = row
    return Line(*heading, decode_links(links))


def _lines(connection: Connection, positions: Collection[int]) -> list[Line]:
    return [_line(row) for row in _rows_at(connection, positions)]


def _opened(connection: Connection, own: Collection[Line]) -> Iterator[int]:
    """The versions that were opened, unless the consent on which that rested was withdrawn."""
    opening = [line for line in own if line.kind in OPENINGS]
    consents = {line.links["consent"] for line in opening if "consent" in line.links}
    standing = {line.position for line in _standing(connection, _lines(connection, consents))}
    for line in opening:
        if "consent" not in line.links or line.links["consent"] in standing:
            yield line.links["report"]


def _standing_holds(connection: Connection, positions: Collection[int]) -> list[tuple[int, Line]]:
    """(position of the statement that is named, the hold or dispute) for each that stands."""
    naming = [(position, about) for position, about in select_rows(connection, _NAMING, positions)]
    lines = _standing(connection, _lines(connection, {position for position, _ in naming}))
    standing = {line.position: line for line in lines if line.kind in HOLDING_KINDS}
    return [(about, standing[position]) for position, about in set(naming) if position in standing]


def _standing(connection: Connection, lines: Collection[Line]) -> list[Line]:
    """Those that began something which was not withdrawn, released or closed."""
    ended = {subject for (subject,) in select_rows(connection, _WITHDRAWN, {line.subject for line in lines})}
    return [line for line in lines if line.subject not in ended]
