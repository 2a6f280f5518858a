"""POST /v1/statements: the hot path. The body is read once, checked, committed with its neighbours, answered."""

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
from starlette.types import Receive, Scope, Send

from anchors.core.encoding import encode_hex
from ledger_service import answer as wire
from ledger_service import problems
from ledger_service.http.services import Services
from ledger_service.problems import Refused
from ledger_service.usecases.accept import (
    Accepted,
    Answer,
    Door,
    NotAccepted,
    SignedRefusal,
    settle_here,
)
from ledger_service.usecases.check import Checked, Rejected
from ledger_service.usecases.look_up import Reached, State
from ledger_service.usecases.ports import NewReceipt, StoreUnavailable
from ledger_service.usecases.submission import MAX_BODY_BYTES, MAX_STATEMENTS, Item, read_submission

PATH = "/v1/statements"
STATEMENTS_PER_TURN = 100
"""Some eight milliseconds of one core."""

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
DESCRIPTION = {
    "post": {
        "tags": ["submitting"],
        "summary": "Submit 1 to 1,000 signed statements",
        "description": "Answers each statement on its own; what has an index is durable before the answer.",
        "operationId": "submit",
        "requestBody": {"required": True, "content": {"application/json": {"schema": _BODY}}},
        "responses": {"200": _ANSWER},
    }
}
"""The route as OpenAPI describes it."""


class Submit:
    """The route, in plain ASGI: a framework would spend more on a request than accepting a statement costs."""

    def __init__(self, services: Services):
        self._services = services
        self._signed_by = _SignedBy(encode_hex(services.domain.log), encode_hex(services.door.receipt_key))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read, check, have it committed with its neighbours, answer. Raises `Refused` for the request as a whole."""
        services = self._services
        if reason := services.readiness.why_not_accepting():
            raise Refused(problems.NOT_READY, reason)
        address = scope["client"][0] if scope.get("client") else ""
        services.rates.let_in(address)
        body = await _read_body(receive)
        with services.submissions.of(len(body)):
            with services.commit.expecting():
                # All that arrived is expected before the first of it is checked.
                await asyncio.sleep(0)
                submission = read_submission(body, services.origin)
                checked = await _check(services.door, submission.statements)
                # Let go before the wait: the next request is read into memory that the processor still holds.
                del body, submission
                services.rates.let_pass(address, checked)
                committed = asyncio.get_running_loop().create_future()
                services.commit.submit(checked, committed)
            answer: Answer = await committed
            services.rates.charge(checked, answer.results)
            reached = None
            if any(isinstance(result, Accepted) and result.known for result in answer.results):
                reached = await asyncio.to_thread(_reached, services)
            answered = msgspec.json.encode(_answer(answer, self._signed_by, reached))
        await send({"type": "http.response.start", "status": 200, "headers": _headers(answered)})
        await send({"type": "http.response.body", "body": answered})


def settle_on_loop(outcomes: Sequence[tuple[asyncio.Future, Answer | Refused]]) -> None:
    """Settle the futures of a group where they live: their loop is woken once for all of them."""
    # A loop that ended while this was committed has nobody left who waits.
    with contextlib.suppress(RuntimeError):
        outcomes[0][0].get_loop().call_soon_threadsafe(settle_here, outcomes)


async def _check(door: Door, statements: Sequence[Item]) -> list[Checked | Rejected]:
    """Judge each statement by itself, letting other requests have their turn between slices."""
    checked: list[Checked | Rejected] = []
    for begin in range(0, len(statements), STATEMENTS_PER_TURN):
        if begin:
            await asyncio.sleep(0)
        checked += door.check(statements[begin : begin + STATEMENTS_PER_TURN])
    return checked


def _headers(body: bytes) -> list[tuple[bytes, bytes]]:
    return [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]


def _reached(services: Services) -> Reached | None:
    """How far the log has come, for statements that were known; what was promised is answered even where this fails."""
    try:
        return services.look_up.reached()
    except StoreUnavailable:
        return None


async def _read_body(receive: Receive) -> bytes:
    """The body; the connection bounds how long it may take (`connection.Limits`)."""
    chunks, size, more = [], 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Refused(problems.MALFORMED_REQUEST, "the connection ended before the body did; send again")
        size += len(message["body"])
        if size > MAX_BODY_BYTES:
            raise Refused(problems.TOO_LARGE, f"more than {MAX_BODY_BYTES} bytes; send fewer statements at once")
        chunks.append(message["body"])
        more = message["more_body"]
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def _answer(answer: Answer, signed_by: "_SignedBy", reached: Reached | None) -> wire.Answer:
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

    def receipt(self, given: NewReceipt) -> wire.Receipt:
        receipt, signature = given.receipt, encode_hex(given.signature)
        accepted = encode_hex(receipt.accepted)
        return wire.Receipt(self.log, accepted, receipt.accepted_at, receipt.witness_by, self.key, signature)

    def refused(self, result: NotAccepted) -> wire.Result:
        statement = encode_hex(result.id) if result.id else None
        refusal = self._refusal(result.refusal) if result.refusal else None
        return wire.Result(statement, problem=result.refused.to_wire(), refusal=refusal)

    def _refusal(self, signed: SignedRefusal) -> wire.Refusal:
        refusal, signature = signed.refusal, encode_hex(signed.signature)
        statement = encode_hex(refusal.statement)
        return wire.Refusal(self.log, statement, refusal.reason, refusal.refused_at, self.key, signature)
