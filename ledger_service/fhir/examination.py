"""The part `examination` of a FHIR report: item, category, clinical time, performer, as the source wrote them."""

import re
from datetime import datetime

from anchors.core.canonical import Json
from anchors.formats.fhir_bundle import Resource, Resources, objects, string
from ledger_service.client.errors import WrongInput
from ledger_service.fhir import INSTITUTION
from ledger_service.fhir.categories import CATEGORIES, category_of, modality_of

_WORD = re.compile(r"[ -~]{1,64}")
_INSTANT = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d)?)(\.\d+)?(Z|[+-]\d\d:\d\d)?", re.ASCII)


def read_examination(
    resources: Resources, report: Resource, *, category: str | None, performer: str | None
) -> dict[str, Json]:
    """The value of the part. `category` and `performer` are what the caller says where the report does not.

    Raises `WrongInput` that names the element.
    """
    system, item = _item(report)
    value: dict[str, Json] = {
        "at": _clinical_time(report),
        "category": _category(report, category),
        "item": item,
        "system": system,
    }
    more = {"modality": _modality(report), "performer": _performer(resources, report, performer)}
    return value | {name: said for name, said in more.items() if said}


def _item(report: Resource) -> tuple[str, str]:
    """System and code of the first coding that has both, as the source wrote them."""
    codings = codings_of(report.get("code"))
    if not codings:
        raise WrongInput("DiagnosticReport.code.coding: is missing; the item's code as the source has it is needed")
    for system, code in codings:
        if system and code:
            for name, text in (("system", system), ("code", code)):
                if not _WORD.fullmatch(text):
                    raise WrongInput(f"DiagnosticReport.code.coding.{name}: must be 1 to 64 printable ASCII characters")
            return system, code
    raise WrongInput(
        "DiagnosticReport.code.coding: none has both system and code; say which code system the code is of"
    )


def _modality(report: Resource) -> str | None:
    """By what pictures were made, where the categories say one and no other."""
    found = {modality for coding in _categories(report) if (modality := modality_of(*coding))}
    return found.pop() if len(found) == 1 else None


def _categories(report: Resource) -> list[tuple[str, str]]:
    return [pair for concept in objects(report.get("category")) for pair in codings_of(concept)]


def _category(report: Resource, said: str | None) -> str:
    found = sorted({category for coding in _categories(report) if (category := category_of(*coding))})
    if said is not None and said not in CATEGORIES:
        raise WrongInput(f"category {said[:40]!r}: must be one of {', '.join(CATEGORIES)}")
    if len(found) > 1 or (found and said not in (None, found[0])):
        raise WrongInput(
            f"DiagnosticReport.category: says {' and '.join(found)}"
            + (f", and {said} was given; leave that out" if len(found) == 1 else "; one is needed")
        )
    if not found and said is None:
        raise WrongInput(f"DiagnosticReport.category: has no code here for {', '.join(CATEGORIES)}; give the category")
    return found[0] if found else str(said)


def _clinical_time(report: Resource) -> str:
    """`effective[x]`: when the sample was taken or the picture made; of a period its start. Fractions are left out."""
    element, written = "DiagnosticReport.effectiveDateTime", string(report.get("effectiveDateTime"))
    period = report.get("effectivePeriod")
    if not written and isinstance(period, dict):
        element, written = "DiagnosticReport.effectivePeriod.start", string(period.get("start"))
    if not written:
        raise WrongInput(
            "DiagnosticReport.effectiveDateTime: is missing; give when the sample was taken or the picture made"
        )
    match = _INSTANT.fullmatch(written)
    if match is None:
        raise WrongInput(f"{element}: {written[:40]!r} has no time of day; write 2026-11-20T08:15:00+08:00")
    time, _, zone = match.groups()
    if zone is None:
        raise WrongInput(f"{element}: {written[:40]!r} has no zone; write it with one, for example {time}+08:00")
    try:
        datetime.fromisoformat(time + zone)
    except ValueError:
        raise WrongInput(f"{element}: {written[:40]!r} is no time that there was; correct it") from None
    return time + zone


def _performer(resources: Resources, report: Resource, said: str | None) -> str | None:
    """The code of the institution that examined, by an identifier of the project's own system; else what was said."""
    codes: dict[str, None] = {}
    for reference in objects(report.get("performer")):
        target = resources.find(reference, report)
        if target is not None and target.get("resourceType") == "PractitionerRole":
            target = resources.find(target.get("organization"), target)
        identifiers = objects(target.get("identifier")) if target is not None else []
        for identifier in [*identifiers, reference.get("identifier")]:
            if isinstance(identifier, dict) and identifier.get("system") == INSTITUTION:
                codes[string(identifier.get("value"))] = None
    if len(codes) > 1 or (codes and said not in (None, *codes)):
        raise WrongInput("DiagnosticReport.performer: names more than one institution with what was given; name one")
    code = next(iter(codes), said)
    if code is not None and not re.fullmatch(r"[!-~]{1,32}", code):
        raise WrongInput(
            "DiagnosticReport.performer: an institution's code is 1 to 32 ASCII characters without a blank"
        )
    return code


def codings_of(concept: object) -> list[tuple[str, str]]:
    """(system, code) of the codings of a CodeableConcept, empty where one is not given."""
    coded = objects(concept.get("coding")) if isinstance(concept, dict) else []
    return [(string(coding.get("system")), string(coding.get("code"))) for coding in coded]
