"""One report's statements, ready to be asked who did what on which grounds; and the form of an answer.

A fact is a claim with its state and the statements that it rests on, in a Chinese and an English sentence. It is never
a verdict: nobody is called liable, and no result right or wrong (docs/RESPONSIBILITY.md).
"""

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any

from msgspec import Struct

from ledger_service.kinds import VERSIONS
from ledger_service.recognition.book import CORRECTED, Book
from ledger_service.recognition.join import VersionState
from ledger_service.recognition.sentences import sentence
from ledger_service.recognition.stated import Stated, corrected

REPLACING = ("report.amended", "report.withdrawn", "import.amended", "import.withdrawn")
WITHDRAWALS = frozenset({"report.withdrawn", "import.withdrawn"})


class Claim(StrEnum):
    """Whether a claim holds, by the statements in the log."""

    VERIFIED = "VERIFIED"
    FAILED = "FAILED"
    NOT_CHECKED = "NOT_CHECKED"
    NOT_PROVABLE = "NOT_PROVABLE"


class Placed(Struct, frozen=True, gc=False):
    """A statement with the times (Unix seconds) of the blocks after which and before which it was signed; None where
    there is no such head yet."""

    stated: Stated
    signed_after: int | None = None
    signed_before: int | None = None


class Fact(Struct, frozen=True, gc=False):
    """A claim about one report. `code` names the claim, `says` how the sentence answers it; `statements` begin with the
    one that the fact is about, whose two-sided time stands beside them; `details` are the values in the sentence, and
    what is too long for it."""

    code: str
    says: str
    claim: Claim
    zh: str
    en: str
    statements: tuple[str, ...]
    index: int
    institution: str
    signed_after: int | None
    signed_before: int | None
    details: dict[str, Any]


class Case:
    """The statements about one report, those about other subjects that they lead to, and the book of rules.

    `elsewhere` has by subject the statements of the subjects that the timeline leads to: consents and repeated reports.
    `size` is that of the log: what stands behind it is not looked at in the book. Its first `final_size` entries are
    under a final head.
    """

    def __init__(
        self,
        timeline: Sequence[Placed],
        elsewhere: Mapping[bytes, Sequence[Placed]],
        book: Book,
        size: int,
        final_size: int,
    ):
        self.size = size
        self._final_size = final_size
        self.timeline = sorted(timeline, key=lambda placed: placed.stated.index)
        self.book = book
        self._elsewhere = elsewhere
        self._by_id = {placed.stated.id: placed for placed in self.timeline}
        for others in elsewhere.values():
            self._by_id |= {placed.stated.id: placed for placed in others}
        self._leading_to: dict[tuple[str, str], list[Placed]] = {}
        for placed in self.timeline:
            for link in placed.stated.links.items():
                self._leading_to.setdefault(link, []).append(placed)
        versions = (placed.stated.id for placed in self.of_kind(*VERSIONS))
        self._numbers = {id: number for number, id in enumerate(versions, 1)}

    def of_kind(self, *kinds: str) -> Iterable[Placed]:
        """Statements of these kinds, in log order."""
        return (placed for placed in self.timeline if placed.stated.kind in kinds)

    def find(self, id: str | None) -> Placed | None:
        """The statement of this id, where it is known."""
        return self._by_id.get(id) if id is not None else None

    def linked(self, stated: Stated, rel: str) -> Placed | None:
        """The statement that a link leads to, where it is known."""
        return self.find(stated.links.get(rel))

    def leading_to(self, id: str, rel: str, *kinds: str) -> list[Placed]:
        """Statements of these kinds whose link `rel` names a statement, in log order."""
        return [placed for placed in self._leading_to.get((rel, id), ()) if placed.stated.kind in kinds]

    def about(self, subject: bytes) -> Sequence[Placed]:
        """All that is known of another subject."""
        return self._elsewhere.get(subject, ())

    def as_of(self, stated: Stated, size: int) -> Stated:
        """A statement as corrected among the first `size` entries."""
        corrections = (placed.stated for placed in self.leading_to(stated.id, "corrects", CORRECTED))
        return corrected(stated, [each for each in corrections if each.index < size])

    def now(self, stated: Stated) -> Stated:
        """A statement with all its corrections."""
        return self.as_of(stated, self.size)

    def number(self, version: Stated | None) -> int | None:
        """Which version of the report a statement is: 1 for the one that was issued."""
        return self._numbers.get(version.id) if version is not None else None

    def replaced(self, version: Stated, size: int) -> tuple[VersionState, Placed | None]:
        """What had become of a version among the first `size` entries, and the statement that made it so. One that was
        replaced is withdrawn where its last successor was."""
        found: tuple[VersionState, Placed | None] = ("current", None)
        following = self._follower(version.id, size)
        while following is not None:
            if following.stated.kind in WITHDRAWALS:
                return "withdrawn", following
            found = ("superseded", found[1] or following)
            following = self._follower(following.stated.id, size)
        return found

    def _follower(self, id: str, size: int) -> Placed | None:
        followers = self.leading_to(id, "replaces", *REPLACING)
        return next((placed for placed in followers if placed.stated.index < size), None)

    def fact(
        self,
        code: str,
        says: str,
        holds: bool | None,
        about: Placed,
        *others: str | None,
        checked: bool = True,
        **details: Any,
    ) -> Fact:
        """A fact about a statement, which rests on `others` too. `holds` is None where the log cannot show it."""
        statements = tuple(dict.fromkeys((about.stated.id, *(id for id in others if id is not None))))
        zh, en = sentence(code, says, {"who": about.stated.institution} | details)
        return Fact(
            code,
            says,
            self._claim(holds, statements) if checked else Claim.NOT_CHECKED,
            zh,
            en,
            statements,
            about.stated.index,
            about.stated.institution,
            about.signed_after,
            about.signed_before,
            details,
        )

    def _claim(self, holds: bool | None, statements: Iterable[str]) -> Claim:
        """What rests on a statement that is not under a final head yet may still be lost with it."""
        indexes = (self._by_id[id].stated.index if id in self._by_id else self.book.index_of(id) for id in statements)
        if any(index is not None and index >= self._final_size for index in indexes):
            return Claim.NOT_CHECKED
        if holds is None:
            return Claim.NOT_PROVABLE
        return Claim.VERIFIED if holds else Claim.FAILED
