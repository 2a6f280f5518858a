"""GET routes under /v1. What carries parts or ties statements together is shown by the rules of `usecases.reading`."""

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.responses import PlainTextResponse

from anchors.core.checkpoint import Checkpoint
from anchors.core.content import Content
from anchors.core.encoding import decode_bare_hex, decode_hex, encode_hex
from anchors.core.registry import Key, Registry
from ledger_service import problems
from ledger_service.http.pages import find_known_page, find_page
from ledger_service.http.services import (
    Services,
    may_carry_token,
    reading_request,
    require_viewer,
    services_of,
    viewer_of,
)
from ledger_service.http.wire import (
    ChangeView,
    CheckpointView,
    HeadView,
    InstitutionView,
    KeyView,
    Page,
    RegistryView,
    StatementView,
    TimestampsView,
)
from ledger_service.problems import Refused
from ledger_service.usecases.look_up import Found, Read
from ledger_service.usecases.reading import withhold
from ledger_service.usecases.viewer import Viewer

router = APIRouter(tags=["reading"])

Limit = Annotated[int, Query(ge=1, le=1_000)]
Position = Annotated[int | None, Query(ge=0, le=2**63 - 1)]
Hex32 = Annotated[str, Path(pattern="^0x[0-9a-f]{64}$")]
Digest = Annotated[str, Path(pattern="^[0-9a-f]{64}$")]
Address = Annotated[str, Path(pattern="^0x[0-9a-f]{40}$")]
Code = Annotated[str, Query(max_length=32)]
Size = Annotated[int, Path(ge=0, le=2**63 - 1)]


SignedIn = Annotated[Viewer, Depends(require_viewer)]


@router.get("/v1/statements/{id}", response_model=StatementView, dependencies=[Depends(may_carry_token)])
def statement(request: Request, id: Hex32) -> StatementView:
    """A statement with its state and the head that covers it; of its parts those that the viewer may see."""
    services, viewer = services_of(request), viewer_of(request)
    found = services.look_up.statement(decode_hex(id, 32, "statement id"))
    shown = services.disclosure.show(viewer, [found], reading_request(request))[0] if viewer else None
    return StatementView.of(found, _final_number(services), shown)


@router.get("/v1/statements/{id}/proof", response_class=PlainTextResponse, dependencies=[Depends(may_carry_token)])
def proof(request: Request, id: Hex32) -> Response:
    """The statement's `.tlog-proof`, which verifies offline with a trust file, with the parts that one may see."""
    services, viewer = services_of(request), viewer_of(request)

    def show(read: Read) -> Content:
        if viewer is None:
            return withhold(read.content)
        return services.disclosure.show(viewer, [read], reading_request(request))[0]

    proof = services.look_up.proof(decode_hex(id, 32, "statement id"), show)
    return Response(proof, media_type="text/plain; charset=utf-8")


@router.get("/v1/subjects/{subject}", response_model=Page[StatementView])
def timeline(
    request: Request, viewer: SignedIn, subject: Hex32, after: Position = None, limit: Limit = 100
) -> Page[StatementView]:
    """All statements about a subject, in log order."""
    services, subject_id = services_of(request), decode_hex(subject, 32, "subject")
    services.disclosure.check_list(viewer, subject_id)
    page = _find(lambda last, most: services.look_up.timeline(subject_id, last, most), after, limit)
    return _shown(request, viewer, page)


@router.get("/v1/documents/{digest}", response_model=Page[StatementView])
def documents(
    request: Request, viewer: SignedIn, digest: Digest, after: Position = None, limit: Limit = 100
) -> Page[StatementView]:
    """Statements whose document has this SHA-256 or SM3, as far as the viewer may know of them."""
    services, sought = services_of(request), decode_bare_hex(digest, 32, "digest")
    page = find_known_page(
        lambda last, most: services.look_up.by_document(sought, last, most),
        after,
        limit,
        known=lambda found: services.disclosure.listed(viewer, found),
        place=_index,
        size=_size,
    )
    return _shown(request, viewer, page)


@router.get("/v1/checkpoints", response_model=Page[CheckpointView])
def checkpoints(request: Request, before: Position = None, limit: Limit = 100) -> Page[CheckpointView]:
    """Signed checkpoints, newest first."""
    services = services_of(request)
    found, witnessed = services.tree.checkpoints(before, limit), services.look_up.reached().witnessed
    return Page(
        items=[CheckpointView.of(checkpoint, witnessed) for checkpoint in found],
        next=found[-1].size if len(found) == limit else None,
    )


@router.get("/v1/checkpoints/{size}", response_model=CheckpointView)
def checkpoint(request: Request, size: Size) -> CheckpointView:
    """The checkpoint of exactly this size."""
    services = services_of(request)
    found = services.tree.checkpoint_at(size)
    if found is None:
        raise Refused(problems.NOT_FOUND, f"no checkpoint has size {size}; list them under /v1/checkpoints")
    return CheckpointView.of(found, services.look_up.reached().witnessed)


