"""XML without its dangers: no DTD, no entities, no network, no unfolding beyond what was received."""

import hashlib
import re
from typing import Any

from lxml import etree

from anchors.formats.document import Digest, Unreadable

MAX_XML_BYTES = 8 * 1024 * 1024
MAX_XML_MARKS = 300_000  # signs "<" and "=", so elements and attributes
MAX_XML_DECLARATIONS = 1_000  # of namespaces; their cost is quadratic
MAX_XML_ATTRIBUTES = 100  # of one element; sorting them is quadratic
C14N_METHOD = "exc-c14n-1.0-sha256"

_ENCODINGS = ("", "utf-8", "utf-16", "us-ascii", "iso-8859-1", "gb18030", "gbk", "gb2312")
_UTF16 = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}


def parse(raw: bytes) -> Any:
    """The root element. Raises Unreadable: not well-formed, a DTD, too large, or an encoding not read here."""
    if len(raw) > MAX_XML_BYTES:
        raise Unreadable(f"it is larger than {MAX_XML_BYTES} bytes")
    plain = _ascii_view(raw)
    # Looked for before parsing: a parser unfolds entities in attribute values even when told to leave entities alone.
    if b"<!DOCTYPE" in plain or b"<!ENTITY" in plain:
        raise Unreadable("it has a document type definition, which is refused")
    if plain.count(b"<") + plain.count(b"=") > MAX_XML_MARKS or plain.count(b"xmlns") > MAX_XML_DECLARATIONS:
        raise Unreadable("it holds more elements, attributes or namespaces than are read")
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
    )
    try:
        root = etree.fromstring(raw, parser)
    except etree.XMLSyntaxError as error:
        raise Unreadable(f"it is not well-formed XML (line {error.lineno or 0})") from None
    if any(len(element.attrib) > MAX_XML_ATTRIBUTES for element in root.iter(etree.Element)):
        raise Unreadable(f"an element has more than {MAX_XML_ATTRIBUTES} attributes")
    return root


def canonical_digest(root: Any, received_bytes: int) -> Digest | None:
    """SHA-256 of Exclusive XML Canonicalization 1.0 without comments, over the whole document.

    None when there is no canonical form, as for relative namespace names. Raises Unreadable when it outgrows what was
    received: a long namespace name can be written again for every element.
    """
    sink = _HashingSink(limit_bytes=4 * received_bytes + 64 * 1024)
    try:
        root.getroottree().write_c14n(sink, exclusive=True, with_comments=False)
    except (etree.C14NError, OverflowError):
        if not sink.overflowed:
            return None
    if sink.overflowed:
        raise Unreadable("its canonical form is many times larger than itself")
    return Digest(C14N_METHOD, sink.hash.digest())


class _HashingSink:
    """A file that hashes what is written and keeps none of it."""

    def __init__(self, limit_bytes: int) -> None:
        self.hash = hashlib.sha256()
        self.overflowed = False
        self._left_bytes = limit_bytes

    def write(self, data: bytes) -> None:
        self._left_bytes -= len(data)
        if self._left_bytes < 0:
            self.overflowed = True
            raise OverflowError
        self.hash.update(data)


def _ascii_view(raw: bytes) -> bytes:
    """The bytes with markup readable as ASCII. Encodings in which `<` could be written otherwise are refused."""
    if raw[:2] in _UTF16:
        try:
            return raw[2:].decode(_UTF16[raw[:2]]).encode("utf-8")
        except UnicodeError:
            raise Unreadable("it is not UTF-16, although its byte-order mark says so") from None
    if b"\x00" in raw:
        raise Unreadable("it holds zero bytes")
    declared = re.match(rb"(?:\xef\xbb\xbf)?<\?xml[^>]*?\bencoding\s*=\s*[\"']([^\"']*)", raw)
    encoding = declared.group(1).decode("latin-1").lower() if declared else ""
    if encoding not in _ENCODINGS:
        raise Unreadable("it declares a character encoding that is not read here")
    return raw
