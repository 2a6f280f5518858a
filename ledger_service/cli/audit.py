"""`huzheng audit`: derive everything again from entries and chain, and name the first row that differs."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from anchors.chain.ethereum import EthereumChain
from anchors.core.encoding import encode_hex
from anchors.core.errors import MalformedInput
from ledger_service.audit_page import make_page
from ledger_service.cli.options import (
    URL_EXAMPLES,
    AsJson,
    ForeignTrust,
    Origin,
    Rpc,
    TrustFile,
    choose_log,
    read_origins,
    read_trust,
)
from ledger_service.cli.output import Output
from ledger_service.client.errors import WrongInput
from ledger_service.client.files import write_atomically
from ledger_service.collector import rest_what_was_loaded
from ledger_service.published import Unreachable, Withheld
from ledger_service.published.folder import FolderLog
from ledger_service.published.http import HttpLog
from ledger_service.storage.audit_rows import open_audit_rows
from ledger_service.usecases.audit import Audit, AuditResult, Fault
from ledger_service.usecases.audit.decisions import Answers
from ledger_service.usecases.audit.findings import STEPS
from ledger_service.usecases.audit.given import take_given
from ledger_service.usecases.audit.measures import MOST_SPANS
from ledger_service.usecases.audit.published_rows import PublishedRows
from ledger_service.usecases.audit.rows import LogRows
from ledger_service.usecases.audit.scratch import Scratch
from ledger_service.usecases.audit.state import about
from ledger_service.usecases.ports import StoreUnavailable

HOLDS, DOES_NOT_HOLD = 0, 1
MOST_WARNINGS = 4


Database = Annotated[
    str | None,
    typer.Option(
        "--database",
        envvar="HUZHENG_DATABASE",
        metavar="URL",
        help=f"The ledger's database, only read: {URL_EXAMPLES}. Left out with --log.",
    ),
]
PublishedLog = Annotated[
    str | None,
    typer.Option("--log", metavar="URL|DIR", help="The log as it is published, or a copy of it; no database then."),
]
KeptContent = Annotated[
    Path | None,
    typer.Option("--content", help="With --log: folder of evidence packages, proofs and answers with contents."),
]
AuditorToken = Annotated[
    str | None, typer.Option("--token", help="With --log: where entries are shown to auditors alone.")
]
State = Annotated[
    Path | None, typer.Option("--state", help="File that keeps how far it is; an audit that stopped goes on there.")
]
FirstBlock = Annotated[
    int, typer.Option("--first-block", envvar="HUZHENG_START_BLOCK", min=0, help="Block of the deployment.")
]
First = Annotated[bool, typer.Option("--first", help="Stop at the first row that differs.")]
Report = Annotated[
    Path | None, typer.Option("--report", help="Write the result as a page too, for example audit.html.")
]


class Source(NamedTuple):
    """Where the ledger is read: in a database, or in a log with contents that somebody kept."""

    database: str | None
    log: str | None
    token: str | None
    content: Path | None

    def check(self) -> None:
        """Raises `WrongInput` where the options do not fit. `--log` counts where both are named: the database may
        stand in the environment."""
        if self.log is not None:
            return
        if self.database is None:
            raise WrongInput("nothing to audit; give --database, or --log for a log without its database")
        if self.content is not None or self.token is not None:
            raise WrongInput("--content and --token go with --log; a database has its contents")
        _check_url(self.database)

    @property
    def kind(self) -> str:
        """What is named to a state, which is of one kind alone."""
        return "database" if self.log is None else "log"


def app(
    trust: TrustFile,
    rpc: Rpc,
    database: Database = None,
    log: PublishedLog = None,
    content: KeptContent = None,
    token: AuditorToken = None,
    state: State = None,
    origin: Origin = None,
    first_block: FirstBlock = 0,
    foreign_trust: ForeignTrust = None,
    first: First = False,
    report: Report = None,
    as_json: AsJson = False,
) -> int:
    """Derive tree, entries, signatures, attribution, index and receipts again from entries and chain.

    Exit status 0: all of it holds; 1: something differs, and is named; 2: it could not be audited.
    """
    output, source = Output(as_json), Source(database, log, token, content)
    rest_what_was_loaded()
    _check_place(report)
    source.check()
    believed, originals = read_trust(trust), read_origins(foreign_trust or ())
    named = choose_log(believed, origin)
    with closing(EthereumChain.of_trust(rpc, believed)) as chain:
        audit = Audit(chain, believed, named, first_block, stop_at_first=first, originals=originals)
        audit.read_chain()
        with Scratch(state, about(believed, named, source.kind, originals)) as scratch:
            result = _run(audit, source, named.origin, scratch, output)
    output.result(_members(result))
    _show(output, result)
    if report is not None:
        write_atomically(report, make_page(result, believed))
        output.line(f"The report is in {report}.")
    return HOLDS if result.holds else DOES_NOT_HOLD


def _run(audit: Audit, source: Source, origin: str, scratch: Scratch, output: Output) -> AuditResult:
    try:
        with (
            _open_rows(audit, source, origin, scratch) as rows,
            output.progress("entries", rows.extent()) as advance,
        ):
            return audit.run(rows, advance, scratch)
    except (StoreUnavailable, ArgumentError) as error:
        raise WrongInput(f"{error}; give a URL such as {URL_EXAMPLES}") from None


@contextmanager
def _open_rows(audit: Audit, source: Source, origin: str, scratch: Scratch) -> Iterator[LogRows]:
    log = source.log
    if log is None:
        with open_audit_rows(source.database) as rows:
            yield rows
        return
    is_address = log.startswith(("http://", "https://"))
    published = HttpLog(log, source.token) if is_address else FolderLog(Path(log))
    try:
        if source.content is not None:
            take_given(source.content, scratch.given)
        yield PublishedRows(published, origin, audit.domain, scratch)
    except Withheld as error:
        raise WrongInput(f"{error}; give an auditor's --token") from None
    except Unreachable as error:
        raise WrongInput(f"--log: {error}") from None
    except MalformedInput as error:
        raise WrongInput(str(error)) from None
    finally:
        published.close()


def _check_url(database: str) -> None:
    try:
        make_url(database)
    except ArgumentError:
        raise WrongInput(f"--database {database!r} is no URL; give a URL such as {URL_EXAMPLES}") from None


def _check_place(report: Path | None) -> None:
    """Known before the audit, which may take long. Raises `WrongInput`."""
    if report is not None and (report.is_dir() or not report.parent.is_dir()):
        raise WrongInput(f"--report {report}: no file can be written there; name one in a folder that exists")


def _members(result: AuditResult) -> dict[str, Any]:
    findings, recovered = result.findings, result.recovered_per_second
    return {
        "audit": "ok" if result.holds else "failed",
        "origin": result.origin,
        "size": result.size,
        "begunAt": result.begun_at,
        "witnessed": result.witnessed,
        "first": None if result.holds else _fault_members(findings.faults[0]),
        "steps": [{"step": step, "name": name, "state": findings.state(step)} for step, name in STEPS.items()],
        "faults": [_fault_members(fault) for fault in findings.faults],
        "warnings": [_fault_members(warning) for warning in findings.warnings],
        "notChecked": [_fault_members(left) for left in findings.left],
        "checked": dict(findings.counts),
        "policies": [_answer_members(named, answers) for named, answers in result.answers.items()],
        **_measure_members(result),
        "seconds": round(result.seconds, 3),
        "statementsPerSecond": round(result.statements_per_second, 1),
        "recoverPerSecond": round(recovered, 1),
        "ratio": round(result.statements_per_second / recovered, 3) if recovered else None,
    }


def _measure_members(result: AuditResult) -> dict[str, Any]:
    measures, promises = result.measures, result.measures.promises
    tip, missing = measures.tip, result.measures.missing
    long = measures.long_spans
    return {
        "final": measures.final_size,
        "newestBlock": tip and {"number": tip.number, "hash": encode_hex(tip.hash), "time": tip.timestamp},
        "statementsPerDay": {str(day): count for day, count in measures.statements_per_day.items()},
        "delays": {
            **{name: getattr(promises, name) for name in ("kept", "late", "waiting", "overdue", "unmeasured")},
            "waitingSince": promises.waiting_since,
            "quantiles": {str(share): seconds for share, seconds in promises.quantiles().items()},
            "histogram": [
                {"from": begin, "below": end, "receipts": count} for begin, end, count in promises.histogram()
            ],
        },
        "gaps": {
            "usualSeconds": measures.usual_span,
            "longSpans": len(long),
            "longest": [asdict(span) for span in long[:MOST_SPANS]],
            "missing": missing.count,
            "missingRanges": [[gap.begin, gap.end] for gap in missing.ranges],
            "notWitnessed": max(0, result.size - result.witnessed),
        },
    }


def _fault_members(fault: Fault) -> dict[str, Any]:
    first = fault.first
    return {
        "step": first.step,
        "table": first.table,
        "key": first.key,
        "what": first.what,
        "expected": first.expected,
        "found": first.found,
        "count": fault.count,
    }


def _answer_members(named: tuple[str, str, str], answers: Answers) -> dict[str, Any]:
    clauses: dict[str, dict[str, int]] = {}
    for (says, clause), count in sorted(answers.clauses.items()):
        clauses.setdefault(says, {})[clause] = count
    return {
        **dict(zip(("policy", "version", "digest"), named, strict=True)),
        "recognisable": dict(sorted(answers.answers.items())),
        "clauses": clauses,
        "warnings": dict(sorted(answers.warnings.items())),
    }


def _show(output: Output, result: AuditResult) -> None:
    findings = result.findings
    output.line(f"{result.origin}: {result.size} entries, {result.witnessed} witnessed", "bold")
    by_step = {step: sum(fault.count for fault in findings.faults if fault.first.step == step) for step in STEPS}
    steps = [(step, name, findings.state(step), by_step[step]) for step, name in STEPS.items()]
    output.table(("#", "step", "state", "faults"), steps)
    output.pairs([(f"  {name}", count) for name, count in findings.counts.items()], title="Checked:")
    _show_answers(output, result)
    _show_kinds(output, "Not checked, the first of each kind:", findings.left)
    _show_kinds(output, "Warnings, the first of each kind:", findings.warnings)
    _show_kinds(output, "Faults, the first of each kind:", findings.faults)
    if result.holds:
        pace = f"{result.statements_per_second:,.0f} statements a second"
        left = [name for step, name in STEPS.items() if findings.state(step) != "VERIFIED"]
        derived = f"Everything but {', '.join(left)} was" if left else "Everything was"
        output.line(f"THE LEDGER HOLDS. {derived} derived again, {pace}.", "bold green")
    else:
        output.line("THE LEDGER DOES NOT HOLD. The first row that differs:", "bold red")
        output.line(f"  {findings.first}")


def _show_answers(output: Output, result: AuditResult) -> None:
    """How often each policy called for recognition, by all decisions that name it."""
    rows = []
    for (policy, version, digest), answers in result.answers.items():
        warned = ", ".join(f"{code} {count}" for code, count in answers.warnings.most_common(MOST_WARNINGS))
        says = (answers.answers[answer] for answer in ("yes", "no", "unknown"))
        rows.append((policy, version, digest[:8], *says, warned))
    if rows:
        output.table(("policy", "version", "digest", "yes", "no", "cannot tell", "with warnings"), rows)


def _show_kinds(output: Output, title: str, faults: list[Fault]) -> None:
    if not faults:
        return
    output.line(title, "bold")
    for fault in faults:
        first = fault.first
        output.line(f"  step {first.step}, {fault.count} of this kind: {first.what}")
        named = [("table", first.table), ("key", first.key), ("expected", first.expected), ("found", first.found)]
        output.pairs((f"    {name}", value) for name, value in named)
