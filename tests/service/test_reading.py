"""Every route that reads: what it answers to whom, page by page, and what it refuses."""

import secrets

import httpx
import pytest

from anchors.core.encoding import encode_hex
from scripts.city.founding import OPERATOR, QUALITY_CENTRE
from tests.fixtures.ledger import LABORATORY, Ledger, check_problem_response
from tests.fixtures.signer import Signed, Signer
from tests.service.test_kinds import about_a_report

ID = "0x" + "ab" * 32


@pytest.fixture
def statements(ledger: Ledger) -> list[Signed]:
    """Statements of every kind about one report, integrated."""
    found = about_a_report(ledger.signer(0), ledger.signer(1), ledger.authority(QUALITY_CENTRE))
    ledger.submit(*found)
    ledger.wait_for_state(found[-1], "witnessed")
    return found


def test_a_statement_without_its_parts(ledger: Ledger, statements: list[Signed]) -> None:
    signed = statements[1]
    found = ledger.get(f"/v1/statements/{signed.name}").json()
    fields = signed.entry.statement
    assert found["parts"] is None
    assert (found["kind"], found["institution"], found["sequence"]) == (
        fields.kind,
        fields.institution,
        fields.sequence,
    )
    assert found["subject"] == encode_hex(signed.subject) and found["content"] == encode_hex(fields.content)
    assert (found["issuedAt"], found["observed"]) == (fields.issued_at, encode_hex(fields.observed))
    assert (found["key"], found["entry"]) == (signed.wire["key"], signed.wire["entry"])
    assert found["state"] == "witnessed" and found["overdue"] is False
    assert found["head"]["oldSize"] <= found["index"] < found["head"]["newSize"]


def test_a_statement_with_its_parts(ledger: Ledger, statements: list[Signed]) -> None:
    found = ledger.get(f"/v1/statements/{statements[1].name}", token=True).json()
    assert found["parts"] == statements[1].wire["parts"]


@pytest.mark.parametrize("given", ["Bearer wrong", "Bearer", "", "Basic abc", "bearer", "Bearer \x80"])
def test_a_wrong_token_is_none(ledger: Ledger, statements: list[Signed], given: str) -> None:
    headers = {"Authorization": given.encode("latin-1")}
    found = ledger.http.get(f"/v1/statements/{statements[0].name}", headers=headers)
    assert found.json()["parts"] is None
    subject = encode_hex(statements[0].subject)
    refused = ledger.http.get(f"/v1/subjects/{subject}", headers=headers)
    check_problem_response(refused, "unauthorized", 401)
    assert refused.headers["www-authenticate"] == "Bearer"


PRIVATE = ["/v1/subjects/" + ID, "/v1/documents/" + "ab" * 32]


@pytest.mark.parametrize("path", PRIVATE)
def test_what_needs_a_token(ledger: Ledger, path: str) -> None:
    check_problem_response(ledger.get(path), "unauthorized", 401)
    assert ledger.get(path, token=True).json() == {"items": [], "next": None}


def test_freezing_needs_a_token(ledger: Ledger) -> None:
    key = ledger.signer(0).key
    check_problem_response(ledger.freeze(key, token=False), "unauthorized", 401)
    assert ledger.get(f"/v1/keys/{encode_hex(key)}").json()["frozen"] is False
    check_problem_response(ledger.freeze(b"\xee" * 20), "not-found", 404)


def pages(ledger: Ledger, path: str, position: str, **parameters: int) -> list[dict]:
    """All items of a list, gathered page by page."""
    items, parameters = [], dict(parameters)
    while True:
        page = ledger.get(path, token=True, params=parameters).json()
        assert len(page["items"]) <= parameters["limit"]
        items += page["items"]
        if page["next"] is None:
            return items
        parameters[position] = page["next"]


@pytest.mark.parametrize("limit", [1, 3, 9, 10, 1_000])
def test_a_timeline_in_pages(ledger: Ledger, statements: list[Signed], limit: int) -> None:
    about = [signed for signed in statements if signed.subject == statements[0].subject]
    items = pages(ledger, f"/v1/subjects/{encode_hex(statements[0].subject)}", "after", limit=limit)
    assert [item["statement"] for item in items] == [signed.name for signed in about]
    assert [item["parts"] for item in items] == [signed.wire["parts"] for signed in about]


@pytest.mark.parametrize("digest", ["sha256", "sm3"])
def test_who_has_this_document(ledger: Ledger, digest: str) -> None:
    signer = ledger.signer(0)
    report = signer.issued()
    value = report.content.value("document")
    same = signer.sign("report.issued", secrets.token_bytes(32), *report.content.parts)
    ledger.submit(report, same)
    items = pages(ledger, f"/v1/documents/{value[digest]}", "after", limit=1)
    assert [item["statement"] for item in items] == [report.name, same.name]


def test_checkpoints_in_pages(ledger: Ledger, statements: list[Signed]) -> None:
    sizes = [item["size"] for item in pages(ledger, "/v1/checkpoints", "before", limit=2)]
    assert sizes == sorted(set(sizes), reverse=True) and len(sizes) > 1
    newest = ledger.get(f"/v1/checkpoints/{sizes[0]}").json()
    assert newest["note"].startswith(f"{ledger.city.origin}\n{sizes[0]}\n")
    check_problem_response(ledger.get(f"/v1/checkpoints/{2**62}"), "not-found", 404)


