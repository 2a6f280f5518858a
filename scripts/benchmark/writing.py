"""The table on a terminal, and in a Markdown page between two lines that mark its place."""

import os
import platform
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from rich.table import Table

from scripts.benchmark.scoreboard import Row

BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"
CHART = "What a proof, a statement on the disk, integration and accepting cost as the log grows"
COLUMNS = ("what", "figure", "limit", "", "beside")


def terminal_table(rows: Sequence[Row]) -> Table:
    """For rich."""
    table = Table(title="What it costs", title_justify="left", header_style="bold")
    for number, column in enumerate(COLUMNS):
        table.add_column(column, justify="right" if number == 1 else "left", no_wrap=number in (1, 3))
    for row in rows:
        table.add_row(row.what, row.figure, row.limit, row.verdict, row.beside)
    return table


def check_page(page: Path) -> None:
    """Raise `ValueError` where a page cannot take the table: said before hours of measuring, not after."""
    text = page.read_text("utf-8") if page.is_file() else ""
    if text.count(BEGIN) != 1 or text.count(END) != 1 or text.index(BEGIN) > text.index(END):
        raise ValueError(f"{page} needs the lines {BEGIN} and {END}, once each, between which the table is written")


def write_table(page: Path, rows: Sequence[Row], chart: Path | None) -> None:
    """Put the table, and the chart where there is one, in the place of what stands between the two lines."""
    text = page.read_text("utf-8")
    before, after = text.partition(BEGIN)[0], text.partition(END)[2]
    blocks = [before + BEGIN, _measured_on(), _markdown(rows)]
    if chart is not None:
        blocks.append(f"![{CHART}]({os.path.relpath(chart, page.parent)})")
    page.write_text("\n\n".join([*blocks, END + after]), "utf-8")


def _markdown(rows: Sequence[Row]) -> str:
    lines = [_line(COLUMNS), _line(["---", "---:", "---", "---", "---"])]
    for row in rows:
        what = f"– {row.what.strip()}" if row.what.startswith(" ") else row.what
        lines.append(_line([what, row.figure, row.limit, row.verdict, row.beside]))
    return "\n".join(lines)


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _measured_on() -> str:
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    python = ".".join(map(str, sys.version_info[:2]))
    return (
        f"Measured on {time.strftime('%Y-%m-%d')}: {os.cpu_count()} virtual cores ({_processor()}), "
        f"{memory:.0f} GiB, {platform.system()} {platform.release().split('-')[0]}, Python {python}."
    )


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
