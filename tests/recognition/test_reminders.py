"""What a doctor is reminded of, by Zhanjiang's policy and by made-up ones. Every expectation is written by hand."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from anchors.core.statement import Statement
from ledger_service.originals import Original
from ledger_service.recognition.book import Book
from ledger_service.recognition.cards import SUMMARY_CHARACTERS, card_of, escaped, reason_system
from ledger_service.recognition.policies import shipped_policy
from ledger_service.recognition.reminders import (
    Asked,
    Code,
    Hook,
    Order,
    PassedOver,
    Reminder,
    Reminders,
    remind,
    would_repeat,
)
from ledger_service.recognition.stated import Stated
from tests.recognition.stories import BUREAU, QUALITY, book_of, codemap, profile, published, qualification, stated

ZHANJIANG = json.loads(shipped_policy("zhanjiang-2024"))
NOON = datetime(2026, 3, 10, 4, 0, tzinfo=UTC)  # noon of the tenth in Zhanjiang
BLOOD = {"at": "2026-03-01T08:30+08:00", "category": "laboratory", "item": "S-001", "system": "SYN-local"}
CODED = BLOOD | {"item": "N-2", "system": "SYN-national"}
CHEST = {"at": "2026-03-02T08:30+08:00", "category": "imaging", "item": "S-900", "system": "SYN-local"}
CATALOGUE = {
    "catalogue": "SYN-local",
    "version": "2026",
    "since": "2026-01-01",
    "section": 1,
    "sections": 1,
    "items": [
        {"item": "S-001", "category": "laboratory", "name": "（样例）血细胞分析"},
        {"item": "S-900", "category": "imaging", "name": "（样例）胸部CT平扫"},
    ],
}


def rules(policy: dict[str, Any] = ZHANJIANG) -> list[Stated]:
    """Two hospitals of one city, of which SYN-A is qualified; a catalogue, national codes, a policy."""
    return [
        stated(0, "institution.profiled", BUREAU, "a", profile=profile("SYN-A", "2026-01-01")),
        stated(1, "institution.profiled", BUREAU, "b", profile=profile("SYN-B", "2026-01-01", tier=2)),
        stated(2, "qualification.granted", QUALITY, "q", qualification=valid("laboratory")),
        stated(3, "qualification.granted", QUALITY, "r", qualification=valid("imaging")),
        stated(4, "catalogue.published", BUREAU, "c", catalogue=CATALOGUE),
        stated(5, "codemap.published", BUREAU, "m", codemap=codemap([("N-1", "S-001"), ("N-2", "S-001")])),
        published(6, BUREAU, policy),
    ]


def valid(category: str) -> dict[str, Any]:
    return qualification("SYN-A", "2026-01-01", "2026-12-31", category=category)


def issued(subject: str, index: int, by: str = "SYN-A", **examination: Any) -> Stated:
    """A report of a blood count, marked as it should be; members replace its own."""
    return stated(index, "report.issued", by, subject, examination=BLOOD | {"marks": ["湛江市 HR"]} | examination)


def ask(
    *timelines: list[Stated],
    hook: Hook = "patient-view",
    orders: tuple[Order, ...] = (),
    at: datetime = NOON,
    by: str = "SYN-B",
    book: Book | None = None,
) -> Reminders:
    asked = Asked(by, frozenset({by}), hook, at, orders)
    return remind(asked, {each[0].subject: each for each in timelines}, book or book_of(*rules()), 100)


def ordered(*codes: tuple[str, str], reference: str = "") -> Order:
    return Order(tuple(Code(*pair) for pair in codes), reference)


def only(found: Reminders) -> Reminder:
    assert len(found.reminders) == 1 and not found.passed_over, found
    return found.reminders[0]


def passed(found: Reminders) -> PassedOver:
    assert not found.reminders and len(found.passed_over) == 1, found
    return found.passed_over[0]


def warnings(reminder: Reminder) -> list[tuple[str, str]]:
    return [(warning.code, warning.clause) for warning in reminder.decision.warnings]


def brought_in(report: Stated, by: str) -> Stated:
    """A report as another hospital brought it in from another log."""
    there = Statement("report.issued", report.institution, b"\x05" * 32, 0, 0, bytes(32), bytes(32))
    original = Original("ledger.example/elsewhere", b"\x06" * 32, 4, bytes(32), there, dict(report.parts), b"")
    return replace(report, kind="import.issued", institution=by, original=original)


def test_a_result_that_the_hospital_brought_in_from_another_log() -> None:
    report, book = issued("r", 10), book_of(*rules())
    # Who brought it in is not who issued it.
    assert only(ask([brought_in(report, "SYN-B")], book=book)) == only(ask([report], book=book))
    wrong = {"correction": {"parts": ["examination"]}, "examination": CHEST}
    corrected = stated(11, "statement.corrected", "SYN-B", "r", corrects="s10", **wrong)
    assert only(ask([brought_in(report, "SYN-B"), corrected])).item == "S-001", "it corrects nothing of what is theirs"
    withdrawn = stated(12, "import.withdrawn", "SYN-B", "r", replaces="s10")
    assert passed(ask([brought_in(report, "SYN-B"), withdrawn])).code == "withdrawn"


def test_a_result_of_another_hospital() -> None:
    found = only(ask([issued("r", 10)]))
    assert (found.report, found.issuer, found.issuer_name) == ("s10", "SYN-A", "（合成）SYN-A")
    assert (found.item, found.is_mapped, found.item_name) == ("S-001", True, "（样例）血细胞分析")
    assert (found.policy.policy, found.policy.statement) == ("zhanjiang-2024", "s6")
    assert found.clauses == [
        ("in-force", "文末"),
        ("area", "四（一）"),
        ("category", "三"),
        ("catalogue", "三"),
        ("scope:tiers", "四（一）"),
        ("qualification", "五"),
    ]
    assert (warnings(found), found.inside_window, found.asked_by) == ([], True, "四（三）")
    assert [reason.code for reason in found.reasons][:2] == ["condition-changed", "changes-fast"]
    assert len(found.reasons) == 8


@pytest.mark.parametrize(
    ("examined", "outside"),
    [
        ("2026-02-24T23:59+08:00", False),  # day 14
        ("2026-02-23T23:59+08:00", True),  # day 15
        ("2026-02-23T16:00Z", False),  # the 24th in Zhanjiang
    ],
)
def test_outside_the_window_it_is_shown_with_a_warning_and_nobody_asks_for_it(examined: str, outside: bool) -> None:
    found = only(ask([issued("r", 10, at=examined)]))
    assert warnings(found) == ([("outside-window", "四（三）")] if outside else [])
    assert (found.inside_window, found.asked_by) == (not outside, "" if outside else "四（三）")


def test_an_excluded_category_is_passed_over_by_its_clause() -> None:
    found = passed(ask([issued("r", 10, category="pathology")]))
    assert (found.code, found.report, found.clauses) == ("not-called-for", "s10", ("三", "五"))


def test_what_was_withdrawn_is_passed_over() -> None:
    told = [issued("r", 10), stated(11, "report.withdrawn", "SYN-A", "r", reason={"code": "wrong"}, replaces="s10")]
    assert passed(ask(told)).code == "withdrawn"


def test_the_current_version_is_named() -> None:
    amended = stated(11, "report.amended", "SYN-A", "r", replaces="s10", examination=CODED)
    found = only(ask([issued("r", 10), amended]))
    assert (found.report, found.examination.item, warnings(found)) == ("s11", "N-2", [("mark-missing", "五")])
    withdrawn = stated(12, "report.withdrawn", "SYN-A", "r", reason={"code": "wrong"}, replaces="s11")
    assert passed(ask([issued("r", 10), amended, withdrawn])).code == "withdrawn"


def test_a_correction_counts() -> None:
    correction = stated(
        11, "statement.corrected", "SYN-A", "r", corrects="s10",
        correction={"parts": ["examination"]}, examination=BLOOD | {"category": "pathology"},
    )  # fmt: skip
    assert passed(ask([issued("r", 10), correction])).code == "not-called-for"


def test_an_unqualified_hospital_is_passed_over() -> None:
    suspended = stated(7, "qualification.suspended", QUALITY, "q", replaces="s2", since={"since": "2026-02-01"})
    found = passed(ask([issued("r", 10)], book=book_of(*rules(), suspended)))
    assert (found.code, found.clauses) == ("not-called-for", ("五",))


def test_a_lower_tier_recognises_a_higher_one_and_not_the_other_way() -> None:
    granted = stated(
        7, "qualification.granted", QUALITY, "s", qualification=valid("laboratory") | {"institution": "SYN-B"}
    )
    book = book_of(*rules(), granted)
    found = passed(ask([issued("r", 10, by="SYN-B")], by="SYN-A", book=book))
    assert found.code == "not-called-for" and set(found.clauses) == {"四（一）", "四（二）"}


def test_inside_an_alliance_tiers_do_not_matter() -> None:
    group = {"groups": [{"group": "county-close/SYN-1", "since": "2026-01-01"}]}
    more = [
        stated(7, "institution.profiled", BUREAU, "a2", replaces="s0", profile=profile("SYN-A", "2026-01-01", **group)),
        stated(
            8, "institution.profiled", BUREAU, "b2", replaces="s1",
            profile=profile("SYN-B", "2026-01-01", tier=2, **group),
        ),
        stated(
            9, "qualification.granted", QUALITY, "s", qualification=valid("laboratory") | {"institution": "SYN-B"}
        ),
    ]  # fmt: skip
    found = only(ask([issued("r", 10, by="SYN-B")], by="SYN-A", book=book_of(*rules(), *more)))
    assert ("scope:groups", "四（二）") in found.clauses


@pytest.mark.parametrize(
    ("told", "code"),
    [
        ([stated(10, "access.granted", "SYN-B", "r", report="s9")], "not-found"),
        ([stated(10, "report.issued", "SYN-A", "r")], "not-described"),
        ([issued("r", 10, by="SYN-B")], "own-report"),
        ([issued("r", 10, by="SYN-NOBODY")], "not-known"),
    ],
)
def test_why_others_are_passed_over(told: list[Stated], code: str) -> None:
    found = passed(ask(told))
    assert found.code == code and found.zh and found.en.isascii()


def test_what_is_too_long_to_be_read_is_passed_over() -> None:
    asked = Asked("SYN-B", frozenset({"SYN-B"}), "patient-view", NOON)
    found = passed(remind(asked, {b"r" * 32: None}, book_of(*rules()), 100))
    assert (found.subject, found.code, found.report) == (b"r" * 32, "too-long", "")


def test_what_is_missing_is_named() -> None:
    assert "issuer.tier" in passed(ask([issued("r", 10, by="SYN-NOBODY")])).missing


def test_where_no_policy_is_in_force() -> None:
    other = stated(7, "institution.profiled", BUREAU, "n", profile=profile("SYN-N", "2026-01-01", city="999900"))
    book = book_of(*rules(), other)
    assert passed(ask([issued("r", 10)], by="SYN-N", book=book)).code == "no-policy"
    assert passed(ask([issued("r", 10)], by="SYN-UNKNOWN", book=book)).code == "no-policy"
    assert passed(ask([issued("r", 10)], at=datetime(2029, 1, 24, 16, 0, tzinfo=UTC))).code == "no-policy"


def test_a_policy_begins_and_ends_by_its_own_zone() -> None:
    """The last day of this one is 24 January 2029 in Zhanjiang, which ends at 16:00 UTC."""
    last = datetime(2029, 1, 24, 15, 59, tzinfo=UTC)
    examined = {"at": "2029-01-20T08:30+08:00"}
    granted = stated(
        7, "qualification.granted", QUALITY, "s",
        qualification=qualification("SYN-A", "2028-06-01", "2029-12-31"),
    )  # fmt: skip
    book = book_of(*rules(), granted)
    assert only(ask([issued("r", 10, **examined)], at=last, book=book)).report == "s10"
    after = passed(ask([issued("r", 10, **examined)], at=last + timedelta(minutes=1), book=book))
    assert after.code == "no-policy"


def test_of_one_item_only_the_newest() -> None:
    told = [
        [issued("old", 10, at="2026-03-01T08:30+08:00")],
        [issued("new", 11, at="2026-03-03T08:30+08:00", item="N-1", system="SYN-national")],
        [stated(12, "report.issued", "SYN-A", "ct", examination=CHEST | {"marks": ["湛江市 HR"]})],
    ]
    found = ask(*told)
    assert [each.report for each in found.reminders] == ["s11", "s12"]
    assert [(each.report, each.code) for each in found.passed_over] == [("s10", "newer")]


@pytest.mark.parametrize(
    ("codes", "repeats"),
    [
        ([("SYN-local", "S-001")], True),
        ([("SYN-national", "N-1")], True),
        ([("SYN-national", "N-2")], True),
        ([("SYN-other", "X"), ("SYN-local", "S-001")], True),
        ([("SYN-local", "S-002")], False),
        ([("SYN-other", "S-001")], False),
        ([("SYN-national", "N-9")], False),
        ([], False),
    ],
)
def test_which_orders_would_repeat_it(codes: list[tuple[str, str]], repeats: bool) -> None:
    orders = (ordered(("SYN-local", "S-777")), ordered(*codes, reference="ServiceRequest/1"))
    found = ask([issued("r", 10)], hook="order-sign", orders=orders)
    if repeats:
        assert only(found).repeats == orders[1:]
    else:
        assert passed(found).code == "not-ordered"


def test_a_map_into_the_reports_own_system_will_do() -> None:
    into = codemap([("N-5", "X-1")], codemap="SYN-other-map", target="SYN-other")
    book = book_of(stated(0, "codemap.published", BUREAU, "m", codemap=into)).as_of(1)
    examination = issued("r", 10, item="X-1", system="SYN-other").parts["examination"]
    assert would_repeat(ordered(("SYN-national", "N-5")), examination, NOON.date(), book)
    assert not would_repeat(ordered(("SYN-national", "N-6")), examination, NOON.date(), book)


def test_two_national_codes_of_one_local_one() -> None:
    """Examined under one national code and ordered under another: the catalogue's code is the same."""
    orders = (ordered(("SYN-national", "N-2")),)
    examined = {"item": "N-1", "system": "SYN-national"}
    assert only(ask([issued("r", 10, **examined)], hook="order-sign", orders=orders)).repeats == orders


