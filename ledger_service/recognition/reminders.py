"""What a doctor is reminded of: results of other institutions that a policy in force calls for, and orders that would
repeat them (docs/REMINDERS.md). The doctor decides.

    found = remind(Asked("H2", frozenset({"H2"}), "patient-view", at), {subject: timeline}, book, size)

Every subject that is named gets one answer: a reminder, or why it is passed over.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Literal

from msgspec import Struct

from ledger_service import parts
from ledger_service.kinds import VERSIONS
from ledger_service.recognition.book import CORRECTED, Book, BookAsOf, Publication
from ledger_service.recognition.case import WITHDRAWALS
from ledger_service.recognition.catalogue import translate
from ledger_service.recognition.decision import Decision
from ledger_service.recognition.engine import decide
from ledger_service.recognition.facts import Facts
from ledger_service.recognition.join import Situation, day_of, join, moment
from ledger_service.recognition.policy import Reason
from ledger_service.recognition.stated import Stated, corrected

Hook = Literal["patient-view", "order-sign"]
KINDS = VERSIONS | WITHDRAWALS | {CORRECTED}
"""The kinds of a report's statements that are looked at."""
OUTSIDE_WINDOW = "outside-window"


class Code(Struct, frozen=True, forbid_unknown_fields=True):
    """An item as somebody codes it."""

    system: str
    code: str


class Order(Struct, frozen=True):
    """An examination that is about to be ordered, by all codes that it is given; `reference` is what the caller calls
    it by, "" where it does not."""

    codes: tuple[Code, ...]
    reference: str = ""


class Asked(Struct, frozen=True):
    """Who asks, at which point of the work, when (a time with zone), and what is being ordered. `own` are the codes of
    the institution and of those whose successor it is."""

    institution: str
    own: frozenset[str]
    hook: Hook
    at: datetime
    orders: tuple[Order, ...] = ()


class Reminder(Struct, frozen=True):
    """A result that a policy calls for. `report` is the id of its current version; `item` the code in the catalogue
    where that is sure (`is_mapped`), else the source's; names are codes where nobody published a name. `asked_by` is
    the clause by which the policy asks for this reminder, "" where it does not; `repeats` are the orders that would
    repeat it."""

    subject: bytes
    report: str
    issuer: str
    issuer_name: str
    examination: parts.Examination
    item: str
    is_mapped: bool
    item_name: str
    policy: Publication
    decision: Decision
    asked_by: str
    repeats: tuple[Order, ...]

    @property
    def inside_window(self) -> bool:
        """Whether the result is no older than is recognised as a rule."""
        return _is_inside_window(self.decision)

    @property
    def clauses(self) -> list[tuple[str, str]]:
        """(rule, clause) of every rule that calls for it."""
        return [(found.rule, found.clause) for found in self.decision.findings if found.says == "yes"]

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """The policy's reasons to decline or repeat, empty where its list is not known."""
        return listed_reasons(self.policy)


class PassedOver(Struct, frozen=True):
    """A subject that nobody is reminded of, and why; of an answer of the policy its clauses, or the facts that are
    missing. `report` is the id of the version that was judged, "" where none was."""

    subject: bytes
    code: str
    report: str = ""
    clauses: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()

    @property
    def zh(self) -> str:
        """In Chinese."""
        return _WHY[self.code][0]

    @property
    def en(self) -> str:
        """In English."""
        return _WHY[self.code][1]


class Reminders(Struct, frozen=True):
    """Newest examination first; what is passed over in the order in which it was named."""

    reminders: tuple[Reminder, ...]
    passed_over: tuple[PassedOver, ...]


_WHY = {
    "newer": ("同一项目有更新的可互认结果", "there is a newer result of the same item"),
    "no-policy": ("本机构所在地当日没有互认办法", "no policy is in force at this institution's place"),
    "not-called-for": ("办法不要求互认", "the policy does not call for recognition"),
    "not-described": ("报告未说明检查项目", "the report does not say what was examined"),
    "not-found": ("账本中没有此标识的报告", "no report is in the log under this subject"),
    "not-known": ("所知不足，无法判断", "not enough is known to tell"),
    "not-ordered": ("本次开单不涉及该项目", "none of the orders would repeat it"),
    "own-report": ("本机构自己的报告，不属互认", "the institution's own report: no mutual recognition"),
    "too-long": ("该报告的记录过多，请直接查阅", "too much is said about the report: look at it itself"),
    "withdrawn": ("报告已撤回", "the report was withdrawn"),
}


def remind(asked: Asked, timelines: Mapping[bytes, Sequence[Stated] | None], book: Book, size: int) -> Reminders:
    """What to remind of, of the reports whose statements (at least those of `KINDS`) are given by subject in log order
    (None: more than can be read), with the book as of the first `size` entries."""
    policies = policies_for(asked.institution, asked.at, book.as_of(size))
    answers = [_look_at(asked, subject, timeline, policies, book, size) for subject, timeline in timelines.items()]
    found = sorted((each for each in answers if isinstance(each, Reminder)), key=_examined, reverse=True)
    newest: dict[tuple[str, str], Reminder] = {}
    for each in found:
        newest.setdefault(("" if each.is_mapped else each.examination.system, each.item), each)
    kept = tuple(newest.values())
    older = {each.subject: PassedOver(each.subject, "newer", each.report) for each in found if each not in kept}
    passed = (older.get(each.subject) if isinstance(each, Reminder) else each for each in answers)
    return Reminders(kept, tuple(each for each in passed if each is not None))


