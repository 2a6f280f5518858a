"""A second verifier of evidence packages, written from docs/spec alone: steps 1 to 11, 14 and 18 of evidence.md.

Nothing of `anchors`. From libraries of others: hashes, Ed25519 (cryptography), secp256k1 (eth-keys).
Blocks are judged on chains of consensus `none`, where the trust file fixes them, and of `qbft` by their seals.

    python -m tests.independent.evidence case.zip trust.json        prints each claim with its state
"""

import base64
import hashlib
import json
import re
import struct
import sys
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from eth_keys.datatypes import Signature
from eth_keys.exceptions import BadSignature

from .blocks import BlockError, NotBelieved, Proved, prove
from .reader import Checkpoint, LogError, VerifierKey, check_consistency, check_inclusion, leaf_hash, open_checkpoint
from .standards import SECP256K1_ORDER, address_word, code_word, keccak256, sha256, uint_word

VERIFIED, FAILED, NOT_CHECKED, NOT_PROVABLE = "VERIFIED", "FAILED", "NOT_CHECKED", "NOT_PROVABLE"
ZERO = bytes(32)
PATH = re.compile(r"[a-z0-9][a-z0-9._-]*(/[a-z0-9][a-z0-9._-]*)?", re.ASCII)
FOLDERS = "acceptance|documents|heads|statements|timestamps"
MEMBERS = re.compile(rf"checkpoint\.txt|(completeness|custody|method|registry)\.json|({FOLDERS})/.*", re.ASCII)
ACTIONS = ["admitted", "suspended", "resumed", "exited", "log-opened", "key-added", "key-revoked"]
STATEMENT = b"Statement(bytes32 kind,bytes32 institution,bytes32 subject,uint64 sequence,uint64 issuedAt,"
STATEMENT += b"bytes32 observed,bytes32 content)"
COMPLETENESS = b"Completeness(bytes32 log,bytes32 subject,uint64 size,bytes32 timeline,bytes32 linked,bytes32 rules,"
COMPLETENESS += b"bytes32 notCarried)"
EVENT = ("newSize", "oldSize", "registryCount", "registryHead", "root", "witnessId")


class Refused(Exception):
    """Something is not as the pages ask."""


class Unprovable(Exception):
    """It may be true, and the package cannot show it."""


class Unchecked(Exception):
    """What it needs is not there, or was refused."""


def require(condition: object, why: str) -> None:
    """Raise `Refused` unless the condition holds."""
    if not condition:
        raise Refused(why)


# Archive: evidence.md, The archive


def rebuild(members: dict[str, bytes]) -> bytes:
    """The one archive of these members."""
    return pack(sorted(members.items()))


def pack(members: Sequence[tuple[str, bytes]]) -> bytes:
    """An archive of these members in this order, whatever their paths."""
    local, central = b"", b""
    for path, data in members:
        name = path.encode()
        common = struct.pack("<HHHHHIIIHH", 20, 0, 0, 0, 0x21, zlib.crc32(data), len(data), len(data), len(name), 0)
        central += b"PK\x01\x02" + struct.pack("<H", 20) + common
        central += struct.pack("<HHHII", 0, 0, 0, 0x01800000, len(local)) + name
        local += b"PK\x03\x04" + common + name + data
    end = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, len(members), len(members), len(central), len(local), 0)
    return local + central + end


def read_archive(data: bytes) -> dict[str, bytes]:
    """Members by path, read from their local headers; whatever else the file says must then be rebuilt alike."""
    members: dict[str, bytes] = {}
    at = 0
    while data[at : at + 4] == b"PK\x03\x04" and at + 30 <= len(data):
        size, _, name_length, _ = struct.unpack_from("<IIHH", data, at + 18)
        path = data[at + 30 : at + 30 + name_length].decode("latin-1")
        require(len(path) <= 120 and PATH.fullmatch(path) and path not in members, f"path {path!r}")
        members[path] = data[at + 30 + name_length : at + 30 + name_length + size]
        at += 30 + name_length + size
    require(members and len(members) <= 20_000, "number of members")
    require(sum(map(len, members.values())) <= 512 << 20, "size of members")
    require(rebuild(members) == data, "the archive rebuilt is another")
    return members


