"""The certificate, put together."""

from dataclasses import dataclass

from reportlab.platypus import Flowable

from ledger_service.certificate import checked, grounds, held, said, statements
from ledger_service.certificate.court_form import DRAFT, court_form
from ledger_service.certificate.cover import Beliefs, cover
from ledger_service.certificate.faces import Faces
from ledger_service.certificate.layout import Builder
from ledger_service.certificate.pages import Marks, draft_begins, make_file
from ledger_service.certificate.parties import Parties
from ledger_service.certificate.rules_form import rules_form
from ledger_service.certificate.verdict import Verdict
from ledger_service.certificate.words import TITLE, file_date


@dataclass(frozen=True)
class Certificate:
    """A PDF, and the characters that its fonts lack: they stand in it as their escapes."""

    pdf: bytes
    missing: tuple[str, ...]


def make_certificate(
    verdict: Verdict, beliefs: Beliefs, digest: str, *, parties: Parties | None = None, at: int | None = None
) -> Certificate:
    """The certificate over the package whose SHA-256 is `digest` (64 hex digits).

    Its date is `at` (Unix seconds); without it the time at which the package was exported. The same arguments give the
    same bytes.
    """
    faces = Faces()
    build = Builder(faces)
    exported = verdict.package.exported_at if verdict.package else 0
    made = at if at is not None else exported
    flowables: list[Flowable] = [
        *cover(build, verdict, beliefs, parties or Parties(), digest, made),
        *said.timeline(build, verdict),
        *checked.steps(build, verdict),
        *said.facts(build, verdict),
        *held.documents(build, verdict),
        *held.withheld(build, verdict),
        *held.custody(build, verdict),
        *grounds.rests_on(build, verdict),
        *grounds.never_proved(build, verdict),
        *grounds.verify_again(build, beliefs),
        *statements.annex(build, verdict),
        *statements.missing_characters(build),
        *draft_begins(),
        *court_form(build, verdict, beliefs),
        *draft_begins(),
        *rules_form(build, verdict, beliefs, digest),
    ]
    pdf = make_file(flowables, Marks(TITLE, digest, file_date(made), DRAFT))
    return Certificate(pdf, tuple(sorted(faces.missing)))
