"""Step 18: the operator's word names what is beside the timeline too, and where links lead on. Both verifiers agree."""

from dataclasses import replace

import pytest
from msgspec import structs

from anchors import Content, Part
from anchors.core import signature as signatures
from anchors.core.encoding import encode_hex
from anchors.evidence import members as forms
from anchors.evidence.links import linked_ids
from anchors.evidence.members import Completeness
from ledger_service.usecases.judge_evidence import judge_evidence
from tests.evidence.conftest import Exported
from tests.evidence.test_hostile_packages import Forger
from tests.evidence.test_second_implementation import agree

ID, OTHER = "0x" + "ab" * 32, "0x" + "cd" * 32


@pytest.fixture(scope="module")
def held(exported: Exported) -> Forger:
    """The package about a hold, by its court. It leads to the amended report, and that on to the first one."""
    return Forger(replace(exported, package=exported.fetch("court", exported.hold.subject)))


def word_of(forger: Forger) -> Completeness:
    """What the operator signed."""
    return Completeness.read(forger.exported.members[forms.COMPLETENESS])


def resigned(forger: Forger, **changes: object) -> bytes:
    """The package with another word, rightly signed by the operator."""
    word = structs.replace(word_of(forger), **changes)
    city = forger.exported.people.ledger.city
    signature = encode_hex(signatures.sign(word.digest(city.domain), city.operator.receipt))
    word = structs.replace(word, signature=signature)
    return forger.seal(forger.exported.members | {forms.COMPLETENESS: word.write()})


def complete(forger: Forger, package: bytes) -> tuple[str, str]:
    """What both verifiers say of the step, and why it is so."""
    step = judge_evidence(package, forger.exported.trust).package.report.step("complete")
    assert agree(package, forger.exported)["complete"] == step.state
    return step.state.value, step.said.en


def test_what_links_lead_on_to_is_named(held: Forger) -> None:
    word, hold, report = word_of(held), held.exported.hold, held.exported.report
    assert (word.timeline, word.notCarried) == ([hold.name], [report.name])
    links = hold.content.value("links")
    assert word.linked == [link["statement"] for link in links] and word.rules
    state, why = complete(held, held.exported.package)
    assert state == "NOT_PROVABLE" and "these 1 all that they lead to" in why and "lead on to 1 that" in why
    assert held.failing(held.exported.package) == []


def test_a_package_that_leads_nowhere_else(exported: Exported) -> None:
    """Its timeline and its rules are all that is linked to."""
    assert word_of(Forger(exported)).notCarried == []


@pytest.mark.parametrize("role", ["linked", "rules"])
def test_a_statement_beside_the_timeline_is_dropped(held: Forger, role: str) -> None:
    """With its name in the manifest: nobody but the operator said that it should be there."""
    package = held.seal(*held.drop(getattr(held.matter.roles, role)[-1]))
    assert held.failing(package) == ["complete"]
    assert complete(held, package)[0] == "FAILED"


def test_a_link_leads_to_what_is_neither_there_nor_named(held: Forger) -> None:
    """By the operator's own word."""
    state, why = complete(held, resigned(held, notCarried=[OTHER]))
    assert state == "FAILED" and held.exported.report.name in why and "neither there nor named" in why
    both = [held.exported.report.name, OTHER]  # a part that was withheld since may have led there
    assert complete(held, resigned(held, notCarried=both))[0] == "NOT_PROVABLE"


def test_what_is_there_is_named_as_not_carried(held: Forger) -> None:
    word = word_of(held)
    state, why = complete(held, resigned(held, notCarried=[*word.notCarried, *word.linked]))
    assert state == "FAILED" and "names it as not carried" in why


@pytest.mark.parametrize("first", [True, False])
def test_the_operator_names_another_role(held: Forger, first: bool) -> None:
    """A rule as linked, or rules in another order than the log's."""
    word = word_of(held)
    named = {"linked": [*word.linked, word.rules[0]], "rules": word.rules[1:]} if first else {"rules": word.rules[::-1]}
    assert len(word.rules) > 1
    assert complete(held, resigned(held, **named))[0] == "FAILED"


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ([{"rel": "report", "statement": ID}, {"statement": OTHER, "more": 1}], [ID, OTHER]),
        ([{"rel": "original", "statement": ID, "origin": "log.example/other"}], []),
        ([{"rel": "report", "statement": ID.upper()}, {"rel": "report"}, {"statement": 1}, ID, None], []),
        ([{"statement": ID + "\n"}, {"statement": ID[:-1]}], []),
        ({"statement": ID}, []),
        ("links", []),
        (None, []),
    ],
)
def test_what_is_a_link(value: object, found: list[str]) -> None:
    assert linked_ids(Content.of([Part.create("links", value), Part.create("other", [{"statement": ID}])])) == found