REPORTS = st.lists(
    st.builds(
        lambda day, category, item, by: {
            "at": f"2026-03-{day:02}T08:30+08:00", "category": category, "item": item, "by": by,
        },
        st.integers(1, 12),
        st.sampled_from(["laboratory", "imaging", "functional", "pathology"]),
        st.sampled_from(["S-001", "S-900", "S-777"]),
        st.sampled_from(["SYN-A", "SYN-B", "SYN-NOBODY"]),
    ),
    max_size=8,
)  # fmt: skip


@given(REPORTS, st.sampled_from(["patient-view", "order-sign"]))
def test_every_subject_gets_one_answer_and_no_item_two_reminders(reports: list[dict[str, Any]], hook: Hook) -> None:
    timelines = [[issued(f"r{number}", 10 + number, **each)] for number, each in enumerate(reports)]
    found = ask(*timelines, hook=hook, orders=(ordered(("SYN-local", "S-001")),))
    answered = [each.subject for each in (*found.reminders, *found.passed_over)]
    assert sorted(answered) == sorted(timeline[0].subject for timeline in timelines)
    assert len({each.item for each in found.reminders}) == len(found.reminders)
    for each in found.reminders:
        assert each.issuer == "SYN-A" and each.examination.category in ("laboratory", "imaging")
        assert each.decision.recognisable == "yes" and (hook == "patient-view" or each.repeats)
    days = [each.examination.at for each in found.reminders]
    assert days == sorted(days, reverse=True)


