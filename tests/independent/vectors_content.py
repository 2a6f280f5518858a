"""Topics `part` and `content`: docs/spec/content.md."""

import json
from typing import Any

import rfc8785

from .standards import Case, Cases, pseudo_random, sha256

PREFIX = b"huzheng content v1\x00"


def part_text(name: str, value: Any, salt: bytes | None = None) -> str:
    """A well-formed part's text."""
    salt = salt or pseudo_random(f"salt {name}")
    return rfc8785.dumps({"name": name, "salt": salt.hex(), "value": value}).decode()


def part_leaf(text: str) -> bytes:
    """sha256(0x00 || the bytes of the part)."""
    return sha256(b"\x00" + text.encode())


def withheld_part(text: str, **members: Any) -> dict[str, Any]:
    """How a part is shown on the wire when its text is withheld; `members` are changed or added."""
    return {"leaf": part_leaf(text).hex(), "name": json.loads(text)["name"], **members}


def content_hash(parts: list[Any]) -> bytes:
    """sha256("huzheng content v1" || 0x00 || name_1 || 0x00 || leaf_1 || …) of a list as on the wire."""
    committed = b""
    for part in parts:
        shown = part if isinstance(part, dict) else withheld_part(part)
        committed += shown["name"].encode("ascii") + b"\x00" + bytes.fromhex(shown["leaf"])
    return sha256(PREFIX + committed)


SALT = pseudo_random("salt").hex()
PARTS = {
    "document": ("document", {"bytes": 1477, "format": "hl7v2", "sha256": "ab" * 32, "sm3": "cd" * 32}),
    "null-value": ("reason", None),
    "string-value": ("note", "合成样本，非真实病人"),
    "array-value": ("links", [{"rel": "report", "statement": "0x" + "11" * 32}]),
    "false-value": ("flag", False),
    "integer-value": ("count", -7),
    "shortest-name": ("a", 1),
    "longest-name": ("a" * 64, 1),
    "name-with-all-characters": ("z09._-z", 1),
    "salt-of-zeros": ("zeros", 1),
}


def _members(**members: Any) -> str:
    return rfc8785.dumps(members).decode()


PARTS_REFUSED = {
    "empty-text": ("no text", ""),
    "not-an-object-array": ("an array", "[]"),
    "not-an-object-string": ("a string", '"a"'),
    "not-an-object-null": ("null", "null"),
    "no-members": ("the empty object", "{}"),
    "name-missing": ("no name", _members(salt=SALT, value=1)),
    "salt-missing": ("no salt", _members(name="a", value=1)),
    "value-missing": ("no value", _members(name="a", salt=SALT)),
    "fourth-member": ("a member too many", _members(extra=1, name="a", salt=SALT, value=1)),
    "member-name-in-capitals": ("Name instead of name", _members(Name="a", salt=SALT, value=1)),
    "name-empty": ("an empty name", _members(name="", salt=SALT, value=1)),
    "name-too-long": ("a name of 65 characters", _members(name="a" * 65, salt=SALT, value=1)),
    "name-with-capital": ("a capital letter", _members(name="Document", salt=SALT, value=1)),
    "name-starts-with-digit": ("a digit first", _members(name="1a", salt=SALT, value=1)),
    "name-starts-with-dot": ("a dot first", _members(name=".a", salt=SALT, value=1)),
    "name-with-space": ("a space", _members(name="a b", salt=SALT, value=1)),
    "name-with-solidus": ("a solidus", _members(name="a/b", salt=SALT, value=1)),
    "name-chinese": ("a letter outside ASCII", _members(name="报告", salt=SALT, value=1)),
    "name-ends-with-newline": ("a newline after the name", _members(name="a\n", salt=SALT, value=1)),
    "name-with-arabic-digit": ("a digit outside ASCII", _members(name="a٣", salt=SALT, value=1)),
    "name-is-null": ("null as the name", _members(name=None, salt=SALT, value=1)),
    "name-is-integer": ("an integer as the name", _members(name=1, salt=SALT, value=1)),
    "name-is-array": ("an array as the name", _members(name=["a"], salt=SALT, value=1)),
    "salt-in-capitals": ("capital hex digits", _members(name="a", salt=SALT.upper(), value=1)),
    "salt-too-short": ("63 digits", _members(name="a", salt=SALT[:-1], value=1)),
    "salt-of-31-bytes": ("62 digits", _members(name="a", salt=SALT[:-2], value=1)),
    "salt-too-long": ("65 digits", _members(name="a", salt=SALT + "0", value=1)),
    "salt-with-prefix": ("0x before the salt", _members(name="a", salt="0x" + SALT, value=1)),
    "salt-with-prefix-of-64-characters": ("0x within the 64", _members(name="a", salt="0x" + SALT[2:], value=1)),
    "salt-not-hex": ("a g", _members(name="a", salt="g" + SALT[1:], value=1)),
    "salt-with-space": ("a space within", _members(name="a", salt=SALT[:62] + " 0", value=1)),
    "salt-ends-with-newline": ("a newline after the salt", _members(name="a", salt=SALT + "\n", value=1)),
    "salt-full-width-digits": ("digits outside ASCII", _members(name="a", salt="０" * 64, value=1)),
    "salt-is-null": ("null as the salt", _members(name="a", salt=None, value=1)),
    "salt-is-integer": ("an integer as the salt", _members(name="a", salt=1, value=1)),
    "not-canonical-order": ("members out of order", f'{{"salt":"{SALT}","name":"a","value":1}}'),
    "not-canonical-space": ("white space", f'{{"name":"a","salt":"{SALT}","value": 1}}'),
    "duplicate-member": ("value twice", f'{{"name":"a","salt":"{SALT}","value":1,"value":1}}'),
    "float-value": ("a float as the value", f'{{"name":"a","salt":"{SALT}","value":1.5}}'),
    "trailing-newline": ("a newline after the part", part_text("a", 1) + "\n"),
    "byte-order-mark": ("a byte-order mark", "\ufeff" + part_text("a", 1)),
    "value-too-deep": (
        "sixteen arrays within the part",
        f'{{"name":"a","salt":"{SALT}","value":{"[" * 16}{"]" * 16}}}',
    ),
    "too-long": ("more than 65,536 bytes", part_text("a", "x" * 65_536)),
}


