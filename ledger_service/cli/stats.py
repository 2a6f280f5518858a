"""`huzheng stats`: figures over a log, made from its statements alone; or whether published ones are those."""

import csv
import io
from pathlib import Path
from typing import Annotated, Any

import typer
from sqlalchemy.exc import ArgumentError

from anchors.core import canonical
from anchors.core.encoding import decode_hex, encode_hex
from anchors.core.errors import VerificationFailed
from ledger_service.cli.options import URL_EXAMPLES, AsJson, ReadDatabase
from ledger_service.cli.output import Output
from ledger_service.client.errors import WrongInput
from ledger_service.client.files import new_file
from ledger_service.collector import rest_what_was_loaded
from ledger_service.processes.beside import Beside
from ledger_service.recognition.figures import Figures, Period, read_day
from ledger_service.storage.statistics import log_taken_apart, open_statistics_rows
from ledger_service.usecases.ports import StoreUnavailable
from ledger_service.usecases.statistics import compute, differences, published

MONEY = "savings"
ZONE = "+08:00"
MOST_ROWS = 20
HOLDS, DOES_NOT_HOLD = 0, 1


def app(
    database: ReadDatabase,
    since: Annotated[str | None, typer.Option("--since", metavar="DAY", help="First day, such as 2026-03-01.")] = None,
    until: Annotated[str | None, typer.Option("--until", metavar="DAY", help="Last day; it belongs to them.")] = None,
    zone: Annotated[
        str | None,
        typer.Option("--zone", help=f"The city's offset from UTC, by which days begin; {ZONE} if it is not named."),
    ] = None,
    size: Annotated[
        int | None, typer.Option("--size", min=0, help="Count the first so many entries; else all.", show_default=False)
    ] = None,
    check: Annotated[
        str | None,
        typer.Option("--check", metavar="STATEMENT", help="The id of a statistics.published to compare with."),
    ] = None,
    with_gaps: Annotated[
        bool, typer.Option("--with-gaps", help="Count what is there where entries or contents are missing.")
    ] = False,
    figures_file: Annotated[
        Path | None,
        typer.Option("--figures", metavar="FILE", help="Write the figures as they are hashed."),
    ] = None,
    csv_file: Annotated[
        Path | None, typer.Option("--csv", metavar="FILE", help="Write all figures and rows as CSV.")
    ] = None,
    parquet_file: Annotated[
        Path | None,
        typer.Option("--parquet", metavar="FILE", help="Write them as Parquet (needs huzheng[parquet])."),
    ] = None,
    as_json: AsJson = False,
) -> int:
    """Count recognitions, savings, refusals, repeats and the rest over a period, from the log's first entries.

    Exit status 0: counted, or with --check the same as published; 1: not the same, or the log was changed or has a gap;
    2: nothing could be counted.
    """
    output = Output(as_json)
    rest_what_was_loaded()
    write_parquet = _parquet_writer() if parquet_file else None
    try:
        with open_statistics_rows(database) as rows:
            said = published(rows, decode_hex(check, 32, "--check")) if check else None
            size_now = rows.log().size
        if said is not None:
            if (since, until, size, zone) != (None, None, None, None):
                raise WrongInput("--check names period, zone and size itself; leave those options out")
            since, until, size, zone = said.since, said.until, said.size, said.zone
        if since is None or until is None:
            raise WrongInput("name the period with --since and --until, or a published statement with --check")
        period = Period(read_day(since), read_day(until), zone or ZONE)
        size = size_now if size is None else size
        if size > size_now:
            raise VerificationFailed(
                f"the log has {size_now} entries here, not {size}; count fewer, or get a longer copy"
            )
        figures = _count(output, database, size, period, with_gaps)
    except (StoreUnavailable, ArgumentError) as error:
        raise WrongInput(f"{error}; give --database a URL such as {URL_EXAMPLES}") from None
    _write(figures, figures_file, csv_file)
    if write_parquet:
        write_parquet(figures, parquet_file)
    members: dict[str, Any] = {"figures": figures.document(), "statistics": figures.part()}
    _show(output, figures)
    if said is None:
        output.result(members)
        return HOLDS
    different = differences(figures, said)
    named = [{"member": name, "published": told, "computed": found} for name, told, found in different]
    output.result(members | {"check": "failed" if different else "ok", "statement": check, "differences": named})
    _show_check(output, different)
    return DOES_NOT_HOLD if different else HOLDS


