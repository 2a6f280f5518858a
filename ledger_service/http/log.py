"""The C2SP log under /log/: checkpoint, hash tiles, entry bundles (docs/spec/log.md)."""

import gzip
import re

from fastapi import APIRouter, Request, Response

from anchors.core.errors import MalformedInput
from anchors.core.tiles import Tile, width_at
from ledger_service import problems
from ledger_service.http.services import require_viewer, services_of
from ledger_service.kinds import Role
from ledger_service.problems import Refused
from ledger_service.usecases.viewer import Viewer

router = APIRouter(prefix="/log", tags=["log"])

_IMMUTABLE = {"Cache-Control": "public, max-age=31536000, immutable"}
_MUTABLE = {"Cache-Control": "no-cache, max-age=0"}


def _takes_gzip(accept_encoding: str) -> bool:
    """Whether `Accept-Encoding` names gzip and does not rule it out (RFC 9110 section 12.5.3)."""
    offers = {
        name.strip().lower(): weight for name, _, weight in (o.partition(";") for o in accept_encoding.split(","))
    }
    return "gzip" in offers and not re.fullmatch(r"\s*q=0(\.0{0,3})?\s*", offers["gzip"])


def _check_may_read_bundles(viewer: Viewer) -> None:
    if not viewer.is_operator and Role.AUDITOR not in viewer.roles:
        raise Refused(problems.NOT_PERMITTED, f"entry bundles are for auditors here, and {viewer.institution} is none")


@router.get("/checkpoint", response_class=Response)
def checkpoint(request: Request) -> Response:
    """The newest signed checkpoint with its cosignatures, or the newest that enough witnesses cosigned."""
    newest = services_of(request).publication.newest()
    if newest is None:
        raise Refused(problems.NOT_FOUND, "no checkpoint is published yet; ask again in seconds")
    return Response(newest.note, media_type="text/plain; charset=utf-8", headers=_MUTABLE)


@router.get("/{path:path}", response_class=Response)
def tile(request: Request, path: str) -> Response:
    """A hash tile or an entry bundle, full or partial, as far as the newest checkpoint reaches."""
    services = services_of(request)
    try:
        wanted = Tile.from_path(path)
    except MalformedInput as error:
        raise Refused(problems.NOT_FOUND, str(error)) from None
    if wanted.level is None and services.bundles_need_token:
        _check_may_read_bundles(require_viewer(request))
    newest = services.tree.newest_checkpoint()
    if newest is None or wanted.width > width_at(wanted.level, wanted.number, newest.size):
        raise Refused(problems.NOT_FOUND, f"{path} lies beyond the newest checkpoint; read /log/checkpoint first")
    body, headers = services.tiles.read(wanted), dict(_IMMUTABLE)
    if wanted.level is None:
        if services.bundles_need_token:
            headers["Cache-Control"] = "private, max-age=31536000, immutable"
        headers["Vary"] = "Accept-Encoding"
        if _takes_gzip(request.headers.get("accept-encoding", "")):
            body, headers["Content-Encoding"] = gzip.compress(body, compresslevel=1, mtime=0), "gzip"
    return Response(body, media_type="application/octet-stream", headers=headers)
