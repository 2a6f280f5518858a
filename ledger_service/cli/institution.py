"""`huzheng institution`: who may say what. Reads ask the service; acts are the registry administrator's, on chain."""

from pathlib import Path
from typing import Annotated, Any

import typer

from anchors.core.encoding import ZERO_WORD, code_word, decode_hex
from anchors.core.registry import Purpose
from anchors.core.typed_data import log_id
from ledger_service.cli.options import DEFAULT_URL, AsJson, Rpc, Token, Url, needed_token, parse_hex, passphrase
from ledger_service.cli.output import Output
from ledger_service.client.api import Api
from ledger_service.client.errors import WrongInput

Code = Annotated[str, typer.Argument(help="Code of the institution.")]
Address = Annotated[str, typer.Argument(help="Address of the key, 0x and 40 hex digits.")]
Registry = Annotated[
    str, typer.Option("--registry", envvar="HUZHENG_REGISTRY", help="Address of the InstitutionRegistry.")
]
AdministratorKey = Annotated[
    Path | None,
    typer.Option("--administrator", envvar="HUZHENG_ADMINISTRATOR", help="Key file of the registry's administrator."),
]
CallData = Annotated[bool, typer.Option("--call-data", help="Send nothing: show the call for a multisig.")]
Acceptance = Annotated[
    str | None, typer.Option("--acceptance", help="Digest of its signed acceptance, 0x and 64 hex digits.")
]

app = typer.Typer(rich_markup_mode=None)


@app.command("list")
def list_(url: Url = DEFAULT_URL, as_json: AsJson = False) -> int:
    """List all institutions, as the service follows the registry."""
    with Api(url) as api:
        items = api.institutions()
    output = Output(as_json)
    output.result({"institutions": items})
    rows = [
        (item["code"], ", ".join(item["roles"]), item["standing"], sum(not _ended(key) for key in item["keys"]))
        for item in items
    ]
    output.table(("institution", "roles", "standing", "keys in force"), rows)
    return 0


@app.command("show")
def show(code: Code, url: Url = DEFAULT_URL, as_json: AsJson = False) -> int:
    """Show one institution with all its keys."""
    with Api(url) as api:
        item = api.institution(code)
    output = Output(as_json)
    output.result(item)
    output.pairs(
        [
            ("institution", item["code"]),
            ("roles", ", ".join(item["roles"])),
            ("standing", item["standing"]),
            ("successor", item["successor"] or "none"),
        ]
    )
    rows = [(key["purpose"], key["key"], _history(key), key["nextSequence"]) for key in item["keys"]]
    output.table(("purpose", "key", "history", "next number"), rows)
    return 0


@app.command("admit")
def admit(
    code: Code,
    roles: Annotated[list[str], typer.Option("--role", help="A role; repeat for more.")],
    rpc: Rpc,
    registry: Registry,
    acceptance: Acceptance = None,
    administrator: AdministratorKey = None,
    call_data: CallData = False,
    as_json: AsJson = False,
) -> int:
    """Admit an institution in one or more roles."""
    from anchors.chain.acts import Admit

    digest = _digest(acceptance)
    for name in (code, *roles):
        code_word(name)
    return _perform(as_json, Admit(code, tuple(roles), digest), rpc, registry, administrator, call_data)


@app.command("suspend")
def suspend(
    code: Code,
    rpc: Rpc,
    registry: Registry,
    reason: Annotated[str, typer.Option("--reason", help="A reason code.")] = "",
    administrator: AdministratorKey = None,
    call_data: CallData = False,
    as_json: AsJson = False,
) -> int:
    """Suspend an institution. What it said stays attributed."""
    from anchors.chain.acts import Suspend

    return _perform(as_json, Suspend(code, reason), rpc, registry, administrator, call_data)


@app.command("resume")
def resume(
    code: Code,
    rpc: Rpc,
    registry: Registry,
    administrator: AdministratorKey = None,
    call_data: CallData = False,
    as_json: AsJson = False,
) -> int:
    """Lift a suspension."""
    from anchors.chain.acts import Resume

    return _perform(as_json, Resume(code), rpc, registry, administrator, call_data)


@app.command("exit")
def exit_(
    code: Code,
    rpc: Rpc,
    registry: Registry,
    successor: Annotated[str, typer.Option("--successor", help="Code of the institution that follows it.")] = "",
    administrator: AdministratorKey = None,
    call_data: CallData = False,
    as_json: AsJson = False,
) -> int:
    """Record that an institution left, for good."""
    from anchors.chain.acts import Exit

    return _perform(as_json, Exit(code, successor), rpc, registry, administrator, call_data)


