"""Who did what on which grounds, for a whole report. The stories and every fact about them are written by hand."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from ledger_service.recognition.case import Case, Claim, Fact, Placed
from ledger_service.recognition.policies import shipped_policy
from ledger_service.recognition.responsibility import responsibility
from ledger_service.recognition.sentences import ANSWERS, sentence
from ledger_service.recognition.stated import Stated
from tests.fixtures.parts import rules_digest
from tests.recognition.stories import BUREAU, QUALITY, book_of, profile, published, qualification, section, stated

VERIFIED, FAILED, NOT_CHECKED, NOT_PROVABLE = Claim
ZHANJIANG = json.loads(shipped_policy("zhanjiang-2024"))
POLICY = {"policy": "zhanjiang-2024", "version": "1", "digest": rules_digest(ZHANJIANG)}
DOCUMENT = {"bytes": 3, "format": "raw", "sha256": "ab" * 32, "sm3": "cd" * 32}
EXAMINATION = {
    "at": "2026-03-01T08:30+08:00",
    "category": "laboratory",
    "item": "S-001",
    "system": "SYN-local",
    "marks": ["湛江市 HR"],
}
DECIDED = {"decision": {"at": "2026-03-05T10:15:00+08:00", "extent": ["result"]}}
ACCESS = {"at": 1_000, "basis": "treatment"}


def rules(**graded: Any) -> list[Stated]:
    """Hospitals A and B of tier 3, A's qualification, the catalogue and Zhanjiang's policy: entries 0 to 4."""
    valid = qualification("SYN-A", "2026-01-01", "2026-12-31") | graded
    return [
        stated(0, "institution.profiled", BUREAU, "a", profile=profile("SYN-A", "2025-01-01")),
        stated(1, "institution.profiled", BUREAU, "b", profile=profile("SYN-B", "2025-01-01")),
        stated(2, "qualification.granted", QUALITY, "q", qualification=valid),
        stated(3, "catalogue.published", BUREAU, "c", catalogue=section(1, 1, [("S-001", "（样例）血细胞分析")])),
        published(4, BUREAU, ZHANJIANG),
    ]


def report(index: int, kind: str, by: str, **parts: Any) -> Stated:
    """A statement about the report, signed at second 1,000 unless told otherwise."""
    return stated(index, kind, by, "report", **({"issued_at": 1_000} | parts))


def facts_of(*timeline: Stated, known: list[Stated] | None = None, pending: int = 99) -> list[Fact]:
    """The facts of a report; entries from `pending` on are not under a final head."""
    placed = [Placed(each, each.index * 100, each.index * 100 + 50) for each in timeline]
    others: dict[bytes, list[Placed]] = {}
    about_report = [each for each in placed if each.stated.subject == report(0, "report.issued", "x").subject]
    for each in placed:
        if each not in about_report:
            others.setdefault(each.stated.subject, []).append(each)
    book = book_of(*(rules() if known is None else known))
    return responsibility(Case(about_report, others, book, 100, pending))


def told(facts: list[Fact]) -> list[tuple[str, str, Claim]]:
    return [(fact.code, fact.says, fact.claim) for fact in facts]


def one(facts: list[Fact], code: str) -> Fact:
    """The only fact of a code."""
    (found,) = [fact for fact in facts if fact.code == code]
    return found


ISSUED = report(10, "report.issued", "SYN-A", document=DOCUMENT, examination=EXAMINATION)
OPENED = report(11, "access.granted", "SYN-B", access=ACCESS, report="s10")


def test_a_report_that_is_recognised() -> None:
    accepted = report(12, "recognition.accepted", "SYN-B", policy=POLICY, access="s11", report="s10", **DECIDED)
    facts = facts_of(ISSUED, OPENED, accepted)
    assert told(facts) == [
        ("issued", "issued", VERIFIED),
        ("qualified", "granted", VERIFIED),
        ("marked", "backed", VERIFIED),
        ("opened", "granted", VERIFIED),
        ("opened-current", "current", VERIFIED),
        ("decided", "recognition.accepted", VERIFIED),
        ("decided-version", "current", VERIFIED),
        ("policy-published", "published", VERIFIED),
        ("eligible", "yes", VERIFIED),
    ]
    assert [fact.statements for fact in facts] == [
        ("s10",),
        ("s10", "s2"),
        ("s10", "s2"),
        ("s11", "s10"),
        ("s11", "s10"),
        ("s12", "s10", "s11"),
        ("s12", "s10"),
        ("s12", "s4"),
        ("s12", "s4", "s10", "s3", "s0", "s1", "s2", "s11"),
    ]
    assert [fact.institution for fact in facts] == ["SYN-A"] * 3 + ["SYN-B"] * 6
    eligible = facts[-1]
    assert eligible.details["warnings"] == [] and eligible.details["missing"] == []
    assert "四（一）" in eligible.details["clauses"] and "五" in eligible.details["clauses"]
    assert (eligible.signed_after, eligible.signed_before) == (1_200, 1_250)
    assert facts[1].zh == "SYN-A于2026-03-01具有项目“S-001”的互认资质"
    assert facts[1].en == "SYN-A was qualified for the item 'S-001' on 2026-03-01"
    assert facts[5].zh == "SYN-B依据政策“zhanjiang-2024”（1）对第1版予以互认"


def test_what_is_not_final_is_not_checked() -> None:
    """Only what rests on the access waits for its head."""
    facts = facts_of(ISSUED, OPENED, pending=11)
    assert told(facts) == [
        ("issued", "issued", VERIFIED),
        ("qualified", "granted", VERIFIED),
        ("marked", "backed", VERIFIED),
        ("opened", "granted", NOT_CHECKED),
        ("opened-current", "current", NOT_CHECKED),
    ]


def test_an_old_report_declined_without_an_explanation() -> None:
    """30 days old: outside the window of 14, which warns and does not decide. The reason is on the list."""
    late = {"decision": {"at": "2026-03-31T10:00:00+08:00", "extent": ["result"]}}
    why = {"reason": {"code": "changes-fast"}}
    declined = report(12, "recognition.declined", "SYN-B", policy=POLICY, access="s11", report="s10", **why, **late)
    facts = facts_of(ISSUED, OPENED, declined)
    assert told(facts)[5:] == [
        ("decided", "recognition.declined", VERIFIED),
        ("decided-version", "current", VERIFIED),
        ("policy-published", "published", VERIFIED),
        ("eligible", "yes", VERIFIED),
        ("reason-listed", "listed", VERIFIED),
        ("explained", "owed", NOT_PROVABLE),
    ]
    warnings = one(facts, "eligible").details["warnings"]
    assert [(each["code"], each["clause"]) for each in warnings] == [("outside-window", "四（三）")]
    assert one(facts, "reason-listed").details["clause"] == "四（五）2"
    owed = one(facts, "explained")
    assert owed.statements == ("s12", "s4")
    assert owed.zh == "按政策（四（五）2）应向患者说明，账本中没有SYN-B此后的解释说明"


def test_declined_for_a_reason_of_ones_own_and_explained() -> None:
    why = {"reason": {"code": "SYN-habit"}}
    declined = report(12, "recognition.declined", "SYN-B", policy=POLICY, access="s11", report="s10", **why, **DECIDED)
    explained = report(
        13, "explanation.given", "SYN-B", explanation={"at": 1_100, "of": ["purpose", "refusal"]}, explains="s12"
    )
    facts = facts_of(ISSUED, OPENED, declined, explained)
    assert told(facts)[-2:] == [("reason-listed", "not-listed", FAILED), ("explained", "given", VERIFIED)]
    assert one(facts, "explained").statements == ("s12", "s13")
    assert one(facts, "explained").details["of"] == ["purpose", "refusal"]


def test_a_mark_without_a_qualification() -> None:
    """Three ways: it had lapsed; it does not carry the mark; the log has none."""
    lapsed = facts_of(ISSUED, known=rules(until="2026-02-28"))
    assert told(lapsed)[1:] == [("qualified", "lapsed", FAILED), ("marked", "unbacked", FAILED)]
    other = facts_of(ISSUED, known=rules(marks=["另一标识"]))
    assert told(other)[1:] == [("qualified", "granted", VERIFIED), ("marked", "unbacked", FAILED)]
    none = facts_of(ISSUED, known=rules(institution="SYN-C"))
    assert told(none)[1:] == [("qualified", "none", NOT_PROVABLE), ("marked", "unbacked", NOT_PROVABLE)]
    unknown = facts_of(ISSUED, known=[])
    assert told(unknown)[1:] == [("qualified", "unknown", NOT_PROVABLE), ("marked", "unknown", NOT_PROVABLE)]


def test_a_revocation_that_is_said_later() -> None:
    """It holds from before the examination: nobody could know when the report was issued, and both are told."""
    revoked = stated(20, "qualification.revoked", QUALITY, "q", since={"since": "2026-02-01"}, reason={"code": "x"})
    fact = one(facts_of(ISSUED, known=[*rules(), revoked]), "qualified")
    assert (fact.says, fact.claim, fact.details["when_issued"]) == ("revoked", FAILED, "granted")
    assert fact.statements == ("s10", "s2", "s20")
    # Before it is under a final head, it may still be lost.
    assert one(facts_of(ISSUED, known=[*rules(), revoked], pending=20), "qualified").claim == NOT_CHECKED


def test_performer_and_custodian() -> None:
    said = EXAMINATION | {"performer": "SYN-LAB", "custodian": "SYN-CLOUD", "marks": []}
    facts = facts_of(report(10, "report.issued", "SYN-A", document=DOCUMENT, examination=said))
    assert told(facts) == [
        ("issued", "issued", VERIFIED),
        ("examined-by", "other", VERIFIED),
        ("kept-by", "other", VERIFIED),
        ("qualified", "unknown", NOT_PROVABLE),
    ]
    assert facts[1].en == "the examination in version 1 was made by SYN-LAB; SYN-A signed the report"


def versions() -> list[Stated]:
    """Issued, opened by B, amended, opened by C, withdrawn."""
    return [
        ISSUED,
        OPENED,
        report(12, "report.amended", "SYN-A", document=DOCUMENT, replaces="s10"),
        report(13, "access.granted", "SYN-C", access=ACCESS, report="s12"),
        report(14, "report.withdrawn", "SYN-A", reason={"code": "SYN-mistake"}, replaces="s12"),
    ]


def test_which_versions_there_were() -> None:
    facts = [fact for fact in facts_of(*versions()) if fact.code == "issued"]
    assert [fact.en for fact in facts] == [
        "SYN-A issued the report (version 1)",
        "SYN-A put version 2 in the place of version 1",
        "SYN-A withdrew version 2, for the reason 'SYN-mistake'",
    ]
    assert [fact.statements for fact in facts] == [("s10",), ("s12", "s10"), ("s14", "s12")]


@pytest.mark.parametrize(
    ("version", "index", "says", "by"),
    [
        ("s10", 11, "current", ()),
        ("s10", 15, "withdrawn", ("s14",)),
        ("s12", 15, "withdrawn", ("s14",)),
    ],
)
def test_what_was_opened_was_current_or_not(version: str, index: int, says: str, by: tuple[str, ...]) -> None:
    others = [each for each in versions() if each.index != 11]
    opened = report(index, "access.granted", "SYN-D", access=ACCESS, report=version)
    facts = [fact for fact in facts_of(*others, opened) if (fact.code, fact.institution) == ("opened-current", "SYN-D")]
    assert [(fact.says, fact.claim, fact.statements) for fact in facts] == [
        (says, VERIFIED if says == "current" else FAILED, (f"s{index}", version, *by))
    ]


def test_an_old_version_is_superseded_until_the_report_is_withdrawn() -> None:
    opened = report(13, "access.granted", "SYN-D", access=ACCESS, report="s10")
    fact = one(facts_of(*versions()[:1], versions()[2], opened, versions()[4]), "opened-current")
    assert (fact.says, fact.claim, fact.statements) == ("superseded", FAILED, ("s13", "s10", "s12"))


@pytest.mark.parametrize(
    ("knowingly", "says", "claim"),
    [(None, "unsaid", FAILED), ("superseded", "knowingly", VERIFIED), ("withdrawn", "unsaid", FAILED)],
)
def test_an_old_version_relied_on(knowingly: str | None, says: str, claim: Claim) -> None:
    parts = {"knowingly": {"version": knowingly}} if knowingly else {}
    accepted = report(
        13, "recognition.accepted", "SYN-B", policy=POLICY, access="s11", report="s10", **DECIDED, **parts
    )
    facts = facts_of(*versions()[:3], accepted)
    fact = one(facts, "decided-version")
    assert (fact.says, fact.claim, fact.statements) == (says, claim, ("s13", "s10", "s12"))
    assert "superseded" in [warning["code"] for warning in one(facts, "eligible").details["warnings"]]


def test_an_emergency_recorded_late() -> None:
    why = {"reason": {"code": "emergency"}, "report": "s10"}
    for at, late, says in ((1_000, False, "yes"), (1_000, True, "late")):
        said = {"at": at, "basis": "emergency"} | ({"late": True} if late else {})
        urgent = report(11, "access.emergency", "SYN-B", access=said, issued_at=at + (7_200 if late else 60), **why)
        facts = facts_of(ISSUED, urgent)
        assert told(facts)[3:] == [
            ("opened", "emergency", VERIFIED),
            ("opened-current", "current", VERIFIED),
            ("recorded-in-time", says, FAILED if late else VERIFIED),
        ]
    assert facts[-1].zh == "SYN-B的紧急调阅为补录，距调阅7200秒" and facts[-1].details["seconds"] == 7_200


def test_an_access_and_its_consent() -> None:
    given = stated(5, "consent.given", "SYN-B", "consent", consent={"at": 1, "scope": "all", "until": "2026-03-01"})
    ended = stated(12, "consent.withdrawn", "SYN-B", "consent", replaces="s5")

    def consent(index: int, day_seconds: int, *more: Stated) -> tuple[str, Claim, tuple[str, ...]]:
        said = {"at": day_seconds, "basis": "consent"}
        opened = report(index, "access.granted", "SYN-B", access=said, report="s10", consent="s5")
        fact = one(facts_of(ISSUED, opened, *more), "consented")
        return fact.says, fact.claim, fact.statements

    last_second, next_second = 1_772_409_599, 1_772_409_600  # 2026-03-01T23:59:59Z and the second after
    assert consent(11, last_second, given, ended) == ("held", VERIFIED, ("s11", "s5"))
    assert consent(13, last_second, given, ended) == ("withdrawn", FAILED, ("s13", "s5", "s12"))
    assert consent(11, next_second, given) == ("ended", FAILED, ("s11", "s5"))
    assert consent(11, last_second) == ("unknown", NOT_PROVABLE, ("s11", "s5"))


def test_a_repeat_with_everything_that_follows() -> None:
    reminded = report(11, "reminder.shown", "SYN-B", reminder={"at": 900, "hook": "order-sign"}, report="s10")
    opened = report(12, "access.granted", "SYN-B", access=ACCESS, report="s10")
    why = {"reason": {"code": "patient-asks"}}
    named = {"access": "s12", "repeats": "s10", "reminder": "s11"}
    order = report(13, "repeat.ordered", "SYN-B", policy=POLICY, **named, **why, **DECIDED)
    told_patient = report(
        14, "explanation.given", "SYN-B", explanation={"at": 1_100, "of": ["necessity"]}, explains="s13"
    )
    again = stated(15, "report.issued", "SYN-B", "again", document=DOCUMENT)
    result = report(16, "repeat.resulted", "SYN-B", outcome={"compared": "differs"}, order="s13", result="s15")
    review = report(17, "repeat.reviewed", QUALITY, review={"finding": "unnecessary"}, reviews="s13")
    facts = facts_of(ISSUED, reminded, opened, order, told_patient, again, result, review)
    assert told(facts)[3:] == [
        ("reminded", "order-sign", VERIFIED),
        ("opened", "granted", VERIFIED),
        ("opened-current", "current", VERIFIED),
        ("decided", "repeat.ordered", VERIFIED),
        ("decided-version", "current", VERIFIED),
        ("policy-published", "published", VERIFIED),
        ("eligible", "yes", VERIFIED),
        ("reason-listed", "listed", VERIFIED),
        ("explained", "given", VERIFIED),
        ("resulted", "differs", VERIFIED),
        ("reviewed", "unnecessary", VERIFIED),
    ]
    assert one(facts, "decided").statements == ("s13", "s10", "s12", "s11")
    assert one(facts, "resulted").statements == ("s16", "s13", "s15")
    assert one(facts, "reviewed").institution == QUALITY


def test_a_repeat_with_nothing_that_follows() -> None:
    why = {"reason": {"code": "other"}}
    order = report(12, "repeat.ordered", "SYN-B", policy=POLICY, access="s11", repeats="s10", **why)
    facts = facts_of(ISSUED, OPENED, order)
    assert told(facts)[-4:] == [
        ("eligible", "unknown", NOT_PROVABLE),
        ("reason-listed", "listed", VERIFIED),
        ("explained", "owed", NOT_PROVABLE),
        ("resulted", "none", NOT_PROVABLE),
    ]
    missing = one(facts, "eligible").details["missing"]
    assert {"decided", "extent", "issuer.tier"} <= set(missing)


def test_a_policy_that_nobody_published() -> None:
    unknown = {"policy": "SYN-unknown", "version": "1"}
    why = {"reason": {"code": "other"}}
    declined = report(12, "recognition.declined", "SYN-B", policy=unknown, access="s11", report="s10", **why)
    assert told(facts_of(ISSUED, OPENED, declined))[-4:] == [
        ("policy-published", "no", NOT_PROVABLE),
        ("eligible", "no-policy", NOT_CHECKED),
        ("reason-listed", "no-list", NOT_PROVABLE),
        ("explained", "none", NOT_PROVABLE),
    ]


def test_a_policy_published_after_the_decision_does_not_count() -> None:
    known = [*rules()[:4], published(20, BUREAU, ZHANJIANG)]
    accepted = report(12, "recognition.accepted", "SYN-B", policy=POLICY, access="s11", report="s10", **DECIDED)
    assert told(facts_of(ISSUED, OPENED, accepted, known=known))[-2:] == [
        ("policy-published", "no", NOT_PROVABLE),
        ("eligible", "no-policy", NOT_CHECKED),
    ]


def test_two_publications_of_one_version() -> None:
    """With a digest it is clear which is meant; without one it is not, and none is chosen."""
    known = [*rules(), published(5, "SYN-BUREAU-2", ZHANJIANG | {"number": "SYN-1"})]
    for named, says, claim, eligible in (
        (POLICY, "contradictory", VERIFIED, ("yes", VERIFIED)),
        ({"policy": "zhanjiang-2024", "version": "1"}, "several", NOT_PROVABLE, ("no-policy", NOT_CHECKED)),
    ):
        accepted = report(12, "recognition.accepted", "SYN-B", policy=named, access="s11", report="s10", **DECIDED)
        facts = facts_of(ISSUED, OPENED, accepted, known=known)
        assert told(facts)[-2:] == [("policy-published", says, claim), ("eligible", *eligible)]


def test_what_became_of_statements() -> None:
    correction = report(12, "statement.corrected", "SYN-A", correction={"parts": ["examination"]}, corrects="s10")
    erased = report(13, "content.erased", "SYN-A", erasure={"parts": ["note"], "basis": "asked"}, erases="s10")
    export = {"bytes": 9, "disclosed": ["document"], "sha256": "ab" * 32, "withheld": ["note", "result"]}
    exported = report(14, "evidence.exported", "SYN-B", export=export, about="s10")
    facts = facts_of(ISSUED, correction, erased, exported)
    assert told(facts) == [
        ("issued", "issued", VERIFIED),
        # The examination was wrong, and what is right was not said.
        ("qualified", "unknown", NOT_PROVABLE),
        ("corrected", "corrected", VERIFIED),
        ("erased", "erased", VERIFIED),
        ("exported", "exported", VERIFIED),
    ]
    assert facts[-1].zh == "SYN-B导出证据（披露：document；未披露：note、result）"


def test_under_which_insurance_a_decision_is_said_to_stand() -> None:
    insurance = {"insurer": "SYN-INSURER", "of": "cover", "reference": f"p1.{'0a' * 8}.{'1b' * 32}"}
    said = {"policy": POLICY, "access": "s11", "report": "s10", "insurance": insurance}
    insured = one(facts_of(ISSUED, OPENED, report(12, "recognition.accepted", "SYN-B", **said, **DECIDED)), "insured")
    assert (insured.says, insured.claim, insured.statements) == ("cover", VERIFIED, ("s12",))
    assert insured.en == f"SYN-B said that SYN-INSURER insures this decision (number '{insurance['reference']}')"


def test_a_correction_counts_from_when_it_was_said() -> None:
    """The decision at 12 is judged by the item as it stood then; what is told of the report is corrected."""
    accepted = report(12, "recognition.accepted", "SYN-B", policy=POLICY, access="s11", report="s10", **DECIDED)
    right = {"correction": {"parts": ["examination"]}, "examination": EXAMINATION | {"category": "pathology"}}
    corrected = report(13, "statement.corrected", "SYN-A", corrects="s10", **right)
    again = report(14, "recognition.accepted", "SYN-B", policy=POLICY, access="s11", report="s10", **DECIDED)
    facts = facts_of(ISSUED, OPENED, accepted, corrected, again)
    assert [fact.says for fact in facts if fact.code == "eligible"] == ["yes", "no"]


def test_no_fact_is_a_verdict() -> None:
    words = ("liable", "guilt", "fault", "blame", "negligen", "责任", "过错", "过失", "违规", "违法")
    for code, says in ANSWERS:
        values = dict.fromkeys(VALUES, "x")
        for text in sentence(code, says, values):
            assert text and not any(word in text for word in words), (code, says)


VALUES = (
    *("basis", "clause", "clauses", "custodian", "day", "disclosed", "edition", "item", "mark", "missing", "of", "old"),
    *("parts", "performer", "policy", "reason", "seconds", "state", "state_zh", "until", "version", "who", "withheld"),
    *("entry", "insurer", "issuer", "origin", "reference"),
)


def test_the_page_lists_every_claim_and_answer() -> None:
    page = (Path(__file__).parents[2] / "docs" / "RESPONSIBILITY.md").read_text("utf-8")
    rows = [row.split("|")[1:-1] for row in page.splitlines() if row.startswith("| `") and row.count("|") == 6]
    listed = {
        (row[0].strip(" `"), answer) for row in rows for cell in row[2:] for answer in re.findall("`([^`]+)`", cell)
    }
    never_checked = {("eligible", "no-policy"), ("imported-witnessed", "named")}
    assert listed | never_checked == ANSWERS, "those that are never checked stand below the table"


def test_what_is_not_said_is_said_not_to_be() -> None:
    opened = report(11, "access.granted", "SYN-B", report="s10")
    assert one(facts_of(ISSUED, opened), "opened").en == "SYN-B opened version 1, on the basis (not said)"
    assert one(facts_of(ISSUED, opened), "opened").zh == "SYN-B调阅第1版，依据“（未载明）”"
