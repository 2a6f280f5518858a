"""What counts once, what counts nothing, what is taken away, and what is refused."""

import secrets
from collections.abc import Callable
from hashlib import sha256

import pytest

from anchors.core.encoding import encode_hex
from anchors.core.errors import VerificationFailed
from ledger_service.kind_rules import policy_subject
from ledger_service.parts import Policy
from ledger_service.storage.links import encode_links
from ledger_service.usecases.taken_apart import take_apart
from tests.fixtures.parts import EXAMPLES, RULES, rules_digest
from tests.recognition.counted import CountedLog, Said, by, counts

EAST, WEST, LAB, CENTRE = "SYN-EAST", "SYN-WEST", "SYN-LAB", "SYN-CENTRE"


@pytest.fixture
def log() -> CountedLog:
    """An empty log."""
    return CountedLog()


def net(log: CountedLog, figure: str) -> int:
    """What is left of a figure."""
    return log.count().figures[figure].net


# Once


def test_a_recognition_counts_once_for_a_recogniser_and_a_version(log: CountedLog) -> None:
    report = log.report(LAB)
    for _ in range(5):
        log.recognise(EAST, report)
    log.recognise(WEST, report)
    figures = log.count()
    assert figures.figures["recognitions"].gross == 2 and figures.said_again == 4
    log.recognise(EAST, log.amend(report))
    assert log.count().figures["recognitions"].gross == 3


def test_a_refusal_counts_once_for_each_reason(log: CountedLog) -> None:
    report = log.report(LAB)
    for code in ("emergency", "emergency", "patient-asks"):
        log.decline(EAST, report, code)
    figures = log.count()
    assert figures.figures["refusals"].gross == 2 and figures.said_again == 1


def test_every_repeat_and_every_access_counts(log: CountedLog) -> None:
    report = log.report(LAB)
    log.repeat(EAST, report, "emergency")
    log.repeat(EAST, report, "emergency")
    assert counts(log.count()) == {"accesses": (2, 0), "repeats": (2, 0)}


def test_findings_that_contradict_each_other_are_both_told(log: CountedLog) -> None:
    repeat = log.repeat(EAST, log.report(LAB), "emergency")
    for finding, of in (("necessary", CENTRE), ("necessary", "SYN-OTHER"), ("unnecessary", CENTRE)):
        last = log.say(of, "repeat.reviewed", repeat.subject, reviews=repeat, review={"finding": finding})
    assert (net(log, "repeatsNecessary"), net(log, "repeatsUnnecessary")) == (1, 1)
    log.correct(last)
    assert (net(log, "repeatsNecessary"), net(log, "repeatsUnnecessary")) == (1, 0)


# Taken away


def test_what_is_corrected_is_taken_away_once(log: CountedLog) -> None:
    recognised = log.recognise(EAST, log.report(LAB))
    log.correct(log.correct(recognised))
    log.correct(recognised)
    figures = log.count().figures
    assert (figures["recognitions"].gross, figures["recognitions"].subtracted) == (1, 1)
    assert figures["corrections"].gross == 1  # the others changed nothing


def test_what_is_said_again_stands_where_it_was_said_first(log: CountedLog) -> None:
    report = log.report(LAB)
    first = log.recognise(EAST, report, "2026-03-01T12:00+08:00")
    again = log.recognise(EAST, report, "2026-04-01T12:00+08:00")
    log.correct(first)
    assert by(log.count(), "month", "recognitions") == {"2026-03": (1, 0)}
    log.correct(again)
    assert by(log.count(), "month", "recognitions") == {"2026-03": (1, 1)}
    log.recognise(EAST, report, "2026-05-01T12:00+08:00")
    assert by(log.count(), "month", "recognitions") == {"2026-03": (1, 0)}


