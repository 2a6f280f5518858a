"""Every route and every role: who gets what. A route that the description lists and the table does not fails.

What is asked for is one report, with structural and personal parts, of which `issuer` is the author, which `opener`
opened, on which `court` placed a hold, and with which nobody else has anything to do. Cells:

    all, structural, nothing    what is shown of the report's parts; the others come as name and leaf
    no-parts                    the statement's fields without a list of parts
    no-report                   an answer in which the report is not
    ok                          an answer that carries no part
    401, 403, …                 refused

Entry bundles, which say who did what when, are not public here (a setting); `/log/{path}` asks for one.
"""

import json
from typing import Any

import httpx
import pytest

from anchors.core.content import Content
from anchors.core.encoding import encode_hex
from anchors.core.tlog_proof import Extra, TlogProof
from anchors.evidence.archive import read_archive
from tests.fixtures.ledger import check_problem
from tests.privacy.people import PERSONAL, STRUCTURAL, People, shown_names, sign_in

TABLE = """
route                              nobody   stranger  issuer opener  court regulator  auditor    quality   insurer   operator  token
GET /v1/statements/{id}            no-parts nothing   all    all     all   structural structural nothing   nothing   nothing   all
GET /v1/statements/{id}/proof      nothing  nothing   all    all     all   structural structural nothing   nothing   nothing   all
GET /v1/subjects/{subject}         401      403       all    all     all   structural structural 403       403       403       all
GET /v1/subjects/{subject}/fhir    401      403       ok     ok      ok    ok         ok         403       403       403       ok
POST /v1/fhir/$draft               401      400       400    400     400   400        400        400       400       400       400
GET /v1/subjects/{subject}/responsibility 401 403    ok     ok      ok    ok         ok         403       403       403       ok
POST /v1/reminders                 401      ok        ok     ok      403   403        403        403       403       403       400
GET /cds-services                  ok       ok        ok     ok      ok    ok         ok         ok        ok        ok        ok
POST /cds-services/{service}       401      ok        ok     ok      403   403        403        403       403       403       400
POST /cds-services/{service}/feedback 401   ok        ok     ok      403   403        403        403       403       403       400
POST /v1/evidence                  401      403       all    all     all   structural structural 403       403       403       all
GET /v1/documents/{digest}         401      no-report all    all     all   structural structural no-report no-report no-report all
GET /v1/disputes                   401      ok        ok     ok      ok    ok         ok         ok        ok        ok        ok
GET /v1/documents/{digest}/check   ok       ok        ok     ok      ok    ok         ok         ok        ok        ok        ok
POST /v1/statements/{id}/erasure   401      403       409    403     403   403        403        403       403       403       403
GET /v1/readings                   401      403       403    403     403   403        ok         403       403       ok        ok
GET /v1/readings/{day}             401      403       403    403     403   403        ok         403       403       ok        ok
POST /v1/keys/{address}/freeze     401      401       401    401     401   401        401        401       401       401       404
POST /v1/statements                ok       ok        ok     ok      ok    ok         ok         ok        ok        ok        ok
POST /v1/session/challenge         ok       ok        ok     ok      ok    ok         ok         ok        ok        ok        ok
POST /v1/session                   401      401       401    401     401   401        401        401       401       401       401
DELETE /v1/session                 401      ok        ok     ok      ok    ok         ok         ok        ok        ok        400
GET /v1/checkpoints                ok       ok        ok     ok      ok    ok         ok         ok        ok        ok        ok
GET /v1/checkpoints/{size}         ok       ok        ok     ok      ok    ok         ok         ok        ok        ok        ok
GET /v1/timestamps/{index}         ok       ok        ok     ok      ok    ok         ok         ok        ok        ok        ok
GET /v1/heads                      ok       ok        ok     ok      ok    ok         ok         ok        ok        ok        ok
GET /v1/heads/final                ok       ok        ok     ok      ok    ok         ok         ok        ok        ok        ok
GET /v1/institutions               ok       ok        ok     ok      ok    ok         ok         ok        ok        ok        ok
GET /v1/institutions/{code}        ok       ok        ok     ok      ok    ok         ok         ok        ok        ok        ok
GET /v1/keys/{address}             ok       ok        ok     ok      ok    ok         ok         ok        ok        ok        ok
GET /v1/registry                   ok       ok        ok     ok      ok    ok         ok         ok        ok        ok        ok
GET /log/checkpoint                ok       ok        ok     ok      ok    ok         ok         ok        ok        ok        ok
GET /log/{path}                    401      403       403    403     403   403        ok         403       403       403       ok
GET /healthz                       ok       ok        ok     ok      ok    ok         ok         ok        ok        ok        ok
GET /readyz                        ok       ok        ok     ok      ok    ok         ok         ok        ok        ok        ok
GET /metrics                       ok       ok        ok     ok      ok    ok         ok         ok        ok        ok        ok
"""  # noqa: E501
_HEAD, *_ROWS = [line for line in TABLE.splitlines() if line]
ROLES = _HEAD.split()[1:]
RULES = {" ".join(row.split()[:2]): dict(zip(ROLES, row.split()[2:], strict=True)) for row in _ROWS}
assert len(RULES) == len(_ROWS), "a route stands in the table twice"
NEVER_ADDRESS = "0x" + "ee" * 20
VISIBLE = {"all": {*STRUCTURAL, *PERSONAL}, "structural": set(STRUCTURAL), "nothing": set()}


