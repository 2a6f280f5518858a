"""FHIR JSON: reports, their results and who issued them, out of a Bundle or a single resource (R4, R4B, R5)."""

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from anchors.formats.document import Reading, Unreadable
from anchors.formats.facts import MAX_ITEMS, MAX_RESULTS, Facts
from anchors.formats.fhir_bundle import Resource, Resources, objects, string
from anchors.formats.json_text import Number, load

# A performer may be the patient; only these may be named.
_NAMEABLE = ("Organization", "Practitioner", "PractitionerRole")
_TIMES = (
    ("examined", "effectiveDateTime"),
    ("examined", "effectiveInstant"),
    ("reported", "issued"),
)


def read(raw: bytes) -> Reading:
    """Facts of the DiagnosticReports, or of the Observations where there is no report.

    Facts come from the JSON itself; the models of fhir.resources only say whether the resources that were read conform
    (`details.conforms`), because real reports often do not and are reports all the same.
    """
    document = load(raw)
    if not isinstance(document, dict):
        raise Unreadable("it is JSON, and no FHIR resource")
    kind = string(document.get("resourceType"))
    if kind not in ("Bundle", "DiagnosticReport", "Observation"):
        named = kind if re.fullmatch("[A-Za-z]{1,40}", kind) else "resource"
        raise Unreadable(f"a FHIR {named} is no report; reports are a DiagnosticReport, an Observation or a Bundle")
    resources = Resources(document)
    reports = resources.of_type("DiagnosticReport")
    roots = reports or resources.of_type("Observation")
    if not roots:
        raise Unreadable("it is a FHIR Bundle without DiagnosticReport and Observation")
    reached, missing = resources.closure(roots)
    facts = Facts()
    observations = _read_reports(facts, resources, reports) if reports else roots
    if not reports:
        for observation in observations:
            _read_observation(facts, resources, observation)
    facts.details.update(
        resource=kind,
        reports=len(reports),
        closure={"resources": len(reached), "missing": len(missing)},
        missingResults=_missing_results(facts, resources, reports),
        conforms=_conforms(reports[:MAX_ITEMS] + observations[:MAX_RESULTS]),
    )
    return Reading(facts.value(), resources.closure_digest(reached, missing))


def _read_reports(facts: Facts, resources: Resources, reports: list[Resource]) -> list[Resource]:
    observations: list[Resource] = []
    seen: set[int] = set()
    for report in reports:
        for identifier in objects(report.get("identifier")):
            label = next((string(c.get("code")) for c in _codings(identifier.get("type"))), "")
            what = {"PLAC": "placer", "FILL": "filler"}.get(label, "report")
            facts.identifier(what, string(identifier.get("value")))
        facts.examination(*_coded(report.get("code")))
        facts.state(string(report.get("status")))
        _read_times(facts, report)
        _read_issuers(facts, resources, report)
        _read_conclusion(facts, report)
        for observation in _results_of(resources, report, seen):
            observations.append(observation)
            _read_observation(facts, resources, observation)
    return observations


def _results_of(resources: Resources, report: Resource, seen: set[int]) -> Iterator[Resource]:
    pending = [(reference, report) for reference in reversed(objects(report.get("result")))]
    while pending:
        reference, within = pending.pop()
        observation = resources.find(reference, within)
        if observation is None or id(observation) in seen or observation.get("resourceType") != "Observation":
            continue
        seen.add(id(observation))
        yield observation
        pending += [(member, observation) for member in reversed(objects(observation.get("hasMember")))]


def _read_observation(facts: Facts, resources: Resources, observation: Resource) -> None:
    _read_times(facts, observation)
    _read_issuers(facts, resources, observation)
    status = string(observation.get("status"))
    components = objects(observation.get("component"))
    if _value(observation)[0] or not components:
        _add_result(facts, observation, status)
    for component in components:
        _add_result(facts, component, status)


def _add_result(facts: Facts, source: Resource, status: str) -> None:
    code, system, text = _coded(source.get("code"))
    value, unit = _value(source)
    ranges = objects(source.get("referenceRange"))
    flags = [_coded(flag) for flag in objects(source.get("interpretation"))] or [_coded(source.get("interpretation"))]
    facts.result(
        code=code,
        system=system,
        text=text,
        value=value,
        unit=unit,
        range_text=_range(ranges[0]) if ranges else "",
        flag=flags[0][0] or flags[0][2],
        status=status,
    )


def _read_conclusion(facts: Facts, report: Resource) -> None:
    conclusion = string(report.get("conclusion"))
    if conclusion:
        facts.result(text="conclusion", value=conclusion)
    for coded in objects(report.get("conclusionCode")):
        code, system, text = _coded(coded)
        facts.result(code=code, system=system, text="conclusion", value=text or code)


def _read_times(facts: Facts, resource: Resource) -> None:
    for what, name in _TIMES:
        facts.time(what, string(resource.get(name)))
    period = resource.get("effectivePeriod")
    if isinstance(period, dict):
        facts.time("examined-from", string(period.get("start")))
        facts.time("examined-to", string(period.get("end")))