@router.get("/v1/timestamps/{index}", response_model=Page[TimestampsView])
def timestamps(request: Request, index: Size) -> Page[TimestampsView]:
    """Of each authority the time-stamps on the first checkpoint that it stamped and that covers the entry."""
    services = services_of(request)
    chains = services.timestamps.covering(index)
    roots = {chain[0].size: services.tree.checkpoint_at(chain[0].size).root for chain in chains}
    texts = {size: Checkpoint(services.origin, size, root).to_text() for size, root in roots.items()}
    return Page(items=[TimestampsView.of(chain, texts[chain[0].size]) for chain in chains])


@router.get("/v1/heads", response_model=Page[HeadView])
def heads(request: Request, before: Position = None, limit: Limit = 100) -> Page[HeadView]:
    """Heads that the contract took, newest first."""
    services = services_of(request)
    found, final_number = services.view.heads(before, limit), _final_number(services)
    return Page(
        items=[HeadView.of(event, final_number) for event in found],
        next=found[-1].new_size if len(found) == limit else None,
    )


@router.get("/v1/heads/final", response_model=HeadView)
def final_head(request: Request) -> HeadView:
    """The newest final head: what senders put into `observed`."""
    services = services_of(request)
    event = services.view.newest_head(final=True)
    if event is None:
        raise Refused(problems.NOT_FOUND, "no head is final yet; sign with observed zero")
    return HeadView.of(event, event.place.block_number)


@router.get("/v1/institutions", response_model=Page[InstitutionView])
def institutions(request: Request, after: Code = "", limit: Limit = 100) -> Page[InstitutionView]:
    """All institutions by their codes, with their keys."""
    services = services_of(request)
    registry, final_count = _registry(services)
    codes = [code for code in sorted(registry.institutions) if code > after][:limit]
    views = _institutions(services, registry, final_count, codes)
    return Page(items=views, next=codes[-1] if len(codes) == limit else None)


@router.get("/v1/institutions/{code}", response_model=InstitutionView)
def institution(request: Request, code: str) -> InstitutionView:
    """One institution, with its keys."""
    services = services_of(request)
    registry, final_count = _registry(services)
    if code not in registry.institutions:
        raise Refused(
            problems.NOT_FOUND, f"no institution {code[:32]!r} is in the registry; list them under /v1/institutions"
        )
    return _institutions(services, registry, final_count, [code])[0]


@router.get("/v1/keys/{address}", response_model=KeyView)
def key(request: Request, address: Address) -> KeyView:
    """A key, its history and its stream."""
    services = services_of(request)
    registered = find_key(services, address)
    stream = services.reader.streams([registered.address]).get(registered.address)
    return KeyView.of(registered, _registry(services)[1], stream)


@router.get("/v1/registry", response_model=RegistryView)
def registry(request: Request) -> RegistryView:
    """The registry's changes as followed; compare them with the chain."""
    services = services_of(request)
    folded, final_count = _registry(services)
    return RegistryView(
        count=folded.count,
        final_count=final_count,
        head=encode_hex(folded.head),
        changes=[ChangeView.of(event.change) for event in services.view.registry_events()],
    )


def _find(
    find: Callable[[int | None, int], list[Found]], after: int | None, limit: int
) -> tuple[list[Found], int | None]:
    return find_page(find, after, limit, place=_index, size=_size)


def _index(found: Found) -> int:
    return found.stored.index


def _size(found: Found) -> int:
    return len(found.stored.parts)


def _shown(request: Request, viewer: Viewer, page: tuple[list[Found], int | None]) -> Page[StatementView]:
    """A page as the viewer may see it, once that is recorded."""
    services, (found, following) = services_of(request), page
    contents = services.disclosure.show(viewer, found, reading_request(request))
    final_number = _final_number(services)
    items = [StatementView.of(item, final_number, shown) for item, shown in zip(found, contents, strict=True)]
    return Page(items=items, next=following)


def _final_number(services: Services) -> int:
    return services.view.status().final_number


def _registry(services: Services) -> tuple[Registry, int]:
    """The followed registry, and how many of its changes are final."""
    events, final_number = services.view.registry_events(), _final_number(services)
    domain = services.domain
    folded = Registry.fold(domain.chain_id, domain.registry, (event.change for event in events))
    return folded, sum(event.place.block_number <= final_number for event in events)


def find_key(services: Services, address: str) -> Key:
    """The registry's key of an address. Raises `Refused` (`not-found`)."""
    registry, _ = _registry(services)
    found = registry.keys.get(decode_hex(address, 20, "address"))
    if found is None:
        raise Refused(problems.NOT_FOUND, f"{address} is no key of the registry; check the address")
    return found


def _institutions(services: Services, registry: Registry, final_count: int, codes: list[str]) -> list[InstitutionView]:
    keys: dict[str, list[Key]] = {code: [] for code in codes}
    for key in registry.keys.values():
        if key.institution in keys:
            keys[key.institution].append(key)
    streams = services.reader.streams([key.address for owned in keys.values() for key in owned])
    return [
        InstitutionView.of(
            registry.institutions[code],
            [KeyView.of(key, final_count, streams.get(key.address)) for key in owned],
        )
        for code, owned in keys.items()
    ]
