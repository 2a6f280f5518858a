"""The annex: every statement whole, with what it shows and what it links to."""

import json
from typing import Any

from reportlab.platypus import CondPageBreak, Flowable, Spacer

from ledger_service.certificate.layout import CELL_ENGLISH, DIGEST, STRONG, Builder, Style
from ledger_service.certificate.verdict import PartSeen, StatementSeen, Verdict
from ledger_service.certificate.words import ROLE_WORDS, between, clip, kind_words
from ledger_service.shown import Words, clock

_INTRODUCTION = Words(
    "每条陈述的编号、密钥、时间、关联和各部分内容。过长的内容在此截断，证据包内为全文。",
    "Each statement with its id, key, times, links and parts. What is too long is cut here and whole in the package.",
)
MOST_CHARACTERS = 600
ROOM_POINTS = 80


def annex(build: Builder, verdict: Verdict) -> list[Flowable]:
    """All statements, in log order; nothing where there is none."""
    if not verdict.statements:
        return []
    flowables = build.heading("statements", Words("附件：陈述全文", "Annex  The statements"))
    flowables += build.paragraph(_INTRODUCTION)
    for statement in sorted(verdict.statements, key=lambda each: each.index):
        flowables += [CondPageBreak(ROOM_POINTS), _one(build, statement), Spacer(1, 8)]
    return flowables


def missing_characters(build: Builder) -> list[Flowable]:
    """What the fonts lack and was met until now."""
    if not build.faces.missing:
        return []
    codes = "、".join(build.faces.shown(character) for character in sorted(build.faces.missing))
    heading = build.heading("missing", Words("附注：字体所缺字符", "Note  Characters that the fonts lack"))
    told = Words(
        f"本证书的字体没有下列字符，文中以其编码代替：{codes}。",
        f"The fonts of this certificate lack these characters; their codes stand for them: {codes}.",
    )
    return heading + build.paragraph(told)


def _one(build: Builder, statement: StatementSeen) -> Flowable:
    did, role = kind_words(statement.kind), ROLE_WORDS[statement.role]
    texts: list[tuple[str, Style]] = [
        (f"条目 {statement.index}　{did.zh}　{statement.institution}", STRONG),
        (f"entry {statement.index} · {statement.kind} · {did.en} · {role.zh} {role.en}", CELL_ENGLISH),
        (f"陈述 statement {statement.statement}", DIGEST),
        (f"密钥 key {statement.key}", DIGEST),
        (f"时间 time {'；'.join(between(statement.signed_after, statement.signed_before))}", DIGEST),
        (f"自称 claimed {clock(statement.issued_at)}", DIGEST),
    ]
    texts += [(f"关联 link {rel} → {target}", DIGEST) for rel, target in statement.links.items()]
    texts += [_part(part) for part in statement.parts if part.name != "links"]
    return build.text(*texts)


def _part(part: PartSeen) -> tuple[str, Style]:
    if part.withheld is not None:
        return f"内容 part {part.name}：未出示 withheld, {part.withheld}", DIGEST
    return f"内容 part {part.name}：{clip(readable(part.value), MOST_CHARACTERS)}", DIGEST


def readable(value: Any) -> str:
    """A JSON value as a person reads it: members as `name: value`, without quotation marks."""
    if isinstance(value, dict):
        return "; ".join(f"{name}: {_inner(member)}" for name, member in value.items())
    return _inner(value)


def _inner(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        return "{" + readable(value) + "}"
    if isinstance(value, list):
        return ", ".join(_inner(item) for item in value) or "[]"
    return json.dumps(value, ensure_ascii=False)
