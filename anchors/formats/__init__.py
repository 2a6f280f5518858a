"""What to hash of a document, and what facts to read from it (docs/FORMATS.md)."""

from anchors.formats.detect import detect
from anchors.formats.document import FORMATS, Digest, Document
from anchors.formats.read import read_document

__all__ = ["FORMATS", "Digest", "Document", "detect", "read_document"]
