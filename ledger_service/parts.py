"""The parts that have a listed form, as data (docs/spec/kinds.md, Parts). They are structural: nothing personal is in
them.

Whatever a kind requires, the door, the audit, the sender and the JSON Schemas read a part's form from here.
"""

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from anchors.core.canonical import MAX_INTEGER
from ledger_service.recognition.policy import PolicyDocument

Digest = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]
StatementId = Annotated[str, Meta(pattern=r"^0x[0-9a-f]{64}\Z")]
Word = Annotated[str, Meta(pattern=r"^[ -~]{1,64}\Z")]
Code = Annotated[str, Meta(pattern=r"^[!-~]{1,32}\Z")]
Name = Annotated[str, Meta(pattern=r"^[^\x00-\x1f\x7f-\x9f]{1,128}\Z")]
Count = Annotated[int, Meta(ge=0, le=MAX_INTEGER)]
Seconds = Count
Tier = Annotated[int, Meta(ge=0, le=3)]
Day = Annotated[str, Meta(pattern=r"^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])\Z")]
Moment = Annotated[
    str,
    Meta(
        pattern=r"^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?"
        r"(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])\Z"
    ),
]
"""Clinical time, always with its zone (RFC 3339; seconds may be missing)."""

Pseudonym = Annotated[str, Meta(pattern=r"^p1\.[0-9a-f]{16}\.[0-9a-f]{64}\Z")]
"""A number under a key (docs/PRIVACY.md): who has no key can try no numbers against it."""

Zone = Annotated[str, Meta(pattern=r"^[+-](0[0-9]|1[0-4]):[0-5][0-9]\Z")]
"""A city's fixed offset from UTC."""

Category = Literal["laboratory", "imaging", "functional", "pathology"]
Extent = Literal["result", "conclusion"]
"""What was measured or pictured, or what a doctor concluded from it (诊断结论)."""


class _Form(Struct, forbid_unknown_fields=True, frozen=True, omit_defaults=True, gc=False):
    pass


class Document(_Form):
    """The document as received, byte for byte."""

    bytes: Count
    format: Literal["fhir-json", "hl7v2", "cda", "dicom", "pdf", "raw"]
    sha256: Digest
    sm3: Digest


class Examination(_Form):
    """What was examined: its code as the source wrote it, when the sample was taken or the picture made, by whom, and
    how the report came. `modality` is by what pictures were made, as DICOM writes it (`US`); `performer` and
    `custodian` are institutions where they are not the one that signs."""

    at: Moment
    category: Category
    item: Word
    system: Word
    channel: Literal["platform", "paper", "film"] = "platform"
    complete: bool = True
    custodian: Code | None = None
    marks: list[Name] = []
    modality: Word | None = None
    performer: Code | None = None


class Reason(_Form):
    """A reason from the list of the policy in force."""

    code: Word


class Policy(_Form):
    """Which rules a decision rests on; `digest` is the SHA-256 of their canonical text."""

    policy: Word
    version: Word
    digest: Digest | None = None


class Decision(_Form):
    """What of the report was decided on, and when."""

    at: Moment
    extent: list[Extent]


class Knowingly(_Form):
    """That the version relied on was known not to be the current one."""

    version: Literal["superseded", "withdrawn"]


class Access(_Form):
    """When the report was opened or refused, and the recorded basis of the use; `late` where that is recorded long
    after."""

    at: Seconds
    basis: Word
    late: bool = False


class Reminder(_Form):
    """When a doctor was reminded, at the visit or at ordering, and of which item."""

    at: Seconds
    hook: Literal["patient-view", "order-sign"]
    item: Word | None = None


class Explanation(_Form):
    """When it was explained to the patient or the family, and what."""

    at: Seconds
    of: list[Literal["purpose", "necessity", "refusal"]]


class Outcome(_Form):
    """What the repeated examination showed beside the first."""

    compared: Literal["agrees", "differs", "not-comparable"]


class Review(_Form):
    """What experts found of a repeat."""

    finding: Literal["necessary", "unnecessary", "undecided"]


class Consent(_Form):
    """What was consented to, and until when."""

    at: Seconds
    scope: Word
    until: Day | None = None


class Group(_Form):
    """A medical alliance (医联体, 医共体, 医疗集团) and how long the institution belonged to it."""

    group: Word
    since: Day
    until: Day | None = None


