"""From a FHIR report (R4, R4B or R5) to what a statement says of it (docs/FHIR.md, In).

1. digests of the bytes as received                          -> document
2. the one report that is meant                              -> report number
3. everything it refers to, as far as it is in the Bundle    -> closure
4. its status                                                -> kind, links, reason
5. category, code, clinical time, performer                  -> examination
6. what was read, measured, concluded                        -> facts, result, interpretation (personal)
7. signatures that the source made                           -> signatures (personal)

Every element that is wrong is named in the error, in one line, with what to do.
"""

from dataclasses import dataclass

from anchors.core.canonical import Json
from anchors.formats import Digest, Document, json_text, read_document
from anchors.formats.document import FHIR_JSON, Unreadable
from anchors.formats.fhir_bundle import Resource, Resources, objects, string
from anchors.formats.recursion import default_recursion_limit
from anchors.formats.signatures import find_signatures
from ledger_service.client.compose import Draft, Material, compose, report_subject
from ledger_service.client.errors import WrongInput
from ledger_service.fhir.examination import codings_of, read_examination

ISSUED, AMENDED, WITHDRAWN = "report.issued", "report.amended", "report.withdrawn"
_KINDS = {
    "final": ISSUED,
    "amended": AMENDED,
    "corrected": AMENDED,
    "appended": AMENDED,
    "entered-in-error": WITHDRAWN,
    "cancelled": WITHDRAWN,
}
"""Kinds by DiagnosticReport.status; one that is not here is no report that was issued."""
_NOT_YET = ("registered", "partial", "preliminary", "modified")

_MAX_CONCLUSION_CHARACTERS = 8_000  # six bytes each at worst; a part holds 65,536
_MAX_CODES = 20
_MAX_CODE_CHARACTERS = 200
_OWN_NUMBER = "FILL"
"""HL7 v2 table 0203: the number that the performing side gave; its like for the ordering side is PLAC."""
_MAX_REPORTS = 100


@dataclass(frozen=True)
class Said:
    """What the caller says beside the file. None: the file says it, or it is not needed.

    `report_number` chooses among several reports and numbers. `category` and `performer` (an institution's code) stand
    where the file says nothing. `replaces` is the id (32 bytes) of the statement that made the version before;
    `reason` a code, for a withdrawal (else its status is the code). `kind` only says `report.issued` of a report that
    was amended before its first version came into the log; any other must be what the status says.
    """

    report_number: str | None = None
    category: str | None = None
    performer: str | None = None
    replaces: bytes | None = None
    reason: str | None = None
    kind: str | None = None


@dataclass(frozen=True)
class ReadReport:
    """What was read: the kind by its status, the report's number, the parts; `conforms` is `R4B`, `R5` or empty, as the
    models of fhir.resources judge the report and its results."""

    kind: str
    report_number: str
    material: Material
    conforms: str


def draft_report(raw: bytes, subject_secret: bytes, said: Said | None = None) -> Draft:
    """The draft for a FHIR report, its subject made of its number with the issuer's secret (32 bytes).

    Raises `WrongInput` or `MalformedInput`.
    """
    read = read_report(raw, said or Said())
    return compose(read.kind, report_subject(subject_secret, read.report_number), read.material)


def read_report(raw: bytes, said: Said) -> ReadReport:
    """Read the report in a Bundle, or a report that needs no other resource, as received. Raises `WrongInput`."""
    document = read_document(raw)
    if document.format != FHIR_JSON:
        raise WrongInput(f"this is no FHIR JSON document ({document.why_not or document.format}); give the Bundle")
    resources = _load(raw)
    report, number = _choose(resources, said.report_number)
    if report.get("modifierExtension"):
        raise WrongInput(
            "DiagnosticReport.modifierExtension: can turn its meaning round and is not known here; leave it"
        )
    kind = _kind(string(report.get("status")), said)
    # Of the only report in a document, what was read of the document is what is to be read.
    alone = len(resources.of_type("DiagnosticReport")) == 1
    closure = document if alone else _read_alone(resources, report)
    if not closure.parsed or closure.canonical is None:
        raise WrongInput(f"the report cannot be read: {closure.why_not}")
    parts: dict[str, Json] = {"closure": _digest(closure.canonical)}
    if kind != WITHDRAWN:
        _refuse_missing_results(resources, report)
        parts["examination"] = read_examination(resources, report, category=said.category, performer=said.performer)
        parts |= _personal(report, closure)
        # Which report of several a signature is about is not read here.
        if alone and (signatures := find_signatures(raw)).found:
            parts["signatures"] = signatures.part_value()
    material = Material(
        document=document.part_value(),
        reason=(said.reason or string(report.get("status"))) if kind == WITHDRAWN else None,
        links={"replaces": said.replaces} if said.replaces is not None else {},
        more=parts,
    )
    return ReadReport(kind, number, material, closure.facts["details"]["conforms"])


def _load(raw: bytes) -> Resources:
    try:
        with default_recursion_limit():
            return Resources(json_text.load(raw))
    except Unreadable as reason:
        raise WrongInput(f"the FHIR document cannot be read: {reason}") from None
    except (AttributeError, RecursionError):
        raise WrongInput("the FHIR document is no JSON object; give a Bundle or a DiagnosticReport") from None


