"""One stretch of the log, read and taken apart: entries, contents, who signed. Judging it comes after."""

from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field

from anchors.core.content import Content
from anchors.core.errors import MalformedInput
from anchors.core.statement import Entry
from anchors.core.typed_data import Domain
from ledger_service.problems import Refused
from ledger_service.recognition.replay import DECISIONS
from ledger_service.usecases.audit.rows import AuditRows, StatementRow, Stretch
from ledger_service.usecases.audit.signers import Signed, Signers, collect
from ledger_service.usecases.check import Said, known_kind, read_parts
from ledger_service.usecases.ports import Logged
from ledger_service.usecases.submission import content_of, decode_parts

STRETCH_ENTRIES = 1_024
"""A multiple of a tile's width."""


@dataclass(slots=True)
class Item:
    """What stands at one position. `entry` is None where it is missing or malformed, which `problem` then explains.

    `content_problem` is why the stored parts are not the entry's content; `content_refused` why they are, and break a
    rule of the kind."""

    position: int
    raw: bytes | None
    row: StatementRow | None
    entry: Entry | None = None
    problem: str = ""
    id: bytes = b""
    signer: bytes | None = None
    content: Content | None = None
    content_problem: str = ""
    content_refused: Refused | None = None
    said: Said = field(default_factory=Said)
    report: bytes | None = None
    """Of a decision the stored parts of the version that it is about."""


@dataclass(slots=True)
class ReadStretch:
    """A stretch with everything that judging it needs."""

    rows: Stretch
    items: list[Item]
    signers: "list[Future[list[bytes | None]]]"
    targets: dict[bytes, Logged] = field(default_factory=dict)

    def with_signers(self) -> list[Item]:
        """The items, when their signers are known."""
        signed = (item for item in self.items if item.entry is not None)
        for item, signer in zip(signed, collect(self.signers), strict=True):
            item.signer = signer
        return self.items


class StretchReader:
    """Reads stretches in order, one ahead of the one that is judged, so that its signers are recovered meanwhile."""

    def __init__(self, rows: AuditRows, domain: Domain, signers: Signers):
        self._rows = rows
        self._domain = domain
        self._signers = signers
        self._last_signed: list[Signed] = []

    def read(self, extent: int) -> Iterator[ReadStretch]:
        """All stretches up to `extent`; those without a single entry are left out."""
        ahead: ReadStretch | None = None
        begin = 0
        while begin < extent:
            following = self._read(begin, min(begin + STRETCH_ENTRIES, extent), first=ahead is None)
            if ahead is not None:
                yield ahead
            ahead = following
            begin = self._next_begin(begin + STRETCH_ENTRIES)
        if ahead is not None:
            yield ahead
            self._signers.sample(self._last_signed)

    def _next_begin(self, begin: int) -> int:
        """Where the next entries are: after a gap, perhaps far away."""
        position = self._rows.next_position(begin)
        return begin if position is None else position - position % STRETCH_ENTRIES

    def _read(self, begin: int, end: int, *, first: bool) -> ReadStretch:
        rows = self._rows.stretch(begin, end)
        items = [
            Item(position, rows.entries.get(position), rows.statements.get(position)) for position in range(begin, end)
        ]
        signed = [signed for item in items if (signed := self._take_apart(item)) is not None]
        if first:
            self._signers.sample(signed)
        read = ReadStretch(rows, items, self._signers.recover(signed))
        for item in items:
            if item.entry is not None:
                _read_parts(item, rows.contents.get(item.position))
        self._last_signed = signed
        read.targets = self._rows.logged({id for item in items for _, id in item.said.links})
        self._read_reports(read)
        return read

    def _read_reports(self, read: ReadStretch) -> None:
        """What was decided on: rows of this view whose content was compared with its entry when it was their turn."""
        about = {
            item.position: read.targets[id].index
            for item in read.items
            if item.entry is not None and item.entry.statement.kind in DECISIONS
            for rel, id in item.said.links
            if rel == DECISIONS[item.entry.statement.kind] and id in read.targets
        }
        contents = self._rows.contents_at(set(about.values()))
        for item in read.items:
            item.report = contents.get(about.get(item.position))

    def _take_apart(self, item: Item) -> Signed | None:
        if item.raw is None:
            item.problem = "none"
            return None
        try:
            item.entry = Entry.from_bytes(item.raw)
        except MalformedInput as error:
            item.problem = str(error)
            return None
        item.id = item.entry.statement.id(self._domain)
        return item.id, item.entry.signature


def _read_parts(item: Item, parts: bytes | None) -> None:
    if parts is None:
        item.content_problem = "none"
        return
    try:
        content = content_of(decode_parts(parts))
    except MalformedInput as error:
        item.content_problem = str(error)
        return
    statement = item.entry.statement
    if content.hash != statement.content:
        item.content_problem = f"parts that hash to 0x{content.hash.hex()}"
        return
    item.content = content
    try:
        item.said = read_parts(known_kind(statement.kind), content, statement.issued_at)
    except Refused as refused:
        item.content_refused = refused
