"""FHIR under /v1: a timeline as a Bundle, and a report as a draft that nobody stores (docs/FHIR.md)."""

import json
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import URL

from anchors.core.encoding import decode_hex, encode_hex
from anchors.core.errors import Error
from ledger_service import problems
from ledger_service.client.compose import compose
from ledger_service.fhir.inward import Said, read_report
from ledger_service.fhir.outward import FHIR_JSON, timeline_bundle
from ledger_service.http.read import timeline
from ledger_service.http.services import require_viewer, services_of
from ledger_service.http.wire import Hex32, Page, StatementView, Wire
from ledger_service.problems import Refused
from ledger_service.usecases.submission import MAX_BODY_BYTES

router = APIRouter(tags=["fhir"])

_BUNDLE = {FHIR_JSON: {"schema": {"type": "object", "properties": {"resourceType": {"const": "Bundle"}}}}}
_REPORT = {"requestBody": {"required": True, "content": {FHIR_JSON: {"schema": {"type": "object"}}}}}
_Hex32 = Annotated[str, Query(pattern="^0x[0-9a-f]{64}$")]
_Text = Annotated[str | None, Query(min_length=1, max_length=200)]


class DraftView(Wire):
    """A draft: the content that a statement of this kind would commit to. `conforms` is the FHIR release whose models
    the report and its results fit (`R4B`, `R5`), or empty."""

    kind: str
    subject: Hex32
    content: Hex32
    parts: list[str]
    report_number: str
    conforms: str


@router.get(
    "/v1/subjects/{subject}/fhir",
    response_class=Response,
    responses={200: {"description": "A searchset Bundle (FHIR R4)", "content": _BUNDLE}},
)
def fhir_timeline(request: Request, page: Annotated[Page[StatementView], Depends(timeline)]) -> Response:
    """All statements about a subject as Provenance and AuditEvent, in log order; the link `next` has the rest."""
    items = [item.model_dump(mode="json", by_alias=True) for item in page.items]
    following = "" if page.next is None else _address(request.url.include_query_params(after=page.next))
    bundle = timeline_bundle(items, address=_address(request.url), following=following)
    return Response(json.dumps(bundle, ensure_ascii=False), media_type=FHIR_JSON)


@router.post("/v1/fhir/$draft", response_model=DraftView, dependencies=[Depends(require_viewer)], openapi_extra=_REPORT)
async def draft(
    request: Request,
    subject: _Hex32,
    report_number: Annotated[_Text, Query(alias="reportNumber")] = None,
    category: _Text = None,
    performer: _Text = None,
    replaces: Annotated[str | None, Query(pattern="^0x[0-9a-f]{64}$")] = None,
    reason: _Text = None,
    kind: _Text = None,
) -> DraftView:
    """What a statement would say of a FHIR report. Nothing is stored; the caller names the subject, and signs."""
    said = Said(
        report_number=report_number,
        category=category,
        performer=performer,
        replaces=decode_hex(replaces, 32, "replaces") if replaces else None,
        reason=reason,
        kind=kind,
    )
    raw = await _read_body(request)
    with services_of(request).submissions.of(len(raw)):
        return await run_in_threadpool(_draft, raw, decode_hex(subject, 32, "subject"), said)


async def _read_body(request: Request) -> bytes:
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > MAX_BODY_BYTES:
            raise Refused(problems.TOO_LARGE, f"more than {MAX_BODY_BYTES} bytes; make the draft with the command")
        chunks.append(chunk)
    return b"".join(chunks)


def _draft(raw: bytes, subject: bytes, said: Said) -> DraftView:
    try:
        read = read_report(raw, said)
        made = compose(read.kind, subject, read.material)
    except Error as error:
        raise Refused(problems.MALFORMED_REQUEST, str(error)) from None
    return DraftView(
        kind=made.kind,
        subject=encode_hex(subject),
        content=encode_hex(made.content.hash),
        parts=[text for text in made.content.to_wire() if isinstance(text, str)],
        report_number=read.report_number,
        conforms=read.conforms,
    )


def _address(url: URL) -> str:
    """Path and query: under which name the service is reached is not for it to say."""
    return f"{url.path}?{url.query}" if url.query else url.path
