"""What a policy says of one report, for one hospital, at one moment (docs/spec/policy.md).

Rules that decide (gates) and rules that only warn are asked one after the other, each about the facts that it needs. A
fact that is not known is never guessed: it is named as missing. One policy and the same facts give one answer, always.

    prepared = prepare(convert_policy(rules))
    decision = decide(prepared, facts)
"""

from calendar import monthrange
from datetime import date, datetime, timezone

from anchors.core.errors import MalformedInput
from ledger_service.recognition.decision import Answer, Decision, Finding, RefusalCheck
from ledger_service.recognition.facts import Facts, Profile
from ledger_service.recognition.prepared import Prepared, Rule
from ledger_service.recognition.scope import ScopeAnswer
from ledger_service.recognition.warnings import CodedWarning

_QUALIFICATION_WARNINGS = {
    "none": "not-qualified",
    "lapsed": "qualification-lapsed",
    "revoked": "qualification-revoked",
    "suspended": "qualification-suspended",
}
_PLACE_LEVELS = ("region", "city", "district")


class _Answers:
    """What has been found so far. `verdict` only ever goes from yes to unknown, and from either to no."""

    __slots__ = ("_texts", "findings", "missing", "verdict", "warnings")

    def __init__(self, policy: Prepared) -> None:
        self._texts = policy.warnings
        self.findings: list[Finding] = []
        self.warnings: list[CodedWarning] = []
        self.missing: list[str] = []
        self.verdict: Answer = "yes"

    def judge(self, rule: Rule, holds: bool | None, *missing: str) -> None:
        """A gate's answer; None for want of the facts `missing`."""
        if holds:
            self.findings.append(rule.yes)
        elif holds is None:
            self.wait(rule, missing)
            if self.verdict == "yes":
                self.verdict = "unknown"
        else:
            self.deny(rule.no)

    def deny(self, finding: Finding) -> None:
        """A gate said no."""
        self.findings.append(finding)
        self.verdict = "no"

    def wait(self, rule: Rule, missing: tuple[str, ...]) -> None:
        """A rule says nothing before it knows the facts `missing`."""
        self.findings.append(Finding(rule.name, rule.clause, "unknown", tuple(sorted(set(missing)))))
        self.missing += missing

    def warn(self, code: str) -> None:
        """Add a warning."""
        self.warnings.append(self._texts[code])

    def decision(self) -> Decision:
        """All of it, in the order of the specification."""
        warnings, missing = self.warnings, self.missing
        if len(warnings) > 1:
            warnings = sorted(set(warnings), key=_code_and_clause)
        if len(missing) > 1:
            missing = sorted(set(missing))
        return Decision(self.verdict, tuple(self.findings), tuple(warnings), tuple(missing))


def decide(policy: Prepared, facts: Facts) -> Decision:
    """The policy's answer about `facts`. Raises `MalformedInput` for a time without a zone or outside the calendar."""
    answers = _Answers(policy)
    decided = _local_day(facts.decided, policy.zone, "decided")
    examined = _local_day(facts.examined, policy.zone, "examined")
    _judge_force(policy, decided, answers)
    _judge_area(policy, facts.recogniser, answers)
    _judge_what(policy, facts, answers)
    _judge_scopes(policy, facts, decided, answers)
    if policy.qualification is not None:
        _judge_qualification(policy, policy.qualification, facts, examined, answers)
        _warn_of_marks(policy, facts, answers)
    _warn_of_age(policy, facts, examined, decided, answers)
    _warn_of_modality(policy, facts, answers)
    _warn_of_channel(policy, facts, answers)
    _warn_of_report(policy, facts, answers)
    return answers.decision()


def check_refusal(policy: Prepared, reason_code: str) -> RefusalCheck:
    """Whether `reason_code` is on the policy's list, and whether refusing for it owes the patient an explanation."""
    duty = policy.document.refusal
    if duty is None:
        return RefusalCheck(None, None, "")
    if policy.reasons is None:
        return RefusalCheck(None, duty.explain, duty.clause)
    reason = policy.reasons.get(reason_code)
    if reason is None:
        return RefusalCheck(False, duty.explain, duty.clause)
    return RefusalCheck(True, reason.explain or duty.explain, reason.clause)


