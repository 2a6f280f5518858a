"""What a decision may be warned of, as a table (docs/spec/policy.md). A warning never decides: the doctor does.

A policy's own caveats (`caveat:` and their id) are not in the table: their words are the policy's."""

from msgspec import Struct


class CodedWarning(Struct, frozen=True, gc=False):
    """A warning, with the clause that it rests on; "" where it is the ledger's own rule.

    `knowingly`: whoever recognises in spite of it must say that they knew.
    """

    code: str
    clause: str
    zh: str
    en: str
    knowingly: bool = False


_KNOWINGLY = frozenset({"superseded", "withdrawn"})

_TEXTS = {
    "emergency": ("患者处于紧急状态，可以重新检查", "an emergency: the doctor may examine again at once"),
    "evaluation-overdue": (
        "检查时质量评价已超过规定频次",
        "no quality evaluation within the time that the policy sets",
    ),
    "examined-after-decided": (
        "检查时间晚于决定时间，请核对",
        "examined after the decision: one of the times is wrong",
    ),
    "film": ("实体胶片，证据等级低", "a film, not a record of the platform: low as evidence"),
    "incomplete": ("报告或影像资料不完整、不规范", "the report or its images are not complete or not in order"),
    "mark-missing": ("项目合格但报告未标注互认标识", "qualified, but the report bears no recognition mark"),
    "mark-other-area": ("互认标识与资质的互认范围不符", "a mark names another area than the qualification"),
    "mark-without-qualification": ("未取得资质而标注互认标识", "a recognition mark without a qualification"),
    "not-in-catalogue": ("项目不在互认目录内", "the item is not in the catalogue"),
    "not-qualified": ("项目未通过质量评价", "the item has not passed quality evaluation"),
    "outside-qualification-scope": (
        "接诊机构不在资质的互认范围内",
        "the qualification does not count at the recogniser's place",
    ),
    "outside-window": ("超过一般互认时限，由医生判断", "older than is recognised as a rule; the doctor decides"),
    "own-report": ("本机构自己的报告，不属互认", "the hospital's own report: no mutual recognition"),
    "paper": ("纸质报告，证据等级低", "a paper report, not a record of the platform: low as evidence"),
    "phase-not-yet": ("按实施步骤，该情形此日尚未开放", "by the steps of the plan, not open on this day"),
    "phase-underway": ("按实施步骤正在推开，未到完成期限", "by the steps of the plan, being put in place; not yet due"),
    "physical-although-connected": (
        "平台已接入，仍凭实体结果",
        "paper or film, although both are connected to the platform",
    ),
    "policy-not-in-force": ("决定之日本办法未生效或已失效", "the policy is not in force on the day of the decision"),
    "qualification-lapsed": ("资质已超过有效期，须重新认证", "the qualification had lapsed; it must be renewed"),
    "qualification-revoked": ("资质已被撤销", "the qualification had been revoked"),
    "qualification-suspended": ("资质已被暂停", "the qualification was suspended"),
    "sample-policy": ("样例规则，非任何主管部门发布", "a sample policy; no authority published it"),
    "superseded": ("报告已被更正，所见并非最新版本", "the report was amended; this is not its current version"),
    "withdrawn": ("报告已撤回", "the report was withdrawn"),
}

WARNING_CODES = frozenset(_TEXTS)


def coded_warning(code: str, clause: str = "") -> CodedWarning:
    """The warning `code`, resting on `clause`."""
    zh, en = _TEXTS[code]
    return CodedWarning(code, clause, zh, en, code in _KNOWINGLY)
