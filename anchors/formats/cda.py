"""CDA R2 documents (HL7 v3 ClinicalDocument): header, coded observations, section texts."""

from typing import Any

from anchors.formats import xml_text
from anchors.formats.document import Reading, Unreadable
from anchors.formats.facts import Facts

_HL7 = "urn:hl7-org:v3"
_NS = {"h": _HL7}
_XSI_TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"
_TEXT_READ = 32 * 1024  # characters; facts keep far fewer
# Pointers to images and regions in them are no results.
_NO_RESULTS = ("DGIMG", "ROIBND", "ROIOVL")


def read(raw: bytes) -> Reading:
    """Facts of the document. The record target (the patient) is not read."""
    root = xml_text.parse(raw)
    if root.tag != f"{{{_HL7}}}ClinicalDocument":
        raise Unreadable("its root is not a ClinicalDocument of urn:hl7-org:v3")
    canonical = xml_text.canonical_digest(root, len(raw))
    facts = Facts()
    _read_header(facts, root)
    _read_issuers(facts, root)
    narrative = _narrative(root)
    for observation in root.iterfind(".//h:observation", _NS):
        if observation.get("classCode") not in _NO_RESULTS and not _is_image_detail(observation):
            _read_observation(facts, observation, narrative)
    _read_sections(facts, root)
    return Reading(facts.value(), canonical)


def _read_header(facts: Facts, root: Any) -> None:
    for what, path in (("document", "h:id"), ("set", "h:setId"), ("order", "h:inFulfillmentOf/h:order/h:id")):
        for element in root.iterfind(path, _NS):
            facts.identifier(what, _identifier(element))
    facts.details["version"] = facts.text(_attribute(root, "h:versionNumber", "value"))
    facts.details["title"] = facts.text(_text(facts, root.find("h:title", _NS)))
    code = root.find("h:code", _NS)
    facts.details["type"] = facts.text(code.get("code") if code is not None else "")
    services = root.findall("h:documentationOf/h:serviceEvent", _NS)
    for service in services:
        _examination(facts, service.find("h:code", _NS))
        facts.time("examined", _attribute(service, "h:effectiveTime", "value"))
        facts.time("examined", _attribute(service, "h:effectiveTime/h:low", "value"))
    if not facts.examined:
        _examination(facts, code)
    facts.time("reported", _attribute(root, "h:effectiveTime", "value"))
    facts.time("authored", _attribute(root, "h:author/h:time", "value"))
    facts.time("authenticated", _attribute(root, "h:legalAuthenticator/h:time", "value"))


def _examination(facts: Facts, code: Any) -> None:
    if code is not None:
        facts.examination(code.get("code"), _system(code), code.get("displayName"))


def _read_issuers(facts: Facts, root: Any) -> None:
    patient = {_identifier(element) for element in root.iterfind("h:recordTarget/h:patientRole/h:id", _NS)} - {""}
    custodian = "h:custodian/h:assignedCustodian/h:representedCustodianOrganization/h:name"
    for element in root.iterfind(custodian, _NS):
        facts.issuer("custodian", _text(facts, element))
    places = (
        ("author", "h:author/h:assignedAuthor"),
        ("legal-authenticator", "h:legalAuthenticator/h:assignedEntity"),
        ("performer", "h:documentationOf/h:serviceEvent/h:performer/h:assignedEntity"),
    )
    for role, path in places:
        for entity in root.iterfind(path, _NS):
            # In documents that patients write themselves the author is the patient.
            if patient & {_identifier(element) for element in entity.iterfind("h:id", _NS)}:
                continue
            facts.issuer(role, _text(facts, entity.find("h:representedOrganization/h:name", _NS)))
            facts.issuer(role, _name(entity.find("h:assignedPerson/h:name", _NS)))


def _narrative(root: Any) -> dict[str, Any]:
    """Narrative elements by their ID, to which coded entries point."""
    return {element.get("ID"): element for element in root.iterfind(".//h:section/h:text//*[@ID]", _NS)}


