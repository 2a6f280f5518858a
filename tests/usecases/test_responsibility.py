"""What is read of a timeline, and how much of it."""

from collections.abc import Sequence

import msgspec
import pytest

from anchors.core.content import Content
from anchors.core.typed_data import Domain
from ledger_service.problems import Refused
from ledger_service.usecases import timelines
from ledger_service.usecases.ports import StoredStatement
from ledger_service.usecases.responsibility import Responsibility
from ledger_service.usecases.rule_book import RuleBook
from ledger_service.usecases.submission import content_of, decode_parts
from tests.fixtures.signer import Signed, Signer

DOMAIN = Domain(1, bytes(20), bytes(32))


class Stored:
    """A log of these statements, of which nothing is witnessed: reader, tree, view and grounds in one."""

    def __init__(self, *statements: Signed):
        self.statements = [
            StoredStatement(index, each.id, b"", each.entry.to_bytes(), msgspec.json.encode(each.wire["parts"]))
            for index, each in enumerate(statements)
        ]
        self.entries = len(self.statements)
        self.shown: list[int] = []

    def timeline(self, subject: bytes, after: int | None, limit: int) -> list[StoredStatement]:
        begin = -1 if after is None else after
        about = (each for each in self.statements if each.entry[64:96] == subject)
        return [each for each in about if each.index > begin][:limit]

    def size(self) -> int:
        return self.entries

    def newest_head(self, *, final: bool) -> None:
        return None

    def rules(self, after: int, limit: int) -> list[StoredStatement]:
        return []

    def covering_time(self, index: int) -> None:
        return None

    def head_time(self, witness_id: bytes) -> None:
        return None

    def ask(self, subject: bytes, visible: range = range(1_000)) -> list[int]:
        """The indexes of what facts are about, for somebody who sees the statements at these indexes."""
        facts = Responsibility(self, self, self, self, RuleBook(self)).of(
            subject, lambda found: self._show(found, visible)
        )
        return sorted({fact.index for fact in facts})

    def _show(self, found: Sequence[StoredStatement], visible: range) -> list[Content]:
        self.shown += [each.index for each in found]
        contents = [(each.index, content_of(decode_parts(each.parts))) for each in found]
        hidden = (content.to_wire(shown=index in visible) for index, content in contents)
        return [Content.from_wire(parts) for parts in hidden]


def opened_often(times: int) -> tuple[Stored, bytes]:
    """A report that was opened so many times."""
    issuer, reader = Signer(DOMAIN, "SYN-A", b"\x01" * 32), Signer(DOMAIN, "SYN-B", b"\x02" * 32)
    report = issuer.issued()
    return Stored(report, *(reader.granted(report) for _ in range(times))), report.subject


def test_a_timeline_is_read_in_pieces_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timelines, "READ_AT_ONCE", 2)
    for times in (0, 1, 2, 5):
        stored, subject = opened_often(times)
        assert stored.ask(subject) == list(range(times + 1))
        assert stored.shown == list(range(times + 1)), "each is shown once, and so read once"


def test_a_subject_of_which_nothing_is_known() -> None:
    stored, _ = opened_often(1)
    with pytest.raises(Refused, match="not-found"):
        stored.ask(b"\x07" * 32)


def test_a_timeline_too_long_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timelines, "MOST_STATEMENTS", 4)
    stored, subject = opened_often(3)
    assert stored.ask(subject) == [0, 1, 2, 3]
    stored, subject = opened_often(4)
    with pytest.raises(Refused, match="too-large"):
        stored.ask(subject)


def test_what_comes_in_while_it_is_read_waits_for_the_next_time() -> None:
    stored, subject = opened_often(3)
    stored.entries = 2
    assert stored.ask(subject) == [0, 1]


def test_facts_are_told_about_what_is_seen() -> None:
    stored, subject = opened_often(3)
    assert stored.ask(subject, range(1, 3)) == [1, 2]
    assert stored.ask(subject, range(0)) == []
