"""What category of examination a FHIR code says: `laboratory`, `imaging`, `functional` or `pathology` (parts.py)."""

LABORATORY, IMAGING, FUNCTIONAL, PATHOLOGY = "laboratory", "imaging", "functional", "pathology"

_V2_0074 = {
    LABORATORY: "BG BLB CG CH GE HM IMM LAB MB MCB MYC OSL PAR SR TX URN VR",
    IMAGING: "CT CUS IMG NMR NMS OUS RAD RUS RX VUS XRC",
    FUNCTIONAL: "AU EC EN PF",
    PATHOLOGY: "CP PAT SP",
}
"""Diagnostic service sections (HL7 v2 table 0074) that are plainly of one category; others say nothing here."""

_LOINC = {LABORATORY: "LP29693-6 26436-6", IMAGING: "LP29684-5 18748-4", PATHOLOGY: "LP7839-6"}
"""LOINC parts and classes that FHIR profiles use as category: laboratory, radiology, pathology."""

_OBSERVATION = {LABORATORY: "laboratory", IMAGING: "imaging"}

_SYSTEMS = {
    "http://terminology.hl7.org/CodeSystem/v2-0074": _V2_0074,
    "http://loinc.org": _LOINC,
    "http://terminology.hl7.org/CodeSystem/observation-category": _OBSERVATION,
    "urn:huzheng:category": {name: name for name in (LABORATORY, IMAGING, FUNCTIONAL, PATHOLOGY)},
}
_BY_CODE = {
    (system, code): category
    for system, codes in _SYSTEMS.items()
    for category, texts in codes.items()
    for code in texts.split()
}
CATEGORIES = (LABORATORY, IMAGING, FUNCTIONAL, PATHOLOGY)


def category_of(system: str, code: str) -> str | None:
    """The category that a coding says, or None."""
    return _BY_CODE.get((system, code))
