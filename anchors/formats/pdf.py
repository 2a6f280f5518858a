"""PDF files: pages, tool and dates, whether there is text in them, whether they carry a signature."""

import base64
import logging
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import Any

import pypdf
from pypdf.generic import ArrayObject, DictionaryObject, StreamObject

from anchors.formats.document import Reading, Unreadable
from anchors.formats.facts import Facts

MAX_PDF_BYTES = 64 * 1024 * 1024
MAX_PAGES = 5_000
MAX_OBJECT_STREAMS = 100
MAX_OBJECT_STREAM_BYTES = 256 * 1024  # unfolded; they are read sign by sign
MAX_UNFOLDED_BYTES = 4 * 1024 * 1024
_PAGES_SEARCHED = 5
_FIELDS_SEARCHED = 500
_FORMS_SEARCHED = 10

# A string or an array, then an operator that shows it (ISO 32000-1 section 9.4.3).
_SHOWS_TEXT = re.compile(rb"[)>\]]\s*(?:Tj|TJ|'|\")(?=[\s\]]|$)")
_LIMITS = {
    "maximum_declared_stream_length": MAX_PDF_BYTES,
    "array_based_stream_maximum_output_length": MAX_UNFOLDED_BYTES,
    "zlib_maximum_output_length": MAX_OBJECT_STREAM_BYTES,
    "zlib_maximum_recovery_input_length": 64 * 1024,
    "lzw_maximum_output_length": MAX_OBJECT_STREAM_BYTES,
    "run_length_maximum_output_length": MAX_OBJECT_STREAM_BYTES,
    "stream_decoding_work_maximum_length": 4 * MAX_UNFOLDED_BYTES,
    "page_tree_maximum_entries": 2 * MAX_PAGES,
    "page_tree_maximum_page_entries": 20 * MAX_PAGES,
}

# What pypdf says about damaged files may quote them; `why_not` says what matters.
logging.getLogger("pypdf").addHandler(logging.NullHandler())


def read(raw: bytes) -> Reading:
    """Facts about the file. What the report says is text for people and is not guessed at; the raw bytes are hashed.

    Title, subject, author and keywords are not read: they often hold the patient's name.
    """
    with opened(raw) as reader:
        return Reading(_read(reader, raw).value())


@contextmanager
def opened(raw: bytes) -> Iterator[pypdf.PdfReader]:
    """A reader of the file, within limits. Raises Unreadable, also for what goes wrong while it is read."""
    if len(raw) > MAX_PDF_BYTES:
        raise Unreadable(f"it is larger than {MAX_PDF_BYTES} bytes")
    if raw.count(b"/ObjStm") > MAX_OBJECT_STREAMS:
        raise Unreadable(f"it has more than {MAX_OBJECT_STREAMS} object streams")
    if b"%%EOF" not in raw[-2048:]:
        raise Unreadable("it has no end mark: the file is cut off")
    with pypdf.apply_configuration(**_LIMITS):
        try:
            yield pypdf.PdfReader(BytesIO(raw), strict=False)
        except pypdf.errors.FileNotDecryptedError:
            raise Unreadable("it is encrypted with a password") from None
        except pypdf.errors.LimitReachedError:
            raise Unreadable("it unfolds to more than is read here") from None
        except pypdf.errors.PdfReadError:
            raise Unreadable("it is damaged: its pages cannot be found") from None


def _read(reader: pypdf.PdfReader, raw: bytes) -> Facts:
    facts = Facts()
    pages = len(reader.pages)
    if not 1 <= pages <= MAX_PAGES:
        raise Unreadable("it has no pages" if pages < 1 else f"it has more than {MAX_PAGES} pages")
    information = reader.metadata or {}
    for what, name in (("created", "/CreationDate"), ("modified", "/ModDate")):
        facts.time(what, _string(information.get(name)))
    signatures = len(signature_values(reader))
    facts.details.update(
        version=facts.text(raw[:16].partition(b"%PDF-")[2][:3].decode("latin-1")),
        pages=pages,
        text=_has_text(reader),
        signatures=signatures,
        signed=signatures > 0,
        encrypted=reader.is_encrypted,
        producer=facts.text(_string(information.get("/Producer"))),
        creator=facts.text(_string(information.get("/Creator"))),
    )
    return facts


def _string(value: object) -> str:
    return value if isinstance(value, str) else ""


def _object(value: Any) -> Any:
    return value.get_object() if value is not None else None


def signature_values(reader: pypdf.PdfReader) -> list[DictionaryObject]:
    """The signature dictionaries of the filled signature fields. Nothing is said about whether they verify."""
    form = _object(reader.root_object.get("/AcroForm"))
    pending = list(_object(form.get("/Fields")) or []) if isinstance(form, DictionaryObject) else []
    filled: list[DictionaryObject] = []
    searched = 0
    while pending and searched < _FIELDS_SEARCHED:
        searched += 1
        field = _object(pending.pop())
        if not isinstance(field, DictionaryObject):
            continue
        value = _object(field.get("/V"))
        if field.get("/FT") == "/Sig" and isinstance(value, DictionaryObject):
            filled.append(value)
        kids = _object(field.get("/Kids"))
        pending += kids[:_FIELDS_SEARCHED] if isinstance(kids, ArrayObject) else []
    return filled


def _has_text(reader: pypdf.PdfReader) -> bool | None:
    """Whether the first pages show text: a scan does not. None when a page could not be looked into."""
    unknown = False
    for number in range(min(len(reader.pages), _PAGES_SEARCHED)):
        for stream in _content_streams(reader.pages[number]):
            data = _unfold(stream)
            if data is None:
                unknown = True
            elif _SHOWS_TEXT.search(data):
                return True
    return None if unknown else False


def _content_streams(page: DictionaryObject) -> list[StreamObject]:
    contents = _object(page.get("/Contents"))
    streams = (
        [_object(item) for item in contents[:_FORMS_SEARCHED]] if isinstance(contents, ArrayObject) else [contents]
    )
    resources = _object(page.get("/Resources"))
    drawn = _object(resources.get("/XObject")) if isinstance(resources, DictionaryObject) else None
    if isinstance(drawn, DictionaryObject):
        forms = [_object(value) for value in list(drawn.values())[:_FORMS_SEARCHED]]
        streams += [form for form in forms if isinstance(form, DictionaryObject) and form.get("/Subtype") == "/Form"]
    return [stream for stream in streams if isinstance(stream, StreamObject)]


def _unfold(stream: StreamObject) -> bytes | None:
    """The first bytes of a stream, or None for a filter that is not undone here. Never more than the limit."""
    data = stream._data[:MAX_UNFOLDED_BYTES]
    filters = _object(stream.get("/Filter"))
    for name in filters if isinstance(filters, ArrayObject) else [filters] if filters else []:
        try:
            if name == "/ASCII85Decode":
                data = base64.a85decode(data.strip().removeprefix(b"<~").removesuffix(b"~>"))
            elif name == "/FlateDecode":
                data = zlib.decompressobj().decompress(data, MAX_UNFOLDED_BYTES)
            else:
                return None
        except (zlib.error, ValueError):
            raise Unreadable("what a page shows is damaged") from None
    return data
