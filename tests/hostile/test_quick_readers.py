"""The two quick ways of reading a submission take nothing that the careful ways would not, and read the same in it."""

import json
from typing import Any

import pytest
from hypothesis import given

from anchors.core.content import Part
from ledger_service.kind_rules import read_listed_part
from ledger_service.parts import PART_FORMS
from ledger_service.problems import Refused
from ledger_service.usecases.submission import MAX_STATEMENTS, Submission, Submitted, read_submission
from tests.fixtures.parts import EXAMPLES
from tests.hostile.mutations import mutated

ORIGIN = "ledger.example/quick"
SALT = bytes(range(32))
LINKS = [{"rel": "report", "statement": "0x" + "07" * 32}, {"rel": '访问\n"', "statement": "0x" + "08" * 32}]
VALUES = {name: value for name, value in EXAMPLES.items() if name != "rules"} | {"links": LINKS}
TEXTS = {name: Part.create(name, value, SALT).text for name, value in VALUES.items()}


def test_every_listed_form_is_looked_at() -> None:
    assert EXAMPLES.keys() == PART_FORMS.keys()


def test_rules_are_any_json_and_left_to_the_careful_reader() -> None:
    assert read_listed_part(Part.create("rules", EXAMPLES["rules"], SALT).text) is None


@pytest.mark.parametrize("name", TEXTS)
def test_a_part_of_a_listed_form_is_the_part_that_any_reader_reads(name: str) -> None:
    quick, careful = read_listed_part(TEXTS[name]), Part.read(TEXTS[name])
    assert (quick.text, quick.name, quick.leaf) == (careful.text, careful.name, careful.leaf)


BROKEN = {
    "a space": lambda text: text.replace(b'","', b'", "', 1),
    "a member twice": lambda text: text.replace(b'{"at":1790000000', b'{"at":1,"at":1790000000'),
    "the name twice": lambda text: text.replace(b'{"name":"access"', b'{"name":"access","name":"access"'),
    "another order": lambda text: text.replace(b'{"at":1790000000,"basis":"t', b'{"basis":"t').replace(
        b'"}}', b'","at":1790000000}}'
    ),
    "a needless escape": lambda text: text.replace(b"treatment", b"\\u0074reatment"),
    "a float": lambda text: text.replace(b"1790000000", b"1790000000.0"),
    "an exponent": lambda text: text.replace(b"1790000000", b"179e7"),
    "an integer beyond 2^53-1": lambda text: text.replace(b"1790000000", b"9007199254740992"),
    "minus zero": lambda text: text.replace(b"1790000000", b"-0"),
    "a member too many": lambda text: text.replace(b"}}", b',"more":1}}'),
    "a salt that is short": lambda text: text.replace(SALT.hex().encode(), SALT.hex().encode()[2:]),
    "a salt in upper case": lambda text: text.replace(SALT.hex().encode(), SALT.hex().upper().encode()),
    "a byte-order mark": lambda text: b"\xef\xbb\xbf" + text,
    "something behind it": lambda text: text + b" ",
    "no UTF-8": lambda text: text.replace(b"treatment", b"\xff"),
    "a lone surrogate": lambda text: text.replace(b"treatment", b"\\ud800"),
}


@pytest.mark.parametrize("change", BROKEN.values(), ids=BROKEN)
def test_what_is_not_written_in_the_one_way_is_left_to_the_careful_reader(change: Any) -> None:
    text = change(TEXTS["access"])
    assert text != TEXTS["access"]
    assert read_listed_part(text) is None


@given(mutated(list(TEXTS.values())))
def test_no_mutation_is_taken_that_the_careful_reader_refuses(text: bytes) -> None:
    quick = read_listed_part(text)
    if quick is not None:
        careful = Part.read(text)
        assert (quick.text, quick.name, quick.leaf) == (careful.text, careful.name, careful.leaf)


# Bodies

