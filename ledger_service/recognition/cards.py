"""A reminder as a card of CDS Hooks 2.0 (CDS Service Response), in Chinese and English (docs/REMINDERS.md).

Names and codes come from statements of many institutions: in Markdown they are escaped, so that none of them can be a
link or HTML.
"""

import re
from typing import Any

from ledger_service.recognition.book import Publication
from ledger_service.recognition.reminders import Hook, Reminder

SUMMARY_CHARACTERS = 139
"""The specification asks for less than 140."""
REASONS = "urn:huzheng:reason"
"""Begins the system of the reasons of a policy."""
_NAME_CHARACTERS = 40
_PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")
_CATEGORIES = {
    "laboratory": ("检验", "laboratory"),
    "imaging": ("影像", "imaging"),
    "functional": ("功能检查", "functional"),
    "pathology": ("病理", "pathology"),
}


def card_of(reminder: Reminder, hook: Hook) -> dict[str, Any]:
    """The card, without `uuid`, suggestions and extension."""
    title = reminder.policy.prepared.document.title
    card: dict[str, Any] = {
        "summary": _summary(reminder, hook),
        "detail": _detail(reminder, hook),
        "indicator": "warning" if hook == "order-sign" and reminder.inside_window else "info",
        "source": {"label": f"{title.zh} {title.en}"},
    }
    if reasons := override_reasons(reminder):
        card["overrideReasons"] = reasons
    return card


def override_reasons(reminder: Reminder) -> list[dict[str, str]]:
    """The policy's reasons as Codings."""
    system = reason_system(reminder.policy)
    return [{"code": each.code, "system": system, "display": f"{each.zh} {each.en}"} for each in reminder.reasons]


def reason_system(policy: Publication) -> str:
    """The code system of a policy's reasons: its list is that of these very rules."""
    return f"{REASONS}:{policy.digest}"


def _summary(reminder: Reminder, hook: Hook) -> str:
    what = "拟开项目已有可互认结果 would repeat" if hook == "order-sign" else "可互认 recognisable"
    day = reminder.examination.at[:10]
    names = (_short(name, _NAME_CHARACTERS) for name in (reminder.item_name, reminder.issuer_name))
    return _short(f"{what}: {', '.join((*names, day))}", SUMMARY_CHARACTERS)


def _detail(reminder: Reminder, hook: Hook) -> str:
    examination, policy = reminder.examination, reminder.policy
    title, (zh, en) = policy.prepared.document.title, _CATEGORIES[examination.category]
    clauses = "、".join(f"{escaped(clause)} ({escaped(rule)})" for rule, clause in reminder.clauses)
    named = f"{escaped(title.zh)} {escaped(title.en)}, {escaped(policy.policy)} {escaped(policy.version)}"
    lines = [
        f"- 项目 item: **{escaped(reminder.item_name)}** ({escaped(examination.system)} {escaped(examination.item)}), "
        f"{zh} {en}",
        f"- 检查时间 examined: {escaped(examination.at)}",
        f"- 出具机构 issued by: {escaped(reminder.issuer_name)} ({escaped(reminder.issuer)})",
        f"- 依据 by: {named}: {clauses}",
    ]
    if reminder.asked_by:
        lines.append(f"- 提醒依据 reminded by clause: {escaped(reminder.asked_by)}")
    for order in reminder.repeats if hook == "order-sign" else ():
        codes = ", ".join(f"{escaped(each.system)} {escaped(each.code)}" for each in order.codes)
        lines.append(f"- 拟开 ordered: {codes}")
    for warning in reminder.decision.warnings:
        clause = f" ({escaped(warning.clause)})" if warning.clause else ""
        lines.append(f"- ⚠ {escaped(warning.zh)} {escaped(warning.en)}{clause}")
    lines.append("")
    lines.append("是否互认由接诊医师决定。Whether to recognise is the doctor's decision.")
    return "\n".join(lines)


def escaped(text: str) -> str:
    """Text that Markdown shows as it is, in one line (CommonMark: any ASCII punctuation character may be escaped)."""
    return _PUNCTUATION.sub(r"\\\1", " ".join(text.split()))


def _short(text: str, characters: int) -> str:
    return text if len(text) <= characters else text[: characters - 1] + "…"
