"""What is known of a report, of the two institutions and of the moment, when a policy is asked (docs/spec/policy.md).

Every fact may be None: not known. Nothing here is guessed from anything else.
"""

from datetime import date, datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

from ledger_service.recognition.policy_words import Extent, Ownership, Tier

Instant = Annotated[datetime, Meta(tz=True)]


class _Facts(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True, gc=False):
    pass


class Profile(_Facts):
    """An institution as it was at the moment of the decision, in the words of its `institution.profiled`.

    `groups` are written `kind/name`, the kind in the words of the policy; `pilots` are the pilot schemes that it is in.
    """

    code: str | None = None
    tier: Tier | None = None
    ownership: Ownership | None = None
    region: str | None = None
    city: str | None = None
    district: str | None = None
    groups: frozenset[str] | None = None
    pilots: frozenset[str] | None = None


class Qualification(_Facts):
    """The issuer's qualification for the item as it was on the day of the examination.

    `scope`: the places where it counts (互认范围); `evaluated`: the day of the last quality evaluation passed before.
    """

    state: Literal["granted", "none", "lapsed", "suspended", "revoked"] | None = None
    scope: frozenset[str] | None = None
    evaluated: date | None = None


class Facts(_Facts):
    """`category`, `item` and `in_catalogue` are in the words of the policy and its catalogue, after code mapping.

    `modality`: by what the pictures were made, as DICOM writes it: `CT`, `MR`, `US`.

    `extent`: which parts of the report the decision is about. `examined`: when the sample was taken or the examination
    made; `decided`: when the doctor decides. `marks`: the recognition marks printed on the report. `connected`: whether
    the platform is in service and both institutions are connected to it. `complete`: whether report and images are
    complete and in order. `version`: of the report as seen.
    """

    category: str | None = None
    item: str | None = None
    modality: str | None = None
    in_catalogue: bool | None = None
    extent: frozenset[Extent] | None = None
    examined: Instant | None = None
    decided: Instant | None = None
    issuer: Profile = Profile()
    recogniser: Profile = Profile()
    qualification: Qualification = Qualification()
    marks: frozenset[str] | None = None
    channel: Literal["platform", "paper", "film"] | None = None
    connected: bool | None = None
    version: Literal["current", "superseded", "withdrawn"] | None = None
    complete: bool | None = None
    emergency: bool | None = None