def test_heads_in_pages(ledger: Ledger, statements: list[Signed]) -> None:
    ledger.wait_for_state(statements[-1], "final")
    heads = pages(ledger, "/v1/heads", "before", limit=2)
    assert [head["oldSize"] for head in heads] == [*(head["newSize"] for head in heads[1:]), 0]
    final = ledger.get("/v1/heads/final").json()
    assert final == next(head for head in heads if head["final"])


def test_institutions_and_their_keys(ledger: Ledger) -> None:
    items = ledger.get("/v1/institutions").json()["items"]
    codes = [item["code"] for item in items]
    assert (
        codes == sorted(codes)
        and OPERATOR in codes
        and len(codes) == len((*ledger.city.institutions, *ledger.city.authorities))
    )
    laboratory = ledger.city.institutions[LABORATORY]
    found = ledger.get(f"/v1/institutions/{laboratory.code}").json()
    assert found in items
    assert (found["roles"], found["standing"]) == (["laboratory"], "admitted")
    key = next(key for key in found["keys"] if key["key"] == encode_hex(laboratory.key))
    assert (key["purpose"], key["final"], key["frozen"], key["revokedBy"]) == ("statement", True, False, None)
    assert ledger.get(f"/v1/keys/{encode_hex(laboratory.key)}").json() == key
    for path in ("/v1/institutions/SYN-NOBODY", "/v1/institutions/%00", "/v1/keys/0x" + "ee" * 20):
        check_problem_response(ledger.get(path), "not-found", 404)


def test_a_keys_next_number(ledger: Ledger) -> None:
    signer: Signer = ledger.new_signer(0)
    path = f"/v1/keys/{encode_hex(signer.key)}"
    assert ledger.get(path).json()["nextSequence"] == 0
    ledger.submit(signer.issued(), signer.issued())
    assert ledger.get(path).json()["nextSequence"] == 2


def test_the_registry_folds_to_its_head(ledger: Ledger) -> None:
    from anchors.core.registry import Change, Registry, parse_action

    found = ledger.get("/v1/registry").json()
    changes = [
        Change(
            number=item["number"], time=item["time"], action=parse_action(item["action"]),
            institution=item["institution"], role=item["role"], log=bytes.fromhex(item["log"][2:]),
            key=bytes.fromhex(item["key"][2:]), data=bytes.fromhex(item["data"][2:]),
        )
        for item in found["changes"]
    ]  # fmt: skip
    domain = ledger.city.domain
    folded = Registry.fold(domain.chain_id, domain.registry, changes)
    assert (found["count"], found["head"]) == (len(changes), encode_hex(folded.head))
    assert 0 < found["finalCount"] <= found["count"]


WRONG = [
    "/v1/statements/0x12", "/v1/statements/" + ID[2:], "/v1/statements/" + ID.upper(), "/v1/statements/" + ID + "%0a",
    "/v1/subjects/0x12", "/v1/documents/" + ID, "/v1/documents/" + "AB" * 32, "/v1/keys/0x12", "/v1/keys/" + ID,
    "/v1/checkpoints/-1", "/v1/checkpoints/x", f"/v1/checkpoints/{2**63}", f"/v1/checkpoints/{10**30}",
    "/v1/checkpoints?limit=0", "/v1/checkpoints?limit=1001", "/v1/checkpoints?limit=x", "/v1/checkpoints?before=-1",
    f"/v1/checkpoints?before={2**63}", "/v1/heads?before=x", f"/v1/heads?limit={10**30}",
    "/v1/subjects/" + ID + "?after=-1", "/v1/documents/" + "ab" * 32 + "?limit=0",
]  # fmt: skip


@pytest.mark.parametrize("path", WRONG)
def test_parameters_of_the_wrong_form(ledger: Ledger, path: str) -> None:
    check_problem_response(ledger.get(path, token=True), "malformed-request", 400)


@pytest.mark.parametrize("path", ["/v1/statements/" + ID, "/v1/statements/" + ID + "/proof"])
def test_an_unknown_statement(ledger: Ledger, path: str) -> None:
    check_problem_response(ledger.get(path), "not-found", 404)


def test_alive_ready_and_measured(ledger: Ledger, statements: list[Signed]) -> None:
    assert ledger.get("/healthz").json() == {"status": "alive"}
    ready: httpx.Response = ledger.get("/readyz")
    assert ready.status_code == 200 and ready.json().keys() == {"ready", "reasons", "notes", "figures"}
    assert ready.json() | {"figures": {}} == {"ready": True, "reasons": [], "notes": [], "figures": {}}
    metrics = ledger.get("/metrics")
    assert metrics.headers["content-type"].startswith("text/plain")
    lines = dict(line.rsplit(" ", 1) for line in metrics.text.splitlines() if not line.startswith("#"))
    size = float(lines['huzheng_entries{state="accepted"}'])
    assert size >= len(statements) and float(lines["huzheng_witness_gas_total"]) >= 0
    assert float(lines["huzheng_overdue_seconds"]) == 0
