"""One stretch of the log, read and taken apart: entries, contents, who signed. Judging it comes after."""

from collections import OrderedDict, deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from anchors.core.errors import MalformedInput
from anchors.core.statement import STATEMENT_BYTES, Entry
from anchors.core.tiles import TILE_WIDTH
from ledger_service.kind_rules import listed_forms
from ledger_service.problems import Refused
from ledger_service.usecases.audit.rows import LogRows, StatementRow, Stretch
from ledger_service.usecases.audit.signers import RecoveryRate
from ledger_service.usecases.audit.taking import Job, PlainStatement, Taken, Takers
from ledger_service.usecases.check import Said, known_kind, read_parts
from ledger_service.usecases.ports import Logged
from ledger_service.usecases.submission import content_of, decode_parts, texts_of, withheld_of

STRETCH_ENTRIES = 1_024
"""A multiple of a tile's width."""
CONTENTS_KEPT = 8
"""Stretches whose contents are kept for decisions on them."""
_LINKS = b'{"name":"links",'


@dataclass(slots=True)
class Item:
    """What stands at one position. `statement` is None where it is missing or malformed, which `problem` then explains.

    `content_problem` is why the stored parts are not the entry's content; `content_refused` why they are, and break a
    rule of the kind."""

    position: int
    raw: bytes | None
    row: StatementRow | None
    parts: bytes | None = None
    statement: PlainStatement | None = None
    problem: str = ""
    id: bytes = b""
    signer: bytes | None = None
    leaf: bytes = b""
    content_problem: str = "none"
    content_refused: Refused | None = None
    said: Said = field(default_factory=Said)
    _forms: dict[str, Any] | None = None

    @property
    def readable(self) -> bool:
        """Whether the stored parts are the entry's content."""
        return not self.content_problem

    def take_away_content(self) -> None:
        """Go on as if there were none."""
        self.content_problem, self.content_refused, self.said = "none", None, Said()

    @property
    def forms(self) -> dict[str, Any]:
        """The shown parts that have a listed form, in that form, by name; not the links, of which `said` tells. Only of
        what is `readable`."""
        if self._forms is None:
            texts = texts_of(decode_parts(self.parts))
            self._forms = listed_forms(text for text in texts if not text.startswith(_LINKS))
        return self._forms

    @property
    def withheld(self) -> frozenset[str]:
        """The names of the parts that are withheld. Only of what is `readable`."""
        return withheld_of(decode_parts(self.parts))


@dataclass(slots=True)
class ReadStretch:
    """A stretch with everything that judging it needs."""

    rows: Stretch
    items: list[Item]
    targets: dict[bytes, Logged] = field(default_factory=dict)


class StretchReader:
    """Reads stretches in order, some ahead of the one that is judged, so that they are taken apart meanwhile.

    `known` are the statements that were judged lately, by id: nobody asks the database for them."""

    def __init__(self, rows: LogRows, takers: Takers, rate: RecoveryRate, known: Mapping[bytes, Logged]):
        self._rows = rows
        self._takers = takers
        self._rate = rate
        self._known = known
        self._contents: OrderedDict[int, dict[int, bytes]] = OrderedDict()

    def read(self, first: int, extent: int) -> Iterator[ReadStretch]:
        """All stretches from `first`, where one begins, up to `extent`; those without a single entry are left out."""
        under_way: deque[tuple[int, int, Stretch]] = deque()
        for begin, end in self._extents(first, extent):
            rows = self._rows.stretch(begin, end)
            if len(under_way) == self._takers.ahead:
                taken = self._takers.take()
                self._give(begin, end, rows)
                yield self._assemble(*under_way.popleft(), taken)
            else:
                self._give(begin, end, rows)
            under_way.append((begin, end, rows))
        while under_way:
            yield self._assemble(*under_way.popleft(), self._takers.take())

    def _extents(self, begin: int, extent: int) -> Iterator[tuple[int, int]]:
        while begin < extent:
            position = self._rows.next_position(begin)
            if position is None:
                return
            # Where the next entries are: after a gap, perhaps far away.
            begin = position - position % STRETCH_ENTRIES
            yield begin, min(begin + STRETCH_ENTRIES, extent)
            begin += STRETCH_ENTRIES

    def _give(self, begin: int, end: int, rows: Stretch) -> None:
        positions = range(begin, end)
        self._takers.give(Job([rows.entries.get(at) for at in positions], [rows.contents.get(at) for at in positions]))

    def _assemble(self, begin: int, end: int, rows: Stretch, taken: list[Taken]) -> ReadStretch:
        items = []
        for position, found in zip(range(begin, end), taken, strict=True):
            item = Item(
                position, rows.entries.get(position), rows.statements.get(position), rows.contents.get(position)
            )
            _fill(item, found)
            if item.raw is None:
                item.problem = self._rows.why_missing(None, position // TILE_WIDTH)
            items.append(item)
        self._rate.sample((item.id, item.raw[STATEMENT_BYTES:]) for item in items if item.statement is not None)
        self._contents[begin // STRETCH_ENTRIES] = rows.contents
        if len(self._contents) > CONTENTS_KEPT:
            self._contents.popitem(last=False)
        own = {item.id for item in items}
        linked = {id for item in items for _, id in item.said.links} - own
        # Taken now: while this stretch is judged, those that were known longest are forgotten.
        targets = {id: self._known[id] for id in linked if id in self._known}
        if asked := linked - targets.keys():
            targets |= self._rows.logged(asked)
        return ReadStretch(rows, items, targets)

    def report_of(self, position: int) -> bytes | None:
        """The stored parts at a position below what was read, as they stand in this view; None where there are none.
        Their content was compared with its entry when it was their turn: behind a resume, in the view of then."""
        kept = self._contents.get(position // STRETCH_ENTRIES)
        if kept is not None:
            return kept.get(position)
        return self._rows.contents_at([position]).get(position)


def _fill(item: Item, found: Taken) -> None:
    """What was found out about an entry; what is not sound is looked at again, to say why."""
    item.id, item.leaf = found.id, found.leaf
    if found.statement is None:
        item.problem = _problem(item.raw)
        return
    item.statement, item.signer = found.statement, found.signer
    if found.said is not None:
        item.said, item.content_problem = found.said.unfold(), ""
    else:
        _read_parts(item)


def _problem(raw: bytes | None) -> str:
    if raw is None:
        return ""
    try:
        Entry.from_bytes(raw)
    except MalformedInput as error:
        return str(error)
    raise AssertionError("unreachable: what took it apart found it malformed")


def _read_parts(item: Item) -> None:
    if item.parts is None:
        return
    try:
        content = content_of(decode_parts(item.parts))
    except MalformedInput as error:
        item.content_problem = str(error)
        return
    statement = item.statement
    if content.hash != statement.content:
        item.content_problem = f"parts that hash to 0x{content.hash.hex()}"
        return
    item.content_problem = ""
    try:
        item.said = read_parts(known_kind(statement.kind), content, statement.issued_at)
    except Refused as refused:
        item.content_refused = refused