def policies_for(institution: str, at: datetime, book: BookAsOf) -> list[Publication]:
    """The policies in force at an institution's place at a time, each by the day of its own zone; those of the smallest
    area first."""
    found: dict[str, Publication] = {}
    for days in (-1, 0, 1):
        try:
            day = (at + timedelta(days=days)).date()
        except OverflowError:
            continue
        profiles = book.profile(institution, day).candidates
        places = {place for each in profiles for place in (each.district, each.city, each.region)}
        for publication in book.policies_in_force(places, day).publications:
            if day_of(at, publication.prepared.zone) == day:
                found[publication.statement] = publication
    return sorted(found.values(), key=lambda each: (_LEVELS.index(each.prepared.place[0]), each.index))


_LEVELS = ("district", "city", "region")


def listed_reasons(policy: Publication) -> tuple[Reason, ...]:
    """A policy's reasons to decline or repeat, empty where its list is not known."""
    refusal = policy.prepared.document.refusal
    return (refusal.reasons or ()) if refusal is not None else ()


def _look_at(
    asked: Asked,
    subject: bytes,
    timeline: Sequence[Stated] | None,
    policies: Sequence[Publication],
    book: Book,
    size: int,
) -> Reminder | PassedOver:
    if timeline is None:
        return PassedOver(subject, "too-long")
    versions = [stated for stated in timeline if stated.kind in VERSIONS]
    if not versions:
        return PassedOver(subject, "not-found")
    newest, known = versions[-1], book.as_of(size)
    if any(each.kind in WITHDRAWALS and each.links.get("replaces") == newest.id for each in timeline):
        return PassedOver(subject, "withdrawn")
    report = corrected(newest, [each for each in timeline if each.links.get("corrects") == newest.id])
    if report.issuer in asked.own:
        return PassedOver(subject, "own-report")
    examination = report.parts.get("examination")
    if examination is None:
        return PassedOver(subject, "not-described")
    if not policies:
        return PassedOver(subject, "no-policy", report.id)
    day = day_of(asked.at, policies[0].prepared.zone)
    repeats = tuple(order for order in asked.orders if would_repeat(order, examination, day, known))
    if asked.hook == "order-sign" and not repeats:
        return PassedOver(subject, "not-ordered", report.id)
    judged = [(policy, *_judge(asked, report, policy, known)) for policy in policies]
    policy, facts, decision = min(judged, key=lambda each: _PREFERRED.index(each[2].recognisable))
    if decision.recognisable == "yes":
        return _reminder(asked, report, policy, facts, decision, repeats, known)
    if decision.recognisable == "no":
        clauses = dict.fromkeys(found.clause for found in decision.findings if found.says == "no")
        return PassedOver(subject, "not-called-for", report.id, tuple(clauses))
    missing = {fact for found in decision.findings for fact in found.missing}
    return PassedOver(subject, "not-known", report.id, missing=tuple(sorted(missing)))


_PREFERRED = ("yes", "unknown", "no")


def _judge(asked: Asked, report: Stated, policy: Publication, book: BookAsOf) -> tuple[Facts, Decision]:
    """What a policy would say if the result, and not the conclusion, were decided on now."""
    zone = policy.prepared.zone
    said = parts.Decision(asked.at.astimezone(zone).isoformat(timespec="seconds"), ["result"])
    decision = Stated(
        book.size, "", "recognition.accepted", asked.institution, report.subject, 0, {"decision": said}, {}
    )
    facts = join(Situation(report, decision, "current"), book, policy.prepared).facts
    return facts, decide(policy.prepared, facts)


def _reminder(
    asked: Asked,
    report: Stated,
    policy: Publication,
    facts: Facts,
    decision: Decision,
    repeats: tuple[Order, ...],
    book: BookAsOf,
) -> Reminder:
    examination, day = report.parts["examination"], day_of(asked.at, policy.prepared.zone)
    item = facts.item or examination.item
    profile = book.profile(report.issuer, day).profile
    names = [listed[0].name for each in book.catalogues(day) if (listed := each.items.get(item))]
    asking = [duty.clause for duty in policy.prepared.document.reminders if duty.hook in (None, asked.hook)]
    return Reminder(
        report.subject,
        report.id,
        report.issuer,
        profile.name if profile is not None else report.issuer,
        examination,
        item,
        facts.item is not None,
        names[0] if names else item,
        policy,
        decision,
        asking[0] if asking and _is_inside_window(decision) else "",
        repeats,
    )


def _is_inside_window(decision: Decision) -> bool:
    return all(warning.code != OUTSIDE_WINDOW for warning in decision.warnings)


def would_repeat(order: Order, examination: parts.Examination, day: date, book: BookAsOf) -> bool:
    """Whether an order is of the item that was examined: coded alike, or by a code that the code maps of the day make
    the same, in the report's system or in a catalogue's. Codes for which several others stand count too: better one
    reminder too many."""
    maps = book.codemaps(day)
    targets = {examination.system, *(each.catalogue for each in book.catalogues(day))}

    def known_as(system: str, code: str) -> set[tuple[str, str]]:
        mapped: Iterable[Any] = ((to, each) for to in targets for each in translate(maps, system, code, to).codes)
        return {(system, code), *mapped}

    examined = known_as(examination.system, examination.item)
    return any(not examined.isdisjoint(known_as(code.system, code.code)) for code in order.codes)


def _examined(reminder: Reminder) -> float:
    at = moment(reminder.examination.at)
    return at.timestamp() if at is not None else 0.0