def part_cases() -> Cases:
    """Parts alone."""
    for name, (part_name, value) in PARTS.items():
        salt = bytes(32) if name == "salt-of-zeros" else pseudo_random(f"salt {part_name}")
        text = part_text(part_name, value, salt)
        expect = {"name": part_name, "salt": salt.hex(), "value": value, "leaf": part_leaf(text).hex()}
        yield Case("part", f"valid-{name}", f"a part: {name.replace('-', ' ')}", {"text": text}, expect)
    for name, (desc, text) in PARTS_REFUSED.items():
        yield Case("part", name, desc, {"text": text}, error="malformed")


def _content_case(name: str, desc: str, parts: list[Any]) -> Case:
    leaves = [part["leaf"] if isinstance(part, dict) else part_leaf(part).hex() for part in parts]
    return Case("content", name, desc, {"parts": parts}, {"leaves": leaves, "content": content_hash(parts).hex()})


def _content_held(shown: list[str], withheld: list[dict[str, Any]]) -> Cases:
    yield _content_case("one-part", "one part", shown[:1])
    yield _content_case("two-parts", "two parts", shown[:2])
    yield _content_case("two-parts-swapped", "the order is bound: another hash than two-parts", shown[1::-1])
    yield _content_case(
        "two-parts-names-swapped",
        "the leaves of two-parts under each other's names: the names are bound, another hash",
        [{**withheld[0], "name": "part1"}, {**withheld[1], "name": "part0"}],
    )
    yield _content_case(
        "two-parts-one-renamed",
        "the leaves of two-parts, the second under another name: another hash",
        [shown[0], {**withheld[1], "name": "part2"}],
    )
    yield _content_case("three-parts", "three parts", shown[:3])
    yield _content_case(
        "three-parts-middle-withheld", "the hash of three-parts again", [shown[0], withheld[1], shown[2]]
    )
    yield _content_case("three-parts-all-withheld", "the hash of three-parts again", withheld[:3])
    yield _content_case("64-parts", "the longest list", shown[:64])
    yield _content_case(
        "64-parts-one-shown", "the hash of 64-parts again", [*withheld[:40], shown[40], *withheld[41:64]]
    )
    same_value = [part_text("a", "阴性"), part_text("b", "阴性")]
    yield _content_case("same-value-different-names", "equal values hide behind different salts", same_value)
    same_leaf = [withheld[0], {**withheld[1], "leaf": withheld[0]["leaf"]}]
    yield _content_case("withheld-same-leaf-different-names", "only names are unique", same_leaf)
    extremes = [{**withheld[0], "name": "a"}, {**withheld[1], "name": "a" * 64}, {**withheld[2], "name": "z09._-z"}]
    yield _content_case("withheld-names-of-any-form", "the shortest name, the longest, one of all characters", extremes)


