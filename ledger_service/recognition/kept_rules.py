"""Whether a statement keeps the rules of its kind, by what is remembered of the entries before it.

The rules are those of `ledger_service.kinds`, as far as the log alone decides them. Who held which role and which key
when is the registry's to say, and the audit's to check.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import msgspec

from anchors.core.encoding import encode_hex
from ledger_service import problems
from ledger_service.kinds import IMPORTS, KINDS, Kind, LinkRule, Subject
from ledger_service.originals import MARK, Original
from ledger_service.recognition.remembered import Mark, Remembered
from ledger_service.recognition.stated import Stated

NUMBERS = {name: number for number, name in enumerate(KINDS, 1)}
"""The number that is remembered of a kind. 0: none that is known."""

_IMPORTED = frozenset(NUMBERS[name] for name in IMPORTS)

RESTS_ON_BROKEN = "rests-on-broken"
"""What rests on a statement that breaks a rule, or is missing, counts no more than that one. The door has no such
problem."""

SpeaksFor = Callable[[str, str], bool]
"""Whether the first institution is the second or its registered successor."""


class Event(msgspec.Struct, frozen=True, gc=False):
    """One entry, taken apart: what a figure rests on, and no more, for entries go from process to process. `links` are
    positions by rel, as the index has them, and `linked` the id that each position must have.

    Of a version, `examined` is category, code system and item; `why` is the code of a reason, or what a review found;
    `knowingly` what was known of the version that is relied on. `parts` are what belongs to the book of rules. `policy`
    is the subject under which the policy is published that the statement links to. `problem` is the code of the rule
    that its content breaks by itself, "" where it keeps all of them; `original` what an import brings in."""

    position: int
    id: bytes
    kind: str
    institution: str
    subject: bytes
    issued_at: int
    links: dict[str, int] = {}
    linked: tuple[tuple[int, bytes], ...] = ()
    examined: tuple[str, str, str] | None = None
    why: str = ""
    knowingly: str = ""
    parts: dict[str, Any] = {}
    policy: bytes | None = None
    problem: str = ""
    original: Original | None = None


def stated_of(event: Event) -> Stated:
    """The entry as the book of rules takes it."""
    ids = dict(event.linked)
    links = {rel: encode_hex(ids[position]) for rel, position in event.links.items() if position in ids}
    named = (event.kind, event.institution, event.subject, event.issued_at)
    return Stated(event.position, encode_hex(event.id), *named, event.parts, links)


class _Link(NamedTuple):
    rule: LinkRule
    targets: frozenset[int] | None


_LINKS = {
    name: tuple(
        _Link(rule, None if rule.targets is None else frozenset(NUMBERS[target] for target in rule.targets))
        for rule in kind.links
    )
    for name, kind in KINDS.items()
}


class KeptRules:
    """Judges statements in log order."""

    def __init__(self, remembered: Remembered, speaks_for: SpeaksFor):
        self._remembered = remembered
        self._speaks_for = speaks_for
        self.current: dict[int, int | None] = {}
        """The current version by the first statement of the subject; None where it was withdrawn; those alone that were
        amended or withdrawn."""

    def broken(self, event: Event, first: int | None) -> str:
        """The code of the first rule that is broken, "" where all are kept. `first` is where the subject begins."""
        kind = KINDS.get(event.kind)
        if kind is None:
            return problems.UNKNOWN_KIND.code
        return event.problem or self._broken_subject(event, kind, first) or self._broken_links(event, kind, first)

    def _broken_subject(self, event: Event, kind: Kind, first: int | None) -> str:
        original = event.original
        if original is not None:
            owner = event.institution if first is None else self._remembered.institution(first)
            if event.subject != original.subject(owner):
                return problems.LINK_REFUSED.code
        elif kind.subject is Subject.NEW and event.subject.endswith(MARK):
            return problems.SUBJECT_RESERVED.code
        if kind.subject is Subject.NEW:
            return "" if first is None else problems.SUBJECT_TAKEN.code
        if first is None:
            return problems.SUBJECT_UNKNOWN.code
        if kind.subject is Subject.OWNED and not self._own(event.institution, first):
            return problems.NOT_OWNER.code
        return ""

    def _broken_links(self, event: Event, kind: Kind, first: int | None) -> str:
        remembered = self._remembered
        for rule, targets in _LINKS[event.kind]:
            target = event.links.get(rule.rel)
            if target is None:
                if not rule.optional and not rule.foreign:
                    return problems.LINK_UNKNOWN.code
                continue
            if remembered.marks[target] & Mark.BROKEN:
                return RESTS_ON_BROKEN
            if targets is not None and remembered.kinds[target] not in targets:
                return problems.LINK_REFUSED.code
            if broken := self._broken_link(rule, target, event, first):
                return broken
        if event.original is not None and "replaces" in event.links:
            _, known = remembered.originals[event.links["replaces"]]
            if event.original.index <= known:
                return problems.NOT_CURRENT.code
        if kind.knowingly is not None:
            return self._broken_version(event, event.links[kind.knowingly], first)
        return ""

    def _broken_link(self, rule: LinkRule, target: int, event: Event, first: int | None) -> str:
        remembered = self._remembered
        if (remembered.first_of(target) == first) != rule.same_subject:
            return problems.LINK_REFUSED.code
        own = rule.own or (rule.targets is not None and remembered.kinds[target] in _IMPORTED)
        if own and not self._own(event.institution, target):
            return problems.LINK_REFUSED.code
        if rule.current and target != self.current.get(first, first):
            return problems.NOT_CURRENT.code
        if rule.named_by and remembered.up[event.links[rule.named_by[0]]] != target:
            return problems.LINK_REFUSED.code
        if rule.policy and (event.policy is None or remembered.subjects.find(event.policy) != target):
            return problems.POLICY_DIFFERS.code
        return ""

    def _broken_version(self, event: Event, version: int, first: int | None) -> str:
        """What was replaced or withdrawn is relied on knowingly, or not at all."""
        current = self.current.get(first, first)
        if version == current:
            return ""
        state = "withdrawn" if current is None else "superseded"
        return "" if event.knowingly == state else problems.NOT_SAID_KNOWINGLY.code

    def _own(self, institution: str, position: int) -> bool:
        return self._speaks_for(institution, self._remembered.institution(position))


def successions(successors: Mapping[str, str]) -> SpeaksFor:
    """Who speaks for whom where these institutions left, each naming its successor."""

    def speaks_for(institution: str, other: str) -> bool:
        seen = set()
        while other != institution and other in successors and other not in seen:
            seen.add(other)
            other = successors[other]
        return other == institution

    return speaks_for
