"""POST /v1/statements: the hot path. The body is read once, checked in a thread, committed with its neighbours."""

import asyncio
from dataclasses import dataclass

import msgspec
from fastapi import APIRouter, Request, Response
from starlette.requests import ClientDisconnect

from anchors.core.encoding import encode_hex
from ledger_service import answer as wire
from ledger_service import problems
from ledger_service.http.services import Services, services_of
from ledger_service.problems import Refused
from ledger_service.usecases.accept import (
    Accepted,
    Answer,
    NotAccepted,
    SignedRefusal,
)
from ledger_service.usecases.check import Checked, Rejected
from ledger_service.usecases.look_up import Reached, State
from ledger_service.usecases.ports import NewReceipt, StoreUnavailable
from ledger_service.usecases.submission import MAX_BODY_BYTES, MAX_STATEMENTS, read_submission

router = APIRouter(tags=["submitting"])

BODY_WITHIN_SECONDS = 30

_WITHHELD = {
    "type": "object",
    "required": ["leaf", "name"],
    "additionalProperties": False,
    "properties": {
        "leaf": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
        "name": {"type": "string", "pattern": "^[a-z][a-z0-9._-]{0,63}$"},
    },
}
_PART = {"oneOf": [{"type": "string"}, _WITHHELD]}
_STATEMENT = {
    "type": "object",
    "required": ["key", "entry", "parts"],
    "additionalProperties": False,
    "properties": {
        "key": {"type": "string", "pattern": "^0x[0-9a-f]{40}$"},
        "entry": {"type": "string", "format": "byte"},
        "parts": {"type": "array", "items": _PART, "minItems": 1, "maxItems": 64},
    },
}
_BODY = {
    "type": "object",
    "required": ["origin", "statements"],
    "additionalProperties": False,
    "properties": {
        "origin": {"type": "string"},
        "statements": {"type": "array", "items": _STATEMENT, "minItems": 1, "maxItems": MAX_STATEMENTS},
    },
}
_ANSWER = {
    "description": "Each statement's result",
    "content": {"application/json": {"schema": wire.schema(wire.Answer)}},
}
_DESCRIBED = {
    "requestBody": {"required": True, "content": {"application/json": {"schema": _BODY}}},
    "responses": {"200": _ANSWER},
}


@router.post("/v1/statements", openapi_extra=_DESCRIBED, summary="Submit 1 to 1,000 signed statements")
async def submit(request: Request) -> Response:
    """Answers each statement on its own; what has an index is durable before the answer."""
    services = services_of(request)
    if reason := services.readiness.why_not_accepting():
        raise Refused(problems.NOT_READY, reason)
    with services.submissions.one():
        body = await _read_body(request)
        loop = asyncio.get_running_loop()
        checked = await loop.run_in_executor(services.checkers, _read_and_check, body, services)
        answer = await asyncio.wrap_future(services.commit.submit(checked))
        reached = None
        if any(isinstance(result, Accepted) and result.known for result in answer.results):
            reached = await loop.run_in_executor(services.checkers, _reached, services)
        return Response(msgspec.json.encode(_answer(answer, services, reached)), media_type="application/json")


def _read_and_check(body: bytes, services: Services) -> list[Checked | Rejected]:
    return services.door.check(read_submission(body, services.origin))


def _reached(services: Services) -> Reached | None:
    """How far the log has come, for statements that were known; what was promised is answered even where this fails."""
    try:
        return services.look_up.reached()
    except StoreUnavailable:
        return None


async def _read_body(request: Request) -> bytes:
    chunks, size = [], 0
    try:
        async with asyncio.timeout(BODY_WITHIN_SECONDS):
            async for chunk in request.stream():
                size += len(chunk)
                if size > MAX_BODY_BYTES:
                    raise Refused(
                        problems.TOO_LARGE, f"more than {MAX_BODY_BYTES} bytes; send fewer statements at once"
                    )
                chunks.append(chunk)
    except ClientDisconnect:
        raise Refused(problems.MALFORMED_REQUEST, "the connection ended before the body did; send again") from None
    except TimeoutError:
        detail = f"the body did not arrive within {BODY_WITHIN_SECONDS} s; send fewer statements at once"
        raise Refused(problems.MALFORMED_REQUEST, detail) from None
    return b"".join(chunks)


def _answer(answer: Answer, services: Services, reached: Reached | None) -> wire.Answer:
    signed_by = _SignedBy(encode_hex(services.domain.log), encode_hex(services.door.receipt_key))
    results = [
        wire.Result(encode_hex(result.id), result.index, _state(result, reached))
        if isinstance(result, Accepted)
        else signed_by.refused(result)
        for result in answer.results
    ]
    return wire.Answer(signed_by.receipt(answer.receipt) if answer.receipt else None, results)


def _state(result: Accepted, reached: Reached | None) -> State:
    return reached.state(result.index) if result.known and reached else State.ACCEPTED


@dataclass(frozen=True)
class _SignedBy:
    """The log and the receipt key that everything signed in an answer names."""

    log: str
    key: str

    def receipt(self, receipt: NewReceipt) -> wire.Receipt:
        accepted, signature = encode_hex(receipt.accepted), encode_hex(receipt.signature)
        return wire.Receipt(self.log, accepted, receipt.accepted_at, receipt.witness_by, self.key, signature)

    def refused(self, result: NotAccepted) -> wire.Result:
        statement = encode_hex(result.id) if result.id else None
        refusal = self._refusal(result.refusal) if result.refusal else None
        return wire.Result(statement, problem=result.refused.to_wire(), refusal=refusal)

    def _refusal(self, signed: SignedRefusal) -> wire.Refusal:
        refusal, signature = signed.refusal, encode_hex(signed.signature)
        statement = encode_hex(refusal.statement)
        return wire.Refusal(self.log, statement, refusal.reason, refusal.refused_at, self.key, signature)