# JSON: content.md


def read_json(data: bytes, keys: Iterable[str] | None = None, limit: int = 1 << 30) -> Any:
    """The value of canonical JSON; an object with exactly `keys` where they are given."""
    try:
        require(len(data) <= limit, "too long")
        value = json.loads(data.decode("utf-8"), parse_float=_no_number, parse_constant=_no_number)
        encoded = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
    except (ValueError, RecursionError) as error:
        raise Refused(f"JSON: {error}") from None
    require(encoded == data and _plain(value), "not canonical JSON")
    return value if keys is None else with_keys(value, keys)


def _no_number(text: str) -> Any:
    raise Refused(f"number {text}")


def _plain(value: Any) -> bool:
    if isinstance(value, dict):
        return all(key.isascii() and key.isprintable() for key in value) and all(map(_plain, value.values()))
    if isinstance(value, list):
        return all(map(_plain, value))
    return not isinstance(value, int) or abs(value) < 1 << 53


def _depth(value: Any) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if inner is None else 1 + max(map(_depth, inner), default=0)


def with_keys(value: Any, keys: Iterable[str]) -> Any:
    """The object, with exactly these keys."""
    require(isinstance(value, dict) and set(value) == set(keys), f"members {keys}")
    return value


def number(value: Any) -> int:
    """A whole number that is not negative."""
    require(type(value) is int and value >= 0, f"number {value!r}")
    return int(value)


def listed(value: Any) -> list[Any]:
    """The array."""
    require(isinstance(value, list), "not an array")
    return list(value)


def is_line(text: Any) -> bool:
    """1 to 200 characters, none of them a control character."""
    return isinstance(text, str) and re.fullmatch(r"[^\x00-\x1f\x7f-\x9f]{1,200}", text) is not None


def unhex(text: Any, size: int, prefix: str = "0x") -> bytes:
    """Lower-case hex of so many bytes."""
    require(isinstance(text, str) and re.fullmatch(prefix + f"[0-9a-f]{{{2 * size}}}", text, re.ASCII), f"hex {text!r}")
    return bytes.fromhex(text.removeprefix(prefix))


def unbase64(text: Any) -> bytes:
    """The one base64 of its bytes."""
    try:
        data = base64.b64decode(text, validate=True)
    except (ValueError, TypeError):
        raise Refused(f"base64 {str(text)[:40]!r}") from None
    require(base64.b64encode(data).decode() == text, "base64")
    return data


def is_code(text: Any) -> bool:
    """1 to 32 characters from `!` to `~`."""
    return isinstance(text, str) and re.fullmatch("[!-~]{1,32}", text, re.ASCII) is not None


# Registry: registry.md, trust.md


@dataclass
class Registry:
    """A list of changes and the head after each."""

    changes: list[dict[str, Any]]
    heads: list[bytes]

    @classmethod
    def fold(cls, document: dict[str, Any], chain_id: int, registry: str) -> "Registry":
        """`{"changes", "count", "head"}`, whose head must recompute."""
        heads = [keccak256(uint_word(chain_id) + address_word(registry))]
        changes = listed(document["changes"])
        require(len(changes) == number(document["count"]), "count of changes")
        for place, change in enumerate(changes, 1):
            heads.append(keccak256(heads[-1] + keccak256(_change_words(change, place))))
        require(heads[-1] == unhex(document["head"], 32), "head of the registry")
        return cls(changes, heads)

    def key(self, log: str, key: str, purposes: Sequence[str], institution: str | None = None) -> dict[str, Any] | None:
        """The change that admitted the key for one of the purposes, or none."""
        for change in self.changes:
            same = change["action"] == "key-added" and change["log"] == log and change["key"] == key
            if same and change["role"] in purposes and institution in (None, change["institution"]):
                return change
        return None

    def end_sequence(self, log: str, key: str) -> int | None:
        """First sequence number that is not accepted of a revoked key; none where it is in force."""
        for change in self.changes:
            if change["action"] == "key-revoked" and change["log"] == log and change["key"] == key:
                return int(change["data"], 16)
        return None

    def until(self, count: int) -> "Registry":
        """As of a count."""
        return Registry(self.changes[:count], self.heads[: count + 1])


