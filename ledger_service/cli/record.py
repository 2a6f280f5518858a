"""`huzheng record`: sign statements, store them, send them."""

import re
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from anchors.core.encoding import encode_hex
from anchors.core.statement import Entry
from ledger_service.cli.material import Importer, Line, LineFile, draft_of, read_json_members, statement_id
from ledger_service.cli.options import (
    DEFAULT_STORE,
    DEFAULT_URL,
    AsJson,
    ForeignTrust,
    KeyPath,
    Origin,
    StorePath,
    SubjectSecret,
    TrustFile,
    Url,
    parse_time,
    passphrase,
    read_origins,
)
from ledger_service.cli.output import Output
from ledger_service.cli.sending import (
    Signer,
    final_head,
    open_log,
    open_signer,
    outcome_members,
    show_open,
    stored_members,
    try_send,
)
from ledger_service.cli.words import kind_in_words
from ledger_service.client.api import Api
from ledger_service.client.errors import ClientError, WrongInput
from ledger_service.client.keystore import SUBJECT, read_key_file
from ledger_service.client.sender import Outcome
from ledger_service.client.store import Store
from ledger_service.client.stored import ACCEPTED, Observed, Stored
from ledger_service.kind_rules import EMERGENCY, LATE_SECONDS

HOLDS, DOES_NOT_HOLD = 0, 1

Links = Annotated[list[str] | None, typer.Option("--link", help="REL=STATEMENT_ID; repeat for more.")]
Parts = Annotated[list[str] | None, typer.Option("--part", help="NAME=FILE.json, a further part; repeat for more.")]
Withhold = Annotated[list[str] | None, typer.Option("--withhold", help="Send this part as its hash alone; repeat.")]
Fhir = Annotated[
    Path | None,
    typer.Option("--fhir", help="A FHIR report with its results: it says kind, subject and parts (docs/FHIR.md)."),
]
Category = Annotated[str | None, typer.Option("--category", help="Where a FHIR report has no code for it.")]
ReportProof = Annotated[
    Path | None,
    typer.Option("--report-proof", help="Of import.*: the proof file of the report in the other log."),
]
ReportHead = Annotated[
    str | None, typer.Option("--report-head", help="And the witness id of a head there that covers it, where known.")
]
Performer = Annotated[str | None, typer.Option("--performer", help="Who examined, where it is not who signs.")]

_POLICY = re.compile(r"(?P<policy>.+?)@(?P<version>[^@]+)(?:@(?P<digest>[0-9a-f]{64}))?")


def app(
    context: typer.Context,
    key: KeyPath,
    trust: TrustFile,
    kind: Annotated[str | None, typer.Argument(help="Kind of statement, for example report.issued.")] = None,
    lines: Annotated[Path | None, typer.Option("--from", help="A file of JSON lines, one statement each.")] = None,
    subject: Annotated[str | None, typer.Option("--subject", help="The subject, 0x and 64 hex digits.")] = None,
    report_number: Annotated[str | None, typer.Option("--report-number", help="Or its number, with --secret.")] = None,
    secret: SubjectSecret = None,
    document: Annotated[Path | None, typer.Option("--document", help="The document, as received.")] = None,
    fhir: Fhir = None,
    category: Category = None,
    performer: Performer = None,
    report_proof: ReportProof = None,
    report_head: ReportHead = None,
    foreign_trust: ForeignTrust = None,
    facts: Annotated[bool, typer.Option("--facts", help="Add what is read out of the document, as a part.")] = False,
    reason: Annotated[str | None, typer.Option("--reason", help="Reason code of the policy in force.")] = None,
    policy: Annotated[str | None, typer.Option("--policy", help="POLICY@VERSION, or POLICY@VERSION@DIGEST.")] = None,
    access_basis: Annotated[str | None, typer.Option("--access-basis", help="Recorded basis of the use.")] = None,
    access_at: Annotated[str | None, typer.Option("--access-at", help="When it was opened; else now.")] = None,
    links: Links = None,
    parts: Parts = None,
    withhold: Withhold = None,
    issued_at: Annotated[str | None, typer.Option("--issued-at", help="When it was said; else now.")] = None,
    mend: Annotated[int | None, typer.Option("--mend", min=0, help="Take this refused number's place.")] = None,
    no_send: Annotated[bool, typer.Option("--no-send", help="Sign and store, and send later.")] = False,
    store: StorePath = DEFAULT_STORE,
    url: Url = DEFAULT_URL,
    origin: Origin = None,
    institution: Annotated[
        str | None, typer.Option("--institution", help="Where the trust file lacks the key.")
    ] = None,
    first_sequence: Annotated[int | None, typer.Option("--first-sequence", min=0, help="Of a new store.")] = None,
    as_json: AsJson = False,
) -> int:
    """Sign one statement (KIND with its options, or --fhir) or many (--from), store them, and send them.

    Exit status 1 where one is stored but not accepted: mend it, or send it again with 'huzheng stream send'.
    """
    if (kind is None and fhir is None) == (lines is None) or (lines is not None and mend is not None):
        raise WrongInput("give a KIND with its options or --fhir (and --mend for a refused number), or --from FILE")
    asked = LineFile.read(lines) if lines is not None else _line_of(context.params)
    trusted, log = open_log(trust, origin)
    origins = read_origins(foreign_trust or ())
    output = Output(as_json)
    with Store(store) as opened, Api(url) as api:
        signer = open_signer(opened, api, key, trusted, log, institution=institution, first_sequence=first_sequence)
        importer = Importer(signer.stream.institution, origins)
        head = None if no_send else final_head(api)
        signed = _sign(output, signer, asked, _subject_secret(secret), importer, mend, head)
        outcome, failure = None, None
        if not no_send:
            outcome, failure = try_send(output, opened, api, trusted, log, signer.stream.key)
        signed = [opened.statement(statement.statement) for statement in signed]
        status = _show(output, signed, outcome, failure, single=lines is None)
        if not as_json and not no_send:
            show_open(output, opened.blocked(signer.stream.key), opened.waiting(signer.stream.key))
    return status


