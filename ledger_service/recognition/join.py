"""What the log knows of one decision, as the facts that a policy is asked about; and which statement each comes from.

    known = join(Situation(...), book.as_of(decision.index), prepared)
    decision = decide(prepared, known.facts)

Nothing is guessed: what no statement says stays unknown (None), and so does what two of them say differently.
"""

from collections.abc import Iterable
from datetime import date, datetime, tzinfo
from typing import Literal

from msgspec import Struct

from ledger_service import parts
from ledger_service.recognition.book import BookAsOf, ProfileAnswer
from ledger_service.recognition.catalogue import CodeAnswer, translate
from ledger_service.recognition.facts import Facts, Profile, Qualification
from ledger_service.recognition.prepared import Prepared
from ledger_service.recognition.profiles import connection_on, groups_on
from ledger_service.recognition.publications import agreed
from ledger_service.recognition.qualifications import QualificationAnswer
from ledger_service.recognition.stated import Stated

VersionState = Literal["current", "superseded", "withdrawn"]


class Situation(Struct, frozen=True, gc=False):
    """A decision: the version of the report that it is about, what became of that until then (`version`), the access
    that it rests on, and the decision. All of them as corrected until then."""

    report: Stated
    decision: Stated
    version: VersionState | None = None
    access: Stated | None = None


class Joined(Struct, frozen=True, gc=False):
    """Facts, and the statements that each known one comes from, by its name in `facts` (docs/spec/policy.md).

    `profiles` are those of issuer and recogniser, `qualification` that of the institution that examined, `codes` what
    became of the item's code for each catalogue: answers of the book, with what contradicts in them.
    """

    facts: Facts
    sources: dict[str, tuple[str, ...]]
    profiles: tuple[ProfileAnswer, ProfileAnswer]
    qualification: QualificationAnswer | None
    codes: tuple[CodeAnswer, ...]

    @property
    def contradictory(self) -> list[str]:
        """The facts of which publications in the book say different things."""
        named = zip(("issuer", "recogniser"), self.profiles, strict=True)
        found = [name for name, answer in named if answer.contradictory]
        if self.qualification is not None and self.qualification.contradictory:
            found.append("qualification")
        return found


class _Item(Struct, frozen=True, gc=False):
    """An item after code mapping: every code that it is known by, and whether that is one in each catalogue's system;
    its code in the catalogues (None where that is not sure), and whether one lists it."""

    codes: tuple[str, ...]
    mapped: bool
    code: str | None
    listed: bool | None
    statements: tuple[str, ...]
    answers: tuple[CodeAnswer, ...]


def join(situation: Situation, book: BookAsOf, policy: Prepared) -> Joined:
    """The facts about a decision. Days are those of the policy's zone."""
    report, decision, access = situation.report, situation.decision, situation.access
    examination = report.parts.get("examination")
    examined = moment(examination.at) if examination is not None else None
    said = decision.parts.get("decision")
    decided = moment(said.at) if said is not None else None
    day = day_of(decided, policy.zone)
    profiles = tuple(_profile(book, code, day) for code in (report.issuer, decision.institution))
    item = find_item(book, examination, day) if examination is not None else None
    qualification = qualification_of(book, report, policy.zone)
    facts = Facts(
        category=examination.category if examination is not None else None,
        item=item.code if item is not None else None,
        modality=examination.modality if examination is not None else None,
        in_catalogue=item.listed if item is not None else None,
        extent=frozenset(said.extent) if said is not None else None,
        examined=examined,
        decided=decided,
        issuer=_as_profile(report.issuer, profiles[0], day),
        recogniser=_as_profile(decision.institution, profiles[1], day),
        qualification=_as_qualification(qualification),
        marks=frozenset(examination.marks) if examination is not None else None,
        channel=examination.channel if examination is not None else None,
        connected=_connected(profiles, day),
        version=situation.version,
        complete=examination.complete if examination is not None else None,
        emergency=access.kind == "access.emergency" if access is not None else None,
    )
    found = {
        **dict.fromkeys(("category", "modality", "examined", "marks", "channel", "complete"), (report.id,)),
        **dict.fromkeys(("decided", "extent"), (decision.id,)),
        "item": (report.id, *(item.statements if item is not None else ())),
        "in_catalogue": item.statements if item is not None else (),
        "issuer": (report.id, *profiles[0].statements),
        "recogniser": (decision.id, *profiles[1].statements),
        "qualification": qualification.statements if qualification is not None else (),
        "connected": profiles[0].statements + profiles[1].statements,
        "version": (report.id,),
        "emergency": (access.id,) if access is not None else (),
    }
    sources = {name: statements for name, statements in found.items() if _is_known(getattr(facts, name))}
    return Joined(facts, sources, profiles, qualification, item.answers if item is not None else ())


