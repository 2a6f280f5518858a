"""Topic `evidence`: whole packages, docs/spec/evidence.md. Each case has its package beside it, as a ZIP file."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import rfc8785

from . import clock, tree
from .evidence_forms import pack, rebuild
from .standards import ORIGIN, AccountKey, Case, Cases, base64_text, log_id, sha256
from .story import (
    BEGUN,
    CHANGES,
    COURT,
    COURT_KEY,
    FIRST,
    HOLD,
    ORIGINAL,
    READER,
    RECEIPT,
    REPORT,
    SECOND,
    Story,
    parts_shown,
)
from .typed_data import digest
from .vectors_blocks import FOUR, hexed, validator
from .vectors_proof import proof_text
from .vectors_registry import OTHER_HOSPITAL, heads

TOOL = "huzheng test vectors"
TOKEN = f"timestamps/{SECOND:012}-00-0000.tsr"
COMPLETENESS = "completeness.json"
CLAIMS = (
    "archive", "manifest", "registry", "exporter", "checkpoint", "heads", "blocks", "content", "logged", "signed",
    "times", "rules", "decisions", "documents", "acceptance", "timestamps", "cosigned", "complete",
)  # fmt: skip
SOUND = dict.fromkeys(CLAIMS, "VERIFIED") | {"acceptance": "NOT_CHECKED", "complete": "NOT_PROVABLE"}
"""What is said of the sound package: it has no acceptance, and completeness is nobody's to prove."""
NOTHING_READ = dict.fromkeys(CLAIMS, "NOT_CHECKED") | {"archive": "FAILED"}


