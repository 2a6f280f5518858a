"""`huzheng acceptance`: what an institution signs under its CA certificate, and whether a signature file holds."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from anchors.core.encoding import encode_hex
from anchors.core.times import iso_time
from anchors.core.trust import Trust
from anchors.core.verify import State
from ledger_service.cli.options import (
    AsJson,
    Origin,
    TrustFile,
    choose_log,
    parse_hex,
    parse_time,
    read_bounded,
    read_certificate,
    read_trust,
)
from ledger_service.cli.output import Output
from ledger_service.client.acceptance import (
    NEEDED,
    Terms,
    acceptance_digest,
    find_recorded,
    signature_words,
    verify_acceptance,
)
from ledger_service.client.files import write_atomically

MAX_FILE_BYTES = 2**20
HOLDS, DOES_NOT_HOLD = 0, 1

app = typer.Typer(rich_markup_mode=None)

Institution = Annotated[str, typer.Option("--institution", help="Code of the institution.")]
KeyAddress = Annotated[str, typer.Option("--address", help="Address of its key that signs statements.")]


@app.command("text")
def text(
    out: Annotated[Path, typer.Option("--out", help="Where to write the text; it is replaced if it is there.")],
    institution: Institution,
    address: KeyAddress,
    trust: TrustFile,
    origin: Origin = None,
    as_json: AsJson = False,
) -> int:
    """Write the exact bytes that the institution signs, to be given to the tool of its certificate authority."""
    _, terms = _read_terms(trust, origin, institution, address)
    write_atomically(out, terms.text())
    output = Output(as_json)
    output.result({"file": str(out), "text": terms.text().decode("utf-8")})
    output.line(f"Written to {out}. Sign these bytes as they are: CMS, DER, detached, with signed attributes.")
    output.line(terms.text().decode("utf-8"))
    return HOLDS


@app.command("verify")
def verify(
    file: Annotated[Path, typer.Argument(help="The signature file (.p7s).")],
    institution: Institution,
    address: KeyAddress,
    trust: TrustFile,
    roots: Annotated[
        list[Path] | None, typer.Option("--root", help="Certificate of an authority you trust, PEM or DER; repeat.")
    ] = None,
    at: Annotated[
        str | None, typer.Option("--at", help="When the certificate should have been valid; else when it was recorded.")
    ] = None,
    holder: Annotated[
        str | None, typer.Option("--holder", help="The subject that you know to be its certificate's (RFC 4514).")
    ] = None,
    origin: Origin = None,
    as_json: AsJson = False,
) -> int:
    """Judge a signature file, offline. Exit status 1 where a claim that is needed is not VERIFIED, or one FAILED."""
    data = read_bounded(file, MAX_FILE_BYTES, "signature file")
    believed, terms = _read_terms(trust, origin, institution, address)
    recorded = find_recorded(believed.changes, terms, acceptance_digest(data))
    moment = parse_time(at, "--at") if at else recorded.time if recorded else int(datetime.now(UTC).timestamp())
    certificates = [read_certificate(path) for path in roots or ()]
    claims = verify_acceptance(data, terms, recorded=recorded, roots=certificates, at=moment, holder=holder)
    states = {claim.name: claim.state for claim in claims}
    holds = all(states[name] is State.VERIFIED for name in NEEDED) and State.FAILED not in states.values()
    members: dict[str, Any] = {
        "file": str(file),
        "digest": encode_hex(acceptance_digest(data)),
        "at": iso_time(moment),
        "holds": holds,
        "claims": [{"claim": claim.name, "state": claim.state.value, "why": claim.why} for claim in claims],
        "words": signature_words(claims),
    }
    output = Output(as_json)
    output.result(members)
    output.pairs([("file", file), ("digest", members["digest"]), ("judged as of", members["at"])])
    output.table(("claim", "state", "why"), [(claim.name, claim.state.value, claim.why) for claim in claims])
    output.line(f"To be called: {members['words']}", "bold")
    return HOLDS if holds else DOES_NOT_HOLD


def _read_terms(trust: Path, origin: str | None, institution: str, address: str) -> tuple[Trust, Terms]:
    believed = read_trust(trust)
    log = choose_log(believed, origin)
    key = parse_hex(address, 20, "--address")
    return believed, Terms(institution, key, believed.chain_id, believed.registry_contract.address, log.origin)