def test_all_decisions_fall_with_their_report(log: CountedLog) -> None:
    report = log.report(LAB)
    log.recognise(EAST, report)
    second = log.amend(report)
    log.recognise(EAST, second)
    log.decline(WEST, second, "emergency")
    repeat = log.repeat(WEST, second, "emergency")
    log.say(CENTRE, "repeat.reviewed", repeat.subject, reviews=repeat)
    log.withdraw(second)
    figures = log.count().figures
    fallen = {name: (one.gross, one.subtracted) for name, one in figures.items() if one.subtracted}
    assert fallen == {
        "recognitions": (2, 2),
        "refusals": (1, 1),
        "repeats": (1, 1),
        "repeatsUnnecessary": (1, 1),
        "unpriced": (2, 2),
    }
    assert figures["accesses"].net == 4


def test_what_is_decided_knowingly_on_a_withdrawn_report_falls_at_once(log: CountedLog) -> None:
    report = log.report(LAB)
    access = log.open(EAST, report)
    log.withdraw(report)
    fields = {"access": access, "report": report, "knowingly": {"version": "withdrawn"}}
    log.say(EAST, "recognition.accepted", report.subject, **fields)
    figures = log.count()
    assert figures.broken == {} and counts(figures)["recognitions"] == (1, 1)


def test_a_review_falls_with_its_repeat(log: CountedLog) -> None:
    repeat = log.repeat(EAST, log.report(LAB), "emergency")
    log.say(CENTRE, "repeat.reviewed", repeat.subject, reviews=repeat)
    log.correct(repeat)
    assert (net(log, "repeats"), net(log, "repeatsUnnecessary")) == (0, 0)


def test_a_reminder_is_followed_by_its_own_hospital_on_the_same_report_later(log: CountedLog) -> None:
    report, other = log.report(LAB), log.report(LAB)
    log.recognise(EAST, report)
    log.remind(EAST, report)
    log.remind(WEST, other)
    log.recognise(WEST, report)
    log.recognise(EAST, other)
    assert net(log, "remindersFollowed") == 0
    log.remind(WEST, other)
    followed = log.recognise(WEST, other)
    assert net(log, "remindersFollowed") == 2
    log.correct(followed)
    assert (net(log, "remindersFollowed"), net(log, "remindersShown")) == (0, 3)


def test_a_reminder_is_followed_once_and_only_by_what_came_after_it(log: CountedLog) -> None:
    report = log.report(LAB)
    log.recognise(EAST, report)
    log.remind(EAST, report)
    second = log.amend(report)
    followed = log.recognise(EAST, second)
    log.recognise(EAST, log.amend(second))
    assert counts(log.count())["remindersFollowed"] == (1, 0)
    log = log.until(followed)
    log.correct(followed)
    assert counts(log.count())["remindersFollowed"] == (1, 1)  # the first recognition stands, but came before


def test_a_second_correction_of_one_statement_changes_nothing(log: CountedLog) -> None:
    report = log.report(LAB)
    first = log.recognise(EAST, report)
    log.recognise(EAST, report)
    log.correct(first)
    log.correct(first)
    assert counts(log.count())["recognitions"] == (1, 0)


def test_a_withdrawal_is_evidence_once(log: CountedLog) -> None:
    report = log.report(LAB)
    for hospital in (EAST, WEST):
        log.recognise(hospital, report)
    withdrawn = log.withdraw(report)
    against = log.count().figures["recognitions"].against
    assert against == sha256(b"\x00" + withdrawn.id).digest()


# Rules and prices


def test_prices_are_those_of_the_catalogue_in_force(log: CountedLog) -> None:
    log.catalogue({"S-001": 1_000}, "2026-01-01")
    log.catalogue({"S-001": 2_000, "S-009": 5}, "2026-04-01", version="2026-04")
    for day in ("2025-12-31", "2026-03-31", "2026-04-01"):
        log.recognise(EAST, log.report(LAB), f"{day}T12:00+08:00")
    figures = log.count("2025-01-01")
    assert by(figures, "month", "savings") == {"2026-03": (1_000, 0), "2026-04": (2_000, 0)}
    assert by(figures, "month", "unpriced") == {"2025-12": (1, 0)}


