"""Tell who did what about a report, and on which grounds: its timeline, what that leads to, and the book of rules."""

from collections.abc import Callable, Sequence
from typing import Protocol

from anchors.core.content import Content
from anchors.core.encoding import ZERO_WORD, decode_hex
from anchors.core.statement import Entry, Statement
from ledger_service import problems
from ledger_service.parts import PART_FORMS
from ledger_service.problems import Refused
from ledger_service.recognition.case import Case, Fact, Placed
from ledger_service.recognition.responsibility import responsibility
from ledger_service.usecases.ports import ChainView, Reader, StoredStatement, Tree
from ledger_service.usecases.rule_book import RuleBook, stated_of
from ledger_service.usecases.submission import content_of, decode_parts
from ledger_service.usecases.timelines import LEADS_ELSEWHERE, MOST_STATEMENTS, TooLong, read_timeline

Show = Callable[[Sequence[StoredStatement]], Sequence[Content]]
"""What whoever asks may see of each statement. Asking it is reading."""


class HeadTimes(Protocol):
    """When heads were witnessed."""

    def covering_time(self, index: int) -> int | None:
        """The block time of the first head that covers an entry."""

    def head_time(self, witness_id: bytes) -> int | None:
        """The block time of a head, None where it is not known."""


class Responsibility:
    """Tells facts about the reports of one log."""

    def __init__(self, reader: Reader, tree: Tree, view: ChainView, times: HeadTimes, rules: RuleBook):
        self._reader = reader
        self._tree = tree
        self._view = view
        self._times = times
        self._rules = rules

    def of(self, subject: bytes, show: Show) -> list[Fact]:
        """All facts about those statements of a report of which `show` gives every part that has a form: judged by
        everything, so that who may see less is told fewer facts and no other ones.

        Raises `Refused` (`not-found`, `too-large`)."""
        size, final = self._tree.size(), self._view.newest_head(final=True)
        timeline, visible = self._tell(subject, size, show)
        if not timeline:
            raise Refused(problems.NOT_FOUND, "nothing was issued under this subject; check it")
        others = {other: self._tell(other, size, show)[0] for other in self._led_to(timeline, subject)}
        with self._rules.open() as book:
            facts = responsibility(Case(timeline, others, book, size, final.new_size if final is not None else 0))
        return [fact for fact in facts if fact.index in visible]

    def _tell(self, subject: bytes, size: int, show: Show) -> tuple[list[Placed], set[int]]:
        """What is said about a subject, and the indexes of what is shown in whole."""
        placed: list[Placed] = []
        visible: set[int] = set()
        try:
            for found in read_timeline(self._reader, subject, size):
                for stored, shown in zip(found, show(found), strict=True):
                    content = content_of(decode_parts(stored.parts))
                    placed.append(self._place(stored, content))
                    if _listed(content) <= _listed(shown):
                        visible.add(stored.index)
        except TooLong:
            raise Refused(
                problems.TOO_LARGE,
                f"more than {MOST_STATEMENTS} statements are about one subject; read the timelines page by page",
            ) from None
        return placed, visible

    def _place(self, stored: StoredStatement, content: Content) -> Placed:
        """A statement with the times between which it was signed."""
        observed = _statement(stored).observed
        after = self._times.head_time(observed) if observed != ZERO_WORD else None
        return Placed(stated_of(stored, content), after, self._times.covering_time(stored.index))

    def _led_to(self, timeline: Sequence[Placed], subject: bytes) -> set[bytes]:
        """The other subjects to which consents and repeated reports belong."""
        links = (placed.stated.links.get(rel) for placed in timeline for rel in LEADS_ELSEWHERE)
        found = (self._reader.statement(decode_hex(id, 32, "link")) for id in dict.fromkeys(links) if id is not None)
        return {_statement(stored).subject for stored in found if stored is not None} - {subject}


def _listed(content: Content) -> frozenset[str]:
    """The shown parts that have a listed form."""
    return content.names() & PART_FORMS.keys()


def _statement(stored: StoredStatement) -> Statement:
    return Entry.from_bytes(stored.entry).statement
