"""The cover: the result, the parties, and what was judged by what."""

from dataclasses import dataclass

from reportlab.graphics.barcode.qr import QrCode
from reportlab.lib.units import mm
from reportlab.platypus import Flowable, Spacer, Table

from ledger_service.certificate.faces import REGULAR
from ledger_service.certificate.layout import (
    CELL,
    CELL_ENGLISH,
    CHINESE,
    DIGEST,
    ENGLISH,
    INK,
    TEXT_WIDTH,
    TITLE_ENGLISH,
    Blank,
    Builder,
    Style,
)
from ledger_service.certificate.layout import TITLE as TITLE_STYLE
from ledger_service.certificate.parties import Parties
from ledger_service.certificate.verdict import STATES, Package, Verdict
from ledger_service.certificate.words import STATE_COLORS, TITLE, clip
from ledger_service.shown import STATE_WORDS, Words, clock

QR_SIZE = 34 * mm
HOLDS = Words("√ 证据包通过核验", "THE PACKAGE HOLDS")
HOLDS_NOT = Words("× 证据包未通过核验", "THE PACKAGE DOES NOT HOLD")
NO_TIMES = Words(
    "注意：区块未通过核验。签署时间和账本已由区块链见证这两点，本次均未证明。",
    "Note: blocks is not VERIFIED. Neither when anything was signed nor that the chain witnessed the log is proved "
    "here.",
)
WHAT_IT_IS = Words(
    "本证书由程序根据证据包和信任文件自动生成，陈述核验结果和证据包所载事实。它不是鉴定意见、公证书或裁判，"
    "不判断医疗行为是否正确，不认定责任。",
    "Made by a program from the evidence package and the trust file. It states what verified, and the facts that the "
    "package holds. It is no expert opinion, no notarial deed and no judgment; it says neither whether medicine was "
    "right nor who is liable.",
)


@dataclass(frozen=True)
class Beliefs:
    """What the verdict rests on, for whoever repeats it: the digest (hex) of the trust file, its chain and contracts
    (addresses in hex), and the program that judged."""

    trust_sha256: str
    chain_id: int
    genesis: str
    registry: str
    witness: str
    tool: str


def qr_text(digest: str) -> str:
    """What the QR code says: which package this is about."""
    return f"huzheng:sha256:{digest}"


def cover(
    build: Builder, verdict: Verdict, beliefs: Beliefs, parties: Parties, digest: str, made: int
) -> list[Flowable]:
    """The first page. `digest` is the SHA-256 of the package, `made` the certificate's date in Unix seconds."""
    title = build.text((TITLE.zh, TITLE_STYLE), (TITLE.en, TITLE_ENGLISH))
    head = Table(
        [[title, _Code(qr_text(digest), width=QR_SIZE, height=QR_SIZE, qrLevel="M")]],
        colWidths=[TEXT_WIDTH - QR_SIZE, QR_SIZE],
    )
    head.setStyle(
        [
            ("FONTNAME", (0, 0), (-1, -1), REGULAR),
            ("VALIGN", (0, 0), (0, 0), "MIDDLE"),
            ("LEFTPADDING", (0, 0), (-1, -1), 0),
            ("RIGHTPADDING", (0, 0), (-1, -1), 0),
        ]
    )
    return [
        head,
        Spacer(1, 4),
        *_result(build, verdict),
        *build.paragraph(WHAT_IT_IS),
        *build.subheading(Words("当事人与案件", "The parties and the case")),
        *_case(build, parties),
        *build.subheading(Words("核验对象", "What was judged"), room=0),
        *_package(build, verdict.package, beliefs, digest, made),
    ]


def _result(build: Builder, verdict: Verdict) -> list[Flowable]:
    words, color = (HOLDS, STATE_COLORS["VERIFIED"]) if verdict.holds else (HOLDS_NOT, STATE_COLORS["FAILED"])
    counts = [(STATE_WORDS[state], verdict.counts.get(state, 0)) for state in STATES]
    texts = [
        (words.zh, Style(15, 21, color, bold=True)),
        (words.en, Style(9, 12, color)),
        ("　".join(f"{state.zh} {count} 项" for state, count in counts), Style(8.8, 14)),
        (f"{len(verdict.steps)} steps: " + ", ".join(f"{count} {state.en}" for state, count in counts), ENGLISH),
    ]
    if verdict.state_of("blocks") != "VERIFIED":
        texts += [(NO_TIMES.zh, Style(8.8, 14, before=3)), (NO_TIMES.en, ENGLISH)]
    if verdict.error:
        texts.append((clip(verdict.error), ENGLISH))
    table = Table([[build.text(*texts)]], colWidths=[TEXT_WIDTH])
    table.setStyle(
        [
            ("FONTNAME", (0, 0), (-1, -1), REGULAR),
            ("BOX", (0, 0), (-1, -1), 1.2, color),
            ("LEFTPADDING", (0, 0), (-1, -1), 10),
            ("TOPPADDING", (0, 0), (-1, -1), 6),
            ("BOTTOMPADDING", (0, 0), (-1, -1), 8),
        ]
    )
    return [table, Spacer(1, 8)]


def _case(build: Builder, parties: Parties) -> list[Flowable]:
    asked = [
        (Words("受理法院", "Court"), parties.court),
        (Words("案号", "Case number"), parties.case),
        (Words("证明目的", "Offered to show"), parties.purpose),
    ]
    rows: list[Flowable] = []
    given = [(words, build.text((value, CELL))) for words, value in asked if value]
    for party in parties.parties:
        texts = [(party.name, CHINESE)] + ([(party.note, CELL_ENGLISH)] if party.note else [])
        given.append((Words(party.role, ""), build.text(*texts)))
    if given:
        rows.append(build.pairs(given))
    rows += [Blank(words) for words, value in asked if not value]
    if not parties.parties:
        rows.append(Blank(Words("原告（申请人）", "Plaintiff (applicant)")))
        rows.append(Blank(Words("被告（被申请人）", "Defendant (respondent)")))
        rows.append(Blank(Words("第三人及其他", "Third party and others")))
    return rows


def _package(build: Builder, package: Package | None, beliefs: Beliefs, digest: str, made: int) -> list[Flowable]:
    def one(zh: str, en: str, value: str, style: Style = CELL) -> tuple[Words, Flowable]:
        return Words(zh, en), build.text((value, style))

    rows = [one("证据包 SHA-256", "SHA-256 of the package", digest, DIGEST)]
    if package is not None:
        rows += [
            one("标的", "Subject", package.subject, DIGEST),
            one(
                "账本与检查点",
                "Log and checkpoint",
                f"{clip(package.origin)}，前 {package.size:,} 条 the first {package.size:,} entries",
            ),
            one(
                "导出",
                "Exported",
                f"{package.exporter}　{clock(package.exported_at)}　{clip(package.tool, 80)}　{package.bytes:,} 字节"
                " bytes",
            ),
        ]
    rows += [
        one("区块链", "Chain", f"chain id {beliefs.chain_id}\ngenesis {beliefs.genesis}", DIGEST),
        one("合约", "Contracts", f"登记 registry {beliefs.registry}\n见证 witness {beliefs.witness}", DIGEST),
        one("信任文件 SHA-256", "SHA-256 of the trust file", beliefs.trust_sha256, DIGEST),
        one("核验程序与证书日期", "Judged with, date", f"{clip(beliefs.tool, 80)}　{clock(made)}"),
    ]
    return [build.pairs(rows, 0.24)]


class _Code(QrCode):
    """The code, in black whatever was set before it."""

    def draw(self) -> None:
        """Set it."""
        self.canv.setFillColor(INK)
        super().draw()
