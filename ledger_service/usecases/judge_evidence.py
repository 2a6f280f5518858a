"""Judge an evidence package by kinds and their rules too, and tell what its statements say of who did what
(docs/spec/evidence.md, step 12 and the facts). Everything comes from the package and the trust file."""

from dataclasses import dataclass
from functools import partial

import msgspec
from msgspec import structs

from anchors.core.content import Withheld
from anchors.core.errors import VerificationFailed
from anchors.core.trust import Trust
from anchors.evidence import members as forms
from anchors.evidence.case import Case as Package
from anchors.evidence.case import Told
from anchors.evidence.outcome import Items, NotChecked, Outcome
from anchors.evidence.verify import Check, verify_package
from ledger_service.kinds import Kind
from ledger_service.parts import PART_FORMS
from ledger_service.problems import Refused
from ledger_service.recognition.book import KINDS as RULES
from ledger_service.recognition.book import Book
from ledger_service.recognition.case import REPLACING, Case, Claim, Fact, Placed
from ledger_service.recognition.responsibility import responsibility
from ledger_service.recognition.stated import Stated
from ledger_service.usecases import rules
from ledger_service.usecases.audit.attribution import Attribution
from ledger_service.usecases.check import known_kind, read_parts
from ledger_service.usecases.ports import Logged, StoredStatement, SubjectState
from ledger_service.usecases.rule_book import stated_of


@dataclass(frozen=True)
class JudgedPackage:
    """What was found about a package: its steps (in `package.report`) and the facts that its statements tell."""

    package: Package
    facts: tuple[Fact, ...]


def judge_evidence(data: bytes, trust: Trust, checks: dict[str, Check] | None = None) -> JudgedPackage:
    """Take all steps and derive the facts. `checks` are further steps by their claims. Raises nothing for what is in
    `data`; facts are told only where the package holds."""
    facts: list[Fact] = []
    own = {"rules": check_rules, "decisions": partial(check_decisions, facts=facts)}
    package = verify_package(data, trust, own | (checks or {}))
    return JudgedPackage(package, tuple(facts) if package.report.holds else ())


def check_rules(package: Package) -> Outcome:
    """Step 12: each statement is one that its kind allows, as far as the package shows."""
    walk = _Walk(package)
    items = Items("陈述是否符合其类型的规则", "statements' rules")
    for told in sorted(package.statements, key=lambda told: told.index):
        items.look(forms.statement_path(told.index), partial(walk.judge, told))
    return items.outcome()


def check_decisions(package: Package, facts: list[Fact]) -> Outcome:
    """Step 13: what the policies say of each decision, derived again from the rules in the package. Puts into `facts`
    what all statements tell; of statements that nobody can be held to, nothing is told."""
    for claim in ("content", "logged", "signed"):
        if not package.report.verified(claim):
            raise NotChecked(f"nothing is derived from statements while the claim {claim} is not VERIFIED")
    facts.extend(_facts(package))
    items = Items("决定依政策重新推导", "decisions under their policies")
    for fact in facts:
        if fact.code in _OF_POLICIES:
            items.look(forms.statement_path(fact.index), partial(_check_derived, fact))
    return items.outcome()


_OF_POLICIES = frozenset({"policy-published", "eligible"})
"""Facts that say which rules a decision rests on, and what these say of it: whichever way they answer."""


def _check_derived(fact: Fact) -> None:
    if fact.claim in (Claim.NOT_CHECKED, Claim.NOT_PROVABLE):
        raise NotChecked(fact.en)


