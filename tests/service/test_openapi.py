"""Whatever the API's own description allows, and much that it does not, is answered without breaking anything."""

import hypothesis
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

from scripts.city.service import TOKEN
from tests.fixtures.ledger import Ledger, check_problem

EXAMPLES_OF_A_ROUTE = 40
PLAIN = ("/log/", "/metrics", "/readyz", "/v1/statements/{id}/proof")
"""Routes whose answers are not JSON by the description."""


def test_every_route_answers_by_the_description(ledger: Ledger) -> None:
    description = ledger.get("/openapi.json").json()
    schema = schemathesis.openapi.from_dict(description)
    operations = [result.ok() for result in schema.get_all_operations()]
    assert len(operations) >= 18
    for operation in operations:
        _try(ledger, operation)


def _try(ledger: Ledger, operation: schemathesis.schemas.APIOperation) -> None:
    any_case = st.one_of(*(operation.as_strategy(generation_mode=mode) for mode in schemathesis.GenerationMode))

    @settings(
        max_examples=EXAMPLES_OF_A_ROUTE, deadline=None, derandomize=True, database=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    def check(case: schemathesis.Case) -> None:
        response = case.call(base_url=ledger.service.url, headers={"Authorization": f"Bearer {TOKEN}"}, timeout=30)
        assert response.status_code < 500, (response.status_code, response.text, case.as_curl_command())
        if response.status_code >= 400:
            assert response.headers["content-type"] == ["application/problem+json"], case.as_curl_command()
            check_problem(response.json())
            assert response.json()["status"] == response.status_code
        elif not operation.path.startswith(PLAIN):
            case.validate_response(response, checks=[schemathesis.checks.response_schema_conformance])

    hypothesis.given(case=any_case)(check)()
