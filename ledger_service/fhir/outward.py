"""From a timeline to FHIR R4: Provenance for what was said, AuditEvent for what was seen (docs/FHIR.md, Out).

The input is the API's answer about statements (docs/spec/api.md), so sender and service make the same resources. No
patient is in them: the ledger knows none, and of the parts only links and structural ones are read.
"""

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

from anchors.core.content import Content
from anchors.core.times import iso_time
from ledger_service.fhir import INSTITUTION, STATEMENT
from ledger_service.kinds import KINDS, Effect
from ledger_service.recognition.join import moment

FHIR_JSON = "application/fhir+json"
ENTRY_EXTENSION = "urn:huzheng:fhir:entry"
SIGNATURE_TYPE = {
    "system": "urn:huzheng:signature-type",
    "code": "eip712-secp256k1",
    "display": "EIP-712 over secp256k1, by a key of the ledger's registry; data is the whole entry of 289 bytes",
}

_KIND = "urn:huzheng:kind"
_SUBJECT = "urn:huzheng:subject"
_SHA256 = "urn:huzheng:sha256"
_POLICY = "urn:huzheng:policy"
_LAST_SECOND = 253_402_300_799  # of the year 9999, beyond which FHIR has no time

_OPERATIONS = {"report.issued": "CREATE", "report.amended": "UPDATE", "report.withdrawn": "NULLIFY"}
_OPERATION_SYSTEM = "http://terminology.hl7.org/CodeSystem/v3-DataOperation"
_PARTICIPANT = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"
_REVISION, _REMOVAL, _SOURCE = "revision", "removal", "source"

_LIFECYCLE = "http://terminology.hl7.org/CodeSystem/iso-21089-lifecycle"
_ACCESS = {"system": _LIFECYCLE, "code": "access", "display": "Access/View Record Lifecycle Event"}
_DISCLOSE = {"system": _LIFECYCLE, "code": "disclose", "display": "Disclose Record Lifecycle Event"}
_SUCCESS, _REFUSED = "0", "4"
_EVENTS = {
    "access.granted": (_ACCESS, _SUCCESS),
    "access.denied": (_ACCESS, _REFUSED),
    "access.emergency": (_ACCESS, _SUCCESS),
    "reminder.shown": (_ACCESS, _SUCCESS),
    "reminder.dismissed": (_ACCESS, _SUCCESS),
    "evidence.exported": (_DISCLOSE, _SUCCESS),
}
"""Kinds that are events about records, with their type and outcome; all others are said of records: Provenance."""
_EMERGENCY = {
    "system": "http://terminology.hl7.org/CodeSystem/v3-ActReason",
    "code": "BTG",
    "display": "break the glass",
}
_REPORT_ROLE = {"system": "http://terminology.hl7.org/CodeSystem/object-role", "code": "3", "display": "Report"}


def timeline_bundle(items: Iterable[Mapping[str, Any]], *, address: str = "", following: str = "") -> dict[str, Any]:
    """A searchset Bundle of statements as the API answers them, in log order.

    `address` is where it was read and `following` where the rest is, both empty where there is none. Raises
    `MalformedInput` where a part is none.
    """
    links = [{"relation": name, "url": url} for name, url in (("self", address), ("next", following)) if url]
    entries = [
        {"fullUrl": f"{STATEMENT}:{item['statement']}", "resource": resource_of(item), "search": {"mode": "match"}}
        for item in items
    ]
    bundle: dict[str, Any] = {"resourceType": "Bundle", "type": "searchset"}
    # FHIR JSON has no empty arrays.
    return bundle | ({"link": links} if links else {}) | ({"entry": entries} if entries else {})


def resource_of(item: Mapping[str, Any]) -> dict[str, Any]:
    """The resource of one statement; its id is the statement's without 0x, so it is the same for ever."""
    parts = _shown_parts(item)
    return _audit_event(item, parts) if item["kind"] in _EVENTS else _provenance(item, parts)


def _provenance(item: Mapping[str, Any], parts: Mapping[str, Any]) -> dict[str, Any]:
    kind, institution = item["kind"], _institution(item)
    resource: dict[str, Any] = {
        "resourceType": "Provenance",
        **_identity(item),
        "target": [_statement(item["statement"])],
        "recorded": _instant(item["issuedAt"]),
        "activity": {"coding": [*_operation(kind), _kind(kind)]},
        "agent": [{"type": {"coding": [{"system": _PARTICIPANT, "code": "author"}]}, "who": institution}],
        "signature": [
            {
                "type": [SIGNATURE_TYPE],
                "when": _instant(item["issuedAt"]),
                "who": institution,
                "sigFormat": "application/octet-stream",
                "data": item["entry"],
            }
        ],
    }
    if entities := _entities(kind, parts):
        resource["entity"] = entities
    if occurred := _occurred(parts):
        resource["occurredDateTime"] = occurred
    if policy := parts.get("policy"):
        resource["policy"] = [":".join((_POLICY, *(quote(policy[name], safe="") for name in ("policy", "version"))))]
    if reason := _words(parts.get("reason", {}).get("code")):
        resource["reason"] = reason
    return resource


