"""What everybody may know who holds a document: which statements attest it, and whether it is the current version.

Whoever names a document's digest had its bytes, or was told of them by somebody who had. Of a statement he is told what
its public entry says, and shown the one part that he could write himself but for its salt, so that the proof verifies
down to his own file (docs/PRIVACY.md).
"""

from dataclasses import dataclass

from anchors.core.content import Content, Part, Withheld
from ledger_service.problems import NOT_FOUND, Refused
from ledger_service.recognition.join import VersionState
from ledger_service.usecases.look_up import Found, LookUp, Read
from ledger_service.usecases.ports import Reader


@dataclass(frozen=True)
class CheckedDocument:
    """A version of a report with this document: what has become of it by now, and its `.tlog-proof` with the part
    `document` shown, None before it is integrated."""

    found: Found
    version: VersionState
    proof: bytes | None


class DocumentCheck:
    """Answers about documents, to anybody."""

    def __init__(self, look_up: LookUp, reader: Reader):
        self._look_up = look_up
        self._reader = reader

    def check(self, digest: bytes, after: int | None, limit: int) -> list[CheckedDocument]:
        """Statements with an index above `after` whose document has this SHA-256 or SM3 (32 bytes), in log order."""
        found = self._look_up.by_document(digest, after, limit)
        subjects = self._reader.subjects({each.statement.subject for each in found})
        return [
            CheckedDocument(
                each,
                subjects[each.statement.subject].version_at(each.stored.index),
                self._proof(each.stored.id),
            )
            for each in found
        ]

    def _proof(self, id: bytes) -> bytes | None:
        try:
            return self._look_up.proof(id, _show_document)
        except Refused as refused:
            if refused.problem is NOT_FOUND:
                return None
            raise


def _show_document(read: Read) -> Content:
    return Content.of(
        part if isinstance(part, Part) and part.name == "document" else Withheld(part.name, part.leaf)
        for part in read.content.parts
    )
