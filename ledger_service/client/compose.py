"""From what a hospital knows to the content of a statement, for each kind (docs/spec/kinds.md).

Parts and links are checked by the door's own rules before anything is signed, so that a mistake costs no round trip.
"""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256

from anchors.core.canonical import Json
from anchors.core.content import Content, Part
from anchors.core.encoding import WORD_BYTES, encode_hex, require_bytes
from ledger_service.client.bringing_in import BroughtIn
from ledger_service.client.errors import WrongInput
from ledger_service.kind_rules import check_late, read_parts
from ledger_service.kinds import KINDS, Kind
from ledger_service.originals import read_original
from ledger_service.problems import Refused


def report_subject(secret: bytes, report_number: str) -> bytes:
    """The subject of a report: HMAC-SHA256(the issuer's 32-byte subject secret, the report number in UTF-8)."""
    if not report_number:
        raise WrongInput("the report number is empty; give the number under which the report is filed")
    return hmac.digest(require_bytes(secret, WORD_BYTES, "subject secret"), report_number.encode("utf-8"), sha256)


@dataclass(frozen=True)
class Draft:
    """A statement before it has a number: its kind, subject (32 bytes) and content.

    `links` are `rel` to statement id (32 bytes); they stand in the content as well. Parts named in `withhold` are sent
    as their hash alone and stay with the sender. `issued_at` is in Unix seconds; None is the time of signing.
    """

    kind: str
    subject: bytes
    content: Content
    withhold: frozenset[str] = frozenset()
    issued_at: int | None = None


@dataclass(frozen=True)
class Material:
    """What a statement says, before it has salts. Values have the forms of docs/spec/kinds.md, Parts.

    `document` is `Document.part_value()`; `links` are `rel` to statement id (32 bytes); `original` is what an import
    brings in; `more` are further parts by name: those of the page, and personal ones.
    """

    document: Mapping[str, Json] | None = None
    access: Mapping[str, Json] | None = None
    reason: str | None = None
    policy: Mapping[str, Json] | None = None
    links: Mapping[str, bytes] = field(default_factory=dict)
    original: BroughtIn | None = None
    more: Mapping[str, Json] = field(default_factory=dict)

    def values(self) -> dict[str, Json]:
        """The parts' values by name, in the order in which parts are written."""
        links: list[Json] = [{"rel": rel, "statement": encode_hex(target)} for rel, target in self.links.items()]
        if self.original is not None:
            links.append(self.original.link)
        given: dict[str, Json] = {
            "document": dict(self.document) if self.document is not None else None,
            "access": dict(self.access) if self.access is not None else None,
            "reason": {"code": self.reason} if self.reason is not None else None,
            "policy": dict(self.policy) if self.policy is not None else None,
            "proof": self.original.proof if self.original is not None else None,
            "links": links or None,
        }
        clash = given.keys() & self.more.keys()
        if clash:
            raise WrongInput(f"part {min(clash)!r} has an argument of its own; give it there")
        return {name: value for name, value in given.items() if value is not None} | dict(self.more)


def compose(
    kind: str,
    subject: bytes,
    material: Material,
    *,
    withhold: frozenset[str] = frozenset(),
    issued_at: int | None = None,
) -> Draft:
    """The draft of one statement, with a fresh salt for every part. Raises `WrongInput` or `MalformedInput`."""
    rules = find_kind(kind)
    values = material.values()
    for rel, target in material.links.items():
        require_bytes(target, WORD_BYTES, f"link {rel}")
    _check_withheld(rules, values, withhold)
    try:
        forms = read_parts(rules, values)
        if rules.original is not None:
            read_original(rules, forms)
        if issued_at is not None:
            check_late(rules, forms.get("access"), issued_at)
    except Refused as refused:
        raise WrongInput(f"{kind}: {refused.detail}") from None
    content = Content.of(Part.create(name, value) for name, value in values.items())
    return Draft(kind, require_bytes(subject, WORD_BYTES, "subject"), content, withhold, issued_at)


def find_kind(name: str) -> Kind:
    """The row of the table of kinds. Raises `WrongInput`."""
    kind = KINDS.get(name)
    if kind is None:
        raise WrongInput(f"kind {name!r} is not known; the kinds are {', '.join(KINDS)}")
    return kind


def _check_withheld(kind: Kind, values: Mapping[str, Json], withhold: frozenset[str]) -> None:
    for name in withhold:
        if name in kind.parts:
            raise WrongInput(f"{kind.name}: the part {name!r} is required, so it cannot be withheld")
        if name not in values:
            raise WrongInput(f"{kind.name}: there is no part {name!r} to withhold")
