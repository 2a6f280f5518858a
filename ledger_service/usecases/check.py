"""Check one submitted statement by itself: shape, parts, signature, kind. Needs no database (docs/spec/api.md).

Everything that depends on other statements or on the registry is decided later, under the log's lock, in `sequence`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import msgspec

from anchors.core import signature as signatures
from anchors.core.canonical import DuplicateKey, FloatFound
from anchors.core.content import Content, Part
from anchors.core.encoding import decode_hex, encode_hex
from anchors.core.errors import MalformedInput, VerificationFailed
from anchors.core.statement import STATEMENT_BYTES, Entry, Statement
from anchors.core.typed_data import Domain
from ledger_service import kind_rules, problems
from ledger_service.kinds import KINDS, Kind
from ledger_service.originals import Original, TrustedOrigins, read_original
from ledger_service.problems import Refused
from ledger_service.usecases.submission import (
    Item,
    Submitted,
    UnreadableParts,
    WithheldPart,
    content_of,
    encode_parts,
)

MAX_AHEAD_SECONDS = 300
KEYS_REMEMBERED = 4_096
TOGETHER = 25
"""Few enough that the committing thread, which may hold the log's lock, gets the interpreter within half a
millisecond."""


class Said(msgspec.Struct, frozen=True, gc=False):
    """What the parts of a statement say that others are judged by.

    `links` are (rel, statement id); `digests` the SHA-256 and SM3 of the document, where the kind requires one;
    `knowingly` which version it was known to be, where that is not the current one; `policy` the subject of the policy
    that the statement publishes or links to; `original` what an import brings in from another log.
    """

    links: tuple[tuple[str, bytes], ...] = ()
    digests: tuple[bytes, bytes] | None = None
    knowingly: str | None = None
    policy: bytes | None = None
    original: Original | None = None


class Checked(msgspec.Struct, frozen=True, gc=False):
    """A statement that is right by itself."""

    id: bytes
    key: bytes
    entry: bytes
    parts: bytes
    statement: Statement
    kind: Kind
    said: Said


class Rejected(msgspec.Struct, frozen=True, gc=False):
    """A statement that is refused. `id` is None where none can be computed; `signed` when the signature was right, so
    that the refusal is signed too."""

    id: bytes | None
    refused: Refused
    signed: bool = False


class Checker:
    """Checks statements for one log."""

    def __init__(
        self, domain: Domain, other_domains: Callable[[], Iterable[Domain]], originals: TrustedOrigins | None = None
    ):
        self._domain = domain
        self._other_domains = other_domains
        self._originals = originals or TrustedOrigins()

    def check(self, items: Sequence[Item], now: int) -> list[Checked | Rejected]:
        """Judge items of a submission, each by itself, at `now` in Unix seconds. Never raises for bad input.

        Some together, step by step: recovering a key drives everything else out of the processor's caches, and the
        other steps take twice as long beside it."""
        judged: list[Checked | Rejected] = []
        for begin in range(0, len(items), TOGETHER):
            read = [_read(item, self._domain) for item in items[begin : begin + TOGETHER]]
            signed = [self._check_signature(one) if isinstance(one, _Read) else one for one in read]
            judged += [self._check_said(one, now) if isinstance(one, _Read) else one for one in signed]
        return judged

    def _check_signature(self, read: "_Read") -> "_Read | Rejected":
        """The same, where its key signed it."""
        try:
            signer = signatures.signer_of(read.id, read.entry.signature)
        except VerificationFailed:
            signer = None
        return read if signer == read.key else Rejected(read.id, self._why_not_signed(read))

    def _check_said(self, read: "_Read", now: int) -> Checked | Rejected:
        """Whether the parts are those that were signed, and have what the kind requires."""
        item, statement = read.item, read.entry.statement
        try:
            content = _read_content(item.parts)
            if content.hash != statement.content:
                raise Refused(problems.CONTENT_MISMATCH, "the parts do not hash to content; send the parts signed")
            kind = known_kind(statement.kind)
            said = read_parts(kind, content, statement.issued_at)
            if said.original is not None:
                self._originals.check(said.original)
            _check_time(statement.issued_at, now)
        except Refused as refused:
            return Rejected(read.id, refused, signed=True)
        return Checked(read.id, read.key, item.entry, encode_parts(item.parts), statement, kind, said)

    def _why_not_signed(self, read: "_Read") -> Refused:
        for other in self._other_domains():
            try:
                if read.entry.signer(other) == read.key:
                    return Refused(
                        problems.WRONG_LOG,
                        f"signed for the log {encode_hex(other.log)}; sign it for {encode_hex(self._domain.log)}",
                    )
            except VerificationFailed:
                continue
        return Refused(
            problems.WRONG_SIGNATURE,
            f"the signature over {encode_hex(read.id)} is not by {encode_hex(read.key)}; "
            "check key, chain, registry and origin",
        )


class _Read(msgspec.Struct, frozen=True, gc=False):
    """A well-formed entry, and the rest of its item."""

    id: bytes
    key: bytes
    entry: Entry
    item: Submitted | UnreadableParts


def _read(item: Item, domain: Domain) -> _Read | Rejected:
    if isinstance(item, Refused):
        return Rejected(None, item)
    try:
        key, entry = _read_key(item.key), Entry.from_bytes(item.entry)
    except MalformedInput as error:
        return Rejected(None, Refused(problems.MALFORMED_STATEMENT, str(error)))
    return _Read(domain.statement(item.entry[:STATEMENT_BYTES]), key, entry, item)


def _check_time(issued_at: int, now: int) -> None:
    if issued_at - now > MAX_AHEAD_SECONDS:
        raise Refused(
            problems.ISSUED_IN_FUTURE,
            f"issuedAt is {issued_at - now} s ahead of the clock here, at most {MAX_AHEAD_SECONDS} s are taken; "
            "check yours",
        )


@lru_cache(maxsize=KEYS_REMEMBERED)
def _read_key(text: str) -> bytes:
    return decode_hex(text, 20, "key")


def _read_content(parts: Sequence[str | WithheldPart]) -> Content:
    try:
        return content_of(parts)
    except DuplicateKey as error:
        raise Refused(problems.DUPLICATE_KEY, str(error)) from None
    except FloatFound as error:
        raise Refused(problems.FLOAT, str(error)) from None
    except MalformedInput as error:
        raise Refused(problems.MALFORMED_PART, str(error)) from None


def known_kind(name: str) -> Kind:
    """The row of the table of kinds. Raises `Refused`."""
    kind = KINDS.get(name)
    if kind is None:
        raise Refused(problems.UNKNOWN_KIND, f"kind {name!r} is not known here; known are {', '.join(KINDS)}")
    return kind


def read_parts(kind: Kind, content: Content, issued_at: int) -> Said:
    """What a content says that has what its kind requires. Raises `Refused`."""
    shown = {part.name: part.value for part in content.parts if isinstance(part, Part)}
    forms = kind_rules.read_parts(kind, shown)
    kind_rules.check_late(kind, forms.get("access"), issued_at)
    if kind.original is not None:
        return _import(kind, forms)
    links = tuple([(link.rel, bytes.fromhex(link.statement[2:])) for link in forms.get("links", ())])
    # A document beside what the kind requires is personal and may be erased, so nothing is looked up by it.
    document = forms["document"] if "document" in kind.parts else None
    digests = (bytes.fromhex(document.sha256), bytes.fromhex(document.sm3)) if document else None
    knowingly = forms["knowingly"].version if "knowingly" in forms else None
    by_policy = kind.of_policy or ("policy" in kind.rels and "policy" in dict(links))
    policy = kind_rules.policy_subject(forms["policy"]) if by_policy else None
    return Said(links, digests, knowingly, policy)


def _import(kind: Kind, forms: Mapping[str, Any]) -> Said:
    original = read_original(kind, forms)
    links = tuple((link.rel, bytes.fromhex(link.statement[2:])) for link in forms["links"] if not link.is_foreign)
    return Said(links, original=original)
