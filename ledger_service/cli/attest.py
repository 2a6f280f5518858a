"""`huzheng attest`: what a statement would say of documents. Nothing is signed or sent."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from anchors.formats import Document, read_document
from ledger_service.cli.options import AsJson, read_bounded
from ledger_service.cli.output import Output
from ledger_service.cli.words import readable
from ledger_service.client.errors import WrongInput

MAX_DOCUMENT_BYTES = 2**31


def app(
    files: Annotated[
        list[Path], typer.Argument(help="Documents, or folders of documents.", metavar="FILE…", show_default=False)
    ],
    facts: Annotated[bool, typer.Option("--facts", help="Show what was read out of each document.")] = False,
    as_json: AsJson = False,
) -> int:
    """Compute digests (SHA-256 and SM3), format and facts of documents.

    A document that cannot be parsed is attested by its raw bytes all the same. Exit status 2 if a file is unreadable.
    """
    output = Output(as_json)
    paths = list(_expand(files))
    attested: list[tuple[Path, Document]] = []
    unreadable: list[tuple[Path, str]] = []
    with output.progress("Reading documents", len(paths)) as advance:
        for path in paths:
            try:
                raw = read_bounded(path, MAX_DOCUMENT_BYTES, "document")
                attested.append((path, read_document(raw, name=path.name)))
            except WrongInput as error:
                unreadable.append((path, str(error)))
            advance()
    _answer(output, attested, unreadable)
    _show(output, attested, facts)
    for _, why in unreadable:
        output.note(f"huzheng: {why}")
    return 2 if unreadable or not paths else 0


def document_members(document: Document) -> dict[str, Any]:
    """A document as JSON members: the part `document`, and beside it what its reader said."""
    canonical = document.canonical
    return document.part_value() | {
        "parsed": document.parsed,
        "whyNot": document.why_not or None,
        "canonical": {"method": canonical.method, "value": canonical.value.hex()} if canonical else None,
        "facts": dict(document.facts),
    }


def _expand(files: list[Path]) -> Iterator[Path]:
    for path in files:
        if path.is_dir():
            inside = sorted(file for file in path.rglob("*") if file.is_file() and _is_document(file.relative_to(path)))
            if not inside:
                raise WrongInput(f"{path}: there is no document in this folder; name one")
            yield from inside
        else:
            yield path


def _is_document(inside: Path) -> bool:
    """Whether a file found in a folder is meant: nothing hidden, and not the folder's own description."""
    return not inside.name.upper().startswith("README") and not any(part.startswith(".") for part in inside.parts)


def _formats(attested: list[tuple[Path, Document]]) -> dict[str, dict[str, int]]:
    parsed = Counter(document.format for _, document in attested if document.parsed)
    raw_only = Counter(document.format for _, document in attested if document.raw_only)
    return {
        name: {"parsed": parsed[name], "raw_only": raw_only[name]} for name in sorted(parsed.keys() | raw_only.keys())
    }


def _answer(output: Output, attested: list[tuple[Path, Document]], unreadable: list[tuple[Path, str]]) -> None:
    output.result(
        {
            "documents": [{"file": str(path), **document_members(document)} for path, document in attested],
            "unreadable": [{"file": str(path), "error": why} for path, why in unreadable],
            "parsed": sum(document.parsed for _, document in attested),
            "raw_only": sum(document.raw_only for _, document in attested),
            "formats": _formats(attested),
        }
    )


def _show(output: Output, attested: list[tuple[Path, Document]], facts: bool) -> None:
    for path, document in attested:
        pairs: list[tuple[str, object]] = [
            ("  format", document.format if document.parsed else f"{document.format}, raw bytes only"),
            ("  bytes", document.size),
            ("  SHA-256", document.sha256.hex()),
            ("  SM3", document.sm3.hex()),
        ]
        if document.canonical:
            pairs.append((f"  {document.canonical.method}", document.canonical.value.hex()))
        if document.raw_only:
            pairs.append(("  not parsed", document.why_not))
        if facts and (read := readable(dict(document.facts))):
            pairs.append(("  facts", read))
        output.pairs(pairs, title=str(path))
    if attested:
        rows = [(name, counts["parsed"], counts["raw_only"]) for name, counts in _formats(attested).items()]
        output.table(("format", "parsed", "raw bytes only"), rows)
