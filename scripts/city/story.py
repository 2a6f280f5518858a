"""What happens to the city's reports: other hospitals open them, recognise, decline, repeat. Seeded; five rounds.

    1 issue  ->  2 amend  ->  3 open  ->  4 recognise, decline, order again, withdraw  ->  5 the repeated test's result

A round's statements may name those of the rounds before, so a round is sent when the one before is in the log.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from ledger_service.client.compose import Draft, Material, compose, report_subject
from scripts.city.documents import Report
from scripts.city.founding import Institution

POLICY = {"policy": "SAMPLE-city-recognition", "version": "2026-01"}
DECLINE_REASONS = ("changed-condition", "changes-fast", "before-surgery", "serial-comparison")
REPEAT_REASONS = ("emergency", "patient-asks", "before-surgery")
ROUNDS = 5


@dataclass
class Act:
    """One statement to be made: by whom, in which round, and from what it is composed once its links have ids."""

    name: str
    round: int
    by: Institution
    kind: str
    subject: bytes
    links: dict[str, str] = field(default_factory=dict)
    report: Report | None = None
    reason: str | None = None
    basis: str | None = None
    knowingly: str | None = None

    def draft(self, id_of: Callable[[str], bytes], now: int) -> Draft:
        """The statement's draft; `id_of` gives the id of an earlier act by its name."""
        facts = {"facts": dict(self.report.document.facts)} if self.report and self.report.document.parsed else {}
        knowingly = {"knowingly": {"version": self.knowingly}} if self.knowingly else {}
        material = Material(
            document=self.report.document.part_value() if self.report else None,
            access={"at": now, "basis": self.basis} if self.basis else None,
            reason=self.reason,
            policy=POLICY if self.kind.startswith(("recognition.", "repeat.ordered")) else None,
            links={rel: id_of(name) for rel, name in self.links.items()},
            more=facts | knowingly,
        )
        # What was read out of a document stays in the hospital: the ledger gets its hash.
        return compose(self.kind, self.subject, material, withhold=frozenset(facts))


@dataclass(frozen=True)
class Case:
    """One report and everything that happens to it."""

    subject: bytes
    acts: tuple[Act, ...]


def plan_cases(
    seed: str, institutions: Sequence[Institution], reports: Iterator[Report], statements: int
) -> list[Case]:
    """Cases with at least `statements` statements in all."""
    chance = random.Random(f"story {seed}")
    cases: list[Case] = []
    planned = 0
    while planned < statements:
        case = _plan_case(f"{seed}/{len(cases)}", chance, institutions, next(reports), reports)
        cases.append(case)
        planned += len(case.acts)
    return cases


def _plan_case(
    name: str, chance: random.Random, institutions: Sequence[Institution], report: Report, more: Iterator[Report]
) -> Case:
    issuer = chance.choice([item for item in institutions if item.tier != 1])
    subject = report_subject(issuer.subject_secret, f"{name} {report.number}")
    acts = [Act(f"{name}/issue", 1, issuer, "report.issued", subject, report=report)]
    version = f"{name}/issue"
    if chance.random() < 0.08:
        acts.append(
            Act(f"{name}/amend", 2, issuer, "report.amended", subject, {"replaces": version}, report=next(more))
        )
        version = f"{name}/amend" if chance.random() < 0.7 else version
    hospitals = [item for item in institutions if item.role == "hospital" and item is not issuer]
    for reader in chance.sample(hospitals, chance.choices((0, 1, 2), (1, 6, 2))[0]):
        acts.extend(_plan_visit(f"{name}/{reader.code}", chance, reader, subject, version, more))
    if chance.random() < 0.03:
        current = f"{name}/amend" if any(act.kind == "report.amended" for act in acts) else f"{name}/issue"
        acts.append(
            Act(
                f"{name}/withdraw",
                3,
                issuer,
                "report.withdrawn",
                subject,
                {"replaces": current},
                reason="sample-mixed-up",
            )
        )
    _know_versions(acts, version)
    return Case(subject, tuple(sorted(acts, key=lambda act: act.round)))


def _know_versions(acts: list[Act], relied_on: str) -> None:
    """Who recognises a version that is not the current one says so."""
    current = next(act for act in reversed(acts) if act.kind in ("report.withdrawn", "report.amended", "report.issued"))
    if current.kind == "report.withdrawn" or current.name != relied_on:
        for act in acts:
            if act.kind == "recognition.accepted":
                act.knowingly = "withdrawn" if current.kind == "report.withdrawn" else "superseded"


def _plan_visit(
    name: str, chance: random.Random, reader: Institution, subject: bytes, version: str, more: Iterator[Report]
) -> list[Act]:
    """A patient comes to `reader` with a result: it is opened, and then relied on or not."""
    opened = chance.choices(("access.granted", "access.emergency", "access.denied"), (16, 2, 1))[0]
    access = Act(
        f"{name}/access",
        3,
        reader,
        opened,
        subject,
        {"report": version},
        basis="treatment, consent recorded",
        reason=None if opened == "access.granted" else "emergency" if opened == "access.emergency" else "no-consent",
    )
    if opened == "access.denied":
        return [access]
    rests_on = {"access": access.name}
    decision = chance.choices(("recognition.accepted", "recognition.declined", "repeat.ordered"), (15, 3, 3))[0]
    if decision == "recognition.accepted":
        return [access, Act(f"{name}/accept", 4, reader, decision, subject, rests_on | {"report": version})]
    if decision == "recognition.declined":
        reason = chance.choice(DECLINE_REASONS)
        return [
            access,
            Act(f"{name}/decline", 4, reader, decision, subject, rests_on | {"report": version}, reason=reason),
        ]
    return [access, *_plan_repeat(name, chance, reader, subject, rests_on | {"repeats": version}, more)]


def _plan_repeat(
    name: str, chance: random.Random, reader: Institution, subject: bytes, links: dict[str, str], more: Iterator[Report]
) -> list[Act]:
    report = next(more)
    own_subject = report_subject(reader.subject_secret, f"{name} {report.number}")
    order, result = f"{name}/order", f"{name}/again"
    return [
        Act(order, 4, reader, "repeat.ordered", subject, links, reason=chance.choice(REPEAT_REASONS)),
        Act(result, 5, reader, "report.issued", own_subject, report=report),
        Act(f"{name}/result", 5, reader, "repeat.resulted", subject, {"order": order, "result": result}),
    ]
