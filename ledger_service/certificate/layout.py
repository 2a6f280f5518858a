"""Texts, tables and headings, as the sections of a certificate are built of them: Chinese first, English below it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from reportlab.lib.colors import Color, HexColor
from reportlab.lib.units import mm
from reportlab.platypus import CondPageBreak, Flowable, Spacer, Table

from ledger_service.certificate.faces import REGULAR, Faces, face_for, width
from ledger_service.certificate.lines import wrap
from ledger_service.shown import Words

PAGE_WIDTH, PAGE_HEIGHT = 210 * mm, 297 * mm
MARGIN = 20 * mm
TEXT_WIDTH = PAGE_WIDTH - 2 * MARGIN
INK, SOFT, RULE, SHADE = HexColor(0x1A1A1A), HexColor(0x4A4A4A), HexColor(0x9AA5B1), HexColor(0xF0F3F6)
ACCENT = HexColor(0x1F3A5F)
DESCENT = 0.3
"""From the foot of a line to where its letters stand, in parts of their size."""
LEAST_LINES = 2
"""Of a text that is broken between two pages, on either."""


@dataclass(frozen=True)
class Style:
    """How a text is set: sizes in points."""

    size: float
    leading: float
    color: Color = INK
    bold: bool = False
    before: float = 0


CHINESE = Style(9.5, 14.2)
ENGLISH = Style(7.8, 10.6, SOFT)
CELL, CELL_ENGLISH = Style(8.2, 11.6), Style(6.8, 9.0, SOFT)
DIGEST = Style(7.2, 10)
STRONG = Style(8.4, 11.8, bold=True)
TITLE, TITLE_ENGLISH = Style(24, 32, ACCENT, bold=True), Style(12.5, 18, SOFT)
HEADING, HEADING_ENGLISH = Style(13, 18, ACCENT, bold=True), Style(8.8, 12, SOFT)
SUBHEADING = Style(10, 14.5, ACCENT, bold=True)


class Text(Flowable):
    """Texts under each other, each in its style. Broken between pages at a line."""

    def __init__(self, *texts: tuple[str, Style]):
        super().__init__()
        self._texts = texts
        self._lines: list[tuple[str, str, Style]] = []

    def wrap(self, available_width: float, _available_height: float) -> tuple[float, float]:
        """The size that it takes (points), as the layout asks for it."""
        self._lines = []
        for text, style in self._texts:
            face = face_for(text, style.bold)
            first = replace(style, leading=style.leading + style.before) if self._lines else style
            for line in wrap(text, lambda piece, face=face, size=style.size: width(piece, face, size), available_width):
                self._lines.append((line, face, first))
                first = style
        self.width, self.height = available_width, sum(style.leading for _, _, style in self._lines)
        return self.width, self.height

    def split(self, available_width: float, available_height: float) -> list[Flowable]:
        """Two texts, of which the first fits; none where that would leave too few lines on either page."""
        self.wrap(available_width, available_height)
        height = 0.0
        for number, (_, _, style) in enumerate(self._lines):
            if height + style.leading > available_height + 1e-6:
                first = min(number, len(self._lines) - LEAST_LINES)
                if first < LEAST_LINES:
                    return []
                return [_SetLines(self._lines[:first]), _SetLines(self._lines[first:])]
            height += style.leading
        return [self]

    def draw(self) -> None:
        """Set the lines."""
        y = self.height
        for line, face, style in self._lines:
            y -= style.leading
            self.canv.setFillColor(style.color)
            self.canv.setFont(face, style.size)
            self.canv.drawString(0, y + style.size * DESCENT, line)


class _SetLines(Text):
    """Lines that were broken already."""

    def __init__(self, lines: list[tuple[str, str, Style]]):
        super().__init__()
        self._lines = lines

    def wrap(self, available_width: float, _available_height: float) -> tuple[float, float]:
        """See `Text.wrap`."""
        self.width, self.height = available_width, sum(style.leading for _, _, style in self._lines)
        return self.width, self.height


class Heading(Text):
    """The heading of a section: a line under it, and an entry in the list of contents that viewers show."""

    def __init__(self, key: str, words: Words):
        super().__init__((words.zh, HEADING), (words.en, HEADING_ENGLISH))
        self._key, self._entry = key, f"{words.zh} {words.en}"

    def draw(self) -> None:
        """Set it."""
        super().draw()
        self.canv.bookmarkPage(self._key)
        self.canv.addOutlineEntry(self._entry, self._key, 0)
        self.canv.setStrokeColor(ACCENT)
        self.canv.setLineWidth(0.8)
        self.canv.line(0, -2.5, self.width, -2.5)


LINE_POINTS = 19.0
"""From one line for handwriting to the next."""


class Blank(Flowable):
    """A line to be filled in by hand, behind what it asks for."""

    def __init__(self, words: Words, lines: int = 1):
        super().__init__()
        self._asks = Text((words.zh, CELL), (words.en, CELL_ENGLISH))
        self._count = lines

    def wrap(self, available_width: float, available_height: float) -> tuple[float, float]:
        """The size that it takes (points)."""
        _, asks = self._asks.wrap(available_width * 0.36, available_height)
        self.width, self.height = available_width, max(asks, LINE_POINTS * self._count) + 4
        return self.width, self.height

    def draw(self) -> None:
        """Set the question, and draw the lines."""
        self._asks.drawOn(self.canv, 0, self.height - self._asks.height - 3)
        self.canv.setStrokeColor(RULE)
        self.canv.setLineWidth(0.6)
        for number in range(self._count):
            y = self.height - LINE_POINTS * (number + 1)
            self.canv.line(self.width * 0.38, y, self.width, y)


class Builder:
    """Builds the flowables of sections. Whatever text it takes is written with what the fonts have."""

    def __init__(self, faces: Faces):
        self.faces = faces

    def text(self, *texts: tuple[str, Style]) -> Text:
        """Texts under each other."""
        return Text(*((self.faces.shown(text), style) for text, style in texts))

    def heading(self, key: str, words: Words, room: float = 50 * mm) -> list[Flowable]:
        """A section's heading, with room for what follows on the same page."""
        return [CondPageBreak(room), Spacer(1, 12), Heading(key, words), Spacer(1, 8)]

    def subheading(self, words: Words, room: float = 35 * mm) -> list[Flowable]:
        """A heading within a section."""
        text = self.text((words.zh, SUBHEADING), (words.en, CELL_ENGLISH))
        return [CondPageBreak(room), Spacer(1, 6), text, Spacer(1, 4)]

    def paragraph(self, words: Words) -> list[Flowable]:
        """A paragraph in both languages."""
        return [self.text((words.zh, CHINESE), (words.en, ENGLISH)), Spacer(1, 6)]

    def cell(self, words: Words, strong: bool = False) -> Text:
        """Both languages in a table."""
        return self.text((words.zh, STRONG if strong else CELL), (words.en, CELL_ENGLISH))

    def pairs(self, rows: Sequence[tuple[Words, Flowable]], share: float = 0.3) -> Table:
        """Names, and what each has, beside each other."""
        cells = [[self.cell(name), value] for name, value in rows]
        return _table(cells, [TEXT_WIDTH * share, TEXT_WIDTH * (1 - share)], heads=0)

    def table(
        self, heads: Sequence[Words], rows: Sequence[Sequence[Flowable]], shares: Sequence[float]
    ) -> list[Flowable]:
        """A table whose head is repeated on every page. `shares` of the width sum to 1."""
        head = [self.cell(words, strong=True) for words in heads]
        return [_table([head, *rows], [TEXT_WIDTH * share for share in shares], heads=1), Spacer(1, 8)]


def _table(cells: Sequence[Sequence[Flowable]], widths: Sequence[float], heads: int) -> Table:
    table = Table([list(row) for row in cells], colWidths=list(widths), repeatRows=heads, hAlign="LEFT")
    style = [
        ("FONTNAME", (0, 0), (-1, -1), REGULAR),
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("LEFTPADDING", (0, 0), (-1, -1), 4),
        ("RIGHTPADDING", (0, 0), (-1, -1), 4),
        ("TOPPADDING", (0, 0), (-1, -1), 2),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 3),
        ("LINEBELOW", (0, 0), (-1, -1), 0.4, RULE),
        ("LINEABOVE", (0, 0), (-1, 0), 0.8, ACCENT),
    ]
    if heads:
        style += [("BACKGROUND", (0, 0), (-1, heads - 1), SHADE)]
    else:
        style += [("BACKGROUND", (0, 0), (0, -1), SHADE)]
    table.setStyle(style)
    return table