class _Walk:
    """Judges the statements of a package in log order, as the door did."""

    def __init__(self, package: Package):
        self._package = package
        self._attribution = Attribution(package.log.id, package.registry, package.changes)
        self._logged: dict[bytes, Logged] = {}
        self._known = package.known_changes
        self._sequences: dict[bytes, int] = {}
        self._unlinked: set[bytes] = set()
        """Statements whose links are withheld."""
        self._subject: SubjectState | None = None
        """The state of the subject that the package is about: of others it has not all statements."""

    def judge(self, told: Told) -> None:
        """Raises `VerificationFailed` where a rule is broken, `NotChecked` where the package shows too little."""
        statement = told.entry.statement
        event = self._package.covering(told.index)
        count = min(event.registryCount, self._known) if event is not None else self._known
        self._check_sequence(told)
        try:
            kind = known_kind(statement.kind)
            if not self._attribution.has_role(statement.institution, kind.roles, count):
                raise VerificationFailed(f"{statement.institution} had no role that signs {kind.name}")
            self._judge_said(told, kind, partial(self._attribution.speaks_for, count=count))
        except Refused as refused:
            raise VerificationFailed(f"{refused.problem.code}: {refused.detail}") from None
        finally:
            self._logged.setdefault(told.id, _logged(told))

    def _check_sequence(self, told: Told) -> None:
        """A key numbers its statements in the order in which the log has them, each once."""
        sequence, last = told.entry.statement.sequence, self._sequences.get(told.key, -1)
        if sequence <= last:
            raise VerificationFailed(
                f"its sequence {sequence} stands behind {last} of the same key: it is out of order, or there twice"
            )
        self._sequences[told.key] = sequence

    def _judge_said(self, told: Told, kind: Kind, speaks_for: rules.SpeaksFor) -> None:
        statement = told.entry.statement
        if told.role == "rules" and kind.name not in RULES:
            raise VerificationFailed(f"the manifest's roles call a {kind.name} a rule; by it nothing is judged")
        withheld = {part.name for part in told.content.parts if isinstance(part, Withheld)}
        if missing := [name for name in kind.parts if name not in told.content.names() | withheld]:
            raise VerificationFailed(f"a {kind.name} has the part {missing[0]}; this one does not")
        needed = (*kind.parts, "knowingly") if kind.knowingly else kind.parts
        if hidden := [name for name in needed if name in withheld]:
            self._pass_by(told, kind, "links" in withheld)
            raise NotChecked(f"the part {hidden[0]} is withheld")
        said = read_parts(kind, told.content, statement.issued_at)
        targets = {rel: self._logged[id] for rel, id in said.links if id in self._logged}
        links = {rel: target.index for rel, target in targets.items()}
        self._logged[told.id] = _logged(told, links)
        if told.role != "timeline":
            return
        rules.check_subject(statement, kind, said, self._subject, speaks_for)
        outside = [rel for rel, id in said.links if id not in self._logged]
        naming = {rule.named_by[0] for rule in kind.links if rule.named_by}
        untold = [rel for rel, id in said.links if rel in naming and id in self._unlinked]
        if not outside and not untold:
            rules.check_links(statement, kind, said, targets, self._subject, speaks_for)
        self._move(told, kind)
        if outside:
            raise NotChecked(f"its link {outside[0]!r} leads to a statement that is not in the package before it")
        if untold:
            raise NotChecked(f"its link {untold[0]!r} leads to a statement whose own links are withheld")

    def _pass_by(self, told: Told, kind: Kind, links_withheld: bool) -> None:
        """Note what a statement of which a part is withheld is to later ones: its kind, subject and shown links."""
        if links_withheld:
            self._unlinked.add(told.id)
        links = {rel: self._logged[id].index for rel, id in _shown_links(told) if id in self._logged}
        self._logged[told.id] = _logged(told, links)
        if told.role == "timeline":
            self._move(told, kind)

    def _move(self, told: Told, kind: Kind) -> None:
        """The subject's state behind a statement of the timeline."""
        institution = told.entry.statement.institution
        before = self._subject or SubjectState(institution, told.index, None)
        self._subject = rules.subject_after(kind.effect, before, institution, told.index)


def _shown_links(told: Told) -> list[tuple[str, bytes]]:
    """Rel and target of each link that is shown in its form."""
    try:
        links = msgspec.convert(told.content.value("links") or [], PART_FORMS["links"])
    except msgspec.ValidationError:
        return []
    return [(link.rel, bytes.fromhex(link.statement[2:])) for link in links]


def _logged(told: Told, links: dict[str, int] | None = None) -> Logged:
    statement = told.entry.statement
    return Logged(told.index, told.id, statement.kind, statement.institution, statement.subject, links or {})


def _facts(package: Package) -> list[Fact]:
    """What the timeline tells of who did what."""
    in_order = sorted(package.statements, key=lambda told: told.index)
    placed = [_place(package, told) for told in in_order]
    book, elsewhere, timeline = Book(), {}, []
    for told, one in zip(in_order, placed, strict=True):
        if told.entry.statement.kind in RULES:
            book.add(one.stated)
        if told.role == "timeline":
            timeline.append(one)
        elif told.role == "linked":
            elsewhere.setdefault(one.stated.subject, []).append(one)
    size = package.manifest.size
    unseen = {one.stated.id: one.stated for told, one in zip(in_order, placed, strict=True) if _is_withheld(told)}
    return [_as_seen(fact, unseen) for fact in responsibility(Case(timeline, elsewhere, book, size, size))]


def _is_withheld(told: Told) -> bool:
    """Whether the package keeps a structural part of a statement back."""
    return any(isinstance(part, Withheld) and part.name in PART_FORMS for part in told.content.parts)


_TURNED_BY = {
    code: RULES | {*REPLACING, "consent.withdrawn"}
    for code in ("opened-current", "consented", "decided-version", "policy-published", "eligible", "reason-listed")
} | {code: RULES for code in ("qualified", "marked")}
"""Facts that hold as long as nothing else was said, by the kinds by which it would have been said."""
_BY_ALL = frozenset({"qualified", "marked"})
"""Those of them that are told by all that the log says now, not by what stood before them."""


def _as_seen(fact: Fact, unseen: dict[str, Stated]) -> Fact:
    """The fact; NOT_CHECKED where a statement on which it rests, or that could turn it, is not wholly shown."""
    if fact.code not in _TURNED_BY:
        return fact
    turning = (
        one
        for one in unseen.values()
        if one.kind in _TURNED_BY[fact.code] and (one.index < fact.index or fact.code in _BY_ALL)
    )
    if unseen.keys().isdisjoint(fact.statements) and next(turning, None) is None:
        return fact
    return structs.replace(fact, claim=Claim.NOT_CHECKED)


def _place(package: Package, told: Told) -> Placed:
    after, before = package.signed_after(told), package.signed_before(told)
    return Placed(stated(told), after and after.time, before and before.time)


def stated(told: Told) -> Stated:
    """A statement of a package as those who judge it read it."""
    return stated_of(StoredStatement(told.index, told.id, told.key, told.entry_bytes, b""), told.content)
