"""`huzheng responsibility`: who did what about one report, on which grounds; facts, and no verdict."""

from typing import Annotated

import typer

from anchors.core.encoding import encode_hex
from ledger_service.cli.options import DEFAULT_URL, AsJson, Origin, ReportNumber, SubjectSecret, Token, Url
from ledger_service.cli.output import Output
from ledger_service.cli.reading import Reader, ReaderKey, ReaderTrust
from ledger_service.cli.timeline import find_subject


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
    """Show who did what about one report: each claim with its state, in Chinese and English. It is no verdict."""
    named = find_subject(subject, report_number, secret)
    with Reader(token, key, trust, origin).needed().open(url) as api:
        found = api.responsibility(named)
    output = Output(as_json)
    output.result(found)
    output.line(encode_hex(named), "bold")
    rows = [(fact["index"], fact["claim"], f"{fact['zh']} / {fact['en']}") for fact in found["facts"]]
    output.table(("entry", "claim", "what the log says"), rows)
    output.line("These are facts, no verdict. That nothing is recorded does not show that nothing was done.")
    return 0
