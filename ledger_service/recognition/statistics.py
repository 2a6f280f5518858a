"""Figures in one pass over a log, in its order (docs/spec/statistics.md).

    tally = Tally(size, [period], key)
    for event in events:
        tally.add(event)
    figures = tally.figures(origin, root, period)

An *act* is what figures count: it is counted where it is first said. What says the same again counts nothing more.
What is corrected, and what was decided on a report that is withdrawn, is taken away from the very cell to which it was
added.
"""

from collections.abc import Callable, Mapping, Sequence

from anchors.core.errors import VerificationFailed
from ledger_service.kinds import KINDS, VERSIONS, Effect, Subject
from ledger_service.recognition.book import CORRECTED
from ledger_service.recognition.counters import Amounts, Cell, Counters
from ledger_service.recognition.figures import Figures, Gaps, Period, local_day
from ledger_service.recognition.in_force import KINDS as RULES
from ledger_service.recognition.in_force import InForce
from ledger_service.recognition.kept_rules import NUMBERS, Event, KeptRules, stated_of, successions
from ledger_service.recognition.remembered import NOBODY, Mark, Remembered

RECOGNISED, REPEATED, REVIEWED = "recognition.accepted", "repeat.ordered", "repeat.reviewed"
REMINDED = "reminder.shown"
_COUNTED = {
    "access.granted": "accesses",
    "access.denied": "accessesDenied",
    "access.emergency": "emergencies",
    "reminder.shown": "remindersShown",
    "reminder.dismissed": "remindersDismissed",
    "recognition.accepted": "recognitions",
    "recognition.declined": "refusals",
    "repeat.ordered": "repeats",
}
_FOLLOWED = {"remindersFollowed": 1}
_REVIEWED = {"necessary": "repeatsNecessary", "unnecessary": "repeatsUnnecessary", "undecided": "repeatsUndecided"}
_ABOUT = {
    "report.amended": "replaces",
    "report.withdrawn": "replaces",
    "import.amended": "replaces",
    "import.withdrawn": "replaces",
    "reminder.shown": "report",
    "reminder.dismissed": "reminder",
    "access.granted": "report",
    "access.denied": "report",
    "access.emergency": "report",
    "recognition.accepted": "report",
    "recognition.declined": "report",
    "repeat.ordered": "repeats",
    "repeat.resulted": "order",
    "repeat.reviewed": "reviews",
    "explanation.given": "explains",
}
"""Of the kinds that are about a report, the link that leads to what they are about."""
_ONCE = frozenset({RECOGNISED, "recognition.declined", "reminder.dismissed", REVIEWED})
"""What is counted once, however often it is said."""
_ONCE_A_REASON = frozenset({"recognition.declined", REVIEWED})
"""Of these, once for each reason or finding."""
_DECISIONS = frozenset(NUMBERS[kind] for kind in (RECOGNISED, "recognition.declined", "repeat.ordered", REVIEWED))
"""What falls with its report."""
_VERSIONS = frozenset(NUMBERS[kind] for kind in VERSIONS)
JUDGED = frozenset({*_ABOUT, *VERSIONS, CORRECTED})
"""The kinds on which a figure rests; of others it only matters whether they begin a subject."""
_NAMES = ("", *KINDS)
_BEGIN_OR_REPLACE = frozenset(name for name, kind in KINDS.items() if kind.effect in (Effect.ISSUES, Effect.REPLACES))


