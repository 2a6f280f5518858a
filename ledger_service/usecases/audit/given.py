"""Contents that somebody kept: read from the files of a folder, and found by the hash to which an entry commits."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from anchors.core.content import Content
from anchors.core.errors import Error, MalformedInput
from anchors.core.tlog_proof import Extra, TlogProof
from anchors.evidence.archive import MAX_ARCHIVE_BYTES, read_archive
from ledger_service.kept_files import read_kept
from ledger_service.usecases.audit.scratch import Given
from ledger_service.usecases.submission import WithheldPart, content_of, encode_parts

PACKAGE, PROOF, ANSWER = ".zip", ".tlog-proof", ".json"


class _Answer(msgspec.Struct):
    """What counts of an answer of `GET /v1/statements/{id}`."""

    parts: list[str | WithheldPart]


_answer = msgspec.json.Decoder(_Answer)


def take_given(folder: Path, given: Given) -> None:
    """Every content in the folder's evidence packages, proofs and answers; other files are left alone.

    Raises `MalformedInput`, also where a file cannot be read."""
    try:
        files = sorted(path for path in folder.iterdir() if path.suffix in (PACKAGE, PROOF, ANSWER))
        for file in files:
            given.add({content.hash: _stored(content) for content in _read(file)})
    except OSError as error:
        raise MalformedInput(f"{error.filename}: {error.strerror}; name a folder of contents") from None


def _read(file: Path) -> list[Content]:
    try:
        return list(_contents(file.suffix, read_kept(file, MAX_ARCHIVE_BYTES)))
    except (Error, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise MalformedInput(f"{file}: {error}; take it out of the folder") from None


def _contents(suffix: str, data: bytes) -> Iterator[Content]:
    if suffix == ANSWER:
        yield content_of(_answer.decode(data).parts)
    elif suffix == PROOF:
        yield from _of_proof(data)
    else:
        for path, member in read_archive(data).items():
            if path.endswith(PROOF):
                yield from _of_proof(member)


def _of_proof(data: bytes) -> Iterator[Content]:
    extra = TlogProof.parse(data).extra
    if extra is not None:
        yield Extra.decode(extra).content


def _stored(content: Content) -> bytes:
    wire: list[Any] = content.to_wire()
    return encode_parts([part if isinstance(part, str) else WithheldPart(part["leaf"], part["name"]) for part in wire])