@app.command("add-key")
def add_key(
    code: Code,
    origin: Annotated[str, typer.Option("--origin", help="Origin of the log for which the key will sign.")],
    rpc: Rpc,
    registry: Registry,
    key_file: Annotated[
        Path | None, typer.Option("--key-file", help="The key's own file, where it is at hand.")
    ] = None,
    address: Annotated[str | None, typer.Option("--address", help="The key's address, with --consent.")] = None,
    consent: Annotated[str | None, typer.Option("--consent", help="From 'huzheng keys consent'.")] = None,
    purpose: Annotated[str, typer.Option("--purpose", help="With --consent: what the key is for.")] = "statement",
    acceptance: Acceptance = None,
    administrator: AdministratorKey = None,
    call_data: CallData = False,
    as_json: AsJson = False,
) -> int:
    """Admit a key for an institution, from the key's file or from its address and signed consent."""
    if key_file is not None:
        act = _act_of_file(key_file, code, origin, rpc, registry, _digest(acceptance))
    elif address is not None and consent is not None:
        from anchors.chain.acts import AddKey

        key, signed = parse_hex(address, 20, "--address"), decode_hex(consent, 65, "--consent")
        act = AddKey(code, log_id(origin), purpose, key, signed, _digest(acceptance))
    else:
        raise WrongInput("give --key-file, or --address and --consent (from 'huzheng keys consent')")
    return _perform(as_json, act, rpc, registry, administrator, call_data)


@app.command("revoke-key")
def revoke_key(
    address: Address,
    rpc: Rpc,
    registry: Registry,
    end_sequence: Annotated[
        int, typer.Option("--end-sequence", min=0, help="From 'freeze-key': the first number that no longer counts.")
    ] = 0,
    administrator: AdministratorKey = None,
    call_data: CallData = False,
    as_json: AsJson = False,
) -> int:
    """Revoke a key. For a statement key freeze it first, and give the endSequence that freezing answers."""
    from anchors.chain.acts import RevokeKey

    act = RevokeKey(parse_hex(address, 20, "the key's address"), end_sequence)
    return _perform(as_json, act, rpc, registry, administrator, call_data)


@app.command("freeze-key")
def freeze_key(address: Address, url: Url = DEFAULT_URL, token: Token = None, as_json: AsJson = False) -> int:
    """Let the service take nothing more under a key, for good; answers the endSequence for its revocation."""
    with Api(url, token=needed_token(token)) as api:
        answer = api.freeze(parse_hex(address, 20, "the key's address"))
    output = Output(as_json)
    output.result(answer)
    output.pairs([("key", answer["key"]), ("end sequence", answer["endSequence"])], title="Frozen. Revoke it with:")
    return 0


def _digest(acceptance: str | None) -> bytes:
    return decode_hex(acceptance, 32, "--acceptance") if acceptance else ZERO_WORD


def _act_of_file(path: Path, code: str, origin: str, rpc: str, registry: str, acceptance: bytes) -> Any:
    from anchors.chain import acts
    from ledger_service.cli.administrator import domain_of
    from ledger_service.client.keystore import read_key_file

    key = read_key_file(path)
    if key.purpose == Purpose.NOTE:
        if acceptance != ZERO_WORD:
            raise WrongInput("a note key has its public key where an acceptance would stand; leave --acceptance out")
        return acts.add_note_key(log_id(origin), code, bytes.fromhex(key.public[2:]))
    if key.purpose not in (Purpose.STATEMENT, Purpose.CHECKPOINT, Purpose.RECEIPT):
        raise WrongInput(f"{path} is of purpose {key.purpose}, which is in no log; give a key of a log")
    return acts.add_key(domain_of(rpc, registry, origin), code, key.purpose, key.unlock(passphrase()), acceptance)


def _perform(as_json: bool, act: Any, rpc: str, registry: str, key: Path | None, call_data: bool) -> int:
    from ledger_service.cli.administrator import perform  # brings the chain's libraries, which reads do not need

    return perform(Output(as_json), act, rpc, registry, key, call_data)


def _ended(key: dict[str, Any]) -> bool:
    return key["revokedBy"] is not None


def _history(key: dict[str, Any]) -> str:
    words = [f"added by change {key['addedBy']}"]
    if not key["final"]:
        words.append("not final yet")
    if key["frozen"]:
        words.append("frozen")
    if _ended(key):
        words.append(f"revoked by change {key['revokedBy']} from number {key['endSequence']} on")
    return ", ".join(words)
