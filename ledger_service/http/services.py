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
from ledger_service.problems import Refused
from ledger_service.usecases.accept import Door, GroupCommit
from ledger_service.usecases.log_tiles import LogTiles
from ledger_service.usecases.look_up import LookUp
from ledger_service.usecases.ports import ChainView, Ledger, Reader, Tree
from ledger_service.usecases.rate import Rates
from ledger_service.usecases.readiness import ReadinessCheck


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
    tree: Tree
    tiles: LogTiles
    view: ChainView
    reader: Reader
    readiness: ReadinessCheck
    operator_token: str | None
    bundles_need_token: bool


def services_of(request: Request) -> Services:
    """The services of the application that serves `request`."""
    return request.app.state.services


def has_token(request: Request) -> bool:
    """Whether the request carries the operator token."""
    token = services_of(request).operator_token
    given = request.headers.get("authorization", "")
    return token is not None and secrets.compare_digest(given.encode(), f"Bearer {token}".encode())


_bearer = HTTPBearer(auto_error=False, description="The operator token.")


def require_token(request: Request, _described: Annotated[object, Security(_bearer)] = None) -> None:
    """Raise `Refused` (`unauthorized`) without the operator token."""
    if not has_token(request):
        raise Refused(problems.UNAUTHORIZED, "send Authorization: Bearer with the operator token")


def may_carry_token(_described: Annotated[object, Security(_bearer)] = None) -> None:
    """Says in the API's description that the token changes the answer."""
