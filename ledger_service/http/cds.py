"""Reminders where the doctor works: a CDS Hooks 2.0 service, and the same as plain JSON (docs/REMINDERS.md).

Of a hook's call only the orders' codes and the reports' subjects are read; patient, user and whatever else a client
sends is neither looked at, stored nor logged.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, TypeVar
from uuid import uuid4

import msgspec
from fastapi import APIRouter, Path, Request, Response
from msgspec import Meta, Struct
from starlette.concurrency import run_in_threadpool

from anchors.core.encoding import decode_hex, encode_hex
from anchors.formats.fhir_bundle import objects, string
from ledger_service import parts, problems
from ledger_service.fhir.examination import codings_of
from ledger_service.http.read import SignedIn
from ledger_service.http.reminders import ReminderDraftView, passed_over_view
from ledger_service.http.services import reading_request, services_of
from ledger_service.problems import Refused
from ledger_service.recognition.cards import card_of
from ledger_service.recognition.join import moment
from ledger_service.recognition.reminders import Code, Hook, Order, Reminder
from ledger_service.usecases.remind import Answer, DraftParts, Outcome, Question

router = APIRouter(prefix="/cds-services", tags=["CDS Hooks"])

EXTENSION = "urn:huzheng:reminder"
"""The name of every extension of ours, in what is sent and in what is answered."""
SUBJECT = "urn:huzheng:subject"
"""Identifiers of a DiagnosticReport under this system are subjects, 0x and hex."""
PREFETCH = "huzhengSubjects"
MOST_FEEDBACK = 100
_TEMPLATE = (
    f"DiagnosticReport?patient={{{{context.patientId}}}}&identifier={SUBJECT}|&_elements=identifier"
    "&_sort=-date&_count=100"
)
_NEEDS = f"A hospital's session; {PREFETCH}: a Bundle of reports with identifiers under {SUBJECT}, or these as a list"
_SERVICES: dict[str, tuple[Hook, str, str]] = {
    "recognisable-results": (
        "patient-view",
        "可互认结果提醒 Recognisable results",
        "外院结果中，现行互认办法要求互认者 Results of other institutions that the policy in force calls to recognise",
    ),
    "repeated-examinations": (
        "order-sign",
        "重复检查检验提醒 Repeated examinations",
        "拟开项目已有可互认结果；仍需开单的，请选择理由 Orders that would repeat a result that can be recognised",
    ),
}
_SUBJECT = re.compile(r"0x[0-9a-f]{64}")
_FHIR_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")
_Read = TypeVar("_Read")
_ServiceId = Annotated[str, Path(max_length=64)]
_OBJECT = {"requestBody": {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}}}


def _answers(member: str) -> dict[int | str, dict[str, Any]]:
    schema = {"type": "object", "required": [member], "properties": {member: {"type": "array"}}}
    return {200: {"description": "As CDS Hooks 2.0 has it", "content": {"application/json": {"schema": schema}}}}


class _Context(Struct, rename="camel"):
    draft_orders: dict[str, Any] | None = None


class _Call(Struct, rename="camel"):
    hook: Annotated[str, Meta(max_length=64)]
    hook_instance: Annotated[str, Meta(min_length=1, max_length=128)]
    context: _Context
    prefetch: dict[str, Any] = {}
    extension: dict[str, Any] = {}


class _Coding(Struct):
    code: parts.Word
    system: Annotated[str, Meta(max_length=200)] = ""


class _OverrideReason(Struct, rename="camel"):
    reason: _Coding | None = None
    user_comment: Annotated[str, Meta(max_length=2_000)] = ""


class _Feedback(Struct, rename="camel"):
    card: Annotated[str, Meta(min_length=1, max_length=128)]
    outcome: Literal["accepted", "overridden"]
    outcome_timestamp: str
    override_reason: _OverrideReason | None = None
    extension: dict[str, Any] = {}


class _FeedbackCall(Struct):
    feedback: Annotated[list[_Feedback], Meta(min_length=1, max_length=MOST_FEEDBACK)]
    extension: dict[str, Any] = {}


class _Shown(Struct):
    """What a card's extension says of it, and what is sent back with its feedback."""

    subject: parts.StatementId
    report: parts.StatementId
    reminder: parts.Reminder
    policy: parts.Policy


class _Asking(Struct):
    institution: parts.Code | Literal[""] = ""


