"""What the routes need, made once by the composition root."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated

from fastapi import Request, Security
from fastapi.security import HTTPBearer

from anchors.core.typed_data import Domain
from ledger_service import problems
from ledger_service.logging import current_request
from ledger_service.problems import Refused
from ledger_service.usecases.accept import Door, GroupCommit
from ledger_service.usecases.document_check import DocumentCheck
from ledger_service.usecases.erase import Eraser
from ledger_service.usecases.evidence import ExportEvidence
from ledger_service.usecases.log_tiles import LogTiles
from ledger_service.usecases.look_up import LookUp
from ledger_service.usecases.outside_ports import Timestamps
from ledger_service.usecases.ports import ChainView, Ledger, Reader, Tree
from ledger_service.usecases.privacy_ports import Disputes, Readings
from ledger_service.usecases.publish import Publication
from ledger_service.usecases.rate import Rates
from ledger_service.usecases.readiness import ReadinessCheck
from ledger_service.usecases.reading import Disclosure
from ledger_service.usecases.reading import Request as ReadingRequest
from ledger_service.usecases.readings import CloseDay
from ledger_service.usecases.remind import Remind
from ledger_service.usecases.responsibility import Responsibility
from ledger_service.usecases.sessions import SignIn
from ledger_service.usecases.viewer import OPERATOR, Viewer


class Admission:
    """How many bytes of submissions may be checked and committed at once: it bounds the memory that strangers can take.
    Used on the event loop only."""

    def __init__(self, limit_bytes: int):
        self._limit_bytes = limit_bytes
        self._bytes = 0

    @contextmanager
    def of(self, size: int) -> Iterator[None]:
        """Let a submission of `size` bytes in. Raises `Refused` (`busy`) past the limit."""
        if self._bytes + size > self._limit_bytes:
            raise Refused(problems.BUSY, f"{self._bytes} bytes of requests are under way; send again in a second")
        self._bytes += size
        try:
            yield
        finally:
            self._bytes -= size


@dataclass(frozen=True)
class Services:
    """The use cases behind the routes."""

    origin: str
    domain: Domain
    witness: bytes
    door: Door
    commit: GroupCommit
    submissions: Admission
    rates: Rates
    ledger: Ledger
    look_up: LookUp
    document_check: DocumentCheck
    tree: Tree
    tiles: LogTiles
    view: ChainView
    reader: Reader
    readiness: ReadinessCheck
    sign_in: SignIn
    disclosure: Disclosure
    disputes: Disputes
    readings: Readings
    close_day: CloseDay
    eraser: Eraser
    responsibility: Responsibility
    remind: Remind
    evidence: ExportEvidence
    timestamps: Timestamps
    publication: Publication
    operator_token: str | None
    bundles_need_token: bool


def services_of(request: Request) -> Services:
    """The services of the application that serves `request`."""
    return request.app.state.services


_bearer = HTTPBearer(auto_error=False, description="The token of a session (POST /v1/session), or the operator token.")


def viewer_of(request: Request) -> Viewer | None:
    """Who asks; None where no token is given, or one that is not good."""
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    if scheme != "Bearer" or not given:
        return None
    services = services_of(request)
    token = services.operator_token
    if token is not None and secrets.compare_digest(given.encode(), token.encode()):
        return OPERATOR
    return services.sign_in.viewer(given)


def require_viewer(request: Request, _described: Annotated[object, Security(_bearer)] = None) -> Viewer:
    """Who asks. Raises `Refused` (`unauthorized`) where nobody is signed in."""
    viewer = viewer_of(request)
    if viewer is None:
        raise Refused(problems.UNAUTHORIZED, "sign in (POST /v1/session), or send the operator token as Bearer")
    return viewer


def require_token(request: Request, _described: Annotated[object, Security(_bearer)] = None) -> None:
    """Raise `Refused` (`unauthorized`) without the operator token."""
    viewer = viewer_of(request)
    if viewer is None or not viewer.is_operator:
        raise Refused(problems.UNAUTHORIZED, "send Authorization: Bearer with the operator token")


def may_carry_token(_described: Annotated[object, Security(_bearer)] = None) -> None:
    """Says in the API's description that a token changes the answer."""


def reading_request(request: Request) -> ReadingRequest:
    """The request as the reading log names it."""
    in_hand = current_request.get()
    return ReadingRequest(in_hand.id if in_hand else "", f"{request.method} {request.scope['route'].path}")
