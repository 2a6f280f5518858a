"""Step 12 by both verifiers: they say the same, and what docs/spec/kinds.md says.

Of the made-up log of the vectors one statement is another: 4 is a report, 5 opens it, 6 recognises it, 7 amends it, and
8 is said behind that.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from ledger_service.kinds import KINDS
from tests.evidence.made import both
from tests.independent import story as story_of
from tests.independent import vectors_evidence
from tests.independent.standards import AccountKey, pseudo_random
from tests.independent.step_rules import kinds
from tests.independent.story import (
    BEGUN,
    CHANGES,
    COURT,
    COURT_KEY,
    DOCUMENT,
    READER,
    REGULATOR,
    REGULATOR_KEY,
    REPORT,
    Story,
    Told,
)
from tests.independent.vectors_blocks import hexed
from tests.independent.vectors_evidence import Package
from tests.independent.vectors_registry import HOSPITAL, OTHER_HOSPITAL, SIGNER, Registry

Given = dict[str, Any]
Change = Callable[["Changed", Given], object]
BY = {"hospital": (SIGNER, HOSPITAL), "reader": (READER, OTHER_HOSPITAL), "court": (COURT_KEY, COURT)}
BY["regulator"] = (REGULATOR_KEY, REGULATOR)
ROLES = {"linked": [3], "rules": [0, 1, 2], "timeline": [4, 5, 6, 7, 8]}
APART = {**ROLES, "timeline": [4, 5, 6, 7], "linked": [3, 8]}
UNKNOWN = "0x" + "77" * 32


@dataclass
class Changed(Story):
    """The log with other words in some statements."""

    changes: dict[int, Change] = field(default_factory=dict)
    numbers: dict[int, int] = field(default_factory=dict)

    def _say(
        self,
        key: AccountKey,
        institution: str,
        kind: str,
        subject: bytes,
        observed: bytes = bytes(32),
        links: dict[str, Told] | None = None,
        **parts: Any,
    ) -> Told:
        given: Given = dict(parts=parts, key=key, institution=institution, kind=kind, subject=subject)
        given |= {"observed": observed, "links": links}
        if len(self.told) in self.changes:
            self.changes[len(self.told)](self, given)
        return super()._say(**given.pop("parts"), **given)

    def sequence(self, key: AccountKey) -> int:
        return self.numbers.get(len(self.told), super().sequence(key))


def by(who: str) -> Change:
    """Somebody else says it."""
    return lambda _, given: given.update(key=BY[who][0], institution=BY[who][1])


def parts(**values: Any) -> Change:
    """Other parts; `...` leaves one out."""

    def change(_: Changed, given: Given) -> None:
        told = given["parts"] | values
        given["parts"] = {name: value for name, value in told.items() if value is not ...}

    return change


def member(part: str, **values: Any) -> Change:
    """Other members of a part; `...` leaves one out."""

    def change(_: Changed, given: Given) -> None:
        told = given["parts"][part] | values
        given["parts"][part] = {name: value for name, value in told.items() if value is not ...}

    return change


def links(**targets: int | None) -> Change:
    """Other links, by the index of what they lead to; None leaves one out."""

    def change(story: Changed, given: Given) -> None:
        told = given["links"] | {rel: None if at is None else story.told[at] for rel, at in targets.items()}
        given["links"] = {rel: target for rel, target in told.items() if target is not None}

    return change


def written(*own: dict[str, Any], **targets: int | str) -> Change:
    """The part `links` as it is written, or one that leads to these."""

    def change(story: Changed, given: Given) -> None:
        ids = {rel: at if isinstance(at, str) else hexed(story.told[at].id) for rel, at in targets.items()}
        given["links"] = [*({"rel": rel, "statement": id} for rel, id in ids.items()), *own]

    return change


def says(who: str, kind: str, subject: bytes = REPORT, *, to: dict[str, int] | None = None, **told: Any) -> Change:
    """Something else altogether."""

    def change(story: Changed, given: Given) -> None:
        given |= {"key": BY[who][0], "institution": BY[who][1], "kind": kind, "subject": subject, "parts": dict(told)}
        given["links"] = {rel: story.told[at] for rel, at in (to or {}).items()}

    return change


def set_(**fields: Any) -> Change:
    return lambda _, given: given.update(fields)


def decides(
    kind: str = "recognition.accepted", who: str = "reader", report: int = 4, rel: str = "report", **told: Any
) -> Change:
    """On a version, through 5 and under the policy of 2."""

    def change(story: Changed, given: Given) -> None:
        texts = map(json.loads, story.told[2].parts)
        named = next(text["value"] for text in texts if text["name"] == "policy")
        says(who, kind, to={"access": 5, rel: report, "policy": 2}, policy=named, **told)(story, given)

    return change


AMENDED = says("hospital", "report.amended", to={"replaces": 7}, document=DOCUMENT)
AMENDED_FIRST = says("hospital", "report.amended", to={"replaces": 4}, document=DOCUMENT)
WITHDRAWN = says("hospital", "report.withdrawn", to={"replaces": 7}, reason={"code": "x"})
WITHDRAWN_FIRST = says("hospital", "report.withdrawn", to={"replaces": 4}, reason={"code": "x"})
WITHDRAWN_SECOND = says("hospital", "report.withdrawn", to={"replaces": 6}, reason={"code": "x"})
FIRST_DENIED = says("reader", "access.denied", access={"at": 1, "basis": "x"}, reason={"code": "x"})
HELD = says("court", "hold.placed", to={"about": 4}, basis={"basis": "x"})
WRONG, ABROAD = {"parts": ["note"]}, {"origin": "x.example", "index": 1, "witnessId": UNKNOWN}
SUPERSEDED, GONE = {"version": "superseded"}, {"version": "withdrawn"}
LATE = BEGUN + 8 - 3_600


@dataclass
class Case:
    """What is changed, and what is said of it."""

    changes: dict[int, Change]
    state: str
    roles: dict[str, list[int]] = field(default_factory=lambda: ROLES)
    withheld: dict[int, Sequence[str]] = field(default_factory=dict)
    numbers: dict[int, int] = field(default_factory=dict)


def emergency(**access: Any) -> Change:
    told = {"at": LATE - 1, "basis": "treatment", **access}
    return says("reader", "access.emergency", to={"report": 7}, access=told, reason={"code": "x"})


CASES = {
    "as it was": Case({}, "VERIFIED", APART),
    "an unknown kind": Case({8: says("reader", "report.praised", note="x")}, "FAILED"),
    "a court recognises": Case({6: by("court")}, "FAILED"),
    "a hospital profiles": Case({0: by("hospital")}, "FAILED"),
    "a consent is called a rule": Case({}, "FAILED", {**APART, "linked": [8], "rules": [0, 1, 2, 3]}),
    "a rule is called something else": Case({}, "VERIFIED", {**APART, "linked": [0, 3, 8], "rules": [1, 2]}),
    # parts
    "a required part is missing": Case({6: parts(policy=...)}, "FAILED", APART),
    "a required part is withheld": Case({}, "NOT_CHECKED", APART, {6: ["policy"]}),
    "links are withheld": Case({}, "NOT_CHECKED", APART, {6: ["links"]}),
    "a part that is not required is withheld": Case({}, "VERIFIED", APART, {6: ["decision"]}),
    "a structural part is null": Case({6: parts(decision=None)}, "FAILED", APART),
    "a required part is null": Case({6: parts(policy=None)}, "FAILED", APART),
    "a personal part is null": Case({6: parts(note=None)}, "VERIFIED", APART),
    "a member more": Case({4: member("document", name="x")}, "FAILED", APART),
    "a member less": Case({4: member("document", sm3=...)}, "FAILED", APART),
    "a member that may be missing is null": Case({4: member("examination", modality=None)}, "VERIFIED", APART),
    "a word of none": Case({6: member("decision", extent=["all"])}, "FAILED", APART),
    "no such day": Case({6: member("decision", at="2026-02-30T10:00:00+08:00")}, "VERIFIED", APART),
    "no such hour": Case({6: member("decision", at="2026-02-20T24:00:00+08:00")}, "FAILED", APART),
    "no zone": Case({6: member("decision", at="2026-02-20T10:00:00")}, "FAILED", APART),
    "a digest in capitals": Case({4: member("document", sha256="AB" * 32)}, "FAILED", APART),
    "a count below zero": Case({5: member("access", at=-1)}, "FAILED", APART),
    # links
    "a link is missing": Case({6: links(access=None)}, "FAILED", APART),
    "a link that may be missing": Case({6: links(policy=None)}, "VERIFIED", APART),
    "a link that the kind has not": Case({5: links(policy=2)}, "FAILED", APART),
    "a link on a kind without": Case({3: written(report=2)}, "FAILED", APART),
    "no links on a kind without": Case({3: set_(links=[])}, "VERIFIED", APART),
    "a link twice": Case({5: written({"rel": "report", "statement": UNKNOWN}, report=4)}, "FAILED", APART),
    "a link to nowhere": Case({5: written(report=4, consent=UNKNOWN)}, "NOT_CHECKED", APART),
    "a required link to nowhere": Case({6: written(access=UNKNOWN, report=4, policy=2)}, "NOT_CHECKED", APART),
    "a link to another kind": Case({6: links(access=4)}, "FAILED", APART),
    "a link to another kind, another subject": Case({6: links(policy=3)}, "FAILED", APART),
    "a link to its own subject": Case({8: HELD}, "FAILED"),
    "another's access": Case({8: decides(who="hospital", knowingly=SUPERSEDED)}, "FAILED"),
    "a link with members of an import": Case(
        {
            5: written(
                {"rel": "consent", "statement": UNKNOWN, "origin": "x.example", "index": 1, "witnessId": UNKNOWN},
                report=4,
            )
        },
        "FAILED",
        APART,
    ),
    "corrects its own": Case(
        {8: says("hospital", "statement.corrected", to={"corrects": 4}, correction=WRONG)}, "VERIFIED"
    ),
    "corrects another's": Case(
        {8: says("reader", "statement.corrected", to={"corrects": 4}, correction=WRONG)}, "FAILED"
    ),
    # versions
    "amends the current one": Case({8: AMENDED}, "VERIFIED"),
    "amends what was amended": Case({8: AMENDED_FIRST}, "FAILED"),
    "withdraws the current one": Case({8: WITHDRAWN}, "VERIFIED"),
    "amends what it withdrew": Case(
        {
            7: WITHDRAWN_FIRST,
            8: AMENDED_FIRST,
        },
        "FAILED",
    ),
    "amends another's": Case({7: by("reader")}, "FAILED", APART),
    "recognises what was superseded": Case({8: decides()}, "FAILED"),
    "recognises what was superseded, knowingly": Case({8: decides(knowingly=SUPERSEDED)}, "VERIFIED"),
    "recognises what was superseded, as withdrawn": Case({8: decides(knowingly=GONE)}, "FAILED"),
    "recognises what was superseded, says it hidden": Case(
        {8: decides(knowingly=SUPERSEDED)}, "NOT_CHECKED", ROLES, {8: ["knowingly"]}
    ),
    "recognises what was withdrawn, knowingly": Case(
        {
            7: WITHDRAWN_FIRST,
            8: decides(knowingly=GONE),
        },
        "VERIFIED",
    ),
    "recognises what was withdrawn, as superseded": Case(
        {
            7: WITHDRAWN_FIRST,
            8: decides(knowingly=SUPERSEDED),
        },
        "FAILED",
    ),
    "recognises the current one, says something hidden": Case(
        {6: parts(knowingly=SUPERSEDED)}, "NOT_CHECKED", APART, {6: ["knowingly"]}
    ),
    "recognises the first of what was withdrawn in the end": Case(
        {6: AMENDED_FIRST, 7: WITHDRAWN_SECOND, 8: decides(knowingly=GONE)},
        "VERIFIED",
    ),
    "recognises the first of what was withdrawn in the end, as superseded": Case(
        {6: AMENDED_FIRST, 7: WITHDRAWN_SECOND, 8: decides(knowingly=SUPERSEDED)},
        "FAILED",
    ),
    "recognises the current one, as superseded": Case({6: parts(knowingly=SUPERSEDED)}, "VERIFIED", APART),
    "declines what was superseded": Case({8: decides("recognition.declined", reason={"code": "x"})}, "VERIFIED"),
    "repeats what was superseded": Case(
        {8: decides("repeat.ordered", rel="repeats", reason={"code": "x"})}, "VERIFIED"
    ),
    "recognises another version than it opened": Case({8: decides(report=7)}, "FAILED"),
    # subjects
    "issues under a subject that is there": Case({8: says("hospital", "report.issued", document=DOCUMENT)}, "FAILED"),
    "publishes under another subject": Case({2: set_(subject=pseudo_random("another"))}, "FAILED", APART),
    "the policy has another digest": Case({2: member("policy", digest="ab" * 32)}, "FAILED", APART),
    "the policy has no digest": Case({2: member("policy", digest=...)}, "FAILED", APART),
    "decides by another version of the policy": Case({6: member("policy", version="2")}, "FAILED", APART),
    "decides by a policy without its digest": Case({6: member("policy", digest=...)}, "FAILED", APART),
    "is about a subject that nobody began": Case(
        {4: FIRST_DENIED},
        "FAILED",
        APART,
    ),
    # what is withheld leaves the rest in doubt, and breaks nothing
    "the document of a report": Case({}, "NOT_CHECKED", APART, {4: ["document"]}),
    "the document of a version that is amended": Case({8: AMENDED}, "NOT_CHECKED", ROLES, {7: ["document"]}),
    "the access of a decision": Case({}, "NOT_CHECKED", APART, {5: ["access"]}),
    "the links of an access": Case({}, "NOT_CHECKED", APART, {5: ["links"]}),
    # particular
    "an emergency that is late": Case({8: emergency()}, "FAILED"),
    "an emergency that is late and says the opposite": Case({8: emergency(late=False)}, "FAILED"),
    "an emergency that says that it is late": Case({8: emergency(late=True)}, "VERIFIED"),
    "an emergency just in time": Case({8: emergency(at=LATE)}, "VERIFIED"),
    # order
    "a sequence number again": Case({}, "FAILED", APART, numbers={7: 0}),
    "a sequence number is left out": Case({}, "VERIFIED", APART, numbers={7: 5}),
    "a sequence that goes back": Case({}, "FAILED", APART, numbers={4: 6, 7: 5}),
    "what it observed goes back": Case({6: set_(observed=bytes(32))}, "VERIFIED", APART),
}


def judged(case: Case) -> str:
    story = Changed(changes=case.changes, numbers=case.numbers)
    return both(Package(story, REPORT, case.roles, withheld=dict(case.withheld)), story.trust())["rules"]


@pytest.mark.parametrize("name", CASES)
def test_a_statement(name: str) -> None:
    assert judged(CASES[name]) == CASES[name].state


def test_the_table_is_read_as_it_stands() -> None:
    """By the second verifier, from the page: nothing of it is left out."""
    assert set(kinds()) == set(KINDS)
    for kind in KINDS.values():
        read = kinds()[kind.name]
        assert (read.roles, read.parts, set(read.links)) == (kind.roles, set(kind.parts), set(kind.rels)), kind.name


def acted(*acts: tuple[str, str]) -> list[dict[str, Any]]:
    registry = Registry(list(CHANGES))
    for action, institution in acts:
        registry.add(action, institution)
    return registry.changes


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        (acted(("suspended", OTHER_HOSPITAL), ("exited", HOSPITAL)), "VERIFIED"),
        ([one for one in CHANGES if one["role"] != "regulator"], "FAILED"),
    ],
)
def test_the_registry(monkeypatch: pytest.MonkeyPatch, changes: list[dict[str, Any]], state: str) -> None:
    """As of the covering heads: roles are judged, standing is for the door."""
    numbered = [{**change, "number": number} for number, change in enumerate(changes, 1)]
    for module in (story_of, vectors_evidence):
        monkeypatch.setattr(module, "CHANGES", numbered)
    assert judged(Case({}, state, APART)) == state
