"""`CountedLog`: a log in memory that use cases count as if it were stored. Nobody signed it: counting looks at no
signature. All of it is synthetic."""

import pickle
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from anchors import Content, Part
from anchors.core.content import Withheld
from anchors.core.encoding import ZERO_WORD, code_word, encode_hex, uint_word
from anchors.core.typed_data import Domain, log_id
from ledger_service.recognition.figures import Figures, Period, read_day
from ledger_service.storage.links import encode_links
from ledger_service.usecases.hashed_log import StoredEntry
from ledger_service.usecases.statistics import StoredLog, compute, take_log_apart
from ledger_service.usecases.submission import encode_parts
from tests.fixtures.parts import EXAMPLES

ORIGIN = "ledger.example/figures"
DOMAIN = Domain(1_337, b"\x01" * 20, log_id(ORIGIN))
NEEDED = {
    "report.issued": ("document",),
    "report.amended": ("document",),
    "report.withdrawn": ("reason",),
    "reminder.shown": ("reminder",),
    "reminder.dismissed": ("reminder", "reason"),
    "access.granted": ("access",),
    "access.denied": ("access", "reason"),
    "access.emergency": ("access", "reason"),
    "recognition.accepted": ("policy",),
    "recognition.declined": ("policy", "reason"),
    "repeat.ordered": ("policy", "reason"),
    "repeat.reviewed": ("review",),
    "explanation.given": ("explanation",),
    "statement.corrected": ("correction",),
}
"""What a statement says where the test does not say otherwise."""


@dataclass(frozen=True)
class Said:
    """A statement in the log."""

    position: int
    id: bytes
    kind: str
    by: str
    subject: bytes
    links: Mapping[str, "Said"] = field(default_factory=dict)


