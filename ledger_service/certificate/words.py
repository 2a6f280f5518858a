"""The words of a certificate in Chinese and English: claims, facts, kinds, roles and times."""

import re
from datetime import UTC, datetime

from reportlab.lib.colors import Color, HexColor

from ledger_service.certificate.verdict import BlockTime
from ledger_service.kinds import KINDS
from ledger_service.shown import Words, clock

TITLE = Words("电子证据核验证书", "Certificate of verification of electronic evidence")

FACT_WORDS: dict[str, Words] = {
    "VERIFIED": Words("√ 陈述有载", "VERIFIED"),
    "FAILED": Words("× 陈述所载相反", "FAILED"),
    "NOT_CHECKED": Words("○ 未核验", "NOT CHECKED"),
    "NOT_PROVABLE": Words("△ 不能证明", "NOT PROVABLE"),
}
STATE_COLORS: dict[str, Color] = {
    "VERIFIED": HexColor(0x17603A),
    "FAILED": HexColor(0xA61C1C),
    "NOT_CHECKED": HexColor(0x7A5A00),
    "NOT_PROVABLE": HexColor(0x7A5A00),
}
CLAIMS: dict[str, Words] = {
    "archive": Words(
        "文件形式：由其成员重新组成的文件与本文件逐字节相同", "archive: rebuilt from its members, the file is the same"
    ),
    "manifest": Words("清单：列明全部成员的长度与摘要", "manifest: it names every member with its length and digest"),
    "registry": Words(
        "登记：机构与密钥的登记记录完整，且与信任文件一致",
        "registry: its changes are whole and those of the trust file",
    ),
    "exporter": Words(
        "导出方：清单由导出方的登记密钥签名", "exporter: the manifest is signed by a key of the exporter"
    ),
    "checkpoint": Words(
        "检查点：账本以受信密钥签署其大小和根", "checkpoint: a trusted key of the log signed its size and root"
    ),
    "heads": Words(
        "链上日志头：每一个都经一致性证明通向检查点", "heads: each leads to the checkpoint by a consistency proof"
    ),
    "blocks": Words("区块：每个日志头都记载于已封存的区块", "blocks: each head stands in a sealed block"),
    "content": Words("内容：各部分的摘要与账本条目相符", "content: all parts hash to what the entries commit to"),
    "logged": Words("入账：每条陈述都在检查点之下", "logged: every statement is under the checkpoint"),
    "signed": Words(
        "签名：每条陈述由其所属机构的登记密钥签署", "signed: every statement by a key that speaks for its institution"
    ),
    "times": Words("时间：每条陈述的签署时间在两个区块之间", "times: every statement was signed between two blocks"),
    "rules": Words("规则：种类、内容、关联与标的符合规范", "rules: kinds, parts, links and subjects are as specified"),
    "decisions": Words(
        "决定：所载决定与证据包内的政策、资质、目录相符", "decisions: they follow from the policies and qualifications"
    ),
    "documents": Words(
        "原件：每份文件的 SHA-256 与 SM3 与陈述相符", "documents: each hashes, by both digests, to a statement"
    ),
    "acceptance": Words(
        "机构认可：机构以 CA 证书认可其密钥", "acceptance: institutions accepted their keys by CA certificate"
    ),
    "timestamps": Words(
        "时间戳：由受信机构就本账本检查点出具", "timestamps: by trusted authorities, on this log's checkpoints"
    ),
    "cosigned": Words("见证：受信见证人共同签署检查点", "cosigned: trusted witnesses cosigned the checkpoint"),
    "complete": Words("完整性：不可能离线证明", "complete: cannot be proved offline"),
}
ROLE_WORDS: dict[str, Words] = {
    "timeline": Words("本标的", "about the subject"),
    "linked": Words("关联", "linked"),
    "rules": Words("规则依据", "rules"),
}
DEEDS: dict[str, Words] = {
    "assembled": Words("汇编证据包", "assembled the package"),
    "added": Words("加入文件", "added members"),
}
_CHINESE = re.compile(r"[\u4e00-\u9fff]")


def kind_words(kind: str) -> Words:
    """What an institution did."""
    known = KINDS.get(kind)
    if known is None:
        return Words(f"未知种类 {kind}", "a kind that is not known here")
    found = _CHINESE.search(known.words)
    begin = found.start() if found else len(known.words)
    return Words(known.words[begin:] or kind, known.words[:begin].strip())


def file_date(seconds: int) -> str:
    """Unix seconds as the PDF's own date has them, in UTC."""
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y%m%d%H%M%S")
    except (ValueError, OverflowError, OSError):
        return "19700101000000"


def between(after: BlockTime | None, before: BlockTime | None) -> list[str]:
    """Both ends of when something was signed, a line each."""
    begin = f"晚于 after {clock(after.time)}（区块 block {after.block}）" if after else "起点未证明 no proven start"
    end = f"早于 before {clock(before.time)}（区块 block {before.block}）" if before else "终点未证明 no proven end"
    return [begin, end]


def clip(text: str, most: int = 400) -> str:
    """A text of at most `most` characters; what was cut off is said."""
    if len(text) <= most:
        return text
    return f"{text[:most]}…（共 {len(text)} 字符，全文见证据包 cut; the package has all {len(text)} characters）"
