"""What is no policy, or makes no sense, is refused in one line that says what to do."""

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given

from anchors.core.errors import MalformedInput
from ledger_service.recognition.policies import shipped_policy
from ledger_service.recognition.policy import convert_policy, policy_text
from tests.recognition.strategies import policies

Change = Callable[[dict[str, Any]], object]

FAULTS: list[tuple[str, Change, str]] = [
    ("another format", lambda p: p.update(format="huzheng policy v2"), "huzheng policy v2"),
    ("an unknown member", lambda p: p.update(discount=1), "discount"),
    ("a missing member", lambda p: p.pop("levels"), "levels"),
    ("a float", lambda p: p["qualification"].update(months=12.5), "12.5"),
    ("a float that is whole", lambda p: p["qualification"].update(months=12.0), "12.0"),
    ("a name with a space", lambda p: p.update(policy="zhanjiang 2024"), r"\$\.policy"),
    ("an empty clause", lambda p: p["qualification"].update(clause=""), r"\$\.qualification\.clause"),
    ("a zone by name", lambda p: p.update(zone="Asia/Shanghai"), r"\$\.zone"),
    ("no scopes", lambda p: p.update(scopes=[]), r"\$\.scopes"),
    ("a day that is none", lambda p: p.update(issued="2024-02-30"), r"\$\.issued"),
    ("it ends before it begins", lambda p: p["in_force"].update(last="2024-01-23"), "before the first day"),
    ("a window of 0 days", lambda p: _lab(p)["window"].update(days=0), r"\$\.categories\.included\[0\]\.window\.days"),
    ("a window of a negative day", lambda p: _lab(p)["window"].update(days=-14), "window"),
    ("a window of centuries", lambda p: _lab(p)["window"].update(days=36500), "window"),
    ("a category twice", lambda p: p["categories"]["excluded"][0].update(id="imaging"), "'imaging' stands twice"),
    ("a tier of 4", lambda p: p["levels"][2].update(tiers=[3, 4]), r"\$\.levels\[2\]\.tiers\[1\]"),
    ("a tier in two levels", lambda p: p["levels"][2].update(tiers=[2, 3]), "tier 2 stands twice"),
    ("a tier in no level", lambda p: p["levels"].pop(1), "tier 2 is in no level"),
    ("a tier twice", lambda p: _step(p).update(issuer={"tiers": [3, 3]}), "tier 3 stands twice"),
    ("an unknown area", lambda p: p.update(area="maoming"), "'maoming' is not among the areas"),
    (
        "an unknown area of a party",
        lambda p: p["scopes"][0].update(issuer={"area": "maoming"}),
        "scope 'tiers'.*maoming",
    ),
    ("an unknown area of a mark", lambda p: p["qualification"]["marks"][0].update(area="maoming"), "maoming"),
    ("an area twice", lambda p: p["areas"].append(p["areas"][0]), "area 'zhanjiang' stands twice"),
    ("a place twice", lambda p: p["areas"][0].update(places=["440800", "440800"]), "'440800' stands twice"),
    ("a place without a name", lambda p: p["areas"][0].update(places=[""]), r"\$\.areas\[0\]\.places"),
    ("a place with a C1 control", lambda p: p["areas"][0].update(places=["湛\x85江"]), r"\$\.areas\[0\]\.places"),
    ("a place of two lines", lambda p: p["areas"][0].update(places=["湛\n江"]), r"\$\.areas\[0\]\.places"),
    ("a kind of group with a slash", lambda p: p["groups"][0].update(id="city/close"), r"\$\.groups\[0\]\.id"),
    (
        "an unknown kind of group",
        lambda p: p["scopes"][1].update(groups=["friends"]),
        "'friends' is not among the groups",
    ),
    ("an unknown kind in a step", lambda p: p["scopes"][1]["phases"][0]["steps"][0].update(groups=["x"]), "'x' is not"),
    ("a kind of group twice", lambda p: p["groups"].append(p["groups"][0]), "'city-close' stands twice"),
    (
        "a kind twice in a scope",
        lambda p: p["scopes"][1].update(groups=["city-close"] * 2),
        "'city-close' stands twice",
    ),
    ("a scope twice", lambda p: p["scopes"][1].update(id="tiers"), "scope 'tiers' stands twice"),
    ("an unknown relation", lambda p: p["scopes"][0].update(relation="higher"), r"\$\.scopes\[0\]\.relation"),
    ("phases that overlap", lambda p: _phase(p, 0).update(last="2024-03-01"), "phases overlap on 2024-03-01"),
    ("a phase that never ends, not the last", lambda p: _phase(p, 1).pop("last"), "phases overlap on 2025-01-01"),
    ("phases that overlap, out of order", lambda p: p["scopes"][0]["phases"].insert(0, _phase(p, 1)), "phases overlap"),
    ("a phase that ends before it begins", lambda p: _phase(p, 2).update(last="2024-12-31"), "before the first day"),
    ("a step due before its phase", lambda p: _step(p).update(due="2024-02-29"), "outside its phase"),
    ("a step due after its phase", lambda p: _step(p).update(due="2025-01-01"), "outside its phase"),
    ("a party without a condition", lambda p: _step(p).update(issuer={}), "leave it out"),
    ("a pilot that is no name", lambda p: _step(p).update(issuer={"pilot": True}), "pilot"),
    ("a reason twice", lambda p: _reasons(p)[1].update(code="emergency"), "reason 'emergency' stands twice"),
    ("a reason in one language", lambda p: _reasons(p)[1].pop("en"), "en"),
    ("an empty list of reasons", lambda p: p["refusal"].update(reasons=[]), r"\$\.refusal\.reasons"),
    ("an emergency by no reason", lambda p: p["emergency"].update(reason="accident"), "'accident' is not on the list"),
    ("an emergency without reasons", lambda p: p["refusal"].pop("reasons"), "'emergency' is not on the list"),
    (
        "a mark twice",
        lambda p: p["qualification"]["marks"].append(p["qualification"]["marks"][0]),
        "'湛江市 HR' stands",
    ),
    ("a cadence of no months", lambda p: p["qualification"].update(months=0), r"\$\.qualification\.months"),
    ("an item twice", lambda p: p.update(items=[{"item": "I", "clause": "1", "days": 3}] * 2), "item 'I' stands twice"),
    (
        "an excluded part twice",
        lambda p: p["excluded_parts"].append(p["excluded_parts"][0]),
        "'conclusion' stands twice",
    ),
    ("a part that reports do not have", lambda p: p["excluded_parts"][0].update(id="price"), "price"),
    ("a caveat twice", lambda p: p.update(caveats=[_caveat()] * 2), "caveat 'U' stands twice"),
    ("a caveat of no modality", lambda p: p.update(caveats=[_caveat(modalities=[])]), r"caveats\[0\]\.modalities"),
    ("a modality twice", lambda p: p.update(caveats=[_caveat(modalities=["US", "US"])]), "modality 'US' stands twice"),
    (
        "a caveat of what is excluded",
        lambda p: p.update(caveats=[_caveat(category="pathology")]),
        "caveat 'U'.*'pathology' is not among the included",
    ),
    ("null", lambda p: p.update(number=None), "leave out members that say nothing"),
    ("false", lambda p: p.update(sample=False), "leave out members that say nothing"),
    ("an empty list", lambda p: p.update(items=[]), "leave out members that say nothing"),
    ("a key that is not ASCII", lambda p: p.update({"名": "湛江"}), "printable ASCII"),
]


