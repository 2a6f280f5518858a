"""A content with two parts of one name cannot be built: it could be shown as two different things (ADR 9)."""

import pytest

from anchors import Content, MalformedInput, Part
from anchors.core.content import Withheld

ONE = Part.create("document", {"result": "negative"})
OTHER = Part.create("document", {"result": "positive"})
NOTE = Part.create("note", "synthetic")


def _withheld(part: Part) -> Withheld:
    return Withheld(part.name, part.leaf)


SHOWINGS = {
    "both shown": (ONE, OTHER),
    "second withheld": (ONE, _withheld(OTHER)),
    "first withheld": (_withheld(ONE), OTHER),
    "both withheld": (_withheld(ONE), _withheld(OTHER)),
    "apart": (ONE, NOTE, _withheld(OTHER)),
    "one part twice": (ONE, _withheld(ONE)),
}


@pytest.mark.parametrize("parts", SHOWINGS.values(), ids=SHOWINGS)
def test_two_parts_of_one_name_are_no_content(parts: tuple[Part | Withheld, ...]) -> None:
    with pytest.raises(MalformedInput, match="'document'"):
        Content.of(parts)
    wire = [p.text.decode() if isinstance(p, Part) else {"leaf": p.leaf.hex(), "name": p.name} for p in parts]
    with pytest.raises(MalformedInput, match="'document'"):
        Content.from_wire(wire)


def test_a_withheld_part_under_another_name_is_another_content() -> None:
    signed = Content.of([ONE, NOTE])
    assert Content.of([ONE, _withheld(NOTE)]).hash == signed.hash
    assert Content.of([ONE, Withheld("links", NOTE.leaf)]).hash != signed.hash
    assert Content.of([Withheld("note", ONE.leaf), Withheld("document", NOTE.leaf)]).hash != signed.hash


def test_hiding_the_second_of_one_name_behind_another_name_does_not_help() -> None:
    """Signed with the second under a free name, it can never be shown as `document`."""
    signed = Content.of([ONE, Withheld("spare", OTHER.leaf)])
    renamed = Content.of([Withheld("spare", ONE.leaf), OTHER])
    assert renamed.hash != signed.hash
