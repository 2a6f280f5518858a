"""What the package holds and holds back, and through whose hands it went."""

from reportlab.platypus import Flowable

from ledger_service.certificate.layout import CELL, CELL_ENGLISH, DIGEST, Builder
from ledger_service.certificate.verdict import Verdict
from ledger_service.certificate.words import DEEDS, clip, kind_words
from ledger_service.shown import Words, clock

_DOCUMENTS = Words(
    "下列原件随证据包提供。其 SHA-256 与 SM3 摘要可用任何标准工具复算。",
    "Original documents in the package. Any standard tool computes these digests again.",
)
_NO_DOCUMENTS = Words("证据包不含原件。", "The package holds no original document.")
_WITHHELD = Words(
    "下列内容因本案不需要而未出示，或已依法删除。其名称和哈希仍在，陈述的其余内容照样可以核验。",
    "These parts are held back because the case does not need them, or were erased. Name and hash are there, and "
    "everything else about the statements verifies all the same.",
)
_NOTHING_WITHHELD = Words("证据包内的陈述没有未出示的内容。", "No part of a statement in the package is held back.")
_CUSTODY = Words(
    "证据包的形成和补充，按发生次序。", "Who made the package and added to it, in the order in which it happened."
)
MOST_MEMBERS = 12


def documents(build: Builder, verdict: Verdict) -> list[Flowable]:
    """The originals, with both digests."""
    flowables = [*build.heading("documents", Words("四、原件", "4  Documents"))]
    if not verdict.documents:
        return flowables + build.paragraph(_NO_DOCUMENTS)
    index_of = {statement.statement: statement.index for statement in verdict.statements}
    heads = [Words("摘要", "Digests"), Words("字节", "Bytes"), Words("所属条目", "Entry")]
    rows = []
    for document in verdict.documents:
        index = index_of.get(document.statement) if document.statement else None
        rows.append(
            [
                build.text((f"SHA-256 {document.sha256}", DIGEST), (f"SM3 {document.sm3}", DIGEST)),
                build.text((f"{document.bytes:,}", CELL)),
                build.text((str(index) if index is not None else "无 none", CELL)),
            ]
        )
    return flowables + build.paragraph(_DOCUMENTS) + build.table(heads, rows, (0.7, 0.15, 0.15))


def withheld(build: Builder, verdict: Verdict) -> list[Flowable]:
    """The parts of which only name and leaf are shown."""
    flowables = [*build.heading("withheld", Words("五、未出示的内容", "5  What is withheld"))]
    heads = [
        Words("条目", "Entry"),
        Words("行为", "What was done"),
        Words("未出示部分及其哈希", "Withheld part and its leaf"),
    ]
    rows = []
    for statement in sorted(verdict.statements, key=lambda each: each.index):
        hidden = [part for part in statement.parts if part.withheld is not None]
        did = kind_words(statement.kind)
        rows += [
            [
                build.text((str(statement.index), CELL)),
                build.text((did.zh, CELL), (did.en, CELL_ENGLISH)),
                build.text((part.name, CELL), (part.withheld or "", DIGEST)),
            ]
            for part in hidden
        ]
    if not rows:
        return flowables + build.paragraph(_NOTHING_WITHHELD)
    return flowables + build.paragraph(_WITHHELD) + build.table(heads, rows, (0.1, 0.28, 0.62))


def custody(build: Builder, verdict: Verdict) -> list[Flowable]:
    """Who had the package and did something to it."""
    flowables = [*build.heading("custody", Words("六、保管链", "6  Chain of custody"))]
    heads = [Words("时间", "When"), Words("谁", "Who"), Words("做了什么", "What was done"), Words("工具", "Tool")]
    rows = []
    for act in verdict.custody:
        did = DEEDS.get(act.did, Words(act.did, act.did))
        named = act.members[:MOST_MEMBERS]
        texts = [(did.zh, CELL), (f"{did.en}: {len(act.members)} members", CELL_ENGLISH)]
        if act.did != "assembled" and named:
            more = f" … +{len(act.members) - len(named)}" if len(act.members) > len(named) else ""
            texts.append((clip(", ".join(named)) + more, CELL_ENGLISH))
        rows.append(
            [
                build.text((clock(act.at), CELL)),
                build.text((act.by, CELL)),
                build.text(*texts),
                build.text((clip(act.tool, 80), CELL)),
            ]
        )
    if not rows:
        none = Words("证据包没有载明保管情况。", "The package says nothing of its custody.")
        return flowables + build.paragraph(none)
    return flowables + build.paragraph(_CUSTODY) + build.table(heads, rows, (0.24, 0.22, 0.36, 0.18))
