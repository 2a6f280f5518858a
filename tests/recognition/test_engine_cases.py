"""The engine answers as the hand-written table does, case by case."""

import pytest

from ledger_service.recognition.decision import Decision
from ledger_service.recognition.engine import decide
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