ENTRY = bytes(range(3, 13))
PARTS = ["text", {"leaf": "ab" * 32, "name": "facts"}, "文本\n"]
ITEM = {"key": "0x" + "01" * 20, "entry": "AwQFBgcICQoLDA==", "parts": PARTS}


def compact(value: Any) -> bytes:
    """As senders of the project write it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def read(body: bytes) -> tuple[str, list] | str:
    """What a body says, or the code of its problem; items that cannot be read as the code of theirs."""
    try:
        submission: Submission = read_submission(body, ORIGIN)
    except Refused as refused:
        return refused.problem.code
    return submission.origin, [one.problem.code if isinstance(one, Refused) else one for one in submission.statements]


@pytest.mark.parametrize(
    "items",
    [
        [ITEM],
        [ITEM] * 3,
        [ITEM, {"key": 1}, ITEM],
        [ITEM, ITEM | {"more": 1}],
        [],
        [ITEM] * MAX_STATEMENTS,
        [ITEM] * (MAX_STATEMENTS + 1),
        [ITEM] * (MAX_STATEMENTS + 5),
    ],
    ids=lambda items: f"{len(items)} items",
)
def test_a_body_says_the_same_however_it_is_written(items: list) -> None:
    body = {"origin": ORIGIN, "statements": items}
    plain = read(compact(body))
    assert plain == read(json.dumps(body).encode()) == read(json.dumps(body, indent=1, ensure_ascii=False).encode())
    if len(items) > MAX_STATEMENTS:
        with pytest.raises(Refused, match=f"{len(items)} statements; send 1 to {MAX_STATEMENTS}"):
            read_submission(json.dumps(body).encode(), ORIGIN)


@pytest.mark.parametrize("member", ["key", "entry", "parts"])
def test_a_member_that_is_named_twice_spoils_its_item_and_no_other(member: str) -> None:
    whole = compact(ITEM)
    twice = whole[:-1] + b',"%b":%b}' % (member.encode(), compact(ITEM[member]))
    body = compact({"origin": ORIGIN, "statements": []}).replace(b"[]", b"[%b,%b]" % (whole, twice))
    _, items = read(body)
    assert items[1] == "malformed-statement" and items[0].entry == ENTRY


@pytest.mark.parametrize(
    "text", ["AwQFBgcICQoLDB==", "AwQFBgcICQoLDA=", "AwQFBgcICQoLDA", "AwQ FBgcICQoLDA==", "", "-_-_"]
)
@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": ")], ids=["plain", "spaced"])
def test_base64_has_one_form(text: str, separators: tuple[str, str]) -> None:
    """The last character's unused bits, the padding, the alphabet; nothing at all is an entry of no bytes."""
    body = {"origin": ORIGIN, "statements": [ITEM, ITEM | {"entry": text}]}
    _, (first, second) = read(json.dumps(body, separators=separators).encode())
    assert first.entry == ENTRY
    assert second.entry == b"" if text == "" else second == "malformed-statement"


@pytest.mark.parametrize("member", ["leaf", "name"])
def test_a_withheld_part_that_names_a_member_twice_is_told(member: str) -> None:
    whole = compact(ITEM)
    twice = whole.replace(b'{"leaf"', b'{"%b":"x","leaf"' % member.encode())
    _, (first, second) = read(compact({"origin": ORIGIN, "statements": []}).replace(b"[]", b"[%b,%b]" % (whole, twice)))
    assert first.entry == ENTRY and second.refused.problem.code == "duplicate-key"


@given(mutated([compact({"origin": ORIGIN, "statements": [ITEM, ITEM]})]))
def test_what_is_read_of_a_mutated_body_says_each_member_once(body: bytes) -> None:
    found = read(body)
    if isinstance(found, str) or not all(isinstance(item, Submitted) for item in found[1]):
        return
    json.loads(body, object_pairs_hook=_check_names)


def _check_names(members: list[tuple[str, Any]]) -> None:
    names = [name for name, _ in members]
    assert len(set(names)) == len(names)
