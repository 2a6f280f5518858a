"""Composing: every kind, and every mistake before it is signed."""

import hashlib
import hmac
from dataclasses import replace

import msgspec
import pytest

from anchors.core.canonical import FloatFound
from anchors.core.errors import Error, MalformedInput
from ledger_service.client.bringing_in import BroughtIn, bring_in
from ledger_service.client.compose import Material, compose, report_subject
from ledger_service.client.errors import WrongInput
from ledger_service.kinds import KINDS
from ledger_service.originals import TrustedOrigins
from ledger_service.parts import PART_FORMS
from tests.fixtures.other_log import OtherLog
from tests.fixtures.parts import EXAMPLES

SUBJECT = b"\x07" * 32
DOCUMENT = {"bytes": 3, "format": "raw", "sha256": "0" * 64, "sm3": "1" * 64}
ALL = Material(
    document=DOCUMENT,
    access={"at": 1_760_000_000, "basis": "outpatient-visit"},
    reason="condition-changed",
    policy=EXAMPLES["policy"],
)
ARGUMENTS = ("document", "access", "reason", "policy", "links", "proof")


def material(kind: str, **changes: object) -> Material:
    """Exactly what a kind needs."""
    parts = KINDS[kind].parts
    members = {name: getattr(ALL, name) for name in ("document", "access", "reason", "policy") if name in parts}
    rels = sorted(KINDS[kind].required_rels - {"original"})
    members["links"] = {rel: bytes([number + 1]) * 32 for number, rel in enumerate(rels)}
    members["original"] = brought_in(kind) if KINDS[kind].original else None
    members["more"] = {name: EXAMPLES[name] for name in parts if name not in ARGUMENTS}
    members["more"] |= changes.pop("more", {})
    return Material(**members | changes)


def brought_in(kind: str) -> BroughtIn:
    """What an import of this kind brings in."""
    other = OtherLog()
    issued = other.add(other.hospital.issued())
    amended = other.add(other.hospital.amended(issued))
    withdrawn = other.add(other.hospital.withdrawn(amended))
    statement = {"import.issued": issued, "import.amended": amended, "import.withdrawn": withdrawn}[kind]
    return bring_in(other.proof(statement), TrustedOrigins([other.trust()]))


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_gets_its_parts_in_their_forms(kind: str) -> None:
    draft = compose(kind, SUBJECT, material(kind, more={"note": "free text, 备注"}))
    assert draft.content.names() == {*KINDS[kind].parts, "note"}
    for name in KINDS[kind].parts:
        msgspec.convert(draft.content.value(name), PART_FORMS[name])


@pytest.mark.parametrize("kind", KINDS)
def test_every_missing_part_is_noticed(kind: str) -> None:
    for name in KINDS[kind].parts:
        whole = material(kind)
        more = {other: value for other, value in whole.more.items() if other != name}
        argument = "original" if name == "proof" else name
        changes = {argument: {} if name == "links" else None} if name in ARGUMENTS else {"more": more}
        changes |= {"original": None} if KINDS[kind].original else {}
        with pytest.raises(WrongInput):
            compose(kind, SUBJECT, replace(whole, **changes))


def test_salts_are_fresh() -> None:
    first, second = (compose("report.issued", SUBJECT, material("report.issued")) for _ in range(2))
    assert first.content.hash != second.content.hash


@pytest.mark.parametrize(
    "changes",
    [
        {"document": DOCUMENT | {"sha256": "0" * 63}},
        {"document": DOCUMENT | {"format": "word"}},
        {"document": DOCUMENT | {"more": 1}},
        {"document": DOCUMENT | {"bytes": -1}},
        {"reason": ""},
        {"reason": "x" * 65},
        {"reason": "条件"},
        {"policy": {"policy": "p"}},
        {"access": {"at": "now", "basis": "b"}},
        {"links": {"report": b"\x01" * 32}},
        {"more": {"document": 1}},
    ],
)
def test_wrong_forms_are_noticed(changes: dict) -> None:
    with pytest.raises(WrongInput):
        compose("report.issued", SUBJECT, material("report.issued", **changes))


def test_values_that_have_no_canonical_form_are_noticed() -> None:
    with pytest.raises(FloatFound):
        compose("report.issued", SUBJECT, material("report.issued", more={"note": 1.5}))
    with pytest.raises(MalformedInput):
        compose("report.issued", SUBJECT, material("report.issued", more={"Note": 1}))
    with pytest.raises(MalformedInput):
        compose("report.issued", SUBJECT, material("report.issued", links={}, more={"note": "x" * 70_000}))


def test_only_what_is_not_required_is_withheld() -> None:
    with pytest.raises(WrongInput, match="cannot be withheld"):
        compose("report.issued", SUBJECT, material("report.issued"), withhold=frozenset({"document"}))
    with pytest.raises(WrongInput, match="no part"):
        compose("report.issued", SUBJECT, material("report.issued"), withhold=frozenset({"facts"}))


def test_unknown_kinds_and_short_subjects() -> None:
    with pytest.raises(WrongInput, match="the kinds are"):
        compose("report.lost", SUBJECT, ALL)
    with pytest.raises(Error):
        compose("report.issued", b"short", material("report.issued"))


def test_a_subject_is_keyed() -> None:
    secret = b"\x09" * 32
    expected = hmac.new(secret, "编号 1".encode(), hashlib.sha256).digest()
    assert report_subject(secret, "编号 1") == expected
    with pytest.raises(WrongInput):
        report_subject(secret, "")