@router.get("", response_class=Response, responses=_answers("services"))
def discover() -> Response:
    """The services that there are (CDS Hooks 2.0, Discovery)."""
    services = [
        {
            "hook": hook,
            "title": title,
            "description": description,
            "id": id,
            "prefetch": {PREFETCH: _TEMPLATE},
            "usageRequirements": _NEEDS,
        }
        for id, (hook, title, description) in _SERVICES.items()
    ]
    return _json({"services": services})


@router.post("/{service}", response_class=Response, responses=_answers("cards"), openapi_extra=_OBJECT)
async def call(request: Request, viewer: SignedIn, service: _ServiceId) -> Response:
    """Cards for a hook's call (CDS Hooks 2.0, Calling a CDS Service)."""
    services, asking, hook = services_of(request), reading_request(request), _hook(service)
    raw = await request.body()

    def answer() -> Response:
        question = read_call(raw, hook)
        return _json(_cards(services.remind.remind(viewer, question, asking), hook))

    with services.submissions.of(len(raw)):
        return await run_in_threadpool(answer)


@router.post("/{service}/feedback", response_class=Response, responses=_answers("drafts"), openapi_extra=_OBJECT)
async def feedback(request: Request, viewer: SignedIn, service: _ServiceId) -> Response:
    """What became of cards (CDS Hooks 2.0, Feedback), as drafts for the hospital to sign."""
    services, hook = services_of(request), _hook(service)
    raw = await request.body()

    def answer() -> Response:
        institution, outcomes = read_feedback(raw, hook)
        drafts = services.remind.after(viewer, institution, [outcome for _, outcome in outcomes])
        pairs = zip(outcomes, drafts, strict=True)
        return _json({"drafts": [{"card": card} | _draft(draft) for (card, _), draft in pairs]})

    with services.submissions.of(len(raw)):
        return await run_in_threadpool(answer)


def read_call(raw: bytes, hook: Hook) -> Question:
    """What a hook's call asks. Raises `Refused` (`malformed-request`, `subjects-missing`)."""
    given = _read(raw, _Call)
    if given.hook != hook:
        raise Refused(problems.MALFORMED_REQUEST, f"hook {given.hook!r}: this service is for {hook}")
    if PREFETCH not in given.prefetch:
        raise Refused(
            problems.SUBJECTS_MISSING,
            f"prefetch.{PREFETCH}: which reports the hospital holds for this patient; null where there are none",
        )
    subjects = _subjects(given.prefetch[PREFETCH])
    return Question(_institution(given.extension), hook, subjects, _orders(given, hook))


def read_feedback(raw: bytes, hook: Hook) -> tuple[str, list[tuple[str, Outcome]]]:
    """For which institution, and what became of each card that was overridden, with its `uuid`. A suggestion that was
    accepted comes to nothing that is signed: opening and recognising are statements of their own.

    Raises `Refused` (`malformed-request`)."""
    given = _read(raw, _FeedbackCall)
    outcomes = []
    for number, each in enumerate(given.feedback):
        at = moment(each.outcome_timestamp)
        if at is None or at.tzinfo is None:
            raise Refused(
                problems.MALFORMED_REQUEST,
                f"feedback.{number}.outcomeTimestamp: give a time with its zone, 2026-11-20T08:15:00Z",
            )
        if each.outcome == "accepted":
            continue
        where = f"feedback.{number}.extension.{EXTENSION}"
        if EXTENSION not in each.extension:
            raise Refused(problems.MALFORMED_REQUEST, f"{where}: send what the card's extension held")
        shown = _convert(each.extension[EXTENSION], _Shown, where)
        why = each.override_reason or _OverrideReason()
        outcome = Outcome(
            hook,
            decode_hex(shown.subject, 32, "subject"),
            shown.report,
            shown.reminder,
            shown.policy,
            int(at.timestamp()),
            (why.reason.system, why.reason.code) if why.reason is not None else None,
            why.user_comment,
        )
        outcomes.append((each.card, outcome))
    return _institution(given.extension), outcomes


def _hook(id: str) -> Hook:
    if id not in _SERVICES:
        raise Refused(problems.NOT_FOUND, f"no CDS service has this id; /cds-services lists {', '.join(_SERVICES)}")
    return _SERVICES[id][0]


def _read(raw: bytes, form: type[_Read]) -> _Read:
    try:
        return msgspec.json.decode(raw, type=form)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Refused(problems.MALFORMED_REQUEST, f"no such body: {error}; see CDS Hooks 2.0") from None


