"""A synthetic log for whole evidence packages: nine statements under two heads, in blocks of `none` or `qbft`."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import rfc8785
from coincurve import PrivateKey

from . import clock, tree
from .standards import ORIGIN, AccountKey, NoteKey, base64_text, log_id, pseudo_random, sha256, signed_note
from .typed_data import digest, statement_words
from .vectors_blocks import FOUR, Made, Sealing, address, hexed, make
from .vectors_content import content_hash, part_text, withheld_part
from .vectors_note import body
from .vectors_registry import HOSPITAL, NOTE_KEY, OPERATOR, OTHER_HOSPITAL, SIGNER, heads, opened
from .vectors_trust import trust_document, trust_text

READER, REGULATOR_KEY, COURT_KEY = AccountKey("reader"), AccountKey("regulator"), AccountKey("court")
RECEIPT = AccountKey("receipt")
REGULATOR, COURT = "12320000400000003D", "12330000400000004E"
REPORT, HOLD, CONSENT = (pseudo_random(f"subject of the {what}") for what in ("report", "hold", "consent"))
ORIGINAL = "（合成）检验报告原件\n".encode()
DOCUMENT = {
    "bytes": len(ORIGINAL),
    "format": "raw",
    "sha256": sha256(ORIGINAL).hex(),
    "sm3": hashlib.new("sm3", ORIGINAL).hexdigest(),
}
BEGUN = 1_790_001_000
FIRST, SECOND = 5, 9
"""The sizes of the two heads."""
POLICY = {
    "format": "huzheng policy v1",
    "policy": "SAMPLE",
    "version": "1",
    "sample": True,
    "title": {"zh": "（样例）互认规则", "en": "SAMPLE rules"},
    "issuers": ["样例 SAMPLE"],
    "zone": "+08:00",
    "areas": [{"id": "city", "level": "city", "places": ["样例市"], "zh": "样例市", "en": "the SAMPLE city"}],
    "area": "city",
    "area_clause": "1",
    "levels": [{"tiers": [3], "zh": "三级", "en": "tier 3"}],
    "categories": {"clause": "2", "included": [{"id": "laboratory", "zh": "检验", "en": "laboratory tests"}]},
    "scopes": [{"id": "city", "clause": "3", "zh": "市内互认", "en": "inside the city", "issuer": {"area": "city"}}],
}


def registry_changes() -> list[dict[str, Any]]:
    """The institutions and their keys."""
    registry = opened().add("admitted", REGULATOR, role="regulator").add("admitted", COURT, role="court")
    registry.add_key(OPERATOR, RECEIPT.address, "receipt")
    for code, key in ((HOSPITAL, SIGNER), (OTHER_HOSPITAL, READER), (REGULATOR, REGULATOR_KEY), (COURT, COURT_KEY)):
        registry.add_key(code, key.address)
    return registry.changes


CHANGES = registry_changes()


@dataclass(frozen=True)
class WitnessKey:
    """A key of C2SP tlog-cosignature, Ed25519."""

    note_key: NoteKey

    @property
    def key_id(self) -> bytes:
        """SHA-256(name || 0x0A || 0x04 || public key)[:4]."""
        return sha256(self.note_key.name.encode() + b"\n\x04" + self.note_key.public)[:4]

    @property
    def text(self) -> str:
        """As a policy names it."""
        return f"{self.note_key.name}+{self.key_id.hex()}+{base64_text(bytes([4]) + self.note_key.public)}"

    def line(self, text: str, time: int) -> str:
        """A cosignature over the text of a checkpoint."""
        signed = self.note_key.signature(f"cosignature/v1\ntime {time}\n{text}")[4:]
        return f"— {self.note_key.name} {base64_text(self.key_id + time.to_bytes(8) + signed)}\n"


WITNESS_KEY = WitnessKey(NoteKey("witness.example/court"))


@dataclass(frozen=True)
class Told:
    """A statement in the log."""

    index: int
    entry: bytes
    id: bytes
    key: str
    subject: bytes
    parts: tuple[str, ...]


@dataclass
class Story:
    """The log. `last` seal the block of the second head; what the witness signs is the text of the checkpoint, unless
    another is given."""

    kind: str = "qbft"
    last: Sequence[PrivateKey] = FOUR[:3]
    cosigned: str | None = None
    told: list[Told] = field(default_factory=list)
    heads: list[tuple[dict[str, Any], Made]] = field(default_factory=list)

    def __post_init__(self) -> None:
        for code, name in ((HOSPITAL, "甲"), (OTHER_HOSPITAL, "乙")):
            profile = {
                "city": "样例市", "district": "样例区", "institution": code, "name": f"（合成）样例{name}医院",
                "ownership": "public", "region": "样例省", "since": "2026-01-01", "tier": 3,
            }  # fmt: skip
            self._say(REGULATOR_KEY, REGULATOR, "institution.profiled", pseudo_random(code), profile=profile)
        named = {"digest": sha256(rfc8785.dumps(POLICY)).hex(), "policy": POLICY["policy"], "version": "1"}
        subject = sha256(
            b"\0".join([b"huzheng policy", *(named[name].encode() for name in ("policy", "version", "digest"))])
        )
        policy = self._say(REGULATOR_KEY, REGULATOR, "policy.published", subject, policy=named, rules=POLICY)
        given = {"at": BEGUN, "scope": "mutual recognition"}
        consent = self._say(READER, OTHER_HOSPITAL, "consent.given", CONSENT, consent=given)
        examined = {"at": "2026-09-20T08:30+08:00", "category": "laboratory", "item": "S-001", "system": "SAMPLE"}
        report = self._say(
            SIGNER, HOSPITAL, "report.issued", REPORT, document=DOCUMENT, examination=examined, note="（合成）患者自述"
        )
        seen = self._witness(0, FIRST, FOUR[:3])
        access = {"at": BEGUN, "basis": "treatment, consent recorded"}
        links = {"consent": consent, "report": report}
        opening = self._say(READER, OTHER_HOSPITAL, "access.granted", REPORT, seen, links, access=access)
        links = {"access": opening, "policy": policy, "report": report}
        decision = {"at": "2026-09-21T10:15:00+08:00", "extent": ["result"]}
        self._say(READER, OTHER_HOSPITAL, "recognition.accepted", REPORT, seen, links, decision=decision, policy=named)
        other = {**DOCUMENT, "sha256": "ab" * 32, "sm3": "cd" * 32}
        amended = self._say(
            SIGNER, HOSPITAL, "report.amended", REPORT, seen, {"replaces": report}, document=other, note="（合成）更正"
        )
        basis = {"basis": "SAMPLE file 1"}
        self._say(COURT_KEY, COURT, "hold.placed", HOLD, seen, {"about": amended}, basis=basis)
        self._witness(FIRST, SECOND, self.last)

    def _say(
        self,
        key: AccountKey,
        institution: str,
        kind: str,
        subject: bytes,
        observed: bytes = bytes(32),
        links: "dict[str, Told] | list[Any] | None" = None,
        **parts: Any,
    ) -> Told:
        index = len(self.told)
        if isinstance(links, list):
            parts["links"] = links
        elif links:
            parts["links"] = [{"rel": rel, "statement": hexed(target.id)} for rel, target in links.items()]
        texts = tuple(part_text(name, parts[name], pseudo_random(f"salt {index} {name}")) for name in sorted(parts))
        fields = {
            "kind": kind,
            "institution": institution,
            "subject": subject.hex(),
            "sequence": str(self.sequence(key)),
            "issuedAt": str(BEGUN + index),
            "observed": observed.hex(),
            "content": content_hash(list(texts)).hex(),
        }
        id = digest("Statement", fields, ORIGIN)
        told = Told(index, statement_words(fields) + key.sign(id), id, key.address, subject, texts)
        self.told.append(told)
        return told

    def sequence(self, key: AccountKey) -> int:
        """The next number of a key."""
        return sum(one.key == key.address for one in self.told)

    def _witness(self, old: int, new: int, by: Sequence[PrivateKey]) -> bytes:
        """A head over what was told so far, in a block; its witnessId."""
        values = (old, new, self.root(new), heads(CHANGES)[-1], len(CHANGES))
        made = make(
            Sealing(self.kind, by=tuple(by)), block=300 + new, time=BEGUN + 10 * new, log=log_id(ORIGIN), values=values
        )
        names = ("oldSize", "newSize", "root", "registryHead", "registryCount", "witnessId")
        shown = [hexed(value) if isinstance(value, bytes) else value for value in (*values, made.witness_id)]
        self.heads.append((dict(zip(names, shown, strict=True)), made))
        return made.witness_id

    @property
    def leaves(self) -> list[bytes]:
        """The leaves of the log."""
        return [tree.leaf(one.entry) for one in self.told]

    def root(self, size: int) -> bytes:
        """Of the first `size` entries."""
        return tree.root(self.leaves[:size])

    @property
    def checkpoint_text(self) -> str:
        """What log, witness and clock sign."""
        return body(SECOND, self.root(SECOND))

    @property
    def checkpoint(self) -> str:
        """The note, cosigned."""
        text = self.checkpoint_text
        return signed_note(text, NOTE_KEY) + WITNESS_KEY.line(self.cosigned or text, BEGUN + 200)

    def trust(self, **chain: Any) -> str:
        """The trust file of somebody who believes the validators (`qbft`) or had the blocks fixed (`none`)."""
        fixed = [{"number": 300 + event["newSize"], "hash": hexed(made.hash)} for event, made in self.heads]
        sealed = {"consensus": "qbft", "validators": [hexed(address(key)) for key in FOUR]}
        witnesses = [f"witness court {WITNESS_KEY.text}", "quorum court"]
        document = trust_document(CHANGES, authorities=[clock.CLOCK.authority], witnesses=witnesses)
        document["chain"] |= sealed if self.kind == "qbft" else {"consensus": "none", "blocks": fixed}
        document["chain"] |= chain
        return trust_text(document)


def parts_shown(told: Told, withheld: Sequence[str]) -> list[Any]:
    """The parts of a statement as on the wire, these names withheld."""
    return [withheld_part(text) if json.loads(text)["name"] in withheld else text for text in told.parts]
