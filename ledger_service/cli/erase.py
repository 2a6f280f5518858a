"""`huzheng erase`: have personal parts of an own statement erased."""

from hashlib import sha256
from typing import Annotated, Any

import typer

from anchors.core import canonical
from anchors.core.canonical import Json
from anchors.core.encoding import decode_hex, encode_hex
from anchors.core.errors import MalformedInput
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
from ledger_service.cli.sending import Signer, final_head, open_log, open_signer, send, show_open
from ledger_service.client.api import Api
from ledger_service.client.compose import Material, compose
from ledger_service.client.errors import BrokenAnswer, WrongInput
from ledger_service.client.session import signed_in
from ledger_service.client.store import Store
from ledger_service.client.stored import ACCEPTED, Stored

DONE, NOT_DONE = 0, 1
KIND = "content.erased"


def app(
    statement: Annotated[str, typer.Argument(help="The statement's id, 0x and 64 hex digits.")],
    parts: Annotated[list[str], typer.Option("--part", help="A personal part of it; repeat for more.")],
    key: KeyPath,
    trust: TrustFile,
    confirm: Annotated[
        str | None, typer.Option("--confirm", help="The digest of what you were told: erase.", metavar="DIGEST")
    ] = None,
    basis: Annotated[str, typer.Option("--basis", help="Why, as it stands in the log for good.")] = "request",
    store: StorePath = DEFAULT_STORE,
    url: Url = DEFAULT_URL,
    origin: Origin = None,
    as_json: AsJson = False,
) -> int:
    """Tell what erasing parts of an own statement means; with --confirm sign content.erased, send it, and erase.

    Without --confirm nothing is changed. Exit status 1 where what was signed is not accepted: nothing is erased then.
    """
    id, output = decode_hex(statement, 32, "statement"), Output(as_json)
    trusted, log = open_log(trust, origin)
    with Store(store) as opened, Api(url) as api:
        signer = open_signer(opened, api, key, trusted, log)
        with signed_in(api, signer.stream.domain, signer.stream.institution, signer.secret):
            told = api.erasure(id, {"parts": parts})
            digest = _digest_of(told)
            if confirm is None:
                _show(output, told)
                return DONE
            if confirm != digest:
                raise WrongInput(f"what this erasure does has the digest {digest}; read what it means, confirm that")
            said = _say(signer, api, id, told, basis)
            send(output, opened, api, trusted, log, [signer.stream.key])
            if opened.statement(said.statement).state != ACCEPTED:
                output.note(f"huzheng: {KIND} is not accepted, nothing is erased; mend what hinders, give this again")
                show_open(output, opened.blocked(signer.stream.key), opened.waiting(signer.stream.key))
                return NOT_DONE
            done = api.erasure(id, {"parts": parts, "confirm": confirm, "erased": encode_hex(said.statement)})
    _show(output, done)
    return DONE


def _digest_of(told: dict[str, Any]) -> str:
    """The digest of what the service told, which is what is shown here. Raises `BrokenAnswer` where it says another."""
    try:
        said = {name: told[name] for name in ("effects", "index", "parts", "statement")}
        digest = sha256(canonical.encode(said)).hexdigest()
    except (KeyError, MalformedInput) as error:
        raise BrokenAnswer(
            f"the service's answer says not what erasing means ({error}); is this the service?"
        ) from None
    if told.get("digest") != digest:
        raise BrokenAnswer(f"the service tells something of the digest {digest} and says {told.get('digest')}")
    return digest


def _say(signer: Signer, api: Api, id: bytes, told: dict[str, Any], basis: str) -> Stored:
    """The signed and stored `content.erased`; the one that an earlier call stored for the same."""
    source = f"erase {told['digest']}"
    if (stored := signer.store.by_source(source)) is not None:
        return stored
    names: list[Json] = [part["name"] for part in told["parts"]]
    material = Material(links={"erases": id}, more={"erasure": {"basis": basis, "parts": names}})
    draft = compose(KIND, decode_hex(api.statement(id)["subject"], 32, "the statement's subject"), material)
    return signer.store.sign(signer.stream.key, signer.secret, draft, observed=final_head(api), source=source)


def _show(output: Output, told: dict[str, Any]) -> None:
    output.result(told)
    output.line("Erased." if told["done"] else "Nothing is erased yet. What it would do:", "bold")
    output.table(("part", "its leaf stays"), [(part["name"], part["leaf"]) for part in told["parts"]])
    output.pairs([(effect["code"], f"{effect['en']}\n{effect['zh']}") for effect in told["effects"]])
    if not told["done"]:
        output.line(f"To erase, give the same command with --confirm {told['digest']}")
