"""`huzheng audit --report`: what the page says is what the audit found, and nothing that a ledger says is markup."""

import ast
import json
import re
from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from html.parser import HTMLParser
from importlib import import_module
from itertools import accumulate, pairwise
from pathlib import Path

import pytest

from anchors.core.trust import Trust, format_trust
from ledger_service import originals, problems
from ledger_service.audit_page import make_page
from ledger_service.audit_page.charts import rounded
from ledger_service.audit_page.periods import periods
from ledger_service.audit_page.words import COUNTS, DIFFERS
from ledger_service.cli import main
from ledger_service.usecases import audit, rules, taken_apart
from ledger_service.usecases.audit import AuditResult, Findings, Measures, measures, statements
from ledger_service.usecases.audit.decisions import NAMED, Answers
from ledger_service.usecases.audit.measures import Missing, Promises, Range, Span, day_of
from tests.audit.published import audit_published, publish
from tests.audit.world import World, change

VOID = {"meta", "rect", "line"}
OUTSIDE = {"action", "background", "cite", "data", "formaction", "poster", "src", "srcset", "xlink:href"}
HOSTILE = "</code><script>alert(1)</script><img src=x onerror=alert(1)>\"'&\u202e\x00"
NOON = 1_772_596_800
"""2026-03-04 12:00 in China."""
DAY = 86_400
NAMES_AT = {"fault": 3, "warn": 3, "leave": 3, "compare": 3, "compare_row": 3, "_differ": 1}
"""Which argument says what differs."""
TOLD_THERE = {"what", "name", "broken.what", "warning.code", "refused.problem.code"}
TOLD_THERE |= {"_ANSWERS[decision.recognisable]", "f'cannot be told: {why}'"}
"""What is known only when it is found."""


