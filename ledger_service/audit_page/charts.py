"""Charts as SVG that is as wide as there is room: places in per cent, letters and heights in pixels.

Every chart has a name for those who cannot see it, and its numbers stand in a table beside it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from ledger_service.audit_page.html import Html, element

HEIGHT, TOP = 200, 12
MOST_LABELS = 6
BROADEST = 9
SCALE = (1, 2, 4, 6, 8, 10)


@dataclass(frozen=True)
class Bar:
    """One column: its name, and how many."""

    name: str
    count: int


@dataclass(frozen=True)
class Piece:
    """A stretch of a strip, by its class, from and to which part of 1."""

    kind: str
    begin: float
    end: float


def columns(name: str, bars: Sequence[Bar]) -> Html:
    """Columns beside each other, with a scale on the left and some names below."""
    most = rounded(max(bar.count for bar in bars))
    room, width = HEIGHT - TOP, 100 / len(bars)
    broad = min(width * 0.8, BROADEST)
    lines = [element("line", x1="0", x2="100%", y1=y, y2=y, class_="grid") for y in (TOP, TOP + room // 2, HEIGHT)]
    drawn = [
        element(
            "rect",
            x=f"{(number + 0.5) * width - broad / 2:.3f}%",
            width=f"{broad:.3f}%",
            y=f"{HEIGHT - room * bar.count / most:.1f}",
            height=f"{room * bar.count / most:.1f}",
            class_="bar",
        )
        for number, bar in enumerate(bars)
    ]
    below = [
        element(
            "text",
            bars[number].name,
            x=f"{(number + 0.5) * width:.3f}%",
            y=HEIGHT + 18,
            text_anchor=_anchor((number + 0.5) / len(bars)),
        )
        for number in _labelled(len(bars))
    ]
    plot = element(
        "svg", *lines, *drawn, *below, role="img", aria_label=name, width="100%", height=HEIGHT + 26, class_="plot"
    )
    shown = [(most, TOP), (most // 2, TOP + room // 2), (0, HEIGHT)] if most > 1 else [(1, TOP), (0, HEIGHT)]
    ticks = [element("text", count, x=46, y=y + 4, text_anchor="end") for count, y in shown]
    scale = element("svg", *ticks, width=52, height=HEIGHT + 26, aria_hidden="true", class_="scale")
    return element("div", scale, plot, class_="columns")


def share_bar(count: int, most: int, kind: str = "bar") -> Html:
    """One bar of a table's row: `count` of `most`. The number stands beside it."""
    part = max(100 * count / most, 0.6) if count else 0
    drawn = element("rect", x=0, y=0, height=12, width=f"{part:.2f}%", class_=kind)
    return element("svg", drawn, width="100%", height=12, aria_hidden="true", class_="share")


def strip(name: str, pieces: Sequence[Piece]) -> Html:
    """A band from left to right; what comes later lies above. Even the smallest piece can be seen."""
    drawn = (
        element(
            "rect",
            x=f"{min(piece.begin * 100, 99.6):.3f}%",
            y=0,
            height=26,
            width=f"{max((piece.end - piece.begin) * 100, 0.4):.3f}%",
            class_=piece.kind,
        )
        for piece in pieces
    )
    return element("svg", *drawn, role="img", aria_label=name, width="100%", height=26, class_="strip")


def rounded(most: int) -> int:
    """The smallest of 1, 2, 4, 6, 8, 10, 20, 40, … that is not below `most`."""
    power = 10 ** (len(str(max(most, 1))) - 1)
    return next(power * step for step in SCALE if power * step >= most)


def _labelled(count: int) -> list[int]:
    """Which columns bear their names: at most `MOST_LABELS`, evenly, the first and the last among them."""
    if count <= MOST_LABELS:
        return list(range(count))
    return [round(step * (count - 1) / (MOST_LABELS - 1)) for step in range(MOST_LABELS)]


def _anchor(place: float) -> str:
    return "start" if place < 0.06 else "end" if place > 0.94 else "middle"
