"""What a reader of the PDF finds in it, by libraries that had no part in making it."""

from io import BytesIO
from typing import Any

import pypdfium2
import zxingcpp
from pypdf import PdfReader

from ledger_service.certificate.cover import Beliefs
from ledger_service.certificate.make import Certificate, make_certificate
from ledger_service.certificate.parties import Parties
from ledger_service.certificate.verdict import read_verdict
from tests.certificate.verdicts import DIGEST

BELIEFS = Beliefs(
    trust_sha256="0f" * 32,
    chain_id=31_337,
    genesis="0x" + "c1" * 32,
    registry="0x5fbdb2315678afecb367f032d93f642f64180aa3",
    witness="0xe7f1725e7734ce288f8367e1bb143e90bb3f0512",
    tool="huzheng 0.1.0",
)


def made(verdict: dict[str, Any], parties: Parties | None = None, at: int | None = None) -> Certificate:
    """The certificate over a verdict that is written out."""
    return make_certificate(read_verdict(verdict), BELIEFS, DIGEST, parties=parties, at=at)


def page_texts(pdf: bytes) -> list[str]:
    """The text of each page."""
    return [page.extract_text() for page in PdfReader(BytesIO(pdf)).pages]


def text_of(pdf: bytes) -> str:
    """The text of all pages without the spaces and line ends that setting it brings."""
    return joined("".join(page_texts(pdf)))


def joined(text: str) -> str:
    """A text without spaces."""
    return "".join(text.split())


def fonts_of(pdf: bytes) -> dict[str, bool]:
    """The fonts that pages use, and whether each is part of the file."""
    found = {}
    for page in PdfReader(BytesIO(pdf)).pages:
        for font in page["/Resources"]["/Font"].values():
            described = font.get_object()
            descriptor = described.get("/FontDescriptor")
            found[described["/BaseFont"]] = descriptor is not None and "/FontFile2" in descriptor.get_object()
    return found


def codes_on(pdf: bytes, page: int) -> list[str]:
    """The texts of the QR codes on a page, read off its picture."""
    picture = pypdfium2.PdfDocument(pdf)[page].render(scale=2).to_pil()
    return [found.text for found in zxingcpp.read_barcodes(picture)]
