"""The page, put together."""

from anchors.core.trust import Trust
from ledger_service.audit_page.found import faults, left, policies, warnings
from ledger_service.audit_page.html import Html, element, paragraph, section
from ledger_service.audit_page.ledger import ledger, steps, tiles, verdict
from ledger_service.audit_page.measured import data, delays, gaps, per_day
from ledger_service.audit_page.periods import periods
from ledger_service.audit_page.style import STYLE
from ledger_service.shown import Words, clock
from ledger_service.usecases.audit import AuditResult

TITLE = Words("账本审计报告", "Audit report of the ledger")
UNSEEN = (
    Words(
        "已签署而从未见证的检查点，或整段未见证的尾部连同其收据，可以被移除而不在此留下痕迹；持有收据的机构可以出示。",
        "A checkpoint that was signed and never witnessed, or an unwitnessed tail with its receipts, may be removed "
        "without a trace here; whoever holds a receipt can show it.",
    ),
    Words(
        "陈述中的时间由签署者自称；区块时间由链给出。",
        "Times in statements are their signers' claims; those of blocks are the chain's.",
    ),
    Words(
        "医学上是否正确、是否合规、由谁担责，均不在审计范围。",
        "What is clinically right, proper, or whose liability, is never part of it.",
    ),
)
POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def make_page(result: AuditResult, trust: Trust) -> bytes:
    """The page as UTF-8. The same result and trust file give the same bytes; how long the audit took is not in it."""
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=POLICY),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("title", f"{TITLE.zh} {TITLE.en}: {result.origin}"),
        element("style", Html(STYLE)),
    )
    tip, days = result.measures.tip, result.measures.statements_per_day
    shown = periods(days) if days else None
    asof = (
        Words(f"截至区块 {tip.number:,}，{clock(tip.timestamp)}", f"as of block {tip.number:,}")
        if tip
        else Words("未读到区块", "no block was read")
    )
    top = element(
        "header",
        element("h1", TITLE),
        element("p", element("code", result.origin), class_="origin"),
        paragraph(asof, "asof"),
    )
    body = element(
        "body",
        top,
        element(
            "main",
            verdict(result),
            tiles(result),
            ledger(result, trust),
            steps(result),
            per_day(shown),
            delays(result),
            gaps(result),
            faults(result),
            warnings(result),
            left(result),
            policies(result),
            _unseen(),
            data(shown),
        ),
        element("footer", Words("由 huzheng audit --report 制作", "made by huzheng audit --report"), class_="made"),
    )
    return f"<!DOCTYPE html>\n{element('html', head, body, lang='zh-Hans')}\n".encode()


def _unseen() -> Html:
    listed = element("ul", *(element("li", words) for words in UNSEEN))
    return section("unseen", Words("审计看不到的", "What it cannot see"), listed)
