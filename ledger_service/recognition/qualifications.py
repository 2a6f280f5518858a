"""Which qualification an institution had for an item on a day, by what had been said until then.

A qualification is one subject: it is granted, then renewed, suspended or revoked, each statement replacing the one
before it and holding from a day of its own. On a day, of those that had begun, the one that was said last counts.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Literal

from msgspec import Struct

from ledger_service.parts import Qualification
from ledger_service.recognition.stated import Stated

State = Literal["granted", "lapsed", "suspended", "revoked", "none"]
KINDS = frozenset(
    {"qualification.granted", "qualification.renewed", "qualification.suspended", "qualification.revoked"}
)
_ENDINGS = {"qualification.suspended": "suspended", "qualification.revoked": "revoked"}
_STRENGTH = {"lapsed": 0, "suspended": 1, "revoked": 2}


class Found(Struct, frozen=True, gc=False):
    """One qualification on a day: what was granted last, by whom, and since when its present state holds.

    `statements` are those that say so: the grant or renewal, and what suspended or revoked it.
    """

    state: State
    by: str
    since: str
    qualification: Qualification
    statements: tuple[str, ...]


class QualificationAnswer(Struct, frozen=True, gc=False):
    """The state for one institution, category and item on a day; `none` where nothing that is known here covers it.

    `found` are the qualifications behind the state, `others` those that cover the item too and are in another one;
    under `none` those that the institution has for other items of the category.
    `contradictory`: one says granted, and another of overlapping scope ended on or after the day on which that began;
    the state is then None, and all of them are in `found`.
    """

    state: State | None
    found: tuple[Found, ...] = ()
    others: tuple[Found, ...] = ()

    @property
    def contradictory(self) -> bool:
        """Whether what was said does not agree."""
        return self.state is None

    @property
    def statements(self) -> tuple[str, ...]:
        """Those that the answer rests on."""
        return tuple(id for found in self.found for id in found.statements)

    @property
    def marks(self) -> frozenset[str]:
        """The marks that the reports may bear."""
        return frozenset(mark for found in self.found for mark in found.qualification.marks)

    @property
    def scope(self) -> tuple[str, ...]:
        """Where it counts, each place once."""
        return tuple(dict.fromkeys(place for found in self.found for place in found.qualification.scope))


def judge(
    chains: Iterable[Sequence[Stated]], institution: str, category: str, items: Collection[str], day: str
) -> QualificationAnswer:
    """The answer of all qualifications, each given as its statements in log order. `items` are the codes by which the
    item is known."""
    every = [found for chain in chains if (found := state_on(chain, day)) is not None]
    near = [found for found in every if _is_about(found.qualification, institution, category)]
    about = [found for found in near if _covers(found.qualification, items)]
    granted = tuple(found for found in about if found.state == "granted")
    ended = tuple(found for found in about if found.state != "granted")
    if granted:
        if any(_contradicts(end, grant) for end in ended for grant in granted):
            return QualificationAnswer(None, tuple(about))
        return QualificationAnswer("granted", granted, ended)
    if not ended:
        return QualificationAnswer("none", (), tuple(near))
    last = max(ended, key=lambda found: (found.since, _STRENGTH[found.state]))
    same = tuple(found for found in ended if (found.since, found.state) == (last.since, last.state))
    return QualificationAnswer(last.state, same, tuple(found for found in ended if found not in same))


def state_on(chain: Sequence[Stated], day: str) -> Found | None:
    """What one qualification was on a day; None before it began."""
    base = last = None
    for stated in chain:
        begun = _since(stated)
        if begun is None or begun > day:
            continue
        last = stated
        if stated.kind not in _ENDINGS:
            base = stated
    if base is None:
        return None
    qualification = base.parts["qualification"]
    if last is not base:
        return Found(_ENDINGS[last.kind], last.institution, _since(last), qualification, (base.id, last.id))
    if day > qualification.until:
        return Found("lapsed", base.institution, qualification.until, qualification, (base.id,))
    return Found("granted", base.institution, qualification.since, qualification, (base.id,))


def _since(stated: Stated) -> str | None:
    part = stated.parts.get("since" if stated.kind in _ENDINGS else "qualification")
    return part.since if part is not None else None


def _is_about(qualification: Qualification, institution: str, category: str) -> bool:
    return (qualification.institution, qualification.category) == (institution, category)


def _covers(qualification: Qualification, items: Collection[str]) -> bool:
    return not qualification.items or any(item in qualification.items for item in items)


def _contradicts(end: Found, grant: Found) -> bool:
    """A grant that began after another qualification had ended is a new one; what lapsed contradicts nothing."""
    overlaps = not set(end.qualification.scope).isdisjoint(grant.qualification.scope)
    return end.state != "lapsed" and overlaps and end.since >= grant.since
