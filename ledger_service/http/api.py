"""The FastAPI application: routes, and every error as an RFC 9457 problem in one line."""

import logging
from dataclasses import replace
from functools import partial
from importlib.metadata import version
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from prometheus_client import CollectorRegistry
from starlette.exceptions import HTTPException
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from ledger_service import problems
from ledger_service.http import (
    cds,
    disclosure,
    disputes,
    documents,
    evidence,
    fhir,
    health,
    index,
    log,
    operate,
    read,
    recognition,
    reminders,
    session,
    submit,
)
from ledger_service.http.refusal import PROBLEM_TYPE, refusal
from ledger_service.http.services import Services
from ledger_service.http.wire import ProblemView
from ledger_service.problems import Refused
from ledger_service.usecases.ports import StoreUnavailable

_log = logging.getLogger(__name__)

_NO_TELEMETRY = {"tracing": False, "metrics": False, "logs": False, "auto_configure": False}
"""The framework's own would send paths, bodies and messages of exceptions, and be switched on by foreign variables."""
_PARTS = (
    index, read, documents, recognition, reminders, cds, fhir, session, disclosure, disputes, evidence, operate, log,
    health,
)  # fmt: skip
_PROBLEM = {
    "description": "A problem (RFC 9457); docs/spec/api.md lists the codes",
    "content": {PROBLEM_TYPE: {"schema": ProblemView.model_json_schema(by_alias=True)}},
}


class Api:
    """The application: the route that must be quick, and the framework with all others."""

    def __init__(self, services: Services, metrics: CollectorRegistry):
        self._submit = submit.Submit(services)
        self._framework = _create_framework(services, metrics, self._submit)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or scope["path"] != submit.PATH or scope["method"] != "POST":
            await self._framework(scope, receive, send)
            return
        scope["endpoint"] = self._submit
        try:
            await self._submit(scope, receive, send)
        except Refused as refused:
            await refusal(refused)(scope, receive, send)
        except Exception as error:
            await _unforeseen(Request(scope), error)(scope, receive, send)


def _create_framework(services: Services, metrics: CollectorRegistry, submitting: submit.Submit) -> FastAPI:
    api = FastAPI(
        title="Huzheng 互证",
        summary="An audit ledger for the mutual recognition of medical results",
        version=version("huzheng"),
        responses={"default": _PROBLEM},
        docs_url=None,
        redoc_url=None,
        telemetry=_NO_TELEMETRY,
    )
    api.state.services = services
    api.state.metrics = metrics
    # So that other methods are told which one it takes; POST never comes here.
    api.router.routes.insert(0, Route(submit.PATH, submitting, methods=["POST"]))
    api.openapi = partial(_describe, api)
    for part in _PARTS:
        api.include_router(part.router)
    api.add_exception_handler(Refused, _refused)
    api.add_exception_handler(RequestValidationError, _invalid)
    api.add_exception_handler(HTTPException, _http)
    api.add_exception_handler(StoreUnavailable, _unavailable)
    api.add_exception_handler(Exception, _unforeseen)
    return api


def _describe(api: FastAPI) -> dict[str, Any]:
    """The framework's description, with the route that is none of its own."""
    described = FastAPI.openapi(api)
    responses = submit.DESCRIPTION["post"]["responses"] | {"default": _PROBLEM}
    described["paths"][submit.PATH] = {"post": submit.DESCRIPTION["post"] | {"responses": responses}}
    return described


def _refused(_request: Request, error: Refused) -> Response:
    return refusal(error)


def _invalid(_request: Request, error: RequestValidationError) -> Response:
    what = "; ".join(f"{'.'.join(str(step) for step in item['loc'])}: {item['msg']}" for item in error.errors())
    return refusal(Refused(problems.MALFORMED_REQUEST, what))


def _http(_request: Request, error: HTTPException) -> Response:
    known = {404: problems.NOT_FOUND}.get(error.status_code)
    problem = known or replace(problems.MALFORMED_REQUEST, status=error.status_code)
    detail = "no such route; /openapi.json lists them" if known else f"{error.detail}; see /openapi.json"
    response = refusal(Refused(problem, detail))
    response.headers.update(error.headers or {})
    return response


def _unavailable(_request: Request, error: StoreUnavailable) -> Response:
    return refusal(Refused(problems.NOT_READY, str(error)))


def _unforeseen(request: Request, error: Exception) -> Response:
    _log.error("%s %s failed in a way nobody foresaw", request.method, request.url.path, exc_info=error)
    return refusal(Refused(problems.INTERNAL, "the service's log says more; send again later"))
