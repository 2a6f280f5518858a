"""DICOM part 10 files: which instance of which study, when, where, how. Pixels are hashed and never decoded."""

import hashlib
import struct
import warnings
import zlib
from io import BytesIO

import pydicom
import pydicom.multival

from anchors.formats.document import Digest, Reading, Unreadable
from anchors.formats.facts import Facts

MAX_HEADER_READS = 200_000  # some three for an element or item; large private headers take tens of thousands
MAX_DEFLATED_BYTES = 16 * 1024 * 1024  # of a deflated data set, unfolded
MAX_DEFLATED_ITEMS = 20_000
DATASET_METHOD = "dicom-dataset-v1"

_DEFLATED = "1.2.840.10008.1.2.1.99"
_IMPLICIT = "1.2.840.10008.1.2"
_EXPLICIT_BIG_ENDIAN = "1.2.840.10008.1.2.2"
_GROUP_LENGTH = struct.pack("<HH2sH", 2, 0, b"UL", 4)
_DATASET_AFTER = 144  # preamble 128, "DICM" 4, the group length element 12
_PIXEL_TAG = struct.pack("<HH", 0x7FE0, 0x0010)
_ITEM = struct.pack("<HH", 0xFFFE, 0xE000)
_SEQUENCE_END = struct.pack("<HH", 0xFFFE, 0xE0DD)

_IDENTIFIERS = {"instance": "SOPInstanceUID", "study": "StudyInstanceUID", "series": "SeriesInstanceUID"}
_TIMES = {
    "study": ("StudyDate", "StudyTime"),
    "acquired": ("AcquisitionDate", "AcquisitionTime"),
    "created": ("InstanceCreationDate", "InstanceCreationTime"),
}
_DETAILS = {
    "modality": "Modality",
    "class": "SOPClassUID",
    "charset": "SpecificCharacterSet",
    "bodyPart": "BodyPartExamined",
    "seriesNumber": "SeriesNumber",
    "instanceNumber": "InstanceNumber",
    "frames": "NumberOfFrames",
    "rows": "Rows",
    "columns": "Columns",
    "timezone": "TimezoneOffsetFromUTC",
    "manufacturer": "Manufacturer",
    "model": "ManufacturerModelName",
}
_EXAMINED = ("StudyDescription", "SeriesDescription", "ProtocolName")
# Only these elements are kept while reading; those about the patient are skipped.
_WANTED = [
    *_IDENTIFIERS.values(),
    *(name for pair in _TIMES.values() for name in pair),
    *_DETAILS.values(),
    *_EXAMINED,
    "AccessionNumber",
    "InstitutionName",
    "CompletionFlag",
    "VerificationFlag",
]

# pydicom warns about values that break the standard; the facts hold them as written, and a report is no place to judge.
warnings.filterwarnings("ignore", category=UserWarning, module=r"pydicom")


def read(raw: bytes) -> Reading:
    """Facts of one instance. How many instances the study has is not in the file: the report must say it."""
    start = _dataset_start(raw)
    meta = pydicom.dcmread(BytesIO(raw[:start])).file_meta
    syntax = str(meta.get("TransferSyntaxUID", ""))
    if syntax == _DEFLATED:
        _refuse_bomb(raw[start:])
    stream = _Header(raw)
    dataset = pydicom.dcmread(stream, stop_before_pixels=True, specific_tags=list(_WANTED))
    if not _value(dataset, "SOPInstanceUID") or not _value(dataset, "StudyInstanceUID"):
        raise Unreadable("it names no instance and study")
    facts = Facts()
    _read_facts(facts, dataset)
    facts.details["transferSyntax"] = facts.text(syntax)
    facts.details["pixels"] = _pixels(raw, stream.tell(), syntax)
    return Reading(facts.value(), _canonical(raw, start, syntax))


def _dataset_start(raw: bytes) -> int:
    """Where group 0002 ends and the data set begins (PS3.10 section 7.1)."""
    if raw[132:140] != _GROUP_LENGTH:
        raise Unreadable("its file meta information does not begin with its length")
    start = _DATASET_AFTER + int.from_bytes(raw[140:144], "little")
    if start >= len(raw):
        raise Unreadable("it ends within its file meta information: the file is cut off")
    return start


def _refuse_bomb(deflated: bytes) -> None:
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    unfolded = inflater.decompress(deflated, MAX_DEFLATED_BYTES)
    if inflater.unconsumed_tail or unfolded.count(_ITEM) > MAX_DEFLATED_ITEMS:
        raise Unreadable("its deflated data set unfolds to more than is read here")


class _Header(BytesIO):
    """A file that gives up after so many reads: what comes before the pixels can be made to have no end."""

    def __init__(self, raw: bytes) -> None:
        super().__init__(raw)
        self._reads = 0

    def read(self, size: int | None = -1, /) -> bytes:
        self._reads += 1
        if self._reads > MAX_HEADER_READS:
            raise Unreadable("it has more elements before its pixel data than are read here")
        return super().read(size)


def _read_facts(facts: Facts, dataset: pydicom.Dataset) -> None:
    for what, name in _IDENTIFIERS.items():
        facts.identifier(what, _value(dataset, name))
    facts.identifier("accession", _value(dataset, "AccessionNumber"))
    for what, (date, time) in _TIMES.items():
        facts.time(what, " ".join(part for part in (_value(dataset, date), _value(dataset, time)) if part))
    for name in _EXAMINED:
        facts.examination("", "", _value(dataset, name))
    if not facts.examined:
        facts.examination(_value(dataset, "Modality"), "DCM", _value(dataset, "BodyPartExamined"))
    facts.issuer("institution", _value(dataset, "InstitutionName"))
    for name in ("CompletionFlag", "VerificationFlag"):
        facts.state(_value(dataset, name))
    for name, keyword in _DETAILS.items():
        facts.details[name] = facts.text(_value(dataset, keyword))


def _value(dataset: pydicom.Dataset, keyword: str) -> str:
    """A value as written; several are joined by a backslash, as in the file."""
    value = dataset.get(keyword)
    if value is None:
        return ""
    return "\\".join(map(str, value)) if isinstance(value, pydicom.multival.MultiValue) else str(value)


def _pixels(raw: bytes, at: int, syntax: str) -> str:
    """`complete`, `none` or `not checked`. Raises Unreadable when the file ends before its pixel data do."""
    if at >= len(raw):
        return "none"
    if syntax in (_DEFLATED, _EXPLICIT_BIG_ENDIAN) or raw[at : at + 4] != _PIXEL_TAG:
        return "not checked"
    header, length_at = (8, at + 4) if syntax == _IMPLICIT else (12, at + 8)
    length = int.from_bytes(raw[length_at : length_at + 4], "little")
    encapsulated = length == 0xFFFFFFFF
    whole = raw.rstrip(b"\x00").endswith(_SEQUENCE_END) if encapsulated else at + header + length <= len(raw)
    if not whole and encapsulated:
        return "not checked"  # other elements may follow the pixel data
    if not whole:
        raise Unreadable("it ends before its pixel data do: the file is cut off")
    return "complete"


def _canonical(raw: bytes, start: int, syntax: str) -> Digest | None:
    """SHA-256 over the transfer syntax and all that follows group 0002, which every receiver may rewrite."""
    if raw[start : start + 2] == b"\x02\x00" and syntax != _DEFLATED:
        return None  # the stated length is wrong, so where the data set begins is doubtful
    prefix = f"{DATASET_METHOD}\n{syntax}\n".encode("ascii")
    return Digest(DATASET_METHOD, hashlib.sha256(prefix + raw[start:]).digest())
