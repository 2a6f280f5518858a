"""The engine answers as the hand-written table does, case by case."""

import json
from typing import Any

import pytest

from ledger_service.recognition.decision import Decision
from ledger_service.recognition.engine import decide
from ledger_service.recognition.policy import convert_policy, policy_text
from ledger_service.recognition.prepared import prepare
from tests.recognition.table import Case, all_cases, prepared


def _rules(decision: Decision, says: str) -> list[str]:
    return sorted(f"{finding.rule} {finding.clause}" for finding in decision.findings if finding.says == says)


@pytest.mark.parametrize("case", all_cases(), ids=lambda case: f"{case.policy}: {case.name}")
def test_the_engine_answers_as_the_table(case: Case) -> None:
    decision = decide(prepared(case.policy), case.facts)
    assert decision.recognisable == case.answer
    assert _rules(decision, "yes") == sorted(case.yes)
    assert _rules(decision, "no") == sorted(case.no)
    assert _rules(decision, "unknown") == sorted(case.unknown)
    assert [f"{warning.code} {warning.clause}".strip() for warning in decision.warnings] == list(case.warnings)
    assert decision.missing == case.missing


def test_the_table_is_large_and_its_names_are_different() -> None:
    names = [(case.policy, case.name) for case in all_cases()]
    assert len(names) >= 120
    assert len(set(names)) == len(names)


def _reversed(value: Any, name: str = "") -> Any:
    """The same document with its lists from last to first, save the levels, whose order means something."""
    if isinstance(value, dict):
        return {key: _reversed(member, key) for key, member in value.items()}
    if isinstance(value, list):
        members = [_reversed(member) for member in value]
        return members if name == "levels" else members[::-1]
    return value


@pytest.mark.parametrize("name", sorted({case.policy for case in all_cases()}))
def test_a_policy_written_backwards_answers_the_same(name: str) -> None:
    policy = prepared(name)
    backwards = prepare(convert_policy(_reversed(json.loads(policy_text(policy.document)))))
    assert backwards.digest != policy.digest
    for case in all_cases():
        if case.policy == name:
            assert decide(backwards, case.facts) == decide(policy, case.facts), case.name
