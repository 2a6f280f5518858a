"""A policy of mutual recognition as data: its form, how it is read, its digest (docs/spec/policy.md).

Every rule carries the clause that it comes from, so that an answer can name it. A document that makes no sense is
refused when it is read, never when a decision is made.
"""

from datetime import date
from hashlib import sha256
from itertools import pairwise
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from anchors.core import canonical
from anchors.core.errors import MalformedInput
from ledger_service.recognition.policy_words import (
    Clause,
    Code,
    Days,
    Extent,
    Form,
    Named,
    Ownership,
    Place,
    PlaceLevel,
    Tier,
    Words,
    check_order,
    check_unique,
)


class InForce(Form):
    """The days on which the policy holds; both count. Without `last` it holds until another takes its place."""

    clause: Clause
    first: date
    last: date | None = None

    def __post_init__(self) -> None:
        check_order(self.first, self.last)


class Area(Named):
    """A set of places of one level, each under every name that profiles may use: a city, a region, a pilot county."""

    id: Code
    level: PlaceLevel
    places: Annotated[tuple[Place, ...], Meta(min_length=1)]

    def __post_init__(self) -> None:
        check_unique("place", self.places)


class Level(Named):
    """Tiers that count as one level among themselves, such as 一级及以下."""

    tiers: Annotated[tuple[Tier, ...], Meta(min_length=1)]


class GroupKind(Named):
    """A kind of group of institutions: 紧密型城市医联体, 县域医共体. Profiles write a group as `kind/name`."""

    id: Annotated[str, Meta(pattern=r"^[!-.0-~]{1,32}\Z")]


class Window(Form):
    """For how many calendar days after the examination a result is recognised as a rule. Advice to the doctor."""

    clause: Clause
    days: Days


class Category(Named):
    """A category of items that the policy covers."""

    id: Code
    window: Window | None = None


class Excluded(Named):
    """A category that the policy leaves out, for example pathology."""

    id: Code
    clause: Clause


class ExcludedPart(Named):
    """A part of a report that the policy leaves out, for example the diagnostic conclusion."""

    id: Extent
    clause: Clause


class Categories(Form):
    """What the policy covers. A category that stands in neither list is not covered, by `clause`."""

    clause: Clause
    included: Annotated[tuple[Category, ...], Meta(min_length=1)]
    excluded: tuple[Excluded, ...] = ()

    def __post_init__(self) -> None:
        check_unique("category", [category.id for category in (*self.included, *self.excluded)])


class ItemWindow(Form):
    """A window of one item, which stands in place of its category's."""

    item: Code
    clause: Clause
    days: Days


class Catalogue(Form):
    """The list of items that the policy refers to. The list itself is a document of its own."""

    clause: Clause
    title: Named


class Caveat(Named):
    """What a doctor is told of results of a category that were made by one of these modalities, as DICOM (PS3.3
    C.7.3.1.1.1) writes them: `US` is ultrasound."""

    id: Code
    clause: Clause
    category: Code
    modalities: Annotated[tuple[Code, ...], Meta(min_length=1)]

    def __post_init__(self) -> None:
        check_unique("modality", self.modalities)


class Party(Form):
    """What a rule asks of one of the two institutions; `pilot` names a pilot scheme. What is left out is not asked."""

    tiers: tuple[Tier, ...] = ()
    ownership: Ownership | None = None
    area: Code | None = None
    outside: Code | None = None
    pilot: Code | None = None

    def __post_init__(self) -> None:
        if not (self.tiers or self.ownership or self.area or self.outside or self.pilot):
            raise ValueError("a party without a condition says nothing; leave it out")
        check_unique("tier", self.tiers)


class Step(Form):
    """Whom a phase opens the rule to. Up to and including `due` the step is being put in place."""

    recogniser: Party | None = None
    issuer: Party | None = None
    groups: tuple[Code, ...] = ()
    due: date | None = None