def described(people: People) -> dict[str, dict[str, Any]]:
    """Every route that the service says it has."""
    paths = people.ledger.get("/openapi.json").json()["paths"]
    return {f"{method.upper()} {path}": told for path, methods in paths.items() for method, told in methods.items()}


def request_of(people: People, route: str) -> tuple[str, dict[str, Any]]:
    """A path about the report, and the body that the route takes."""
    size = people.ledger.get("/v1/checkpoints").json()["items"][0]["size"]
    path = route.split(" ")[1].format(
        id=people.report.name,
        subject=encode_hex(people.report.subject),
        digest=people.report.content.value("document")["sha256"],
        day="2026-01-01",
        address=NEVER_ADDRESS if "freeze" in route else encode_hex(people.signers["issuer"].key),
        code=people.signers["issuer"].institution,
        size=size,
        index=0,
        path=f"tile/entries/000.p/{size}",
        service="recognisable-results",
    )
    subjects = [encode_hex(people.report.subject)]
    bodies = {
        "POST /v1/reminders": {"hook": "patient-view", "subjects": subjects},
        "POST /cds-services/{service}": {
            "hook": "patient-view", "hookInstance": "1", "context": {}, "prefetch": {"huzhengSubjects": subjects},
        },
        "POST /cds-services/{service}/feedback": {
            "feedback": [{"card": "c", "outcome": "accepted", "outcomeTimestamp": "2026-01-01T00:00:00Z"}],
        },
        "POST /v1/evidence": {"subject": subjects[0], "personal": list(PERSONAL)},
        "POST /v1/statements/{id}/erasure": {"parts": ["note"]},
        "POST /v1/statements": {"origin": people.ledger.city.origin, "statements": [people.report.wire]},
        "POST /v1/session": {
            "key": NEVER_ADDRESS, "nonce": "0x" + "01" * 32, "expires": 2**40, "signature": "0x" + "01" * 65,
        },
    }  # fmt: skip
    return path, {"json": bodies[route]} if route in bodies else {}


def parts_of(people: People, response: httpx.Response) -> list[Any] | None:
    """The report's parts as an answer gives them."""
    if response.headers["content-type"] == "application/zip":
        proofs = [data for path, data in read_archive(response.content).items() if path.startswith("statements/")]
        extras = [Extra.decode(TlogProof.parse(proof).extra) for proof in proofs]
        return next(one.content.to_wire() for one in extras if one.entry == people.report.entry.to_bytes())
    if response.headers["content-type"].startswith("text/plain"):
        extra = TlogProof.parse(response.content).extra
        return Extra.decode(extra).content.to_wire()
    items = response.json().get("items", [response.json()])
    found = [item for item in items if item["statement"] == people.report.name]
    return found[0]["parts"] if found else []


def check_cell(people: People, response: httpx.Response, expected: str) -> None:
    """Whether an answer is what the table says."""
    if expected.isdigit():
        assert response.status_code == int(expected), response.text
        check_problem(response.json(), response.headers["x-request-id"])
        return
    assert response.status_code == (204 if response.request.method == "DELETE" else 200), response.text
    if expected == "ok":
        return
    parts = parts_of(people, response)
    if expected == "no-parts":
        assert parts is None
    elif expected == "no-report":
        assert parts == [] and people.report.name not in response.text
    else:
        assert shown_names(parts) == VISIBLE[expected]
        assert Content.from_wire(parts).hash == people.report.entry.statement.content


def test_every_route_has_a_rule(people: People) -> None:
    assert described(people).keys() == RULES.keys(), "say in the table who may use it"


@pytest.mark.parametrize("route", RULES)
def test_who_gets_what(people: People, route: str) -> None:
    path, arguments = request_of(people, route)
    for role, expected in RULES[route].items():
        response = people.ask(role, route.split(" ")[0], path, **arguments)
        if route == "DELETE /v1/session" and expected == "ok":
            people.tokens[role] = sign_in(people.ledger, people.signers[role])
        try:
            check_cell(people, response, expected)
        except AssertionError as error:
            raise AssertionError(f"{role} at {route}: expected {expected}: {error}") from None


def test_what_may_not_be_known_does_not_show_in_where_a_page_goes_on(people: People) -> None:
    path, _ = request_of(people, "GET /v1/documents/{digest}")
    hidden = [role for role, cell in RULES["GET /v1/documents/{digest}"].items() if cell == "no-report"]
    assert hidden
    for role in hidden:
        assert people.ask(role, "GET", path, params={"limit": 1}).json() == {"items": [], "next": None}, role


def test_personal_text_is_nowhere_for_those_who_may_not_see_it(people: People) -> None:
    told = PERSONAL["note"]
    for route, cells in RULES.items():
        path, arguments = request_of(people, route)
        for role in (role for role, cell in cells.items() if cell != "all"):
            response = people.ask(role, route.split(" ")[0], path, **arguments)
            text = response.text
            if route.endswith("/proof") and response.status_code == 200:
                # A proof carries the parts in base64.
                text += json.dumps(parts_of(people, response), ensure_ascii=False)
            assert told not in text and json.dumps(told)[1:-1] not in text, f"{role} reads the note at {route}"
