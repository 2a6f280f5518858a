"""Elements of a page. What is not an element already is text, and escaped: nothing else makes markup."""

from collections.abc import Iterable, Sequence
from html import escape

from ledger_service.shown import Words, plain

VOID = frozenset({"meta", "rect", "line"})


class Html(str):
    """Markup that `element` made."""


Child = Html | Words | str | int | None


def element(name: str, /, *children: Child, **attributes: str | int) -> Html:
    """An element. Of attributes a last `_` is left out, and the others become hyphens: `class_`, `aria_label`."""
    named = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(plain(value))}"' for key, value in attributes.items()
    )
    if name in VOID:
        return Html(f"<{name}{named}/>")
    return Html(f"<{name}{named}>{together(children)}</{name}>")


def together(children: Iterable[Child]) -> Html:
    """Elements and texts after each other."""
    return Html("".join(_markup(child) for child in children))


def _markup(child: Child) -> str:
    if isinstance(child, Html):
        return child
    if isinstance(child, Words):
        return element("span", child.zh, lang="zh") + " " + element("span", child.en, lang="en")
    return escape(f"{child:,}" if isinstance(child, int) else plain(child))


def code(text: str) -> Html:
    """What a machine says: hashes, keys, values."""
    return element("code", text)


def table(heads: Sequence[Child], rows: Iterable[Sequence[Child]], class_: str = "") -> Html:
    """A table of at least one row, in a box that moves sideways where the screen is too narrow."""
    rows = list(rows)
    kinds = [_kind(cell) for cell in rows[0]]
    top = element(
        "tr", *(element("th", head, scope="col", class_=kind) for head, kind in zip(heads, kinds, strict=True))
    )
    body = (element("tr", *(element("td", cell, class_=_kind(cell)) for cell in row)) for row in rows)
    whole = element("table", element("thead", top), element("tbody", *body))
    return element("div", whole, class_=f"wide {class_}".strip())


def first_rows(
    heads: Sequence[Child], rows: Sequence[Sequence[Child]], total: int, cut: Words, class_: str
) -> list[Child]:
    """A table of the first of `total` rows, and `cut`, which says so, where there are more."""
    shown: list[Child] = [table(heads, rows, class_)]
    return [*shown, paragraph(cut)] if total > len(rows) else shown


def _kind(cell: Child) -> str:
    return "number" if isinstance(cell, int) else "text"


def section(id: str, heading: Words, *children: Child) -> Html:
    """A section of the page."""
    return element("section", element("h2", heading, id=id), *children, aria_labelledby=id)


def paragraph(words: Child, class_: str = "said") -> Html:
    """A paragraph."""
    return element("p", words, class_=class_)
