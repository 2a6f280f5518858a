"""The verdict over an evidence package, as `huzheng verify --json` gives it (docs/spec/evidence.md, The verdict)."""

from typing import Any, Literal

import msgspec

from anchors.core.errors import MalformedInput

State = Literal["VERIFIED", "FAILED", "NOT_CHECKED", "NOT_PROVABLE"]
STATES: tuple[State, ...] = ("VERIFIED", "FAILED", "NOT_CHECKED", "NOT_PROVABLE")


class _Form(msgspec.Struct, frozen=True, rename="camel"):
    pass


class Both(_Form):
    """A sentence in two languages."""

    zh: str
    en: str


class Package(_Form):
    """What was judged. Times are Unix seconds."""

    bytes: int
    exported_at: int
    exporter: str
    origin: str
    sha256: str
    size: int
    subject: str
    tool: str


class Item(_Form):
    """One of the things that a step looked at."""

    about: str
    state: State
    zh: str
    en: str


class Step(_Form):
    """A claim about the package."""

    number: int
    claim: str
    state: State
    zh: str
    en: str
    items: list[Item]


class BlockTime(_Form):
    """A block's number and time."""

    block: int
    time: int


class PartSeen(_Form):
    """A part of a statement: its value, or the leaf of one that is withheld."""

    name: str
    value: Any = None
    withheld: str | None = None


class StatementSeen(_Form):
    """A statement of the package."""

    index: int
    statement: str
    role: Literal["timeline", "rules", "linked"]
    kind: str
    institution: str
    key: str
    issued_at: int
    signed_after: BlockTime | None
    signed_before: BlockTime | None
    parts: list[PartSeen]
    links: dict[str, str]

    def value(self, part: str) -> Any:
        """What a shown part says; None where it is withheld or not there."""
        return next((found.value for found in self.parts if found.name == part), None)


class DocumentSeen(_Form):
    """An original document of the package, and the statement that commits to it."""

    sha256: str
    sm3: str
    bytes: int
    statement: str | None


class FactSeen(msgspec.Struct, frozen=True):
    """What the package's statements say of who did what."""

    code: str
    says: str
    claim: State
    zh: str
    en: str
    statements: list[str]
    index: int
    institution: str


class Custody(_Form):
    """One act on the package."""

    at: int
    by: str
    did: str
    members: list[str]
    tool: str


class Verdict(_Form):
    """All of it."""

    holds: bool
    package: Package | None
    steps: list[Step]
    counts: dict[str, int]
    statements: list[StatementSeen]
    documents: list[DocumentSeen]
    facts: list[FactSeen]
    custody: list[Custody]
    rests_on: list[Both]
    never_proved: list[Both]
    error: str | None = None

    def state_of(self, claim: str) -> State:
        """The state of a step; NOT_CHECKED where it was not taken."""
        return next((step.state for step in self.steps if step.claim == claim), "NOT_CHECKED")

    def of_role(self, *roles: str) -> list[StatementSeen]:
        """The statements of these roles, in log order."""
        return sorted((each for each in self.statements if each.role in roles), key=lambda each: each.index)


def read_verdict(members: dict[str, Any]) -> Verdict:
    """The verdict. Raises `MalformedInput`."""
    try:
        return msgspec.convert(members, Verdict)
    except msgspec.ValidationError as error:
        raise MalformedInput(f"the verdict has another form: {error}; make it with 'huzheng verify --json'") from None
