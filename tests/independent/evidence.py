"""A second verifier of evidence packages, written from docs/spec alone: steps 1 to 12 and 14 to 18 of evidence.md.

Nothing of `anchors`. From libraries of others: hashes, Ed25519 (cryptography), secp256k1 (eth-keys).
Blocks are judged on chains of consensus `none`, where the trust file fixes them, and of `qbft` by their seals.

    python -m tests.independent.evidence case.zip trust.json [root.pem …]        prints each claim with its state
"""

import hashlib
import json
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography import x509

from .blocks import BlockError, NotBelieved, Proved, prove
from .evidence_forms import (
    Logged,
    Refused,
    Registry,
    Unchecked,
    Unprovable,
    content_hash,
    digest,
    is_code,
    is_line,
    is_path,
    linked,
    listed,
    number,
    read_archive,
    read_json,
    read_statement,
    recover,
    require,
    unbase64,
    unhex,
    with_keys,
)
from .reader import Checkpoint, LogError, VerifierKey, check_consistency, check_inclusion, leaf_hash, open_checkpoint
from .standards import keccak256, sha256, uint_word
from .step_acceptance import acceptance
from .step_cosigned import cosigned, read_policy
from .step_rules import rules
from .step_timestamps import timestamps

VERIFIED, FAILED, NOT_CHECKED, NOT_PROVABLE = "VERIFIED", "FAILED", "NOT_CHECKED", "NOT_PROVABLE"
FOLDERS = "acceptance|documents|heads|statements|timestamps"
MEMBERS = re.compile(rf"checkpoint\.txt|(completeness|custody|method|registry)\.json|({FOLDERS})/.*", re.ASCII)
STATEMENT = b"Statement(bytes32 kind,bytes32 institution,bytes32 subject,uint64 sequence,uint64 issuedAt,"
STATEMENT += b"bytes32 observed,bytes32 content)"
COMPLETENESS = b"Completeness(bytes32 log,bytes32 subject,uint64 size,bytes32 timeline,bytes32 linked,bytes32 rules,"
COMPLETENESS += b"bytes32 notCarried)"
EVENT = ("newSize", "oldSize", "registryCount", "registryHead", "root", "witnessId")


