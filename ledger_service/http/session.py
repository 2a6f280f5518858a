"""Signing in and out (docs/spec/session.md)."""

from fastapi import APIRouter, Request
from pydantic import Field

from anchors.core.encoding import decode_hex, encode_hex
from anchors.core.errors import MalformedInput
from ledger_service import problems
from ledger_service.http.read import SignedIn
from ledger_service.http.services import services_of
from ledger_service.http.wire import Address, Hex32, Wire
from ledger_service.problems import Refused
from ledger_service.usecases.sessions import Challenge

router = APIRouter(tags=["session"])


class ChallengeView(Wire):
    """What a key signs as `Session`; taken until `expires`, in Unix seconds."""

    log: Hex32
    nonce: Hex32
    expires: int


class SignInRequest(Wire):
    """A challenge as it was given, and who signed it: the key, and the signature of 65 bytes over `Session`."""

    key: Address
    nonce: Hex32
    expires: int = Field(ge=0, le=2**53 - 1)
    signature: str = Field(pattern="^0x[0-9a-f]{130}$")


class SessionView(Wire):
    """A token for `Authorization: Bearer`, until `expires`; whose it is."""

    token: str
    expires: int
    institution: str
    roles: list[str]
    key: Address


@router.post("/v1/session/challenge", response_model=ChallengeView)
def challenge(request: Request) -> ChallengeView:
    """A challenge for anybody; only a key of this log makes anything of it."""
    services = services_of(request)
    given = services.sign_in.challenge()
    return ChallengeView(log=encode_hex(services.domain.log), nonce=encode_hex(given.nonce), expires=given.expires)


@router.delete("/v1/session", status_code=204)
def sign_out(request: Request, viewer: SignedIn) -> None:
    """End the session of the token that is sent, at once."""
    if viewer.is_operator:
        raise Refused(problems.MALFORMED_REQUEST, "the operator token is no session; change it where it is set")
    services_of(request).sign_in.sign_out(request.headers["authorization"].partition(" ")[2])


@router.post("/v1/session", response_model=SessionView)
def sign_in(request: Request, asked: SignInRequest) -> SessionView:
    """A token for the key that signed the challenge."""
    try:
        key, nonce = decode_hex(asked.key, 20, "key"), decode_hex(asked.nonce, 32, "nonce")
        signature = decode_hex(asked.signature, 65, "signature")
    except MalformedInput as error:
        raise Refused(problems.MALFORMED_REQUEST, str(error)) from None
    signed_in = services_of(request).sign_in.sign_in(key, Challenge(nonce, asked.expires), signature)
    viewer = signed_in.viewer
    return SessionView(
        token=signed_in.token,
        expires=signed_in.expires,
        institution=viewer.institution,
        roles=sorted(viewer.roles),
        key=asked.key,
    )
