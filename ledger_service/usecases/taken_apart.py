"""Stored entries taken apart for counting: only that is read on which a figure rests.

A part's canonical text begins with its name and its salt, both of known length, so its value is found without a parser.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from anchors.core import canonical
from anchors.core.content import MAX_PART_BYTES
from anchors.core.encoding import word_code
from anchors.core.errors import MalformedInput
from anchors.core.statement import SUBJECT_FIELD
from ledger_service import kind_rules, problems
from ledger_service.kinds import KINDS, VERSIONS, Kind
from ledger_service.originals import Original, read_original
from ledger_service.parts import PART_FORMS
from ledger_service.problems import Problem, Refused
from ledger_service.recognition.book import CORRECTED
from ledger_service.recognition.in_force import KINDS as RULES
from ledger_service.recognition.kept_rules import Event
from ledger_service.recognition.statistics import JUDGED, REVIEWED
from ledger_service.usecases.hashed_log import StoredEntry, changed, parts_of
from ledger_service.usecases.submission import WithheldPart

_KINDS = {name: KINDS[name] for name in JUDGED | RULES}
"""The kinds on whose parts a figure rests."""
_OF_THE_BOOK = RULES | {CORRECTED}
_FORMS = frozenset({"catalogue", "correction", "examination", "knowingly", "policy", "profile", "reason", "review"})
"""The parts on whose values a figure rests, beside the links."""
_EMERGENCY_FORMS = _FORMS | {"access"}
_REPEATED = frozenset({"knowingly", "policy", "reason", "review"})
"""Those that are alike in many statements."""
MOST_CACHED = 16_384
MOST_CACHED_CHARACTERS = 200
_ISSUED_AT = slice(152, 160)
_WIDE = bytes(24)
_PART = re.compile(r'\{"name":"([a-z][a-z0-9._-]{0,63})","salt":"[0-9a-f]{64}","value":')


class _Link(msgspec.Struct, gc=False):
    rel: str
    statement: str


_links = msgspec.json.Decoder(list[_Link])
_index = msgspec.json.Decoder(dict[str, int])
_decoders = {name: msgspec.json.Decoder(PART_FORMS[name]) for name in _EMERGENCY_FORMS}
_encoder = msgspec.json.Encoder(order="sorted")
_cached: dict[tuple[str, str], Any] = {}


class _Broken(Exception):
    def __init__(self, problem: Problem):
        self.code = problem.code


def take_apart(row: StoredEntry, parts: Sequence[str | WithheldPart] | None = None) -> Event:
    """The entry and its parts, which are hashed elsewhere; `parts` where they were read already (`parts_of`).

    Raises `VerificationFailed` where they cannot be read."""
    position, entry, id, _, _ = row
    if entry[96:120] != _WIDE or entry[128:152] != _WIDE:
        raise changed("entry", position)
    try:
        kind, institution = word_code(entry[:32]), word_code(entry[32:64])
    except MalformedInput:
        raise changed("entry", position) from None
    issued_at, subject = int.from_bytes(entry[_ISSUED_AT], "big"), entry[SUBJECT_FIELD]
    rules = _KINDS.get(kind)
    if rules is None:
        return Event(position, id, kind, institution, subject, issued_at)
    try:
        values = _values(parts if parts is not None else parts_of(row))
        if rules.original is None:
            original, named = None, _read_links(values.get("links"), rules)
        else:
            original, named = _read_import(values, rules)
        forms = _read_forms(values, rules, issued_at)
        if original is not None:
            forms = original.parts(forms)
        policy = kind_rules.policy_subject(forms["policy"]) if "policy" in named else None
    except _Broken as broken:
        return Event(position, id, kind, institution, subject, issued_at, problem=broken.code)
    except Refused as refused:
        return Event(position, id, kind, institution, subject, issued_at, problem=refused.problem.code)
    links = _find(named, row) if named else {}
    if links is None:
        code = problems.LINK_UNKNOWN.code
        return Event(position, id, kind, institution, subject, issued_at, problem=code)
    return Event(
        position,
        id,
        kind,
        institution,
        subject,
        issued_at,
        links,
        tuple([(links[rel], target) for rel, target in named.items()]),
        _examined(forms) if kind in VERSIONS else None,
        _why(forms, kind),
        forms["knowingly"].version if "knowingly" in forms else "",
        forms if kind in _OF_THE_BOOK else {},
        policy,
        original=original,
    )


def _examined(forms: Mapping[str, Any]) -> tuple[str, str, str] | None:
    examined = forms.get("examination")
    return (examined.category, examined.system, examined.item) if examined is not None else None


def _why(forms: Mapping[str, Any], kind: str) -> str:
    if kind == REVIEWED:
        return forms["review"].finding
    return forms["reason"].code if "reason" in forms else ""


def _values(parts: Sequence[str | WithheldPart]) -> dict[str, str]:
    """The text of each part's value by name; empty where it is withheld."""
    values, match = {}, _PART.match
    for part in parts:
        if type(part) is str:
            found = match(part)
            if found is None:
                raise _Broken(problems.MALFORMED_PART)
            values[found[1]] = part[found.end() : -1]
        else:
            values.setdefault(part.name, "")
    if len(values) != len(parts):
        raise _Broken(problems.MALFORMED_PART)
    return values


