"""Every decision is replayed: what its policy said of it then. The answers were found by hand, from the rules below."""

import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from anchors import Part
from anchors.core.canonical import Json
from ledger_service.usecases.audit import AuditResult, stretches
from tests.audit.published import audit_published, publish, write_contents
from tests.audit.world import World, change, copy_database, make_world, place, read
from tests.fixtures.chain import ScratchChain
from tests.fixtures.parts import RULES, rules_digest
from tests.fixtures.signer import Signed, Signer, access, document, example, links

CITY = {"id": "city", "level": "city", "places": ["样例市"], "zh": "样例市", "en": "the SAMPLE city"}
TOWN_RULES: dict[str, Any] = {name: value for name, value in RULES.items() if name not in ("sample", "reminders")} | {
    "policy": "SYN-town",
    "areas": [CITY],
    "categories": {
        "clause": "一",
        "included": [
            {"id": "laboratory", "zh": "检验", "en": "laboratory", "window": {"clause": "一（二）", "days": 14}},
            {"id": "imaging", "zh": "检查", "en": "imaging"},
        ],
    },
    "scopes": [{"id": "same-tier", "clause": "二", "zh": "同级", "en": "the same tier", "relation": "same"}],
    "in_force": {"clause": "六", "first": "2026-01-01"},
    "qualification": {"clause": "三", "marks": [{"text": "样例市 HR", "area": "city"}]},
    "refusal": {
        "clause": "四",
        "reasons": [{"code": "SYN-changed", "clause": "四（一）", "zh": "变化", "en": "changed"}],
    },
}
"""One tier among itself, qualified laboratory tests for 14 days, images; one reason."""
OTHER_NAME = TOWN_RULES | {"policy": "SYN-twice"}
SAYS = {"policy": "SYN-town", "version": TOWN_RULES["version"], "digest": rules_digest(TOWN_RULES)}


class Town:
    """Three hospitals, of which the first is qualified for S-001, and what they decided; `named` are indexes."""

    def __init__(self, world: World):
        self.world, self.named = world, dict[str, int]()
        self.issuer, self.peer, self.smaller, self.early = world.signers[:4]
        city = world.city
        self.bureau, self.quality = (Signer(city.domain, one.code, one.secret) for one in city.authorities[:2])

    def say(self, *statements: Signed, name: str = "") -> None:
        """Have them accepted."""
        indexes = self.world.submit(*statements)
        if name:
            self.named[name] = indexes[-1]

    def rules(self) -> None:
        """Profiles, qualification, catalogue, policies."""
        profiles = (
            example("profile", institution=each.institution, tier=tier)
            for each, tier in ((self.issuer, 3), (self.peer, 3), (self.smaller, 2))
        )
        self.say(*(self.bureau.sign("institution.profiled", secrets.token_bytes(32), each) for each in profiles))
        granted = example("qualification", institution=self.issuer.institution)
        self.qualified = self.quality.sign("qualification.granted", secrets.token_bytes(32), granted)
        catalogue = example("catalogue", catalogue="SAMPLE-local")
        self.say(self.qualified, self.bureau.sign("catalogue.published", secrets.token_bytes(32), catalogue))
        self.say(self.bureau.published(TOWN_RULES), name="rules")
        title = OTHER_NAME["title"] | {"en": "another text"}
        self.say(self.bureau.published(OTHER_NAME), self.bureau.published(OTHER_NAME | {"title": title}))

    def report(self, **members: Json) -> Signed:
        """The issuer's report of S-001, with a personal part; `members` replace those of what was examined."""
        examined = example("examination", **({"channel": "platform"} | members))
        note = Part.create("note", "（合成）张三")
        return self.issuer.sign("report.issued", secrets.token_bytes(32), document(), examined, note)

    def decide(self, name: str, report: Signed, *parts: Part, by: Signer | None = None, **fields: Any) -> None:
        """The report is opened and recognised, or what `kind` says; by the town's rules unless a part says others."""
        by, kind = by or self.peer, fields.pop("kind", "recognition.accepted")
        opened = by.sign("access.granted", report.subject, access(), links(report=report))
        given = {part.name for part in parts}
        usual = (each for each in (Part.create("policy", SAYS), example("decision")) if each.name not in given)
        shown = [part for part in (*usual, *parts) if part.value is not None]
        named = links(access=opened, report=report)
        self.say(opened, by.sign(kind, report.subject, *shown, named, **fields), name=name)

    def live(self) -> None:
        """Everything that happens in the town."""
        early = self.report()
        self.say(early)
        self.decide("before any rules", early)
        self.rules()
        plain, images = self.report(), self.report(category="imaging", item="S-002")
        old, wrong, bare = self.report(at="2026-02-01T08:30+08:00"), self.report(), self.report()
        hidden = bare.content.to_wire()
        hidden[1] = {"name": "examination", "leaf": bare.content.parts[1].leaf.hex()}
        bare = self.issuer.sign(
            "report.issued", bare.subject, *bare.content.parts, sequence=bare.sequence, shown=hidden
        )
        self.say(plain, images, old, wrong, bare)
        right = example("examination", item="S-009", channel="platform")
        mended = self.issuer.sign(
            "statement.corrected",
            wrong.subject,
            example("correction", parts=["examination"]),
            right,
            links(corrects=wrong),
        )
        self.say(mended)
        self.decide("same tier", plain)
        self.decide("another tier", plain, by=self.smaller)
        self.decide("not qualified, and marked", images)
        self.decide("outside the window", old)
        self.decide("a corrected item that no catalogue lists", wrong)
        self.decide("withheld", bare)
        self.decide("no time", plain, Part.create("decision", None))
        self.decide("nobody's policy", plain, Part.create("policy", {"policy": "SYN-nobody", "version": "1"}))
        self.decide("another digest", plain, Part.create("policy", SAYS | {"digest": "ab" * 32}))
        twice = {"policy": "SYN-twice", "version": OTHER_NAME["version"]}
        self.decide("rules that contradict", plain, Part.create("policy", twice))
        refused = {"kind": "recognition.declined"}
        self.decide("a reason that is listed", plain, example("reason", code="SYN-changed"), **refused)
        self.decide("a reason that is not", plain, example("reason", code="SYN-tired"), **refused)
        self.decide("said to be superseded", plain, example("knowingly"))
        revoked = (example("since", since="2026-01-01"), example("reason"), links(replaces=self.qualified))
        self.say(self.quality.sign("qualification.revoked", self.qualified.subject, *revoked))


