"""Step 11: every decision replayed: what the policy that it names said of it, by what the log knew then.

The doctor decides, and the door takes it whatever a policy says; so nothing that is found here is a fault. What people
should see is a warning, and the rest is counted.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from anchors.core.encoding import encode_hex
from anchors.core.errors import MalformedInput
from ledger_service.kind_rules import listed_forms
from ledger_service.kinds import IMPORTS, REFUSALS
from ledger_service.parts import PART_FORMS, Policy
from ledger_service.recognition.book import CORRECTED, Book, PolicyAnswer
from ledger_service.recognition.book import KINDS as RULES
from ledger_service.recognition.decision import Decision
from ledger_service.recognition.join import Situation, VersionState
from ledger_service.recognition.replay import (
    DECISIONS,
    Replayed,
    check_reason,
    published_for,
    replay,
)
from ledger_service.recognition.stated import Stated, corrected
from ledger_service.usecases.audit.findings import Findings
from ledger_service.usecases.audit.rows import LogRows
from ledger_service.usecases.audit.scratch import Scratch
from ledger_service.usecases.audit.stretches import Item
from ledger_service.usecases.audit.taking import PlainStatement
from ledger_service.usecases.ports import Logged, SubjectState
from ledger_service.usecases.rule_book import original_of
from ledger_service.usecases.submission import decode_parts, texts_of, withheld_of

STEP = 11
NAMED = frozenset(
    {
        "examined-after-decided",
        "mark-other-area",
        "mark-without-qualification",
        "own-report",
        "policy-not-in-force",
    }
)
"""The warnings of the engine that tell of a record and not of a doctor's judgement. The others are counted."""
_ANSWERS = {"yes": "recognisable", "no": "not recognisable"}
_NO_POLICY, _OTHER_RULES = "no such policy published", "other rules published"
_SEVERAL_RULES, _CONTRADICTORY = "contradictory rules", "contradictory publications"
_WITHHELD, _NOT_STATED = "content withheld or erased", "facts not stated"


@dataclass
class Answers:
    """What one version of a policy said, over all decisions that name it: how often yes, no and unknown, by which
    clause, with which warnings."""

    answers: Counter[str] = field(default_factory=Counter)
    clauses: Counter[tuple[str, str]] = field(default_factory=Counter)
    """By (answer, clause)."""
    warnings: Counter[str] = field(default_factory=Counter)


class SavedAnswers(msgspec.Struct, frozen=True):
    """`Answers` of a policy; `clauses` are (answer, clause, how often)."""

    policy: str
    version: str
    digest: str
    answers: dict[str, int]
    clauses: list[tuple[str, str, int]]
    warnings: dict[str, int]


class SavedDecisions(msgspec.Struct, frozen=True):
    """`lost` is the first entry that may be a rule and cannot be read."""

    lost: int | None
    answers: list[SavedAnswers]


