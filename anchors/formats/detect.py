"""Which format a document is of, by its content. A file name proves nothing and is not asked."""

from anchors.formats.document import CDA, DICOM, FHIR_JSON, HL7V2, PDF, RAW

UTF8_BOM = b"\xef\xbb\xbf"
MLLP_START = b"\x0b"

_BLANKS = b" \t\r\n"
_XML_HEAD_BYTES = 64 * 1024
_UTF16_BOMS = (b"\xff\xfe", b"\xfe\xff")


def detect(raw: bytes) -> str:
    """One of `document.FORMATS`. It says what the content shows itself to be, not that it is well-formed.

    DICOM is asked first: its 128 free bytes can hold the beginning of any other format.
    """
    if raw[128:132] == b"DICM":
        return DICOM
    head = _without_wrapping(raw[:1024])
    if head.startswith(b"%PDF-"):
        return PDF
    if _begins_segment(head):
        return HL7V2
    if head.startswith(b"{") and b'"resourceType"' in raw:
        return FHIR_JSON
    if head.startswith(b"<") or raw.startswith(_UTF16_BOMS):
        return CDA if _names_cda(raw[:_XML_HEAD_BYTES]) else RAW
    return RAW


def _without_wrapping(head: bytes) -> bytes:
    return head.removeprefix(MLLP_START).removeprefix(UTF8_BOM).lstrip(_BLANKS)


def _begins_segment(head: bytes) -> bool:
    # MSH opens a message, FHS and BHS a file or batch of them; the next byte is the field separator.
    return head[:3] in (b"MSH", b"FHS", b"BHS") and len(head) > 3 and not head[3:4].isalnum() and head[3:4] > b" "


def _names_cda(head: bytes) -> bool:
    # Enough for UTF-16 as well: both names are ASCII, so dropping the zero bytes leaves them.
    plain = head.replace(b"\x00", b"")
    return b"ClinicalDocument" in plain and b"urn:hl7-org:v3" in plain
