"""What the command shows: one JSON object, or tables for people. Nothing shown can steer a terminal."""

import json
import os
import re
import sys
from collections.abc import Iterable, Sequence
from contextlib import contextmanager
from typing import Any

from ledger_service.shown import plain

PIPED_WIDTH = 110
OWN_LINE_INDENT = 4
ADDRESS_CHARACTERS = 42
_HASH = re.compile(r"\b(?:0x)?[0-9a-f]{40,}\b")
STATE_STYLES = {
    "VERIFIED": "bold green",
    "FAILED": "bold red",
    "NOT_CHECKED": "yellow",
    "NOT_PROVABLE": "yellow",
    "final": "bold green",
    "witnessed": "green",
    "accepted": "cyan",
    "integrated": "cyan",
    "unsent": "yellow",
    "refused": "bold red",
}


def one_line(message: str) -> str:
    """A message as one printable line."""
    return plain(" ".join(message.split()))


class Output:
    """Where one verb's result goes: with `as_json` one object on standard output, else whatever is shown."""

    def __init__(self, as_json: bool) -> None:
        self.as_json = as_json
        self._console = None

    @property
    def console(self) -> Any:
        """The Rich console on standard output; plain text and a fixed width where that is no terminal."""
        if self._console is None:
            from rich.console import Console

            width = None if sys.stdout.isatty() or "COLUMNS" in os.environ else PIPED_WIDTH
            self._console = Console(markup=False, highlight=False, emoji=False, width=width)
        return self._console

    def result(self, members: dict[str, Any]) -> None:
        """Give the JSON object; nothing without `as_json`."""
        if self.as_json:
            sys.stdout.write(_printable_json(json.dumps(members, ensure_ascii=False, default=_jsonable)) + "\n")

    def line(self, text: str = "", style: str = "") -> None:
        """A line for people."""
        if not self.as_json:
            self.console.print(_text(text, style), soft_wrap=True)

    def note(self, text: str) -> None:
        """A line beside the result, on standard error, whether people or programs read."""
        sys.stderr.write(one_line(text) + "\n")

    def table(self, columns: Sequence[str], rows: Iterable[Sequence[object]], title: str = "") -> None:
        """A table for people. A cell that is a state's name gets the state's colour; long ones are folded, not cut."""
        if self.as_json:
            return
        from rich import box
        from rich.table import Table

        rows = [[_text(cell, STATE_STYLES.get(str(cell), "")) for cell in row] for row in rows]
        table = Table(box=box.SIMPLE_HEAD, title=_text(title) if title else None, title_justify="left", pad_edge=False)
        for column, cells in zip(columns, zip(*rows, strict=True) if rows else [()] * len(columns), strict=True):
            whole = any(len(cell) <= ADDRESS_CHARACTERS and _HASH.fullmatch(cell.plain) for cell in cells)
            table.add_column(_text(column), overflow="fold", no_wrap=whole)
        for row in rows:
            table.add_row(*row)
        self.console.print(table)

    def pairs(self, pairs: Iterable[tuple[str, object]], title: str = "") -> None:
        """Names and values under each other; a value may have several lines."""
        if self.as_json:
            return
        if title:
            self.line(title, "bold")
        pairs = [(plain(name), value) for name, value in pairs]
        margin = 2 + max((len(name) for name, _ in pairs), default=0)
        for name, value in pairs:
            for number, line in enumerate(_line_texts(value) or [""]):
                self._pair(name if number == 0 else "", line, margin)

    def _pair(self, name: str, value: str, margin: int) -> None:
        """One name and one line of its value, beside each other, or below where a hash would not stay whole."""
        shown, room = _text(value, STATE_STYLES.get(value, "")), max(self.console.width - margin, 20)
        if any(len(found) > room for found in _HASH.findall(value)):
            if name:
                self.console.print(_text(name, "dim"))
            indent = " " * OWN_LINE_INDENT
            whole = OWN_LINE_INDENT + shown.cell_len <= self.console.width
            for line in [value] if whole else _HASH.sub(r"\n  \g<0>", value).split("\n"):
                self.console.print(_text(f"{indent}{line.rstrip()}"), soft_wrap=True)
            return
        for line in shown.wrap(self.console, room) or [shown]:
            line.rstrip()
            self.console.print(_text(name.ljust(margin) if line else name, "dim") + line, soft_wrap=True)
            name = ""

    @contextmanager
    def progress(self, what: str, total: int):
        """A progress bar on standard error, if that is a terminal; gives the function that moves it by a number."""
        if not sys.stderr.isatty() or total < 2:
            yield lambda count=1: None
            return
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task(what, total=total)
            yield lambda count=1: bar.advance(task, count)


def _printable_json(text: str) -> str:
    """The same JSON with every character escaped that is not printable: it can only stand in a string."""
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else json.dumps(character)[1:-1] for character in text)


def _text(value: object, style: str = "") -> Any:
    from rich.text import Text

    return Text(plain(value), style=style)


def _line_texts(value: object) -> list[str]:
    return value.split("\n") if isinstance(value, str) else [plain(value)]


def _jsonable(value: object) -> str:
    return str(value)
