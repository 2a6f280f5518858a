"""What a sender submits, read once (docs/spec/api.md, Submitting); and parts as they are stored.

A body without white space or needless escapes, its members in the order of the documentation, is decoded in one go. In
any other each item is decoded by itself, so that a malformed one takes none of its neighbours down; the outcome is the
same.
"""

from collections.abc import Sequence
from typing import NoReturn

import msgspec

from anchors.core.canonical import DuplicateKey, refuse_duplicates
from anchors.core.content import Content, Part, Withheld
from anchors.core.encoding import WORD_BYTES, decode_bare_hex, decode_base64
from anchors.core.errors import MalformedInput
from ledger_service import problems
from ledger_service.kind_rules import read_listed_part
from ledger_service.problems import Refused

MAX_STATEMENTS = 1_000
MAX_BODY_BYTES = 4 * 2**20


class WithheldPart(msgspec.Struct, forbid_unknown_fields=True, frozen=True, gc=False):
    """A part of which the sender shows the leaf alone."""

    leaf: str
    name: str


class Submitted(msgspec.Struct, forbid_unknown_fields=True, frozen=True, gc=False):
    """One item of a submission. A part that is shown is its text: what is hashed is what was received."""

    key: str
    entry: bytes
    parts: list[str | WithheldPart]


class UnreadableParts(msgspec.Struct, frozen=True):
    """An item of which only the parts cannot be read: it has an id and a signature all the same."""

    key: str
    entry: bytes
    refused: Refused

    @property
    def parts(self) -> NoReturn:
        """Raises why."""
        raise self.refused


Item = Submitted | UnreadableParts | Refused
"""An item as it was read; `Refused` where nothing can be read of it."""


class Submission(msgspec.Struct, frozen=True):
    """The body of POST /v1/statements."""

    origin: str
    statements: Sequence[Item]


class _Plain(msgspec.Struct, forbid_unknown_fields=True):
    origin: str
    statements: list[Submitted]


class _Apart(msgspec.Struct, forbid_unknown_fields=True):
    key: str
    entry: str
    parts: msgspec.Raw


class _Envelope(msgspec.Struct, forbid_unknown_fields=True):
    origin: str
    statements: list[msgspec.Raw]


_plain = msgspec.json.Decoder(_Plain)
_envelope = msgspec.json.Decoder(_Envelope)
_item = msgspec.json.Decoder(_Apart)
_parts = msgspec.json.Decoder(list[str | WithheldPart])
_encoder = msgspec.json.Encoder()
_MEMBERS = (b'"key"', b'"entry"', b'"parts"')


def read_submission(body: bytes, origin: str) -> Submission:
    """The submission in a request's body; an item that cannot be read is the `Refused` that says why.

    Raises `Refused` where the request as a whole cannot be taken."""
    if len(body) > MAX_BODY_BYTES:
        raise Refused(problems.TOO_LARGE, f"{len(body)} bytes; send at most {MAX_BODY_BYTES} in one request")
    submission = _read_plain(body) or _read_apart(body)
    if submission.origin != origin:
        raise Refused(problems.WRONG_ORIGIN, f"this is the log {origin!r}, not {submission.origin[:128]!r}")
    _check_count(len(submission.statements))
    return submission


def _check_count(count: int) -> None:
    if not 1 <= count <= MAX_STATEMENTS:
        raise Refused(problems.MALFORMED_REQUEST, f"{count} statements; send 1 to {MAX_STATEMENTS}")


def _read_plain(body: bytes) -> Submission | None:
    """The submission of a body that is exactly what encoding it again gives; None for any other, which may be as good.

    That it encodes to itself shows that nothing was dropped: a JSON decoder lets the last of two members win."""
    try:
        plain = _plain.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    return Submission(plain.origin, plain.statements) if _encoder.encode(plain) == body else None


def _read_apart(body: bytes) -> Submission:
    try:
        envelope = _envelope.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Refused(problems.MALFORMED_REQUEST, f"{error}; expected origin and statements") from None
    _check_count(len(envelope.statements))
    items = [bytes(item) for item in envelope.statements]
    _refuse_names_twice(body, envelope, items)
    return Submission(envelope.origin, [_read_item(item) for item in items])


def _refuse_names_twice(body: bytes, envelope: _Envelope, items: Sequence[bytes]) -> None:
    def outside_items(text: bytes) -> int:
        return body.count(text) - sum(item.count(text) for item in items)

    escapes = outside_items(b"\\u") if envelope.origin.isascii() else 0
    if not outside_items(b'"origin"') == outside_items(b'"statements"') == 1 or escapes:
        raise Refused(problems.MALFORMED_REQUEST, "expected origin and statements, each once and without escapes")


def _read_item(item: bytes) -> Item:
    if any(item.count(name) != 1 for name in _MEMBERS):
        return Refused(problems.MALFORMED_STATEMENT, "expected key, entry and parts, each once; send the item again")
    try:
        read = _item.decode(item)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        return Refused(problems.MALFORMED_STATEMENT, str(error))
    parts = bytes(read.parts)
    if item.count(b"\\u") != parts.count(b"\\u"):
        return Refused(problems.MALFORMED_STATEMENT, "a member is named with an escape; write key, entry, parts")
    try:
        entry = decode_base64(read.entry, "entry")
    except MalformedInput as error:
        return Refused(problems.MALFORMED_STATEMENT, str(error))
    try:
        return Submitted(read.key, entry, _read_parts(parts))
    except Refused as refused:
        return UnreadableParts(read.key, entry, refused)


def _read_parts(parts: bytes) -> list[str | WithheldPart]:
    try:
        # Typed, so that the decoder never descends into what nests deep.
        read = _parts.decode(parts)
        if any(type(part) is WithheldPart for part in read):
            refuse_duplicates(parts)
    except DuplicateKey as error:
        raise Refused(problems.DUPLICATE_KEY, str(error)) from None
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Refused(problems.MALFORMED_PART, str(error)) from None
    return read


def content_of(parts: Sequence[str | WithheldPart]) -> Content:
    """The content of parts as they were sent or stored. Raises `MalformedInput`."""
    try:
        return Content(tuple([_shown(part.encode()) if type(part) is str else _withheld(part) for part in parts]))
    except UnicodeEncodeError:
        raise MalformedInput("part: text holds a lone surrogate") from None


def _shown(text: bytes) -> Part:
    return read_listed_part(text) or Part.read(text)


def _withheld(part: WithheldPart) -> Withheld:
    return Withheld(part.name, decode_bare_hex(part.leaf, WORD_BYTES, "withheld part: leaf"))


def encode_parts(parts: Sequence[str | WithheldPart]) -> bytes:
    """Parts as they are stored: a JSON array of texts and of `{"leaf", "name"}`."""
    return _encoder.encode(parts)


def decode_parts(stored: bytes) -> list[str | WithheldPart]:
    """The parts that were stored. Raises `MalformedInput` for anything that `encode_parts` never wrote."""
    try:
        parts = _parts.decode(stored)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise MalformedInput(f"parts: {error}") from None
    if _encoder.encode(parts) != stored:
        raise MalformedInput("parts: not as this service stores them")
    return parts


def texts_of(parts: Sequence[str | WithheldPart]) -> list[bytes]:
    """The texts of the parts that are shown."""
    return [part.encode() for part in parts if type(part) is str]


def withheld_of(parts: Sequence[str | WithheldPart]) -> frozenset[str]:
    """The names of the parts that are withheld."""
    return frozenset([part.name for part in parts if type(part) is not str])
