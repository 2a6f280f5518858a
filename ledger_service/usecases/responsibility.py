"""Tell who did what about a report, and on which grounds: its timeline, what that leads to, and the book of rules."""

import threading
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import msgspec

from anchors.core.content import Content, Part
from anchors.core.encoding import ZERO_WORD, decode_hex, encode_hex
from anchors.core.statement import Entry, Statement
from ledger_service import problems
from ledger_service.parts import PART_FORMS
from ledger_service.problems import Refused
from ledger_service.recognition.book import Book
from ledger_service.recognition.case import Case, Fact, Placed
from ledger_service.recognition.responsibility import responsibility
from ledger_service.recognition.stated import Stated
from ledger_service.usecases.ports import ChainView, Reader, StoredStatement, Tree
from ledger_service.usecases.submission import content_of, decode_parts

MOST_STATEMENTS = 2_000
"""Of a timeline, and of a subject that it leads to."""
RULES_AT_ONCE = 256
READ_AT_ONCE = 64
"""One statement may hold megabytes; of each only the parts that have a form are kept."""
_LEADS_ELSEWHERE = ("consent", "result")

Show = Callable[[Sequence[StoredStatement]], Sequence[Content]]
"""What whoever asks may see of each statement. Asking it is reading."""


class Grounds(Protocol):
    """What responsibility needs of storage beside timelines."""

    def rules(self, after: int, limit: int) -> list[StoredStatement]:
        """The statements behind an index that are of the kinds of the book of rules, in log order."""

    def covering_time(self, index: int) -> int | None:
        """The block time of the first head that covers an entry."""

    def head_time(self, witness_id: bytes) -> int | None:
        """The block time of a head, None where it is not known."""


class Responsibility:
    """Keeps the book of rules of one log, and goes on with it whenever it is asked."""

    def __init__(self, reader: Reader, tree: Tree, view: ChainView, grounds: Grounds):
        self._reader = reader
        self._tree = tree
        self._view = view
        self._grounds = grounds
        self._book = Book()
        self._read = -1
        """The index of the last statement of rules that the book has."""
        self._lock = threading.Lock()

    def of(self, subject: bytes, show: Show) -> list[Fact]:
        """All facts about those statements of a report of which `show` gives every part that has a form: judged by
        everything, so that who may see less is told fewer facts and no other ones.

        Raises `Refused` (`not-found`, `too-large`)."""
        size, final = self._tree.size(), self._view.newest_head(final=True)
        timeline, visible = self._tell(subject, size, show)
        if not timeline:
            raise Refused(problems.NOT_FOUND, "nothing was issued under this subject; check it")
        others = {other: self._tell(other, size, show)[0] for other in self._led_to(timeline, subject)}
        with self._lock:
            self._read_on()
            facts = responsibility(Case(timeline, others, self._book, size, final.new_size if final is not None else 0))
        return [fact for fact in facts if fact.index in visible]

    def _read_on(self) -> None:
        # Entries are given their places one transaction after the other, so none comes up behind one that was read.
        while found := self._grounds.rules(self._read, RULES_AT_ONCE):
            for stored in found:
                self._book.add(stated_of(stored, content_of(decode_parts(stored.parts))))
                self._read = stored.index

    def _tell(self, subject: bytes, size: int, show: Show) -> tuple[list[Placed], set[int]]:
        """What is said about a subject, and the indexes of what is shown in whole."""
        placed: list[Placed] = []
        visible: set[int] = set()
        after = None
        while found := self._reader.timeline(subject, after, READ_AT_ONCE):
            after = found[-1].index
            found = [stored for stored in found if stored.index < size]
            for stored, shown in zip(found, show(found), strict=True):
                content = content_of(decode_parts(stored.parts))
                placed.append(self._place(stored, content))
                if _listed(content) <= _listed(shown):
                    visible.add(stored.index)
            if len(placed) > MOST_STATEMENTS:
                raise Refused(
                    problems.TOO_LARGE,
                    f"more than {MOST_STATEMENTS} statements are about one subject; read the timelines page by page",
                )
        return placed, visible

    def _place(self, stored: StoredStatement, content: Content) -> Placed:
        """A statement with the times between which it was signed."""
        observed = _statement(stored).observed
        after = self._grounds.head_time(observed) if observed != ZERO_WORD else None
        return Placed(stated_of(stored, content), after, self._grounds.covering_time(stored.index))

    def _led_to(self, timeline: Sequence[Placed], subject: bytes) -> set[bytes]:
        """The other subjects to which consents and repeated reports belong."""
        links = (placed.stated.links.get(rel) for placed in timeline for rel in _LEADS_ELSEWHERE)
        found = (self._reader.statement(decode_hex(id, 32, "link")) for id in dict.fromkeys(links) if id is not None)
        return {_statement(stored).subject for stored in found if stored is not None} - {subject}


def stated_of(stored: StoredStatement, content: Content) -> Stated:
    """A stored statement with those of its shown parts that have a listed form."""
    statement, parts = _statement(stored), {}
    for part in content.parts:
        if isinstance(part, Part) and (form := _form_of(part)) is not None:
            parts[part.name] = form
    return Stated(
        stored.index,
        encode_hex(stored.id),
        statement.kind,
        statement.institution,
        statement.subject,
        statement.issued_at,
        parts,
        {link.rel: link.statement for link in parts.get("links", ())},
    )


def _listed(content: Content) -> frozenset[str]:
    """The shown parts that have a listed form."""
    return content.names() & PART_FORMS.keys()


def _form_of(part: Part) -> Any:
    """A part's value in its listed form; None where no form is listed, or it has another: the audit names that."""
    try:
        return msgspec.convert(part.value, PART_FORMS[part.name])
    except (KeyError, msgspec.ValidationError):
        return None


def _statement(stored: StoredStatement) -> Statement:
    return Entry.from_bytes(stored.entry).statement
