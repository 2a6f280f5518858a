"""The pages: what stands above and below each of them, and the file that they make together."""

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO

from reportlab.lib.colors import HexColor
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import BaseDocTemplate, Flowable, Frame, NextPageTemplate, PageBreak, PageTemplate

from ledger_service.certificate.faces import BOLD, REGULAR, glyphs, width
from ledger_service.certificate.layout import ACCENT, INK, MARGIN, PAGE_HEIGHT, PAGE_WIDTH, RULE, SOFT, TEXT_WIDTH
from ledger_service.shown import Words

PLAIN, DRAFT = "plain", "draft"
DRAFT_MARK = "草稿 DRAFT"
WATERMARK = HexColor(0xEDEDED)
FRAME_BOTTOM, FRAME_TOP = 22 * mm, 20 * mm


@dataclass(frozen=True)
class Marks:
    """What every page bears: the certificate's name, the digest (64 hex digits) of the package, the date (as
    `20261124095350`, UTC) of the file, and what is said of a draft's pages."""

    title: Words
    digest: str
    date: str
    draft: Words


def draft_begins() -> list[Flowable]:
    """What stands between the certificate and the drafts: from here on pages are marked as such."""
    return [NextPageTemplate(DRAFT), PageBreak()]


def make_file(flowables: Sequence[Flowable], marks: Marks) -> bytes:
    """The PDF. The same flowables and marks make the same bytes."""
    to = BytesIO()

    def new_canvas(*_arguments: object, **_options: object) -> "_Numbered":
        return _Numbered(to, marks)

    frame = Frame(
        MARGIN,
        FRAME_BOTTOM,
        TEXT_WIDTH,
        PAGE_HEIGHT - FRAME_BOTTOM - FRAME_TOP,
        leftPadding=0,
        rightPadding=0,
        topPadding=0,
        bottomPadding=0,
    )
    template = BaseDocTemplate(to, pagesize=(PAGE_WIDTH, PAGE_HEIGHT))
    template.addPageTemplates(
        [
            PageTemplate(PLAIN, [frame]),
            PageTemplate(DRAFT, [frame], onPage=lambda canvas, _document: _mark_draft(canvas, marks)),
        ]
    )
    template.build(list(flowables), canvasmaker=new_canvas)
    return to.getvalue()


class _Numbered(Canvas):
    """Knows how many pages there are before it writes the foot of the first."""

    def __init__(self, to: BytesIO, marks: Marks):
        glyphs(REGULAR)  # so that the font is known: what a page begins with is in its list of fonts
        super().__init__(
            to,
            pagesize=(PAGE_WIDTH, PAGE_HEIGHT),
            invariant=1,
            lang="zh-CN",
            pageCompression=1,
            initialFontName=REGULAR,
        )
        self._marks = marks
        self._pages: list[dict] = []
        self.setTitle(f"{marks.title.zh} {marks.title.en}")
        self.setSubject(f"huzheng:sha256:{marks.digest}")
        self.setCreator("huzheng")
        self.setAuthor("huzheng")
        self.setDateFormatter(lambda *_now: f"D:{marks.date}+00'00'")

    def showPage(self) -> None:
        """Keep a page until all are there."""
        self._pages.append(dict(self.__dict__))
        self._startPage()

    def save(self) -> None:
        """Write all pages with their numbers."""
        for number, page in enumerate(self._pages, 1):
            self.__dict__.update(page)
            self._write_marks(number)
            super().showPage()
        super().save()

    def _write_marks(self, number: int) -> None:
        title, count = self._marks.title, len(self._pages)
        self.setFillColor(SOFT)
        self.setFont(REGULAR, 7)
        self.drawString(MARGIN, PAGE_HEIGHT - 13 * mm, f"{title.zh} · {title.en}")
        self.setStrokeColor(RULE)
        self.setLineWidth(0.4)
        self.line(MARGIN, PAGE_HEIGHT - 14.5 * mm, PAGE_WIDTH - MARGIN, PAGE_HEIGHT - 14.5 * mm)
        self.line(MARGIN, 17 * mm, PAGE_WIDTH - MARGIN, 17 * mm)
        self.setFillColor(INK)
        self.drawString(MARGIN, 13 * mm, f"证据包 Package SHA-256 {self._marks.digest}")
        self.drawRightString(PAGE_WIDTH - MARGIN, 9.5 * mm, f"第 {number} 页 共 {count} 页 / page {number} of {count}")


def _mark_draft(canvas: Canvas, marks: Marks) -> None:
    canvas.saveState()
    canvas.setFillColor(WATERMARK)
    canvas.setFont(BOLD, 70)
    canvas.translate(PAGE_WIDTH / 2, PAGE_HEIGHT / 2)
    canvas.rotate(50)
    canvas.drawCentredString(0, -20, DRAFT_MARK)
    canvas.restoreState()
    canvas.setFillColor(ACCENT)
    canvas.setFont(BOLD, 7.5)
    text = f"{DRAFT_MARK} · {marks.draft.zh} {marks.draft.en}"
    canvas.drawString(PAGE_WIDTH - MARGIN - width(text, BOLD, 7.5), PAGE_HEIGHT - 18.4 * mm, text)
