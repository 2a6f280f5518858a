"""Who recognises whom: the scopes of a policy, compiled once and asked for two institutions on a day.

Answers are True, False or None. None comes with the facts that are missing; a fact that cannot change the answer is not
missing.
"""

from datetime import date
from typing import NamedTuple

from ledger_service.recognition.facts import Profile
from ledger_service.recognition.policy import Area, Party, Phase, PolicyDocument, Scope, Step
from ledger_service.recognition.policy_words import TIERS
from ledger_service.recognition.warnings import CodedWarning, coded_warning

_NEVER = date.max.toordinal()


class _Condition(NamedTuple):
    """A profile's attribute that must (where `outside`, must not) be one of some values, or hold one if it is a set."""

    attribute: str
    values: frozenset
    outside: bool
    fact: str


class _Test(NamedTuple):
    """Everything that one rule or step asks. `pairs`: what the relation says of (issuer's, recogniser's) tier."""

    issuer: tuple[_Condition, ...]
    recogniser: tuple[_Condition, ...]
    pairs: dict[tuple[int | None, int | None], bool | None] | None
    kinds: tuple[str, ...]


class _OpenStep(NamedTuple):
    test: _Test
    due: int


class _OpenPhase(NamedTuple):
    """Days are ordinals; `not_yet` is the warning for those whom it does not open to, None where no phase follows."""

    first: int
    last: int
    steps: tuple[_OpenStep, ...]
    underway: CodedWarning
    not_yet: CodedWarning | None
    before: CodedWarning


class ScopeAnswer(NamedTuple):
    """Whether a scope calls for recognition, and a warning that belongs to that answer. `missing` are the facts that
    the answer waits for, `warning_missing` those that only the warning waits for."""

    value: bool | None
    missing: tuple[str, ...] = ()
    warning: CodedWarning | None = None
    warning_missing: tuple[str, ...] = ()


_DENIED = ScopeAnswer(False)
_GRANTED = ScopeAnswer(True)


class CompiledScope:
    """A scope, ready to be asked."""

    def __init__(self, document: PolicyDocument, scope: Scope) -> None:
        areas = {area.id: area for area in document.areas}
        pairs = _relation(document, scope.relation)
        phases = sorted(scope.phases, key=lambda phase: phase.first)
        self._test = _test(scope, areas, pairs)
        self._phases = tuple(_open_phase(phase, areas, phase is phases[-1]) for phase in phases)

    def ask(self, issuer: Profile, recogniser: Profile, day: int | None) -> ScopeAnswer:
        """Its answer for these two institutions on a day (a proleptic Gregorian ordinal; None: not known)."""
        base, missing = _holds(self._test, issuer, recogniser)
        if base is False:
            return _DENIED
        if not self._phases:
            return _GRANTED if base else ScopeAnswer(None, missing)
        if day is None:
            return ScopeAnswer(None, (*missing, "decided"))
        for phase in self._phases:
            if day < phase.first:
                return _closed(base, missing, phase.before)
            if day <= phase.last:
                return _ask_phase(phase, base, missing, issuer, recogniser, day)
        return _DENIED


def _ask_phase(
    phase: _OpenPhase, base: bool | None, missing: tuple[str, ...], issuer: Profile, recogniser: Profile, day: int
) -> ScopeAnswer:
    if not phase.steps:
        return _GRANTED if base else ScopeAnswer(None, missing)
    admitted = settled = False
    waits: tuple[str, ...] = ()
    settling: tuple[str, ...] = ()
    for step in phase.steps:
        holds, lacks = _holds(step.test, issuer, recogniser)
        if holds:
            admitted = True
            settled |= day > step.due
        elif holds is None:
            waits += lacks
            settling += lacks if day > step.due else ()
    if not admitted:
        return ScopeAnswer(None, missing + waits) if waits else _closed(base, missing, phase.not_yet)
    if base is None:
        return ScopeAnswer(None, missing)
    if settled:
        return _GRANTED
    return ScopeAnswer(True, (), None, settling) if settling else ScopeAnswer(True, (), phase.underway)


def _closed(base: bool | None, missing: tuple[str, ...], warning: CodedWarning | None) -> ScopeAnswer:
    """The answer of a rule that is not open: whether to say "not yet" depends on the rule itself."""
    if warning is None:
        return _DENIED
    return ScopeAnswer(False, (), warning) if base else ScopeAnswer(False, (), None, missing)


