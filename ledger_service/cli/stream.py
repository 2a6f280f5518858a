"""`huzheng stream`: what a sender signed and stored, and what of it is not in the log yet."""

from pathlib import Path
from typing import Annotated, Any

import typer

from anchors.core.encoding import encode_hex
from anchors.core.times import iso_time
from ledger_service.cli.options import DEFAULT_STORE, DEFAULT_URL, AsJson, Origin, StorePath, TrustFile, Url, parse_hex
from ledger_service.cli.output import Output
from ledger_service.cli.sending import PATIENCE_SECONDS, open_log, outcome_members, send, show_open, stored_members
from ledger_service.client.api import Api
from ledger_service.client.errors import WrongInput
from ledger_service.client.files import new_file
from ledger_service.client.promised import write_line
from ledger_service.client.store import Store
from ledger_service.client.stored import ACCEPTED, REFUSED, UNSENT, Stream

app = typer.Typer(rich_markup_mode=None)


@app.command("status")
def status(store: StorePath = DEFAULT_STORE, as_json: AsJson = False) -> int:
    """Show every key's stream. Exit status 1 where something signed is not in the log."""
    with _open(store) as opened:
        streams = [(stream, opened.counts(stream.key)) for stream in opened.streams()]
        refused = [stored for stream, _ in streams for stored in opened.blocked(stream.key)]
        waiting = [stored for stream, _ in streams for stored in opened.waiting(stream.key)]
        broken = [(at, verdict) for at, verdict, _ in opened.answers() if verdict != "ok"]
    output = Output(as_json)
    output.result(
        {
            "streams": [_members(stream, counts) for stream, counts in streams],
            "refused": [stored_members(stored) for stored in refused],
            "waiting": [stored_members(stored) for stored in waiting],
            "brokenAnswers": [{"receivedAt": at, "why": why} for at, why in broken],
        }
    )
    for stream, counts in streams:
        named = [("institution", stream.institution), ("log", stream.origin), ("next number", stream.next_sequence)]
        named += [("accepted", counts[ACCEPTED]), ("waiting", counts[UNSENT]), ("refused", counts[REFUSED])]
        output.pairs([(f"  {name}", value) for name, value in named], title=encode_hex(stream.key))
    show_open(output, refused, waiting)
    if broken:
        output.table(("received at", "answer that does not hold"), [(iso_time(at), why) for at, why in broken[-5:]])
    return 1 if refused or waiting else 0


@app.command("send")
def send_(
    trust: TrustFile,
    store: StorePath = DEFAULT_STORE,
    url: Url = DEFAULT_URL,
    origin: Origin = None,
    patience: Annotated[
        float, typer.Option("--patience", min=0, help="Seconds to go on where the service asks to come again.")
    ] = PATIENCE_SECONDS,
    as_json: AsJson = False,
) -> int:
    """Send again whatever is stored and not in the log. Exit status 1 where something stays behind."""
    trusted, log = open_log(trust, origin)
    with _open(store) as opened, Api(url) as api:
        keys = [stream.key for stream in opened.streams() if stream.origin == log.origin]
        if not keys:
            raise WrongInput(f"{store} has no stream of {log.origin}; give another --store or --origin")
        outcome = send(Output(as_json), opened, api, trusted, log, keys, patience)
    output = Output(as_json)
    output.result(outcome_members(outcome))
    output.line(f"{len(outcome.accepted)} accepted, {len(outcome.waiting)} waiting, {len(outcome.refused)} refused")
    show_open(output, outcome.refused, outcome.waiting)
    return 0 if outcome.complete else 1


@app.command("retry")
def retry(
    address: Annotated[str, typer.Argument(help="Address of the key.")],
    sequence: Annotated[int, typer.Argument(min=0, help="The refused number.")],
    store: StorePath = DEFAULT_STORE,
    as_json: AsJson = False,
) -> int:
    """Make a refused statement unsent again, unchanged, after its cause was put right elsewhere."""
    with _open(store) as opened:
        stored = opened.send_again(parse_hex(address, 20, "the key's address"), sequence)
    output = Output(as_json)
    output.result(stored_members(stored))
    output.line(f"Number {sequence} is unsent again; send it with 'huzheng stream send'.")
    return 0


@app.command("export")
def export(
    file: Annotated[Path, typer.Argument(help="The new file.")],
    trust: TrustFile,
    store: StorePath = DEFAULT_STORE,
    origin: Origin = None,
    as_json: AsJson = False,
) -> int:
    """Write every statement that has an index, with its receipt, for an operator who lost the end of the log."""
    _, log = open_log(trust, origin)
    count = 0
    with _open(store) as opened, new_file(file) as lines:
        for body, sent, accepted in opened.accepted_answers(log.origin):
            lines.write(write_line(log.origin, body, sent, accepted))
            count += len(accepted)
    output = Output(as_json)
    output.result({"file": str(file), "statements": count})
    output.line(f"{count} statements with their receipts are in {file}; give it to the operator.")
    return 0


def _open(path: Path) -> Store:
    if not path.is_file():
        raise WrongInput(f"{path}: there is no sender's store; give --store, or record something first")
    return Store(path)


def _members(stream: Stream, counts: dict[str, int]) -> dict[str, Any]:
    return {
        "key": encode_hex(stream.key),
        "origin": stream.origin,
        "institution": stream.institution,
        "nextSequence": stream.next_sequence,
        "accepted": counts[ACCEPTED],
        "unsent": counts[UNSENT],
        "refused": counts[REFUSED],
    }
