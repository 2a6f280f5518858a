"""Who said what when, and what follows from it of who did what."""

from collections.abc import Sequence

from reportlab.lib.units import mm
from reportlab.platypus import Flowable

from ledger_service.certificate.layout import CELL, CELL_ENGLISH, Builder, Style, Text
from ledger_service.certificate.verdict import StatementSeen, Verdict
from ledger_service.certificate.words import FACT_WORDS, ROLE_WORDS, STATE_COLORS, between, clip, kind_words
from ledger_service.shown import Words, clock

TIME = Style(7.4, 10.8)
_NO_STATEMENTS = Words("证据包中没有此类陈述。", "The package holds no such statement.")
_TIMELINE = Words(
    "下列各项为证据包所载、关于本标的的全部陈述，按账本次序排列。“晚于”“早于”为所证明的区块时间；“自称”为签署方所写"
    "时间，未经证明。全部时间为北京时间（UTC+8）。",
    "All statements of the package about the subject, in the order of the log. 'after' and 'before' are block "
    "times that are proved; 'claimed' is what the signer wrote, and is not proved. All times are Beijing time "
    "(UTC+8).",
)
_OTHERS = Words(
    "下列陈述不是关于本标的，但为其所关联，或为判断所依据的规则。",
    "These statements are about other subjects: those that the ones above lead to, and the rules by which they are "
    "judged.",
)
_FACTS = Words(
    "下列事实由核验程序从证据包内的陈述重新得出。“陈述有载”：陈述如此记载；“陈述所载相反”：陈述记载的情形与该项要求"
    "相反；“不能证明”：陈述没有说明。没有记载不等于没有发生。以下均为事实，不是责任认定。",
    "Derived again by the verifier from the statements in the package. VERIFIED: they say so; FAILED: they say the "
    "contrary; NOT PROVABLE: they do not tell. That nothing is recorded does not show that nothing was done. These are "
    "facts, and no finding of liability.",
)
_NO_FACTS = Words("从证据包内的陈述没有得出事实。", "No facts follow from the statements in the package.")


def timeline(build: Builder, verdict: Verdict) -> list[Flowable]:
    """All statements about the subject, and then the others, each on a row."""
    about, others = verdict.of_role("timeline"), verdict.of_role("linked", "rules")
    flowables = [*build.heading("timeline", Words("一、陈述时间线", "1  Timeline of the statements"), room=120 * mm)]
    flowables += build.paragraph(_TIMELINE) + _statements(build, about, with_role=False)
    if others:
        flowables += build.subheading(Words("其他陈述", "Other statements")) + build.paragraph(_OTHERS)
        flowables += _statements(build, others, with_role=True)
    return flowables


def _statements(build: Builder, statements: Sequence[StatementSeen], *, with_role: bool) -> list[Flowable]:
    if not statements:
        return build.paragraph(_NO_STATEMENTS)
    heads = [
        Words("条目", "Entry"),
        Words("机构", "Institution"),
        Words("行为", "What it did"),
        Words("时间", "When"),
    ]
    rows = [_row(build, statement, with_role=with_role) for statement in statements]
    return build.table(heads, rows, (0.09, 0.21, 0.24, 0.46))


def _row(build: Builder, statement: StatementSeen, *, with_role: bool) -> list[Text]:
    did = kind_words(statement.kind)
    what = [(did.zh, CELL), (did.en, CELL_ENGLISH)]
    if with_role:
        role = ROLE_WORDS[statement.role]
        what.append((f"{role.zh} {role.en}", CELL_ENGLISH))
    when = [(line, TIME) for line in between(statement.signed_after, statement.signed_before)]
    when.append((f"自称 claimed {clock(statement.issued_at)}", CELL_ENGLISH))
    return [
        build.text((str(statement.index), CELL)),
        build.text((statement.institution, CELL)),
        build.text(*what),
        build.text(*when),
    ]


def facts(build: Builder, verdict: Verdict) -> list[Flowable]:
    """Who did what, on which grounds."""
    flowables = [*build.heading("facts", Words("三、责任相关事实", "3  Facts of responsibility"))]
    if not verdict.facts:
        return flowables + build.paragraph(_NO_FACTS)
    heads = [Words("状态", "State"), Words("事实", "Fact"), Words("条目", "Entry")]
    rows = []
    for fact in verdict.facts:
        words, color = FACT_WORDS[fact.claim], STATE_COLORS[fact.claim]
        state = build.text((words.zh, Style(8.2, 11.6, color, bold=True)), (words.en, CELL_ENGLISH))
        said = build.text((clip(fact.zh, 800), CELL), (clip(fact.en, 800), CELL_ENGLISH))
        rows.append([state, said, build.text((str(fact.index), CELL))])
    return flowables + build.paragraph(_FACTS) + build.table(heads, rows, (0.18, 0.72, 0.1))