def test_a_price_published_later_changes_nothing_said_before(log: CountedLog) -> None:
    log.catalogue({"S-001": 1_000})
    report = log.report(LAB)
    log.recognise(EAST, report)
    log.catalogue({"S-001": 9_000})  # the same version from the same day on, with another price
    log.recognise(WEST, log.report(LAB))
    log.withdraw(report)
    figures = log.count()
    assert counts(figures)["savings"] == (1_000, 1_000) and counts(figures)["unpriced"] == (1, 0)


@pytest.mark.parametrize(("other", "saved"), [(1_000, 1_000), (2_000, 0), (None, 1_000)])
def test_two_catalogues_agree_or_the_price_is_unknown(log: CountedLog, other: int | None, saved: int) -> None:
    log.catalogue({"S-001": 1_000})
    log.catalogue({"S-001": other}, catalogue="SAMPLE-other")
    log.recognise(EAST, log.report(LAB))
    assert (net(log, "savings"), net(log, "unpriced")) == (saved, int(not saved))


def test_sections_of_a_catalogue_belong_together_and_a_version_without_the_item_ends_its_price(log: CountedLog) -> None:
    log.catalogue({"S-001": 1_000}, section=1, sections=2)
    log.catalogue({"S-002": 2_000}, section=2, sections=2)
    log.recognise(EAST, log.report(LAB, "S-002"))
    assert net(log, "savings") == 2_000
    log.catalogue({"S-001": 1_500}, "2026-02-01", version="2026-02")
    log.recognise(EAST, log.report(LAB, "S-002"))
    assert (net(log, "savings"), net(log, "unpriced")) == (2_000, 1)


def test_an_institution_is_what_its_profile_said_on_that_day(log: CountedLog) -> None:
    log.profile(EAST, 2, "private", "东区", "2026-01-01")
    log.profile(EAST, 3, "public", "东区", "2026-04-01")
    first = log.recognise(EAST, log.report(LAB), "2026-03-31T12:00+08:00")
    log.recognise(EAST, log.report(LAB), "2026-04-01T12:00+08:00")
    log.profile(EAST, 1, "public", "西区", "2026-01-01")
    log.correct(first)
    log.recognise(WEST, log.report(LAB), "2026-03-31T12:00+08:00")
    log.recognise(EAST, log.report(LAB), "2026-03-31T12:00+08:00")
    figures = log.count()
    # The commission says two things of one day: both are public or private, and of one city, but of no known tier.
    assert by(figures, "tier", "recognitions") == {"2": (1, 1), "3": (1, 0), "": (2, 0)}
    assert by(figures, "city", "recognitions") == {EXAMPLES["profile"]["city"]: (3, 1), "": (1, 0)}


def tier_of(log: CountedLog) -> str:
    """The tier under which a recognition by EAST is counted now."""
    before = by(log.count(), "tier", "recognitions")
    log.recognise(EAST, log.report(LAB))
    (changed,) = by(log.count(), "tier", "recognitions").items() - before.items()
    return changed[0]


def described(log: CountedLog, tier: int, by: str = "COMMISSION", **more: Said) -> Said:
    """EAST is described."""
    profile = EXAMPLES["profile"] | {"institution": EAST, "tier": tier}
    return log.say(by, "institution.profiled", secrets.token_bytes(32), profile=profile, **more)


def test_which_profile_holds_is_what_the_book_of_rules_says(log: CountedLog) -> None:
    first = described(log, 2)
    assert tier_of(log) == "2"
    other = described(log, 3, "COMMISSION-2")
    assert tier_of(log) == "", "two publishers, and neither wins"
    described(log, 3, replaces=first)
    assert tier_of(log) == "3"
    right = EXAMPLES["profile"] | {"institution": EAST, "tier": 1}
    log.say(
        other.by, "statement.corrected", other.subject, corrects=other, correction={"parts": ["profile"]}, profile=right
    )
    assert tier_of(log) == ""
    assert by(log.count(), "tier", "recognitions") == {"2": (1, 0), "3": (1, 0), "": (2, 0)}


