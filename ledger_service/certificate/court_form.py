"""The draft for a Chinese court: what arts. 16 to 19 of 《人民法院在线诉讼规则》 ask, as far as the package says.

What only a person can answer is a blank; nothing here answers for anybody.
"""

from reportlab.platypus import Flowable, Spacer

from ledger_service.certificate.articles import ARTICLES, BEFORE_BLANKS, METHODS
from ledger_service.certificate.cover import Beliefs
from ledger_service.certificate.layout import CELL, CELL_ENGLISH, Blank, Builder, Text
from ledger_service.certificate.origins import Origin, origins
from ledger_service.certificate.verdict import STATES, Verdict
from ledger_service.certificate.words import clip
from ledger_service.shown import STATE_WORDS, Words

DRAFT = Words("须由有资格的人填写、核对并签名后方可使用", "to be completed, checked and signed by a person")
_INTRODUCTION = Words(
    "本部分依《人民法院在线诉讼规则》（法释〔2021〕12号）第十六条至第十九条的审查要点编排。文字由程序按证据包填写，"
    "横线处只能由人回答。程序填写的内容不构成对平台资质、中立性或系统环境的证明。",
    "Arranged by what arts. 16 to 19 of the Online Litigation Rules of the People's Courts (2021) ask. The program "
    "filled in what the package says; only a person can answer where there are lines. Nothing here proves the "
    "platform's qualification, its neutrality, or the state of its systems.",
)
_BEFORE = Words("第十八条：上链之前的真实性", "Art. 18: truth before the chain")
_BEFORE_TEXT = Words(
    "下列内容为报告签发机构在陈述中的自述，以及由陈述得出的质控资质事实。区块链只证明陈述自上链起未被改动，不证明所"
    "述内容真实。“未载明”：陈述没有说明，或该部分未出示。",
    "What the issuing institution says in its statements, and the fact of its quality-control qualification. The "
    "chain proves that a statement was not changed since; it does not prove that what it says is true. 'not "
    "stated': the statement does not say, or the part is withheld.",
)
SIGNING_POINTS = 290
"""What is signed, and a question above it: no signature stands on a page of its own."""
NOT_STATED = "未载明 not stated"


def court_form(build: Builder, verdict: Verdict, beliefs: Beliefs) -> list[Flowable]:
    """The draft, from its heading to the signature."""
    flowables = build.heading(
        "court-form", Words("草稿一：区块链存证真实性说明", "DRAFT 1  Declaration on the authenticity of the record")
    )
    flowables += build.paragraph(_INTRODUCTION)
    chinese, english = _values(verdict, beliefs)
    for article in ARTICLES:
        flowables += build.subheading(article.asks, room=110)
        told = article.told.zh.format_map(chinese), article.told.en.format_map(english)
        flowables.append(build.text((told[0], CELL), (told[1], CELL_ENGLISH)))
        flowables += [Blank(blank, lines) for blank, lines in article.blanks]
    flowables += build.subheading(_BEFORE) + build.paragraph(_BEFORE_TEXT)
    found = origins(verdict)
    for origin in found:
        flowables += _origin(build, origin)
    if not found:
        none = Words(
            "证据包中没有载明文件摘要的报告陈述。",
            "No statement of the package about the subject commits to a document.",
        )
        flowables += build.paragraph(none)
    flowables += [Blank(words, lines) for words, lines in BEFORE_BLANKS]
    flowables += build.subheading(Words("第十九条：专门知识的人、鉴定", "Art. 19: experts"), room=SIGNING_POINTS)
    flowables += [
        Blank(Words("□ 不申请　□ 专门知识的人　□ 鉴定", "none / expert in court / appraisal"), 1),
        *build.subheading(Words("填写人声明", "Declaration"), room=0),
        *build.paragraph(
            Words(
                "本人已核对上述内容，其中由程序填写的部分已用证据包和信任文件自行复核；本人对所填内容的真实性负责。",
                "I have checked the above. What the program filled in I have verified myself from the package and "
                "the trust file. I answer for what I have filled in.",
            )
        ),
        *signature_blanks(),
    ]
    return flowables


def signature_blanks() -> list[Flowable]:
    """Who signs, in what capacity, and when."""
    asked = (
        Words("姓名", "Name"),
        Words("单位与职务", "Organisation and position"),
        Words("资格或专业背景", "Qualification"),
        Words("签名（盖章）", "Signature (seal)"),
        Words("日期与地点", "Date and place"),
    )
    return [Blank(words) for words in asked]


def _values(verdict: Verdict, beliefs: Beliefs) -> tuple[dict[str, str], dict[str, str]]:
    """What the package says in answer to the articles, in Chinese and in English."""
    package = verdict.package
    same = {
        "log": clip(package.origin) if package else "—",
        "exporter": clip(package.exporter) if package else "—",
        "institutions": clip("、".join(sorted({said.institution for said in verdict.of_role("timeline")})) or "—"),
        "tool": clip(beliefs.tool, 80),
    }
    states = {claim: STATE_WORDS[verdict.state_of(claim)] for claim in ("signed", "blocks")}
    counts = [(STATE_WORDS[state], verdict.counts.get(state, 0)) for state in STATES]
    chinese = same | {claim: words.zh for claim, words in states.items()}
    chinese |= {
        "holds": "通过核验" if verdict.holds else "未通过核验",
        "counts": "，".join(f"{words.zh} {count} 项" for words, count in counts),
        "methods": METHODS.zh,
    }
    english = same | {claim: words.en for claim, words in states.items()}
    english |= {
        "holds": "holds" if verdict.holds else "does not hold",
        "counts": ", ".join(f"{count} {words.en}" for words, count in counts),
        "methods": METHODS.en,
    }
    return chinese, english


def _origin(build: Builder, origin: Origin) -> list[Flowable]:
    statement = origin.statement
    title = f"条目 {statement.index}　{statement.institution}　{statement.statement}"
    rows: list[tuple[Words, Text]] = [
        (words, build.text((clip(answer) or NOT_STATED, CELL))) for words, answer in origin.answers
    ]
    return [build.text((title, CELL)), Spacer(1, 3), build.pairs(rows, 0.26), Spacer(1, 8)]
