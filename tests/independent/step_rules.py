"""Step 12, `rules`: docs/spec/kinds.md, whose table is read as it stands, and kinds.schema.json."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema_rs
import rfc8785

from .evidence_forms import WITHHELD, Logged, Refused, Registry, Unchecked, require
from .standards import sha256

if TYPE_CHECKING:
    from .evidence import Package

SPEC = Path(__file__).parents[2] / "docs" / "spec"
RULES = ("policy.published", "catalogue.published", "codemap.published", "institution.profiled", "statement.corrected")
ROLES = frozenset(("hospital", "laboratory", "quality-control", "regulator", "insurer", "court", "auditor", "operator"))
"""registry.md, Changes."""
LATE_SECONDS = 3_600
ABROAD = {"index", "origin", "witnessId"}


@dataclass(frozen=True)
class Link:
    """What the table says of a link. No kinds: a statement of any kind."""

    rel: str
    required: bool
    kinds: frozenset[str]
    own: bool
    current: bool
    elsewhere: bool
    abroad: bool
    by_access: bool


@dataclass(frozen=True)
class Kind:
    """A row of the table."""

    name: str
    roles: frozenset[str]
    new: bool
    owner_only: bool
    of_policy: bool
    parts: frozenset[str]
    links: dict[str, Link]


def quoted(text: str) -> list[str]:
    """What stands in back-quotes."""
    return re.findall("`([^`]+)`", text)


@cache
def kinds() -> dict[str, Kind]:
    """The table of kinds.md."""
    table = (SPEC / "kinds.md").read_text().split("<!-- kinds -->")[1].split("<!-- /kinds -->")[0]
    found = {}
    for row in table.strip().splitlines()[2:]:
        name, _, who, subject, parts, links = (cell.strip() for cell in row.strip("|").split(" | "))
        roles = ROLES if who == "any role" else frozenset(who.split(", "))
        read = [] if links == "–" else [_link(text) for text in links.split("; ")]
        found[quoted(name)[0]] = Kind(
            quoted(name)[0], roles, subject.startswith("new"), "owner only" in subject,
            "of the policy" in subject, frozenset(quoted(parts)), {link.rel: link for link in read},
        )  # fmt: skip
    return found


def _link(text: str) -> Link:
    left, right = text.split(" → ")
    by_access = "the version that `access` names" in right
    return Link(
        rel=quoted(left)[0],
        required="may have" not in left,
        kinds=frozenset() if by_access else frozenset(quoted(right)),
        own=right.startswith("own "),
        current="the current one" in right,
        elsewhere="another subject" in right,
        abroad="of another log" in right,
        by_access=by_access,
    )


@cache
def schema() -> dict[str, Any]:
    return json.loads((SPEC / "kinds.schema.json").read_text())


@cache
def form(name: str) -> Any:
    """What judges the value of a structural part; none for a personal one."""
    known = f"part.{name}" in schema()["$defs"]
    return jsonschema_rs.Draft202012Validator(schema() | {"$ref": f"#/$defs/part.{name}"}) if known else None


@dataclass
class Said:
    """A statement with what its parts show."""

    index: int
    id: str
    item: Logged
    shown: dict[str, Any]
    withheld: set[str]
    wrong: set[str]

    @property
    def kind(self) -> str:
        return self.item.word(1).rstrip(b"\0").decode()

    @property
    def subject(self) -> bytes:
        return self.item.word(3)

    @property
    def links(self) -> list[dict[str, Any]]:
        return self.shown.get("links", [])

    def link(self, rel: str) -> str | None:
        return next((link["statement"] for link in self.links if link["rel"] == rel), None)


@dataclass
class Walk:
    """All statements of a package, by which each is judged."""

    package: "Package"
    said: list[Said]
    unchecked: list[str] = field(default_factory=list)

    def find(self, id: str | None) -> Said | None:
        return next((one for one in self.said if one.id == id), None)

    def before(self, one: Said) -> list[Said]:
        """What the timeline has, earlier."""
        return [other for other in self.said if other.index in self.timeline and other.index < one.index]

    @property
    def timeline(self) -> list[int]:
        return self.package.manifest["roles"]["timeline"]

    def doubt(self, condition: bool, why: str) -> bool:
        """Note what cannot be seen; whether that is so."""
        if condition:
            self.unchecked.append(why)
        return condition

    def judge(self, path: str, one: Said) -> None:
        """One statement: `Refused` before `Unchecked`."""
        self.unchecked = []
        kind = kinds().get(one.kind)
        require(kind is not None, f"{path}: kind {one.kind}")
        told = (self.subject, self.links, self.particular) if one.index in self.timeline else ()
        names = {*one.shown, *one.withheld, *one.wrong}
        checks = (self.role, self.numbers, self.parts, *told)
        if self.doubt(kind.parts <= names and bool(kind.parts & one.withheld), "a required part is withheld"):
            checks = (self.role, self.numbers)
        for check in checks:
            try:
                check(kind, one)
            except Refused as error:
                raise Refused(f"{path}: {error}") from None
        if self.unchecked:
            raise Unchecked(f"{path}: {'; '.join(self.unchecked)}")

    def registry(self, one: Said) -> Registry:
        """As of the covering head, as far as changes are known."""
        event, known = self.package.covering(one.index), self.package.known
        return self.package.registry.until(min(event["registryCount"], known) if event else known)

    def role(self, kind: Kind, one: Said) -> None:
        if one.index in self.package.manifest["roles"]["rules"]:
            require(one.kind in RULES or one.kind.startswith("qualification."), "it is no rule")
        registry = self.registry(one)
        own = [change for change in registry.changes if change["institution"] == one.item.institution]
        roles = {change["role"] for change in own if change["action"] == "admitted"}
        require(roles & kind.roles, f"{sorted(roles)} may not sign {kind.name}")

    def numbers(self, _: Kind, one: Said) -> None:
        """The order of a key's sequences is that of the log."""
        for other in self.said:
            if other.item.key == one.item.key and other.index < one.index:
                require(other.item.sequence < one.item.sequence, "a sequence number that was used before")

    def parts(self, kind: Kind, one: Said) -> None:
        require(not one.wrong, f"form of the parts {sorted(one.wrong)}")
        require(kind.parts <= {*one.shown, *one.withheld}, f"parts of {sorted(kind.parts)} are missing")
        policy, rules = one.shown.get("policy"), one.shown.get("rules")
        if policy is not None and rules is not None:
            require(sha256(rfc8785.dumps(rules)).hex() == policy.get("digest"), "digest of the rules")
        access = one.shown.get("access")
        if kind.name == "access.emergency" and access is not None:
            issued = int.from_bytes(one.item.word(5), "big")
            require(access.get("late") or issued - access["at"] <= LATE_SECONDS, "it does not say that it is late")
        if "links" not in one.withheld:
            self.rels(kind, one)

    def subject(self, kind: Kind, one: Said) -> None:
        before = self.before(one)
        if kind.new:
            require(not before, "its subject is not new")
            require(not one.subject.endswith(b"imported") or kind.name == "import.issued", "a reserved subject")
        else:
            require(before, "nothing began its subject")
        if kind.owner_only:
            self.same_institution(before[0], one, "it is not the owner of its subject")
        policy = one.shown.get("policy")
        if kind.of_policy and policy is not None:
            require(one.subject == policy_subject(policy), "its subject is not that of the policy")

    def same_institution(self, earlier: Said, later: Said, why: str) -> None:
        """The same, or its registered successor."""
        ended, registry = earlier.item.institution, self.registry(later)
        seen = set()
        while ended != later.item.institution and ended not in seen:
            seen.add(ended)
            for change in registry.changes:
                if change["action"] == "exited" and change["institution"] == ended:
                    ended = bytes.fromhex(change["data"][2:]).rstrip(b"\0").decode("latin-1")
        require(ended == later.item.institution, why)

    def rels(self, kind: Kind, one: Said) -> None:
        """The links that a kind has, whatever they lead to."""
        rels = [link["rel"] for link in one.links]
        require(len(set(rels)) == len(rels) and set(rels) <= set(kind.links), f"links {rels}")
        require({rel for rel, link in kind.links.items() if link.required} <= set(rels), f"links {rels}")
        for link in one.links:
            abroad = ABROAD if kind.links[link["rel"]].abroad else set()
            require(set(link) - {"rel", "statement"} == abroad, "members of a link")

    def links(self, kind: Kind, one: Said) -> None:
        for link in one.links:
            rule = kind.links[link["rel"]]
            if rule.abroad:
                self.doubt(True, "reports of other logs are not judged here")
                continue
            target = self.find(link["statement"])
            if not self.doubt(target is None, f"what the link {rule.rel} leads to is not there"):
                self.target(rule, one, target)

    def target(self, rule: Link, one: Said, target: Said) -> None:
        require(target.index < one.index, f"the link {rule.rel} leads to something later")
        require(not rule.kinds or target.kind in rule.kinds, f"the link {rule.rel} leads to {target.kind}")
        require(rule.elsewhere != (target.subject == one.subject), f"the subject that the link {rule.rel} leads to")
        if rule.own:
            self.same_institution(target, one, f"the link {rule.rel} leads to what is another's")
        if rule.current:
            later = [other for other in self.before(one) if other.index > target.index and self.replaces(other)]
            require(not later, f"the link {rule.rel} leads to what is not current")
        access = self.find(one.link("access"))
        if rule.by_access and access is not None and not self.doubt("links" in access.withheld, "links of the access"):
            require(access.link("report") == target.id, f"the link {rule.rel} leads to another version than was opened")

    @staticmethod
    def replaces(one: Said) -> bool:
        """Whether it takes the place of what was current in its subject."""
        link = kinds()[one.kind].links.get("replaces") if one.kind in kinds() else None
        return link is not None and link.current

    def particular(self, kind: Kind, one: Said) -> None:
        """What is asked of some kinds alone."""
        policy, published = one.shown.get("policy"), self.find(one.link("policy"))
        if policy is not None and published is not None:
            require(published.subject == policy_subject(policy), "another policy than it links to")
        version = self.find(one.link("report"))
        if kind.name == "recognition.accepted" and version is not None:
            later = [other for other in self.before(one) if other.index > version.index and self.replaces(other)]
            wanted = later and ("withdrawn" if later[-1].kind.endswith(".withdrawn") else "superseded")
            if not self.doubt("knowingly" in one.withheld, "knowingly is withheld") and wanted:
                told = one.shown.get("knowingly", {}).get("version")
                require(told == wanted, f"the version was {wanted}, which it does not say")


def policy_subject(policy: dict[str, Any]) -> bytes:
    """The subject of the rules that a part names, with their digest."""
    require("digest" in policy, "a policy without its digest")
    named = [b"huzheng policy", *(policy[name].encode() for name in ("policy", "version", "digest"))]
    return sha256(b"\0".join(named))


def rules(package: "Package") -> None:
    """Every statement, in the order of the log."""
    package.need("registry", "statements")
    walk = Walk(package, sorted(read(package), key=lambda one: one.index))
    judge: Callable[[str, Said], None] = walk.judge
    package.look("rules", ((f"{one.index}", one) for one in walk.said), judge)


def read(package: "Package") -> Iterator[Said]:
    """Statements with their ids. A part of another form than its name asks shows nothing to others."""
    for item in package.statements.values():
        values = {name: value for name, _, value in item.parts if value is not WITHHELD}
        wrong = {name for name, value in values.items() if form(name) and not form(name).is_valid(value)}
        shown = {name: value for name, value in values.items() if name not in wrong}
        withheld = {name for name, _, value in item.parts if value is WITHHELD}
        yield Said(item.index, "0x" + package.statement_id(item).hex(), item, shown, withheld, wrong)
