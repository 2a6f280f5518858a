"""What is known of one document: digests of its bytes, and what a reader could read out of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

FHIR_JSON = "fhir-json"
HL7V2 = "hl7v2"
CDA = "cda"
DICOM = "dicom"
PDF = "pdf"
RAW = "raw"

FORMATS = (FHIR_JSON, HL7V2, CDA, DICOM, PDF, RAW)


@dataclass(frozen=True)
class Digest:
    """A digest by a named method. `value` is 32 bytes; `method` ends in its version (docs/FORMATS.md)."""

    method: str
    value: bytes


@dataclass(frozen=True)
class Document:
    """One document as received.

    `sha256` and `sm3` are 32 bytes over all the bytes received and are the authority (L0). `canonical` is a digest by a
    named method that survives a harmless change of wrapping (L1), or None. `facts` fits a content part: no floats, keys
    ASCII, at most `facts.MAX_FACTS_BYTES` as canonical JSON; it is empty when `parsed` is false, and then `why_not`
    says in one line why.
    """

    format: str
    size: int
    sha256: bytes
    sm3: bytes
    parsed: bool
    facts: Mapping[str, Any] = field(default_factory=dict)
    canonical: Digest | None = None
    why_not: str = ""

    @property
    def raw_only(self) -> bool:
        """True when nothing but the raw bytes is attested."""
        return not self.parsed

    def part_value(self) -> dict[str, Any]:
        """The value of the structural part `document` (docs/spec/kinds.md)."""
        return {"bytes": self.size, "format": self.format, "sha256": self.sha256.hex(), "sm3": self.sm3.hex()}


@dataclass(frozen=True)
class Reading:
    """What a format's reader gives back."""

    facts: Mapping[str, Any]
    canonical: Digest | None = None


class Unreadable(Exception):
    """Raised by readers and caught by `read_document`: its text becomes `why_not`. It never quotes the document."""
