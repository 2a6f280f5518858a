"""`POST <prefix>/add-checkpoint`, bounded."""

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ledger_service.cosigner.witness import MAX_REQUEST_BYTES, Cosigner


def create_app(cosigner: Cosigner) -> Starlette:
    """The application: one route."""

    async def add_checkpoint(request: Request) -> Response:
        body = bytearray()
        async for piece in request.stream():
            body += piece
            if len(body) > MAX_REQUEST_BYTES:
                return Response(f"at most {MAX_REQUEST_BYTES} bytes are accepted\n", 413, media_type="text/plain")
        answer = await run_in_threadpool(cosigner.add_checkpoint, bytes(body))
        return Response(answer.body, answer.status, headers={"content-type": answer.content_type})

    return Starlette(routes=[Route("/add-checkpoint", add_checkpoint, methods=["POST"])])
