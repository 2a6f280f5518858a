"""The book of rules of one log, which goes on with the log whenever it is asked."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol

from anchors.core.content import Content, Part
from anchors.core.encoding import encode_hex
from anchors.core.statement import Entry
from ledger_service import kind_rules
from ledger_service.kinds import KINDS
from ledger_service.originals import Original, read_original
from ledger_service.problems import Refused
from ledger_service.recognition.book import Book
from ledger_service.recognition.stated import Stated
from ledger_service.usecases.ports import StoredStatement
from ledger_service.usecases.submission import content_of, decode_parts

RULES_AT_ONCE = 256


class Rules(Protocol):
    """Where the statements of the book of rules stand."""

    def rules(self, after: int, limit: int) -> list[StoredStatement]:
        """The statements behind an index that are of the kinds of the book of rules, in log order."""


class RuleBook:
    """One book; one thread at a time adds to it and asks it."""

    def __init__(self, rules: Rules):
        self._rules = rules
        self._book = Book()
        self._read = -1
        """The index of the last statement of rules that the book has."""
        self._lock = threading.Lock()

    @contextmanager
    def open(self) -> Iterator[Book]:
        """The book with every statement of rules that is in the log by now."""
        with self._lock:
            # Entries are given their places one transaction after the other, so none comes up behind one that was read.
            while found := self._rules.rules(self._read, RULES_AT_ONCE):
                for stored in found:
                    self._book.add(stated_of(stored, content_of(decode_parts(stored.parts))))
                    self._read = stored.index
            yield self._book


def stated_of(stored: StoredStatement, content: Content) -> Stated:
    """A stored statement with those of its shown parts that have a listed form."""
    statement = Entry.from_bytes(stored.entry).statement
    parts = kind_rules.listed_forms(part.text for part in content.parts if isinstance(part, Part))
    original = original_of(statement.kind, parts)
    if original is not None:
        parts = original.parts(parts)
    return Stated(
        stored.index,
        encode_hex(stored.id),
        statement.kind,
        statement.institution,
        statement.subject,
        statement.issued_at,
        parts,
        {link.rel: link.statement for link in parts.get("links", ())},
        original,
    )


def original_of(name: str, parts: Mapping[str, Any]) -> Original | None:
    """What an import brings in; None where it cannot be read: the audit names that."""
    kind = KINDS.get(name)
    if kind is None or kind.original is None or not {"links", "proof"} <= parts.keys():
        return None
    try:
        return read_original(kind, parts)
    except Refused:
        return None