def test_a_corrected_price_is_right_from_then_on(log: CountedLog) -> None:
    wrong = log.catalogue({"S-001": 1_000})
    first = log.report(LAB)
    log.recognise(EAST, first)
    value = EXAMPLES["catalogue"] | {
        "items": [{"category": "laboratory", "item": "S-001", "name": "（样例）", "price": 1_200}]
    }
    log.say(
        wrong.by,
        "statement.corrected",
        wrong.subject,
        corrects=wrong,
        correction={"parts": ["catalogue"]},
        catalogue=value,
    )
    log.recognise(EAST, log.report(LAB))
    assert counts(log.count())["savings"] == (2_200, 0) and "corrections" not in counts(log.count())
    log.withdraw(first)
    assert counts(log.count())["savings"] == (2_200, 1_000)


# Broken rules


def _without_access(log: CountedLog, report: Said) -> None:
    log.say(EAST, "recognition.accepted", report.subject, report=report)


def _with_anothers_access(log: CountedLog, report: Said) -> None:
    log.say(EAST, "recognition.accepted", report.subject, access=log.open(WEST, report), report=report)


def _of_a_version_not_opened(log: CountedLog, report: Said) -> None:
    access = log.open(EAST, report)
    log.say(EAST, "recognition.accepted", report.subject, access=access, report=log.amend(report))


def _of_an_old_version_unknowingly(log: CountedLog, report: Said) -> None:
    access = log.open(EAST, report)
    log.amend(report)
    log.say(EAST, "recognition.accepted", report.subject, access=access, report=report)


def _of_a_refused_access(log: CountedLog, report: Said) -> None:
    denied = log.say(EAST, "access.denied", report.subject, report=report)
    log.say(EAST, "recognition.accepted", report.subject, access=denied, report=report)


def _about_another_subject(log: CountedLog, report: Said) -> None:
    access = log.open(EAST, report)
    log.say(EAST, "recognition.accepted", log.report(LAB).subject, access=access, report=report)


def _about_nothing(log: CountedLog, report: Said) -> None:
    access = log.open(EAST, report)
    log.say(EAST, "recognition.accepted", secrets.token_bytes(32), access=access, report=report)


def _without_policy(log: CountedLog, report: Said) -> None:
    access = log.open(EAST, report)
    values = [{"rel": rel, "statement": encode_hex(to.id)} for rel, to in (("access", access), ("report", report))]
    log.say(EAST, "repeat.resulted", report.subject, note="x")  # broken itself: it has no links
    log.say(EAST, "recognition.accepted", report.subject, policy={"policy": "x"}, links=values)


def _with_a_reason_of_another_form(log: CountedLog, report: Said) -> None:
    access = log.open(EAST, report)
    log.say(EAST, "recognition.declined", report.subject, access=access, report=report, reason={"why": "x"})


def _a_report_twice(log: CountedLog, report: Said) -> None:
    log.say(WEST, "report.issued", report.subject)


def _anothers_report_amended(log: CountedLog, report: Said) -> None:
    log.say(WEST, "report.amended", report.subject, replaces=report)


def _withdrawn_twice(log: CountedLog, report: Said) -> None:
    log.withdraw(report)
    log.withdraw(report)


def _an_emergency_recorded_late(log: CountedLog, report: Said) -> None:
    access = {"at": 1_760_000_000, "basis": "emergency"}
    log.say(EAST, "access.emergency", report.subject, report=report, access=access)


def _on_an_access_that_breaks_a_rule(log: CountedLog, report: Said) -> None:
    access = {"at": 1_760_000_000, "basis": "emergency"}
    late = log.say(EAST, "access.emergency", report.subject, report=report, access=access)
    log.say(EAST, "recognition.accepted", report.subject, access=late, report=report)