def _lab(policy: dict[str, Any]) -> dict[str, Any]:
    return policy["categories"]["included"][0]


def _phase(policy: dict[str, Any], number: int) -> dict[str, Any]:
    return policy["scopes"][0]["phases"][number]


def _step(policy: dict[str, Any]) -> dict[str, Any]:
    return _phase(policy, 1)["steps"][0]


def _reasons(policy: dict[str, Any]) -> list[dict[str, Any]]:
    return policy["refusal"]["reasons"]


def _caveat(**members: Any) -> dict[str, Any]:
    return {
        "id": "U",
        "clause": "1",
        "category": "imaging",
        "modalities": ["US"],
        "zh": "超声",
        "en": "ultrasound",
    } | members


@pytest.fixture
def policy() -> dict[str, Any]:
    return json.loads(shipped_policy("zhanjiang-2024"))


@pytest.mark.parametrize(("change", "message"), [fault[1:] for fault in FAULTS], ids=[fault[0] for fault in FAULTS])
def test_what_makes_no_sense_is_refused(policy: dict[str, Any], change: Change, message: str) -> None:
    changed = copy.deepcopy(policy)
    change(changed)
    with pytest.raises(MalformedInput, match=message) as refused:
        convert_policy(changed)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("value", [None, "", [], {}, 1])
def test_what_is_no_policy_is_refused(value: Any) -> None:
    with pytest.raises(MalformedInput, match="policy: ") as refused:
        convert_policy(value)
    assert "\n" not in str(refused.value)


@given(policies())
def test_a_policy_is_its_canonical_text(document: dict[str, Any]) -> None:
    read = convert_policy(document)
    assert json.loads(policy_text(read)) == document
    assert convert_policy(json.loads(policy_text(read))) == read