class DecisionReplay:
    """Takes statements in log order. In memory is the book of rules."""

    def __init__(
        self,
        findings: Findings,
        rows: LogRows,
        scratch: Scratch,
        report_of: Callable[[int], bytes | None],
        *,
        linked: bool,
    ):
        """`linked`: whether it is ever known what a decision rests on."""
        self._linked = linked
        self._findings = findings
        self._rows = rows
        self._report_of = report_of
        self._book = Book()
        self._corrections = scratch.corrections
        self._rules = scratch.rules
        self._unsound = scratch.members("unsound")
        self._lost: int | None = None
        self.answers: dict[tuple[str, str, str], Answers] = {}
        """By policy, version and digest."""

    def saved(self) -> SavedDecisions:
        """What it knows that is not in the scratch file."""
        answers = []
        for named, said in self.answers.items():
            clauses = [(*answer_and_clause, count) for answer_and_clause, count in said.clauses.items()]
            answers.append(SavedAnswers(*named, dict(said.answers), clauses, dict(said.warnings)))
        return SavedDecisions(self._lost, answers)

    def resume(self, saved: SavedDecisions) -> None:
        """Go on from there; the book is made again."""
        self._lost = saved.lost
        for said in saved.answers:
            clauses = Counter({(answer, clause): count for answer, clause, count in said.clauses})
            named = (said.policy, said.version, said.digest)
            self.answers[named] = Answers(Counter(said.answers), clauses, Counter(said.warnings))
        for rule in self._rules:
            self._book.add(_rule.decode(rule).stated())

    def lose(self, position: int) -> None:
        """Nothing is known of what stood there. It may have been a rule, so no later decision can be replayed."""
        self._unsound.add(position)
        if self._lost is None:
            self._lost = position

    def take(
        self,
        item: Item,
        targets: Mapping[str, Logged],
        state_of: Callable[[bytes], SubjectState | None],
        *,
        effective: bool,
        filed: bool,
    ) -> None:
        """The next statement, with what it links to. `state_of` gives the state of its subject, None where that is not
        known; `filed`: the index has it right."""
        kind, readable = item.statement.kind, item.readable
        if self._linked and not (readable and effective and filed):
            self._unsound.add(item.position)
        if kind in RULES:
            if not readable or lacks_withheld(item):
                self.lose(item.position)
            elif effective:
                rule = _Rule(item.position, item.id, item.statement, item.parts)
                self._rules.add(item.position, _encoder.encode(rule))
                self._book.add(rule.stated())
                self._remember_correction(item, targets)
        elif effective and kind in DECISIONS:
            self._findings.counts["decisions"] += 1
            self._judge(item, targets, state_of(item.statement.subject))

    def _remember_correction(self, item: Item, targets: Mapping[str, Logged]) -> None:
        target = targets.get("corrects") if item.statement.kind == CORRECTED else None
        if target is not None and target.kind.startswith("report."):
            self._corrections.add(target.index, item.position)

    def _judge(self, item: Item, targets: Mapping[str, Logged], subject: SubjectState | None) -> None:
        report, access = targets.get(DECISIONS[item.statement.kind]), targets.get("access")
        if self._lost is not None:
            self._leave(item, f"entry {self._lost}, which may be a rule, cannot be read")
        elif not item.readable or report is None or access is None:
            self._leave(item, "content or a statement that it rests on cannot be read")
        elif report.index in self._unsound or access.index in self._unsound:
            self._leave(item, "it rests on a statement that cannot be read, or breaks a rule")
        else:
            self._replay(item, report, access, subject)

    def _leave(self, item: Item, why: str) -> None:
        self._findings.leave(STEP, "entries", item.position, "decision", "replayed", why)

    def _replay(self, item: Item, report: Logged, access: Logged, subject: SubjectState | None) -> None:
        decided, state = _stated(item), subject.version_at(report.index) if subject is not None else None
        book = self._book.as_of(item.position)
        published = published_for(decided, book)
        self._check_said(item, decided, published, state)
        if published.only is None:
            why = _SEVERAL_RULES if published.publications else self._why_none(item, decided.parts["policy"])
            self._findings.counts[f"cannot be told: {why}"] += 1
            return
        try:
            version, shown = self._report(report, item)
        except (MalformedInput, msgspec.MsgspecError, RecursionError):
            self._leave(item, "a content that it rests on cannot be read")
            return
        opened = Stated(access.index, encode_hex(access.id), access.kind, access.institution, access.subject, 0)
        replayed = replay(Situation(version, decided, state, opened), book)
        self._count(item, replayed, shown=shown and "decision" not in item.withheld)

    def _report(self, report: Logged, item: Item) -> tuple[Stated, bool]:
        """The version as corrected by then; and whether what was examined is shown, where the report has it at all.

        Raises `MalformedInput` or `msgspec.MsgspecError` where a row is not what it was: after a resume, one that
        nobody compared again."""
        stored = _require(self._report_of(report.index), report.index)
        named = (report.index, encode_hex(report.id), report.kind, report.institution, report.subject, 0)
        if report.kind in IMPORTS:
            own = listed_forms(texts_of(decode_parts(stored)))
            original = original_of(report.kind, own)
            return Stated(*named, original.parts(own) if original is not None else {}, {}, original), True
        examination, shown = _read_one(stored, "examination")
        parts = {} if examination is None else {"examination": examination}
        version = Stated(*named, parts)
        positions = self._corrections.of(report.index)
        if not positions:
            return version, shown
        contents = self._rows.contents_at(positions)
        read = (listed_forms(texts_of(decode_parts(_require(contents.get(at), at)))) for at in positions)
        version = corrected(version, [Stated(0, "", CORRECTED, "", b"", 0, forms) for forms in read])
        return version, shown or "examination" in version.parts

    def _check_said(self, item: Item, decided: Stated, published: PolicyAnswer, state: VersionState | None) -> None:
        """What the decision itself says of policy, reason and version."""
        warn, position = self._findings.warn, item.position
        check = check_reason(decided, published) if decided.kind in REFUSALS else None
        if check is not None and check.listed is False:
            rules = published.publications[0]
            warn(
                STEP, "entries", position, "reason", f"one that {rules.policy} {rules.version} lists", _reason(decided)
            )
        said = decided.parts.get("knowingly")
        if said is not None and state is not None and said.version != state:
            warn(STEP, "entries", position, "knowingly", state, said.version)

    def _why_none(self, item: Item, named: Policy) -> str:
        """Why no rules are known to be meant: nobody published such a policy, or others under its name."""
        others = self._book.as_of(item.position).policy(named.policy, named.version).publications
        if not others:
            return _NO_POLICY
        digests = ", ".join(dict.fromkeys(each.digest for each in others))
        expected = f"of {named.policy} {named.version}, published as {digests}"
        self._findings.warn(STEP, "entries", item.position, "policy digest", expected, named.digest)
        return _OTHER_RULES

    def _count(self, item: Item, replayed: Replayed, *, shown: bool) -> None:
        """`shown`: nothing of it was withheld or erased on which the answer could rest."""
        decision, counts = replayed.decision, self._findings.counts
        if decision.recognisable in _ANSWERS:
            counts[_ANSWERS[decision.recognisable]] += 1
        else:
            why = _CONTRADICTORY if replayed.joined.contradictory else _NOT_STATED if shown else _WITHHELD
            counts[f"cannot be told: {why}"] += 1
        rules = replayed.published.publications[0]
        _add(self.answers.setdefault((rules.policy, rules.version, rules.digest), Answers()), decision)
        for warning in decision.warnings:
            if warning.code in NAMED:
                self._findings.warn(STEP, "entries", item.position, warning.code, "nothing to warn of", warning.en)


