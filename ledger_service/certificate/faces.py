"""The two fonts of a certificate, which are part of every file; and what is written where one lacks a character."""

from functools import cache, lru_cache
from importlib.resources import as_file, files

from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont

from ledger_service.shown import escaped

REGULAR, BOLD = "HuzhengRegular", "HuzhengBold"
_FILES = {REGULAR: "NotoSansSC-Regular.ttf", BOLD: "NotoSansSC-Bold.ttf"}


class Faces:
    """Writes texts with what the fonts have. `missing` are the characters that they lack and that were met."""

    def __init__(self) -> None:
        self.missing: set[str] = set()

    def shown(self, text: str) -> str:
        """The text as it can be set: what cannot be seen, or is in no font, stands as its escape (`\\u3402`)."""
        return "".join(character if self._is_shown(character) else escaped(character) for character in text)

    def _is_shown(self, character: str) -> bool:
        if character in "\n\u3000":
            return True
        if not character.isprintable():
            return False
        if ord(character) in glyphs(REGULAR):
            return True
        self.missing.add(character)
        return False


def face_for(text: str, bold: bool) -> str:
    """The name of the font in which the text is set: the bold one has the program's own words, and not every name."""
    return BOLD if bold and all(ord(character) in glyphs(BOLD) for character in text) else REGULAR


def glyphs(face: str) -> dict[int, float]:
    """The widths of a font's characters, in thousandths of its size."""
    return _font(face).face.charWidths


def width(text: str, face: str, size: float) -> float:
    """How wide a text is, in points."""
    return _thousandths(text, face) * size / 1000


@lru_cache(maxsize=100_000)
def _thousandths(text: str, face: str) -> float:
    widths = glyphs(face)
    return sum(widths[ord(character)] for character in text)


@cache
def _font(face: str) -> TTFont:
    with as_file(files("ledger_service.certificate") / "fonts" / _FILES[face]) as path:
        font = TTFont(face, path)
    pdfmetrics.registerFont(font)
    return font
