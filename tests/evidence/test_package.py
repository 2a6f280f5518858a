"""A package of a running ledger, judged from its bytes and a trust file alone."""

import json
from dataclasses import replace
from hashlib import sha256
from typing import Any

from anchors.core import canonical
from anchors.core.encoding import encode_hex
from anchors.core.registry import Registry
from anchors.core.tlog_proof import Extra, TlogProof
from anchors.evidence import members as forms
from anchors.evidence.archive import read_archive, write_archive
from anchors.evidence.verify import CLAIMS
from ledger_service.usecases.judge_evidence import judge_evidence
from tests.evidence.conftest import EXPORTED_AT, ORIGINAL, Exported
from tests.fixtures.ledger import check_problem_response
from tests.privacy.people import a_report


def shown(package: bytes, path: str) -> set[str]:
    """The names of the parts that the statement at `path` shows."""
    return set(Extra.decode(TlogProof.parse(read_archive(package)[path]).extra).content.names())


def shown_parts(package: bytes) -> set[str]:
    """The names of all parts that any statement in it shows."""
    paths = (path for path in read_archive(package) if path.startswith("statements/"))
    return set().union(*(shown(package, path) for path in paths))


def newest_record(exported: Exported) -> dict[str, Any]:
    """The last record of the reading log."""
    page = exported.people.get("auditor", "/v1/readings", params={"limit": 1_000}).json()
    assert page["next"] is None
    return page["items"][-1]["record"]


def test_it_holds(exported: Exported) -> None:
    judged = judge_evidence(exported.package, exported.trust)
    assert judged.package.report.holds
    found = {step.claim: step.state.value for step in judged.package.report.steps}
    assert [step.number for step in judged.package.report.steps] == list(range(1, 19))
    not_asked = {"acceptance", "timestamps", "cosigned", "complete"}
    withheld = {"rules"}  # the amendment's document, which the exporter may not see
    verified = {claim for claim, state in found.items() if state == "VERIFIED"}
    assert verified == set(CLAIMS) - not_asked - withheld, found
    assert found["complete"] == "NOT_PROVABLE" and "FAILED" not in found.values()
    manifest = judged.package.manifest
    assert manifest.exporter == exported.people.signers["opener"].institution and manifest.exportedAt == EXPORTED_AT
    assert [act.did for act in judged.package.custody] == ["assembled", "added"]
    assert judged.package.custody[1].members == [f"documents/{sha256(ORIGINAL).hexdigest()}"]


def test_times_are_proved_without_a_node(exported: Exported) -> None:
    """By the blocks of the heads that cover a statement and that it had seen, which the court's own node fixed."""
    case = judge_evidence(exported.package, exported.trust).package
    amended = next(told for told in case.statements if told.entry.statement.kind == "report.amended")
    after, before = case.signed_after(amended), case.signed_before(amended)
    for block in (after, before):
        asked = exported.people.ledger.chain.rpc("eth_getBlockByNumber", hex(block.number), False)
        assert int(asked["timestamp"], 16) == block.time
    assert after.number < before.number and after.time <= before.time  # development chains make several a second
    report = next(told for told in case.statements if told.id == exported.report.id)
    assert case.signed_after(report) is None and case.signed_before(report).number <= after.number + 1


def test_without_fixed_blocks_nothing_is_proved_about_time(exported: Exported) -> None:
    case = judge_evidence(exported.package, replace(exported.trust, blocks=())).package
    assert case.report.holds
    assert case.report.step("blocks").state == case.report.step("times").state == "NOT_CHECKED"
    assert not case.blocks and "neither fixes block" in case.report.step("blocks").said.en


def test_the_case_is_whole(exported: Exported) -> None:
    """The timeline, and the rules by which it is judged: profiles, qualification, policy, catalogue."""
    case = judge_evidence(exported.package, exported.trust).package
    kinds = {
        role: sorted(told.entry.statement.kind for told in case.statements if told.role == role) for role in forms.ROLES
    }
    assert kinds == {
        "timeline": ["access.granted", "repeat.ordered", "report.amended", "report.issued"],
        "linked": [],
        "rules": [
            "catalogue.published",
            "institution.profiled",
            "institution.profiled",
            "policy.published",
            "qualification.granted",
        ],
    }
    assert case.manifest.subject == encode_hex(exported.report.subject)