def _is_image_detail(observation: Any) -> bool:
    return any(
        ancestor.get("classCode") in _NO_RESULTS for ancestor in observation.iterancestors(f"{{{_HL7}}}observation")
    )


def _read_observation(facts: Facts, observation: Any, narrative: dict[str, Any]) -> None:
    code = observation.find("h:code", _NS)
    values = observation.findall("h:value", _NS)
    if code is None or not values:
        return
    text = code.get("displayName") or _text(facts, code.find("h:originalText", _NS))
    for element in values:
        if facts.full:
            facts.result_left_out()
            continue
        value, unit = _value(facts, element, narrative)
        facts.result(
            code=code.get("code"),
            system=_system(code),
            text=text,
            value=value,
            unit=unit,
            range_text=_range(facts, observation),
            flag=_attribute(observation, "h:interpretationCode", "code"),
            status=_attribute(observation, "h:statusCode", "code"),
        )


def _value(facts: Facts, element: Any, narrative: dict[str, Any]) -> tuple[str, str]:
    kind = element.get(_XSI_TYPE, "").rpartition(":")[2]
    if kind == "PQ":
        return element.get("value", ""), element.get("unit", "")
    if kind in ("CD", "CE", "CV", "CO", "CS"):
        return element.get("displayName") or element.get("code", ""), ""
    if kind == "IVL_PQ":
        low, high = element.find("h:low", _NS), element.find("h:high", _NS)
        unit = next((end.get("unit", "") for end in (low, high) if end is not None), "")
        return _ends(low, high), unit
    if element.get("value") is not None:
        return element.get("value"), ""
    reference = element.find("h:reference", _NS)
    if reference is not None:
        return _text(facts, narrative.get(reference.get("value", "").removeprefix("#"))), ""
    return _text(facts, element), ""


def _range(facts: Facts, observation: Any) -> str:
    place = observation.find("h:referenceRange/h:observationRange", _NS)
    if place is None:
        return ""
    written = _text(facts, place.find("h:text", _NS))
    return written or _ends(place.find("h:value/h:low", _NS), place.find("h:value/h:high", _NS))


def _ends(low: Any, high: Any) -> str:
    ends = [end.get("value", "") if end is not None else "" for end in (low, high)]
    return "-".join(ends) if any(ends) else ""


def _read_sections(facts: Facts, root: Any) -> None:
    """Sections without coded observations: their text is the only statement of what was found."""
    for section in root.iterfind(".//h:section", _NS):
        if section.find("h:entry//h:observation", _NS) is not None:
            continue
        if facts.full:
            facts.cut = True
            return
        text = _text(facts, section.find("h:text", _NS))
        if text:
            code = section.find("h:code", _NS)
            title = _text(facts, section.find("h:title", _NS))
            facts.result(
                code=code.get("code") if code is not None else "",
                system=_system(code) if code is not None else "",
                text=title or (code.get("displayName") if code is not None else ""),
                value=text,
            )


def _identifier(element: Any) -> str:
    return "^".join(part for part in (element.get("root"), element.get("extension")) if part)


def _system(code: Any) -> str:
    return code.get("codeSystem") or ""


def _attribute(element: Any, path: str, name: str) -> str:
    found = element.find(path, _NS)
    return found.get(name, "") if found is not None else ""


def _name(element: Any) -> str:
    """A person's name: its parts with a blank between them."""
    return " ".join(" ".join(element.itertext())[:_TEXT_READ].split()) if element is not None else ""


def _text(facts: Facts, element: Any) -> str:
    """The text of an element, at most `_TEXT_READ` characters, runs of white space made one: in XML they are layout."""
    if element is None:
        return ""
    pieces, left = [], _TEXT_READ
    for piece in element.itertext():
        pieces.append(piece[:left])
        left -= len(piece)
        if left < 0:
            facts.cut = True
            break
    return " ".join("".join(pieces).split())
