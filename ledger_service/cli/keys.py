"""`huzheng keys`: encrypted key files."""

import getpass
import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from anchors.core.encoding import code_word, encode_hex
from anchors.core.note import VerifierKey
from anchors.core.registry import Purpose
from anchors.core.signature import sign
from anchors.core.typed_data import Domain, log_id
from ledger_service.cli.options import AsJson, Origin, choose_log, parse_hex, passphrase, read_trust
from ledger_service.cli.output import Output
from ledger_service.client import keystore
from ledger_service.client.errors import WrongInput
from ledger_service.client.files import PRIVATE_FOLDER_MODE
from ledger_service.client.keystore import KeyFile, create_key_file, list_key_files, new_secret, read_key_file

Folder = Annotated[Path, typer.Option("--keys", envvar="HUZHENG_KEYS", help="Folder of key files.")]
DEFAULT_FOLDER = Path("keys")

app = typer.Typer(rich_markup_mode=None)


@app.command("new")
def new(
    purpose: Annotated[
        str, typer.Option("--purpose", help=f"What the key is for: {', '.join(keystore.PURPOSES)}.")
    ] = Purpose.STATEMENT,
    out: Annotated[
        Path | None, typer.Option("--out", help="The file to make; else one in the folder of key files.")
    ] = None,
    folder: Folder = DEFAULT_FOLDER,
    light: Annotated[
        bool, typer.Option("--light", help="Weak encryption that opens at once, for synthetic cities and tests.")
    ] = False,
    origin: Origin = None,
    as_json: AsJson = False,
) -> int:
    """Make a key and keep it encrypted. The passphrase is HUZHENG_PASSPHRASE, or asked for twice."""
    if purpose not in keystore.PURPOSES:
        raise WrongInput(f"purpose {purpose!r}: expected one of {', '.join(keystore.PURPOSES)}")
    secret = new_secret()
    if out is None:
        folder.mkdir(mode=PRIVATE_FOLDER_MODE, parents=True, exist_ok=True)
        out = folder / f"{purpose}-{keystore.public_name(purpose, secret)[2:14]}.json"
    elif not out.parent.is_dir():
        raise WrongInput(f"{out.parent} is no folder; make it first")
    made = create_key_file(out, purpose, _new_passphrase(), secret=secret, light=light)
    output = Output(as_json)
    output.result(_members(made, origin))
    output.pairs(_members(made, origin).items(), title="Made a key. Without its passphrase it is lost.")
    return 0


@app.command("list")
def list_(folder: Folder = DEFAULT_FOLDER, as_json: AsJson = False) -> int:
    """List the key files of a folder."""
    if not folder.is_dir():
        raise WrongInput(f"{folder} is no folder; make a key with 'huzheng keys new', or give --keys")
    found = list_key_files(folder)
    output = Output(as_json)
    output.result({"keys": [_members(key, None) for key in found]})
    output.table(("purpose", "public", "file"), [(key.purpose, key.public, key.path) for key in found])
    return 0


@app.command("show")
def show(
    file: Annotated[Path, typer.Argument(help="A key file.")],
    origin: Origin = None,
    check: Annotated[bool, typer.Option("--check", help="Unlock it too, to see that passphrase and file fit.")] = False,
    as_json: AsJson = False,
) -> int:
    """Show what a key file says; its secret is never shown. With --origin a note key's verifier key too."""
    key = read_key_file(file)
    if check:
        key.unlock(passphrase())
    output = Output(as_json)
    members = _members(key, origin) | ({"unlocked": True} if check else {})
    output.result(members)
    output.pairs(members.items())
    return 0


@app.command("consent")
def consent(
    file: Annotated[Path, typer.Argument(help="The key file whose key consents.")],
    institution: Annotated[str, typer.Option("--institution", help="Code of the institution it will speak for.")],
    origin: Origin = None,
    trust: Annotated[
        Path | None, typer.Option("--trust", envvar="HUZHENG_TRUST", help="Trust file that names chain and registry.")
    ] = None,
    chain_id: Annotated[int | None, typer.Option("--chain-id", min=1, help="Instead of a trust file.")] = None,
    registry: Annotated[
        str | None, typer.Option("--registry", envvar="HUZHENG_REGISTRY", help="Instead of a trust file.")
    ] = None,
    as_json: AsJson = False,
) -> int:
    """Sign a key's consent to speak for an institution in a log; the administrator admits the key with it."""
    key = read_key_file(file)
    if key.purpose not in (Purpose.STATEMENT, Purpose.CHECKPOINT, Purpose.RECEIPT):
        raise WrongInput(f"{file} is of purpose {key.purpose}; only statement, checkpoint and receipt keys consent")
    domain = _domain(trust, origin, chain_id, registry)
    digest = domain.key_consent(code_word(institution), code_word(key.purpose), key.address)
    members = {
        "institution": institution,
        "log": encode_hex(domain.log),
        "purpose": key.purpose,
        "address": key.public,
        "consent": encode_hex(sign(digest, key.unlock(passphrase()))),
    }
    output = Output(as_json)
    output.result(members)
    output.pairs(members.items())
    return 0


@app.command("pseudonym")
def pseudonym(
    file: Annotated[Path, typer.Argument(help="The pseudonym key file.")],
    system: Annotated[str, typer.Argument(help="Whose number it is: resident-id, or a hospital's or insurer's word.")],
    as_json: AsJson = False,
) -> int:
    """Put a number under a key (docs/PRIVACY.md). It is a line of standard input, so that no history keeps it."""
    from ledger_service.client.pseudonyms import LONGEST_NUMBER, PseudonymKeys

    key = read_key_file(file)
    if key.purpose != keystore.PSEUDONYM:
        raise WrongInput(f"{file} is of purpose {key.purpose}; give one of purpose {keystore.PSEUDONYM}")
    keys = PseudonymKeys([key.unlock(passphrase())])
    if sys.stdin.isatty():
        number = getpass.getpass("Number: ", stream=sys.stderr)
    else:
        number = sys.stdin.readline(4 * LONGEST_NUMBER)
    made = keys.pseudonym(system, number)
    output = Output(as_json)
    output.result({"system": system, "pseudonym": made})
    output.line(made)
    return 0


def _domain(trust: Path | None, origin: str | None, chain_id: int | None, registry: str | None) -> Domain:
    if chain_id is not None and registry is not None and origin is not None:
        return Domain(chain_id, parse_hex(registry, 20, "--registry"), log_id(origin))
    if trust is None:
        raise WrongInput("say for which log: give --trust, or --chain-id, --registry and --origin")
    trusted = read_trust(trust)
    return trusted.domain(choose_log(trusted, origin))


def _members(key: KeyFile, origin: str | None) -> dict[str, Any]:
    members = {"file": str(key.path), "purpose": key.purpose, "public": key.public}
    if key.has_address:
        members["address"] = encode_hex(key.address)
    if key.purpose == Purpose.NOTE and origin is not None:
        members["verifierKey"] = str(VerifierKey(origin, bytes.fromhex(key.public[2:])))
    return members


def _new_passphrase() -> str:
    def ask_twice() -> str:
        first = getpass.getpass("New passphrase: ", stream=sys.stderr)
        if getpass.getpass("The same again: ", stream=sys.stderr) != first:
            raise WrongInput("the two passphrases differ; nothing was made, try again")
        return first

    return keystore.find_passphrase(dict(os.environ), ask_twice if sys.stdin.isatty() else None)