@dataclass
class Package:
    """Everything that the steps learn on the way; what a step refused stays `None`."""

    data: bytes
    trust: dict[str, Any]
    roots: Sequence[x509.Certificate] = ()
    states: dict[str, str] = field(default_factory=dict)
    reasons: dict[str, list[str]] = field(default_factory=dict)
    members: dict[str, bytes] | None = None
    manifest: dict[str, Any] | None = None
    registry: Registry | None = None
    checkpoint: Checkpoint | None = None
    heads: dict[int, dict[str, Any]] = field(default_factory=dict)
    proved: dict[int, Proved] = field(default_factory=dict)
    statements: dict[str, Logged] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.chain_id = self.trust["chain"]["id"]
        self.contract = self.trust["contracts"]["registry"]["address"]
        self.trusted = Registry.fold(self.trust["registry"], self.chain_id, self.contract)
        self.witnesses = read_policy(self.trust["witnesses"]) if self.trust.get("witnesses") else None

    def run(self) -> dict[str, str]:
        """Each claim with its state."""
        kind = type(self)
        steps: list[Callable[[Package], None]] = [
            kind.archive, kind.manifest_, kind.registry_, kind.checkpoint_, kind.heads_, kind.blocks, kind.content,
            kind.logged, kind.signed, kind.times, rules, kind.documents, acceptance, timestamps, cosigned,
            kind.exporter, kind.complete,
        ]  # fmt: skip
        for step in steps:
            claim = step.__name__.rstrip("_")
            self.states[claim] = VERIFIED
            with self.judging(claim):
                step(self)
        return self.states

    def judging(self, claim: str) -> "Judging":
        """A context in which what is raised becomes the state of the claim; the worst of all items wins."""
        return Judging(self, claim)

    def need(self, *read: str) -> None:
        """`Unchecked` where an earlier step could not read what this one needs."""
        missing = [name for name in read if not getattr(self, name)]
        if missing:
            raise Unchecked(f"needs {', '.join(missing)}")

    def look(self, claim: str, items: Iterable[tuple[str, Any]], judge: Callable[[str, Any], None]) -> None:
        """Judge items one by one: the worst state is the step's. Nothing to look at is `Unchecked`."""
        items = list(items)
        for about, item in items:
            with self.judging(claim):
                judge(about, item)
        if not items:
            raise Unchecked("nothing to look at")

    # what several steps use

    def files(self, folder: str) -> dict[str, bytes]:
        assert self.members is not None
        return {path: data for path, data in self.members.items() if path.startswith(folder + "/")}

    def file(self, path: str) -> bytes:
        assert self.members is not None
        require(path in self.members, f"{path} is missing")
        return self.members[path]

    @property
    def log(self) -> bytes:
        assert self.manifest is not None
        return keccak256(self.manifest["origin"].encode())

    @property
    def log_hex(self) -> str:
        return "0x" + self.log.hex()

    def revoked(self, key: str) -> bool:
        """Whether the trust file or registry.json says so: as of now, not of any head."""
        lists = [self.trusted, *([self.registry] if self.registry else [])]
        return any(registry.end_sequence(self.log_hex, key) is not None for registry in lists)

    @property
    def known(self) -> int:
        """How many changes of registry.json the trust file has too, or a proven head counts."""
        assert self.registry is not None
        both = min(len(self.registry.changes), len(self.trusted.changes))
        return max([both, *(head.registryCount for head in self.proved.values())])

    def digest(self, structure: bytes, words: bytes) -> bytes:
        return digest(structure, words, self.chain_id, self.contract, self.log)

    def statement_id(self, one: Logged) -> bytes:
        return self.digest(STATEMENT, one.entry[:224])

    def signed_by(self, document: dict[str, Any], message: bytes, purposes: Sequence[str], who: str | None) -> None:
        key = recover(message, unhex(document["signature"], 65))
        require(key == document["key"], "another key signed")
        assert self.registry is not None
        right = self.registry.until(self.known).key(self.log_hex, key, purposes, who)
        require(right, f"{key} does not speak for {who} as {purposes}, as far as the registry is known")
        if self.revoked(key):
            raise Unprovable(f"{key} is revoked by now")

    # the steps

    def archive(self) -> None:
        self.members = read_archive(self.data)

    def manifest_(self) -> None:
        self.need("members")
        keys = ("bytes", "exportedAt", "exporter", "members", "origin", "roles", "size", "subject", "tool", "version")
        manifest = read_json(self.file("manifest.json"), keys)
        require(manifest["version"] == 1 and is_code(manifest["exporter"]), "version or exporter")
        require(isinstance(manifest["origin"], str) and is_line(manifest["tool"]), "origin or tool")
        number(manifest["exportedAt"]), number(manifest["size"]), unhex(manifest["subject"], 32)
        roles = with_keys(manifest["roles"], ("linked", "rules", "timeline"))
        indexes = [number(index) for role in roles.values() for index in listed(role)]
        self.manifest = manifest
        others = sorted(set(self.members) - {"manifest.json", "signature.json"})
        named = [
            {"bytes": len(self.members[path]), "path": path, "sha256": sha256(self.members[path]).hex()}
            for path in others
        ]
        require(manifest["members"] == named, "members are not as named")
        require(manifest["bytes"] == sum(item["bytes"] for item in named), "sum of bytes")
        require(all(MEMBERS.fullmatch(path) for path in others), "a path that no member has")
        named_statements = [f"statements/{index:012}.tlog-proof" for index in sorted(indexes)]
        require(named_statements == sorted(self.files("statements")), "roles of statements")
        for act in listed(read_json(self.file("custody.json"))):
            with_keys(act, ("at", "by", "did", "members", "tool"))
            number(act["at"])
            require(act["did"] in ("assembled", "added") and is_code(act["by"]), "an act of custody")
            require(is_line(act["tool"]) and all(map(is_path, listed(act["members"]))), "custody")

    def registry_(self) -> None:
        self.need("members")
        document = read_json(self.file("registry.json"), ("changes", "count", "head"))
        registry = Registry.fold(document, self.chain_id, self.contract)
        both = min(len(registry.changes), len(self.trusted.changes))
        require(registry.heads[both] == self.trusted.heads[both], "the two lists do not begin alike")
        self.registry = registry

    def exporter(self) -> None:
        self.need("manifest", "registry")
        assert self.manifest is not None
        document = read_json(self.file("signature.json"), ("key", "signature"))
        words = self.log + sha256(self.file("manifest.json"))
        message = self.digest(b"Evidence(bytes32 log,bytes32 manifest)", words)
        self.signed_by(document, message, ("statement", "receipt"), self.manifest["exporter"])

    def checkpoint_(self) -> None:
        self.need("manifest")
        assert self.manifest is not None
        logs = [log for log in self.trust["logs"] if log["origin"] == self.manifest["origin"]]
        require(logs, "no log of the trust file")
        note = self.file("checkpoint.txt")
        signers = []
        for key in map(VerifierKey.parse, logs[0]["keys"]):
            lines = [line.split(" ") for line in note.decode("utf-8", "replace").split("\n\n")[-1].split("\n")]
            ids = [unbase64(line[2])[:4] for line in lines if len(line) == 3 and line[1] == key.name]
            if key.key_id in ids:
                checkpoint = open_checkpoint(note, key)
                signers.append(key)
        require(signers, "no key of the trust file signed")
        require(
            (checkpoint.origin, checkpoint.size) == (self.manifest["origin"], self.manifest["size"]), "origin or size"
        )
        self.checkpoint = checkpoint
        addresses = ["0x" + keccak256(key.public)[12:].hex() for key in signers]
        if all(map(self.revoked, addresses)):
            raise Unprovable("only revoked keys signed")

    def heads_(self) -> None:
        self.need("checkpoint", "registry")
        assert self.checkpoint is not None
        self.look("heads", self.files("heads").items(), self.head)
        require(f"heads/{self.checkpoint.size:012}.json" in self.files("heads"), "the checkpoint's own head is missing")

    def head(self, path: str, data: bytes) -> None:
        assert self.checkpoint is not None and self.registry is not None
        document = read_json(data, ("block", "consistency", "event"))
        event = with_keys(document["event"], EVENT)
        size, count = number(event["newSize"]), number(event["registryCount"])
        require(path == f"heads/{size:012}.json" and number(event["oldSize"]) < size, "sizes of a head")
        unhex(event["witnessId"], 32)
        require(document["block"] is None or isinstance(document["block"], dict), "block")
        require(event["oldSize"] >= max(self.heads, default=0), "it overlaps the head before it")
        head = Checkpoint(self.checkpoint.origin, size, unhex(event["root"], 32))
        check_consistency(head, self.checkpoint, [unhex(item, 32) for item in listed(document["consistency"])])
        require(count < len(self.registry.heads), "registry.json ends before this head")
        require(self.registry.heads[count] == unhex(event["registryHead"], 32), "registry head")
        self.heads[size] = document

    def blocks(self) -> None:
        self.need("heads", "manifest")
        self.look("blocks", ((str(size), self.heads[size]) for size in sorted(self.heads)), self.block)

    def block(self, size: str, document: dict[str, Any]) -> None:
        if document["block"] is None:
            raise Unchecked("no proof was captured")
        proved = prove(document["block"], self.trust)
        require(proved.log == self.log, "a head of another log")
        for name in EVENT:
            shown = getattr(proved, name)
            shown = "0x" + shown.hex() if isinstance(shown, bytes) else shown
            require(shown == document["event"][name], f"the block shows another event: {name}")
        self.proved[int(size)] = proved

    def content(self) -> None:
        self.need("manifest")
        assert self.manifest is not None
        indexes = sorted(index for role in self.manifest["roles"].values() for index in role)
        self.look("content", ((f"statements/{index:012}.tlog-proof", index) for index in indexes), self.told)

    def told(self, path: str, index: int) -> None:
        statement = read_statement(self.file(path))
        require(statement.index == index, "index and path differ")
        self.statements[path] = statement
        require(content_hash(statement.parts) == statement.word(7), f"{path}: content")

    def logged(self) -> None:
        self.need("checkpoint", "statements")
        self.look("logged", self.statements.items(), self.included)

    def included(self, path: str, item: Logged) -> None:
        assert self.checkpoint is not None
        require(item.checkpoint == self.file("checkpoint.txt"), f"{path}: under another checkpoint")
        leaf = leaf_hash(item.entry)
        check_inclusion(leaf, item.index, self.checkpoint.size, item.path, self.checkpoint.root)

    def signed(self) -> None:
        self.need("registry", "statements")
        self.look("signed", self.statements.items(), self.attributed)

    def attributed(self, path: str, item: Logged) -> None:
        assert self.registry is not None
        key = recover(self.statement_id(item), item.entry[224:])
        require(key == item.key, f"{path}: another key signed")
        event = self.covering(item.index)
        proven = event is not None and event["newSize"] in self.proved
        registry = self.registry.until(event["registryCount"]) if event and proven else self.trusted
        require(registry.key(self.log_hex, key, ("statement",), item.institution), f"{path}: {key} does not speak")
        end = registry.end_sequence(self.log_hex, key)
        require(end is None or item.sequence < end, f"{path}: {key} is revoked")

    def covering(self, index: int) -> dict[str, Any] | None:
        """The event of the head that first covered an index."""
        events = (document["event"] for document in self.heads.values())
        return next((event for event in events if event["oldSize"] <= index < event["newSize"]), None)

    def times(self) -> None:
        self.need("heads", "statements")
        self.look("times", self.statements.items(), self.timed)

    def timed(self, path: str, item: Logged) -> None:
        assert self.manifest is not None
        event = self.covering(item.index)
        require(event, f"{path}: no head covers it")
        if event and event["newSize"] not in self.proved:
            raise Unchecked(f"{path}: the block of its head is not proved")
        observed = "0x" + item.word(6).hex()
        if item.index not in self.manifest["roles"]["timeline"] or not int(observed, 16):
            return
        below = [size for size, head in self.heads.items() if head["event"]["witnessId"] == observed]
        require(below and below[0] <= item.index, f"{path}: observed")
        if below[0] not in self.proved:
            raise Unchecked(f"{path}: the block of the head it observed is not proved")

    def documents(self) -> None:
        self.need("statements")
        self.look("documents", self.files("documents").items(), self.document)

    def document(self, path: str, data: bytes) -> None:
        digests = {"sha256": hashlib.sha256(data).hexdigest(), "sm3": hashlib.new("sm3", data).hexdigest()}
        wanted = {"bytes": len(data)} | digests
        parts = [value for item in self.statements.values() for name, _, value in item.parts if name == "document"]
        named = any(isinstance(value, dict) and wanted.items() <= value.items() for value in parts)
        require(path == "documents/" + digests["sha256"] and named, f"{path} belongs to no statement")

    def complete(self) -> None:
        self.need("manifest", "registry", "statements")
        assert self.manifest is not None
        named = ("timeline", "linked", "rules", "notCarried")
        document = read_json(self.file("completeness.json"), ("key", "signature", "size", "subject", *named))
        subject = unhex(document["subject"], 32)
        ids = {name: [unhex(id, 32) for id in listed(document[name])] for name in named}
        for name in ("subject", "size"):
            require(document[name] == self.manifest[name], f"another {name}")
        there = {one.index: self.statement_id(one) for one in self.statements.values()}
        for role, indexes in self.manifest["roles"].items():
            own = [there.get(index) for index in sorted(indexes)]
            require(own == ids[role], f"the operator's word names other statements: {role}")
        about = {one.index for one in self.statements.values() if one.word(3) == subject}
        require(about == set(self.manifest["roles"]["timeline"]), "the timeline is not what is said about the subject")
        require(not set(there.values()) & set(ids["notCarried"]), "a statement is there that is named as not carried")
        leading = {link for one in self.statements.values() for link in linked(one.parts)}
        require(leading <= {*there.values(), *ids["notCarried"]}, "a link leads to what is neither there nor named")
        words = self.log + subject + uint_word(number(document["size"]))
        words += b"".join(sha256(b"".join(ids[name])) for name in named)
        self.signed_by(document, self.digest(COMPLETENESS, words), ("receipt",), None)
        raise Unprovable("a word, not a proof")


