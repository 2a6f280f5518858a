"""What a kind of statement is made of: who signs it, its subject, parts and links, and what it does."""

from dataclasses import dataclass, field
from enum import Enum


class Role:
    """Roles that kinds ask for, as the registry names them."""

    HOSPITAL = "hospital"
    LABORATORY = "laboratory"
    QUALITY_CONTROL = "quality-control"
    REGULATOR = "regulator"
    INSURER = "insurer"
    COURT = "court"
    AUDITOR = "auditor"
    OPERATOR = "operator"


class Subject(Enum):
    """What a kind asks of its subject."""

    NEW = "new"
    EXISTING = "existing"
    OWNED = "existing; owner"


class Effect(Enum):
    """What a kind does to the current version of what its subject names."""

    NONE = "none"
    ISSUES = "issues"
    REPLACES = "replaces"
    WITHDRAWS = "withdraws"


@dataclass(frozen=True)
class LinkRule:
    """Where a link leads: its target's kinds (None: any), subject and institution.

    `named_by` is (rel, rel'): the target must be the one that the statement behind our link `rel` names as its `rel'`.
    `policy`: the target's subject must be that of the policy, version and digest which our part `policy` names.
    `foreign`: the target stands in another log, and our part `proof` shows it.
    """

    rel: str
    targets: frozenset[str] | None
    same_subject: bool = True
    own: bool = False
    current: bool = False
    named_by: tuple[str, str] | None = None
    policy: bool = False
    optional: bool = False
    foreign: bool = False


@dataclass(frozen=True)
class Kind:
    """One row of the table.

    `words` say in English and Chinese what was done. `parts` must be there, shown. `knowingly` names the link whose
    target, where it is not the current version, asks for the part `knowingly`. `of_policy`: the subject is that of the
    policy, version and digest which the part `policy` names.
    """

    name: str
    words: str
    roles: frozenset[str]
    subject: Subject
    parts: tuple[str, ...]
    links: tuple[LinkRule, ...] = ()
    effect: Effect = Effect.NONE
    knowingly: str | None = None
    of_policy: bool = False
    while_suspended: bool = False
    rels: frozenset[str] = field(init=False, repr=False)
    """What its links are called."""
    required_rels: frozenset[str] = field(init=False, repr=False)
    original: LinkRule | None = field(init=False, repr=False)
    """Of an import, its link to the statement of another log."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "rels", frozenset(rule.rel for rule in self.links))
        object.__setattr__(self, "required_rels", frozenset(rule.rel for rule in self.links if not rule.optional))
        object.__setattr__(self, "original", next((rule for rule in self.links if rule.foreign), None))
