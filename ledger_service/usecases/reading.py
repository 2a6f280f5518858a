"""Who may read which part of which statement; nothing is shown before it is recorded (docs/PRIVACY.md, ADR 19).

Deny by default: a part is shown only where a rule of `judge` says so, and which rule it was stands in the reading log.
What is not shown is given as name and leaf, so that the content hash still verifies.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import IntEnum

import msgspec

from anchors.core.content import Content, Part, Withheld
from ledger_service import problems
from ledger_service.kinds import Role
from ledger_service.parts import PART_FORMS, Insurance
from ledger_service.problems import Refused
from ledger_service.usecases.look_up import Read
from ledger_service.usecases.privacy_ports import Reading, Readings, Relation, Relations
from ledger_service.usecases.viewer import Viewer

OVERSEERS = (Role.REGULATOR, Role.AUDITOR)
PUBLISHED = frozenset(
    {
        "policy.published",
        "catalogue.published",
        "codemap.published",
        "institution.profiled",
        "qualification.granted",
        "qualification.renewed",
        "qualification.suspended",
        "qualification.revoked",
        "statistics.published",
        "readings.headed",
    }
)
"""What all are judged by, or may recompute: structural parts are for everybody who is signed in."""


class Sight(IntEnum):
    """How much of a statement is shown."""

    NOTHING = 0
    STRUCTURAL = 1
    ALL = 2


@dataclass(frozen=True)
class Ruling:
    """How much is shown, and on which basis."""

    sight: Sight
    basis: str = ""


def judge(viewer: Viewer, read: Read, relation: Relation) -> Ruling:
    """What the viewer may see of a statement, whose subject it stands to as `relation` says. The first rule that allows
    something decides; those that allow more come first."""
    statement, index = read.statement, read.stored.index
    if viewer.is_operator:
        return Ruling(Sight.ALL, "operator")
    if statement.institution in viewer.speaks_for:
        return Ruling(Sight.ALL, "author")
    if index in relation.opened:
        return Ruling(Sight.ALL, "opened")
    if index in relation.named and Role.COURT in viewer.roles:
        return Ruling(Sight.ALL, "named")
    if relation.owns:
        return Ruling(Sight.STRUCTURAL, "issuer")
    for role in OVERSEERS:
        if role in viewer.roles:
            return Ruling(Sight.STRUCTURAL, role)
    if Role.INSURER in viewer.roles and _insurer_of(read.content) in viewer.speaks_for:
        return Ruling(Sight.STRUCTURAL, "insurer")
    if statement.kind in PUBLISHED:
        return Ruling(Sight.STRUCTURAL, "published")
    return Ruling(Sight.NOTHING)


def _insurer_of(content: Content) -> str | None:
    """The insurer that a statement names, where it does in the listed form."""
    try:
        return msgspec.convert(content.value("insurance"), Insurance).insurer
    except msgspec.ValidationError:
        return None


def may_list(viewer: Viewer, relation: Relation) -> bool:
    """Whether the viewer may know that statements belong to one subject: it oversees all, or has to do with this one.
    That a report it opened was amended is so told to it, and no part of the amendment."""
    if viewer.is_operator or viewer.roles & set(OVERSEERS):
        return True
    return relation.owns or relation.signed or (bool(relation.named) and Role.COURT in viewer.roles)


def withhold(content: Content, sight: Sight = Sight.NOTHING) -> Content:
    """The content with only those parts shown that may be seen."""
    if sight is Sight.ALL:
        return content
    return Content.of(
        part
        if isinstance(part, Withheld) or (sight is Sight.STRUCTURAL and part.name in PART_FORMS)
        else Withheld(part.name, part.leaf)
        for part in content.parts
    )


@dataclass(frozen=True)
class Request:
    """Which request asks: its id and its route, as the reading log names them."""

    id: str
    route: str


class Disclosure:
    """Shows statements to viewers by the rules, and records it first."""

    def __init__(self, relations: Relations, readings: Readings, now: Callable[[], int]):
        self._relations = relations
        self._readings = readings
        self._now = now

    def show(self, viewer: Viewer, statements: Sequence[Read], request: Request) -> list[Content]:
        """What the viewer may see of each. What is shown is in the reading log when this returns.

        Raises `StoreUnavailable`, and then nothing may be shown."""
        relations = self._relations_of(viewer, statements)
        shown, read = [], []
        for statement in statements:
            ruling = judge(viewer, statement, relations[statement.statement.subject])
            content = withhold(statement.content, ruling.sight)
            shown.append(content)
            if names := [part.name for part in content.parts if isinstance(part, Part)]:
                read.append((statement.stored.id, ruling.basis, names))
        if read:
            reading = Reading(viewer.institution, viewer.key, viewer.roles, request.id, request.route, read)
            self._readings.append(reading, self._now())
        return shown

    def check_list(self, viewer: Viewer, subject: bytes) -> None:
        """Raise `Refused` (`not-permitted`) where the viewer may not see a subject's timeline, nor whether there is
        one."""
        if not may_list(viewer, self._relation(viewer, subject)):
            raise Refused(
                problems.NOT_PERMITTED,
                f"{viewer.institution} has nothing to do with this subject; record access.granted, or ask its issuer",
            )

    def listed(self, viewer: Viewer, statements: Sequence[Read]) -> list[bool]:
        """Of which statements the viewer may know that they exist: whose timeline it may see, or of which it sees a
        part."""
        relations = self._relations_of(viewer, statements)
        return [
            may_list(viewer, relation) or judge(viewer, statement, relation).sight > Sight.NOTHING
            for statement in statements
            for relation in [relations[statement.statement.subject]]
        ]

    def listed_holds(self, viewer: Viewer, placed: Sequence[Read], about: Sequence[Read]) -> list[bool]:
        """Of which holds and disputes the viewer may know: of which it may know the statement itself, or may see the
        timeline of what each is `about`: nothing of that is erased meanwhile, so whoever has to do with it is told."""
        timelines = self._relations_of(viewer, about)
        itself = self.listed(viewer, placed)
        return [
            known or may_list(viewer, timelines[statement.statement.subject])
            for known, statement in zip(itself, about, strict=True)
        ]

    def _relations_of(self, viewer: Viewer, statements: Sequence[Read]) -> dict[bytes, Relation]:
        subjects = {statement.statement.subject for statement in statements}
        return {subject: self._relation(viewer, subject) for subject in subjects}

    def _relation(self, viewer: Viewer, subject: bytes) -> Relation:
        return Relation() if viewer.is_operator else self._relations.relation(subject, viewer.speaks_for)
