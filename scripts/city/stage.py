"""How the run shows itself to a person: steps with their times, bars for long ones, and the closing summary."""

import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.panel import Panel
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from anchors.core.times import iso_time
from ledger_service.cli.words import kind_in_words

PIPED_WIDTH = 100
SHORTEST_SECONDS = 0.05
ALREADY = "already there"
"""What a step says where an earlier run did its work."""


class Stage:
    """Writes to standard output, or to standard error where the JSON object must stand alone."""

    def __init__(self, quiet: bool):
        stream = sys.stderr if quiet else sys.stdout
        self.console = Console(file=stream, highlight=False, width=None if stream.isatty() else PIPED_WIDTH)

    def title(self) -> None:
        """What this is."""
        self.console.print(
            Panel.fit(
                "[bold]Huzheng 互证[/bold]  an audit ledger for the mutual recognition of medical results\n"
                "A synthetic city on a local chain. No institution, doctor or patient in it exists.",
                border_style="cyan",
            )
        )

    @contextmanager
    def step(self, what: str) -> Iterator[Callable[[str], None]]:
        """A step; the yielded function adds what came of it to the line."""
        began, notes = time.monotonic(), []
        yield notes.append
        self._done(what, " · ".join(notes), time.monotonic() - began)

    @contextmanager
    def long_step(self, what: str, total: int) -> Iterator[Callable[[int], None]]:
        """A step with a bar; the yielded function advances it. Where there was nothing to do, the line says so."""
        began, done = time.monotonic(), 0
        columns = (
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
        )
        with Progress(*columns, console=self.console, transient=True, disable=not self.console.is_terminal) as progress:
            task = progress.add_task(what, total=total)

            def advance(count: int) -> None:
                nonlocal done
                done += count
                progress.update(task, completed=min(done, total))

            yield advance
        self._done(what, f"{done:,}" if done else ALREADY, time.monotonic() - began)

    def _done(self, what: str, note: str, seconds: float) -> None:
        took = f"{seconds:5.1f} s" if seconds >= SHORTEST_SECONDS else ""
        self.console.print(f"[green]✓[/green] {what:<46} [cyan]{note:<38}[/cyan] [dim]{took}[/dim]")

    def lines(self, title: str, lines: Sequence[str]) -> None:
        """Lines to be copied: each stays one line, however long it is."""
        self.console.print(f"\n[bold]{title}[/bold]")
        for line in lines:
            self.console.print(f"  {line}", soft_wrap=True, markup=False)

    def before_json(self) -> None:
        """The line before the JSON object that ends the summary."""
        self.console.print("as JSON:", style="dim")

    def summary(self, result: Mapping, timeline: Sequence[Mapping], names: Mapping[str, str]) -> None:
        """The closing summary: one report's way through the city, then the figures."""
        self.console.print()
        self.console.print(_timeline_table(timeline, names))
        self.console.print(_documents_table(result["documents"]))
        self.console.print(_figures_table(result))


def _timeline_table(timeline: Sequence[Mapping], names: Mapping[str, str]) -> Table:
    table = Table(title="One report's way 一份报告的历程", title_justify="left", header_style="bold", expand=False)
    for column in ("#", "who says so", "what", "issued at", "state"):
        table.add_column(column, justify="right" if column == "#" else "left", overflow="fold")
    for item in timeline:
        who, what = names.get(item["institution"], item["institution"]), kind_in_words(item["kind"])
        table.add_row(str(item["index"]), who, what, iso_time(item["issuedAt"]), f"[green]{item['state']}[/green]")
    return table


def _documents_table(documents: Mapping[str, Mapping[str, int]]) -> Table:
    table = Table(title="Documents 文档", title_justify="left", header_style="bold")
    table.add_column("format")
    table.add_column("read", justify="right")
    table.add_column("attested by raw bytes alone", justify="right")
    for name, counts in documents.items():
        table.add_row(name, str(counts["parsed"]), str(counts["raw_only"]))
    return table


def _figures_table(result: Mapping) -> Table:
    table = Table(title="The ledger 账本", title_justify="left", show_header=False)
    table.add_column(style="bold")
    table.add_column(justify="right")
    audit = "[bold green]ok[/bold green]" if result["audit"] == "ok" else f"[bold red]{result['audit']}[/bold red]"
    for label, value in (
        ("statements signed 签名的声明", f"{result['statements']:,}"),
        ("results recognised 互认", f"{result['recognitions']:,}"),
        ("not recognised, with a reason 不予互认", f"{result['refusals']:,}"),
        ("tests ordered again 重复检查", f"{result['repeats']:,}"),
        ("published figures counted again 统计复算", "the same" if result["statistics_recomputed"] else "NOT the same"),
        ("accepted, durable 已受理", f"{result['accepted']:,}"),
        ("witnessed by the contract 合约见证", f"{result['witnessed']:,}"),
        ("final on the chain 链上终局", f"{result['final']:,}"),
        ("checkpoints signed 检查点", f"{result['checkpoints']:,}"),
        ("gas in all 总燃料", f"{result['gas_total']:,}"),
        ("gas a statement 每条声明燃料", f"{result['gas_per_statement']:,}"),
        ("proofs verified offline 离线验证的证明", f"{result['proofs_verified']:,}"),
        ("audit 审计", audit),
        ("seconds 用时", f"{result['seconds']:,}"),
    ):
        table.add_row(label, value)
    return table
