"""What the operator does through the API. All of it needs the token."""

from fastapi import APIRouter, Depends, Request

from ledger_service.http.read import Address, find_key
from ledger_service.http.services import require_token, services_of
from ledger_service.http.wire import FreezeView

router = APIRouter(tags=["operating"], dependencies=[Depends(require_token)])


@router.post("/v1/keys/{address}/freeze", response_model=FreezeView)
def freeze(request: Request, address: Address) -> FreezeView:
    """Take nothing more under a key, for good; the answer's `endSequence` goes into its revocation."""
    services = services_of(request)
    return FreezeView(key=address, end_sequence=services.ledger.freeze(find_key(services, address).address))