def _audit_event(item: Mapping[str, Any], parts: Mapping[str, Any]) -> dict[str, Any]:
    kind, institution = item["kind"], _institution(item)
    event_type, outcome = _EVENTS[kind]
    access, reason = parts.get("access", {}), parts.get("reason", {}).get("code", "")
    purposes = _words(access.get("basis"))
    if kind == "access.emergency":
        purposes = [{"coding": [_EMERGENCY]}, *purposes]
    identity = _identity(item)
    identity["extension"][0]["extension"].append({"url": "entry", "valueBase64Binary": item["entry"]})
    resource: dict[str, Any] = {
        "resourceType": "AuditEvent",
        **identity,
        "type": event_type,
        "subtype": [_kind(kind)],
        "action": "R",
        "recorded": _instant(item["issuedAt"]),
        "outcome": outcome,
        "agent": [{"who": institution, "requestor": True}],
        "source": {"observer": institution},
    }
    if reason.strip():
        resource["outcomeDesc"] = reason
    if purposes:
        resource["purposeOfEvent"] = purposes
    at = access.get("at", parts.get("reminder", {}).get("at"))
    if at is not None:
        resource["period"] = {"start": _instant(at)}
    seen = [link for link in parts.get("links", ()) if link["rel"] != "consent"]
    if seen:
        resource["entity"] = [
            {"what": _statement(link["statement"])} | ({"role": _REPORT_ROLE} if link["rel"] == "report" else {})
            for link in seen
        ]
    return resource


def _shown_parts(item: Mapping[str, Any]) -> dict[str, Any]:
    content = Content.from_wire(item["parts"]) if item.get("parts") else None
    return {name: content.value(name) for name in content.names()} if content else {}


def _identity(item: Mapping[str, Any]) -> dict[str, Any]:
    """Id and the extension that says where in the log the statement stands."""
    said: list[dict[str, Any]] = [
        {"url": "state", "valueCode": str(item["state"])},
        {"url": "overdue", "valueBoolean": item["overdue"]},
        {"url": "index", "valueString": str(item["index"])},
        {"url": "subject", "valueIdentifier": {"system": _SUBJECT, "value": item["subject"]}},
        {"url": "key", "valueString": item["key"]},
    ]
    if head := item.get("head"):
        said.append({"url": "head", "valueString": head["witnessId"]})
    return {"id": item["statement"].removeprefix("0x"), "extension": [{"url": ENTRY_EXTENSION, "extension": said}]}


def _entities(kind: str, parts: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What the statement rests on: the statements that it links to, and the document, by its digest."""
    entities = [
        {"role": _role(kind, link["rel"]), "what": _statement(link["statement"], display=link["rel"])}
        for link in parts.get("links", ())
    ]
    if document := parts.get("document"):
        named = {"identifier": {"system": _SHA256, "value": document["sha256"]}, "display": "document"}
        entities.append({"role": _SOURCE, "what": named})
    return entities


def _role(kind: str, rel: str) -> str:
    if rel != "replaces":
        return _SOURCE
    known = KINDS.get(kind)
    return _REMOVAL if known is not None and known.effect is Effect.WITHDRAWS else _REVISION


def _occurred(parts: Mapping[str, Any]) -> str | None:
    """When it was done, where a part says so: by the clock of whoever did it."""
    if decision := parts.get("decision"):
        at = decision["at"]
        if moment(at) is None:
            return None  # on no calendar
        return f"{at[:16]}:00{at[16:]}" if at[16] != ":" else at  # FHIR has no time without seconds
    explanation = parts.get("explanation")
    return _instant(explanation["at"]) if explanation else None


def _operation(kind: str) -> list[dict[str, str]]:
    return [{"system": _OPERATION_SYSTEM, "code": _OPERATIONS[kind]}] if kind in _OPERATIONS else []


def _kind(kind: str) -> dict[str, str]:
    known = KINDS.get(kind)
    return {"system": _KIND, "code": kind} | ({"display": known.words} if known else {})


def _institution(item: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "Organization", "identifier": {"system": INSTITUTION, "value": item["institution"]}}


def _statement(name: str, *, display: str = "") -> dict[str, Any]:
    return {"identifier": {"system": STATEMENT, "value": name}} | ({"display": display} if display else {})


def _words(text: str | None) -> list[dict[str, str]]:
    """A word as a CodeableConcept: text, because what a word may be is more than a code may."""
    return [{"text": text}] if text and text.strip() else []


def _instant(seconds: int) -> str:
    return iso_time(min(seconds, _LAST_SECOND))
