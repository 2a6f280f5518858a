"""`huzheng cosign`: be a witness of logs (C2SP tlog-witness), beside the operator and the chain."""

import time
from pathlib import Path
from typing import Annotated

import typer

from anchors.core.checkpoint import Checkpoint
from anchors.core.cosignature import WitnessSecret
from anchors.core.errors import MalformedInput
from anchors.core.note import split_note
from anchors.core.quorum import MAX_POLICY_BYTES, Policy, parse_policy
from anchors.core.registry import Purpose
from anchors.core.times import iso_time
from ledger_service.cli.options import AsJson, passphrase, read_bounded
from ledger_service.cli.output import Output
from ledger_service.client.errors import WrongInput
from ledger_service.client.keystore import read_key_file

Name = Annotated[str, typer.Option("--name", help="The witness's name, a URL without scheme.")]
NoteKey = Annotated[Path, typer.Option("--key", help="A key file with the purpose note, used for nothing else.")]

app = typer.Typer(rich_markup_mode=None)


@app.command("key")
def key(name: Name, key: NoteKey, as_json: AsJson = False) -> int:
    """Show the witness's key as policies name it."""
    members = {"name": name, "key": str(_secret(name, key).key)}
    output = Output(as_json)
    output.result(members)
    output.pairs(members.items())
    return 0


@app.command("serve")
def serve(
    name: Name,
    key: NoteKey,
    logs: Annotated[Path, typer.Option("--logs", help="A tlog-policy whose log lines name what is cosigned.")],
    state: Annotated[Path, typer.Option("--state", help="File that remembers what was cosigned. Never lose it.")],
    new: Annotated[
        bool, typer.Option("--new", help="Make the state: only for a key that never cosigned anything.")
    ] = False,
    host: Annotated[str, typer.Option("--host", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65_535, help="Port to listen on.")] = 8090,
    as_json: AsJson = False,
) -> int:
    """Cosign checkpoints that provably extend what was cosigned before, until told to stop."""
    import uvicorn

    from ledger_service.cosigner.http import create_app
    from ledger_service.cosigner.state import CosignerState
    from ledger_service.cosigner.witness import Cosigner

    policy = read_policy(logs)
    if not policy.logs:
        raise WrongInput(f"{logs} names no log; add lines 'log <verifier key>'")
    secret = _secret(name, key)
    kept = CosignerState(state, new=new)
    output = Output(as_json)
    output.note(f"{secret.key} cosigns {', '.join(sorted({one.name for one in policy.logs}))}")
    try:
        cosigner = Cosigner(kept, secret, policy, lambda: int(time.time()))
        uvicorn.run(create_app(cosigner), host=host, port=port, access_log=False, server_header=False, ws="none")
    finally:
        kept.close()
    output.result({"stopped": True})
    return 0


@app.command("suspects")
def suspects(
    state: Annotated[Path, typer.Option("--state", help="The file of the witness.")], as_json: AsJson = False
) -> int:
    """List what logs signed that does not fit what was cosigned before. With --json the notes stand whole, to be shown.

    Two roots at one size are proof by themselves. Not shown to extend: the proof that came with it did not hold, which
    may be the fault of who sent it; ask the log for one that does.
    """
    from ledger_service.cosigner.state import CosignerState

    kept = CosignerState(state)
    try:
        found = kept.suspects()
    finally:
        kept.close()
    output = Output(as_json)
    members, rows = [], []
    for suspect in found:
        shown, cosigned = (Checkpoint.from_text(split_note(note)[0]) for note in (suspect.note, suspect.cosigned))
        what = "two roots at one size" if suspect.proven else "not shown to extend"
        at = iso_time(suspect.seen_at)
        notes = [suspect.cosigned.decode("utf-8"), suspect.note.decode("utf-8")]
        members.append({"log": shown.origin, "what": what, "seenAt": at, "notes": notes})
        rows.append((shown.origin, what, at, shown.size, cosigned.size))
    output.result({"suspects": members})
    if rows:
        output.table(("log", "what", "seen", "entries", "cosigned before"), rows)
    else:
        output.line("no log signed anything that does not fit what was cosigned")
    return 0


def read_policy(path: Path) -> Policy:
    """A tlog-policy file. Raises `WrongInput`."""
    try:
        return parse_policy(read_bounded(path, MAX_POLICY_BYTES, "policy"))
    except MalformedInput as error:
        raise WrongInput(f"{path}: {error}") from None


def _secret(name: str, path: Path) -> WitnessSecret:
    key_file = read_key_file(path)
    if key_file.purpose != Purpose.NOTE:
        raise WrongInput(f"{path} holds a {key_file.purpose} key; make one with 'huzheng keys new --purpose note'")
    secret = WitnessSecret(name, key_file.unlock(passphrase()))
    try:
        secret.key  # noqa: B018 - a name that is none is refused here
    except MalformedInput as error:
        raise WrongInput(f"--name: {error}") from None
    return secret