class Phase(Form):
    """The days on which a rule is open, to whom any of `steps` names, or to everyone where there are none."""

    clause: Clause
    first: date
    last: date | None = None
    steps: tuple[Step, ...] = ()

    def __post_init__(self) -> None:
        check_order(self.first, self.last)
        for step in self.steps:
            if step.due is not None and not self.first <= step.due <= (self.last or date.max):
                raise ValueError(f"the due day {step.due} is outside its phase; correct one of them")


class Scope(Named):
    """One rule of who recognises whom. The policy calls for recognition where any of its scopes does.

    `relation`: `same` level; `across`, two levels; or `same-or-higher`, the issuer's level not below the recogniser's
    (下级认上级). `groups`: both belong to one group of one of these kinds. A scope without phases is always open.
    """

    id: Code
    clause: Clause
    relation: Literal["same", "across", "same-or-higher"] | None = None
    recogniser: Party | None = None
    issuer: Party | None = None
    groups: tuple[Code, ...] = ()
    phases: tuple[Phase, ...] = ()

    def __post_init__(self) -> None:
        ordered = sorted(self.phases, key=lambda phase: phase.first)
        for earlier, later in pairwise(ordered):
            if earlier.last is None or earlier.last >= later.first:
                raise ValueError(
                    f"scope {self.id!r}: two phases overlap on {later.first}; end one before the other begins"
                )


class Mark(Form):
    """A recognition mark (互认标识) as printed on a report, and the area that it names."""

    text: Words
    area: Code


class QualificationRule(Form):
    """Only items that passed quality evaluation are recognised, inside the scope of their qualification.

    `months`: a quality evaluation is due at least this often. `marks`: those that the policy names, not all there are.
    """

    clause: Clause
    months: Annotated[int, Meta(ge=1, le=120)] | None = None
    marks: tuple[Mark, ...] = ()

    def __post_init__(self) -> None:
        check_unique("mark", [mark.text for mark in self.marks])


class Ruling(Form):
    """A rule that needs no more than its clause."""

    clause: Clause


class Emergency(Form):
    """In an emergency the doctor may examine again; `reason` is that reason's code in the list of reasons."""

    clause: Clause
    reason: Code


class Reason(Named):
    """A reason for which a result may be declined or an examination repeated."""

    code: Code
    clause: Clause
    explain: bool = False


class Refusal(Form):
    """What a hospital owes that does not recognise. `reasons` is None where the policy's list is not known.

    `explain`: whether every refusal is explained to the patient; None where the policy does not say.
    """

    clause: Clause
    explain: bool | None = None
    reasons: Annotated[tuple[Reason, ...], Meta(min_length=1)] | None = None

    def __post_init__(self) -> None:
        check_unique("reason", [reason.code for reason in self.reasons or ()])


class Record(Form):
    """What the medical record holds of a recognised result."""

    clause: Clause
    members: Annotated[tuple[Code, ...], Meta(min_length=1)]


class Reminder(Form):
    """The platform reminds the doctor of a result that can be recognised and is inside its window: at the visit
    (`patient-view`), at ordering (`order-sign`), or as the policy leaves open."""

    clause: Clause
    hook: Literal["patient-view", "order-sign"] | None = None