class Connection(_Form):
    """A step of an institution towards the platform (全民健康信息平台) from a day on: the agreement is signed (已签约),
    systems are being joined (对接中), connected (已接入), left again (已退出)."""

    since: Day
    state: Literal["agreed", "integrating", "connected", "left"]


class Profile(_Form):
    """An institution from a day on: tier 3 to 1 (三级 to 一级), 0 without one. `connection` are all its steps towards
    the platform, none where nobody says."""

    institution: Code
    name: Name
    since: Day
    tier: Tier
    ownership: Literal["public", "private"]
    district: Name
    city: Name
    region: Name
    connection: list[Connection] = []
    groups: list[Group] = []
    pilot: list[Word] = []


class Qualification(_Form):
    """Quality control passed: for which items of a category (none named: all), in which scope, under which marks."""

    institution: Code
    category: Category
    since: Day
    until: Day
    scope: list[Name]
    items: list[Word] = []
    marks: list[Name] = []


class Since(_Form):
    """From which day on something holds."""

    since: Day


class Item(_Form):
    """One examination of a catalogue; `window` is how many days its result is good for, `price` in cents of a yuan."""

    item: Word
    category: Category
    name: Name
    price: Count | None = None
    window: Count | None = None


class Catalogue(_Form):
    """One section of a version of a catalogue."""

    catalogue: Word
    version: Word
    since: Day
    section: Count
    sections: Count
    items: list[Item]


class CodeMap(_Form):
    """One section of a version of a code map: pairs of a code of `source` and a code of `target`, many to many."""

    codemap: Word
    version: Word
    since: Day
    section: Count
    sections: Count
    source: Word
    target: Word
    pairs: list[tuple[Word, Word]]


class Basis(_Form):
    """On what an act rests: a law, an order, a file number."""

    basis: Word


class Insurance(_Form):
    """Insurance that the statement has to do with, by the insurer's number under a key: the cover (互认责任险) under
    which a hospital decides, the claim that a dispute is about, the settlement (医保清算) that rests on figures."""

    insurer: Code
    of: Literal["cover", "claim", "settlement"]
    reference: Pseudonym


class Export(_Form):
    """What left in an evidence package."""

    bytes: Count
    sha256: Digest
    disclosed: list[Word]
    withheld: list[Word]


class Statistics(_Form):
    """Figures over the first `size` entries, for a period of days in a zone: digests of the figures and of the
    statements behind them."""

    since: Day
    until: Day
    size: Count
    figures: Digest
    evidence: Digest
    zone: Zone


class Erasure(_Form):
    """Which parts were erased, and why."""

    parts: list[Word]
    basis: Word


class Correction(_Form):
    """Which parts of the statement are wrong; what is right stands in a part beside this one."""

    parts: list[Word]


class Readings(_Form):
    """One day of the log of who read what: how many records, and the hash of the last."""

    day: Day
    count: Count
    head: Digest


class Proof(_Form):
    """What another log said: the text of its proof file."""

    file: str


class Link(_Form):
    """A named reference to an earlier statement. The other members belong to one of another log: its place there, and
    a head there that covers it."""

    rel: Annotated[str, Meta(min_length=1, max_length=32)]
    statement: StatementId
    origin: str | UnsetType = UNSET
    index: Count | UnsetType = UNSET
    witnessId: StatementId | UnsetType = UNSET

    @property
    def is_foreign(self) -> bool | None:
        """Whether it names a statement of another log; None where it does so by halves."""
        if self.origin is UNSET and self.index is UNSET and self.witnessId is UNSET:
            return False
        return None if UNSET in (self.origin, self.index, self.witnessId) else True


PART_FORMS: dict[str, Any] = {
    "access": Access,
    "basis": Basis,
    "catalogue": Catalogue,
    "codemap": CodeMap,
    "consent": Consent,
    "correction": Correction,
    "decision": Decision,
    "document": Document,
    "erasure": Erasure,
    "examination": Examination,
    "explanation": Explanation,
    "export": Export,
    "insurance": Insurance,
    "knowingly": Knowingly,
    "links": list[Link],
    "outcome": Outcome,
    "policy": Policy,
    "profile": Profile,
    "proof": Proof,
    "qualification": Qualification,
    "readings": Readings,
    "reason": Reason,
    "reminder": Reminder,
    "review": Review,
    "rules": PolicyDocument,
    "since": Since,
    "statistics": Statistics,
}