class Page(HTMLParser):
    """Reads a page strictly: every element is closed in its turn. Cells are kept by the section they stand in."""

    def __init__(self, page: bytes):
        super().__init__(convert_charrefs=True)
        self.open: list[tuple[str, dict[str, str | None]]] = []
        self.tags: Counter[str] = Counter()
        self.attributes: list[tuple[str, str, str]] = []
        self.rows: dict[str, list[list[str]]] = {}
        self.text = ""
        self._section = ""
        self.feed(page.decode("utf-8"))
        self.close()
        assert not self.open, f"left open: {self.open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in VOID or self.get_starttag_text()[-2] != "/", f"{tag} closes itself"
        self._begin(tag, attrs)
        if tag not in VOID:
            self.open.append((tag, dict(attrs)))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in VOID, f"<{tag}/> is not closed in HTML"
        self._begin(tag, attrs)

    def _begin(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag == "section":
            self._section = dict(attrs)["aria-labelledby"]
        elif tag == "tr":
            self.rows.setdefault(self._section, []).append([])
        elif tag == "td":
            self.rows[self._section][-1].append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open and self.open.pop()[0] == tag, f"</{tag}> closes something else"

    def handle_data(self, data: str) -> None:
        names = [tag for tag, _ in self.open]
        if "style" in names:
            return
        self.text += data
        if "td" in names:
            self.rows[self._section][-1][-1] += data

    def table(self, section: str) -> list[list[str]]:
        """The rows below the heads."""
        return [row for row in self.rows.get(section, []) if row]


def thousands(number: int) -> str:
    return f"{number:,}"


@pytest.fixture
def trust(world: World) -> Trust:
    return world.trust()


def test_a_sound_ledger_in_numbers(world: World, trust: Trust) -> None:
    result = world.audit()
    page, measures = Page(make_page(result, trust)), result.measures
    assert "THE LEDGER HOLDS" in page.text and "DOES NOT HOLD" not in page.text
    assert [row[0] for row in page.table("steps")] == [str(step) for step in range(1, 14)]
    assert all("VERIFIED" in row[2] and row[3] == "—" for row in page.table("steps"))
    # Ten stories of eleven statements under each of four heads, of which the last eleven statements are left.
    assert [size for size, _, _ in measures.heads] == [110, 220, 330, 440]
    assert sum(measures.statements_per_day.values()) == 440
    shown = {name: int(count.replace(",", "")) for name, count in page.table("data")}
    assert shown == {str(day): count for day, count in measures.statements_per_day.items()}
    promises = measures.promises
    assert (promises.kept + promises.late, promises.waiting + promises.overdue, promises.unmeasured) == (40, 1, 0)
    delays = page.table("delays")
    assert sum(int(row[1]) for row in delays[:-5]) == 40 and sum(int(row[1]) for row in delays[-5:]) == 41
    assert measures.missing == Missing() and measures.final_size == 440
    assert all(word in page.text for word in (world.city.origin, thousands(measures.tip.number), "没有不一致之处"))


def test_a_damaged_ledger_in_numbers(world: World, copy: Path, trust: Trust) -> None:
    url = change(
        copy,
        "UPDATE entries SET sm3 = 90000 WHERE position IN (100, 101, 111)",
        "DELETE FROM heads",
        "DELETE FROM entries WHERE position BETWEEN 120 AND 133 OR position = 200 OR position > 430",
        "DELETE FROM receipts WHERE id = 5",
        "UPDATE receipts SET accepted_at = accepted_at - 1 WHERE id = 7",
    )
    result = world.audit(url)
    page, findings, measures = Page(make_page(result, trust)), result.findings, result.measures
    assert "THE LEDGER DOES NOT HOLD" in page.text and "THE LEDGER HOLDS" not in page.text
    rows = page.table("faults")
    assert len(rows) == len(findings.faults) >= 5
    for row, fault in zip(rows, findings.faults, strict=True):
        first = fault.first
        assert row[0] == str(first.step) and row[2] == thousands(fault.count)
        assert all(said in row[4] for said in (f"{first.table} {first.key}", first.expected, first.found))
    failed = {row[0] for row in page.table("steps") if "FAILED" in row[2]}
    assert failed == {str(fault.first.step) for fault in findings.faults}
    # What the chain witnessed and is not there is missing too.
    assert measures.missing == Missing(24, [Range(120, 134), Range(200, 201), Range(431, 440)])
    assert page.table("gaps")[:3] == [["120", "133", "14"], ["200", "200", "1"], ["431", "439", "9"]]
    # Of eleven statements each, 5 is gone, 7 is not what was signed, and 11 to 13, 19, 40 and 41 name what is missing.
    promises = measures.promises
    assert (findings.counts["receipts"], promises.unmeasured, promises.kept + promises.late) == (40, 7, 33)


def test_an_audit_that_stopped_says_so(world: World, copy: Path, trust: Trust) -> None:
    url = change(copy, "UPDATE contents SET parts = '[]' WHERE position = 40")
    page = Page(make_page(world.audit(url, first=True), trust))
    assert "It was asked to stop at the first" in page.text and "these numbers are not complete" in page.text
    assert len(page.table("faults")) == 1
    assert sum("NOT CHECKED" in row[2] for row in page.table("steps")) == 11


def test_a_published_log_without_the_database(world: World, trust: Trust, tmp_path: Path) -> None:
    log = publish(world, tmp_path / "log")
    (log / "tile/entries/001.p/184").unlink()
    result = audit_published(world, log)
    page = Page(make_page(result, trust))
    assert result.measures.missing == Missing(184, [Range(256, 440)])
    assert page.table("gaps")[0] == ["256", "439", "184"]
    assert "No receipt was witnessed yet" in page.text and "these numbers are not complete" in page.text
    left = {row[0] for row in page.table("left")}
    assert left == {str(kind.first.step) for kind in result.findings.left} >= {"7", "8", "9", "10"}
    assert sum(int(row[1]) for row in page.table("data")) == 440


def test_what_a_ledger_says_is_text(world: World, copy: Path, trust: Trust) -> None:
    result = world.audit(change(copy, ("UPDATE subjects SET owner = ? WHERE first = 0", (HOSTILE[:-1],))))
    findings = result.findings
    findings.fault(7, HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE)
    findings.warn(8, HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE)
    findings.leave(6, HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE)
    findings.counts[HOSTILE] = 1
    result.answers[(HOSTILE, HOSTILE, HOSTILE)] = Answers(Counter({"yes": 2}), warnings=Counter({HOSTILE: 1}))
    page = make_page(replace(result, origin=HOSTILE), trust)
    read = Page(page)
    assert read.tags["script"] == read.tags["img"] == 0
    assert read.text.count("<script>alert(1)</script>") > 20
    assert not any(name.startswith("on") for _, name, _ in read.attributes)
    assert "\x00" not in read.text and "\u202e" not in read.text and r"\u202e" in read.text


def test_nothing_comes_from_elsewhere(world: World, trust: Trust) -> None:
    page = make_page(world.audit(), trust)
    read = Page(page)
    assert not read.tags.keys() & {"script", "link", "iframe", "object", "embed", "img", "image", "use", "base", "form"}
    assert not [found for found in read.attributes if found[1] in OUTSIDE or found[1] == "style"]
    assert {value[0] for _, name, value in read.attributes if name == "href"} == {"#"}
    assert b"url(" not in page and b"@import" not in page and b"://" not in page
    ids = [value for _, name, value in read.attributes if name == "id"]
    assert len(ids) == len(set(ids))
    assert {value[1:] for _, name, value in read.attributes if name == "href"} <= set(ids)
    assert ("meta", "http-equiv", "Content-Security-Policy") in read.attributes


def test_the_same_result_gives_the_same_page(world: World, trust: Trust) -> None:
    first = world.audit()
    assert make_page(first, trust) == make_page(world.audit(), trust)
    assert make_page(first, trust) == make_page(replace(first, seconds=9_999.0, recovered_per_second=1.0), trust)


def test_the_command_writes_it(
    world: World, copy: Path, tmp_path: Path, trust: Trust, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "trust.json").write_bytes(format_trust(trust))
    url = change(copy, "DELETE FROM heads", "DELETE FROM entries WHERE position = 200")
    words = ["audit", "--database", url, "--trust", str(tmp_path / "trust.json"), "--rpc", world.chain.url]
    words += ["--first-block", str(world.city.deployment.block_number)]
    assert main([*words, "--report", str(tmp_path / "audit.html"), "--json"]) == 1
    answer = json.loads(capsys.readouterr().out)
    page = Page((tmp_path / "audit.html").read_bytes())
    assert answer["statementsPerDay"] == {row[0]: int(row[1]) for row in page.table("data")}
    assert answer["gaps"]["missingRanges"] == [[200, 201]] and answer["gaps"]["notWitnessed"] == 11
    assert answer["final"] == 440 and answer["newestBlock"]["number"] > 0
    delays = answer["delays"]
    assert [bar["receipts"] for bar in delays["histogram"]] == [int(row[1]) for row in page.table("delays")[:-5]]
    names = ("kept", "late", "waiting", "overdue", "unmeasured")
    assert [delays[name] for name in names] == [int(row[1]) for row in page.table("delays")[-5:]]
    for nowhere in (tmp_path, tmp_path / "no" / "audit.html"):
        assert main([*words, "--report", str(nowhere)]) == 2
        assert "no file can be written there" in capsys.readouterr().err


def test_a_log_of_which_nothing_is_known(trust: Trust) -> None:
    page = Page(make_page(AuditResult(trust.logs[0].origin, 0, 0, Findings(), 0.0, 0.0), trust))
    for said in ("There is no head yet", "No receipt was witnessed yet", "The log is empty", "Nothing was compared"):
        assert said in page.text
    assert page.table("data") == []


@pytest.mark.parametrize("beyond", [0, 1])
def test_long_tables_are_cut_and_say_so(trust: Trust, beyond: int) -> None:
    findings, missing = Findings(), Missing()
    for number in range(200 + beyond):
        findings.fault(2, "entries", number, f"kind {number}", "one", "none")
    for number in range(20 + beyond):
        missing.add(2 * number, 2 * number + 1)
    # Every long span lies among three short ones, so that the short ones are usual.
    steps = [10_000 if number % 4 == 3 else 1 for number in range(4 * (10 + beyond))]
    times = [NOON, *(NOON + passed for passed in accumulate(steps))]
    known = Measures(heads=[(number + 1, time, number) for number, time in enumerate(times)], missing=missing)
    page = Page(make_page(AuditResult(trust.logs[0].origin, 50, 50, findings, 0.0, 0.0, measures=known), trust))
    assert (len(page.table("faults")), len(page.table("gaps"))) == (200, 20 + 10)
    for said in ("Of 201 kinds the first 200 are listed", "Only the first 20 ranges", "Only the 10 longest"):
        assert (said in page.text) == bool(beyond)


def named_by_the_steps() -> tuple[set[str], set[str], set[str]]:
    """What the steps' sources say that differs, what they count, and the expressions of which neither is known."""
    differs, counts, unknown = set(), set(), set()
    for source in set(Path(audit.__file__).parent.glob("*.py")) - {Path(audit.__file__), Path(measures.__file__)}:
        module = vars(import_module(f"{audit.__name__}.{source.stem}"))
        for node in ast.walk(ast.parse(source.read_text())):
            into, expression = counts, None
            if isinstance(node, ast.Call):
                into, called = differs, getattr(node.func, "attr", getattr(node.func, "id", ""))
                if called in NAMES_AT and len(node.args) > NAMES_AT[called]:
                    expression = ast.unparse(node.args[NAMES_AT[called]])
            elif isinstance(node, ast.Subscript) and ast.unparse(node.value).endswith("counts"):
                expression = ast.unparse(node.slice)
            if expression is None:
                continue
            try:
                value = eval(expression, dict(module))
            except (NameError, AttributeError):
                unknown.add(expression)
            else:
                into |= {value} if isinstance(value, str) else set(value)
    return differs, counts, unknown


def test_whatever_the_steps_name_has_its_chinese() -> None:
    differs, counts, unknown = named_by_the_steps()
    assert {"leaf hash", "registry_count", "sm3", "period"} < differs and {"entries", "cosignatures"} < counts
    assert differs | NAMED <= DIFFERS.keys()
    assert counts <= COUNTS.keys()
    refused = {
        problem
        for module in (originals, rules, statements, taken_apart)
        for problem in re.findall(r"problems\.([A-Z_]+)", Path(module.__file__).read_text())
    }
    assert {getattr(problems, name).code for name in refused} <= DIFFERS.keys()
    assert unknown == TOLD_THERE


def test_delays_by_hand() -> None:
    promises = Promises()
    for seconds in (-3, 0, 0, 1, 4, 59, 60, 86_400 * 40):
        promises.take(NOON, NOON + 60, NOON + seconds, covered=True)
    promises.take(NOON + 5, NOON + 60, NOON + 60, covered=False)
    promises.take(NOON + 4, NOON + 60, NOON + 61, covered=False)
    assert (promises.kept, promises.late, promises.waiting, promises.overdue) == (7, 1, 1, 1)
    assert promises.waiting_since == NOON + 4
    assert promises.quantiles() == {50: 1, 90: 86_400 * 40, 99: 86_400 * 40, 100: 86_400 * 40}
    bars = promises.histogram()
    some = [(begin, end, count) for begin, end, count in bars if count]
    assert some == [(None, 0, 1), (0, 1, 2), (1, 2, 1), (2, 5, 1), (30, 60, 1), (60, 120, 1), (2_592_000, None, 1)]
    assert len(bars) == 22 and all(one[1] == other[0] for one, other in pairwise(bars))
    assert Promises().quantiles() == {} and Promises().histogram() == []


def test_delays_and_the_newest_head_in_two_languages(trust: Trust) -> None:
    promises = Promises()
    promises.take(NOON, NOON + 60, NOON + 41 * DAY + 3 * 3_600, covered=True)
    known = Measures(heads=[(1_234, NOON, 5_678)], promises=promises)
    page = Page(make_page(AuditResult(trust.logs[0].origin, 0, 0, Findings(), 0.0, 0.0, measures=known), trust))
    assert page.text.count("41 天 3 小时 41 d 3 h") == 4
    assert "1,234 entries, 2026-03-04 12:00:00 +08:00, block 5,678" in page.text
    assert "1,234 条，2026-03-04 12:00:00 +08:00，区块 5,678" in page.text


def test_days_and_spans_by_hand() -> None:
    times = [NOON + 10 * number for number in range(9)] + [NOON + DAY // 2 + 79, NOON + DAY // 2 + 80]
    heads = [(5 * (number + 1), time, number) for number, time in enumerate(times)]
    measures = Measures(heads=heads)
    assert measures.statements_per_day == {date(2026, 3, 4): 45, date(2026, 3, 5): 10}
    assert day_of(NOON + DAY // 2 - 1) == date(2026, 3, 4) and day_of(2**64 - 1) == date.max
    assert measures.usual_span == 10
    assert measures.long_spans == [Span(NOON + 80, NOON + DAY // 2 + 79, 9, 5)]
    assert Measures(heads=heads[:1]).usual_span is None


@pytest.mark.parametrize(
    ("days", "unit", "count", "first", "last"),
    [
        (1, "day", 1, "2026-03-04", "2026-03-04"),
        (60, "day", 60, "2026-03-04", "2026-05-02"),
        (61, "week, from Monday", 9, "2026-03-02", "2026-04-27"),
        (500, "month", 17, "2026-03", "2027-07"),
        (3_650, "quarter", 41, "2026-Q1", "2036-Q1"),
        (9_000, "year", 25, "2026", "2050"),
        (36_500, "10 years", 11, "2020", "2120"),
    ],
)
def test_periods_by_hand(days: int, unit: str, count: int, first: str, last: str) -> None:
    begin = date(2026, 3, 4)
    words, bars = periods({begin: 3, begin + timedelta(days - 1): 4} if days > 1 else {begin: 7})
    assert (words.en, len(bars), bars[0].name, bars[-1].name) == (unit, count, first, last)
    assert sum(bar.count for bar in bars) == 7


def test_scales_by_hand() -> None:
    assert [rounded(most) for most in (0, 1, 3, 7, 10, 11, 59, 5_897)] == [1, 1, 4, 8, 10, 20, 60, 6_000]