@dataclass
class Judging:
    """See `Package.judging`."""

    package: Package
    claim: str

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        if error is None:
            return True
        if isinstance(error, Refused | LogError | BlockError):
            state = FAILED
        elif isinstance(error, Unchecked | NotBelieved):
            state = NOT_CHECKED
        elif isinstance(error, Unprovable):
            state = NOT_PROVABLE
        else:
            return False
        order = [VERIFIED, NOT_CHECKED, NOT_PROVABLE, FAILED]
        self.package.states[self.claim] = max(self.package.states[self.claim], state, key=order.index)
        self.package.reasons.setdefault(self.claim, []).append(str(error))
        return True


def verify(package: bytes, trust: bytes, roots: Sequence[x509.Certificate] = ()) -> dict[str, str]:
    """Claim to state, for the steps that this module knows."""
    return Package(package, json.loads(trust), roots).run()


def main(arguments: Sequence[str]) -> int:
    """The command."""
    package, trust, *roots = (Path(argument).read_bytes() for argument in arguments)
    package = Package(package, json.loads(trust), [x509.load_pem_x509_certificate(root) for root in roots])
    for claim, state in package.run().items():
        print(f"{claim:12} {state:13} {'; '.join(package.reasons.get(claim, []))}")
    return FAILED in package.states.values()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
