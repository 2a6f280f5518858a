"""Bundles of the project's own synthetic report, changed where a test says so."""

import json
from collections.abc import Callable
from typing import Any

from tests.formats.documents import sample

RADIOLOGY = {"coding": [{"system": "http://loinc.org", "code": "LP29684-5", "display": "Radiology"}]}
LABORATORY = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0074", "code": "HM"}]}
NUMBER = "SAMPLE-2026-000123"


def bundle(change: Callable[[dict[str, Any]], object] | None = None, **report: Any) -> bytes:
    """The blood count with a category, its report's members replaced by `report` (None: taken out), then changed."""
    document = json.loads(sample("fhir/blood-count.bundle.json"))
    found = document["entry"][0]["resource"]
    assert found["resourceType"] == "DiagnosticReport"
    for name, value in ({"category": [LABORATORY]} | report).items():
        found.pop(name, None)
        if value is not None:
            found[name] = value
    if change is not None:
        change(document)
    return json.dumps(document, ensure_ascii=False).encode()
