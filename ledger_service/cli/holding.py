"""What `dispute` and `hold` share: what begins, what ends, and the list of both."""

import secrets
from collections.abc import Callable
from typing import Annotated, Any

import typer

from anchors.core.encoding import WORD_BYTES, decode_hex
from anchors.core.times import iso_time
from ledger_service.cli.options import DEFAULT_URL, AsJson, Origin, Token, Url
from ledger_service.cli.output import Output
from ledger_service.cli.reading import Reader, ReaderKey, ReaderTrust
from ledger_service.cli.words import kind_in_words
from ledger_service.client.api import Api
from ledger_service.client.compose import Draft, Material, compose
from ledger_service.client.errors import WrongInput

About = Annotated[str, typer.Argument(help="The statement it is about: its id, 0x and 64 hex digits.")]
Basis = Annotated[str, typer.Option("--basis", help="On what it rests: an order, a file number. It stands for good.")]
Institution = Annotated[str | None, typer.Option("--institution", help="Only those that this institution signed.")]
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


def lister(kind: str, text: str) -> Callable[..., int]:
    """The command that lists what there is of a kind; `text` is its help."""

    def command(
        subject: OptionalSubject = None,
        institution: Institution = None,
        key: ReaderKey = None,
        trust: ReaderTrust = None,
        token: Token = None,
        url: Url = DEFAULT_URL,
        origin: Origin = None,
        as_json: AsJson = False,
    ) -> int:
        named = decode_hex(subject, WORD_BYTES, "subject") if subject is not None else None
        with Reader(token, key, trust, origin).needed().open(url) as api:
            found = [item for item in api.disputes(named, institution) if item["statement"]["kind"] == kind]
        _show(Output(as_json), found)
        return 0

    command.__doc__ = text
    return command


def _show(output: Output, found: list[dict[str, Any]]) -> None:
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


def _id(text: str) -> bytes:
    return decode_hex(text, WORD_BYTES, "statement")