def _choose(resources: Resources, wanted: str | None) -> tuple[Resource, str]:
    """The report that is meant, and its number."""
    reports = resources.of_type("DiagnosticReport")[:_MAX_REPORTS]
    if not reports:
        raise WrongInput("Bundle.entry: no DiagnosticReport is in it; give the Bundle that holds the report")
    if wanted is None:
        if len(reports) > 1:
            raise WrongInput(
                f"Bundle.entry: {len(reports)} DiagnosticReports are in it, and a statement is about one; "
                "say which by its report number"
            )
        return reports[0], _own_number(reports[0])
    named = [report for report in reports if wanted in _numbers(report)]
    if len(named) != 1:
        raise WrongInput(
            f"DiagnosticReport.identifier: {len(named)} of {len(reports)} reports have the number that was named; "
            "name one that a single report has"
        )
    return named[0], wanted


def _numbers(report: Resource) -> list[str]:
    values = [string(identifier.get("value")) for identifier in objects(report.get("identifier"))]
    return [value for value in values if value]


def _own_number(report: Resource) -> str:
    numbers = list(dict.fromkeys(_numbers(report)))
    if not numbers:
        raise WrongInput("DiagnosticReport.identifier: is missing; the report's number makes its subject, so give it")
    if len(numbers) == 1:
        return numbers[0]
    own = [
        string(identifier.get("value"))
        for identifier in objects(report.get("identifier"))
        if any(code == _OWN_NUMBER for _, code in codings_of(identifier.get("type")))
    ]
    own = [value for value in own if value]
    if len(own) != 1:
        raise WrongInput(
            f"DiagnosticReport.identifier: {len(numbers)} numbers, and not exactly one of type {_OWN_NUMBER}; "
            "say which is the report number"
        )
    return own[0]


def _kind(status: str, said: Said) -> str:
    """The kind that the status says, held against what the caller says."""
    kind = _KINDS.get(status)
    if kind is None:
        if status in _NOT_YET:
            raise WrongInput(
                f"DiagnosticReport.status: {status!r} is not issued yet; record the report once it is final"
            )
        said_status = repr(status[:40]) if status else "nothing"
        raise WrongInput(f"DiagnosticReport.status: says {said_status}; it must be one of {', '.join(_KINDS)}")
    if said.kind is not None and said.kind != kind:
        if (said.kind, kind) != (ISSUED, AMENDED):
            raise WrongInput(
                f"DiagnosticReport.status: {status!r} makes it {kind}, not {said.kind[:40]!r}; leave it out"
            )
        kind = ISSUED
    if kind == ISSUED and said.replaces is not None:
        raise WrongInput(f"DiagnosticReport.status: {status!r} issues a report, so it replaces nothing; leave that out")
    if kind != ISSUED and said.replaces is None:
        raise WrongInput(
            f"DiagnosticReport.status: {status!r} replaces a version; name the statement that made it ('replaces')"
            + (f", or say {ISSUED} where none is in the log" if kind == AMENDED else "")
        )
    if kind != WITHDRAWN and said.reason is not None:
        raise WrongInput(f"DiagnosticReport.status: {status!r} needs no reason; leave it out")
    return kind


def _read_alone(resources: Resources, report: Resource) -> Document:
    """What is read of one report among several, with everything it refers to and nothing else.

    That is a Bundle of its own. The canonical digest leaves the Bundle out (docs/FORMATS.md), so it is that of the
    report in the Bundle that was received.
    """
    reached, _ = resources.closure([report])
    names = {id(resource): name for name, resource in resources.all}
    entries = [{"fullUrl": names[id(resource)], "resource": resource} for resource in reached]
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": entries}
    try:
        with default_recursion_limit():
            return read_document(json_text.canonical_text(bundle).encode("utf-8"))
    except (UnicodeEncodeError, RecursionError):
        raise WrongInput("the FHIR document holds text that is no Unicode text, or is nested too deep") from None


def _refuse_missing_results(resources: Resources, report: Resource) -> None:
    for number, reference in enumerate(objects(report.get("result"))):
        if resources.find(reference, report) is None:
            raise WrongInput(
                f"DiagnosticReport.result[{number}]: is not in the document; give the Bundle with its Observations"
            )


def _personal(report: Resource, closure: Document) -> dict[str, Json]:
    """What was read, what was measured, what a doctor concluded: apart, so that each can be shown or erased alone."""
    conclusion, codes = string(report.get("conclusion")), objects(report.get("conclusionCode"))
    facts = dict(closure.facts)
    # The reader's results of a report begin with its conclusions.
    concluded = len(codes) + bool(conclusion)
    results, total = facts.pop("results")[concluded:], facts.pop("resultsTotal") - concluded
    result: Json = {"results": results, "resultsTotal": total, "cut": len(results) < total or facts["cut"]}
    parts: dict[str, Json] = {"facts": facts, "result": result}
    if conclusion or codes:
        parts["interpretation"] = {
            "conclusion": conclusion[:_MAX_CONCLUSION_CHARACTERS],
            "codes": [_concept(concept) for concept in codes[:_MAX_CODES]],
            "cut": len(conclusion) > _MAX_CONCLUSION_CHARACTERS or len(codes) > _MAX_CODES,
        }
    return parts


def _digest(digest: Digest) -> dict[str, Json]:
    return {"method": digest.method, "sha256": digest.value.hex()}


def _concept(concept: Resource) -> dict[str, Json]:
    first = next(iter(objects(concept.get("coding"))), {})
    texts = (
        string(first.get("system")),
        string(first.get("code")),
        string(first.get("display") or concept.get("text")),
    )
    return dict(zip(("system", "code", "text"), (text[:_MAX_CODE_CHARACTERS] for text in texts), strict=True))