def test_a_duty_at_one_hook_asks_at_that_alone() -> None:
    book = book_of(*rules(ZHANJIANG | {"reminders": [{"clause": "九", "hook": "order-sign"}]}))
    orders = (ordered(("SYN-local", "S-001")),)
    assert only(ask([issued("r", 10)], book=book)).asked_by == ""
    assert only(ask([issued("r", 10)], hook="order-sign", orders=orders, book=book)).asked_by == "九"


PROVINCE = ZHANJIANG | {
    "policy": "SYN-province",
    "areas": [
        *ZHANJIANG["areas"],
        {"id": "all", "level": "region", "places": ["440000"], "zh": "省", "en": "province"},
    ],
    "area": "all",
}


def test_of_several_policies_rather_one_that_knows() -> None:
    """Whether the city's catalogue lists a code that no map knows cannot be told; the province asks for none."""
    without = {name: value for name, value in PROVINCE.items() if name != "catalogue"}
    told = [issued("r", 10, item="ODD-1", system="SYN-odd")]
    assert only(ask(told, book=book_of(*rules(), published(7, BUREAU, without)))).policy.policy == "SYN-province"
    found = passed(ask(told))
    assert (found.code, found.missing) == ("not-known", ("in_catalogue",))


def test_of_several_policies_one_that_calls_for_it() -> None:
    """The city's own leaves laboratory tests out; the province's has them."""
    city = ZHANJIANG | {
        "policy": "SYN-city",
        "categories": {"clause": "甲", "included": [{"id": "imaging", "zh": "影像", "en": "imaging"}]},
    }
    book = book_of(*rules(PROVINCE), published(7, BUREAU, city))
    assert only(ask([issued("r", 10)], book=book)).policy.policy == "SYN-province"
    report = stated(12, "report.issued", "SYN-A", "ct", examination=CHEST)
    assert only(ask([report], book=book)).policy.policy == "SYN-city"


