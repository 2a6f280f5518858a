"""What was shown to whom, and taking personal parts out (docs/PRIVACY.md)."""

from datetime import date
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Path, Request
from pydantic import Field

from anchors.core.encoding import decode_hex, encode_hex
from ledger_service import problems
from ledger_service.http.pages import find_page
from ledger_service.http.read import Hex32 as StatementId
from ledger_service.http.read import Limit, Position, SignedIn
from ledger_service.http.services import services_of
from ledger_service.http.wire import Hex32, Page, Wire, WithheldPart
from ledger_service.kinds import Role
from ledger_service.problems import Refused
from ledger_service.usecases.erase import Confirmation, Effect
from ledger_service.usecases.privacy_ports import ReadingRow
from ledger_service.usecases.readings import DayHead
from ledger_service.usecases.viewer import Viewer

router = APIRouter(tags=["privacy"])

PartName = Annotated[str, Field(pattern="^[a-z][a-z0-9._-]{0,63}$")]
Day = Annotated[str, Path(pattern="^[0-9]{4}-[0-9]{2}-[0-9]{2}$")]


class ErasureRequest(Wire):
    """Which parts; with both others: do it. `confirm` is the `digest` that was told, `erased` the id of the accepted
    `content.erased`."""

    parts: list[PartName] = Field(min_length=1, max_length=64)
    confirm: str | None = Field(default=None, pattern="^[0-9a-f]{64}$")
    erased: Hex32 | None = None


class EffectView(Wire):
    """One thing that the erasure means for later proofs."""

    code: str
    en: str
    zh: str


class ErasureView(Wire):
    """What an erasure does, or did where `done`. `digest` is over all but `digest` and `done`."""

    statement: Hex32
    index: int
    parts: list[WithheldPart]
    effects: list[EffectView]
    digest: str
    done: bool

    @classmethod
    def of(cls, effect: Effect, *, done: bool) -> "ErasureView":
        """The view of an effect."""
        return cls(**effect.to_wire(), digest=effect.digest, done=done)


class ReadingView(Wire):
    """A record of the reading log, and the hash over it and the one before."""

    number: int
    record: dict[str, Any]
    hash: str

    @classmethod
    def of(cls, row: ReadingRow) -> "ReadingView":
        """The view of a row."""
        return cls(number=row.number, record=msgspec.json.decode(row.record), hash=row.hash.hex())


class DayHeadView(Wire):
    """A day's head: what the operator signs as `readings.headed`, under this subject, with this part `readings`."""

    subject: Hex32
    readings: dict[str, Any]

    @classmethod
    def of(cls, head: DayHead) -> "DayHeadView":
        """The view of a head."""
        return cls(subject=encode_hex(head.subject), readings=head.part())


@router.post("/v1/statements/{id}/erasure", response_model=ErasureView)
def erasure(request: Request, viewer: SignedIn, id: StatementId, asked: ErasureRequest) -> ErasureView:
    """Say what erasing parts of an own statement means; with a confirmation, erase them."""
    if (asked.confirm is None) != (asked.erased is None):
        raise Refused(problems.MALFORMED_REQUEST, "give both 'confirm' and 'erased', or neither to be told")
    confirmed = Confirmation(asked.confirm, decode_hex(asked.erased, 32, "erased")) if asked.confirm else None
    effect = services_of(request).eraser.erase(viewer, decode_hex(id, 32, "statement id"), asked.parts, confirmed)
    return ErasureView.of(effect, done=confirmed is not None)


@router.get("/v1/readings", response_model=Page[ReadingView])
def readings(request: Request, viewer: SignedIn, after: Position = None, limit: Limit = 100) -> Page[ReadingView]:
    """Who was shown what, in order: for auditors and the operator."""
    _check_may_read_readings(viewer)
    find = services_of(request).readings.rows
    rows, following = find_page(find, after, limit, place=lambda row: row.number, size=lambda row: len(row.record))
    return Page(items=[ReadingView.of(row) for row in rows], next=following)


@router.get("/v1/readings/{day}", response_model=DayHeadView)
def day_head(request: Request, viewer: SignedIn, day: Day) -> DayHeadView:
    """The head of a day (UTC) that is over, for the operator to sign."""
    _check_may_read_readings(viewer)
    try:
        asked = date.fromisoformat(day)
    except ValueError as error:
        raise Refused(problems.MALFORMED_REQUEST, f"day {day}: {error}") from None
    return DayHeadView.of(services_of(request).close_day.head(asked))


def _check_may_read_readings(viewer: Viewer) -> None:
    if not viewer.is_operator and not viewer.roles & {Role.AUDITOR, Role.OPERATOR}:
        raise Refused(problems.NOT_PERMITTED, f"the reading log is for auditors, and {viewer.institution} is none")
