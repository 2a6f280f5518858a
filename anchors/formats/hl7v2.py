"""HL7 v2 results (ER7): ORU^R01 and the OUL messages. Nothing that a library encodes again is ever hashed."""

import hashlib
import re

import hl7

from anchors.formats.detect import MLLP_START, UTF8_BOM
from anchors.formats.document import Digest, Reading, Unreadable
from anchors.formats.facts import Facts

MAX_MESSAGE_BYTES = 4 * 1024 * 1024
MAX_MESSAGE_PARTS = 100_000
SEGMENTS_METHOD = "hl7v2-segments-v1"

_MLLP_END = b"\x1c"
# Only these are given to the parser; the segments about the patient are not even looked into.
_READ = ("MSH", "OBR", "OBX", "SPM")
_CHARSETS = {
    "": ("utf-8", "gb18030"),
    "ASCII": ("ascii",),
    "UNICODE UTF-8": ("utf-8",),
    "UTF-8": ("utf-8",),
    "UTF8": ("utf-8",),
    "UNICODE": ("utf-8",),
    "GB 18030-2000": ("gb18030",),
    "GB18030": ("gb18030",),
    "GBK": ("gb18030",),
    "GB2312": ("gb18030",),
    "8859/1": ("latin-1",),
}


def read(raw: bytes) -> Reading:
    """Facts of the order groups: OBR says what was examined, the OBX under it are the results.

    OBX elsewhere (under PID, before the first OBR, or after SPM) describe the patient or the specimen and are counted,
    not read. Values are as written, escape sequences included.
    """
    if len(raw) > MAX_MESSAGE_BYTES:
        raise Unreadable(f"it is larger than {MAX_MESSAGE_BYTES} bytes")
    message = _without_framing(raw)
    if message[:3] != b"MSH":
        raise Unreadable("it is a batch of messages; attest each message by itself")
    segments = _with_carriage_returns(message)
    text, charset = _decode(segments)
    lines = text.rstrip("\r").split("\r")
    _refuse_what_is_no_message(lines)
    kept = "\r".join(line for line in lines if line[:3] in _READ)
    if sum(kept.count(sign) for sign in kept[3:8] + "\r") > MAX_MESSAGE_PARTS:
        raise Unreadable(f"it holds more than {MAX_MESSAGE_PARTS} fields and components")
    facts = _read_segments(hl7.parse(kept))
    facts.details["charset"] = charset
    return Reading(facts.value(), Digest(SEGMENTS_METHOD, hashlib.sha256(segments).digest()))


def _without_framing(raw: bytes) -> bytes:
    message = raw.removeprefix(UTF8_BOM).lstrip(b" \t\r\n")
    if message.startswith(MLLP_START):
        body, end, rest = message[1:].rpartition(_MLLP_END)
        if not end:
            raise Unreadable("its MLLP frame is not closed: the message is cut off")
        if rest.strip(b"\r\n"):
            raise Unreadable("something follows its MLLP frame")
        message = body
    return message.removeprefix(UTF8_BOM).lstrip(b" \t\r\n")


def _with_carriage_returns(message: bytes) -> bytes:
    """The message with one CR after each segment. A LF inside a message that uses CR is left alone: it is data."""
    ended = message.replace(b"\r\n", b"\r") if b"\r" in message else message.replace(b"\n", b"\r")
    return ended.rstrip(b"\r\n") + b"\r"


def _decode(segments: bytes) -> tuple[str, str]:
    """The text and the name of its character set. Decoding comes before splitting: `|` is a trail byte in GB18030."""
    declared = None
    for charset in ("utf-8", "gb18030", "latin-1"):
        try:
            text = segments.decode(charset)
        except UnicodeDecodeError:
            continue
        fields = text.partition("\r")[0].split(text[3])
        declared = fields[17].split(text[5] if len(text) > 5 else "~")[0].strip().upper() if len(fields) > 17 else ""
        for name in _CHARSETS.get(declared, ()):
            try:
                return segments.decode(name), name if declared else f"{name} assumed"
            except UnicodeDecodeError:
                continue
    if declared in _CHARSETS:
        raise Unreadable("its bytes are not of the character set that MSH-18 names")
    raise Unreadable("MSH-18 names a character set that is not read here")


