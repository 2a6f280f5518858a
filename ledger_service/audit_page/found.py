"""What was found: faults, warnings, what was not checked, each kind with its first place; and the policies' answers."""

from collections.abc import Sequence

from ledger_service.audit_page.charts import share_bar
from ledger_service.audit_page.html import Child, Html, code, element, first_rows, paragraph, section, table, together
from ledger_service.audit_page.words import DIFFERS, STEPS, TABLES, beside
from ledger_service.shown import Words
from ledger_service.usecases.audit import AuditResult, Fault, Finding

MOST_KINDS, MOST_WARNED = 200, 4


def faults(result: AuditResult) -> Html:
    """By kind, in the order of the walk."""
    heading, none = Words("六、不一致之处", "6  Differences"), Words("没有不一致之处。", "Nothing differs.")
    return section("faults", heading, *_kinds(result.findings.faults, none, "fault"))


def warnings(result: AuditResult) -> Html:
    """They change no verdict."""
    heading, none = Words("七、提示", "7  Warnings"), Words("没有提示。", "There is no warning.")
    said = Words("供人查看，不影响结论。", "For people to look at; they do not change the verdict.")
    return section("warnings", heading, paragraph(said), *_kinds(result.findings.warnings, none, "warning"))


def left(result: AuditResult) -> Html:
    """What could not be compared, and why."""
    heading, none = (
        Words("八、未核验的内容", "8  What was not checked"),
        Words("没有未核验的内容。", "Nothing was left out."),
    )
    findings = result.findings
    unreached = [step for step in STEPS if step not in findings.finished]
    shown: list[Child] = []
    if unreached:
        zh = "、".join(STEPS[step][0].zh for step in unreached)
        en = ", ".join(STEPS[step][0].en for step in unreached)
        shown.append(paragraph(Words(f"未进行到底的步骤：{zh}。", f"Steps that did not come to their end: {en}.")))
    if findings.left or not unreached:
        shown += _kinds(findings.left, none, "warning")
    return section("left", heading, *shown)


def policies(result: AuditResult) -> Html | None:
    """How often each policy called for recognition, by all decisions that name it."""
    if not result.answers:
        return None
    rows = []
    for (policy, version, digest), answers in result.answers.items():
        warned = ", ".join(f"{name} {count:,}" for name, count in answers.warnings.most_common(MOST_WARNED))
        named = together((code(f"{policy} {version}"), element("span", code(digest[:18]), class_="about")))
        rows.append((named, *(answers.answers[answer] for answer in ("yes", "no", "unknown")), warned))
    heads = (
        Words("政策、版本、摘要", "policy, version, digest"),
        Words("要求互认", "recognise"),
        Words("不要求", "need not"),
        Words("无法判断", "cannot tell"),
        Words("常见提示", "most warned of"),
    )
    said = Words(
        "政策对每项决定的回答，按当时账本所知重新推演。是否互认由医师决定，以下不是对决定的评判。",
        "What the policy said of each decision, by what the log knew then. The doctor decides: none is judged here.",
    )
    return section(
        "policies", Words("九、互认决定的推演", "9  Decisions replayed"), paragraph(said), table(heads, rows)
    )


def _kinds(kinds: Sequence[Fault], none: Words, colour: str) -> list[Child]:
    if not kinds:
        return [paragraph(none, "none")]
    most = max(kind.count for kind in kinds)
    rows = [
        (kind.first.step, named(kind.first), kind.count, share_bar(kind.count, most, colour), told(kind.first))
        for kind in kinds[:MOST_KINDS]
    ]
    heads = (
        Words("步骤", "step"),
        Words("何处、何事", "where and what"),
        Words("数量", "count"),
        Words("多少", "how many"),
        Words("第一处", "the first"),
    )
    cut = Words(
        f"共 {len(kinds):,} 种，仅列前 {MOST_KINDS} 种。",
        f"Of {len(kinds):,} kinds the first {MOST_KINDS} are listed.",
    )
    return first_rows(heads, rows, len(kinds), cut, "found")


def named(finding: Finding) -> Html:
    """In which table, and what differs."""
    table_name, what = beside(TABLES, finding.table), beside(DIFFERS, finding.what)
    return together((element("span", table_name, class_="where"), element("span", what, class_="where")))


def told(finding: Finding) -> Html:
    """Which row it is, and the two values."""
    values = ((Words("应为", "expected"), finding.expected), (Words("实为", "found"), finding.found))
    return together(
        (
            element("span", code(f"{finding.table} {finding.key}".strip()), class_="where"),
            *(element("span", name, " ", code(value), class_="where") for name, value in values),
        )
    )