def _count(output: Output, database: str, size: int, period: Period, with_gaps: bool) -> Figures:
    """Count here what a process beside hashes and takes apart."""
    with (
        Beside(log_taken_apart, database, size) as beside,
        open_statistics_rows(database) as rows,
        output.progress("entries", size) as advance,
    ):
        return compute(rows, size, period, beside, with_gaps=with_gaps, advance=advance)


def _write(figures: Figures, figures_file: Path | None, csv_file: Path | None) -> None:
    if figures_file:
        with new_file(figures_file) as file:
            file.write(canonical.encode(figures.document()))
    if csv_file:
        columns, rows = figures.table()
        text = io.StringIO(newline="")
        csv.writer(text).writerows([columns, *rows])
        with new_file(csv_file) as file:
            file.write(text.getvalue().encode())


def _parquet_writer() -> Any:
    """What writes figures as Parquet; looked for before anything is counted."""
    try:
        from arro3.core import Array, DataType, Table
        from arro3.io import write_parquet
    except ImportError:
        raise WrongInput(
            "--parquet needs arro3; install it with 'pip install huzheng[parquet]', or use --csv"
        ) from None

    def write(figures: Figures, path: Path) -> None:
        columns, rows = figures.table()
        texts = columns.index("gross")
        values = zip(*rows, strict=True)
        types = [DataType.utf8() if number < texts else DataType.int64() for number in range(len(columns))]
        arrays = [Array(list(column), kind) for column, kind in zip(values, types, strict=True)]
        with new_file(path) as file:
            write_parquet(Table.from_pydict(dict(zip(columns, arrays, strict=True))), file, compression="zstd(3)")

    return write


def _show(output: Output, figures: Figures) -> None:
    period = figures.period
    output.line(f"{figures.origin}: {figures.size} entries, {period.since} to {period.until} ({period.zone})", "bold")
    named = figures.figures.items()
    output.table(
        ("figure", "counted", "taken away", "left"),
        [(name, *(_amount(name, value) for value in (one.gross, one.subtracted, one.net))) for name, one in named],
    )
    _show_institutions(output, figures)
    notes: list[tuple[str, object]] = [("  said again", figures.said_again)]
    notes += [(f"  breaks a rule: {code}", count) for code, count in figures.broken.items()]
    if figures.gaps:
        notes.append(("  missing entries", f"{figures.gaps.count}, the first at {figures.gaps.first}"))
    notes += [("  root of the log", encode_hex(figures.root) if figures.root else "none: it has gaps")]
    output.pairs([*notes, *((f"  {name}", value) for name, value in figures.part().items() if name in _DIGESTS)])


_DIGESTS = ("figures", "evidence")


def _show_institutions(output: Output, figures: Figures) -> None:
    """The institutions with most recognitions left."""
    left: dict[str, dict[str, int]] = {}
    for row in figures.of("institution"):
        left.setdefault(row.value[0], {})[row.figure] = row.gross - row.subtracted
    shown = ("recognitions", MONEY, "refusals", "repeats", "accesses")
    ranked = sorted(left.items(), key=lambda item: (-item[1].get("recognitions", 0), item[0]))
    if ranked:
        rows = [(code, *(_amount(name, of.get(name, 0)) for name in shown)) for code, of in ranked[:MOST_ROWS]]
        output.table(("institution", *shown), rows)
        if len(ranked) > MOST_ROWS:
            output.line(f"… and {len(ranked) - MOST_ROWS} institutions more; --csv has all")


def _amount(figure: str, value: int) -> str:
    return f"{value / 100:,.2f} yuan" if figure == MONEY else f"{value:,}"


def _show_check(output: Output, different: list[tuple[str, Any, Any]]) -> None:
    if not different:
        output.line("THE PUBLISHED FIGURES HOLD: counted again, they are the same.", "bold green")
        return
    output.line("THE PUBLISHED FIGURES DO NOT HOLD:", "bold red")
    output.table(("member", "published", "counted"), different)