def _refuse_what_is_no_message(lines: list[str]) -> None:
    separator = lines[0][3]
    for number, line in enumerate(lines, start=1):
        if not re.match(r"[A-Z][A-Z0-9]{2}", line) or line[3:4] not in ("", separator):
            raise Unreadable(f"line {number} is no segment")
        if number > 1 and line.startswith("MSH"):
            raise Unreadable("it holds several messages; attest each message by itself")
    kind = lines[0].split(separator)[8:9]
    component = lines[0][4:5]
    code, _, rest = (kind[0] if kind else "").partition(component)
    event = rest.partition(component)[0]
    if (code, event) != ("ORU", "R01") and code != "OUL":
        named = f"{code}^{event}" if re.fullmatch(r"[A-Z]{3}", code) and re.fullmatch(r"[A-Z0-9]{3}", event) else "?"
        raise Unreadable(f"a message of type {named} is no report; ORU^R01 and OUL are read")
    if not any(line.startswith("OBR") for line in lines):
        raise Unreadable("it has no OBR segment: nothing says what was examined")


class _Segments:
    """Fields and components of a parsed message as texts."""

    def __init__(self, message: hl7.Message) -> None:
        self._component = message.separators[3]
        self._repetition = message.separators[2]
        self._subcomponent = message.separators[4]

    def field(self, segment: hl7.Segment, number: int) -> str:
        """A whole field as written."""
        return str(segment[number]) if number < len(segment) else ""

    def component(self, segment: hl7.Segment, number: int, component: int) -> str:
        """A component, counted from 1, of the field's first repetition."""
        parts = self.field(segment, number).split(self._repetition)[0].split(self._component)
        return parts[component - 1] if component <= len(parts) else ""

    def person(self, segment: hl7.Segment, number: int) -> str:
        """Family and given name of a name with location (NDL), without its identifier."""
        parts = self.component(segment, number, 1).split(self._subcomponent)
        return " ".join(part for part in parts[1:3] if part)


def _read_segments(message: hl7.Message) -> Facts:
    facts, at = Facts(), _Segments(message)
    header = message[0]
    kind = [at.component(header, 9, number) for number in (1, 2)]
    facts.details["message"] = facts.text("^".join(kind))
    facts.details["version"] = facts.text(at.component(header, 12, 1))
    facts.identifier("message", at.field(header, 10))
    facts.time("sent", at.field(header, 7))
    facts.issuer("sending-facility", at.component(header, 4, 1))
    within_order, elsewhere = False, 0
    for segment in message[1:]:
        name = str(segment[0])
        if name == "OBR":
            within_order = True
            _read_order(facts, at, segment)
        elif name == "SPM":
            within_order = False
            facts.time("collected", at.component(segment, 17, 1))
        elif name == "OBX" and within_order:
            _read_result(facts, at, segment)
        elif name == "OBX":
            elsewhere += 1
    facts.details["observationsElsewhere"] = elsewhere
    return facts


def _read_order(facts: Facts, at: _Segments, order: hl7.Segment) -> None:
    facts.identifier("placer", at.component(order, 2, 1))
    facts.identifier("filler", at.component(order, 3, 1))
    facts.examination(at.component(order, 4, 1), at.component(order, 4, 3), at.component(order, 4, 2))
    facts.time("examined", at.component(order, 7, 1))
    facts.time("reported", at.component(order, 22, 1))
    facts.state(at.component(order, 25, 1))
    facts.issuer("interpreter", at.person(order, 32))


def _read_result(facts: Facts, at: _Segments, result: hl7.Segment) -> None:
    facts.result(
        code=at.component(result, 3, 1),
        system=at.component(result, 3, 3),
        text=at.component(result, 3, 2),
        value=at.field(result, 5),
        unit=at.component(result, 6, 1),
        range_text=at.field(result, 7),
        flag=at.component(result, 8, 1),
        status=at.component(result, 11, 1),
    )
    facts.issuer("performer", at.component(result, 23, 1))
