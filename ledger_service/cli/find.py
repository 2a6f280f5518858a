"""`huzheng find`: which statements are about a document."""

from pathlib import Path
from typing import Annotated

import typer

from anchors.core.encoding import decode_bare_hex
from anchors.formats import read_document
from ledger_service.cli.attest import MAX_DOCUMENT_BYTES
from ledger_service.cli.options import DEFAULT_URL, AsJson, Origin, Token, Url, read_bounded
from ledger_service.cli.output import Output
from ledger_service.cli.reading import Reader, ReaderKey, ReaderTrust
from ledger_service.cli.timeline import show_statements

DIGEST_DIGITS = 64


def app(
    document: Annotated[
        str, typer.Argument(help="A document's file, or its SHA-256 or SM3 (64 hex digits).", metavar="FILE|DIGEST")
    ],
    url: Url = DEFAULT_URL,
    token: Token = None,
    key: ReaderKey = None,
    trust: ReaderTrust = None,
    origin: Origin = None,
    as_json: AsJson = False,
) -> int:
    """Show the statements whose document has these bytes, of which one may know: signed in, or by the operator token.

    Exit status 1 where there is none: this very document, byte for byte, was never attested in this log.
    """
    digest = _digest_of(document)
    with Reader(token, key, trust, origin).needed().open(url) as api:
        items = api.by_document(digest)
    output = Output(as_json)
    output.result({"digest": digest.hex(), "statements": items})
    show_statements(output, digest.hex(), items, "Nothing in the log is about these bytes.")
    return 0 if items else 1


def _digest_of(text: str) -> bytes:
    if not Path(text).exists() and len(text) == DIGEST_DIGITS:
        return decode_bare_hex(text, 32, "digest")
    path = Path(text)
    return read_document(read_bounded(path, MAX_DOCUMENT_BYTES, "document"), name=path.name).sha256