def moment(text: str) -> datetime | None:
    """A clinical time (RFC 3339); None for one that is in no calendar, or in none of every zone."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at if date.min.year < at.year < date.max.year else None


def day_of(at: datetime | None, zone: tzinfo | None) -> date | None:
    """The day of a time, in a zone or (None) in the one that it is written in."""
    return None if at is None else (at if zone is None else at.astimezone(zone)).date()


def examiner(report: Stated) -> str:
    """The institution that examined: the one that signs, unless the report names another."""
    examination = report.parts.get("examination")
    return (examination.performer if examination is not None else None) or report.issuer


def qualification_of(book: BookAsOf, report: Stated, zone: tzinfo | None) -> QualificationAnswer | None:
    """The qualification of whoever examined, on the day of the examination in a zone (`day_of`).

    None where that is not known: the report does not say what was examined and when; nothing is said of the
    institution, so that its qualifications may stand in another log; or it has some for other items, and the item may
    be one of these under another code."""
    examination = report.parts.get("examination")
    day = day_of(moment(examination.at), zone) if examination is not None else None
    if day is None:
        return None
    institution, item = examiner(report), find_item(book, examination, day)
    answer = book.qualification(institution, examination.category, item.codes, day)
    if answer.state != "none":
        return answer
    return answer if book.is_described(institution) and (item.mapped or not answer.others) else None


def find_item(book: BookAsOf, examination: parts.Examination, day: date | None) -> _Item:
    """The item of an examination in the catalogues that hold on a day (None: not known). A catalogue's codes are those
    of the system that has its name; others are mapped to it."""
    original = examination.item
    if day is None:
        return _Item((original,), False, None, None, (), ())
    maps, catalogues = book.codemaps(day), book.catalogues(day)
    answers = [translate(maps, examination.system, original, each.catalogue) for each in catalogues]
    listings = [
        (one.find(code), code, one.sections.statements + answer.statements)
        for one, answer in zip(catalogues, answers, strict=True)
        for code in answer.codes
    ]
    listed = [listing for listing in listings if listing[0] in ("listed", "contradictory")]
    # A code without a counterpart in a catalogue's system says nothing of what that lists.
    mapped = bool(answers) and all(answer.codes for answer in answers)
    absent = mapped and all(found == "not-listed" for found, _, _ in listings)
    in_catalogues = dict.fromkeys(code for _, code, _ in listed)
    grounds = listed or (listings if absent else [])
    return _Item(
        tuple(dict.fromkeys((original, *(code for answer in answers for code in answer.codes)))),
        mapped,
        next(iter(in_catalogues)) if len(in_catalogues) == 1 else None,
        True if listed else False if absent else None,
        tuple(dict.fromkeys(id for *_, statements in grounds for id in statements)),
        tuple(answers),
    )


def _is_known(value: object) -> bool:
    return value not in (None, Profile(), Qualification())


def _profile(book: BookAsOf, institution: str, day: date | None) -> ProfileAnswer:
    return book.profile(institution, day) if day is not None else ProfileAnswer()


def _as_profile(code: str, answer: ProfileAnswer, day: date | None) -> Profile:
    """What all candidates agree on."""
    if day is None or not answer.candidates:
        return Profile(code=code)

    return Profile(
        code=code,
        tier=agreed(each.tier for each in answer.candidates),
        ownership=agreed(each.ownership for each in answer.candidates),
        region=agreed(each.region for each in answer.candidates),
        city=agreed(each.city for each in answer.candidates),
        district=agreed(each.district for each in answer.candidates),
        groups=agreed(groups_on(each, day) for each in answer.candidates),
        pilots=agreed(frozenset(each.pilot) for each in answer.candidates),
    )


def _connected(profiles: Iterable[ProfileAnswer], day: date | None) -> bool | None:
    """Whether both are connected to the platform, which then is in service. One that is not is enough to tell."""
    states = [_connection(answer, day) if day is not None else None for answer in profiles]
    if any(state not in (None, "connected") for state in states):
        return False
    return None if None in states else True


def _connection(answer: ProfileAnswer, day: date) -> str | None:
    return agreed(connection_on(each, day) for each in answer.candidates)


def _as_qualification(answer: QualificationAnswer | None) -> Qualification:
    if answer is None or answer.state is None:
        return Qualification()
    if answer.state == "none":
        return Qualification(state="none")
    return Qualification(state=answer.state, scope=frozenset(answer.scope), evaluated=_evaluated(answer))


def _evaluated(answer: QualificationAnswer) -> date | None:
    """The last quality evaluation that was passed: a qualification holds from then on."""
    try:
        return max(date.fromisoformat(found.qualification.since) for found in answer.found)
    except ValueError:
        return None
