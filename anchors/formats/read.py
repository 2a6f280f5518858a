"""`read_document`: from bytes to digests and facts. Never raises for what the bytes are."""

import hashlib
from collections.abc import Callable
from importlib import import_module
from typing import Any

from anchors.core.errors import MalformedInput
from anchors.formats.detect import detect
from anchors.formats.document import CDA, DICOM, FHIR_JSON, HL7V2, PDF, RAW, Document, Reading, Unreadable
from anchors.formats.recursion import default_recursion_limit

# Readers are imported when first needed: fhir.resources, pypdf and pydicom each take half a second.
_READERS = {
    FHIR_JSON: "anchors.formats.fhir_json",
    HL7V2: "anchors.formats.hl7v2",
    CDA: "anchors.formats.cda",
    DICOM: "anchors.formats.dicom",
    PDF: "anchors.formats.pdf",
}


def read_document(raw: bytes, *, name: str = "") -> Document:
    """Digests of a document, and what its format's reader reads out of it.

    `raw` is the document as received, byte for byte. `name` is the file's name, if any; it only makes `why_not`
    clearer and is kept nowhere. What cannot be parsed is attested by its raw bytes all the same: `parsed` is false and
    `why_not` says why. Raises MalformedInput only when `raw` is not bytes.
    """
    if not isinstance(raw, bytes):
        raise MalformedInput(f"a document is given as bytes, not as {type(raw).__name__}; read the file in binary mode")
    fixed: dict[str, Any] = {
        "size": len(raw),
        "sha256": hashlib.sha256(raw).digest(),
        "sm3": hashlib.new("sm3", raw).digest(),
    }
    format_name = detect(raw)
    if format_name == RAW:
        return Document(format=RAW, parsed=False, why_not=_why_raw(raw, name), **fixed)
    try:
        reader = _reader(format_name)
        with default_recursion_limit():
            reading = reader(raw)
    except Unreadable as reason:
        return Document(format=format_name, parsed=False, why_not=str(reason), **fixed)
    except UnicodeEncodeError:
        return Document(format=format_name, parsed=False, why_not="it holds text that is no Unicode text", **fixed)
    except (RecursionError, MemoryError):
        return Document(format=format_name, parsed=False, why_not="it is nested too deep or unfolds too far", **fixed)
    except Exception as error:
        # Four parsers of others stand behind this line, and malformed input makes them raise nearly anything. The type
        # is named and the text is not: it may quote the document.
        why = f"its {format_name} reader failed ({type(error).__name__})"
        return Document(format=format_name, parsed=False, why_not=why, **fixed)
    return Document(format=format_name, parsed=True, facts=reading.facts, canonical=reading.canonical, **fixed)


def _reader(format_name: str) -> Callable[[bytes], Reading]:
    return import_module(_READERS[format_name]).read


def _why_raw(raw: bytes, name: str) -> str:
    if not raw:
        return "the document is empty"
    suffix = name.rpartition(".")[2].lower() if "." in name else ""
    if suffix in ("hl7", "dcm", "pdf", "json", "xml", "cda", "ccda"):
        return f"its content is not what a .{suffix} file should hold, and of no other format that is read here"
    return "its content is of no format that is read here"