def _holds(test: _Test, issuer: Profile, recogniser: Profile) -> tuple[bool | None, tuple[str, ...]]:
    missing: tuple[str, ...] = ()
    for profile, conditions in ((issuer, test.issuer), (recogniser, test.recogniser)):
        for attribute, values, outside, fact in conditions:
            value = getattr(profile, attribute)
            if value is None:
                missing += (fact,)
            elif (bool(value & values) if attribute == "pilots" else value in values) is outside:
                return False, ()
    if test.pairs is not None:
        related = test.pairs[issuer.tier, recogniser.tier]
        if related is None:
            missing += ("issuer.tier",) if issuer.tier is None else ()
            missing += ("recogniser.tier",) if recogniser.tier is None else ()
        elif not related:
            return False, ()
    if test.kinds:
        shares, lacks = _share_a_group(test.kinds, issuer, recogniser)
        if shares is False:
            return False, ()
        missing += lacks
    return (None, missing) if missing else (True, ())


def _share_a_group(kinds: tuple[str, ...], issuer: Profile, recogniser: Profile) -> tuple[bool | None, tuple[str, ...]]:
    missing: tuple[str, ...] = ()
    for groups, fact in ((issuer.groups, "issuer.groups"), (recogniser.groups, "recogniser.groups")):
        if groups is None:
            missing += (fact,)
        elif not any(group.startswith(kinds) for group in groups):
            return False, ()
    if missing:
        return None, missing
    return any(group.startswith(kinds) for group in issuer.groups & recogniser.groups), ()


def _relation(
    document: PolicyDocument, relation: str | None
) -> dict[tuple[int | None, int | None], bool | None] | None:
    """The relation as a table over (issuer's, recogniser's) tier; None stands for a tier that is not known."""
    if relation is None:
        return None
    level = {tier: number for number, listed in enumerate(document.levels) for tier in listed.tiers}

    def related(issuer: int, recogniser: int) -> bool:
        if issuer not in level or recogniser not in level:
            return False
        if level[issuer] == level[recogniser]:
            return relation != "across"
        return relation == "across" or (relation == "same-or-higher" and level[issuer] > level[recogniser])

    table = {}
    for issuer in (*TIERS, None):
        for recogniser in (*TIERS, None):
            issuers = TIERS if issuer is None else (issuer,)
            recognisers = TIERS if recogniser is None else (recogniser,)
            answers = {related(one, other) for one in issuers for other in recognisers}
            table[issuer, recogniser] = answers.pop() if len(answers) == 1 else None
    return table


def _test(rule: Scope | Step, areas: dict[str, Area], pairs: dict | None = None) -> _Test:
    return _Test(
        _conditions(rule.issuer, "issuer", areas),
        _conditions(rule.recogniser, "recogniser", areas),
        pairs,
        tuple(f"{kind}/" for kind in rule.groups),
    )


def _conditions(party: Party | None, who: str, areas: dict[str, Area]) -> tuple[_Condition, ...]:
    if party is None:
        return ()
    conditions = []
    if party.tiers:
        conditions.append(_Condition("tier", frozenset(party.tiers), False, f"{who}.tier"))
    if party.ownership is not None:
        conditions.append(_Condition("ownership", frozenset({party.ownership}), False, f"{who}.ownership"))
    for name, outside in ((party.area, False), (party.outside, True)):
        if name is not None:
            area = areas[name]
            conditions.append(_Condition(area.level, frozenset(area.places), outside, f"{who}.{area.level}"))
    if party.pilot:
        conditions.append(_Condition("pilots", frozenset({party.pilot}), False, f"{who}.pilots"))
    return tuple(conditions)


def _open_phase(phase: Phase, areas: dict[str, Area], is_last: bool) -> _OpenPhase:
    not_yet = coded_warning("phase-not-yet", phase.clause)
    return _OpenPhase(
        phase.first.toordinal(),
        _NEVER if phase.last is None else phase.last.toordinal(),
        tuple(_OpenStep(_test(step, areas), step.due.toordinal() if step.due else 0) for step in phase.steps),
        coded_warning("phase-underway", phase.clause),
        None if is_last else not_yet,
        not_yet,
    )
