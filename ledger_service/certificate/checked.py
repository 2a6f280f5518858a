"""What was judged, step by step."""

from reportlab.lib.units import mm
from reportlab.platypus import Flowable

from ledger_service.certificate.layout import CELL, CELL_ENGLISH, Builder, Style, Text
from ledger_service.certificate.verdict import Step, Verdict
from ledger_service.certificate.words import CLAIMS, STATE_COLORS, clip
from ledger_service.shown import STATE_WORDS, Words

_STEPS = Words(
    "每一步核验一项主张，结果为四种状态之一，并附理由。没有任何一步不通过，且文件形式、清单、登记、检查点、日志头、"
    "内容、入账、签名各步均通过时，证据包通过核验；“区块”通过时，“检查点”可以仅为不能证明。",
    "Each step judges one claim and ends in one of four states, with the reason. A package holds when nothing is "
    "FAILED and archive, manifest, registry, checkpoint, heads, content, logged and signed are VERIFIED; where "
    "blocks is VERIFIED, checkpoint may be NOT PROVABLE.",
)
_ITEMS = Words("未通过核验的各项（每步至多一百项）", "What did not verify, one by one (at most a hundred a step)")


def steps(build: Builder, verdict: Verdict) -> list[Flowable]:
    """The steps, and below them what in them did not verify."""
    flowables = [*build.heading("steps", Words("二、核验步骤", "2  What was verified"), room=75 * mm)]
    flowables += build.paragraph(_STEPS)
    heads = [Words("步骤", "Step"), Words("主张", "Claim"), Words("状态", "State"), Words("理由", "Why")]
    rows = [
        [
            build.text((str(step.number), CELL)),
            build.cell(CLAIMS.get(step.claim, Words(step.claim, step.claim))),
            _state(build, step.state),
            build.text((clip(step.zh, 800), CELL), (clip(step.en, 800), CELL_ENGLISH)),
        ]
        for step in verdict.steps
    ]
    flowables += build.table(heads, rows, (0.08, 0.32, 0.17, 0.43))
    open_steps = [step for step in verdict.steps if step.items]
    if open_steps:
        flowables += build.subheading(_ITEMS)
        heads = [Words("步骤", "Step"), Words("对象", "About"), Words("状态", "State"), Words("理由", "Why")]
        rows = [row for step in open_steps for row in _items(build, step)]
        flowables += build.table(heads, rows, (0.08, 0.32, 0.17, 0.43))
    return flowables


def _items(build: Builder, step: Step) -> list[list[Text]]:
    return [
        [
            build.text((str(step.number), CELL)),
            build.text((clip(item.about), CELL)),
            _state(build, item.state),
            build.text((clip(item.zh, 800), CELL), (clip(item.en, 800), CELL_ENGLISH)),
        ]
        for item in step.items
    ]


def _state(build: Builder, state: str) -> Text:
    words = STATE_WORDS[state]
    return build.text((words.zh, Style(8.2, 11.6, STATE_COLORS[state], bold=True)), (words.en, CELL_ENGLISH))
