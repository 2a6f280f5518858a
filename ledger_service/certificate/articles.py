"""What arts. 16 and 17 of 《人民法院在线诉讼规则》 ask, what the package says, and what only a person can answer."""

from dataclasses import dataclass

from ledger_service.shown import Words

METHODS = Words(
    "SHA-256、SM3、Keccak-256 摘要；secp256k1（EIP-712）、Ed25519 签名；RFC 9162 默克尔日志及其一致性证明；RFC "
    "8785 规范 JSON；C2SP tlog-tiles、tlog-checkpoint、tlog-proof；RFC 3161 时间戳",
    "digests by SHA-256, SM3 and Keccak-256; signatures by secp256k1 (EIP-712) and Ed25519; the Merkle log of RFC "
    "9162 with its consistency proofs; the JSON of RFC 8785; tlog-tiles, tlog-checkpoint and tlog-proof of C2SP; "
    "time-stamps of RFC 3161",
)


@dataclass(frozen=True)
class Article:
    """A question of the rules; what is told, with names in braces for what the package says; blanks, each with its
    number of lines."""

    asks: Words
    told: Words
    blanks: tuple[tuple[Words, int], ...]


ARTICLES = (
    Article(
        Words("第十六条：上链后是否一致", "Art. 16: consistent since it is on the chain"),
        Words("离线核验结果：证据包{holds}（{counts}）。", "Judged offline, the package {holds} ({counts})."),
        ((Words("相反证据或异议", "Evidence to the contrary, objections"), 1),),
    ),
    Article(
        Words("第十七条（一）：存证平台的资质", "Art. 17 (1): the platform's qualification"),
        Words(
            "账本：{log}；导出方登记代码：{exporter}。证据包不载明、也不能证明平台的备案或许可。",
            "Log: {log}; code of the exporter: {exporter}. The package neither says nor proves that the "
            "platform is filed or licensed.",
        ),
        (
            (Words("平台运营主体及统一社会信用代码", "Operator of the platform, credit code"), 1),
            (Words("区块链信息服务备案编号及其他资质", "Number of filing, other qualifications"), 1),
        ),
    ),
    Article(
        Words("第十七条（二）：中立性", "Art. 17 (2): neutrality"),
        Words(
            "本标的时间线上的机构：{institutions}。按设计，陈述由各机构以自有密钥签名，账本头由合约核验一致性证明"
            "后记载，平台不能替机构签名，也不能改写已见证的账本；就本证据包，“签名”一步为：{signed}，“区块”一步为："
            "{blocks}。平台与当事人有无利害关系须由人说明。",
            "Institutions on the timeline: {institutions}. By design each signs with a key of its own and the "
            "contract takes a head only with a consistency proof, so that the platform can neither sign for them "
            "nor rewrite what was witnessed; of this package the step signed is {signed} and blocks is "
            "{blocks}. Whether the platform has an interest in the case is for a person to say.",
        ),
        (
            (Words("与当事人的利害关系　□ 无　□ 有：", "Interest in the parties: none / as follows"), 1),
            (Words("取证、存证过程中有无人为干预", "Interference while evidence was taken or kept"), 1),
        ),
    ),
    Article(
        Words("第十七条（三）：清洁、安全、可靠、可用", "Art. 17 (3): clean, secure, reliable, available"),
        Words(
            "核验程序：{tool}，离线运行。核验和取证所用计算机的状态，证据包不能证明。",
            "Judged with {tool}, offline. The package cannot prove the state of the computers that were used.",
        ),
        (
            (Words("核验环境：计算机、系统、清洁性检查", "Environment: computer, system, how it was checked"), 2),
            (Words("平台等级保护备案及测评", "Classified protection of the platform, assessment"), 1),
        ),
    ),
    Article(
        Words("第十七条（四）：技术和过程", "Art. 17 (4): method and process"),
        Words(
            "所用方法：{methods}。每一步均有公开规范，任何人可以重复。",
            "The methods: {methods}. Every step is specified openly and can be repeated by anybody.",
        ),
        ((Words("符合的国家标准或行业标准", "National or industry standards that are met"), 1),),
    ),
)
BEFORE_BLANKS = (
    (Words("具体来源和生成机制（补充）", "Origin and how it was generated (more)"), 2),
    (Words("上链前的存储过程", "How it was stored before"), 1),
    (Words("公证、第三方见证", "Notary, third-party witness"), 1),
    (Words("可相互印证的其他证据", "Other evidence that bears it out"), 2),
)
"""What art. 18 asks beyond the statements: truth before the chain."""
