"""Remind a doctor of other institutions' results, and turn what became of a reminder into drafts (docs/REMINDERS.md).

The ledger knows no patients: who asks names the subjects that it holds for one. It signs for no hospital either: what
was shown, put aside or ordered all the same is that hospital's own statement, and is given back as a draft to sign.
What a reminder tells of a report is in the reading log before it is told.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from anchors.core.encoding import decode_hex
from anchors.core.statement import STATEMENT_BYTES, Statement
from ledger_service import parts, problems
from ledger_service.kinds import OPENINGS, Role
from ledger_service.problems import Refused
from ledger_service.recognition.book import Book, Publication
from ledger_service.recognition.cards import reason_system
from ledger_service.recognition.reminders import KINDS, Asked, Hook, Order, Reminder, Reminders, listed_reasons, remind
from ledger_service.recognition.stated import Stated
from ledger_service.usecases.ports import Reader, Tree
from ledger_service.usecases.privacy_ports import Reading, Readings
from ledger_service.usecases.rate import Asking
from ledger_service.usecases.reading import Request
from ledger_service.usecases.rule_book import RuleBook, stated_of
from ledger_service.usecases.submission import content_of, decode_parts
from ledger_service.usecases.timelines import MOST_STATEMENTS, TooLong, read_timeline
from ledger_service.usecases.viewer import Viewer

MOST_SUBJECTS = 100
MOST_CODES = 200
AHEAD_SECONDS = 300
BASIS = "reminder"
"""Why a part was read, as the reading log says it."""
_SHOWN = frozenset({"reminder.shown"})


@dataclass(frozen=True)
class Question:
    """What is asked: for which institution ("" for the one that is signed in), at which point of the work, about which
    subjects (32 bytes each), with which orders, as of when (Unix seconds; None for now)."""

    institution: str
    hook: Hook
    subjects: Sequence[bytes]
    orders: Sequence[Order] = ()
    at: int | None = None


@dataclass(frozen=True)
class DraftParts:
    """What a statement of the hospital would say: its kind, subject, parts and links. `needs` names the links that the
    log does not know yet: the sender adds them before it signs."""

    kind: str
    subject: bytes
    parts: Mapping[str, Any]
    links: Mapping[str, str]
    needs: Sequence[str] = ()


@dataclass(frozen=True)
class Answer:
    """What to remind of and what is passed over; when and for whom that was asked; and for each reminder, in order, the
    draft that says it was shown."""

    reminders: Reminders
    institution: str
    at: int
    drafts: Sequence[DraftParts]


@dataclass(frozen=True)
class Outcome:
    """What became of a card: `subject`, `report` (statement id), `reminder` and `policy` as the card gave them; `at` in
    Unix seconds. `reason` is (system, code); `comment` the doctor's own words."""

    hook: Hook
    subject: bytes
    report: str
    reminder: parts.Reminder
    policy: parts.Policy
    at: int
    reason: tuple[str, str] | None = None
    comment: str = ""


class Remind:
    """Keeps the book of rules of one log, and writes what it tells into the reading log."""

    def __init__(
        self, reader: Reader, tree: Tree, book: RuleBook, readings: Readings, asking: Asking, now: Callable[[], int]
    ):
        self._reader = reader
        self._tree = tree
        self._book = book
        self._readings = readings
        self._asking = asking
        self._now = now

    def remind(self, viewer: Viewer, question: Question, request: Request) -> Answer:
        """The reminders. Raises `Refused` (`not-permitted`, `malformed-request`, `rate-limited`)."""
        institution = _institution(viewer, question.institution)
        at = self._time(question.at)
        if len(question.subjects) > MOST_SUBJECTS:
            raise Refused(problems.MALFORMED_REQUEST, f"at most {MOST_SUBJECTS} subjects are asked about at once")
        if sum(len(order.codes) for order in question.orders) > MOST_CODES:
            raise Refused(problems.MALFORMED_REQUEST, f"at most {MOST_CODES} codes of orders are looked at at once")
        self._asking.take(institution, max(1, len(question.subjects)))
        asked = Asked(
            institution,
            viewer.speaks_for | {institution},
            question.hook,
            datetime.fromtimestamp(at, UTC),
            tuple(question.orders),
        )
        size = self._tree.size()
        timelines = {subject: self._timeline(subject, size, KINDS) for subject in dict.fromkeys(question.subjects)}
        with self._book.open() as book:
            found = remind(asked, timelines, book, size)
        self._record(viewer, found, request)
        return Answer(found, institution, at, [_shown(each, question.hook, at) for each in found.reminders])

    def after(self, viewer: Viewer, institution: str, outcomes: Sequence[Outcome]) -> list[DraftParts]:
        """The draft of what each overridden card came to, in order. Raises `Refused`: `reason-not-listed` for a reason
        that the card's policy does not list, or `link-unknown` for what is not in the log."""
        institution = _institution(viewer, institution)
        self._asking.take(institution, max(1, len(outcomes)))
        own = viewer.speaks_for | {institution}
        return [self._draft_after(own, outcome) for outcome in outcomes]

    def _draft_after(self, own: frozenset[str], outcome: Outcome) -> DraftParts:
        size = self._tree.size()
        timeline = self._timeline(outcome.subject, size, KINDS | OPENINGS | _SHOWN)
        if timeline is None:
            raise Refused(problems.TOO_LARGE, f"more than {MOST_STATEMENTS} statements are about {outcome.report}")
        if all(stated.id != outcome.report for stated in timeline if stated.kind in KINDS):
            raise Refused(
                problems.LINK_UNKNOWN, "the card's report is not in the log under its subject; send both back"
            )
        with self._book.open() as book:
            policy = _published(book, size, outcome.policy)
        reason = _listed(policy, outcome.reason)
        mine = [each for each in timeline if each.institution in own and each.links.get("report") == outcome.report]
        shown = _last(mine, _SHOWN)
        if outcome.hook == "patient-view":
            return _dismissed(outcome, reason, shown)
        return _repeated(outcome, reason, policy, _last(mine, OPENINGS), shown)

    def _time(self, given: int | None) -> int:
        now = self._now()
        if given is not None and given > now + AHEAD_SECONDS:
            raise Refused(
                problems.MALFORMED_REQUEST, f"'at' is {given - now} s ahead of the service's clock; leave it out"
            )
        return now if given is None else given

    def _timeline(self, subject: bytes, size: int, kinds: frozenset[str]) -> list[Stated] | None:
        """Statements of these kinds; None where too much is said about the subject to be read here."""
        told: list[Stated] = []
        try:
            for found in read_timeline(self._reader, subject, size):
                for stored in found:
                    if Statement.from_words(stored.entry[:STATEMENT_BYTES]).kind in kinds:
                        told.append(stated_of(stored, content_of(decode_parts(stored.parts))))
        except TooLong:
            return None
        return told

    def _record(self, viewer: Viewer, found: Reminders, request: Request) -> None:
        told = [each.report for each in (*found.reminders, *found.passed_over) if each.report]
        if told:
            read = [(decode_hex(report, 32, "report"), BASIS, ("examination",)) for report in told]
            reading = Reading(viewer.institution, viewer.key, viewer.roles, request.id, request.route, read)
            self._readings.append(reading, self._now())