class PolicyDocument(Form):
    """A policy. `sample` marks one that no authority published; `number` is its document number (文号)."""

    format: Literal["huzheng policy v1"]
    policy: Code
    version: Code
    title: Named
    issuers: Annotated[tuple[Words, ...], Meta(min_length=1)]
    zone: Annotated[str, Meta(pattern=r"^[+-](0[0-9]|1[0-3]):(00|15|30|45)\Z")]
    levels: Annotated[tuple[Level, ...], Meta(min_length=1)]
    area: Code
    area_clause: Clause
    categories: Categories
    scopes: Annotated[tuple[Scope, ...], Meta(min_length=1)]
    areas: Annotated[tuple[Area, ...], Meta(min_length=1)]
    sample: bool = False
    number: Words | None = None
    issued: date | None = None
    in_force: InForce | None = None
    groups: tuple[GroupKind, ...] = ()
    items: tuple[ItemWindow, ...] = ()
    excluded_parts: tuple[ExcludedPart, ...] = ()
    caveats: tuple[Caveat, ...] = ()
    catalogue: Catalogue | None = None
    qualification: QualificationRule | None = None
    complete: Ruling | None = None
    physical: Ruling | None = None
    emergency: Emergency | None = None
    refusal: Refusal | None = None
    record: Record | None = None
    reminders: tuple[Reminder, ...] = ()

    def __post_init__(self) -> None:
        check_unique("area", [area.id for area in self.areas])
        check_unique("group kind", [kind.id for kind in self.groups])
        check_unique("tier", [tier for level in self.levels for tier in level.tiers])
        check_unique("item", [item.item for item in self.items])
        check_unique("excluded part", [part.id for part in self.excluded_parts])
        check_unique("caveat", [caveat.id for caveat in self.caveats])
        check_unique("scope", [scope.id for scope in self.scopes])
        _check_areas(self)
        _check_caveats(self)
        for scope in self.scopes:
            _check_scope(self, scope)
        reasons = self.refusal.reasons if self.refusal is not None else None
        if self.emergency is not None and self.emergency.reason not in [reason.code for reason in reasons or ()]:
            raise ValueError(f"emergency: {self.emergency.reason!r} is not on the list of reasons; add it there")


def convert_policy(value: Any) -> PolicyDocument:
    """The policy that a JSON value is, for example the value of a part. Raises `MalformedInput`.

    A member that says nothing (null, false, an empty list) is refused, so that one policy has one canonical text.
    """
    text = canonical.encode(value)
    try:
        document = msgspec.convert(value, PolicyDocument)
    except msgspec.ValidationError as error:
        raise MalformedInput(f"policy: {str(error)[:300]}") from None
    if policy_text(document) != text:
        raise MalformedInput("policy: leave out members that say nothing (null, false, an empty list)")
    return document


def policy_text(document: PolicyDocument) -> bytes:
    """Its canonical text (RFC 8785)."""
    return canonical.encode(msgspec.to_builtins(document))


def policy_digest(document: PolicyDocument) -> bytes:
    """SHA-256 of its canonical text, 32 bytes: what a decision names beside policy and version."""
    return sha256(policy_text(document)).digest()


def _check_areas(document: PolicyDocument) -> None:
    known = {area.id for area in document.areas}
    marks = document.qualification.marks if document.qualification is not None else ()
    for area in (document.area, *(mark.area for mark in marks)):
        if area not in known:
            raise ValueError(f"area {area!r} is not among the areas; add it there")


def _check_caveats(document: PolicyDocument) -> None:
    included = [category.id for category in document.categories.included]
    for caveat in document.caveats:
        if caveat.category not in included:
            raise ValueError(
                f"caveat {caveat.id!r}: category {caveat.category!r} is not among the included; add it there"
            )


def _check_scope(document: PolicyDocument, scope: Scope) -> None:
    areas = {area.id for area in document.areas}
    kinds = {kind.id for kind in document.groups}
    tiers = {tier for level in document.levels for tier in level.tiers}
    for rule in (scope, *(step for phase in scope.phases for step in phase.steps)):
        check_unique("group kind", rule.groups)
        for kind in rule.groups:
            if kind not in kinds:
                raise ValueError(f"scope {scope.id!r}: group kind {kind!r} is not among the groups; add it there")
        for party in (rule.recogniser, rule.issuer):
            if party is None:
                continue
            for area in (party.area, party.outside):
                if area is not None and area not in areas:
                    raise ValueError(f"scope {scope.id!r}: area {area!r} is not among the areas; add it there")
            if unknown := sorted(set(party.tiers) - tiers):
                raise ValueError(f"scope {scope.id!r}: tier {unknown[0]} is in no level; add it there")
