"""Checking a document against the log, for everybody who holds it (docs/PRIVACY.md)."""

from typing import Annotated

from fastapi import APIRouter, Query, Request

from anchors.core.encoding import decode_bare_hex, encode_hex
from ledger_service.http.read import Digest, Position
from ledger_service.http.services import services_of
from ledger_service.http.wire import Hex32, Page, Wire
from ledger_service.recognition.join import VersionState
from ledger_service.usecases.document_check import CheckedDocument
from ledger_service.usecases.look_up import State

router = APIRouter(tags=["reading"])

FewAtOnce = Annotated[int, Query(ge=1, le=20)]


class CheckedDocumentView(Wire):
    """A statement that attests the document. `version` says what has become of it; `proof` is the `.tlog-proof` with
    the part `document` shown, null before the statement is integrated."""

    statement: Hex32
    index: int
    state: State
    kind: str
    institution: str
    issued_at: int
    version: VersionState
    proof: str | None

    @classmethod
    def of(cls, checked: CheckedDocument) -> "CheckedDocumentView":
        """The view of one."""
        found, statement = checked.found, checked.found.statement
        return cls(
            statement=encode_hex(found.stored.id),
            index=found.stored.index,
            state=found.standing.state,
            kind=statement.kind,
            institution=statement.institution,
            issued_at=statement.issued_at,
            version=checked.version,
            proof=checked.proof.decode("utf-8") if checked.proof is not None else None,
        )


@router.get("/v1/documents/{digest}/check", response_model=Page[CheckedDocumentView])
def check(request: Request, digest: Digest, after: Position = None, limit: FewAtOnce = 10) -> Page[CheckedDocumentView]:
    """Who attested a document with this SHA-256 or SM3, and whether it is the current version. Needs no token."""
    found = services_of(request).document_check.check(decode_bare_hex(digest, 32, "digest"), after, limit)
    following = found[-1].found.stored.index if len(found) == limit else None
    return Page(items=[CheckedDocumentView.of(each) for each in found], next=following)
