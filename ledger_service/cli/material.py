"""From options, or a line of JSON, to a draft."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec

from anchors.core.encoding import ZERO_WORD, decode_hex
from anchors.core.errors import Error
from anchors.core.tlog_proof import MAX_PROOF_BYTES
from anchors.formats import read_document
from anchors.formats.json_text import MAX_JSON_BYTES
from anchors.formats.signatures import find_signatures
from ledger_service.cli.attest import MAX_DOCUMENT_BYTES
from ledger_service.cli.options import read_bounded
from ledger_service.client.bringing_in import BroughtIn, bring_in
from ledger_service.client.compose import Draft, Material, compose, report_subject
from ledger_service.client.errors import WrongInput
from ledger_service.client.store import Store
from ledger_service.originals import TrustedOrigins

MAX_LINE_BYTES = 2**20


class Line(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    """One statement to be made, as in a line of `record --from`. Times are Unix seconds.

    `document` is a path beside the file, and so are `fhir`, a report that says its kind itself (docs/FHIR.md), and
    `reportProof`, the proof of a report in another log (`reportHead`: a head there). `links` maps rel to a statement
    id, or to `@name` of an earlier line.
    """

    kind: str | None = None
    subject: str | None = None
    report_number: str | None = None
    document: str | None = None
    fhir: str | None = None
    category: str | None = None
    performer: str | None = None
    report_proof: str | None = None
    report_head: str | None = None
    facts: bool = False
    access: dict[str, Any] | None = None
    reason: str | None = None
    policy: dict[str, Any] | None = None
    links: dict[str, str] = {}
    parts: dict[str, Any] = {}
    withhold: list[str] = []
    issued_at: int | None = None
    name: str | None = None


@dataclass(frozen=True)
class Importer:
    """Who brings reports of other logs in, and the trust files for these."""

    institution: str
    trusted: TrustedOrigins

    def bring_in(self, line: Line, folder: Path) -> BroughtIn | None:
        """What a line brings in, if anything."""
        if line.report_proof is None:
            if line.report_head is not None:
                raise WrongInput("a head of the other log needs the report's proof beside it")
            return None
        head = ZERO_WORD if line.report_head is None else decode_hex(line.report_head, 32, "head of the other log")
        proof = read_bounded(folder / line.report_proof, MAX_PROOF_BYTES, "proof of the other log")
        return bring_in(proof, self.trusted, head)


NOBODY = Importer("", TrustedOrigins())


def draft_of(
    line: Line,
    folder: Path,
    subject_secret: bytes | None,
    resolve: Callable[[str], bytes],
    importer: Importer = NOBODY,
) -> Draft:
    """The draft that a line describes; `resolve` gives the statement id behind a link's text."""
    if line.fhir is not None:
        return _draft_of_fhir(line, folder, subject_secret, resolve)
    if line.kind is None:
        raise WrongInput("name the kind of statement")
    if line.category is not None or line.performer is not None:
        raise WrongInput("category and performer belong to a FHIR report; give the part examination instead")
    document, more = None, dict(line.parts)
    if line.document is not None:
        path = folder / line.document
        raw = read_bounded(path, MAX_DOCUMENT_BYTES, "document")
        read = read_document(raw, name=path.name)
        document = read.part_value()
        if line.facts and read.facts:
            more["facts"] = dict(read.facts)
        if line.facts and (signatures := find_signatures(raw)).found:
            more["signatures"] = signatures.part_value()
    original = importer.bring_in(line, folder)
    material = Material(
        document=document,
        access=line.access,
        reason=line.reason,
        policy=line.policy,
        links={rel: resolve(target) for rel, target in line.links.items()},
        original=original,
        more=more,
    )
    if original is not None and line.subject is None and line.report_number is None:
        subject = original.subject(importer.institution)
    else:
        subject = _subject(line, subject_secret)
    return compose(line.kind, subject, material, withhold=frozenset(line.withhold), issued_at=line.issued_at)


