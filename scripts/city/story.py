"""What happens to the city's reports: other hospitals are reminded of them, open them, recognise, decline, repeat, and
what follows. Seeded; eight rounds.

    1 rules  ->  2 issue  ->  3 amend  ->  4 remind, withdraw  ->  5 open, put a reminder aside
      ->  6 recognise, decline, order again  ->  7 explain, the repeated test's report, amend late  ->  8 review

A round's statements may name those of the rounds before, so a round is sent when the one before is in the log.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ledger_service.client.compose import report_subject
from scripts.city.acts import NOW, Act, DaysBefore
from scripts.city.authorities import ITEMS, RULES_ACT, SYSTEM, mark_of, named_policy, sample_rules
from scripts.city.documents import OF_FOLDER, Report
from scripts.city.founding import Institution

DECLINE_REASONS = ("condition-changed", "changes-fast", "weighs-heavily", "serial-comparison")
REPEAT_REASONS = ("emergency", "patient-asks", "weighs-heavily")
ISSUE, AMEND, REMIND, OPEN, DECIDE, FOLLOW, REVIEW = range(2, 9)
ROUNDS = REVIEW
IMAGING_FORMATS = ("dicom", "pdf")


@dataclass(frozen=True)
class Case:
    """One report and everything that happens to it."""

    subject: bytes
    acts: tuple[Act, ...]


class Storyteller:
    """Plans cases, one after the other, by one seed."""

    def __init__(self, seed: str, institutions: Sequence[Institution], centre: Institution, reports: Iterator[Report]):
        self._seed = seed
        self._chance = random.Random(f"story {seed}")
        self._institutions = institutions
        self._centre = centre
        self._reports = reports
        self._policy = named_policy(sample_rules())

    def cases(self, statements: int) -> list[Case]:
        """Cases with at least `statements` statements in all."""
        cases: list[Case] = []
        planned = 0
        while planned < statements:
            cases.append(self._case(f"{self._seed}/{len(cases)}"))
            planned += len(cases[-1].acts)
        return cases

    def _case(self, name: str) -> Case:
        chance, report = self._chance, next(self._reports)
        issuer = chance.choice([item for item in self._institutions if item.tier != 1])
        subject = report_subject(issuer.subject_secret, f"{name} {report.number}")
        examination = self._examination(issuer, report)
        issued, amended = f"{name}/issue", f"{name}/amend"
        acts = [Act(issued, ISSUE, issuer, "report.issued", subject, {}, report, {"examination": examination})]
        current = relied_on = issued
        if chance.random() < 0.08:
            acts.append(self._amendment(amended, AMEND, issuer, subject, issued, examination))
            current = amended
            relied_on = amended if chance.random() < 0.7 else issued
        withdrawn = chance.random() < 0.03
        if withdrawn:
            acts.append(
                Act(
                    f"{name}/withdraw",
                    REMIND,
                    issuer,
                    "report.withdrawn",
                    subject,
                    {"replaces": current},
                    parts={"reason": "sample-mixed-up"},
                )
            )
        state = "withdrawn" if withdrawn else "superseded" if current != relied_on else None
        hospitals = [item for item in self._institutions if item.role == "hospital" and item is not issuer]
        for reader in chance.sample(hospitals, chance.choices((0, 1, 2), (1, 6, 2))[0]):
            acts.extend(self._visit(f"{name}/{reader.code}", reader, subject, relied_on, state, examination))
        if not withdrawn and chance.random() < 0.02:
            acts.append(self._amendment(f"{name}/late", FOLLOW, issuer, subject, current, examination))
        return Case(subject, tuple(sorted(acts, key=lambda act: act.round)))

    def _examination(self, issuer: Institution, report: Report) -> dict[str, Any]:
        chance = self._chance
        category = (
            "imaging" if report.document.format in IMAGING_FORMATS and issuer.role == "hospital" else "laboratory"
        )
        if chance.random() < 0.02:
            category = "pathology"
        examination = {
            "at": DaysBefore(chance.choices((1, 4, 10, 20, 45), (8, 6, 4, 2, 1))[0]),
            "category": category,
            "item": chance.choice(ITEMS[category])[0],
            "system": SYSTEM,
        }
        if chance.random() < 0.04:
            examination["channel"] = "paper"
        if category != "pathology":
            examination["marks"] = [mark_of(issuer, self._institutions)]
        return examination

    def _amendment(
        self, name: str, round: int, issuer: Institution, subject: bytes, replaced: str, examination: dict[str, Any]
    ) -> Act:
        parts = {"examination": examination}
        return Act(name, round, issuer, "report.amended", subject, {"replaces": replaced}, next(self._reports), parts)

    def _visit(
        self,
        name: str,
        reader: Institution,
        subject: bytes,
        version: str,
        state: str | None,
        examination: dict[str, Any],
    ) -> list[Act]:
        """A patient comes to `reader` with a result: it is opened, and then relied on or not."""
        chance, acts = self._chance, []
        reminder = f"{name}/remind"
        if chance.random() < 0.25:
            shown = {"reminder": {"at": NOW, "hook": "patient-view", "item": examination["item"]}}
            acts.append(Act(reminder, REMIND, reader, "reminder.shown", subject, {"report": version}, parts=shown))
            if chance.random() < 0.2:
                aside = shown | {"reason": "condition-changed"}
                links = {"reminder": reminder}
                return [*acts, Act(f"{name}/aside", OPEN, reader, "reminder.dismissed", subject, links, parts=aside)]
        opened = chance.choices(("access.granted", "access.emergency", "access.denied"), (16, 2, 1))[0]
        parts: dict[str, Any] = {"access": {"at": NOW, "basis": "treatment, consent recorded"}}
        if opened != "access.granted":
            parts["reason"] = "emergency" if opened == "access.emergency" else "no-consent"
        access = Act(f"{name}/access", OPEN, reader, opened, subject, {"report": version}, parts=parts)
        acts.append(access)
        if opened == "access.denied":
            return acts
        links = {"access": access.name, "policy": RULES_ACT}
        decision = chance.choices(("recognition.accepted", "recognition.declined", "repeat.ordered"), (15, 3, 3))[0]
        decided = {"policy": self._policy, "decision": {"at": DaysBefore(0), "extent": ["result"]}}
        if decision == "recognition.accepted":
            decided |= {"knowingly": {"version": state}} if state else {}
            links["report"] = version
            return [*acts, Act(f"{name}/accept", DECIDE, reader, decision, subject, links, parts=decided)]
        if decision == "recognition.declined":
            decided["reason"] = chance.choice(DECLINE_REASONS)
            links["report"] = version
            declined = Act(f"{name}/decline", DECIDE, reader, decision, subject, links, parts=decided)
            return [*acts, declined, *self._explained(declined)]
        return [*acts, *self._repeat(name, reader, subject, links | {"repeats": version}, decided, examination)]

    def _explained(self, decision: Act) -> list[Act]:
        """Most are explained to the patient; a few are not, and that shows."""
        if self._chance.random() < 0.1:
            return []
        parts = {"explanation": {"at": NOW, "of": ["purpose", "necessity"]}}
        name, links = f"{decision.name}/explain", {"explains": decision.name}
        return [Act(name, FOLLOW, decision.by, "explanation.given", decision.subject, links, parts=parts)]

    def _repeat(
        self,
        name: str,
        reader: Institution,
        subject: bytes,
        links: dict[str, str],
        decided: dict[str, Any],
        examination: dict[str, Any],
    ) -> list[Act]:
        chance, report = self._chance, next(self._reports)
        own_subject = report_subject(reader.subject_secret, f"{name} {report.number}")
        parts = decided | {"reason": chance.choice(REPEAT_REASONS)}
        order = Act(f"{name}/order", DECIDE, reader, "repeat.ordered", subject, links, parts=parts)
        fresh = {"examination": examination | {"at": DaysBefore(0), "marks": [mark_of(reader, self._institutions)]}}
        result = Act(f"{name}/again", FOLLOW, reader, "report.issued", own_subject, {}, report, fresh)
        compared = chance.choices(("agrees", "differs", "not-comparable"), (6, 2, 1))[0]
        named = {"order": order.name, "result": result.name}
        parts = {"outcome": {"compared": compared}}
        resulted = Act(f"{name}/result", REVIEW, reader, "repeat.resulted", subject, named, parts=parts)
        acts = [order, result, resulted, *self._explained(order)]
        if chance.random() < 0.3:
            finding = "unnecessary" if compared == "agrees" else "necessary"
            parts = {"review": {"finding": finding}}
            reviews = {"reviews": order.name}
            acts.append(Act(f"{name}/review", REVIEW, self._centre, "repeat.reviewed", subject, reviews, parts=parts))
        elif chance.random() < 0.1:
            parts = {"correction": {"parts": ["decision"]}, "decision": {"at": DaysBefore(1), "extent": ["result"]}}
            corrects = {"corrects": order.name}
            acts.append(Act(f"{name}/correct", REVIEW, reader, "statement.corrected", subject, corrects, parts=parts))
        return acts


def telling_case(cases: list[Case]) -> Case:
    """The case that shows most: with a recognition, not withdrawn, about a document of the folder, and of those the
    most kinds of statement."""

    def tells(case: Case) -> tuple[bool, bool, bool, int, int]:
        kinds = {act.kind for act in case.acts if act.subject == case.subject}
        reported = case.acts[0].report
        of_folder = reported is not None and reported.number.startswith(OF_FOLDER)
        return "recognition.accepted" in kinds, "report.withdrawn" not in kinds, of_folder, len(kinds), len(case.acts)

    return max(cases, key=tells)


def telling_act(case: Case) -> Act:
    """Of a case the act to show a proof of: the recognition where there is one, else the last."""
    return next((act for act in case.acts if act.kind == "recognition.accepted"), case.acts[-1])