def test_a_policy_without_a_list_gives_no_reasons() -> None:
    without = {name: value for name, value in ZHANJIANG.items() if name not in ("refusal", "emergency")}
    found = only(ask([issued("r", 10)], book=book_of(*rules(without))))
    assert found.reasons == () and "overrideReasons" not in card_of(found, "patient-view")


# Cards


def test_a_card_of_the_visit() -> None:
    card = card_of(only(ask([issued("r", 10)])), "patient-view")
    assert card["summary"] == "可互认 recognisable: （样例）血细胞分析, （合成）SYN-A, 2026-03-01"
    assert card["indicator"] == "info"
    assert card["source"] == {"label": f"{ZHANJIANG['title']['zh']} {ZHANJIANG['title']['en']}"}
    detail = card["detail"]
    assert "是否互认由接诊医师决定。Whether to recognise is the doctor's decision." in detail
    assert "四（三）" in detail and "四（一） (scope\\:tiers)" in detail and "⚠" not in detail
    assert detail.startswith("- 项目 item: **（样例）血细胞分析** (SYN\\-local S\\-001), 检验 laboratory\n")


def test_a_card_of_an_order() -> None:
    found = only(ask([issued("r", 10)], hook="order-sign", orders=(ordered(("SYN-national", "N-1")),)))
    card = card_of(found, "order-sign")
    assert card["indicator"] == "warning" and card["summary"].startswith("拟开项目已有可互认结果 would repeat: ")
    assert "- 拟开 ordered: SYN\\-national N\\-1\n" in card["detail"]
    reasons = card["overrideReasons"]
    assert [reason["code"] for reason in reasons] == [each["code"] for each in ZHANJIANG["refusal"]["reasons"]]
    assert {reason["system"] for reason in reasons} == {reason_system(found.policy)}
    assert reasons[3]["display"] == "患者处于急诊、急救等紧急状态下的 the patient is in an emergency"


