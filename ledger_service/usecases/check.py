"""Check one submitted statement by itself: shape, parts, signature, kind. Needs no database (docs/spec/api.md).

Everything that depends on other statements or on the registry is decided later, under the log's lock, in `sequence`.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import msgspec

from anchors.core.canonical import DuplicateKey, FloatFound, refuse_duplicates
from anchors.core.content import Content, Part
from anchors.core.encoding import decode_base64, decode_hex, encode_hex
from anchors.core.errors import MalformedInput, VerificationFailed
from anchors.core.statement import Entry, Statement
from anchors.core.typed_data import Domain
from ledger_service import kind_rules, problems
from ledger_service.kinds import KINDS, Kind
from ledger_service.problems import Refused

MAX_AHEAD_SECONDS = 300

_MEMBERS = (b'"key"', b'"entry"', b'"parts"')


class Submitted(msgspec.Struct, forbid_unknown_fields=True):
    """One item of a submission. `parts` stays as it was sent: what is hashed is what was received."""

    key: str
    entry: str
    parts: msgspec.Raw


class _Withheld(msgspec.Struct, forbid_unknown_fields=True):
    leaf: str
    name: str


@dataclass(frozen=True, slots=True)
class Checked:
    """A statement that is right by itself."""

    id: bytes
    key: bytes
    entry: bytes
    parts: bytes
    statement: Statement
    kind: Kind
    links: tuple[tuple[str, bytes], ...]
    digests: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Rejected:
    """A statement that is refused. `id` is None where none can be computed; `signed` when the signature was right, so
    that the refusal is signed too."""

    id: bytes | None
    refused: Refused
    signed: bool = False


class Checker:
    """Checks statements for one log."""

    def __init__(self, domain: Domain, other_domains: Callable[[], Iterable[Domain]], now: Callable[[], int]):
        self._domain = domain
        self._other_domains = other_domains
        self._now = now

    def check(self, item: bytes) -> Checked | Rejected:
        """Judge one item of a submission: the bytes of its JSON object. Never raises for bad input."""
        try:
            key, entry_bytes, parts, entry = _read_shape(item)
        except Refused as refused:
            return Rejected(None, refused)
        statement = entry.statement
        id = statement.id(self._domain)
        signed = False
        try:
            self._check_signature(entry, id, key)
            signed = True
            content = read_content(parts)
            if content.hash != statement.content:
                raise Refused(problems.CONTENT_MISMATCH, "the parts do not hash to content; send the parts signed")
            kind = known_kind(statement.kind)
            links, digests = read_parts(kind, content)
            self._check_time(statement.issued_at)
        except Refused as refused:
            return Rejected(id, refused, signed)
        return Checked(id, key, entry_bytes, parts, statement, kind, links, digests)

    def _check_signature(self, entry: Entry, id: bytes, key: bytes) -> None:
        try:
            signer = entry.signer(self._domain)
        except VerificationFailed:
            signer = None
        if signer == key:
            return
        for other in self._other_domains():
            try:
                if entry.signer(other) == key:
                    raise Refused(
                        problems.WRONG_LOG,
                        f"signed for the log {encode_hex(other.log)}; sign it for {encode_hex(self._domain.log)}",
                    )
            except VerificationFailed:
                continue
        raise Refused(
            problems.WRONG_SIGNATURE,
            f"the signature over {encode_hex(id)} is not by {encode_hex(key)}; check key, chain, registry and origin",
        )

    def _check_time(self, issued_at: int) -> None:
        ahead = issued_at - self._now()
        if ahead > MAX_AHEAD_SECONDS:
            raise Refused(
                problems.ISSUED_IN_FUTURE,
                f"issuedAt is {ahead} s ahead of the clock here, at most {MAX_AHEAD_SECONDS} s are taken; check yours",
            )


def _read_shape(item: bytes) -> tuple[bytes, bytes, bytes, Entry]:
    # Inside a string every quote is escaped, so a bare "key" can only be a member name: one scan finds a member that
    # is sent twice, which a JSON decoder would silently let the last one win.
    if any(item.count(member) != 1 for member in _MEMBERS):
        raise Refused(problems.MALFORMED_STATEMENT, "expected key, entry and parts, each once; send the item again")
    try:
        submitted = msgspec.json.decode(item, type=Submitted)
        key, parts = decode_hex(submitted.key, 20, "key"), bytes(submitted.parts)
        entry_bytes = decode_base64(submitted.entry, "entry")
        entry = Entry.from_bytes(entry_bytes)
    except (msgspec.MsgspecError, MalformedInput, UnicodeDecodeError) as error:
        raise Refused(problems.MALFORMED_STATEMENT, str(error)) from None
    if item.count(b"\\u") != parts.count(b"\\u"):
        raise Refused(problems.MALFORMED_STATEMENT, "a member is named with an escape; write key, entry, parts")
    return key, entry_bytes, parts, entry


def read_content(parts: bytes) -> Content:
    """The content of a list of parts in JSON, as it was sent or stored. Raises `Refused`."""
    try:
        # Typed, so that the decoder never descends into what nests deep.
        items = msgspec.json.decode(parts, type=list[str | _Withheld])
        if any(isinstance(item, _Withheld) for item in items):
            refuse_duplicates(parts)
        return Content.from_wire(
            [{"leaf": item.leaf, "name": item.name} if isinstance(item, _Withheld) else item for item in items]
        )
    except DuplicateKey as error:
        raise Refused(problems.DUPLICATE_KEY, str(error)) from None
    except FloatFound as error:
        raise Refused(problems.FLOAT, str(error)) from None
    except (msgspec.MsgspecError, MalformedInput, UnicodeDecodeError, RecursionError) as error:
        raise Refused(problems.MALFORMED_PART, str(error)) from None


def known_kind(name: str) -> Kind:
    """The row of the table of kinds. Raises `Refused`."""
    kind = KINDS.get(name)
    if kind is None:
        raise Refused(problems.UNKNOWN_KIND, f"kind {name!r} is not known here; known are {', '.join(KINDS)}")
    return kind


def read_parts(kind: Kind, content: Content) -> tuple[tuple[tuple[str, bytes], ...], tuple[bytes, ...]]:
    """The links (rel, statement id) and the document digests of a content that has what its kind requires.

    Raises `Refused`."""
    shown = {part.name: part.value for part in content.parts if isinstance(part, Part)}
    forms = kind_rules.read_parts(kind, shown)
    links = tuple((link.rel, bytes.fromhex(link.statement[2:])) for link in forms.get("links", ()))
    # A document beside what the kind requires is personal and may be erased, so nothing is looked up by it.
    document = forms["document"] if "document" in kind.parts else None
    digests = {bytes.fromhex(document.sha256), bytes.fromhex(document.sm3)} if document else ()
    return links, tuple(digests)
