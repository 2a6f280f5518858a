"""Stored entries taken apart for counting: hashed in whole, but only that is read on which a figure rests.

A part's canonical text begins with its name and its salt, both of known length, so its value is found without a parser.
"""

import re
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, NamedTuple

import msgspec

from anchors.core.content import CONTENT_PREFIX
from anchors.core.encoding import word_code
from anchors.core.errors import MalformedInput, VerificationFailed
from anchors.core.statement import CONTENT_FIELD, ENTRY_BYTES, STATEMENT_BYTES, SUBJECT_FIELD
from anchors.core.typed_data import Domain
from ledger_service import kind_rules, problems
from ledger_service.kinds import KINDS, Kind
from ledger_service.parts import PART_FORMS
from ledger_service.problems import Problem, Refused
from ledger_service.recognition.kept_rules import Event
from ledger_service.usecases.submission import WithheldPart

_KINDS = {
    name: kind
    for name, kind in KINDS.items()
    if name.startswith(("report.", "reminder.", "access.", "recognition.", "repeat.", "explanation."))
    or name in ("statement.corrected", "institution.profiled", "catalogue.published")
}
"""The kinds on whose parts a figure rests."""
_FORMS = ("access", "catalogue", "examination", "knowingly", "policy", "profile", "reason", "review")
"""The parts on whose values a figure rests, beside the links."""
MOST_CACHED = 16_384
MOST_CACHED_CHARACTERS = 200
_ISSUED_AT = slice(152, 160)
_WIDE = bytes(24)
_PART = re.compile(r'\{"name":"([a-z][a-z0-9._-]{0,63})","salt":"[0-9a-f]{64}","value":')


class StoredEntry(NamedTuple):
    """One row: the entry, what the index says of it, and its parts (None: they are missing)."""

    position: int
    entry: bytes
    id: bytes
    links: str
    parts: bytes | None


class _Link(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    rel: str
    statement: str


_parts = msgspec.json.Decoder(list[str | WithheldPart])
_links = msgspec.json.Decoder(list[_Link])
_index = msgspec.json.Decoder(dict[str, int])
_decoders = {name: msgspec.json.Decoder(PART_FORMS[name]) for name in _FORMS}
_encoder = msgspec.json.Encoder(order="sorted")
_cached: dict[tuple[str, str], Any] = {}


class _Broken(Exception):
    def __init__(self, problem: Problem):
        self.code = problem.code


def take_apart(row: StoredEntry, domain: Domain) -> Event:
    """The entry and its parts. Raises `VerificationFailed` where they are not what was signed and logged."""
    entry, position = row.entry, row.position
    if type(entry) is not bytes or len(entry) != ENTRY_BYTES or domain.statement(entry[:STATEMENT_BYTES]) != row.id:
        raise _changed("entry", position)
    try:
        kind, institution = word_code(entry[:32]), word_code(entry[32:64])
    except MalformedInput:
        raise _changed("entry", position) from None
    if entry[96:120] != _WIDE or entry[128:152] != _WIDE:
        raise _changed("entry", position)
    values = _hash_parts(row)
    issued_at, subject = int.from_bytes(entry[_ISSUED_AT], "big"), entry[SUBJECT_FIELD]
    rules = _KINDS.get(kind)
    if rules is None:
        return Event(position, row.id, kind, institution, subject, issued_at)
    try:
        named = _read_links(values.get("links"), rules)
        forms = _read_forms(values, rules, issued_at)
        policy = kind_rules.policy_subject(forms["policy"]) if "policy" in named else None
    except _Broken as broken:
        return Event(position, row.id, kind, institution, subject, issued_at, problem=broken.code)
    except Refused as refused:
        return Event(position, row.id, kind, institution, subject, issued_at, problem=refused.problem.code)
    if not named:
        return Event(position, row.id, kind, institution, subject, issued_at, parts=forms)
    links = _find(named, row)
    if links is None:
        code = problems.LINK_UNKNOWN.code
        return Event(position, row.id, kind, institution, subject, issued_at, problem=code)
    linked = tuple([(links[rel], id) for rel, id in named.items()])
    return Event(position, row.id, kind, institution, subject, issued_at, links, linked, forms, policy)


def _hash_parts(row: StoredEntry) -> dict[str, str]:
    """The text of each shown part's value by name, after their hash was compared with the entry's."""
    hashed, values, match = [CONTENT_PREFIX], {}, _PART.match
    try:
        parts = _parts.decode(row.parts)
        for part in parts:
            if type(part) is str:
                found = match(part)
                name = found[1]
                values[name] = part[found.end() : -1]
                hashed += (name.encode(), b"\x00", sha256(b"\x00" + part.encode()).digest())
            else:
                values.setdefault(part.name, "")
                hashed += (part.name.encode(), b"\x00", bytes.fromhex(part.leaf))
    except (msgspec.MsgspecError, UnicodeError, TypeError, ValueError, RecursionError):
        raise _changed("content", row.position) from None
    if sha256(b"".join(hashed)).digest() != row.entry[CONTENT_FIELD] or len(values) != len(parts):
        raise _changed("content", row.position)
    return values


def _changed(what: str, position: int) -> VerificationFailed:
    return VerificationFailed(
        f"the {what} at {position} is not what was signed and logged; see what 'huzheng audit' says of it"
    )


def _read_links(text: str | None, kind: Kind) -> dict[str, bytes]:
    """Statement ids by rel, as the part `links` says."""
    if not text:
        if kind.required_rels:
            raise _Broken(problems.MISSING_PART)
        return {}
    try:
        links = _links.decode(text)
        named = {link.rel: bytes.fromhex(link.statement[2:]) for link in links}
    except (msgspec.MsgspecError, ValueError):
        raise _Broken(problems.INVALID_PART) from None
    if _encoder.encode(links).decode() != text or not all(map(_is_id, links)):
        raise _Broken(problems.INVALID_PART)
    if len(named) != len(links) or not kind.required_rels <= named.keys() <= kind.rels:
        raise _Broken(problems.INVALID_LINKS)
    return named


def _is_id(link: _Link) -> bool:
    text = link.statement
    return len(text) == 66 and text[:2] == "0x" and text == text.lower() and " " not in text


def _read_forms(values: Mapping[str, str], kind: Kind, issued_at: int) -> dict[str, Any]:
    """The parts on which a figure rests, in their form. Raises `_Broken` or `Refused`."""
    for name in kind.parts:
        if not values.get(name):
            raise _Broken(problems.MISSING_PART)
    forms = {name: _read_form(name, text) for name in _FORMS if (text := values.get(name))}
    kind_rules.check_late(kind, forms.get("access"), issued_at)
    return forms


def _read_form(name: str, text: str) -> Any:
    form = _cached.get((name, text))
    if form is not None:
        return form
    try:
        form = _decoders[name].decode(text)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        raise _Broken(problems.INVALID_PART) from None
    if _encoder.encode(form).decode() != text:
        raise _Broken(problems.INVALID_PART)
    if len(text) <= MOST_CACHED_CHARACTERS:
        if len(_cached) >= MOST_CACHED:
            _cached.clear()
        _cached[name, text] = form
    return form


def _find(named: Mapping[str, bytes], row: StoredEntry) -> dict[str, int] | None:
    """Positions by rel, as the index has them; None where it lacks one."""
    try:
        positions = _index.decode(row.links)
    except (msgspec.MsgspecError, TypeError):
        raise _changed("index", row.position) from None
    if not named.keys() <= positions.keys():
        return None
    return {rel: positions[rel] for rel in named}