def test_it_tells_the_facts_that_the_service_tells(exported: Exported) -> None:
    """About the statements that are in it: all but what rests on the parts of the amendment that the exporter may not
    see."""
    judged = judge_evidence(exported.package, exported.trust)
    path = f"/v1/subjects/{encode_hex(exported.report.subject)}/responsibility"
    told = exported.people.get("opener", path).json()["facts"]
    ours = [(fact.code, fact.says, fact.claim.value, list(fact.statements)) for fact in judged.facts]
    within = judged.package.manifest.size
    theirs = [
        (fact["code"], fact["says"], fact["claim"], fact["statements"]) for fact in told if fact["index"] < within
    ]
    assert [fact for fact in theirs if fact not in ours] == []


def test_the_same_question_gives_the_same_bytes(exported: Exported) -> None:
    """But for the time of the export: manifest, its signature and the custody log."""
    subject = exported.report.subject
    first, second = (read_archive(exported.fetch("opener", subject)) for _ in range(2))
    timed = {forms.MANIFEST, forms.SIGNATURE, forms.CUSTODY}
    assert first.keys() == second.keys()
    assert {path for path in first if first[path] != second[path]} <= timed


def test_personal_parts_leave_only_by_name(exported: Exported) -> None:
    statements = judge_evidence(exported.package, exported.trust).package.statements
    path = forms.statement_path(next(told.index for told in statements if told.id == exported.report.id))
    subject = exported.report.subject
    assert shown(exported.fetch("opener", subject), path) == {"document", "examination"}
    assert shown(exported.fetch("opener", subject, personal=["note"]), path) == {"document", "examination", "note"}
    assert shown(exported.fetch("regulator", subject, personal=["note"]), path) == {"document", "examination"}


def test_what_left_is_in_the_reading_log(exported: Exported) -> None:
    exported.fetch("opener", exported.report.subject, personal=["note"])
    record = newest_record(exported)
    assert record["route"] == "POST /v1/evidence"
    assert record["institution"] == exported.people.signers["opener"].institution
    assert any("note" in read["parts"] for read in record["read"])
    package = exported.fetch("opener", exported.report.subject)
    assert shown_parts(package) == {part for read in newest_record(exported)["read"] for part in read["parts"]}
    assert "note" not in shown_parts(package)


def test_who_may_not_see_the_timeline_gets_no_package(exported: Exported) -> None:
    asked = {"subject": encode_hex(exported.report.subject)}
    check_problem_response(exported.people.ask("stranger", "POST", "/v1/evidence", json=asked), "not-permitted", 403)
    check_problem_response(exported.people.ask("nobody", "POST", "/v1/evidence", json=asked), "unauthorized", 401)


def test_there_is_no_package_about_nothing(exported: Exported) -> None:
    asked = {"subject": "0x" + "ab" * 32}
    problem = check_problem_response(exported.people.ask("token", "POST", "/v1/evidence", json=asked), "not-found", 404)
    assert "final" in problem["detail"]
    fresh = a_report(exported.people.signers["issuer"])
    exported.people.ledger.submit(fresh)
    asked = {"subject": encode_hex(fresh.subject)}
    check_problem_response(exported.people.ask("token", "POST", "/v1/evidence", json=asked), "not-found", 404)


def test_a_later_trust_file_judges_it_too(exported: Exported) -> None:
    """The package's list of changes may end before that of the trust file, or after it."""
    trust = exported.trust
    earlier = trust.changes[:-1]
    shorter = replace(
        trust,
        changes=earlier,
        registry=Registry.fold(trust.chain_id, trust.registry_contract.address, earlier),
    )
    assert judge_evidence(exported.package, shorter).package.report.verified("registry")


def test_members_are_canonical(exported: Exported) -> None:
    for path, data in exported.members.items():
        if path.endswith(".json"):
            assert canonical.encode(json.loads(data)) == data, path
    assert write_archive(exported.members) == exported.package