def _read_issuers(facts: Facts, resources: Resources, resource: Resource) -> None:
    for role, member in (("performer", "performer"), ("interpreter", "resultsInterpreter")):
        for reference in objects(resource.get(member)):
            facts.issuer(role, _name(resources, reference, resource))


def _name(resources: Resources, reference: Resource, within: Resource, *, of_role: bool = False) -> str:
    target = resources.find(reference, within)
    kind = string(target.get("resourceType")) if target else string(reference.get("type"))
    written = string(reference.get("reference"))
    if kind and kind not in _NAMEABLE:
        return ""
    if not kind and written and not re.search(rf"\b({'|'.join(_NAMEABLE)})/", written):
        return ""
    if target and kind == "PractitionerRole":
        holder = target.get("organization") or target.get("practitioner")
        if of_role or not isinstance(holder, dict):
            return ""  # a role held by a role could go round in circles
        return _name(resources, holder, target, of_role=True)
    if target and kind == "Organization":
        return string(target.get("name"))
    if target:
        return next((_person(name) for name in objects(target.get("name"))), "")
    return string(reference.get("display"))


def _person(name: Resource) -> str:
    given = [string(part) for part in name.get("given", [])] if isinstance(name.get("given"), list) else []
    return string(name.get("text")) or " ".join(part for part in [string(name.get("family")), *given] if part)


def _codings(concept: object) -> list[Resource]:
    return objects(concept.get("coding")) if isinstance(concept, dict) else []


def _coded(concept: object) -> tuple[str, str, str]:
    """Code, system and text of a CodeableConcept, the first coding's."""
    first = next(iter(_codings(concept)), {})
    text = string(first.get("display")) or (string(concept.get("text")) if isinstance(concept, dict) else "")
    return string(first.get("code")), string(first.get("system")), text


def _value(source: Resource) -> tuple[str, str]:
    """Value and unit of `value[x]`, numbers as they were written."""
    for member, value in source.items():
        if not member.startswith("value"):
            continue
        if isinstance(value, bool):
            return ("true" if value else "false"), ""
        if isinstance(value, str):
            return str(value), ""
        if member == "valueQuantity" and isinstance(value, dict):
            return string(value.get("comparator")) + string(value.get("value")), _unit(value)
        if member == "valueCodeableConcept":
            code, _, text = _coded(value)
            return text or code, ""
        if member == "valueRange" and isinstance(value, dict):
            return _range(value), _unit(value.get("low")) or _unit(value.get("high"))
        if member == "valueRatio" and isinstance(value, dict):
            numerator, denominator = value.get("numerator"), value.get("denominator")
            return f"{_quantity(numerator)}:{_quantity(denominator)}", _unit(numerator)
    return "", ""


def _range(source: Resource) -> str:
    low, high = _quantity(source.get("low")), _quantity(source.get("high"))
    return string(source.get("text")) or (f"{low}-{high}" if low or high else "")


def _quantity(value: object) -> str:
    return string(value.get("comparator")) + string(value.get("value")) if isinstance(value, dict) else ""


def _unit(value: object) -> str:
    return string(value.get("unit")) or string(value.get("code")) if isinstance(value, dict) else ""


def _missing_results(facts: Facts, resources: Resources, reports: list[Resource]) -> list[str]:
    missing = [
        string(reference.get("reference"))
        for report in reports
        for reference in objects(report.get("result"))
        if resources.find(reference, report) is None
    ]
    if len(missing) > MAX_ITEMS:
        facts.cut = True
    return [facts.text(target) for target in missing[:MAX_ITEMS]]


def _conforms(resources: list[Resource]) -> str:
    """`R4B` or `R5` when every resource that was read fits that version's model, else empty."""
    from fhir.resources.diagnosticreport import DiagnosticReport as ReportR5
    from fhir.resources.observation import Observation as ObservationR5
    from fhir.resources.R4B.diagnosticreport import DiagnosticReport as ReportR4B
    from fhir.resources.R4B.observation import Observation as ObservationR4B
    from pydantic import ValidationError

    for version, report, observation in (("R4B", ReportR4B, ObservationR4B), ("R5", ReportR5, ObservationR5)):
        try:
            for resource in resources:
                model = report if resource["resourceType"] == "DiagnosticReport" else observation
                model.model_validate(_plain(resource))
        except (ValidationError, ValueError, TypeError, ArithmeticError):
            continue
        return version
    return ""


def _plain(value: Any) -> Any:
    """A copy with numbers as numbers, as the models want them; it is judged and thrown away."""
    if isinstance(value, Number):
        return int(value) if re.fullmatch(r"-?\d+", value) else Decimal(value)
    if isinstance(value, dict):
        return {name: _plain(child) for name, child in value.items()}
    if isinstance(value, list):
        return [_plain(child) for child in value]
    return value
