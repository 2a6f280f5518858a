"""The column `entries.entry`: an entry without the zeros that fill four of its words. Nothing else is left out, so any
289 bytes come back as they were.

    subject             32 bytes
    observed            32
    content             32
    signature           65
    lengths             one byte each: of kind, institution, sequence
    kind                as it is without the zeros at its end
    institution         the same
    sequence            without the zeros at its beginning
    issued_at           the same, to the end
"""

from struct import Struct, error

from anchors.core.encoding import WORD_BYTES
from anchors.core.errors import MalformedInput
from anchors.core.statement import ENTRY_BYTES

_ENTRY = Struct("32s32s32s32s32s32s32s65s")
_FIXED = Struct("32s32s32s65sBBB")
_HEADING = Struct("32s129xBB")
_ZERO = b"\0"


def pack_entry(entry: bytes) -> bytes:
    """The 289 bytes of an entry as they are stored."""
    kind, institution, subject, sequence, issued_at, observed, content, signature = _ENTRY.unpack(entry)
    kind, institution = kind.rstrip(_ZERO), institution.rstrip(_ZERO)
    sequence, issued_at = sequence.lstrip(_ZERO), issued_at.lstrip(_ZERO)
    fixed = _FIXED.pack(subject, observed, content, signature, len(kind), len(institution), len(sequence))
    return b"".join((fixed, kind, institution, sequence, issued_at))


def unpack_entry(packed: bytes) -> bytes:
    """The 289 bytes of a stored entry. Raises `MalformedInput` for what makes none."""
    try:
        subject, observed, content, signature, *lengths = _FIXED.unpack_from(packed)
    except (error, TypeError) as why:
        raise MalformedInput(f"stored entry: {why}") from None
    institution_at = _FIXED.size + lengths[0]
    sequence_at = institution_at + lengths[1]
    issued_at = sequence_at + lengths[2]
    entry = b"".join(
        (
            packed[_FIXED.size : institution_at].ljust(WORD_BYTES, _ZERO),
            packed[institution_at:sequence_at].ljust(WORD_BYTES, _ZERO),
            subject,
            packed[sequence_at:issued_at].rjust(WORD_BYTES, _ZERO),
            packed[issued_at:].rjust(WORD_BYTES, _ZERO),
            observed,
            content,
            signature,
        )
    )
    if len(entry) != ENTRY_BYTES:
        raise MalformedInput(f"stored entry: its words make {len(entry)} bytes, not {ENTRY_BYTES}")
    return entry


def unpack_suspect(packed: object) -> bytes:
    """The 289 bytes of what may not be as `pack_entry` made it: empty where it is not, so that whoever judges entries
    finds none."""
    try:
        entry = unpack_entry(packed)
    except MalformedInput:
        return b""
    return entry if _is_shortest(packed) else b""


def _is_shortest(packed: bytes) -> bool:
    """Whether all its words stand there whole, none of them with a zero that is left out."""
    kind, institution, sequence = packed[_FIXED.size - 3 : _FIXED.size]
    institution_at = _FIXED.size + kind
    sequence_at = institution_at + institution
    issued_at = sequence_at + sequence
    return issued_at <= len(packed) and not (
        (kind and not packed[institution_at - 1])
        or (institution and not packed[sequence_at - 1])
        or (sequence and not packed[sequence_at])
        or (issued_at < len(packed) and not packed[issued_at])
    )


def read_heading(packed: bytes) -> tuple[str, str, bytes]:
    """Kind, institution and subject of a stored entry."""
    subject, kind, institution = _HEADING.unpack_from(packed)
    institution_at = _FIXED.size + kind
    return (
        packed[_FIXED.size : institution_at].decode("ascii"),
        packed[institution_at : institution_at + institution].decode("ascii"),
        subject,
    )
