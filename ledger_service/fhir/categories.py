"""What a FHIR category code says of an examination: its category (`laboratory`, `imaging`, `functional` or `pathology`,
see parts.py), and by what pictures were made."""

import re

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

_V2_0074_SYSTEM = "http://terminology.hl7.org/CodeSystem/v2-0074"
_SYSTEMS = {
    _V2_0074_SYSTEM: _V2_0074,
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


_DICOM = "http://dicom.nema.org/resources/ontology/DCM"
_DICOM_CODE = re.compile(r"[A-Z][A-Z0-9]{1,15}")
_MODALITIES = {"CT": "CT", "CUS": "US", "NMR": "MR", "OUS": "US", "RUS": "US", "VUS": "US"}
"""Diagnostic service sections that are plainly of one modality."""


def modality_of(system: str, code: str) -> str | None:
    """The modality (DICOM PS3.3 C.7.3.1.1.1) that a coding says, or None."""
    if system == _DICOM and _DICOM_CODE.fullmatch(code):
        return code
    return _MODALITIES.get(code) if system == _V2_0074_SYSTEM else None


def category_of(system: str, code: str) -> str | None:
    """The category that a coding says, or None."""
    return _BY_CODE.get((system, code))
