"""What is held and disputed (docs/DISPUTES.md)."""

from typing import Annotated

from fastapi import APIRouter, Query, Request

from anchors.core.encoding import decode_hex, encode_hex
from ledger_service.http.pages import find_known_page
from ledger_service.http.read import Limit, Position, SignedIn
from ledger_service.http.services import reading_request, services_of
from ledger_service.http.wire import Hex32, Page, StatementView, Wire
from ledger_service.usecases.look_up import Read
from ledger_service.usecases.ports import StoredStatement
from ledger_service.usecases.privacy_ports import Held
from ledger_service.usecases.submission import content_of, decode_parts

router = APIRouter(tags=["disputes"])

_Subject = Annotated[str | None, Query(pattern="^0x[0-9a-f]{64}$")]
_Code = Annotated[str | None, Query(pattern="^[!-~]{1,32}$")]


class NamedView(Wire):
    """The statement that a hold or a dispute names."""

    statement: Hex32
    index: int
    kind: str
    institution: str
    subject: Hex32


class DisputeView(Wire):
    """A hold or a dispute, what it names, and whether it stands: until it is released or closed nothing about the
    subject that it names is erased."""

    statement: StatementView
    about: NamedView
    stands: bool


@router.get("/v1/disputes", response_model=Page[DisputeView])
def disputes(
    request: Request,
    viewer: SignedIn,
    subject: _Subject = None,
    institution: _Code = None,
    after: Position = None,
    limit: Limit = 100,
) -> Page[DisputeView]:
    """Holds and disputes of which the viewer may know, in log order: those on a `subject`, those of an `institution`,
    or all. Ended ones are among them."""
    services = services_of(request)
    sought = decode_hex(subject, 32, "subject") if subject is not None else None

    def known(found: list[Held]) -> list[bool]:
        placed, about = [_read(held.placed) for held in found], [_read(held.about) for held in found]
        return services.disclosure.listed_holds(viewer, placed, about)

    found, following = find_known_page(
        lambda last, most: services.disputes.page(sought, institution, last, most),
        after,
        limit,
        known=known,
        place=lambda held: held.placed.index,
        size=lambda held: len(held.placed.parts) + len(held.about.parts),
    )
    placed = services.look_up.found([held.placed for held in found])
    contents = services.disclosure.show(viewer, placed, reading_request(request))
    final_number = services.view.status().final_number
    items = [
        DisputeView(
            statement=StatementView.of(statement, final_number, shown),
            about=_named(_read(held.about)),
            stands=held.stands,
        )
        for held, statement, shown in zip(found, placed, contents, strict=True)
    ]
    return Page(items=items, next=following)


def _read(stored: StoredStatement) -> Read:
    return Read(stored, content_of(decode_parts(stored.parts)))


def _named(read: Read) -> NamedView:
    statement = read.statement
    return NamedView(
        statement=encode_hex(read.stored.id),
        index=read.stored.index,
        kind=statement.kind,
        institution=statement.institution,
        subject=encode_hex(statement.subject),
    )
