"""Facts about a report itself: who issued which version under which qualification, who was reminded of it, who opened
it, and what became of what was said."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from anchors.core.encoding import ZERO_WORD, encode_hex
from ledger_service.kind_rules import LATE_SECONDS
from ledger_service.kinds import VERSIONS
from ledger_service.originals import Original
from ledger_service.recognition.book import CORRECTED
from ledger_service.recognition.case import Case, Fact, Placed
from ledger_service.recognition.join import day_of, examiner, moment, qualification_of
from ledger_service.recognition.qualifications import QualificationAnswer
from ledger_service.recognition.stated import Stated

_ACCESSES = {"access.granted": "granted", "access.emergency": "emergency", "access.denied": "denied"}
_BROUGHT_ABOUT = {"report.issued": "issued", "report.amended": "amended", "report.withdrawn": "withdrawn"}
_BROUGHT_IN = {"import.issued": "issued", "import.amended": "amended", "import.withdrawn": "withdrawn"}


def versions(case: Case) -> Iterator[Fact]:
    """Who issued, amended and withdrew, or brought that in from another log; and whether whoever examined was qualified
    on the day of the examination, by all that the log says now."""
    for placed in case.of_kind(*_BROUGHT_ABOUT, *_BROUGHT_IN):
        stated = placed.stated
        replaced = case.linked(stated, "replaces")
        details = {
            "version": case.number(stated),
            "old": case.number(replaced.stated) if replaced is not None else None,
            "reason": _reason(stated),
        }
        replaces = stated.links.get("replaces")
        if stated.kind in _BROUGHT_ABOUT:
            yield case.fact("issued", _BROUGHT_ABOUT[stated.kind], True, placed, replaces, **details)
        elif stated.original is not None:
            yield from _import(case, placed, stated.original, replaces, details)
        if stated.kind in VERSIONS:
            yield from _examination(case, placed, case.now(stated))


def reminders(case: Case) -> Iterator[Fact]:
    """Who was reminded, and who put that aside."""
    for placed in case.of_kind("reminder.shown", "reminder.dismissed"):
        stated = placed.stated
        reminder = stated.parts.get("reminder")
        dismissed = stated.kind == "reminder.dismissed"
        if reminder is not None:
            says = "dismissed" if dismissed else reminder.hook
            target = stated.links.get("reminder" if dismissed else "report")
            yield case.fact("reminded", says, True, placed, target, reason=_reason(stated), at=reminder.at)


def accesses(case: Case) -> Iterator[Fact]:
    """Who opened which version on which basis, whether it was the current one, and whether that was recorded in time
    and consented to."""
    for placed in case.of_kind(*_ACCESSES):
        stated = placed.stated
        version, access = case.linked(stated, "report"), stated.parts.get("access")
        number = case.number(version.stated) if version is not None else None
        yield case.fact(
            "opened",
            _ACCESSES[stated.kind],
            True,
            placed,
            stated.links.get("report"),
            version=number,
            basis=access.basis if access is not None else None,
            reason=_reason(stated),
            at=access.at if access is not None else None,
        )
        if stated.kind == "access.denied":
            continue
        if version is not None:
            state, by = case.replaced(version.stated, stated.index)
            others = (version.stated.id, by.stated.id if by is not None else None)
            yield case.fact("opened-current", state, state == "current", placed, *others, version=number)
        if stated.kind == "access.emergency" and access is not None:
            seconds = stated.issued_at - access.at
            late = access.late or seconds > LATE_SECONDS
            yield case.fact("recorded-in-time", "late" if late else "yes", not late, placed, seconds=seconds)
        if "consent" in stated.links:
            yield _consent(case, placed, stated)


def what_became(case: Case) -> Iterator[Fact]:
    """Corrections, erasures, exports."""
    for placed in case.of_kind(CORRECTED, "content.erased", "evidence.exported"):
        parts, links = placed.stated.parts, placed.stated.links
        if "correction" in parts:
            wrong = parts["correction"].parts
            yield case.fact("corrected", "corrected", True, placed, links.get("corrects"), parts=wrong)
        elif "erasure" in parts:
            erasure, target = parts["erasure"], links.get("erases")
            details = {"parts": erasure.parts, "basis": erasure.basis}
            yield case.fact("erased", "erased", True, placed, target, **details)
        elif "export" in parts:
            export = parts["export"]
            details = {"disclosed": export.disclosed, "withheld": export.withheld, "sha256": export.sha256}
            yield case.fact("exported", "exported", True, placed, links.get("about"), **details)


def _import(
    case: Case, placed: Placed, original: Original, replaces: str | None, details: dict[str, Any]
) -> Iterator[Fact]:
    """Whose statement in which log was brought in. The door checked its proof by the trust file that it had; what only
    the other chain or the other log can tell is not told."""
    there = {
        "origin": original.origin,
        "entry": original.index,
        "original": encode_hex(original.id),
        "issuer": original.statement.institution,
    }
    says = _BROUGHT_IN[placed.stated.kind]
    yield case.fact("imported", says, True, placed, replaces, **details, **there)
    if original.witness_id != ZERO_WORD:
        head = encode_hex(original.witness_id)
        yield case.fact("imported-witnessed", "named", None, placed, checked=False, head=head, **there)
    if says != "withdrawn":
        yield case.fact("imported-latest", "unknown", None, placed, version=details["version"], **there)


def _examination(case: Case, placed: Placed, stated: Stated) -> Iterator[Fact]:
    examination, version = stated.parts.get("examination"), case.number(stated)
    if examination is not None:
        for code, who in (("examined-by", examination.performer), ("kept-by", examination.custodian)):
            if who is not None:
                named = {"performer": who} if code == "examined-by" else {"custodian": who}
                yield case.fact(code, "other", True, placed, version=version, who=stated.issuer, **named)
    # In the zone that the source wrote: no policy is asked.
    answer = qualification_of(case.book.as_of(case.size), stated, None)
    then = qualification_of(case.book.as_of(stated.index), stated, None)
    at = moment(examination.at) if examination is not None else None
    details = {
        "performer": examiner(stated),
        "item": examination.item if examination is not None else None,
        "day": day.isoformat() if (day := day_of(at, None)) is not None else None,
        "version": version,
    }
    says = _state(answer)
    holds = {"granted": True, "lapsed": False, "suspended": False, "revoked": False}.get(says)
    statements = answer.statements if answer is not None else ()
    yield case.fact("qualified", says, holds, placed, *statements, when_issued=_state(then), **details)
    for mark in examination.marks if examination is not None else ():
        yield _mark(case, placed, answer, mark, details)


def _mark(case: Case, placed: Placed, answer: QualificationAnswer | None, mark: str, details: dict) -> Fact:
    statements = answer.statements if answer is not None else ()
    if answer is None or answer.contradictory:
        return case.fact("marked", "unknown", None, placed, *statements, mark=mark, **details)
    backed = answer.state == "granted" and mark in answer.marks
    # That nothing stands in the log does not show that there is nothing.
    holds = None if answer.state == "none" else backed
    return case.fact("marked", "backed" if backed else "unbacked", holds, placed, *statements, mark=mark, **details)


def _consent(case: Case, placed: Placed, stated: Stated) -> Fact:
    """Whether the consent stood when the access was recorded; its last day is taken in UTC."""
    given = case.linked(stated, "consent")
    consent, access = given.stated.parts.get("consent") if given is not None else None, stated.parts.get("access")
    if given is None or consent is None or access is None:
        return case.fact("consented", "unknown", None, placed, stated.links.get("consent"), until=None)
    ends = (each.stated for each in case.about(given.stated.subject) if each.stated.kind == "consent.withdrawn")
    withdrawn = next((each for each in ends if each.index < stated.index), None)
    if withdrawn is not None:
        return case.fact("consented", "withdrawn", False, placed, given.stated.id, withdrawn.id, until=consent.until)
    ended = consent.until is not None and consent.until < _utc_day(access.at)
    says = "ended" if ended else "held"
    return case.fact("consented", says, not ended, placed, given.stated.id, until=consent.until)


def _utc_day(seconds: int) -> str:
    try:
        return datetime.fromtimestamp(seconds, UTC).date().isoformat()
    except (ValueError, OverflowError, OSError):
        return "9999-12-31"


def _state(answer: QualificationAnswer | None) -> str:
    if answer is None:
        return "unknown"
    return "contradictory" if answer.state is None else answer.state


def _reason(stated: Stated) -> str | None:
    return stated.parts["reason"].code if "reason" in stated.parts else None