def _institution(viewer: Viewer, named: str) -> str:
    """For whom is asked: a hospital that is signed in asks for itself; the operator says for whom."""
    if viewer.is_operator:
        if not named:
            raise Refused(problems.MALFORMED_REQUEST, "say for which institution: the operator token speaks for none")
        return named
    if Role.HOSPITAL not in viewer.roles:
        raise Refused(problems.NOT_PERMITTED, f"reminders are for hospitals, and {viewer.institution} is none")
    if named not in ("", viewer.institution):
        raise Refused(
            problems.NOT_PERMITTED, f"{viewer.institution} is signed in and cannot ask for another institution"
        )
    return viewer.institution or ""


def _shown(reminder: Reminder, hook: Hook, at: int) -> DraftParts:
    said = {"at": at, "hook": hook, "item": reminder.item}
    return DraftParts("reminder.shown", reminder.subject, {"reminder": said}, {"report": reminder.report})


def _published(book: Book, size: int, named: parts.Policy) -> Publication:
    found = book.as_of(size).policy(named.policy, named.version, named.digest).publications
    if named.digest is None or not found:
        raise Refused(
            problems.LINK_UNKNOWN, "the card's policy is not published in this log; send its 'policy' back as it was"
        )
    return found[0]


def _listed(policy: Publication, given: tuple[str, str] | None) -> str:
    """The reason's code, where the policy's list has it; any where the list is not known."""
    codes = [reason.code for reason in listed_reasons(policy)]
    system, code = given or ("", "")
    if code and (not codes or (code in codes and system == reason_system(policy))):
        return code
    what = f"reason {code[:64]!r} of system {system[:40]!r} is not listed" if code else "no reason is given"
    raise Refused(
        problems.REASON_NOT_LISTED,
        f"{what}: give one of {policy.policy} {policy.version} 请选用办法所列理由: {', '.join(codes) or 'any code'}; "
        f"system {reason_system(policy)}",
    )


def _last(mine: Sequence[Stated], kinds: frozenset[str]) -> str | None:
    """The last statement of these kinds that is in the log by now."""
    return next((each.id for each in reversed(mine) if each.kind in kinds), None)


def _dismissed(outcome: Outcome, reason: str, shown: str | None) -> DraftParts:
    said = {"reminder": _as_part(outcome.reminder), "reason": {"code": reason}} | _note(outcome)
    links = {"reminder": shown} if shown else {}
    return DraftParts("reminder.dismissed", outcome.subject, said, links, [] if shown else ["reminder"])


def _repeated(outcome: Outcome, reason: str, policy: Publication, access: str | None, shown: str | None) -> DraftParts:
    at = datetime.fromtimestamp(outcome.at, policy.prepared.zone).isoformat(timespec="seconds")
    said = {
        "policy": {"digest": policy.digest, "policy": policy.policy, "version": policy.version},
        "reason": {"code": reason},
        "decision": {"at": at, "extent": ["result"]},
    } | _note(outcome)
    links = {"repeats": outcome.report, "policy": policy.statement}
    links |= {rel: id for rel, id in (("access", access), ("reminder", shown)) if id}
    return DraftParts("repeat.ordered", outcome.subject, said, links, [] if access else ["access"])


def _note(outcome: Outcome) -> dict[str, str]:
    """The doctor's own words, which are personal."""
    return {"note": outcome.comment} if outcome.comment else {}


def _as_part(reminder: parts.Reminder) -> dict[str, Any]:
    said = {"at": reminder.at, "hook": reminder.hook}
    return said | ({"item": reminder.item} if reminder.item else {})