@dataclass
class Package:
    """Members that are not yet sealed, and what the manifest says of them."""

    story: Story
    subject: bytes
    roles: dict[str, list[int]]
    exporter: str = OTHER_HOSPITAL
    key: AccountKey = READER
    withheld: dict[int, Sequence[str]] = field(default_factory=dict)
    members: dict[str, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        story = self.story
        self.members |= {
            "checkpoint.txt": story.checkpoint.encode(),
            "method.json": rfc8785.dumps([{"en": "SAMPLE: see docs/spec", "zh": "样例：见 docs/spec"}]),
            "registry.json": rfc8785.dumps(
                {"changes": CHANGES, "count": len(CHANGES), "head": hexed(heads(CHANGES)[-1])}
            ),
            TOKEN: clock.CLOCK.token(story.checkpoint_text.encode(), BEGUN + 300),
        }
        for indexes in self.roles.values():
            for index in indexes:
                self.members[statement_path(index)] = self.proof(index).encode()
        for event, made in story.heads:
            size = event["newSize"]
            consistency = [hexed(item) for item in tree.consistency_proof(size, story.leaves)]
            head = {"block": made.members, "consistency": consistency, "event": event}
            self.members[f"heads/{size:012}.json"] = rfc8785.dumps(head)
        if 4 in self.roles["timeline"]:
            self.members[f"documents/{sha256(ORIGINAL).hex()}"] = ORIGINAL
        self.complete()
        act = {
            "at": BEGUN + 400,
            "by": self.exporter,
            "did": "assembled",
            "members": sorted(self.members),
            "tool": TOOL,
        }
        self.members["custody.json"] = rfc8785.dumps([act])

    def proof(self, index: int, **told: Any) -> str:
        """A statement's proof file; `told` replaces members of `extra`."""
        one = self.story.told[index]
        parts = parts_shown(one, self.withheld.get(index, ()))
        extra = {"entry": base64_text(one.entry), "key": one.key, "parts": parts, **told}
        path = tree.inclusion_proof(index, self.story.leaves)
        return proof_text(index, path, self.story.checkpoint, rfc8785.dumps(extra))

    def complete(self, key: AccountKey = RECEIPT, **named: list[str]) -> None:
        """The operator's word; `named` replaces lists of it."""
        ids = {role: [hexed(self.story.told[index].id) for index in sorted(self.roles[role])] for role in self.roles}
        carried = {id for role in ids.values() for id in role}
        shown = [
            json.loads(part)
            for indexes in self.roles.values()
            for index in indexes
            for part in parts_shown(self.story.told[index], self.withheld.get(index, ()))
            if isinstance(part, str)
        ]
        leading = {link["statement"] for part in shown if part["name"] == "links" for link in part["value"]}
        ids |= {"notCarried": sorted(leading - carried), **named}
        hashes = {name: sha256(b"".join(bytes.fromhex(id[2:]) for id in of)).hex() for name, of in ids.items()}
        message = {"log": log_id(ORIGIN).hex(), "subject": self.subject.hex(), "size": str(SECOND), **hashes}
        word = {
            "key": key.address,
            "signature": hexed(key.sign(digest("Completeness", message, ORIGIN))),
            "size": SECOND,
            "subject": hexed(self.subject),
            **ids,
        }
        self.members[COMPLETENESS] = rfc8785.dumps(word)

    def drop(self, index: int) -> None:
        """Leave a statement out, in the manifest too."""
        del self.members[statement_path(index)]
        self.roles = {role: [one for one in indexes if one != index] for role, indexes in self.roles.items()}

    def seal(self) -> dict[str, bytes]:
        """All members, with manifest and signature."""
        named = [
            {"bytes": len(data), "path": path, "sha256": sha256(data).hex()}
            for path, data in sorted(self.members.items())
        ]
        manifest = rfc8785.dumps(
            {
                "bytes": sum(map(len, self.members.values())),
                "exportedAt": BEGUN + 400,
                "exporter": self.exporter,
                "members": named,
                "origin": ORIGIN,
                "roles": self.roles,
                "size": SECOND,
                "subject": hexed(self.subject),
                "tool": TOOL,
                "version": 1,
            }
        )
        message = {"log": log_id(ORIGIN).hex(), "manifest": sha256(manifest).hex()}
        signature = hexed(self.key.sign(digest("Evidence", message, ORIGIN)))
        signed = rfc8785.dumps({"key": self.key.address, "signature": signature})
        return {**self.members, "manifest.json": manifest, "signature.json": signed}


def statement_path(index: int) -> str:
    """Where the proof of an entry stands."""
    return f"statements/{index:012}.tlog-proof"


@cache
def usual() -> Story:
    """The log whose blocks are sealed as they should be. Nobody changes it."""
    return Story()


def the_case(story: Story) -> Package:
    """About the report, by the hospital that recognised it."""
    return Package(story, REPORT, {"linked": [3], "rules": [0, 1, 2], "timeline": [4, 5, 6, 7]})


def the_hold(story: Story) -> Package:
    """About the hold, by its court: the version that it names keeps two parts back, and leads on to the first one."""
    roles = {"linked": [7], "rules": [0], "timeline": [8]}
    return Package(story, HOLD, roles, COURT, COURT_KEY, {7: ("document", "note")})


HELD = SOUND | dict.fromkeys(("rules", "decisions", "documents"), "NOT_CHECKED")
"""What is said of the package about the hold: it has no decision and no document, and what it leads to is not all
shown."""


def _case(name: str, desc: str, archive: bytes, trust: str, states: dict[str, str], **others: str) -> Case:
    """`others` are the states that are not as in `states`."""
    claims = states | others
    given = {"package": f"{name}.zip", "sha256": sha256(archive).hex(), "trust": trust}
    expect = {"holds": "FAILED" not in claims.values(), "steps": claims}
    return Case("evidence", name, desc, given, expect, package=archive)


def _holding() -> Cases:
    sealed, plain = usual(), Story("none")
    archive = rebuild(the_case(sealed).seal())
    yield _case("holds-qbft", "three of four validators sealed the blocks", archive, sealed.trust(), SOUND)
    archive, open_times = rebuild(the_case(plain).seal()), {"blocks": "NOT_CHECKED", "times": "NOT_CHECKED"}
    yield _case("holds-fixed", "the trust file fixes the blocks", archive, plain.trust(), SOUND)
    desc = "the trust file fixes no block: nothing is known of times"
    yield _case("holds-nothing-fixed", desc, archive, plain.trust(blocks=[]), SOUND, **open_times)
    desc = "about a hold: a required part of what it names is withheld, and what that leads on to is not carried"
    yield _case("holds-hold", desc, rebuild(the_hold(sealed).seal()), sealed.trust(), HELD)


def _archives() -> Cases:
    """Nothing is read of an archive of another form."""
    story = usual()
    members = sorted(the_hold(story).seal().items())
    again = [one for one in members if one[0] == "custody.json"]
    for name, desc, archive in (
        ("member-twice", "two members of one name", pack(sorted([*members, *again]))),
        ("path-outside", "a path that leads out of the folder", pack([("../outside.json", b"{}"), *members])),
        ("out-of-order", "the last member stands first", pack([members[-1], *members[:-1]])),
        ("byte-behind", "a byte behind the archive", pack(members) + b"\0"),
    ):
        yield _case(f"archive-{name}", desc, archive, story.trust(), NOTHING_READ)


def _outside() -> Cases:
    """What validators, witness and clock never signed."""
    for name, by, desc in (
        ("seal-forged", (*FOUR[:2], validator("stranger")), "a stranger made one of three seals of the newest block"),
        ("two-of-four", FOUR[:2], "two of four validators sealed the newest block: no quorum"),
    ):
        story = Story(last=by)
        archive, failing = rebuild(the_hold(story).seal()), {"blocks": "FAILED", "times": "NOT_CHECKED"}
        yield _case(f"blocks-{name}", desc, archive, story.trust(), HELD, **failing)
    story = Story(cosigned="log.example/another\n0\n\n")
    archive, desc = rebuild(the_hold(story).seal()), "the witness's line is over another text"
    yield _case("cosigned-forged", desc, archive, story.trust(), HELD, cosigned="FAILED")
    story = usual()
    other = the_hold(story)
    other.members[TOKEN] = clock.CLOCK.token(b"another checkpoint", BEGUN + 300)
    archive, desc = rebuild(other.seal()), "the token is over other bytes than the checkpoint"
    yield _case("timestamps-other-bytes", desc, archive, story.trust(), HELD, timestamps="FAILED")


Forge = Callable[[Package], None]


def _other_document(package: Package) -> None:
    path = next(path for path in package.members if path.startswith("documents/"))
    package.members[path] = ORIGINAL + b" "


def _other_part(package: Package) -> None:
    _tell(package, parts=[text.replace("SAMPLE file 1", "SAMPLE file 2") for text in package.story.told[8].parts])


def _tell(package: Package, **told: Any) -> None:
    package.members[statement_path(8)] = package.proof(8, **told).encode()


def _other_inclusion(package: Package) -> None:
    path = tree.inclusion_proof(8, package.story.leaves)
    first = base64_text(path[0])
    proof = package.members[statement_path(8)].decode()
    package.members[statement_path(8)] = proof.replace(first, base64_text(bytes(32))).encode()


def _other_change(package: Package) -> None:
    changes = [{**CHANGES[0], "institution": COURT}, *CHANGES[1:]]
    document = {"changes": changes, "count": len(changes), "head": hexed(heads(CHANGES)[-1])}
    package.members["registry.json"] = rfc8785.dumps(document)


def _stranger(package: Package) -> None:
    package.key = AccountKey("stranger")


def _no_first_head(package: Package) -> None:
    del package.members[f"heads/{FIRST:012}.json"]


NO_REGISTRY = dict.fromkeys(
    ("exporter", "heads", "blocks", "signed", "times", "timestamps", "complete"), "NOT_CHECKED"
)  # fmt: skip
FORGERIES: dict[str, tuple[str, Callable[[Story], Package], Forge, dict[str, str]]] = {
    "registry-other": ("a change of the registry is another", the_hold, _other_change, NO_REGISTRY),
    "exporter-stranger": ("a key that nobody registered sealed it", the_hold, _stranger, {}),
    "content-part-changed": ("a part says something else", the_hold, _other_part, {}),
    "logged-other-hash": ("an inclusion proof has another hash", the_hold, _other_inclusion, {}),
    "signed-other-key": (
        "another key is named than signed",
        the_hold,
        lambda package: _tell(package, key=READER.address),
        {},
    ),
    "times-gap": (
        "no head covers the first entries, nor is the one there that was observed",
        the_hold,
        _no_first_head,
        {},
    ),
    "documents-changed": ("the original document has a byte more", the_case, _other_document, {}),
    "complete-rule-left-out": (
        "a rule is left out, in the manifest too",
        the_hold,
        lambda package: package.drop(0),
        {},
    ),
    "complete-link-not-named": (
        "the operator does not name what a link leads on to",
        the_hold,
        lambda package: package.complete(notCarried=[]),
        {},
    ),
    "complete-by-exporter": (
        "the exporter gives the operator's word",
        the_hold,
        lambda package: package.complete(COURT_KEY),
        {},
    ),
}
"""What whoever exports may try, who seals again: what it is, in which package, and what is not read then. The name
begins with the claim that fails."""


def _sealed() -> Cases:
    for name, (desc, make, forge, unread) in FORGERIES.items():
        story = usual()
        package = make(story)
        forge(package)
        claim = name.partition("-")[0]
        states = (HELD if make is the_hold else SOUND) | unread
        yield _case(name, desc, rebuild(package.seal()), story.trust(), states, **{claim: "FAILED"})
    story = usual()
    members = the_hold(story).seal()
    members["custody.json"] = members["custody.json"].replace(b"assembled", b"added")
    desc = "a member was changed after it was sealed"
    yield _case("manifest-member-changed", desc, rebuild(members), story.trust(), HELD, manifest="FAILED")


def cases() -> Cases:
    """All cases of the topic."""
    yield from _holding()
    yield from _archives()
    yield from _outside()
    yield from _sealed()