def _change_words(change: Any, place: int) -> bytes:
    with_keys(change, ("number", "time", "action", "institution", "role", "log", "key", "data"))
    require(change["number"] == place and change["action"] in ACTIONS, "number or action of a change")
    require(is_code(change["institution"]) and (change["role"] == "" or is_code(change["role"])), "codes of a change")
    return (
        uint_word(place)
        + uint_word(number(change["time"]))
        + uint_word(ACTIONS.index(change["action"]) + 1)
        + code_word(change["institution"])
        + code_word(change["role"])
        + unhex(change["log"], 32)
        + bytes(12)
        + unhex(change["key"], 20)
        + unhex(change["data"], 32)
    )


# Signatures: statement.md


def digest(structure: bytes, words: bytes, chain_id: int, registry: str, log: bytes) -> bytes:
    """The EIP-712 digest in the domain of the log."""
    domain_type = b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract,bytes32 salt)"
    domain = keccak256(domain_type) + keccak256(b"Huzheng") + keccak256(b"1")
    domain = keccak256(domain + uint_word(chain_id) + address_word(registry) + log)
    return keccak256(b"\x19\x01" + domain + keccak256(keccak256(structure) + words))


def signature_form(signature: bytes) -> tuple[int, int, int]:
    """v, r and s; `Refused` where they are not in range."""
    r, s, v = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:64], "big"), signature[64]
    require(0 < r < SECP256K1_ORDER and 0 < s <= SECP256K1_ORDER // 2 and v in (27, 28), "form of a signature")
    return v - 27, r, s


def recover(message: bytes, signature: bytes) -> str:
    """The address that signed."""
    try:
        public = Signature(vrs=signature_form(signature)).recover_public_key_from_msg_hash(message)
    except BadSignature as error:
        raise Refused(f"signature: {error}") from None
    return "0x" + keccak256(public.to_bytes())[12:].hex()


# Statements: log.md, content.md, statement.md


@dataclass
class Logged:
    """A statement's proof file, read."""

    index: int
    entry: bytes
    key: str
    parts: list[Any]
    path: list[bytes]
    checkpoint: bytes

    def word(self, place: int) -> bytes:
        return self.entry[32 * (place - 1) : 32 * place]

    @property
    def institution(self) -> str:
        return self.word(2).rstrip(b"\0").decode("ascii")

    @property
    def sequence(self) -> int:
        return int.from_bytes(self.word(4), "big")


def read_statement(data: bytes) -> Logged:
    """A `.tlog-proof` with `extra`."""
    head, separator, checkpoint = data.partition(b"\n\n")
    lines = head.decode("ascii", "replace").split("\n")
    require(separator and len(lines) >= 3 and lines[0] == "c2sp.org/tlog-proof@v1", "form of a proof file")
    require(
        lines[1].startswith("extra ") and re.fullmatch(r"index (0|[1-9]\d{0,18})", lines[2], re.ASCII), "extra, index"
    )
    extra = read_json(unbase64(lines[1][6:]), ("entry", "key", "parts"), 1 << 20)
    unhex(extra["key"], 20)
    entry, path = unbase64(extra["entry"]), [unbase64(line) for line in lines[3:]]
    require(len(entry) == 289, "length of an entry")
    well_formed(entry)
    require(len(path) <= 63 and all(len(item) == 32 for item in path), "lengths in a proof file")
    parts = [_read_part(part) for part in extra["parts"]] if isinstance(extra["parts"], list) else []
    require(1 <= len(parts) <= 64 and len({name for name, *_ in parts}) == len(parts), "number or names of parts")
    return Logged(int(lines[2][6:]), entry, extra["key"], parts, path, checkpoint)


def _read_part(part: Any) -> tuple[str, bytes, Any]:
    """Name, leaf, and the value where it is shown."""
    if isinstance(part, dict):
        with_keys(part, ("leaf", "name"))
        name, leaf, value = part["name"], unhex(part["leaf"], 32, ""), None
    else:
        require(isinstance(part, str), "part")
        text = part.encode("utf-8", "surrogatepass")
        shown = read_json(text, ("name", "salt", "value"), 65_536)
        require(_depth(shown) <= 16, "nesting of a part")
        unhex(shown["salt"], 32, "")
        name, leaf, value = shown["name"], sha256(b"\0" + text), shown["value"]
    require(isinstance(name, str) and re.fullmatch(r"[a-z][a-z0-9._-]{0,63}", name, re.ASCII), "name of a part")
    return name, leaf, value


def content_hash(parts: Iterable[tuple[str, bytes, Any]]) -> bytes:
    """content.md, Hash."""
    rows = b"".join(name.encode() + b"\0" + leaf for name, leaf, _ in parts)
    return sha256(b"huzheng content v1\0" + rows)


def linked(parts: Iterable[tuple[str, bytes, Any]]) -> list[bytes]:
    """evidence.md, completeness.json: the ids to which links lead within the log."""
    arrays = [value for name, _, value in parts if name == "links" and isinstance(value, list)]
    links = [link for array in arrays for link in array if isinstance(link, dict) and "origin" not in link]
    ids = [link["statement"] for link in links if isinstance(link.get("statement"), str)]
    return [unhex(id, 32) for id in ids if re.fullmatch("0x[0-9a-f]{64}", id, re.ASCII)]


def well_formed(entry: bytes) -> None:
    """statement.md, Entry."""
    for word in (entry[:32], entry[32:64]):
        require(re.fullmatch(rb"[!-~]+\0*", word), "a code")
    require(entry[64:96] != ZERO, "subject is zero")
    signature_form(entry[224:])
    require(entry[96:120] == bytes(24) and entry[128:152] == bytes(24), "a number does not fit")


@dataclass
class Package:
    """Everything that the steps learn on the way; what a step refused stays `None`."""

    data: bytes
    trust: dict[str, Any]
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

    def run(self) -> dict[str, str]:
        """Each claim with its state."""
        steps: list[Callable[[], None]] = [
            self.archive, self.manifest_, self.registry_, self.checkpoint_, self.heads_, self.blocks, self.content,
            self.logged, self.signed, self.times, self.documents, self.exporter, self.complete,
        ]  # fmt: skip
        for step in steps:
            claim = step.__name__.rstrip("_")
            self.states[claim] = VERIFIED
            with self.judging(claim):
                step()
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

    def digest(self, structure: bytes, words: bytes) -> bytes:
        return digest(structure, words, self.chain_id, self.contract, self.log)

    def signed_by(self, document: dict[str, Any], message: bytes, purposes: Sequence[str], who: str | None) -> None:
        key = recover(message, unhex(document["signature"], 65))
        require(key == document["key"], "another key signed")
        assert self.registry is not None
        both = min(len(self.registry.changes), len(self.trusted.changes))
        known = max([both, *(head.registryCount for head in self.proved.values())])
        right = self.registry.until(known).key(self.log_hex, key, purposes, who)
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
            require(is_line(act["tool"]) and all(isinstance(path, str) for path in listed(act["members"])), "custody")

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
        key = recover(self.digest(STATEMENT, item.entry[:224]), item.entry[224:])
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
        there = {one.index: self.digest(STATEMENT, one.entry[:224]) for one in self.statements.values()}
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


def verify(package: bytes, trust: bytes) -> dict[str, str]:
    """Claim to state, for the steps that this module knows."""
    return Package(package, json.loads(trust)).run()


def main(arguments: Sequence[str]) -> int:
    """The command."""
    package = Package(Path(arguments[0]).read_bytes(), json.loads(Path(arguments[1]).read_bytes()))
    for claim, state in package.run().items():
        print(f"{claim:12} {state:13} {'; '.join(package.reasons.get(claim, []))}")
    return FAILED in package.states.values()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
