"""The kinds of statement, as data (docs/spec/kinds.md). To add a kind, add a row here and on that page.

What the door checks, what the audit re-checks and what the documentation says are all read from this table.
"""

from dataclasses import dataclass, field
from enum import Enum
from typing import Annotated, Literal

from msgspec import Meta, Struct

from anchors.core.canonical import MAX_INTEGER


class Role:
    """Roles that kinds ask for."""

    HOSPITAL = "hospital"
    LABORATORY = "laboratory"


class Subject(Enum):
    """What a kind asks of its subject."""

    NEW = "new"
    EXISTING = "existing"
    OWNED = "existing; owner"


class Effect(Enum):
    """What a kind does to the current version of the report that its subject names."""

    NONE = "none"
    ISSUES = "issues"
    REPLACES = "replaces"
    WITHDRAWS = "withdraws"


@dataclass(frozen=True)
class LinkRule:
    """A link that a kind requires: its target's kinds, subject and institution.

    `named_by` is (rel, rel'): the target must be the one that the statement behind our link `rel` names as its `rel'`.
    """

    rel: str
    targets: frozenset[str]
    same_subject: bool = True
    own: bool = False
    current: bool = False
    named_by: tuple[str, str] | None = None


@dataclass(frozen=True)
class Kind:
    """One row of the table."""

    name: str
    roles: frozenset[str]
    subject: Subject
    parts: tuple[str, ...]
    links: tuple[LinkRule, ...] = ()
    effect: Effect = Effect.NONE
    while_suspended: bool = False
    rels: frozenset[str] = field(init=False, repr=False)
    """What its links are called."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "rels", frozenset(rule.rel for rule in self.links))


class _Form(Struct, forbid_unknown_fields=True, frozen=True):
    pass


Digest = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]
StatementId = Annotated[str, Meta(pattern=r"^0x[0-9a-f]{64}\Z")]
Word = Annotated[str, Meta(pattern=r"^[ -~]{1,64}\Z")]
Count = Annotated[int, Meta(ge=0, le=MAX_INTEGER)]
Seconds = Count


class Document(_Form):
    """The document as received, byte for byte."""

    bytes: Count
    format: Literal["fhir-json", "hl7v2", "cda", "dicom", "pdf", "raw"]
    sha256: Digest
    sm3: Digest


class Reason(_Form):
    """A reason from the list of the policy in force."""

    code: Word


class Policy(_Form):
    """Which rules a decision rests on."""

    policy: Word
    version: Word


class Access(_Form):
    """When the report was opened or refused, and the recorded basis of the use."""

    at: Seconds
    basis: Word


class Link(_Form):
    """A named reference to an earlier statement."""

    rel: Annotated[str, Meta(min_length=1, max_length=32)]
    statement: StatementId


PART_FORMS: dict[str, type] = {
    "access": Access,
    "document": Document,
    "links": list[Link],
    "policy": Policy,
    "reason": Reason,
}

_ISSUERS = frozenset({Role.HOSPITAL, Role.LABORATORY})
_DECIDERS = frozenset({Role.HOSPITAL})
_VERSIONS = frozenset({"report.issued", "report.amended"})
_OPENED = frozenset({"access.granted", "access.emergency"})

_OPENS_A_VERSION = (LinkRule("report", _VERSIONS),)
_RESTS_ON_ACCESS = LinkRule("access", _OPENED, own=True)
_DECIDES = (_RESTS_ON_ACCESS, LinkRule("report", _VERSIONS, named_by=("access", "report")))
_REPEATS = (_RESTS_ON_ACCESS, LinkRule("repeats", _VERSIONS, named_by=("access", "report")))
_REPLACES = (LinkRule("replaces", _VERSIONS, current=True),)
_RESULTS = (
    LinkRule("order", frozenset({"repeat.ordered"}), own=True),
    LinkRule("result", frozenset({"report.issued"}), own=True, same_subject=False),
)

_TABLE = (
    Kind("report.issued", _ISSUERS, Subject.NEW, ("document",), effect=Effect.ISSUES),
    Kind("report.amended", _ISSUERS, Subject.OWNED, ("document", "links"), _REPLACES, Effect.REPLACES, True),
    Kind("report.withdrawn", _ISSUERS, Subject.OWNED, ("reason", "links"), _REPLACES, Effect.WITHDRAWS, True),
    Kind("access.granted", _ISSUERS, Subject.EXISTING, ("access", "links"), _OPENS_A_VERSION),
    Kind("access.denied", _ISSUERS, Subject.EXISTING, ("access", "reason", "links"), _OPENS_A_VERSION),
    Kind(
        "access.emergency",
        _ISSUERS,
        Subject.EXISTING,
        ("access", "reason", "links"),
        _OPENS_A_VERSION,
        while_suspended=True,
    ),
    Kind("recognition.accepted", _DECIDERS, Subject.EXISTING, ("policy", "links"), _DECIDES),
    Kind("recognition.declined", _DECIDERS, Subject.EXISTING, ("policy", "reason", "links"), _DECIDES),
    Kind("repeat.ordered", _DECIDERS, Subject.EXISTING, ("policy", "reason", "links"), _REPEATS),
    Kind("repeat.resulted", _DECIDERS, Subject.EXISTING, ("links",), _RESULTS),
)

KINDS: dict[str, Kind] = {kind.name: kind for kind in _TABLE}