class Tally:
    """Counts entries that come in log order."""

    def __init__(
        self, size: int, periods: Sequence[Period], key: bytes, successors: Mapping[str, str] | None = None
    ) -> None:
        """For at most the first `size` entries of a log, and one or more periods of one zone. `key` is fresh and secret
        (see `Remembered`); `successors` names for institutions that left those that took over."""
        self._offset = periods[0].offset_seconds
        assert all(period.offset_seconds == self._offset for period in periods), "one zone gives one day"
        self._remembered = Remembered(size, key)
        self._rules = KeptRules(self._remembered, successions(successors or {}))
        self._counters = Counters(periods, self._remembered.names)
        self._in_force = InForce()
        self._said_times: dict[int, int] = {}
        self._withdrawn: set[int] = set()
        self._next = 0
        self._missing = 0
        self._first_missing: int | None = None
        self._by: dict[str, Callable[[Event, int], None]] = {
            CORRECTED: self._correct,
            "report.withdrawn": self._withdraw,
            "report.amended": self._amend,
            "import.withdrawn": self._withdraw,
            "import.amended": self._amend,
        } | dict.fromkeys(RULES, self._publish)

    def miss(self, position: int) -> None:
        """The entry at a position, or its content, is not there."""
        assert position == self._next, "entries come in log order"
        self._next += 1
        self._missing += 1
        if self._first_missing is None:
            self._first_missing = position
        self._remembered.up[position] = position
        self._remembered.marks[position] = Mark.BROKEN | Mark.MISSING

    def add(self, event: Event) -> None:
        """Count an entry. Raises `VerificationFailed` where the index names another statement than a link does."""
        remembered, position = self._remembered, event.position
        assert position == self._next, "entries come in log order"
        self._next += 1
        remembered.ids[position] = remembered.short(event.id)
        remembered.kinds[position] = NUMBERS.get(event.kind, 0)
        remembered.sign(position, event.institution)
        remembered.up[position] = remembered.after[position] = position
        self._check_linked(event)
        first = remembered.subjects.find(event.subject)
        judged = event.kind in JUDGED or event.kind not in KINDS
        if judged and (broken := self._rules.broken(event, first)):
            self._break(event, broken)
        else:
            self._take(event, first)

    def figures(self, origin: str, root: bytes, period: Period) -> Figures:
        """What was counted so far, in one of the periods, in the log of this origin: the entries that were added have
        this root."""
        gaps = Gaps(self._missing, self._first_missing) if self._first_missing is not None else None
        counted = self._counters.of(period)
        return Figures(
            origin,
            self._next,
            None if gaps else root,
            period,
            counted.figures(),
            counted.rows(),
            counted.said_again,
            dict(sorted(counted.broken.items())),
            gaps,
        )

    def _check_linked(self, event: Event) -> None:
        remembered, position = self._remembered, event.position
        for target, id in event.linked:
            at_hand = 0 <= target < position
            if at_hand and remembered.ids[target] == remembered.short(id):
                continue
            if not (at_hand and remembered.marks[target] & Mark.MISSING):
                raise VerificationFailed(
                    f"entry {position}: the index takes entry {target} for 0x{id.hex()}, which it is not; "
                    "see what 'huzheng audit' says"
                )

    def _break(self, event: Event, broken: str) -> None:
        self._remembered.marks[event.position] = Mark.BROKEN
        self._counters.break_rule(self._day(event), broken)

    def _take(self, event: Event, first: int | None) -> None:
        """A statement that keeps the rules."""
        remembered, position = self._remembered, event.position
        if first is None:
            if KINDS[event.kind].subject is Subject.NEW:
                remembered.subjects.add(event.subject, position)
            first = position
        if event.original is not None:
            remembered.originals[position] = (event.original.statement.institution, event.original.index)
        about = _ABOUT.get(event.kind)
        remembered.up[position] = first if about is None else event.links[about]
        remembered.said[position] = remembered.names.number(self._what_it_says(event))
        if event.kind in _COUNTED or event.kind == REVIEWED:
            self._act(event, first)
        elif (special := self._by.get(event.kind)) is not None:
            special(event, first)

    def _what_it_says(self, event: Event) -> tuple | str:
        """What is remembered of the statement: of a version what was examined, of others the day and the reason."""
        if event.kind in _BEGIN_OR_REPLACE:
            return event.examined or NOBODY
        return self._day(event), event.why

    # Acts

    def _act(self, event: Event, first: int) -> None:
        remembered, position = self._remembered, event.position
        said = self._find_said(event, first) if event.kind in _ONCE else None
        if said is not None:
            remembered.marks[position] = Mark.AGAIN
            remembered.up[position] = said
            self._said_times[said] = self._said_times.get(said, 1) + 1
            self._counters.say_again(self._day(event))
            self._settle(said, event)
            return
        if event.kind == RECOGNISED:
            self._follow(event, first)
        if not event.kind.startswith("access."):
            remembered.add_act(first, position)
        cell = self._cell(position)
        self._counters.add(self._amounts(position, cell), cell, event.id)
        if first in self._withdrawn or event.kind == REVIEWED:
            self._settle(position, event)

    def _find_said(self, event: Event, first: int) -> int | None:
        """Where the same was said before: by whom, about what and why; of a review, whoever found it."""
        remembered, position = self._remembered, event.position
        kind, up, values = remembered.kinds[position], remembered.up[position], remembered.names.values
        why = values[remembered.said[position]][1]
        for act in remembered.acts(first):
            if remembered.kinds[act] != kind or remembered.up[act] != up:
                continue
            own = remembered.institution(act) == remembered.institution(position)
            alike = event.kind not in _ONCE_A_REASON or values[remembered.said[act]][1] == why
            if alike and (own or event.kind == REVIEWED):
                return act
        return None

    def _settle(self, act: int, event: Event) -> bool:
        """Bring a counted act in line with what was said of it since; whether that took it away."""
        remembered = self._remembered
        kind, first = remembered.kinds[act], remembered.first_of(act)
        gone = self._said_times.get(act, 1) <= 0 or (kind in _DECISIONS and first in self._withdrawn)
        if kind == NUMBERS[REVIEWED]:
            gone |= bool(remembered.marks[remembered.up[act]] & Mark.TAKEN_AWAY)
        if gone == bool(remembered.marks[act] & Mark.TAKEN_AWAY):
            return False
        remembered.marks[act] ^= Mark.TAKEN_AWAY
        cell = self._cell(act)
        self._move(self._amounts(act, cell), cell, event, gone)
        if kind in (NUMBERS[RECOGNISED], NUMBERS[REMINDED]):
            self._settle_reminders(first, remembered.institution(act), event)
        elif kind == NUMBERS[REPEATED]:
            for review in remembered.acts(first):
                if remembered.kinds[review] == NUMBERS[REVIEWED] and remembered.up[review] == act:
                    self._settle(review, event)
        return gone

    def _move(self, amounts: Amounts, cell: Cell, event: Event, gone: bool) -> None:
        if gone:
            self._counters.take_away(amounts, cell, event.id)
        else:
            self._counters.give_back(amounts, cell)

    # Reminders that a recognition followed

    def _follow(self, event: Event, first: int) -> None:
        """Of this recognition, which is not among the acts yet: the hospital's reminders that it follows."""
        remembered = self._remembered
        for act in self._reminders(first, remembered.institution(event.position)):
            if remembered.marks[act] & (Mark.FOLLOWED | Mark.TAKEN_AWAY):
                continue
            remembered.marks[act] |= Mark.FOLLOWED
            self._counters.add(_FOLLOWED, self._cell(act), event.id)

    def _settle_reminders(self, first: int, institution: str, event: Event) -> None:
        remembered, recognised = self._remembered, NUMBERS[RECOGNISED]
        standing = [
            act
            for act in remembered.acts(first)
            if remembered.kinds[act] == recognised
            and remembered.institution(act) == institution
            and not remembered.marks[act] & Mark.TAKEN_AWAY
        ]
        for act in self._reminders(first, institution):
            marks = remembered.marks[act]
            if not marks & Mark.FOLLOWED:
                continue
            in_vain = bool(marks & Mark.TAKEN_AWAY) or not any(later > act for later in standing)
            if in_vain != bool(marks & Mark.FOLLOWED_IN_VAIN):
                remembered.marks[act] ^= Mark.FOLLOWED_IN_VAIN
                self._move(_FOLLOWED, self._cell(act), event, in_vain)

    def _reminders(self, first: int, institution: str) -> list[int]:
        remembered, reminded = self._remembered, NUMBERS[REMINDED]
        acts = remembered.acts(first)
        found = [
            act for act in acts if remembered.kinds[act] == reminded and remembered.institution(act) == institution
        ]
        return found[::-1]

    # What changes earlier figures

    def _correct(self, event: Event, _first: int) -> None:
        remembered, target = self._remembered, event.links["corrects"]
        remembered.up[event.position] = target
        if _NAMES[remembered.kinds[target]] in RULES:
            self._in_force.publish(stated_of(event))
        marks = remembered.marks[target]
        if marks & Mark.CORRECTED:
            return
        remembered.marks[target] |= Mark.CORRECTED
        act = remembered.up[target] if marks & Mark.AGAIN else target
        kind = _NAMES[remembered.kinds[act]]
        if kind not in _COUNTED and kind != REVIEWED:
            return
        self._said_times[act] = self._said_times.get(act, 1) - 1
        if self._settle(act, event):
            self._counters.add({"corrections": 1}, self._cell(event.position), event.id)

    def _withdraw(self, event: Event, first: int) -> None:
        self._rules.current[first] = None
        self._withdrawn.add(first)
        changed = [self._settle(act, event) for act in self._remembered.acts(first)]
        if any(changed):
            self._counters.add({"withdrawals": 1}, self._cell(event.position), event.id)

    def _amend(self, event: Event, first: int) -> None:
        self._rules.current[first] = event.position

    def _publish(self, event: Event, _first: int) -> None:
        if not event.problem:
            self._in_force.publish(stated_of(event))

    # Cells

    def _day(self, event: Event) -> str:
        return local_day(event.issued_at, self._offset)

    def _cell(self, position: int) -> Cell:
        """What tells a statement's count apart. A review is told apart by the repeat."""
        remembered = self._remembered
        said = remembered.said[position]
        day = remembered.names.values[said][0]
        if not self._counters.holds(day):
            return Cell(0, 0, said, day)
        reviewed = remembered.kinds[position] == NUMBERS[REVIEWED]
        institution = remembered.institution(remembered.up[position] if reviewed else position)
        version = self._version(position)
        imported = remembered.originals.get(version)
        issuer = remembered.institution(version) if imported is None else imported[0]
        standing = self._in_force.standing(institution, day, position)
        return Cell(self._counters.who(institution, standing, issuer), remembered.said[version], said, day)

    def _version(self, position: int) -> int:
        """The version of the report that a statement is about in the end."""
        kinds, up = self._remembered.kinds, self._remembered.up
        while kinds[position] not in _VERSIONS:
            position = up[position]
        return position

    def _amounts(self, act: int, cell: Cell) -> Amounts:
        """What an act adds to which figures: one; a recognition also cents saved, or one without a price."""
        kind = _NAMES[self._remembered.kinds[act]]
        values = self._remembered.names.values
        if kind == REVIEWED:
            return {_REVIEWED[values[cell.when][1]]: 1}
        if kind != RECOGNISED:
            return {_COUNTED[kind]: 1}
        examined = values[cell.what]
        price = self._in_force.price(examined[2], cell.day, act) if examined else None
        return {"recognitions": 1} | ({"unpriced": 1} if price is None else {"savings": price})
