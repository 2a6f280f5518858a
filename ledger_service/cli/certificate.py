"""`huzheng certificate`: a bilingual PDF over an evidence package, and the drafts that a person completes and signs."""

from hashlib import sha256
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from anchors.core.encoding import encode_hex
from anchors.core.errors import MalformedInput
from anchors.core.trust import MAX_TRUST_BYTES, Trust
from anchors.evidence.archive import MAX_ARCHIVE_BYTES
from ledger_service.cli.case_verdict import CaseVerdict
from ledger_service.cli.options import AsJson, TrustFile, parse_time, read_bounded, read_certificate, read_trust
from ledger_service.cli.output import Output
from ledger_service.client.accepted import acceptance_check
from ledger_service.client.errors import WrongInput
from ledger_service.client.files import write_atomically
from ledger_service.usecases.judge_evidence import judge_evidence

HOLDS, DOES_NOT_HOLD = 0, 1


def app(
    file: Annotated[Path, typer.Argument(help="The evidence package, for example case.zip.", show_default=False)],
    trust: TrustFile,
    out: Annotated[Path, typer.Option("--out", "-o", help="The PDF to write, for example certificate.pdf.")],
    parties: Annotated[
        Path | None, typer.Option("--parties", help="Court, case and parties (JSON); else blanks are left for them.")
    ] = None,
    at: Annotated[
        str | None, typer.Option("--at", help="The certificate's date; else that of the export.", metavar="TIME")
    ] = None,
    roots: Annotated[
        list[Path] | None,
        typer.Option("--root", help="Certificate of an authority you trust, for acceptances; repeat."),
    ] = None,
    as_json: AsJson = False,
) -> int:
    """Judge an evidence package, and write a certificate of what verified, with drafts for courts to be signed.

    Offline. The same package, trust file and options make the same bytes. Exit status 1: the package does not hold; the
    certificate is written all the same and says so first.
    """
    if find_spec("reportlab") is None:
        raise WrongInput("a certificate needs a library that is not installed; install huzheng[certificate]")
    from ledger_service.certificate.make import make_certificate
    from ledger_service.certificate.parties import MAX_PARTIES_BYTES, read_parties
    from ledger_service.certificate.verdict import read_verdict

    data, trusted = read_bounded(file, MAX_ARCHIVE_BYTES, "evidence package"), read_trust(trust)
    named = None
    if parties is not None:
        try:
            named = read_parties(read_bounded(parties, MAX_PARTIES_BYTES, "parties file"))
        except MalformedInput as error:
            raise WrongInput(f"{parties}: {error}") from None
    checks = {"acceptance": acceptance_check([read_certificate(root) for root in roots or ()])}
    verdict = CaseVerdict("package", data, judge_evidence(data, trusted, checks))
    digest = sha256(data).hexdigest()
    certificate = make_certificate(
        read_verdict(verdict.members()),
        _beliefs(trust, trusted),
        digest,
        parties=named,
        at=parse_time(at, "--at") if at is not None else None,
    )
    write_atomically(out, certificate.pdf)
    output = Output(as_json)
    output.result(
        {
            "file": str(out),
            "sha256": sha256(certificate.pdf).hexdigest(),
            "package": digest,
            "holds": verdict.holds,
            "missing": list(certificate.missing),
        }
    )
    output.line(f"{out}: {len(certificate.pdf):,} bytes, over the package with SHA-256 {digest}")
    output.line("THE PACKAGE HOLDS" if verdict.holds else "THE PACKAGE DOES NOT HOLD", "bold")
    output.line("The drafts at its end are to be completed, checked and signed by a person.")
    if certificate.missing:
        codes = ", ".join(f"{character} (U+{ord(character):04X})" for character in certificate.missing)
        output.note(f"huzheng: the certificate's fonts lack {codes}; codes stand in their place, write them in by hand")
    return HOLDS if verdict.holds else DOES_NOT_HOLD


def _beliefs(path: Path, trust: Trust):
    from ledger_service.certificate.cover import Beliefs

    return Beliefs(
        trust_sha256=sha256(read_bounded(path, MAX_TRUST_BYTES, "trust file")).hexdigest(),
        chain_id=trust.chain_id,
        genesis=encode_hex(trust.genesis),
        registry=encode_hex(trust.registry_contract.address),
        witness=encode_hex(trust.witness_contract.address),
        tool=f"huzheng {version('huzheng')}",
    )
