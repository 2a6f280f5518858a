"""The FastAPI application: routes, and every error as an RFC 9457 problem in one line."""

import logging
from importlib.metadata import version

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from prometheus_client import CollectorRegistry
from starlette.exceptions import HTTPException

from ledger_service import problems
from ledger_service.http import health, log, read, submit
from ledger_service.http.services import Services
from ledger_service.http.wire import ProblemView
from ledger_service.problems import Problem, Refused
from ledger_service.usecases.ports import StoreUnavailable

_log = logging.getLogger(__name__)
_RETRY_AFTER = {"Retry-After": "1"}


def create_api(services: Services, metrics: CollectorRegistry) -> FastAPI:
    """The application over these services."""
    api = FastAPI(
        title="Huzheng 互证",
        summary="An audit ledger for the mutual recognition of medical results",
        version=version("huzheng"),
        responses={status: {"model": ProblemView} for status in (400, 401, 404, 503)},
        docs_url=None,
        redoc_url=None,
    )
    api.state.services = services
    api.state.metrics = metrics
    for part in (submit, read, log, health):
        api.include_router(part.router)
    api.add_exception_handler(Refused, _refused)
    api.add_exception_handler(RequestValidationError, _invalid)
    api.add_exception_handler(HTTPException, _http)
    api.add_exception_handler(StoreUnavailable, _unavailable)
    api.add_exception_handler(Exception, _unforeseen)
    return api


def _problem(refused: Refused) -> JSONResponse:
    status = refused.problem.status
    headers = dict(_RETRY_AFTER) if status == 503 else {}
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return JSONResponse(refused.to_wire(), status, headers, media_type="application/problem+json")


def _refused(_request: Request, error: Refused) -> JSONResponse:
    return _problem(error)


def _invalid(_request: Request, error: RequestValidationError) -> JSONResponse:
    what = "; ".join(f"{'.'.join(str(step) for step in item['loc'])}: {item['msg']}" for item in error.errors())
    return _problem(Refused(problems.MALFORMED_REQUEST, what))


def _http(_request: Request, error: HTTPException) -> JSONResponse:
    known = {404: problems.NOT_FOUND}.get(error.status_code)
    problem = known or Problem("malformed-request", error.status_code, str(error.detail))
    detail = "no such route; /openapi.json lists them" if known else f"{error.detail}; see /openapi.json"
    response = _problem(Refused(problem, detail))
    response.headers.update(error.headers or {})
    return response


def _unavailable(_request: Request, error: StoreUnavailable) -> JSONResponse:
    return _problem(Refused(problems.NOT_READY, str(error)))


def _unforeseen(request: Request, error: Exception) -> JSONResponse:
    _log.error("%s %s failed in a way nobody foresaw", request.method, request.url.path, exc_info=error)
    return _problem(Refused(problems.INTERNAL, "the service's log says more; send again later"))
