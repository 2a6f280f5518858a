"""What `dispute` and `hold` share: what begins, what ends, and the list of both."""

import secrets
from pathlib import Path
from typing import Annotated, Any

import typer

from anchors.core.encoding import WORD_BYTES, decode_hex
from anchors.core.registry import Purpose
from anchors.core.times import iso_time
from anchors.core.typed_data import Domain
from ledger_service.cli.options import passphrase
from ledger_service.cli.output import Output
from ledger_service.cli.sending import open_log
from ledger_service.cli.words import kind_in_words
from ledger_service.client.api import Api
from ledger_service.client.compose import Draft, Material, compose
from ledger_service.client.errors import WrongInput
from ledger_service.client.keystore import read_key_file
from ledger_service.client.session import sign_in

About = Annotated[str, typer.Argument(help="The statement it is about: its id, 0x and 64 hex digits.")]
Basis = Annotated[str, typer.Option("--basis", help="On what it rests: an order, a file number. It stands for good.")]
Institution = Annotated[str | None, typer.Option("--institution", help="Only those that this institution signed.")]
OptionalKey = Annotated[
    Path | None, typer.Option("--key", envvar="HUZHENG_KEY", help="Sign in with this key, with --trust.")
]
OptionalTrust = Annotated[Path | None, typer.Option("--trust", envvar="HUZHENG_TRUST", help="The trust file.")]
OptionalSubject = Annotated[str | None, typer.Argument(help="Only what is about this subject, 0x and 64 hex digits.")]


def beginning(kind: str, about: str, basis: str, **links: str) -> Draft:
    """The draft of what begins a dispute or a hold about a statement, under a new subject of its own."""
    targets = {rel: _id(target) for rel, target in {"about": about, **links}.items()}
    return compose(kind, secrets.token_bytes(WORD_BYTES), Material(links=targets, more={"basis": {"basis": basis}}))


def ending(
    api: Api, kind: str, begun_kind: str, begun: str, *, reason: str | None = None, basis: str | None = None
) -> Draft:
    """The draft of what ends the dispute or hold whose statement has this id. Raises `WrongInput` for another kind."""
    found = api.statement(_id(begun))
    if found.get("kind") != begun_kind:
        raise WrongInput(f"{begun} is a {found.get('kind')}; name the {begun_kind} that is to be ended")
    subject = decode_hex(found["subject"], WORD_BYTES, "its subject")
    more = {"basis": {"basis": basis}} if basis is not None else {}
    return compose(kind, subject, Material(reason=reason, links={"replaces": _id(begun)}, more=more))


def show_listed(
    output: Output,
    api: Api,
    kind: str,
    *,
    subject: str | None,
    institution: str | None,
    key: Path | None,
    trust: Path | None,
    origin: str | None,
) -> None:
    """What of this kind one may know of, as a table; a key signs in."""
    if key is not None:
        _sign_in(api, key, trust, origin)
    named = decode_hex(subject, WORD_BYTES, "subject") if subject is not None else None
    found = [item for item in api.disputes(named, institution) if item["statement"]["kind"] == kind]
    output.result({"items": found})
    if not found:
        output.line("There is none of which you may know.")
        return
    rows = [_row(item) for item in found]
    output.table(("entry", "issued at", "institution", "stands", "about entry", "which"), rows)
    output.pairs([(f"entry {item['statement']['index']}", item["statement"]["statement"]) for item in found])


def _row(item: dict[str, Any]) -> tuple[Any, ...]:
    said, about = item["statement"], item["about"]
    what = f"{about['institution']} {kind_in_words(about['kind'])}"
    stands = "yes" if item["stands"] else "no, ended"
    return said["index"], iso_time(said["issuedAt"]), said["institution"], stands, about["index"], what


def _sign_in(api: Api, key_path: Path, trust_path: Path | None, origin: str | None) -> None:
    if trust_path is None:
        raise WrongInput("--key needs --trust, the file that says for whom the key signs")
    trusted, log = open_log(trust_path, origin)
    key = read_key_file(key_path)
    known = trusted.registry.keys.get(key.address)
    if key.purpose != Purpose.STATEMENT or known is None or known.log != log.id:
        raise WrongInput(f"{key_path}: {key.public} is no statement key of {log.origin} in the trust file")
    domain = Domain(trusted.chain_id, trusted.registry_contract.address, log.id)
    sign_in(api, domain, known.institution, key.unlock(passphrase()))


def _id(text: str) -> bytes:
    return decode_hex(text, WORD_BYTES, "statement")