def _anothers_statement_corrected(log: CountedLog, report: Said) -> None:
    log.say(WEST, "statement.corrected", report.subject, corrects=report)


def _of_an_unknown_kind(log: CountedLog, report: Said) -> None:
    log.say(EAST, "report.praised", report.subject, note="x")


@pytest.mark.parametrize(
    ("tell", "broken"),
    [
        (_without_access, {"invalid-links": 1}),
        (_with_anothers_access, {"link-refused": 1}),
        (_of_a_version_not_opened, {"link-refused": 1}),
        (_of_an_old_version_unknowingly, {"not-said-knowingly": 1}),
        (_of_a_refused_access, {"link-refused": 1}),
        (_about_another_subject, {"link-refused": 1}),
        (_about_nothing, {"subject-unknown": 1}),
        (_without_policy, {"invalid-part": 1, "missing-part": 1}),
        (_with_a_reason_of_another_form, {"invalid-part": 1}),
        (_a_report_twice, {"subject-taken": 1}),
        (_anothers_report_amended, {"not-owner": 1}),
        (_withdrawn_twice, {"not-current": 1}),
        (_an_emergency_recorded_late, {"not-said-late": 1}),
        (_on_an_access_that_breaks_a_rule, {"not-said-late": 1, "rests-on-broken": 1}),
        (_anothers_statement_corrected, {"link-refused": 1}),
        (_of_an_unknown_kind, {"unknown-kind": 1}),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_what_breaks_a_rule_counts_nothing_and_is_counted_as_such(
    log: CountedLog, tell: Callable[[CountedLog, Said], None], broken: dict[str, int]
) -> None:
    tell(log, log.report(LAB))
    figures = log.count()
    assert figures.broken == broken
    assert counts(figures).keys() <= {"accesses", "accessesDenied"}
    assert log.count("2025-01-01", "2025-12-31").broken == {}


def test_a_decision_is_bound_to_the_very_rules_it_links_to(log: CountedLog) -> None:
    named = {"digest": rules_digest(RULES), "policy": "SAMPLE-policy", "version": "2026-01"}
    subject = policy_subject(Policy(**named))
    published = log.say("COMMISSION", "policy.published", subject, rules=RULES)
    for version in ("2026-01", "2026-02"):
        report = log.report(LAB)
        to = {"access": log.open(EAST, report), "report": report, "policy": published}
        links = [{"rel": rel, "statement": encode_hex(target.id)} for rel, target in to.items()]
        said = log.say(EAST, "recognition.accepted", report.subject, policy=named | {"version": version}, links=links)
        log.change(said.position, links=encode_links({rel: one.position for rel, one in to.items()}))
    figures = log.count()
    assert counts(figures)["recognitions"] == (1, 0) and figures.broken == {"policy-differs": 1}


def test_a_successor_speaks_for_whom_it_took_over(log: CountedLog) -> None:
    report = log.report(LAB)
    log.recognise(EAST, report)
    log.say("SYN-NEWLAB", "report.withdrawn", report.subject, replaces=report)
    assert log.count().broken == {"not-owner": 1}
    log.successor = {LAB: "SYN-MIDDLE", "SYN-MIDDLE": "SYN-NEWLAB"}
    figures = log.count()
    assert figures.broken == {} and counts(figures)["recognitions"] == (1, 1)


# What is refused


def test_a_changed_part_is_refused(log: CountedLog) -> None:
    declined = log.decline(EAST, log.report(LAB), "emergency")
    log.change(declined.position, parts=log.rows[declined.position].parts.replace(b"emergency", b"emergence"))
    with pytest.raises(VerificationFailed, match=f"the content at {declined.position} "):
        log.count(with_gaps=True)


def test_a_changed_entry_is_refused(log: CountedLog) -> None:
    report = log.report(LAB)
    entry = log.rows[report.position].entry
    log.change(report.position, entry=entry[:159] + bytes([entry[159] ^ 1]) + entry[160:])
    with pytest.raises(VerificationFailed, match=f"the entry at {report.position} "):
        log.count(with_gaps=True)


def test_an_index_that_leads_elsewhere_is_refused(log: CountedLog) -> None:
    first, second = log.report(LAB), log.report(LAB, "S-002")
    access = log.open(EAST, first)
    log.change(access.position, links=encode_links({"report": second.position}))
    with pytest.raises(VerificationFailed, match=f"entry {access.position}: the index takes entry {second.position} "):
        log.count()


@pytest.mark.parametrize(
    ("before", "after", "problem"),
    [
        (b'{\\"code\\":\\"emergency\\"}', b'{\\"code\\":\\"x\\",\\"code\\":\\"emergency\\"}', "invalid-part"),
        (b'{\\"code\\":', b'{\\"code\\": ', "invalid-part"),
        (b"},{", b"};{", "invalid-links"),
        (b"},{", b"}{", "invalid-links"),
        (b"0x", b"0X", "invalid-links"),
        (b'\\"name\\":\\"policy\\"', b'\\"name\\":\\"reason\\"', "malformed-part"),
        (b'\\"name\\":\\"policy\\"', b'\\"name\\":\\"other\\"', "missing-part"),
        (b'\\"salt\\":\\"', b'\\"salt\\":\\"x', "malformed-part"),
    ],
)
def test_parts_that_no_door_took_are_told_apart(log: CountedLog, before: bytes, after: bytes, problem: str) -> None:
    declined = log.rows[log.decline(EAST, log.report(LAB), "emergency").position]
    assert take_apart(declined).problem == "" and before in declined.parts
    assert take_apart(declined._replace(parts=declined.parts.replace(before, after, 1))).problem == problem


@pytest.mark.parametrize("what", ["entry", "content"])
def test_a_gap_is_refused_or_told(log: CountedLog, what: str) -> None:
    log.recognise(EAST, log.report(LAB))
    lost = log.report(LAB)
    log.recognise(EAST, lost)
    size = len(log.rows)
    if what == "entry":
        del log.rows[lost.position]
    else:
        log.change(lost.position, parts=None)
    with pytest.raises(VerificationFailed, match=f"the {what} at {lost.position} is missing"):
        log.count(size=size)
    figures = log.count(size=size, with_gaps=True)
    assert figures.document()["gaps"] == {"count": 1, "first": lost.position} and figures.root is None
    assert counts(figures)["recognitions"] == (1, 0)
    assert figures.broken == {"subject-unknown": 2}


def test_a_log_shorter_than_said_has_a_gap_at_its_end(log: CountedLog) -> None:
    log.report(LAB)
    with pytest.raises(VerificationFailed, match="the entry at 1 is missing"):
        log.count(size=3)
    assert log.count(size=3, with_gaps=True).document()["gaps"] == {"count": 2, "first": 1}


def test_an_erased_personal_part_changes_no_figure(log: CountedLog) -> None:
    report = log.report(LAB, note="（合成）张三")
    log.recognise(EAST, report)
    before = log.count()
    log.erase(report, "note")
    assert log.count() == before and before.figures["recognitions"].gross == 1


def test_a_part_may_name_what_its_form_takes_for_granted(log: CountedLog) -> None:
    """Then typed encoding does not give its text again; it has its form all the same."""
    examination = EXAMPLES["examination"] | {"channel": "platform", "complete": True}
    issued = {"document": EXAMPLES["document"], "examination": examination}
    log.say(EAST, "report.issued", secrets.token_bytes(32), **issued)
    assert log.count().broken == {}
    log.say(
        EAST, "report.issued", secrets.token_bytes(32), **(issued | {"examination": examination | {"channel": "fax"}})
    )
    assert log.count().broken == {"invalid-part": 1}
