"""Alive, ready, measured."""

from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from ledger_service.http.services import services_of
from ledger_service.http.wire import ReadyView

router = APIRouter(tags=["health"])


@router.get("/healthz", summary="Alive?")
def healthz() -> dict[str, str]:
    """The process answers."""
    return {"status": "alive"}


@router.get("/readyz", response_model=ReadyView, responses={503: {"model": ReadyView}}, summary="Ready?")
def readyz(request: Request, response: Response) -> ReadyView:
    """Whether statements can be accepted and witnessed, with reasons if not, and how long the oldest entry waits."""
    readiness = services_of(request).readiness.read()
    response.status_code = 200 if readiness.ready else 503
    return ReadyView.of(readiness)


@router.get("/metrics", response_class=PlainTextResponse, summary="Figures for Prometheus")
def metrics(request: Request) -> Response:
    """Prometheus text."""
    return Response(generate_latest(request.app.state.metrics), media_type=CONTENT_TYPE_LATEST)
