"""A refused request's answer: an RFC 9457 problem in one line."""

import msgspec
from fastapi import Response

from ledger_service.logging import current_request
from ledger_service.problems import Refused

PROBLEM_TYPE = "application/problem+json"
_REQUEST_PREFIX = "urn:huzheng:request:"
_RETRY_LATER = (429, 503)


def refusal(refused: Refused) -> Response:
    """The problem, naming the request in hand; its code goes to the request's line in the log."""
    status = refused.problem.status
    headers = {"Retry-After": str(refused.retry_after_seconds)} if status in _RETRY_LATER else {}
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    problem = refused.to_wire()
    if (request := current_request.get()) is not None:
        request.problem = refused.problem.code
        problem = msgspec.structs.replace(problem, instance=_REQUEST_PREFIX + request.id)
    return Response(msgspec.json.encode(problem), status, headers, media_type=PROBLEM_TYPE)
