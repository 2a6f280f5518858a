"""`huzheng hold`: place a hold on a statement, release it, list holds (docs/DISPUTES.md)."""

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
BEGUN, ENDED = "hold.placed", "hold.released"


@app.command("place")
def place_hold(
    about: About,
    basis: Basis,
    key: KeyPath,
    trust: TrustFile,
    dispute: Annotated[str | None, typer.Option("--dispute", help="The dispute.opened it is placed for.")] = None,
    store: StorePath = DEFAULT_STORE,
    url: Url = DEFAULT_URL,
    origin: Origin = None,
    as_json: AsJson = False,
) -> int:
    """Place a hold on a statement. Until it is released nothing about that statement's subject is erased."""
    links = {"dispute": dispute} if dispute is not None else {}
    draft = beginning(BEGUN, about, basis, **links)
    return sign_and_send(Output(as_json), key, trust, origin, store, url, lambda _api: draft)


@app.command("release")
def release_hold(
    hold: Annotated[str, typer.Argument(help="The id of the hold.placed.")],
    basis: Basis,
    key: KeyPath,
    trust: TrustFile,
    store: StorePath = DEFAULT_STORE,
    url: Url = DEFAULT_URL,
    origin: Origin = None,
    as_json: AsJson = False,
) -> int:
    """Release a hold that this institution, or its predecessor, placed. Others on the same report stay."""
    return sign_and_send(
        Output(as_json),
        key,
        trust,
        origin,
        store,
        url,
        lambda api: ending(api, ENDED, BEGUN, hold, basis=basis),
    )


app.command("list")(
    lister(
        BEGUN, "List the holds of which you may know, released ones too. Needs a key with its trust file, or the token."
    )
)
