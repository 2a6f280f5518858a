"""Where a line of Chinese and English text may be broken.

Chinese may be broken between any two characters, but no line begins with a closing mark or ends with an opening one
(GB/T 15834); other text is broken at spaces. A digest is broken after every eighth digit, and what is longer than a
line anywhere.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator

CLOSING = frozenset("，。、；：！？）》」』】〕〉”’％…—·,.;:!?)]}%")
OPENING = frozenset("（《「『【〔〈“‘([{")
_DIGEST = re.compile(r"(?:0x)?[0-9a-f]{40,}")
_PIECES = re.compile(r"(?<=[/,@=&?])(?=[^\s])|(?<=[a-z0-9][.:-])(?=[A-Za-z0-9])")
LONG = 20
"""Characters of a word that may be broken behind its marks: a path, an address, a list."""


def wrap(text: str, width_of: Callable[[str], float], width: float) -> list[str]:
    """The lines of a text, none wider than `width` unless a single character is. An empty text is one empty line."""
    lines: list[str] = []
    for paragraph in text.split("\n"):
        broken: list[list[str]] = [[]]
        used = 0.0
        for piece in _fitting(_pieces(paragraph), width_of, width):
            if broken[-1] and used + width_of(piece.rstrip()) > width:
                broken.append([])
                used = 0.0
                piece = piece.lstrip()
            broken[-1].append(piece)
            used += width_of(piece)
        _fill_last(broken)
        lines += ["".join(line).rstrip() for line in broken]
    return lines


def _fill_last(broken: list[list[str]]) -> None:
    """No last line has but one Chinese character: the one before stands on it too."""
    if len(broken) < 2 or len(broken[-1]) != 1 or len(broken[-2]) < 2:
        return
    last, before = broken[-1][0], broken[-2][-1]
    if _is_chinese(last[0]) and _is_chinese(before[-1]):
        broken[-1].insert(0, broken[-2].pop())


def _pieces(text: str) -> list[str]:
    """The text in pieces of which none is broken; spaces stand at their ends."""
    pieces: list[str] = []
    for word in re.findall(r"\S+\s*|\s+", text):
        for part in _parts(word):
            if pieces and _belong_together(pieces[-1], part):
                pieces[-1] += part
            else:
                pieces.append(part)
    return pieces


def _belong_together(before: str, after: str) -> bool:
    if before[-1].isspace():
        return False
    if before[-1] in OPENING:
        return True
    return after[0] in CLOSING and (_is_chinese(after[0]) or _is_chinese(before[-1]) or before[-1] in CLOSING)


def _parts(word: str) -> Iterator[str]:
    """A word and the spaces behind it, taken apart at its Chinese characters, and within digests and long words."""
    for run in re.findall(r"[^\u2e80-\uffef\U00020000-\U0003ffff]+|.", word):
        if _is_chinese(run[0]) or len(run) <= LONG:
            yield run
        elif found := _DIGEST.search(run):
            if found.start():
                yield run[: found.start()]
            digits = found[0]
            begin = 2 if digits.startswith("0x") else 0
            ends = [*range(begin + 8, len(digits), 8), len(digits)]
            for start, end in zip([0, *ends], ends, strict=False):
                yield digits[start:end] + (run[found.end() :] if end == len(digits) else "")
        else:
            yield from filter(None, _PIECES.split(run))


def _fitting(pieces: list[str], width_of: Callable[[str], float], width: float) -> Iterator[str]:
    """The pieces; those that are wider than a line are cut where it ends."""
    for piece in pieces:
        while len(piece) > 1 and width_of(piece.rstrip()) > width:
            end = 1
            while end < len(piece) and width_of(piece[: end + 1]) <= width:
                end += 1
            yield piece[:end]
            piece = piece[end:]
        yield piece


def _is_chinese(character: str) -> bool:
    return unicodedata.east_asian_width(character) in "WF" or character in "“”‘’…—·"
