"""What evidence packages are made of, read and held against docs/spec: archive, JSON, registry, signatures, statements.

Nothing of `anchors`. The steps that judge a package are in `evidence.py` and in the modules `step_*`.
"""

import base64
import json
import re
import struct
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from eth_keys.datatypes import Signature
from eth_keys.exceptions import BadSignature

from .standards import SECP256K1_ORDER, address_word, code_word, keccak256, sha256, uint_word

ZERO = bytes(32)
WITHHELD = object()
"""In place of the value of a part that is not shown."""
PATH = re.compile(r"[a-z0-9][a-z0-9._-]*(/[a-z0-9][a-z0-9._-]*)?", re.ASCII)
DEEPEST = 64
"""No member is nested so deep."""
ACTIONS = ["admitted", "suspended", "resumed", "exited", "log-opened", "key-added", "key-revoked"]


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
        require(len(data) <= limit and _opened(data) <= DEEPEST, "too long or too deep")
        value = json.loads(data.decode("utf-8"), parse_float=_no_number, parse_constant=_no_number)
        encoded = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
    except (ValueError, RecursionError) as error:
        raise Refused(f"JSON: {error}") from None
    require(encoded == data and _plain(value), "not canonical JSON")
    return value if keys is None else with_keys(value, keys)


def _opened(data: bytes) -> int:
    """How deep the text goes, before a parser follows it there."""
    depth = deepest = 0
    for bracket in re.findall(rb'"(?:[^"\\]|\\.)*"|[][{}]', data):
        depth += (bracket in b"[{") - (bracket in b"]}")
        deepest = max(deepest, depth)
    return deepest


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


def is_path(text: Any) -> bool:
    """evidence.md, custody.json."""
    return isinstance(text, str) and re.fullmatch("[a-z0-9._/-]+", text, re.ASCII) is not None


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
    """Name, leaf, and the value or `WITHHELD`."""
    if isinstance(part, dict):
        with_keys(part, ("leaf", "name"))
        name, leaf, value = part["name"], unhex(part["leaf"], 32, ""), WITHHELD
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
