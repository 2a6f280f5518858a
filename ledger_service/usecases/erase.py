"""Take personal parts of a statement out of the ledger, once it was said what that means (docs/PRIVACY.md, ADR 19).

What is erased is the part's text, with its salt: its name and its leaf stay, and with them everything that was proved
about the other parts. It is done for the institution that said it, after its own `content.erased` is in the log; never
under a hold or a dispute, never within a retention duty, and never to a structural part, which others are judged by.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import get_args

import msgspec

from anchors.core import canonical
from anchors.core.content import Content, Part, Withheld
from anchors.core.encoding import encode_hex
from anchors.core.errors import MalformedInput
from ledger_service import problems
from ledger_service.parts import PART_FORMS, Category, Erasure, Examination
from ledger_service.problems import Refused
from ledger_service.usecases.look_up import Read
from ledger_service.usecases.ports import ChainView
from ledger_service.usecases.privacy_ports import Erasures, ErasureTransaction
from ledger_service.usecases.submission import WithheldPart as StoredLeaf
from ledger_service.usecases.submission import content_of, decode_parts, encode_parts
from ledger_service.usecases.viewer import Viewer

ERASING_KIND, ERASING_REL = "content.erased", "erases"
CATEGORIES = get_args(Category)
_YEARS = re.compile(r"[0-9]{1,3}")
EFFECTS = (
    (
        "not-shown-again",
        "The ledger can show these parts to nobody any more, in no proof and no evidence package.",
        "账本此后不能再向任何人出示这些内容，证明和证据包中也不再包含。",
    ),
    (
        "not-provable-here",
        "What they said can be proved only by whoever kept the exact text with its salt; if nobody did, by nobody.",
        "其内容此后只能由保存了原文及盐值的一方证明；若无人保存，则无人可以证明。",
    ),
    (
        "still-holds",
        "Name and leaf of each part stay, so the statement and all proofs of it still verify, and its other parts too.",
        "各部分的名称和哈希仍保留，因此该陈述及其全部证明、其余内容仍可验证。",
    ),
    (
        "backups",
        "Copies made before (backups, the sender's store, packages that were given out) are not reached by this.",
        "此前形成的副本（备份、发送方存储、已出具的证据包）不在此次删除范围内。",
    ),
)
"""Code, English and Chinese of what erasing means for later proofs."""


@dataclass(frozen=True)
class Retention:
    """For how many years after it was witnessed nothing of a statement is erased: by category of the examination, and
    for what has none named here."""

    years: int
    by_category: Mapping[str, int]

    @classmethod
    def parse(cls, text: str) -> "Retention":
        """The duty in words such as `30,laboratory=15`. Raises `MalformedInput`."""
        first, *others = text.split(",")
        named = dict(other.partition("=")[::2] for other in others)
        given = (first, *named.values())
        if named.keys() - set(CATEGORIES) or len(named) != len(others) or not all(map(_YEARS.fullmatch, given)):
            raise MalformedInput(
                f"retention {text[:80]!r}: expected years such as 30 or 30,laboratory=15; categories are "
                f"{', '.join(CATEGORIES)}"
            )
        return cls(int(first), {category: int(years) for category, years in named.items()})

    def years_of(self, category: str | None) -> int:
        """For how long. Of what names no category it is not known which duty it has: the longest."""
        if category is None:
            return max(self.years, *self.by_category.values(), 0)
        return self.by_category.get(category, self.years)


@dataclass(frozen=True)
class Effect:
    """What an erasure does to which statement: the parts by name and leaf, and what that means."""

    statement: bytes
    index: int
    parts: tuple[Withheld, ...]

    def to_wire(self) -> dict[str, canonical.Json]:
        """What is told."""
        return {
            "effects": [{"code": code, "en": english, "zh": chinese} for code, english, chinese in EFFECTS],
            "index": self.index,
            "parts": [{"leaf": part.leaf.hex(), "name": part.name} for part in self.parts],
            "statement": encode_hex(self.statement),
        }

    @property
    def digest(self) -> str:
        """SHA-256 over the RFC 8785 text of what is told, in hex: whoever gives it was told this very thing."""
        return sha256(canonical.encode(self.to_wire())).hexdigest()


@dataclass(frozen=True)
class Confirmation:
    """What makes an erasure happen: the digest of what was told, and the id of the `content.erased` that says so."""

    digest: str
    erased: bytes


class Eraser:
    """Tells what an erasure would do, or does it."""

    def __init__(self, erasures: Erasures, view: ChainView, retention: Retention, now: Callable[[], int]):
        self._erasures = erasures
        self._view = view
        self._retention = retention
        self._now = now

    def erase(self, viewer: Viewer, id: bytes, names: Sequence[str], confirmed: Confirmation | None = None) -> Effect:
        """The effect of erasing these parts; done, durably, where it is confirmed. Raises `Refused`."""
        # Whoever is only told, or refused, holds up nobody who waits for the log's lock.
        with self._erasures.look() as looked:
            read, effect = self._judge(looked, viewer, id, names)
        self._check_retention(read)
        if confirmed is not None:
            with self._erasures.begin() as transaction:
                read, effect = self._judge(transaction, viewer, id, names)
                self._check_confirmed(transaction, effect, confirmed, viewer)
                transaction.replace(effect.index, _without(read, effect))
        return effect

    def _judge(
        self, transaction: ErasureTransaction, viewer: Viewer, id: bytes, names: Sequence[str]
    ) -> tuple[Read, Effect]:
        read = self._read(transaction, id)
        if read.statement.institution not in viewer.speaks_for:
            who = viewer.institution or "the operator"
            raise Refused(
                problems.NOT_PERMITTED,
                f"{who} did not sign this; only {read.statement.institution} may have parts of it erased",
            )
        effect = _effect(read, names)
        self._check_holds(transaction, read)
        return read, effect

    def _read(self, transaction: ErasureTransaction, id: bytes) -> Read:
        stored = transaction.statement(id)
        if stored is None:
            raise Refused(problems.NOT_FOUND, "no statement of this id is in the log; check the id and the log")
        return Read(stored, content_of(decode_parts(stored.parts)))

    def _check_holds(self, transaction: ErasureTransaction, read: Read) -> None:
        hold = next(transaction.holds(read.statement.subject), None)
        if hold is not None:
            raise Refused(
                problems.HELD,
                f"{hold.institution} signed a {hold.kind} about this report; have it ended first 证据保全中",
            )

    def _check_retention(self, read: Read) -> None:
        examination = read.content.value("examination")
        category = msgspec.convert(examination, Examination).category if examination is not None else None
        years = self._retention.years_of(category)
        if not years:
            return
        head = self._view.covering_head(read.stored.index)
        # What no head covers yet is new. The signer's own time decides nothing: it would shorten the duty.
        begun = self._view.head_time(head) if head else None
        until = _years_later(self._now() if begun is None else begun, years)
        if self._now() < until.timestamp():
            raise Refused(
                problems.RETAINED,
                f"{category or 'such'} records are kept for {years} years, this one until {until:%Y-%m-%d}; "
                "use it for nothing but storing until then 保存期内仅可存储",
            )

    def _check_confirmed(
        self, transaction: ErasureTransaction, effect: Effect, confirmed: Confirmation, viewer: Viewer
    ) -> None:
        if confirmed.digest != effect.digest:
            raise Refused(
                problems.NOT_CONFIRMED, f"what this erasure does has the digest {effect.digest}; read it, confirm that"
            )
        stored = transaction.statement(confirmed.erased)
        said = Read(stored, content_of(decode_parts(stored.parts))) if stored else None
        if said is None or said.statement.kind != ERASING_KIND or said.statement.institution not in viewer.speaks_for:
            raise Refused(
                problems.NOT_CONFIRMED,
                f"sign and submit {ERASING_KIND} with the link {ERASING_REL!r}, and name it as 'erased'",
            )
        named = msgspec.convert(said.content.value("erasure"), Erasure).parts
        if transaction.links(said.stored.index).get(ERASING_REL) != effect.index or set(named) != {
            part.name for part in effect.parts
        }:
            raise Refused(
                problems.NOT_CONFIRMED,
                f"that {ERASING_KIND} is about another statement or other parts ({', '.join(named)})",
            )


def _effect(read: Read, names: Sequence[str]) -> Effect:
    parts = {part.name: part for part in read.content.parts}
    if not names:
        raise Refused(problems.NOT_ERASABLE, "no part is named; name those that are to be erased")
    for name in names:
        if name not in parts:
            raise Refused(problems.NOT_ERASABLE, f"the statement has no part {name[:64]!r}; it has {', '.join(parts)}")
        if name in PART_FORMS:
            raise Refused(
                problems.NOT_ERASABLE,
                f"the part {name!r} is structural: nothing personal is in it, and others are judged by it",
            )
        if not isinstance(parts[name], Part):
            raise Refused(problems.NOT_ERASABLE, f"of the part {name!r} only the leaf is here: nothing is to be erased")
    # In the content's order, each once: asking in another way is asking for the same.
    taken = tuple(Withheld(name, part.leaf) for name, part in parts.items() if name in names)
    return Effect(read.stored.id, read.stored.index, taken)


def _without(read: Read, effect: Effect) -> bytes:
    """The content as it is stored from now on."""
    erased = {part.name for part in effect.parts}
    stored: list[str | StoredLeaf] = []
    for part in read.content.parts:
        if isinstance(part, Withheld) or part.name in erased:
            stored.append(StoredLeaf(part.leaf.hex(), part.name))
        else:
            stored.append(part.text.decode())
    parts = encode_parts(stored)
    if content_of(decode_parts(parts)).hash != Content(read.content.parts).hash:
        raise AssertionError("what would be stored is not the content; nothing was erased")
    return parts


def _years_later(seconds: int, years: int) -> datetime:
    moment = datetime.fromtimestamp(seconds, UTC)
    try:
        return moment.replace(year=moment.year + years)
    except ValueError:  # the 29th of February
        return moment.replace(year=moment.year + years, month=3, day=1)
