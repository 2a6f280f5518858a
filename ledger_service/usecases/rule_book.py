"""The book of rules of one log, which goes on with the log whenever it is asked."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from ledger_service.recognition.book import Book
from ledger_service.usecases.ports import StoredStatement
from ledger_service.usecases.responsibility import RULES_AT_ONCE, stated_of
from ledger_service.usecases.submission import content_of, decode_parts


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
