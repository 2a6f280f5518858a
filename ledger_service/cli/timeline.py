"""`huzheng timeline`: everything said about one subject, in log order."""

from pathlib import Path
from typing import Annotated, Any

import typer

from anchors.core.encoding import decode_hex, encode_hex
from anchors.core.times import iso_time
from ledger_service.cli.options import (
    DEFAULT_URL,
    AsJson,
    Origin,
    ReportNumber,
    SubjectSecret,
    Token,
    Url,
    passphrase,
)
from ledger_service.cli.output import Output
from ledger_service.cli.reading import Reader, ReaderKey, ReaderTrust
from ledger_service.cli.words import kind_in_words
from ledger_service.client.compose import report_subject
from ledger_service.client.errors import WrongInput


def app(
    subject: Annotated[str | None, typer.Argument(help="The subject, 0x and 64 hex digits.")] = None,
    report_number: ReportNumber = None,
    secret: SubjectSecret = None,
    url: Url = DEFAULT_URL,
    token: Token = None,
    key: ReaderKey = None,
    trust: ReaderTrust = None,
    origin: Origin = None,
    as_json: AsJson = False,
) -> int:
    """Show all statements about one subject: to whom it concerns, signed in by --key, or by the operator token."""
    named = find_subject(subject, report_number, secret)
    with Reader(token, key, trust, origin).needed().open(url) as api:
        items = api.timeline(named)
    output = Output(as_json)
    output.result({"subject": encode_hex(named), "statements": items})
    show_statements(output, encode_hex(named), items, "Nothing is in the log about this subject.")
    return 0


def show_statements(output: Output, title: str, items: list[dict[str, Any]], none: str) -> None:
    """Statements as the service answers them, as a table under `title`; the line `none` where there is none."""
    if not items:
        output.line(none)
        return
    rows = [
        (item["index"], iso_time(item["issuedAt"]), item["institution"], kind_in_words(item["kind"]), _state(item))
        for item in items
    ]
    output.line(title, "bold")
    output.table(("entry", "issued at", "institution", "what it did", "state"), rows)


def find_subject(subject: str | None, report_number: str | None, secret: Path | None) -> bytes:
    """A subject from its hex, or from a report number and the file of the issuer's subject secret."""
    if (subject is None) == (report_number is None):
        raise WrongInput("give the subject, or --report-number with --secret")
    if subject is not None:
        return decode_hex(subject, 32, "subject")
    if secret is None:
        raise WrongInput("--report-number needs --secret, the key file made with 'huzheng keys new --purpose subject'")
    from ledger_service.client.keystore import SUBJECT, read_key_file

    key = read_key_file(secret)
    if key.purpose != SUBJECT:
        raise WrongInput(f"{secret} is of purpose {key.purpose}; give the one of purpose subject")
    return report_subject(key.unlock(passphrase()), report_number)


def _state(item: dict[str, Any]) -> str:
    return f"{item['state']}, overdue" if item.get("overdue") else item["state"]
