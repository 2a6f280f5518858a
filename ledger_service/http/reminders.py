"""Reminders as plain JSON, for systems that do not speak FHIR (docs/REMINDERS.md)."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request
from pydantic import ConfigDict, Field
from pydantic.alias_generators import to_camel

from anchors.core.encoding import decode_hex, encode_hex
from ledger_service.http.read import SignedIn
from ledger_service.http.services import reading_request, services_of
from ledger_service.http.wire import Hex32, Wire
from ledger_service.recognition.cards import reason_system
from ledger_service.recognition.reminders import Code, Order, PassedOver, Reminder
from ledger_service.usecases.remind import MOST_SUBJECTS, DraftParts, Question

router = APIRouter(tags=["recognition"])

_Coded = Annotated[str, Field(min_length=1, max_length=200)]


class CodeView(Wire):
    """An item as its system codes it."""

    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel)

    system: _Coded
    code: _Coded


class ReminderRequest(Wire):
    """Which reports one asks about, for whom (the operator token speaks for nobody and says it), with which orders (at
    `order-sign`), as of when (Unix seconds; now where it is missing)."""

    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel)

    institution: str = Field(default="", pattern="^[!-~]{0,32}$")
    hook: Literal["patient-view", "order-sign"]
    subjects: list[Hex32] = Field(max_length=MOST_SUBJECTS)
    orders: list[CodeView] = Field(default=[], max_length=100)
    at: int | None = Field(default=None, ge=0, le=2**53 - 1)


class LinkView(Wire):
    """A link of a draft."""

    rel: str
    statement: Hex32


class ReminderDraftView(Wire):
    """What the hospital signs, once it adds salts, a number and the links in `needs`."""

    kind: str
    subject: Hex32
    parts: dict[str, Any]
    links: list[LinkView] = Field(default=[])
    needs: list[str] = Field(default=[])

    @classmethod
    def of(cls, draft: DraftParts) -> "ReminderDraftView":
        """The view of a draft."""
        links = [LinkView(rel=rel, statement=id) for rel, id in draft.links.items()]
        return cls(
            kind=draft.kind,
            subject=encode_hex(draft.subject),
            parts=dict(draft.parts),
            links=links,
            needs=list(draft.needs),
        )


class ClauseView(Wire):
    """A rule that calls for recognition, and its clause."""

    rule: str
    clause: str


class WarningView(Wire):
    """What the doctor is warned of; `knowingly`: whoever recognises all the same says that they knew."""

    code: str
    clause: str
    zh: str
    en: str
    knowingly: bool


class ReasonView(Wire):
    """A reason to decline or repeat; `explain`: it is explained to the patient."""

    system: str
    code: str
    clause: str
    zh: str
    en: str
    explain: bool


class PolicyView(Wire):
    """The policy that was asked, and the statement that published it."""

    policy: str
    version: str
    digest: str
    statement: Hex32
    zh: str
    en: str


class ReminderView(Wire):
    """A result to remind of; `asked_by` is the clause by which the policy asks for the reminder, "" where it does
    not. `draft` says that it was shown."""

    subject: Hex32
    report: Hex32
    issuer: str
    issuer_name: str
    category: str
    system: str
    code: str
    item: str
    item_name: str
    examined: str
    policy: PolicyView
    clauses: list[ClauseView]
    asked_by: str
    warnings: list[WarningView]
    reasons: list[ReasonView]
    repeats: list[CodeView]
    draft: ReminderDraftView

    @classmethod
    def of(cls, reminder: Reminder, draft: DraftParts) -> "ReminderView":
        """The view of a reminder with its draft."""
        examination, policy, system = reminder.examination, reminder.policy, reason_system(reminder.policy)
        title = policy.prepared.document.title
        warnings = reminder.decision.warnings
        return cls(
            subject=encode_hex(reminder.subject),
            report=reminder.report,
            issuer=reminder.issuer,
            issuer_name=reminder.issuer_name,
            category=examination.category,
            system=examination.system,
            code=examination.item,
            item=reminder.item,
            item_name=reminder.item_name,
            examined=examination.at,
            policy=PolicyView(
                policy=policy.policy,
                version=policy.version,
                digest=policy.digest,
                statement=policy.statement,
                zh=title.zh,
                en=title.en,
            ),
            clauses=[ClauseView(rule=rule, clause=clause) for rule, clause in reminder.clauses],
            asked_by=reminder.asked_by,
            warnings=[
                WarningView(code=each.code, clause=each.clause, zh=each.zh, en=each.en, knowingly=each.knowingly)
                for each in warnings
            ],
            reasons=[
                ReasonView(
                    system=system, code=each.code, clause=each.clause, zh=each.zh, en=each.en, explain=each.explain
                )
                for each in reminder.reasons
            ],
            repeats=[
                CodeView(system=each.system, code=each.code) for order in reminder.repeats for each in order.codes
            ],
            draft=ReminderDraftView.of(draft),
        )


class PassedOverView(Wire):
    """A subject that is passed over, and why; of an answer of the policy its clauses, or the facts that are missing."""

    subject: Hex32
    code: str
    zh: str
    en: str
    clauses: list[str]
    missing: list[str]


class RemindersView(Wire):
    """One answer for every subject: a reminder, or why it is passed over. `at` in Unix seconds."""

    institution: str
    at: int
    reminders: list[ReminderView]
    passed_over: list[PassedOverView]


@router.post("/v1/reminders", response_model=RemindersView)
def remind(request: Request, viewer: SignedIn, asked: ReminderRequest) -> RemindersView:
    """What a doctor is reminded of, of the reports that the hospital holds for a patient."""
    question = Question(
        asked.institution,
        asked.hook,
        [decode_hex(subject, 32, "subject") for subject in asked.subjects],
        [Order((Code(each.system, each.code),)) for each in asked.orders],
        asked.at,
    )
    answer = services_of(request).remind.remind(viewer, question, reading_request(request))
    pairs = zip(answer.reminders.reminders, answer.drafts, strict=True)
    return RemindersView(
        institution=answer.institution,
        at=answer.at,
        reminders=[ReminderView.of(reminder, draft) for reminder, draft in pairs],
        passed_over=[passed_over_view(each) for each in answer.reminders.passed_over],
    )


def passed_over_view(each: PassedOver) -> PassedOverView:
    """The view of a subject that is passed over."""
    return PassedOverView(
        subject=encode_hex(each.subject),
        code=each.code,
        zh=each.zh,
        en=each.en,
        clauses=list(each.clauses),
        missing=list(each.missing),
    )