def _draft_of_fhir(line: Line, folder: Path, subject_secret: bytes | None, resolve: Callable[[str], bytes]) -> Draft:
    if line.document is not None or line.facts or line.access is not None or line.policy is not None:
        raise WrongInput(
            "a FHIR report says its document and facts itself, and has no access or policy; leave them out"
        )
    if line.links.keys() - {"replaces"}:
        raise WrongInput("a FHIR report links to nothing but the version that it replaces")
    from ledger_service.fhir.inward import Said, read_report

    path = folder / line.fhir
    said = Said(
        report_number=line.report_number,
        category=line.category,
        performer=line.performer,
        replaces=resolve(line.links["replaces"]) if line.links else None,
        reason=line.reason,
        kind=line.kind,
    )
    read = read_report(read_bounded(path, MAX_JSON_BYTES, "FHIR document"), said)
    if clash := read.material.more.keys() & line.parts.keys():
        raise WrongInput(f"part {min(clash)!r} is read out of the FHIR report; leave it out")
    named = msgspec.structs.replace(line, report_number=None if line.subject else read.report_number)
    material = replace(read.material, more={**read.material.more, **line.parts})
    return compose(
        read.kind,
        _subject(named, subject_secret),
        material,
        withhold=frozenset(line.withhold),
        issued_at=line.issued_at,
    )


def statement_id(text: str) -> bytes:
    """The id of a link that is written out."""
    return decode_hex(text, 32, "link")


@dataclass
class LineFile:
    """A file of JSON lines. Each line's source is the file's digest and its number, so importing again adds nothing."""

    path: Path
    lines: list[tuple[int, Line]]
    digest: str
    _named: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> "LineFile":
        """Read and check all lines before any is signed. Raises `WrongInput` that names the line."""
        try:
            raw = path.read_bytes()
        except OSError as error:
            raise WrongInput(f"{path}: {error.strerror}; give a file of JSON lines") from None
        texts = [(number, text) for number, text in enumerate(raw.split(b"\n"), 1) if text.strip()]
        if not texts:
            raise WrongInput(f"{path}: is empty; write one JSON object a line")
        return cls(path, [(number, _read_line(path, number, text)) for number, text in texts], sha256(raw).hexdigest())

    def source(self, number: int) -> str:
        """What a stored statement remembers of where it came from."""
        return f"{self.digest}:{number}"

    def drafts(
        self, store: Store, subject_secret: bytes | None, importer: Importer = NOBODY
    ) -> Iterator[tuple[Draft, str]]:
        """Drafts of the lines that are not stored yet; each is to be stored before the next is taken."""
        for number, line in self.lines:
            source = self.source(number)
            if store.by_source(source) is None:
                try:
                    resolve = partial(self._resolve, store)
                    draft = draft_of(line, self.path.parent, subject_secret, resolve, importer)
                except Error as error:
                    raise WrongInput(f"{self.path}, line {number}: {error}; nothing of it was signed") from None
                yield draft, source
            if line.name is not None:
                self._named[line.name] = source

    def _resolve(self, store: Store, text: str) -> bytes:
        if not text.startswith("@"):
            return statement_id(text)
        source = self._named.get(text[1:])
        stored = store.by_source(source) if source else None
        if stored is None:
            raise WrongInput(f"link {text}: no earlier line has this name")
        return stored.statement


def read_json_members(path: Path) -> Any:
    """The value in a JSON file, for a part."""
    raw = read_bounded(path, MAX_LINE_BYTES, "JSON file")
    try:
        return json.loads(raw, object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        raise WrongInput(f"{path}: not JSON ({error})") from None


def _read_line(path: Path, number: int, text: bytes) -> Line:
    try:
        if len(text) > MAX_LINE_BYTES:
            raise ValueError(f"longer than {MAX_LINE_BYTES} bytes")
        return msgspec.convert(json.loads(text, object_pairs_hook=_unique), Line)
    except (msgspec.ValidationError, ValueError, RecursionError) as error:
        raise WrongInput(f"{path}, line {number}: {error}; see 'Recording many' in docs/COMMANDS.md") from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member is named twice")
    return members


def _subject(line: Line, secret: bytes | None) -> bytes:
    if (line.subject is None) == (line.report_number is None):
        raise WrongInput("name either the subject or the report number")
    if line.subject is not None:
        return decode_hex(line.subject, 32, "subject")
    if secret is None:
        raise WrongInput("a report number needs --secret, made with 'huzheng keys new --purpose subject'")
    return report_subject(secret, line.report_number)
