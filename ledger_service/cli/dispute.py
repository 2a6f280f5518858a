"""`huzheng dispute`: open a dispute about a statement, close it, list disputes (docs/DISPUTES.md)."""

from typing import Annotated

import typer

from ledger_service.cli.holding import About, Basis, beginning, ending, lister
from ledger_service.cli.options import (
    DEFAULT_STORE,
    DEFAULT_URL,
    AsJson,
    KeyPath,
    Origin,
    StorePath,
    TrustFile,
    Url,
)
from ledger_service.cli.output import Output
from ledger_service.cli.sending import sign_and_send

app = typer.Typer()
BEGUN, ENDED = "dispute.opened", "dispute.closed"


@app.command("open")
def open_dispute(
    about: About,
    basis: Basis,
    key: KeyPath,
    trust: TrustFile,
    store: StorePath = DEFAULT_STORE,
    url: Url = DEFAULT_URL,
    origin: Origin = None,
    as_json: AsJson = False,
) -> int:
    """Open a dispute about a statement. Until it is closed nothing about that statement's subject is erased."""
    draft = beginning(BEGUN, about, basis)
    return sign_and_send(Output(as_json), key, trust, origin, store, url, lambda _api: draft)


@app.command("close")
def close_dispute(
    dispute: Annotated[str, typer.Argument(help="The id of the dispute.opened.")],
    reason: Annotated[str, typer.Option("--reason", help="How it ended, as a code: settled, decided, withdrawn, …")],
    key: KeyPath,
    trust: TrustFile,
    store: StorePath = DEFAULT_STORE,
    url: Url = DEFAULT_URL,
    origin: Origin = None,
    as_json: AsJson = False,
) -> int:
    """Close a dispute that this institution, or its predecessor, opened."""
    return sign_and_send(
        Output(as_json),
        key,
        trust,
        origin,
        store,
        url,
        lambda api: ending(api, ENDED, BEGUN, dispute, reason=reason),
    )


app.command("list")(
    lister(
        BEGUN,
        "List the disputes of which you may know, closed ones too. Needs a key with its trust file, or the token.",
    )
)
