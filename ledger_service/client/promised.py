"""What a sender can give back to an operator who lost the end of the log: one JSON line an answer, with the receipt
that proves each index (docs/adr/0013-what-a-restored-ledger-may-sign.md)."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from anchors.core.encoding import decode_hex, encode_hex
from anchors.core.errors import Error
from anchors.core.typed_data import Domain
from ledger_service.client.answers import ReceiptKeys, read_answer
from ledger_service.client.api import submission_body
from ledger_service.client.errors import BrokenAnswer, WrongInput
from ledger_service.client.stored import Stored

MAX_LINE_BYTES = 16 * 2**20


class AnswerLine(msgspec.Struct, forbid_unknown_fields=True):
    """An answer as received, the ids that it answers in order, and the statements it brought into the log, by id."""

    origin: str
    answer: str
    sent: list[str]
    statements: dict[str, dict]


def write_line(origin: str, body: str, sent: list[str], accepted: Iterable[Stored]) -> bytes:
    """The line of one answer, with its line end."""
    statements = {encode_hex(stored.statement): stored.to_wire() for stored in accepted}
    return msgspec.json.encode(AnswerLine(origin, body, sent, statements)) + b"\n"


def read_lines(path: Path, origin: str, domain: Domain, keys: ReceiptKeys) -> Iterator[tuple[int, bytes, bytes]]:
    """Index, statement id and submission of each statement in a file. Raises `WrongInput` for the first line that is
    not whole or whose receipt is not the operator's."""
    with path.open("rb") as file:
        number = 0
        while line := file.readline(MAX_LINE_BYTES):
            number += 1
            try:
                yield from _read_line(line, origin, domain, keys)
            except (msgspec.MsgspecError, UnicodeDecodeError, BrokenAnswer, ValueError, Error) as error:
                raise WrongInput(f"{path}, line {number}: {error}; ask the sender to export it again") from None


def _read_line(line: bytes, origin: str, domain: Domain, keys: ReceiptKeys) -> Iterator[tuple[int, bytes, bytes]]:
    read = msgspec.json.decode(line, type=AnswerLine)
    if read.origin != origin:
        raise ValueError(f"it is of the log {read.origin[:128]!r}, not of {origin!r}")
    sent = [decode_hex(text, 32, "statement id") for text in read.sent]
    answer = read_answer(read.answer.encode(), sent, domain, keys)
    for result in answer.results:
        wire = read.statements.get(encode_hex(result.statement))
        if result.index is not None and wire is not None:
            yield result.index, result.statement, submission_body(origin, [wire])