def _convert(value: Any, form: type[_Read], where: str) -> _Read:
    try:
        return msgspec.convert(value, form)
    except msgspec.ValidationError as error:
        raise Refused(problems.MALFORMED_REQUEST, f"{where}: {error}") from None


def _institution(extension: Mapping[str, Any]) -> str:
    return _convert(extension.get(EXTENSION, {}), _Asking, f"extension.{EXTENSION}").institution


def _subjects(given: Any) -> list[bytes]:
    """A list of subjects, or the identifiers under `SUBJECT` of a Bundle's reports."""
    if isinstance(given, dict):
        reports = [entry.get("resource") for entry in objects(given.get("entry"))]
        named = [
            identifier.get("value")
            for report in reports
            if isinstance(report, dict) and report.get("resourceType") == "DiagnosticReport"
            for identifier in objects(report.get("identifier"))
            if identifier.get("system") == SUBJECT
        ]
    elif isinstance(given, list):
        named = given
    elif given is None:
        named = []
    else:
        raise Refused(problems.MALFORMED_REQUEST, f"prefetch.{PREFETCH}: give a Bundle, a list of subjects, or null")
    for each in named:
        if not isinstance(each, str) or not _SUBJECT.fullmatch(each):
            raise Refused(problems.MALFORMED_REQUEST, f"prefetch.{PREFETCH}: a subject is 0x and 64 hex digits")
    return [decode_hex(each, 32, "subject") for each in dict.fromkeys(named)]


def _orders(given: _Call, hook: Hook) -> list[Order]:
    if hook != "order-sign":
        return []
    if given.context.draft_orders is None:
        raise Refused(problems.MALFORMED_REQUEST, "context.draftOrders: is needed at order-sign; give the Bundle")
    orders = []
    for entry in objects(given.context.draft_orders.get("entry")):
        resource = entry.get("resource")
        if isinstance(resource, dict) and resource.get("resourceType") == "ServiceRequest":
            orders.append(_order(resource))
    return [order for order in orders if order.codes]


def _order(resource: dict[str, Any]) -> Order:
    """A ServiceRequest; R5 has its code one level deeper."""
    code = resource.get("code")
    deeper = code.get("concept") if isinstance(code, dict) else None
    codings = [pair for pair in (*codings_of(code), *codings_of(deeper)) if all(pair)]
    id = string(resource.get("id"))
    reference = f"ServiceRequest/{id}" if _FHIR_ID.fullmatch(id) else ""
    return Order(tuple(Code(system, code) for system, code in codings), reference)


def _cards(answer: Answer, hook: Hook) -> dict[str, Any]:
    told = {"institution": answer.institution, "at": answer.at}
    if passed_over := [passed_over_view(each).model_dump(by_alias=True) for each in answer.reminders.passed_over]:
        told["passedOver"] = [{name: value for name, value in each.items() if value} for each in passed_over]
    pairs = zip(answer.reminders.reminders, answer.drafts, strict=True)
    return {"cards": [_card(reminder, draft, hook) for reminder, draft in pairs], "extension": {EXTENSION: told}}


def _card(reminder: Reminder, draft: DraftParts, hook: Hook) -> dict[str, Any]:
    policy = reminder.policy
    shown = {
        "subject": encode_hex(reminder.subject),
        "report": reminder.report,
        "reminder": draft.parts["reminder"],
        "policy": {"digest": policy.digest, "policy": policy.policy, "version": policy.version},
        "draft": _draft(draft),
    }
    suggestions = _suggestions(reminder.repeats) if hook == "order-sign" else {}
    return {"uuid": str(uuid4())} | card_of(reminder, hook) | suggestions | {"extension": {EXTENSION: shown}}


def _suggestions(repeats: Sequence[Order]) -> dict[str, Any]:
    actions = [
        {"type": "delete", "description": "撤销重复开单 Remove the order", "resourceId": order.reference}
        for order in repeats
        if order.reference
    ]
    suggestion = {"label": "采用已有结果 Use the result at hand", "uuid": str(uuid4())}
    return {
        "suggestions": [suggestion | ({"actions": actions} if actions else {})],
        "selectionBehavior": "at-most-one",
    }


def _draft(draft: DraftParts) -> dict[str, Any]:
    return ReminderDraftView.of(draft).model_dump(by_alias=True, exclude_defaults=True)


def _json(body: Mapping[str, Any]) -> Response:
    return Response(msgspec.json.encode(body), media_type="application/json")