@pytest.fixture(scope="module")
def town(module_chain: ScratchChain, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """A town with all its decisions; nothing is witnessed yet."""
    world = make_world(module_chain, f"sqlite:///{tmp_path_factory.mktemp('town') / 'ledger.sqlite'}")
    town = Town(world)
    town.live()
    yield town
    world.engine.dispose()


@pytest.fixture(scope="module")
def replayed(town: Town) -> AuditResult:
    """What the audit says of it."""
    return town.world.audit()


TOLD = {
    "decisions": 14,
    "recognisable": 5,  # same tier, outside the window, both reasons, said to be superseded
    "not recognisable": 3,  # another tier, not qualified, not in the catalogue
    "cannot be told: no such policy published": 2,  # before any rules, nobody's policy
    "cannot be told: other rules published": 1,
    "cannot be told: contradictory rules": 1,
    "cannot be told: content withheld or erased": 1,
    "cannot be told: facts not stated": 1,
}


def counted(result: AuditResult) -> dict[str, int]:
    """What was counted of decisions."""
    return {name: count for name, count in result.findings.counts.items() if name in TOLD or name[:6] == "cannot"}


def test_every_decision_is_told_by_what_was_known_then(replayed: AuditResult) -> None:
    assert replayed.holds, replayed.findings.faults
    assert counted(replayed) == TOLD
    assert (replayed.findings.state(11), replayed.findings.left) == ("VERIFIED", [])


def test_by_which_clause_and_with_which_warnings(replayed: AuditResult) -> None:
    ((policy, version, digest), answers), *others = replayed.answers.items()
    assert (policy, version, digest) == tuple(SAYS.values()) and not others
    assert answers.answers == {"yes": 5, "no": 3, "unknown": 2}
    # Of those that say no: another tier by the scope, the others by qualification and catalogue.
    no = {clause: count for (says, clause), count in answers.clauses.items() if says == "no"}
    assert no == {"二": 1, "三": 2, TOWN_RULES["catalogue"]["clause"]: 1}
    assert answers.warnings == {
        "mark-without-qualification": 2,
        "not-in-catalogue": 1,
        "not-qualified": 2,
        "outside-window": 1,
    }


def test_what_people_should_see_is_named_and_no_fault(town: Town, replayed: AuditResult) -> None:
    found = {warning.first.what: (warning.first, warning.count) for warning in replayed.findings.warnings}
    expected = {
        "mark-without-qualification": ("not qualified, and marked", 2),
        "policy digest": ("another digest", 1),
        "reason": ("a reason that is not", 1),
        "knowingly": ("said to be superseded", 1),
    }
    assert {what: (first.key, count) for what, (first, count) in found.items()} == {
        what: (str(town.named[name]), count) for what, (name, count) in expected.items()
    }
    assert (found["knowingly"][0].expected, found["knowingly"][0].found) == ("current", "superseded")
    assert found["policy digest"][0].expected.endswith(SAYS["digest"]) and found["policy digest"][0].found == "ab" * 32
    assert found["reason"][0].found == "SYN-tired"


def withhold(path: Path, name: str, *positions: int) -> str:
    """Put the leaf in place of a part's text where it is shown, in these rows or in all."""
    url = f"sqlite:///{path}"
    for position in positions or range(read(path, "SELECT count(*) FROM contents")[0]):
        parts = msgspec.json.decode(read(path, "SELECT parts FROM contents WHERE position = ?", position)[0])
        kept = [
            _leaf_of(part) if isinstance(part, str) and Part.read(part.encode()).name == name else part
            for part in parts
        ]
        if kept != parts:
            url = change(
                path, ("UPDATE contents SET parts = ? WHERE position = ?", (msgspec.json.encode(kept), position))
            )
    return url


def _leaf_of(text: str) -> dict[str, str]:
    part = Part.read(text.encode())
    return {"leaf": part.leaf.hex(), "name": part.name}


def test_erased_personal_parts_change_nothing(town: Town, tmp_path: Path) -> None:
    copy = copy_database(town.world, tmp_path)
    before = read(copy, "SELECT sum(length(parts)) FROM contents")
    result = town.world.audit(withhold(copy, "note"))
    assert read(copy, "SELECT sum(length(parts)) FROM contents") < before, "something was erased"
    assert result.holds and counted(result) == TOLD


def test_withheld_rules_are_not_checked(town: Town, tmp_path: Path) -> None:
    """The rules must be shown, which is a fault of their statement; what rests on them is not judged."""
    rules = town.named["rules"]
    result = town.world.audit(withhold(copy_database(town.world, tmp_path), "rules", rules))
    assert [place(fault.first) for fault in result.findings.faults] == [("entries", str(rules), "missing-part")]
    assert [result.findings.state(step) for step in (6, 9, 11)] == ["FAILED", "VERIFIED", "NOT_CHECKED"]
    assert counted(result) == {"decisions": 14, "cannot be told: no such policy published": 1}
    (left,) = result.findings.left
    assert (left.first.what, left.count) == ("decision", 13) and f"entry {rules}," in left.first.found


def test_a_damaged_report_is_not_replayed(town: Town, tmp_path: Path) -> None:
    """What two decisions on it say is left open; those on other reports are told as before."""
    copy = copy_database(town.world, tmp_path)
    (old,) = read(
        copy, "SELECT json_extract(links, '$.report') FROM entries WHERE position = ?", town.named["outside the window"]
    )
    result = town.world.audit(change(copy, ("UPDATE contents SET parts = '[]' WHERE position = ?", (old,))))
    assert [place(fault.first) for fault in result.findings.faults] == [("contents", str(old), "parts")]
    (left,) = result.findings.left
    assert (left.first.key, left.count) == (str(town.named["outside the window"]), 1)
    assert counted(result) == TOLD | {"recognisable": 4}


def test_contents_that_several_statements_have(
    module_chain: ScratchChain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A report with a twin further on, corrected twice in the same words: of a published log it is told as usual."""
    monkeypatch.setattr(stretches, "CONTENTS_KEPT", 0)
    town = Town(make_world(module_chain, f"sqlite:///{tmp_path / 'ledger.sqlite'}"))
    town.rules()
    report, other = town.report(), town.report()
    twin = town.issuer.sign("report.issued", secrets.token_bytes(32), *report.content.parts)
    town.say(report, other, twin)
    right = example("correction", parts=["examination"]), example("examination", item="S-009"), links(corrects=other)
    town.say(*(town.issuer.sign("statement.corrected", other.subject, *right) for _ in range(2)))
    town.decide("same tier", report)
    town.decide("a corrected item that no catalogue lists", other)
    town.world.settle()
    log, contents = publish(town.world, tmp_path / "log"), write_contents(town.world, tmp_path / "contents", 2**40)
    result = audit_published(town.world, log, contents)
    town.world.engine.dispose()
    assert result.holds and [fault.first.step for fault in result.findings.warnings] == [11], "no content is unused"
    assert counted(result) == {"decisions": 2, "recognisable": 1, "not recognisable": 1}