def _line_of(given: dict[str, Any]) -> Line:
    """The options of one statement as a line of a file would say it."""
    issued_at = parse_time(given["issued_at"], "--issued-at") if given["issued_at"] else None
    values = dict(_pair(text, "--part", "NAME=FILE.json") for text in given["parts"] or ())
    return Line(
        kind=given["kind"],
        subject=given["subject"],
        report_number=given["report_number"],
        document=str(given["document"]) if given["document"] else None,
        fhir=str(given["fhir"]) if given["fhir"] else None,
        category=given["category"],
        performer=given["performer"],
        report_proof=str(given["report_proof"]) if given["report_proof"] else None,
        report_head=given["report_head"],
        facts=given["facts"],
        access=_access(given, issued_at or int(time.time())),
        reason=given["reason"],
        policy=_policy(given["policy"]),
        links=dict(_pair(text, "--link", "REL=STATEMENT_ID") for text in given["links"] or ()),
        parts={name: read_json_members(Path(file)) for name, file in values.items()},
        withhold=list(given["withhold"] or ()),
        issued_at=issued_at,
    )


def _access(given: dict[str, Any], issued_at: int) -> dict[str, Any] | None:
    basis, at = given["access_basis"], given["access_at"]
    if basis is None:
        if at is not None:
            raise WrongInput("--access-at needs --access-basis: the recorded basis of the use")
        return None
    access = {"at": parse_time(at, "--access-at") if at else issued_at, "basis": basis}
    late = given["kind"] == EMERGENCY and issued_at - access["at"] > LATE_SECONDS
    return access | {"late": True} if late else access


def _policy(text: str | None) -> dict[str, Any] | None:
    if text is None:
        return None
    found = _POLICY.fullmatch(text)
    if not found:
        raise WrongInput(
            f"--policy {text!r}: expected POLICY@VERSION, for example city-rules@2026-01, or with @ and the digest"
        )
    return {name: value for name, value in found.groupdict().items() if value is not None}


def _pair(text: str, option: str, form: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not separator or not name or not value:
        raise WrongInput(f"{option} {text!r}: expected {form}")
    return name, value


def _subject_secret(path: Path | None) -> bytes | None:
    if path is None:
        return None
    key = read_key_file(path)
    if key.purpose != SUBJECT:
        raise WrongInput(f"{path} is of purpose {key.purpose}; give the one of purpose subject")
    return key.unlock(passphrase())


def _sign(
    output: Output,
    signer: Signer,
    asked: Line | LineFile,
    subject_secret: bytes | None,
    importer: Importer,
    mend: int | None,
    observed: Observed | None,
) -> list[Stored]:
    """Sign and store what was asked for; all that a file asks for, also what an earlier run stored."""
    store, key, secret = signer.store, signer.stream.key, signer.secret
    if isinstance(asked, Line):
        draft = draft_of(asked, Path(), subject_secret, statement_id, importer)
        if mend is not None:
            return [store.mend(key, secret, mend, draft)]
        return [store.sign(key, secret, draft, observed=observed)]
    with output.progress("Signing", len(asked.lines)) as advance:
        drafts = (advance() or drafted for drafted in asked.drafts(store, subject_secret, importer))
        store.sign_all(key, secret, drafts, observed=observed)  # all lines or none: a file that is mended is another
    found = [store.by_source(asked.source(number)) for number, _ in asked.lines]
    return [stored for stored in found if stored is not None]


def _show(
    output: Output, signed: list[Stored], outcome: Outcome | None, failure: ClientError | None, *, single: bool
) -> int:
    accepted = sum(stored.state == ACCEPTED for stored in signed)
    members: dict[str, Any] = {"stored": len(signed), "accepted": accepted}
    if single:
        members |= stored_members(signed[0])
        members["accepted"] = accepted == 1
    else:
        members["statements"] = [stored_members(stored) for stored in signed]
    if outcome is not None:
        members["sent"] = outcome_members(outcome)
    if failure is not None:
        members["error"] = str(failure)
    output.result(members)
    if single:
        output.line(f"{signed[0].state}: {kind_in_words(_kind(signed[0]))}", "bold")
        place = f"entry {signed[0].index}" if signed[0].index is not None else "not in the log yet"
        named = [("statement", encode_hex(signed[0].statement)), ("subject", members["subject"])]
        output.pairs([*named, ("number", signed[0].sequence), ("place", place)])
    else:
        output.line(f"{len(signed)} stored, {accepted} of them accepted", "bold")
    if failure is not None:
        output.note(f"huzheng: {failure}")
    wanted = outcome is not None or failure is not None
    return DOES_NOT_HOLD if wanted and accepted < len(signed) else HOLDS


def _kind(stored: Stored) -> str:
    return Entry.from_bytes(stored.entry).statement.kind