def _content_lists_refused(shown: list[str], withheld: list[dict[str, Any]]) -> dict[str, tuple[str, list[Any]]]:
    one, other = part_text("document", "阴性"), part_text("document", "阳性", bytes(32))
    return {
        "no-parts": ("no part at all", []),
        "65-parts": ("one too many", shown),
        "65-parts-withheld": ("one too many, withheld", withheld),
        "duplicate-name": ("two shown parts of one name", [part_text("a", 1), part_text("a", 2, bytes(32))]),
        "duplicate-name-second-withheld": ("one name, the second part withheld", [one, withheld_part(other)]),
        "duplicate-name-first-withheld": ("the same content, the first part withheld", [withheld_part(one), other]),
        "duplicate-name-both-withheld": ("the same content, both withheld", [withheld_part(one), withheld_part(other)]),
        "duplicate-name-apart": ("the first and the last of 64", [*withheld[:63], {**withheld[63], "name": "part0"}]),
        "same-part-twice": ("one part twice", [shown[0], shown[0]]),
        "same-part-shown-and-withheld": ("one part shown and again withheld", [shown[0], withheld[0]]),
        "same-part-withheld-twice": ("one part withheld twice", [withheld[0], withheld[0]]),
        "item-empty-object": ("an object without leaf", [{}]),
        "item-null": ("null as a part", [None]),
        "item-integer": ("an integer as a part", [1]),
        "item-list": ("a list as a part", [[shown[0]]]),
        "item-list-of-name-and-leaf": ("a list for a withheld part", [[withheld[0]["name"], withheld[0]["leaf"]]]),
        "item-malformed-part": ("a part that is no canonical JSON", [shown[0], "{ }"]),
    }


def _withheld_refused(text: str) -> dict[str, tuple[str, dict[str, Any]]]:
    def changed(**members: Any) -> dict[str, Any]:
        return withheld_part(text, **members)

    leaf, name = changed()["leaf"], changed()["name"]
    return {
        "leaf-of-31-bytes": ("62 digits", changed(leaf=leaf[2:])),
        "leaf-of-33-bytes": ("66 digits", changed(leaf=leaf + "00")),
        "leaf-of-63-digits": ("63 digits", changed(leaf=leaf[1:])),
        "leaf-empty": ("no digits", changed(leaf="")),
        "leaf-in-capitals": ("capital hex digits", changed(leaf="AB" * 32)),
        "leaf-with-prefix": ("0x before the leaf", changed(leaf="0x" + leaf)),
        "leaf-with-newline": ("a newline after the leaf", changed(leaf=leaf + "\n")),
        "leaf-with-space": ("a space within the leaf", changed(leaf=leaf[:62] + " 0")),
        "leaf-is-null": ("null as the leaf", changed(leaf=None)),
        "leaf-with-extra-member": ("a third member", changed(value=1)),
        "leaf-with-salt": ("the salt as a third member", changed(salt=SALT)),
        "leaf-misspelt": ("another member instead of leaf", {"Leaf": leaf, "name": name}),
        "withheld-without-leaf": ("a name alone", {"name": name}),
        "withheld-without-name": ("a leaf alone", {"leaf": leaf}),
        "withheld-name-misspelt": ("another member instead of name", {"Name": name, "leaf": leaf}),
        "withheld-name-empty": ("an empty name", changed(name="")),
        "withheld-name-too-long": ("a name of 65 characters", changed(name="a" * 65)),
        "withheld-name-with-capital": ("a capital letter", changed(name="Part0")),
        "withheld-name-starts-with-digit": ("a digit first", changed(name="0part")),
        "withheld-name-with-space": ("a space", changed(name="part 0")),
        "withheld-name-ends-with-newline": ("a newline after the name", changed(name=name + "\n")),
        "withheld-name-with-zero-byte": ("U+0000 within, which would shift the leaf", changed(name="a\x00b")),
        "withheld-name-chinese": ("a letter outside ASCII", changed(name="报告")),
        "withheld-name-with-arabic-digit": ("a digit outside ASCII", changed(name="a٣")),
        "withheld-name-is-null": ("null as the name", changed(name=None)),
        "withheld-name-is-integer": ("an integer as the name", changed(name=1)),
        "withheld-name-is-array": ("an array as the name", changed(name=[name])),
    }


def content_cases() -> Cases:
    """Lists of parts, shown and withheld."""
    shown = [part_text(f"part{number}", {"number": number}) for number in range(65)]
    withheld = [withheld_part(text) for text in shown]
    yield from _content_held(shown, withheld)
    for name, (desc, parts) in _content_lists_refused(shown, withheld).items():
        yield Case("content", name, desc, {"parts": parts}, error="malformed")
    for name, (desc, item) in _withheld_refused(shown[0]).items():
        yield Case("content", name, desc, {"parts": [item]}, error="malformed")


def cases() -> Cases:
    """Both topics."""
    yield from part_cases()
    yield from content_cases()
