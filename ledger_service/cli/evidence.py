"""`huzheng evidence`: export one subject's evidence package, check it, and say so in the log."""

import time
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

from anchors.core.encoding import decode_hex, encode_hex
from anchors.core.errors import Error
from anchors.evidence import members as forms
from anchors.evidence.archive import MAX_ARCHIVE_BYTES
from anchors.evidence.build import Exporter, add_members
from ledger_service.cli.case_verdict import CaseVerdict
from ledger_service.cli.options import (
    DEFAULT_STORE,
    DEFAULT_URL,
    AsJson,
    KeyPath,
    Origin,
    ReportNumber,
    StorePath,
    SubjectSecret,
    TrustFile,
    Url,
    read_bounded,
)
from ledger_service.cli.output import Output
from ledger_service.cli.sending import Signer, final_head, open_log, open_signer, show_open, try_send
from ledger_service.cli.timeline import find_subject
from ledger_service.client.api import Api
from ledger_service.client.errors import WrongInput
from ledger_service.client.exported import draft_of_export, part_names
from ledger_service.client.files import write_atomically
from ledger_service.client.session import signed_in
from ledger_service.client.store import Store
from ledger_service.client.stored import ACCEPTED, Stored
from ledger_service.usecases.judge_evidence import JudgedPackage, judge_evidence

HOLDS, DOES_NOT_HOLD = 0, 1
MAX_ACCEPTANCE_BYTES = 2**20


def app(
    out: Annotated[Path, typer.Option("--out", "-o", help="The package to write, for example case.zip.")],
    key: KeyPath,
    trust: TrustFile,
    subject: Annotated[str | None, typer.Argument(help="The subject, 0x and 64 hex digits.")] = None,
    report_number: ReportNumber = None,
    secret: SubjectSecret = None,
    documents: Annotated[list[Path] | None, typer.Option("--document", help="An original to add; repeat.")] = None,
    personal: Annotated[
        list[str] | None, typer.Option("--personal", help="A personal part that the case needs; repeat for more.")
    ] = None,
    acceptances: Annotated[
        list[Path] | None, typer.Option("--acceptance", help="An institution's acceptance (.p7s) to add; repeat.")
    ] = None,
    dispute: Annotated[str | None, typer.Option("--dispute", help="The dispute.opened it is exported for.")] = None,
    unsaid: Annotated[
        bool, typer.Option("--unsaid", help="Do not sign evidence.exported; the log then lacks it.")
    ] = False,
    store: StorePath = DEFAULT_STORE,
    url: Url = DEFAULT_URL,
    origin: Origin = None,
    as_json: AsJson = False,
) -> int:
    """Export what the log holds about one subject into one file that verifies offline, and sign that it was exported.

    Structural parts are in it as far as you may see them; personal ones only where --personal names them. Exit status 1
    where the package does not hold (it is not kept), or where evidence.exported was not accepted.
    """
    named, output = find_subject(subject, report_number, secret), Output(as_json)
    added = _added(documents or (), acceptances or ())
    trusted, log = open_log(trust, origin)
    with Store(store) as opened, Api(url) as api:
        signer = open_signer(opened, api, key, trusted, log)
        with signed_in(api, signer.stream.domain, signer.stream.institution, signer.secret):
            package = api.evidence({"subject": encode_hex(named), "personal": sorted(set(personal or ()))})
        exporter = Exporter(signer.stream.institution, signer.secret, int(time.time()), f"huzheng {version('huzheng')}")
        try:
            package = add_members(package, added, signer.stream.domain, exporter)
        except Error as error:
            raise WrongInput(f"the service's package cannot be used: {error}") from None
        judged = judge_evidence(package, trusted)
        verdict = CaseVerdict(str(out), package, judged)
        if not verdict.holds:
            output.result(verdict.members())
            verdict.show(output)
            output.note(f"huzheng: the package was not kept: {verdict.why_not}")
            return DOES_NOT_HOLD
        write_atomically(out, package)
        said = None if unsaid else _say(signer, api, judged, package, dispute)
        failure = None
        if said is not None:
            _, failure = try_send(output, opened, api, trusted, log, signer.stream.key)
            said = opened.statement(said.statement)
        output.result({"file": str(out), **verdict.members(), "exported": encode_hex(said.statement) if said else None})
        verdict.show(output)
        output.line(f"{out}: {len(package)} bytes, SHA-256 {sha256(package).hexdigest()}")
        if said is not None and said.state != ACCEPTED:
            why = said.detail or failure or "send it with 'huzheng stream send'"
            output.note(f"huzheng: the package is kept; evidence.exported is stored and not accepted: {why}")
            show_open(output, opened.blocked(signer.stream.key), opened.waiting(signer.stream.key))
            return DOES_NOT_HOLD
    return HOLDS


def _added(documents: list[Path] | tuple[()], acceptances: list[Path] | tuple[()]) -> dict[str, bytes]:
    """The holder's own files as members."""
    added = {}
    for path in documents:
        data = read_bounded(path, MAX_ARCHIVE_BYTES, "document")
        added[f"{forms.DOCUMENTS}/{sha256(data).hexdigest()}"] = data
    for path in acceptances:
        data = read_bounded(path, MAX_ACCEPTANCE_BYTES, "acceptance")
        added[f"{forms.ACCEPTANCE}/{sha256(data).hexdigest()}.p7s"] = data
    return added


def _say(signer: Signer, api: Api, judged: JudgedPackage, package: bytes, dispute: str | None) -> Stored:
    """The signed and stored `evidence.exported`."""
    statements = judged.package.statements
    first = min((told for told in statements if told.role == "timeline"), key=lambda told: told.index)
    disclosed, withheld = part_names(told.content for told in statements)
    draft = draft_of_export(
        first.entry.statement.subject,
        first.id,
        package,
        disclosed=disclosed,
        withheld=withheld,
        dispute=decode_hex(dispute, 32, "--dispute") if dispute else None,
    )
    return signer.store.sign(signer.stream.key, signer.secret, draft, observed=final_head(api))