class CountedLog:
    """`statistics.StatisticsRows` over a list; `say` appends."""

    def __init__(self) -> None:
        self.rows: list[StoredEntry] = []
        self.contents: list[Content] = []
        self.successor: dict[str, str] = {}

    # What the use case asks

    def log(self) -> StoredLog:
        """See `StatisticsRows`."""
        return StoredLog(ORIGIN, DOMAIN, len(self.rows))

    def entries(self, size: int) -> Iterator[list[StoredEntry]]:
        """See `StatisticsRows`."""
        kept = [row for row in self.rows if row.position < size]
        for begin in range(0, len(kept), 7):
            yield kept[begin : begin + 7]

    def successors(self) -> dict[str, str]:
        """See `StatisticsRows`."""
        return self.successor

    def statement(self, id: bytes) -> StoredEntry | None:
        """See `StatisticsRows`."""
        return next((row for row in self.rows if row.id == id), None)

    # What a test says

    def say(self, by: str, kind: str, subject: bytes, at: str = "2026-03-10T12:00+08:00", /, **parts: Any) -> Said:
        """Append a statement. Of `parts`, those that are `Said` are links."""
        links = {name: value for name, value in parts.items() if isinstance(value, Said)}
        values = {name: EXAMPLES[name] for name in NEEDED.get(kind, ())}
        values |= {name: value for name, value in parts.items() if name not in links}
        if links:
            values["links"] = [{"rel": rel, "statement": encode_hex(to.id)} for rel, to in sorted(links.items())]
        content = Content.of(Part.create(name, value) for name, value in values.items())
        position = len(self.rows)
        issued_at = int(datetime.fromisoformat(at).timestamp())
        words = code_word(kind) + code_word(by) + subject + uint_word(position) + uint_word(issued_at) + ZERO_WORD
        words += content.hash
        id = DOMAIN.statement(words)
        index = encode_links({rel: to.position for rel, to in links.items()})
        self.rows.append(StoredEntry(position, words + bytes(65), id, index, encode_parts(content.to_wire())))
        self.contents.append(content)
        return Said(position, id, kind, by, subject, links)

    def report(self, by: str, item: str | None = "S-001", category: str = "laboratory", **fields: Any) -> Said:
        """A report of an item; None: it does not say of which."""
        return self.say(by, "report.issued", secrets.token_bytes(32), **(_examined(item, category) | fields))

    def amend(self, version: Said, item: str | None = "S-001") -> Said:
        """A new version in place of `version`."""
        return self.say(
            version.by, "report.amended", version.subject, replaces=version, **_examined(item, "laboratory")
        )

    def withdraw(self, version: Said, **fields: Any) -> Said:
        """`version`, the current one, is withdrawn."""
        return self.say(version.by, "report.withdrawn", version.subject, replaces=version, **fields)

    def open(self, by: str, version: Said, at: str = "2026-03-10T12:00+08:00") -> Said:
        """`version` is opened."""
        return self.say(by, "access.granted", version.subject, at, report=version)

    def recognise(self, by: str, version: Said, at: str = "2026-03-10T12:00+08:00", **fields: Any) -> Said:
        """`version` is opened and recognised."""
        access = self.open(by, version, at)
        return self.say(by, "recognition.accepted", version.subject, at, access=access, report=version, **fields)

    def decline(self, by: str, version: Said, code: str, at: str = "2026-03-10T12:00+08:00") -> Said:
        """`version` is opened and not recognised."""
        access, reason = self.open(by, version, at), {"code": code}
        return self.say(by, "recognition.declined", version.subject, at, access=access, report=version, reason=reason)

    def repeat(self, by: str, version: Said, code: str, at: str = "2026-03-10T12:00+08:00") -> Said:
        """`version` is opened and the test ordered again."""
        access, reason = self.open(by, version, at), {"code": code}
        return self.say(by, "repeat.ordered", version.subject, at, access=access, repeats=version, reason=reason)

    def remind(self, by: str, version: Said, at: str = "2026-03-10T12:00+08:00") -> Said:
        """A doctor is reminded of `version`."""
        return self.say(by, "reminder.shown", version.subject, at, report=version)

    def correct(self, statement: Said, at: str = "2026-03-20T12:00+08:00") -> Said:
        """`statement` is said to be wrong."""
        return self.say(statement.by, "statement.corrected", statement.subject, at, corrects=statement)

    def profile(self, institution: str, tier: int, ownership: str, district: str, since: str = "2026-01-01") -> Said:
        """An institution of the city is described."""
        profile = EXAMPLES["profile"] | {
            "district": district,
            "institution": institution,
            "ownership": ownership,
            "since": since,
            "tier": tier,
        }
        return self.say("COMMISSION", "institution.profiled", secrets.token_bytes(32), profile=profile)

    def catalogue(self, prices: Mapping[str, int | None], since: str = "2026-01-01", **fields: Any) -> Said:
        """A catalogue of one section."""
        items = [
            {"category": "laboratory", "item": item, "name": "（样例）"} | ({} if price is None else {"price": price})
            for item, price in prices.items()
        ]
        catalogue = EXAMPLES["catalogue"] | {"items": items, "since": since} | fields
        return self.say("COMMISSION", "catalogue.published", secrets.token_bytes(32), catalogue=catalogue)

    def until(self, last: Said) -> "CountedLog":
        """This log up to and with a statement."""
        log = CountedLog()
        log.rows, log.contents = self.rows[: last.position + 1], self.contents[: last.position + 1]
        return log

    # What happens to a stored log

    def erase(self, statement: Said, *names: str) -> None:
        """The texts of these parts go; their leaves stay."""
        kept = [
            Withheld(part.name, part.leaf) if part.name in names else part
            for part in self.contents[statement.position].parts
        ]
        self.contents[statement.position] = content = Content.of(kept)
        self.change(statement.position, parts=encode_parts(content.to_wire()))

    def change(self, position: int, **fields: Any) -> None:
        """Put something else into a row; nobody should."""
        self.rows[position] = self.rows[position]._replace(**fields)

    def count(self, since: str = "2026-01-01", until: str = "2026-12-31", **options: Any) -> Figures:
        """The figures of a period in the city's zone."""
        period = Period(read_day(since), read_day(until), options.pop("zone", "+08:00"))
        size = options.pop("size", len(self.rows))
        figures = compute(self, size, period, **options)
        sent = (pickle.loads(pickle.dumps(piece)) for piece in take_log_apart(self, size))
        assert compute(self, size, period, sent, **options) == figures, "as from another process"
        return figures


def counts(figures: Figures) -> dict[str, tuple[int, int]]:
    """Gross and subtracted of every figure that is not nothing."""
    return {name: (one.gross, one.subtracted) for name, one in figures.figures.items() if one.gross or one.subtracted}


def by(figures: Figures, dimension: str, figure: str) -> dict[tuple[str, ...] | str, tuple[int, int]]:
    """Gross and subtracted of a figure by the values of a dimension."""
    return {
        row.value if len(row.value) > 1 else row.value[0]: (row.gross, row.subtracted)
        for row in figures.of(dimension)
        if row.figure == figure
    }


def _examined(item: str | None, category: str) -> dict[str, Any]:
    if item is None:
        return {}
    return {"examination": EXAMPLES["examination"] | {"category": category, "item": item}}
