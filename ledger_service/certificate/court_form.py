"""The draft for a Chinese court: what arts. 16 to 19 of 《人民法院在线诉讼规则》 ask, as far as the package says.

What only a person can answer is a blank; nothing here answers for anybody.
"""

from reportlab.platypus import Flowable, Spacer

from ledger_service.certificate.cover import Beliefs
from ledger_service.certificate.layout import CELL, CELL_ENGLISH, Blank, Builder, Text, Words
from ledger_service.certificate.origins import Origin, origins
from ledger_service.certificate.verdict import STATES, Verdict
from ledger_service.certificate.words import STATE_WORDS, clip

DRAFT = Words("须由有资格的人填写、核对并签名后方可使用", "to be completed, checked and signed by a person")
METHODS = Words(
    "SHA-256、SM3、Keccak-256 摘要；secp256k1（EIP-712）、Ed25519 签名；RFC 9162 默克尔日志及其一致性证明；RFC "
    "8785 规范 JSON；C2SP tlog-tiles、tlog-checkpoint、tlog-proof；RFC 3161 时间戳",
    "digests by SHA-256, SM3 and Keccak-256; signatures by secp256k1 (EIP-712) and Ed25519; the Merkle log of RFC "
    "9162 with its consistency proofs; the JSON of RFC 8785; tlog-tiles, tlog-checkpoint and tlog-proof of C2SP; "
    "time-stamps of RFC 3161",
)
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
    for words, told, blanks in _questions(verdict, beliefs):
        flowables += build.subheading(words, room=110)
        flowables.append(build.text((told.zh, CELL), (told.en, CELL_ENGLISH)))
        flowables += [Blank(blank, lines) for blank, lines in blanks]
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
    flowables += [Blank(words, lines) for words, lines in _BEFORE_BLANKS]
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


def _questions(verdict: Verdict, beliefs: Beliefs) -> list[tuple[Words, Words, list[tuple[Words, int]]]]:
    package = verdict.package
    log, exporter = (clip(package.origin), package.exporter) if package else ("—", "—")
    institutions = "、".join(sorted({statement.institution for statement in verdict.of_role("timeline")})) or "—"
    holds = Words("通过核验", "holds") if verdict.holds else Words("未通过核验", "does not hold")
    counts = "，".join(f"{STATE_WORDS[state].zh} {verdict.counts.get(state, 0)} 项" for state in STATES)
    counts_en = ", ".join(f"{verdict.counts.get(state, 0)} {STATE_WORDS[state].en}" for state in STATES)
    return [
        (
            Words("第十六条：上链后是否一致", "Art. 16: consistent since it is on the chain"),
            Words(
                f"离线核验结果：证据包{holds.zh}（{counts}）。",
                f"Judged offline, the package {holds.en} ({counts_en}).",
            ),
            [(Words("相反证据或异议", "Evidence to the contrary, objections"), 1)],
        ),
        (
            Words("第十七条（一）：存证平台的资质", "Art. 17 (1): the platform's qualification"),
            Words(
                f"账本：{log}；导出方登记代码：{clip(exporter)}。证据包不载明、也不能证明平台的备案或许可。",
                f"Log: {log}; code of the exporter: {clip(exporter)}. The package neither says nor proves that the "
                "platform is filed or licensed.",
            ),
            [
                (Words("平台运营主体及统一社会信用代码", "Operator of the platform, credit code"), 1),
                (Words("区块链信息服务备案编号及其他资质", "Number of filing, other qualifications"), 1),
            ],
        ),
        (
            Words("第十七条（二）：中立性", "Art. 17 (2): neutrality"),
            Words(
                f"本标的时间线上的机构：{clip(institutions)}。陈述由各机构以自有密钥签名，账本头由合约核验一致性证明"
                "后记载，平台不能替机构签名，也不能改写已见证的账本；平台与当事人有无利害关系须由人说明。",
                f"Institutions on the timeline: {clip(institutions)}. Each signs with a key of its own, and the "
                "contract takes a head only with a consistency proof: the platform can neither sign for them nor "
                "rewrite what was witnessed. Whether it has an interest in the case is for a person to say.",
            ),
            [
                (Words("与当事人的利害关系　□ 无　□ 有：", "Interest in the parties: none / as follows"), 1),
                (Words("取证、存证过程中有无人为干预", "Interference while evidence was taken or kept"), 1),
            ],
        ),
        (
            Words("第十七条（三）：清洁、安全、可靠、可用", "Art. 17 (3): clean, secure, reliable, available"),
            Words(
                f"核验程序：{clip(beliefs.tool, 80)}，离线运行。核验和取证所用计算机的状态，证据包不能证明。",
                f"Judged with {clip(beliefs.tool, 80)}, offline. The package cannot prove the state of the "
                "computers that were used.",
            ),
            [
                (
                    Words(
                        "核验环境：计算机、操作系统、清洁性检查", "Environment: computer, system, how it was checked"
                    ),
                    2,
                ),
                (Words("平台等级保护备案及测评", "Classified protection of the platform, assessment"), 1),
            ],
        ),
        (
            Words("第十七条（四）：技术和过程", "Art. 17 (4): method and process"),
            Words(
                f"所用方法：{METHODS.zh}。每一步均有公开规范，任何人可以重复。",
                f"The methods: {METHODS.en}. Every step is specified openly and can be repeated by anybody.",
            ),
            [(Words("符合的国家标准或行业标准", "National or industry standards that are met"), 1)],
        ),
    ]


_BEFORE_BLANKS = (
    (Words("具体来源和生成机制（补充）", "Origin and how it was generated (more)"), 2),
    (Words("上链前的存储过程", "How it was stored before"), 1),
    (Words("公证、第三方见证", "Notary, third-party witness"), 1),
    (Words("可相互印证的其他证据", "Other evidence that bears it out"), 2),
)


def _origin(build: Builder, origin: Origin) -> list[Flowable]:
    statement = origin.statement
    title = f"条目 {statement.index}　{statement.institution}　{statement.statement}"
    rows: list[tuple[Words, Text]] = [
        (words, build.text((clip(answer) or NOT_STATED, CELL))) for words, answer in origin.answers
    ]
    return [build.text((title, CELL)), Spacer(1, 3), build.pairs(rows, 0.26), Spacer(1, 8)]
