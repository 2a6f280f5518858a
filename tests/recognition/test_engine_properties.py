"""What holds of every decision, whatever the policy and the facts."""

import random
from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ledger_service.recognition.decision import Decision
from ledger_service.recognition.engine import decide
from ledger_service.recognition.policies import shipped_policies
from ledger_service.recognition.policy import convert_policy
from ledger_service.recognition.prepared import Prepared, prepare
from tests.fixtures.examples import examples
from tests.recognition.strategies import facts_and_unknowns, hide, known_facts, moments, policies
from tests.recognition.table import facts_of, prepared

shipped = st.sampled_from(shipped_policies()).map(prepared)
made = policies().map(lambda document: prepare(convert_policy(document)))
any_policy = shipped | made
ORDERED = {"levels"}
ADVISORY = {
    "channel": ["platform", "paper", "film"],
    "connected": [True, False],
    "version": ["current", "superseded", "withdrawn"],
    "complete": [True, False],
    "emergency": [True, False],
    "marks": [[], ["湛江市 HR"]],
    "modality": ["CT", "US"],
    "issuer.code": ["A", "B"],
}


def _says(policy: Prepared, facts: dict[str, Any]) -> Decision:
    return decide(policy, facts_of(facts))


def _shuffled(value: Any, chance: random.Random, name: str = "") -> Any:
    """The same document, its lists in another order, save those whose order means something."""
    if isinstance(value, dict):
        return {key: _shuffled(member, chance, key) for key, member in value.items()}
    if isinstance(value, list):
        members = [_shuffled(member, chance) for member in value]
        return members if name in ORDERED else chance.sample(members, len(members))
    return value


@given(any_policy, facts_and_unknowns())
def test_one_policy_and_the_same_facts_give_one_answer(policy: Prepared, case: tuple) -> None:
    facts = hide(*case)
    again = prepare(policy.document)
    assert _says(policy, facts) == _says(policy, facts) == _says(again, facts)


@given(policies(), facts_and_unknowns(), st.randoms(use_true_random=False))
def test_the_order_of_rules_does_not_matter(document: dict, case: tuple, chance: random.Random) -> None:
    facts = hide(*case)
    other = prepare(convert_policy(_shuffled(document, chance)))
    assert _says(other, facts) == _says(prepare(convert_policy(document)), facts)


@settings(max_examples=examples(200, thorough=2_000))
@given(any_policy, facts_and_unknowns())
def test_only_missing_facts_can_change_anything(policy: Prepared, case: tuple) -> None:
    facts, unknown = case
    decision = _says(policy, hide(facts, unknown))
    assert set(decision.missing) <= unknown
    for fact in unknown - set(decision.missing):
        assert _says(policy, hide(facts, unknown - {fact})) == decision, fact


@settings(max_examples=examples(200, thorough=2_000))
@given(any_policy, facts_and_unknowns())
def test_what_becomes_known_never_overturns_a_verdict(policy: Prepared, case: tuple) -> None:
    facts, unknown = case
    before, after = _says(policy, hide(facts, unknown)), _says(policy, facts)
    assert after.recognisable != "unknown"
    assert after.missing == ()
    assert before.recognisable in ("unknown", after.recognisable)


@given(any_policy, facts_and_unknowns())
def test_the_verdict_follows_from_the_findings(policy: Prepared, case: tuple) -> None:
    decision = _says(policy, hide(*case))
    gates = {finding.rule: finding.says for finding in decision.findings if not finding.rule.startswith("scope:")}
    scopes = {finding.says for finding in decision.findings if finding.rule.startswith("scope:")}
    scope = "yes" if "yes" in scopes else "unknown" if "unknown" in scopes else "no"
    answers = {*gates.values(), scope}
    assert decision.recognisable == ("no" if "no" in answers else "unknown" if "unknown" in answers else "yes")
    assert ("yes" in scopes) + ("no" in scopes) <= 1
    for finding in decision.findings:
        assert (finding.says == "unknown") == bool(finding.missing)
        assert set(finding.missing) <= set(decision.missing)


@given(any_policy, known_facts(), st.data())
def test_what_only_warns_never_decides(policy: Prepared, facts: dict, data: st.DataObject) -> None:
    changed = facts | {name: data.draw(st.sampled_from(values), name) for name, values in ADVISORY.items()}
    changed["examined"] = data.draw(moments, "examined")
    before, after = _says(policy, facts), _says(policy, changed)
    assert after.recognisable == before.recognisable

    def deciding(decision: Decision) -> list:
        return [finding for finding in decision.findings if finding.rule != "physical"]

    assert deciding(after) == deciding(before)


@given(any_policy, known_facts(), st.integers(0, 5000))
def test_a_younger_result_is_never_more_outside_its_window(policy: Prepared, facts: dict, hours: int) -> None:
    younger = facts | {"examined": facts["examined"] + timedelta(hours=hours)}
    codes = {warning.code for warning in _says(policy, facts).warnings}
    assert "outside-window" in codes or "outside-window" not in {w.code for w in _says(policy, younger).warnings}


@given(facts_and_unknowns(), st.integers(0, 3))
def test_a_higher_issuer_is_never_recognised_less_where_lower_tiers_recognise_higher_ones(
    case: tuple, tier: int
) -> None:
    facts = hide(*case)
    if facts["issuer.tier"] == "?" or tier < facts["issuer.tier"]:
        return
    if _says(prepared("zhanjiang-2024"), facts).recognisable == "yes":
        assert _says(prepared("zhanjiang-2024"), facts | {"issuer.tier": tier}).recognisable == "yes"


@given(any_policy, facts_and_unknowns(), st.sampled_from(["city-close/G9", "county-close/G9", "alliance/G9"]))
def test_a_shared_group_never_turns_yes_into_no(policy: Prepared, case: tuple, group: str) -> None:
    facts = hide(*case)
    shared = {name: [*facts[name], group] for name in ("issuer.groups", "recogniser.groups") if facts[name] != "?"}
    if _says(policy, facts).recognisable == "yes":
        assert _says(policy, facts | shared).recognisable == "yes"


@given(any_policy, facts_and_unknowns())
def test_every_clause_stands_in_the_policy(policy: Prepared, case: tuple) -> None:
    decision = _says(policy, hide(*case))
    clauses = _clauses(policy.document)
    assert {finding.clause for finding in decision.findings} <= clauses
    assert {warning.clause for warning in decision.warnings} <= clauses | {""}


def _clauses(form: Any) -> set[str]:
    if isinstance(form, tuple):
        return {clause for member in form for clause in _clauses(member)}
    if not hasattr(form, "__struct_fields__"):
        return set()
    members = {name: getattr(form, name) for name in form.__struct_fields__}
    own = {value for name, value in members.items() if name in ("clause", "area_clause")}
    return own | {clause for member in members.values() for clause in _clauses(member)}
