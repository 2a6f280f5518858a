"""Exporting evidence (docs/spec/evidence.md)."""

from collections.abc import Sequence

from fastapi import APIRouter, Request, Response
from pydantic import Field

from anchors.core.content import Content
from anchors.core.encoding import decode_hex
from ledger_service.http.disclosure import PartName
from ledger_service.http.read import SignedIn
from ledger_service.http.services import reading_request, services_of
from ledger_service.http.wire import Hex32, Wire
from ledger_service.usecases.evidence import Asked
from ledger_service.usecases.look_up import Read

router = APIRouter(tags=["evidence"])

MEDIA_TYPE = "application/zip"


class EvidenceRequest(Wire):
    """What is to be exported: all about a subject, and of the personal parts that one may see those of these names."""

    subject: Hex32
    personal: list[PartName] = Field(default_factory=list, max_length=64)


@router.post(
    "/v1/evidence",
    response_class=Response,
    responses={200: {"description": "The evidence package", "content": {MEDIA_TYPE: {"schema": {"type": "string"}}}}},
)
def evidence(request: Request, viewer: SignedIn, asked: EvidenceRequest) -> Response:
    """The evidence package about a subject, as of the newest final head, with the parts that one may see."""
    services, subject = services_of(request), decode_hex(asked.subject, 32, "subject")
    services.disclosure.check_list(viewer, subject)

    def show(statements: Sequence[Read]) -> Sequence[Content]:
        return services.disclosure.show(viewer, statements, reading_request(request))

    package = services.evidence.package(Asked(subject, frozenset(asked.personal)), show)
    return Response(package, media_type=MEDIA_TYPE)