def _judge_force(policy: Prepared, decided: int | None, answers: _Answers) -> None:
    if policy.document.sample:
        answers.warn("sample-policy")
    if policy.in_force is None:
        return
    if decided is None:
        answers.judge(policy.in_force, None, "decided")
        return
    holds = decided in policy.days_in_force
    answers.judge(policy.in_force, holds)
    if not holds:
        answers.warn("policy-not-in-force")


def _judge_area(policy: Prepared, recogniser: Profile, answers: _Answers) -> None:
    level, codes = policy.place
    place = getattr(recogniser, level)
    if place is None:
        answers.judge(policy.area, None, f"recogniser.{level}")
    else:
        answers.judge(policy.area, place in codes)


def _judge_what(policy: Prepared, facts: Facts, answers: _Answers) -> None:
    """Category, part of the report, item."""
    if facts.category is None:
        answers.judge(policy.other_categories, None, "category")
    else:
        finding = policy.categories.get(facts.category, policy.other_categories.no)
        if finding.says == "no":
            answers.deny(finding)
        else:
            answers.findings.append(finding)
    for part, rule in policy.excluded_parts.items():
        if facts.extent is None:
            answers.judge(rule, None, "extent")
        elif part in facts.extent:
            answers.deny(rule.no)
    if policy.catalogue is not None:
        answers.judge(policy.catalogue, facts.in_catalogue, "in_catalogue")
        if facts.in_catalogue is False:
            answers.warn("not-in-catalogue")


def _judge_scopes(policy: Prepared, facts: Facts, decided: int | None, answers: _Answers) -> None:
    """The scopes together are one gate: yes where any says yes. What the others deny matters only where none does."""
    asked = [(rule, scope.ask(facts.issuer, facts.recogniser, decided)) for rule, scope in policy.scopes]
    granted = [answer for _, answer in asked if answer.value]
    for rule, answer in asked:
        if answer.value:
            answers.findings.append(rule.yes)
        elif answer.value is None:
            answers.wait(rule, answer.missing)
            if not granted and answers.verdict == "yes":
                answers.verdict = "unknown"
        elif not granted:
            answers.findings.append(rule.no)
            _add_warning_of(answer, answers)
    if granted:
        _warn_of_steps(granted, answers)
    elif all(answer.value is False for _, answer in asked):
        answers.verdict = "no"


def _warn_of_steps(granted: list[ScopeAnswer], answers: _Answers) -> None:
    """Steps that are not due yet matter only where every scope that grants rests on such a step."""
    if any(answer.warning is None and not answer.warning_missing for answer in granted):
        return
    if any(answer.warning is None for answer in granted):
        granted = [answer for answer in granted if answer.warning is None]
    for answer in granted:
        _add_warning_of(answer, answers)


def _add_warning_of(answer: ScopeAnswer, answers: _Answers) -> None:
    answers.missing += answer.warning_missing
    if answer.warning is not None:
        answers.warnings.append(answer.warning)


def _judge_qualification(policy: Prepared, rule: Rule, facts: Facts, examined: int | None, answers: _Answers) -> None:
    qualification = facts.qualification
    if qualification.state is None:
        answers.judge(rule, None, "qualification.state")
        return
    if qualification.state != "granted":
        answers.judge(rule, False)
        answers.warn(_QUALIFICATION_WARNINGS[qualification.state])
        return
    _judge_qualification_scope(rule, qualification.scope, facts.recogniser, answers)
    if policy.evaluation_months is None:
        return
    if qualification.evaluated is None or examined is None:
        answers.missing += ["qualification.evaluated"] if qualification.evaluated is None else []
        answers.missing += ["examined"] if examined is None else []
    elif examined > _months_later(qualification.evaluated, policy.evaluation_months):
        answers.warn("evaluation-overdue")


def _judge_qualification_scope(
    rule: Rule, scope: frozenset[str] | None, recogniser: Profile, answers: _Answers
) -> None:
    if scope is None:
        answers.judge(rule, None, "qualification.scope")
    elif recogniser.city in scope or recogniser.district in scope or recogniser.region in scope:
        answers.judge(rule, True)
    elif missing := [f"recogniser.{level}" for level in _PLACE_LEVELS if getattr(recogniser, level) is None]:
        answers.judge(rule, None, *missing)
    else:
        answers.judge(rule, False)
        answers.warn("outside-qualification-scope")