def _require(stored: bytes | None, position: int) -> bytes:
    if stored is None:
        raise MalformedInput(f"parts: none at {position}")
    return stored


def _add(answers: Answers, decision: Decision) -> None:
    says = decision.recognisable
    answers.answers[says] += 1
    answers.clauses.update({(says, found.clause) for found in decision.findings if found.says == says})
    answers.warnings.update(warning.code for warning in decision.warnings)


def _reason(decided: Stated) -> str | None:
    reason = decided.parts.get("reason")
    return reason.code if reason is not None else None


class _Rule(msgspec.Struct, frozen=True):
    """A statement of the book of rules, with its stored parts."""

    position: int
    id: bytes
    statement: PlainStatement
    parts: bytes

    def stated(self) -> Stated:
        """As the book takes it."""
        forms = listed_forms(texts_of(decode_parts(self.parts)))
        links = {link.rel: link.statement for link in forms.get("links", ())}
        return _state(self.position, self.id, self.statement, forms, links)


_encoder, _rule = msgspec.msgpack.Encoder(), msgspec.msgpack.Decoder(_Rule)


def _stated(item: Item) -> Stated:
    links = {rel: encode_hex(id) for rel, id in item.said.links}
    return _state(item.position, item.id, item.statement, item.forms, links)


def _state(position: int, id: bytes, statement: PlainStatement, forms: dict[str, Any], links: dict[str, str]) -> Stated:
    named = (statement.kind, statement.institution, statement.subject, statement.issued_at)
    return Stated(position, encode_hex(id), *named, forms, links)


def lacks_withheld(item: Item) -> bool:
    """Whether a rule cannot be read because what it must show was withheld; then it may well have had an effect."""
    return item.content_refused is not None and not item.withheld.isdisjoint(PART_FORMS)


def _read_one(stored: bytes, name: str) -> tuple[object | None, bool]:
    """One part of stored parts in its form, None where it is not shown; and whether it is not withheld either."""
    parts = decode_parts(stored)
    begin = f'{{"name":"{name}",'
    shown = [part for part in parts if type(part) is str and part.startswith(begin)]
    return listed_forms(texts_of(shown)).get(name), name not in withheld_of(parts)