def test_what_is_old_does_not_press_whoever_orders() -> None:
    orders = (ordered(("SYN-local", "S-001")),)
    found = only(ask([issued("r", 10, at="2026-01-05T08:30+08:00")], hook="order-sign", orders=orders))
    card = card_of(found, "order-sign")
    assert card["indicator"] == "info"
    warning = "- ⚠ 超过一般互认时限，由医生判断 older than is recognised as a rule\\; the doctor decides (四（三）)"
    assert warning in card["detail"]


def test_long_names_are_cut() -> None:
    named = CATALOGUE | {"items": [{"item": "S-001", "category": "laboratory", "name": "样" * 128}]}
    longer = profile("SYN-A", "2026-01-01") | {"name": "院" * 128}
    known = rules()
    known[0] = stated(0, "institution.profiled", BUREAU, "a", profile=longer)
    known[4] = stated(4, "catalogue.published", BUREAU, "c", catalogue=named)
    found = only(
        ask([issued("r", 10)], hook="order-sign", orders=(ordered(("SYN-local", "S-001")),), book=book_of(*known))
    )
    summary = card_of(found, "order-sign")["summary"]
    assert len(summary) <= SUMMARY_CHARACTERS and summary.count("…") == 2 and summary.endswith("2026-03-01")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("<img src=x>", "\\<img src\\=x\\>"),
        ("[a](http://b)", "\\[a\\]\\(http\\:\\/\\/b\\)"),
        ("one\n\n# two", "one \\# two"),
        ("（样例）血细胞分析", "（样例）血细胞分析"),
    ],
)
def test_names_are_no_markdown(text: str, shown: str) -> None:
    assert escaped(text) == shown
