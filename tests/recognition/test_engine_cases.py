"""The engine answers as the hand-written table does, case by case."""

import json
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest

from anchors.core.errors import MalformedInput
from ledger_service.recognition.decision import Decision
from ledger_service.recognition.engine import decide
from ledger_service.recognition.facts import Facts, Qualification
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
    assert backwards.document != policy.document
    for case in all_cases():
        if case.policy == name:
            assert decide(backwards, case.facts) == decide(policy, case.facts), case.name


@pytest.mark.parametrize("name", ["decided", "examined"])
@pytest.mark.parametrize(
    ("moment", "message"),
    [
        (datetime(2025, 6, 16, 10), "without a zone"),
        (datetime.max.replace(tzinfo=UTC), "outside the calendar"),
        (datetime.min.replace(tzinfo=timezone(timedelta(hours=9))), "outside the calendar"),
    ],
)
def test_a_time_that_has_no_day_is_malformed(name: str, moment: datetime, message: str) -> None:
    with pytest.raises(MalformedInput, match=f"{name}: .*{message}"):
        decide(prepared("zhanjiang-2024"), Facts(**{name: moment}))


def test_an_evaluation_at_the_end_of_the_calendar_is_never_overdue() -> None:
    facts = Facts(
        examined=datetime(9999, 12, 31, tzinfo=UTC),
        qualification=Qualification(state="granted", evaluated=date(9999, 6, 1)),
    )
    assert "evaluation-overdue" not in {warning.code for warning in decide(prepared("zhanjiang-2024"), facts).warnings}


def test_nothing_known_gives_no_answer_and_names_what_is_missing() -> None:
    decision = decide(prepared("zhanjiang-2024"), Facts())
    assert decision.recognisable == "unknown"
    assert {finding.says for finding in decision.findings} == {"unknown"}
    assert decision.warnings == ()
    assert {"decided", "category", "extent", "in_catalogue", "issuer.city", "qualification.state"} <= set(
        decision.missing
    )


@pytest.mark.parametrize(
    ("version", "codes"), [("current", ()), ("superseded", ("superseded",)), ("withdrawn", ("withdrawn",))]
)
def test_only_an_old_version_has_to_be_recognised_knowingly(version: str, codes: tuple[str, ...]) -> None:
    facts = Facts(version=version, channel="paper", emergency=True, complete=False)
    warnings = decide(prepared("zhanjiang-2024"), facts).warnings
    assert tuple(warning.code for warning in warnings if warning.knowingly) == codes