def _warn_of_marks(policy: Prepared, facts: Facts, answers: _Answers) -> None:
    state, scope = facts.qualification.state, facts.qualification.scope
    if facts.marks is None:
        answers.missing.append("marks")
    elif state is None:
        return  # named as missing by the qualification itself
    elif state != "granted":
        if facts.marks:
            answers.warn("mark-without-qualification")
    elif not facts.marks:
        answers.warn("mark-missing")
    elif scope is not None and any(policy.marks.get(mark, scope).isdisjoint(scope) for mark in facts.marks):
        answers.warn("mark-other-area")


def _warn_of_age(policy: Prepared, facts: Facts, examined: int | None, decided: int | None, answers: _Answers) -> None:
    """A window counts calendar days in the policy's zone; the day of the examination is day 0."""
    if examined is None or decided is None:
        answers.missing += ["examined"] if examined is None else []
        answers.missing += ["decided"] if decided is None else []
    elif facts.examined > facts.decided:
        answers.warn("examined-after-decided")
    window = policy.category_windows.get(facts.category)
    if policy.item_windows:
        if facts.item is None:
            answers.missing.append("item")
            return
        window = policy.item_windows.get(facts.item, window)
    if window is not None and examined is not None and decided is not None and decided - examined > window.days:
        answers.warnings.append(window.warning)


def _warn_of_modality(policy: Prepared, facts: Facts, answers: _Answers) -> None:
    for caveat in policy.caveats:
        if facts.category not in (None, caveat.category):
            continue
        if facts.modality is not None and facts.modality not in caveat.modalities:
            continue
        missing = [name for name in ("category", "modality") if getattr(facts, name) is None]
        answers.missing += missing
        if not missing:
            answers.warnings.append(caveat.warning)


def _warn_of_channel(policy: Prepared, facts: Facts, answers: _Answers) -> None:
    if facts.channel is None:
        answers.missing.append("channel")
    elif facts.channel != "platform":
        answers.warn(facts.channel)
        if policy.physical is None:
            return
        if facts.connected is None:
            answers.missing.append("connected")
        elif facts.connected:
            answers.warn("physical-although-connected")
        else:
            answers.findings.append(policy.physical.yes)


def _warn_of_report(policy: Prepared, facts: Facts, answers: _Answers) -> None:
    """The report as a document, and the situation of the patient."""
    if facts.version is None:
        answers.missing.append("version")
    elif facts.version != "current":
        answers.warn(facts.version)
    issuer, recogniser = facts.issuer.code, facts.recogniser.code
    if issuer is None or recogniser is None:
        answers.missing += ["issuer.code"] if issuer is None else []
        answers.missing += ["recogniser.code"] if recogniser is None else []
    elif issuer == recogniser:
        answers.warn("own-report")
    if policy.document.complete is not None:
        if facts.complete is None:
            answers.missing.append("complete")
        elif not facts.complete:
            answers.warn("incomplete")
    if policy.document.emergency is not None:
        if facts.emergency is None:
            answers.missing.append("emergency")
        elif facts.emergency:
            answers.warn("emergency")


def _local_day(moment: datetime | None, zone: timezone, what: str) -> int | None:
    if moment is None:
        return None
    if moment.tzinfo is None:
        raise MalformedInput(f"{what}: a time without a zone; give its offset from UTC")
    try:
        return moment.astimezone(zone).toordinal()
    except OverflowError:
        raise MalformedInput(f"{what}: {moment} is outside the calendar") from None


def _months_later(day: date, months: int) -> int:
    """The ordinal of the same day `months` later, or of that month's last day where it has no such day."""
    years, month = divmod(day.month - 1 + months, 12)
    year = day.year + years
    if year > date.max.year:
        return date.max.toordinal()
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1])).toordinal()


def _code_and_clause(warning: CodedWarning) -> tuple[str, str]:
    return warning.code, warning.clause
