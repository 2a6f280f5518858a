"""The sender and the door judge parts and links alike: what one refuses, the other does too."""

import json
from hashlib import sha256
from typing import Any

import pytest

from anchors.core.content import Content, Part, Withheld
from ledger_service.client.compose import Material, compose
from ledger_service.client.errors import WrongInput
from ledger_service.kinds import KINDS
from ledger_service.problems import Refused
from ledger_service.usecases.check import Said, read_parts
from tests.fixtures.parts import EXAMPLES, RULES, rules_digest

SUBJECT, TARGET = bytes(31) + b"\x01", bytes(31) + b"\x02"
DOCUMENT = {"bytes": 1, "format": "raw", "sha256": "0" * 64, "sm3": "1" * 64}
ACCESS = {"at": 1, "basis": "sample"}
ISSUED_AT = 4_000
LINK = {"rel": "report", "statement": "0x" + TARGET.hex()}


def at_the_door(kind: str, values: dict[str, Any]):
    content = Content.of(Part.create(name, value) for name, value in values.items())
    return read_parts(KINDS[kind], content, ISSUED_AT)


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
    assert at_the_door("access.granted", values) == Said((("report", TARGET),))
    composed = compose("access.granted", SUBJECT, Material(DOCUMENT, ACCESS, links={"report": TARGET}))
    assert composed.content.names() == set(values)


def test_of_a_withheld_part_no_form_is_asked() -> None:
    shown = [Part.create(name, value) for name, value in (("access", ACCESS), ("links", [LINK]))]
    withheld = Withheld("reason", Part.create("reason", "no form").leaf)
    assert read_parts(KINDS["access.granted"], Content.of([*shown, withheld]), ISSUED_AT).links == (("report", TARGET),)


@pytest.mark.parametrize("character", ["\x00", "\x1f", "\x7f", "\x80", "\x85", "\x9f"])
def test_a_name_holds_no_control_character(character: str) -> None:
    assert at_the_door("institution.profiled", {"profile": EXAMPLES["profile"] | {"name": "样例\xa0医院"}})
    with pytest.raises(Refused, match="name") as refused:
        at_the_door("institution.profiled", {"profile": EXAMPLES["profile"] | {"name": f"样例{character}医院"}})
    assert refused.value.problem.code == "invalid-part"


def emergency(**access: Any) -> dict[str, Any]:
    return {"access": ACCESS | access, "links": [LINK], "reason": {"code": "x"}}


def test_an_emergency_that_is_recorded_long_after_says_so() -> None:
    at_the_door("access.emergency", emergency(at=ISSUED_AT - 3_600))
    with pytest.raises(Refused, match="3601 s after") as refused:
        at_the_door("access.emergency", emergency(at=ISSUED_AT - 3_601))
    assert refused.value.problem.code == "not-said-late"
    at_the_door("access.emergency", emergency(at=ISSUED_AT - 3_601, late=True))
    material = Material(access=ACCESS, reason="x", links={"report": TARGET})
    with pytest.raises(WrongInput, match="late"):
        compose("access.emergency", SUBJECT, material, issued_at=ISSUED_AT)


@pytest.mark.parametrize("digest", [None, "0" * 64])
def test_rules_that_the_policy_names_by_another_digest(digest: str | None) -> None:
    policy = {name: value for name, value in EXAMPLES["policy"].items() if name != "digest"}
    policy |= {"digest": digest} if digest else {}
    assert at_the_door("policy.published", {"policy": EXAMPLES["policy"], "rules": EXAMPLES["rules"]}).policy
    with pytest.raises(Refused) as refused:
        at_the_door("policy.published", {"policy": policy, "rules": EXAMPLES["rules"]})
    assert refused.value.problem.code == "policy-differs"


def test_the_subject_of_a_policy_is_what_the_specification_says() -> None:
    values = {"policy": EXAMPLES["policy"], "rules": EXAMPLES["rules"]}
    digest = sha256(json.dumps(RULES, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
    assert EXAMPLES["policy"]["digest"] == digest
    subject = sha256(b"huzheng policy\0sample-city\x002\0" + digest.encode()).digest()
    assert at_the_door("policy.published", values).policy == subject


def test_rules_that_make_no_sense_are_not_published() -> None:
    broken = RULES | {"area": "nowhere"}
    policy = EXAMPLES["policy"] | {"digest": rules_digest(broken)}
    with pytest.raises(Refused, match="part 'rules'") as refused:
        at_the_door("policy.published", {"policy": policy, "rules": broken})
    assert refused.value.problem.code == "invalid-part"


def test_a_decision_that_links_to_a_policy_names_its_digest() -> None:
    links = [{"rel": rel, "statement": "0x" + TARGET.hex()} for rel in ("access", "report", "policy")]
    policy = EXAMPLES["policy"]
    values = {"policy": policy, "links": links}
    assert at_the_door("recognition.accepted", values).policy
    without = {name: value for name, value in policy.items() if name != "digest"}
    with pytest.raises(Refused, match="names no digest"):
        at_the_door("recognition.accepted", values | {"policy": without})
    assert at_the_door("recognition.accepted", {"policy": without, "links": links[:2]}).policy is None
