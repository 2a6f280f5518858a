"""The sender and the door judge parts and links alike: what one refuses, the other does too."""

from typing import Any

import pytest

from anchors.core.content import Content, Part, Withheld
from ledger_service.client.compose import Material, compose
from ledger_service.client.errors import WrongInput
from ledger_service.kinds import KINDS
from ledger_service.problems import Refused
from ledger_service.usecases.check import read_parts

SUBJECT, TARGET = bytes(31) + b"\x01", bytes(31) + b"\x02"
DOCUMENT = {"bytes": 1, "format": "raw", "sha256": "0" * 64, "sm3": "1" * 64}
ACCESS = {"at": 1, "basis": "sample"}
LINK = {"rel": "report", "statement": "0x" + TARGET.hex()}


def at_the_door(kind: str, values: dict[str, Any]):
    return read_parts(KINDS[kind], Content.of(Part.create(name, value) for name, value in values.items()))


@pytest.mark.parametrize(
    ("kind", "values", "material"),
    [
        ("report.issued", {}, Material(more={"note": "x"})),
        ("report.issued", {"document": DOCUMENT, "policy": {}}, Material(document=DOCUMENT, policy={})),
        ("report.issued", {"document": DOCUMENT, "reason": {"code": ""}}, Material(document=DOCUMENT, reason="")),
        ("report.issued", {"document": DOCUMENT, "links": [LINK]}, Material(DOCUMENT, links={"report": TARGET})),
        ("access.granted", {"access": ACCESS, "links": []}, Material(access=ACCESS)),
    ],
    ids=["missing", "not required, wrong form", "empty reason", "a link too many", "no link"],
)
def test_both_sides_refuse(kind: str, values: dict[str, Any], material: Material) -> None:
    with pytest.raises(Refused):
        at_the_door(kind, values or {"note": "x"})
    with pytest.raises(WrongInput):
        compose(kind, SUBJECT, material)


def test_a_document_that_is_not_required_has_its_form_and_is_looked_up_by_nothing() -> None:
    values = {"access": ACCESS, "links": [LINK], "document": DOCUMENT}
    assert at_the_door("access.granted", values) == ((("report", TARGET),), None)
    composed = compose("access.granted", SUBJECT, Material(DOCUMENT, ACCESS, links={"report": TARGET}))
    assert composed.content.names() == set(values)


def test_of_a_withheld_part_no_form_is_asked() -> None:
    shown = [Part.create(name, value) for name, value in (("access", ACCESS), ("links", [LINK]))]
    withheld = Withheld("reason", Part.create("reason", "no form").leaf)
    assert read_parts(KINDS["access.granted"], Content.of([*shown, withheld]))[0] == (("report", TARGET),)
