"""Who may see less is told fewer facts about a report, and no other ones."""

import json
from typing import Any

import pytest

from anchors.core.encoding import encode_hex
from tests.fixtures.signer import Signed
from tests.privacy.people import People, a_report


@pytest.fixture(scope="module")
def report(people: People) -> Signed:
    """Issued, opened and declined by two hospitals, amended in between."""
    issuer, first, second = (people.ledger.continued(people.signers[name]) for name in ("issuer", "opener", "stranger"))
    issued = a_report(issuer)
    opened = first.granted(issued)
    declined = first.declined(opened, issued)
    amended = issuer.amended(issued)
    other = second.granted(issued)
    answer = people.ledger.submit(issued, opened, declined, amended, other)
    assert all(isinstance(outcome, int) for outcome in answer.outcomes), answer.outcomes
    people.ledger.wait_for_state(other, "final")
    return issued


def facts(people: People, role: str, report: Signed) -> list[dict[str, Any]]:
    found = people.get(role, f"/v1/subjects/{encode_hex(report.subject)}/responsibility")
    assert found.status_code == 200, found.text
    return found.json()["facts"]


SEEN = [
    ("token", {"issuer", "opener", "stranger"}),
    ("regulator", {"issuer", "opener", "stranger"}),
    ("auditor", {"issuer", "opener", "stranger"}),
    ("issuer", {"issuer", "opener", "stranger"}),
    ("opener", {"issuer", "opener"}),
    ("stranger", {"issuer", "stranger"}),
]


@pytest.mark.parametrize(("role", "seen"), SEEN)
def test_fewer_facts_and_no_other_ones(people: People, report: Signed, role: str, seen: set[str]) -> None:
    every, told = facts(people, "token", report), facts(people, role, report)
    assert {fact["institution"] for fact in told} == {people.signers[name].institution for name in seen}
    assert all(fact in every for fact in told)


def test_that_it_was_amended_is_told_to_whoever_opened_it(people: People, report: Signed) -> None:
    """The amendment itself is not shown to them, and yet the answer is not that the version was current."""
    own = people.signers["stranger"].institution
    told = facts(people, "stranger", report)
    assert [fact["says"] for fact in told if fact["code"] == "opened-current" and fact["institution"] == own] == [
        "superseded"
    ]
    assert not any(fact["says"] == "amended" for fact in told)


def test_what_was_told_is_in_the_reading_log(people: People, report: Signed) -> None:
    before = readings(people)
    told = facts(people, "opener", report)
    (record,) = readings(people)[len(before) :]
    assert "GET /v1/subjects/{subject}/responsibility" in record and people.signers["opener"].institution in record
    assert all(fact["statements"][0][2:] in record for fact in told)


def readings(people: People) -> list[str]:
    """Every record of the reading log."""
    found, after = [], None
    while True:
        page = people.get("auditor", "/v1/readings", params={"after": after} if after is not None else {}).json()
        found += [json.dumps(item) for item in page["items"]]
        after = page["next"]
        if after is None:
            return found
