"""What the log says of who did what about a report (docs/RESPONSIBILITY.md)."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Request

from anchors.core.content import Content
from anchors.core.encoding import decode_hex
from ledger_service.http.read import SignedIn
from ledger_service.http.services import reading_request, services_of
from ledger_service.http.wire import Hex32, Wire
from ledger_service.recognition.case import Fact
from ledger_service.usecases.look_up import Read
from ledger_service.usecases.ports import StoredStatement
from ledger_service.usecases.submission import content_of, decode_parts

router = APIRouter(tags=["recognition"])

_Hex32 = Annotated[str, Path(pattern="^0x[0-9a-f]{64}$")]


class FactView(Wire):
    """A claim about a report and its state, in two languages. `statements` begin with the one that the fact is about:
    `index` and `institution` are that one's, and it was signed after and before these block times (Unix seconds; null
    where no head tells)."""

    code: str
    says: str
    claim: Literal["VERIFIED", "FAILED", "NOT_CHECKED", "NOT_PROVABLE"]
    zh: str
    en: str
    statements: list[Hex32]
    index: int
    institution: str
    signed_after: int | None
    signed_before: int | None
    details: dict[str, Any]

    @classmethod
    def of(cls, fact: Fact) -> "FactView":
        """The view of a fact."""
        return cls(
            code=fact.code,
            says=fact.says,
            claim=fact.claim.value,
            zh=fact.zh,
            en=fact.en,
            statements=list(fact.statements),
            index=fact.index,
            institution=fact.institution,
            signed_after=fact.signed_after,
            signed_before=fact.signed_before,
            details=fact.details,
        )


class ResponsibilityView(Wire):
    """All facts about one report, in the log order of what they are about."""

    subject: Hex32
    facts: list[FactView]


@router.get("/v1/subjects/{subject}/responsibility", response_model=ResponsibilityView)
def responsibility(request: Request, viewer: SignedIn, subject: _Hex32) -> ResponsibilityView:
    """Who did what about a report, on which grounds: facts about what the viewer may see, and no verdict."""
    services, subject_id = services_of(request), decode_hex(subject, 32, "subject")
    services.disclosure.check_list(viewer, subject_id)

    def show(statements: Sequence[StoredStatement]) -> Sequence[Content]:
        read = [Read(stored, content_of(decode_parts(stored.parts))) for stored in statements]
        return services.disclosure.show(viewer, read, reading_request(request))

    facts = services.responsibility.of(subject_id, show)
    return ResponsibilityView(subject=subject, facts=[FactView.of(fact) for fact in facts])