def _read_links(text: str | None, kind: Kind) -> dict[str, bytes]:
    """Statement ids by rel, as the part `links` says."""
    if not text:
        if kind.required_rels:
            raise _Broken(problems.MISSING_PART)
        return {}
    try:
        named = {link.rel: bytes.fromhex(link.statement[2:]) for link in _links.decode(text)}
    except (msgspec.MsgspecError, UnicodeError, RecursionError, ValueError):
        raise _Broken(problems.INVALID_LINKS) from None
    if not kind.required_rels <= named.keys() <= kind.rels:
        raise _Broken(problems.INVALID_LINKS)
    written = [f'{{"rel":"{rel}","statement":"0x{id.hex()}"}}' for rel, id in named.items()]
    if f"[{','.join(written)}]" != text:
        raise _Broken(problems.INVALID_LINKS)
    return named


def _read_import(values: Mapping[str, str], kind: Kind) -> tuple[Original, dict[str, bytes]]:
    """What an import brings in, and the statement ids of its other links by rel. Raises `_Broken` or `Refused`."""
    shown = {name: values[name].encode() for name in kind.parts if values.get(name)}
    try:
        read = {name: canonical.decode(text, MAX_PART_BYTES) for name, text in shown.items()}
    except (MalformedInput, UnicodeError):
        raise _Broken(problems.INVALID_PART) from None
    forms = kind_rules.read_parts(kind, read)
    named = {link.rel: bytes.fromhex(link.statement[2:]) for link in forms["links"] if not link.is_foreign}
    return read_original(kind, forms), named


def _read_forms(values: Mapping[str, str], kind: Kind, issued_at: int) -> dict[str, Any]:
    """The parts on which a figure rests, in their form. Raises `_Broken` or `Refused`."""
    for name in kind.parts:
        if not values.get(name):
            raise _Broken(problems.MISSING_PART)
    wanted = _EMERGENCY_FORMS if kind.name == kind_rules.EMERGENCY else _FORMS
    forms = {name: _read_form(name, text) for name, text in values.items() if text and name in wanted}
    kind_rules.check_late(kind, forms.get("access"), issued_at)
    return forms


def _read_form(name: str, text: str) -> Any:
    repeated = name in _REPEATED
    if repeated and (form := _cached.get((name, text))) is not None:
        return form
    try:
        form = _decoders[name].decode(text)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        raise _Broken(problems.INVALID_PART) from None
    if _encoder.encode(form).decode() != text:
        form = _read_carefully(name, text)
    if repeated and len(text) <= MOST_CACHED_CHARACTERS:
        if len(_cached) >= MOST_CACHED:
            _cached.clear()
        _cached[name, text] = form
    return form


def _read_carefully(name: str, text: str) -> Any:
    """The form of a text that typed encoding does not give again: one that names a member's default, or none."""
    try:
        return msgspec.convert(canonical.decode(text.encode(), MAX_PART_BYTES), PART_FORMS[name])
    except (MalformedInput, msgspec.ValidationError, UnicodeError):
        raise _Broken(problems.INVALID_PART) from None


def _find(named: Mapping[str, bytes], row: StoredEntry) -> dict[str, int] | None:
    """Positions by rel, as the index has them; None where it lacks one."""
    try:
        positions = _index.decode(row.links)
    except (msgspec.MsgspecError, TypeError):
        raise changed("index", row.position) from None
    if named.keys() == positions.keys():
        return positions
    if not named.keys() <= positions.keys():
        return None
    return {rel: positions[rel] for rel in named}
