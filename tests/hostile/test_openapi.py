"""Whatever the API's own description allows, and much that it does not, is answered by the description."""

import json
from collections.abc import Iterator
from typing import Any

import hypothesis
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

from anchors.core.encoding import encode_hex
from scripts.city.service import TOKEN
from tests.fixtures.chain import ScratchChain
from tests.fixtures.examples import examples
from tests.fixtures.ledger import Ledger, check_problem, database_of, running_ledger
from tests.fixtures.signer import Signed

EXAMPLES_OF_A_ROUTE = examples(40, thorough=400)
WITH_TOKEN_ONLY = (
    "/v1/subjects/{subject}",
    "/v1/subjects/{subject}/fhir",
    "/v1/subjects/{subject}/responsibility",
    "/v1/readings",
    "/v1/readings/{day}",
    "/v1/statements/{id}/erasure",
    "/v1/disputes",
    "/v1/reminders",
    "/cds-services/{service}",
    "/cds-services/{service}/feedback",
    "/v1/documents/{digest}",
    "/v1/keys/{address}/freeze",
)
CHECKS = [
    schemathesis.checks.response_schema_conformance,
    schemathesis.checks.content_type_conformance,
    schemathesis.checks.status_code_conformance,
    schemathesis.checks.response_headers_conformance,
]

Known = dict[str, list[str]]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def ledger(
    request: pytest.FixtureRequest, module_chain: ScratchChain, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Ledger]:
    """A running ledger of its own on each database: what a text may hold is another question to each."""
    folder = tmp_path_factory.mktemp("ledger")
    server = lambda: request.getfixturevalue("postgres_server")  # noqa: E731
    with database_of(request.param, folder, server) as database, running_ledger(module_chain, folder, database) as it:
        yield it


@pytest.fixture(scope="module")
def statement(ledger: Ledger) -> Signed:
    """A final statement, so that there is something of everything to be found."""
    signed = ledger.signer(0).issued()
    ledger.submit(signed)
    ledger.wait_for_state(signed, "final")
    return signed


@pytest.fixture(scope="module")
def known(ledger: Ledger, statement: Signed) -> Known:
    """What a path may name that is there."""
    institution = ledger.city.institutions[0]
    size = ledger.get("/v1/checkpoints").json()["items"][0]["size"]
    return {
        "id": [statement.name],
        "subject": [encode_hex(statement.subject)],
        "digest": [statement.content.value("document")["sha256"]],
        "address": [encode_hex(ledger.signer(9).key)],
        "code": [institution.code],
        "size": [str(size)],
        "day": ["2026-01-01"],
        "path": [f"tile/0/000.p/{size}", f"tile/entries/000.p/{size}", "tile/0/../../../etc/passwd", "checkpoint"],
    }


def description(ledger: Ledger) -> dict[str, Any]:
    """The document that the service serves."""
    return ledger.get("/openapi.json").json()


def test_every_route_is_described(ledger: Ledger) -> None:
    operations = [operation for path in description(ledger)["paths"].values() for operation in path.values()]
    assert len(operations) >= 18
    for operation in operations:
        assert operation["responses"]["default"]["content"].keys() == {"application/problem+json"}
        assert operation.get("summary") or operation.get("description")


@pytest.mark.parametrize("token", [True, False], ids=["token", "no token"])
def test_every_route_answers_by_the_description(ledger: Ledger, known: Known, token: bool) -> None:
    schema = schemathesis.openapi.from_dict(description(ledger))
    for result in schema.get_all_operations():
        ledger.chain.mine(1)  # trying all of them takes minutes, and that must not look like a chain that stands still
        _try(ledger, result.ok(), known, token)


def _try(ledger: Ledger, operation: schemathesis.schemas.APIOperation, known: Known, token: bool) -> None:
    any_case = st.one_of(*(operation.as_strategy(generation_mode=mode) for mode in schemathesis.GenerationMode))
    headers = {"Authorization": f"Bearer {TOKEN}"} if token else {}
    needs_token = operation.path in WITH_TOKEN_ONLY
    succeeded = []

    @settings(
        max_examples=EXAMPLES_OF_A_ROUTE, deadline=None, derandomize=True, database=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @hypothesis.given(case=any_case, data=st.data())
    def check(case: schemathesis.Case, data: st.DataObject) -> None:
        names = set(case.path_parameters or ()) & set(known)
        if names and data.draw(st.booleans()):
            for name in names:
                case.path_parameters[name] = data.draw(st.sampled_from(known[name]))
        response = case.call(base_url=ledger.service.url, headers=headers, timeout=30)
        assert response.status_code < 500, (response.status_code, response.text, case.as_curl_command())
        if response.status_code >= 400:
            assert response.headers["content-type"] == ["application/problem+json"], case.as_curl_command()
            check_problem(response.json(), response.headers["x-request-id"][0])
            assert response.json()["status"] == response.status_code
        else:
            succeeded.append(case)
            assert token or not needs_token, case.as_curl_command()
        case.validate_response(response, checks=CHECKS)

    check()
    cannot = operation.method == "post" or (needs_token and not token)
    cannot |= operation.label == "DELETE /v1/session"  # no token here is of a session that it could end
    assert succeeded or cannot, f"{operation.label} never succeeded"


def test_the_description_says_no_secret(ledger: Ledger) -> None:
    assert TOKEN not in json.dumps(description(ledger))
