"""What a maker of packages could claim and nobody has shown: each keeps the package from holding, or is said."""

import json
import struct
from collections.abc import Sequence
from dataclasses import replace

import pytest

from anchors.core import signature as signatures
from anchors.core.canonical import encode
from anchors.core.content import Content, Withheld
from anchors.core.encoding import encode_hex
from anchors.core.errors import MalformedInput
from anchors.core.registry import Action, Change, Registry
from anchors.core.tlog_proof import Extra, TlogProof
from anchors.core.trust import read_changes, write_changes
from anchors.evidence import members as forms
from anchors.evidence.archive import MAX_MEMBERS, read_archive
from ledger_service.cli.output import Output
from ledger_service.usecases.audit.attribution import Attribution
from ledger_service.usecases.judge_evidence import JudgedPackage, check_rules, judge_evidence
from tests.evidence.test_hostile_packages import Forger, Members, _set, change_json, forger, path_of

__all__ = ["forger"]

OWN = b"\x0b" * 32
"""A secret that nobody registered."""


def state(judged: JudgedPackage, claim: str) -> str:
    return judged.package.report.step(claim).state.value


def fold(forger: Forger, changes: Sequence[Change]) -> Registry:
    trust = forger.exported.trust
    return Registry.fold(trust.chain_id, trust.registry_contract.address, changes)


def with_changes(forger: Forger, members: Members, *more: Change) -> None:
    """registry.json with further changes, which fold."""
    changes = read_changes(members[forms.REGISTRY], "registry.json")[2]
    numbered = [replace(change, number=number) for number, change in enumerate(more, len(changes) + 1)]
    every = [*changes, *numbered]
    members[forms.REGISTRY] = write_changes(fold(forger, every), every)


def own_key(forger: Forger, purpose: str, institution: str) -> Change:
    log, key = forger.exported.trust.log(forger.matter.origin).id, signatures.address_from_secret(OWN)
    return Change(1, 1, Action.KEY_ADDED, institution, purpose, log, key)


def test_an_exporter_registers_his_own_key(forger: Forger) -> None:
    """In registry.json alone: neither the trust file nor a head goes so far."""
    members = dict(forger.exported.members)
    with_changes(forger, members, own_key(forger, "statement", "SYN-COURT"))
    assert forger.failing(forger.seal(members, code="SYN-COURT", secret=OWN)) == ["exporter"]


def test_an_exporter_registers_a_key_to_give_the_operators_word(forger: Forger) -> None:
    members = dict(forger.exported.members)
    with_changes(forger, members, own_key(forger, "receipt", "SYN-OPERATOR"))
    members[forms.COMPLETENESS] = forger.word(OWN)
    assert forger.failing(forger.seal(members)) == ["complete"]


def test_a_key_that_a_proven_head_counts_is_taken_without_a_newer_trust_file(forger: Forger) -> None:
    trust, signer = forger.exported.trust, forger.exported.people.signers["opener"]
    short = trust.changes[: trust.registry.keys[signatures.address_from_secret(signer.secret)].added_by - 1]
    older = replace(trust, changes=short, registry=fold(forger, short))
    judged = judge_evidence(forger.exported.package, older)
    assert state(judged, "blocks") == state(judged, "exporter") == "VERIFIED"
    judged = judge_evidence(forger.exported.package, replace(older, blocks=()))
    assert state(judged, "exporter") == "FAILED"


def test_a_revoked_key_speaks_for_nobody_else(forger: Forger) -> None:
    """That it may have signed while it was in force makes it neither another institution's nor the operator's."""
    signer, members, trust = forger.exported.people.signers["opener"], forger.exported.members, forger.exported.trust
    key = signatures.address_from_secret(signer.secret)
    held = trust.registry.keys[key]
    number = trust.registry.count + 1
    revoked = Change(number, 1, Action.KEY_REVOKED, held.institution, "", held.log, key, b"\xff" * 32)
    changes = (*trust.changes, revoked)
    later = {"changes": changes, "registry": fold(forger, changes)}
    assert forger.failing(forger.seal(members), **later) == []
    assert forger.failing(forger.seal(members, code="SYN-COURT"), **later) == ["exporter"]
    own = members | {forms.COMPLETENESS: forger.word(signer.secret)}
    assert forger.failing(forger.seal(own), **later) == ["complete"]


def test_an_exporter_revokes_the_operators_key(forger: Forger) -> None:
    """In registry.json alone: the verdict says whose word that is."""
    members, trust = dict(forger.exported.members), forger.exported.trust
    held = trust.registry.keys[bytes.fromhex(forms.Completeness.read(members[forms.COMPLETENESS]).key[2:])]
    with_changes(forger, members, Change(1, 1, Action.KEY_REVOKED, held.institution, "", held.log, held.address))
    judged = judge_evidence(forger.seal(members), trust)
    assert judged.package.report.holds
    assert "is revoked by registry.json" in judged.package.report.step("complete").said.en


@pytest.mark.parametrize(
    "change",
    [
        {"tool": "huzheng\n"},
        {"exporter": "SYN-COURT\n"},
        {"origin": "ledger.example/\x9b2J"},
        {"origin": "x" * 129},
        {"members": [{"bytes": 1, "path": "a\x1b[2J", "sha256": "0" * 64}]},
    ],
)
def test_what_is_shown_is_one_line(forger: Forger, change: dict[str, object]) -> None:
    written = json.loads(forger.exported.members[forms.MANIFEST])
    assert forms.Manifest.read(encode(written))
    with pytest.raises(MalformedInput):
        forms.Manifest.read(encode(written | change))


def withhold(forger: Forger, members: Members, index: int, *names: str) -> None:
    """Keep parts of a statement back, as only who holds the file can."""
    path = forms.statement_path(index)
    proof = TlogProof.parse(members[path])
    extra = Extra.decode(proof.extra)
    assert set(names) <= extra.content.names()
    parts = [Withheld(part.name, part.leaf) if part.name in names else part for part in extra.content.parts]
    members[path] = replace(proof, extra=Extra(extra.key, extra.entry, Content.of(parts)).encode()).format()


def test_what_is_kept_back_proves_nothing(forger: Forger) -> None:
    """A qualification whose part is withheld may have ended; a decision whose parts are withheld may have said why."""
    judged = judge_evidence(forger.exported.package, forger.exported.trust)
    before = {(fact.code, fact.index): fact.claim.value for fact in judged.facts}
    order = next(told for told in judged.package.statements if told.entry.statement.kind == "repeat.ordered")
    assert before["decided-version", order.index] == "VERIFIED"

    rule = next(told for told in judged.package.statements if told.role == "rules" and told.index < order.index)
    for index, names in ((order.index, ["decision"]), (rule.index, sorted(rule.content.names()))):
        members = dict(forger.exported.members)
        withhold(forger, members, index, *names)
        again = judge_evidence(forger.seal(members), forger.exported.trust)
        found = {(fact.code, fact.index): fact.claim.value for fact in again.facts}
        assert again.package.report.holds and state(again, "rules") == "NOT_CHECKED"
        assert found["decided-version", order.index] == "NOT_CHECKED"
        assert found["decided", order.index] == "VERIFIED"


def test_a_statement_is_called_a_rule(forger: Forger) -> None:
    members, matter = dict(forger.exported.members), forger.matter
    linked, rules = matter.roles.linked, matter.roles.rules
    roles = forms.Roles([*linked, rules[0]], rules[1:], matter.roles.timeline)
    assert forger.failing(forger.seal(members, replace(matter, roles=roles))) == ["complete"]
    roles = forms.Roles(linked, [*rules, matter.roles.timeline[-1]], matter.roles.timeline[:-1])
    assert forger.failing(forger.seal(members, replace(matter, roles=roles))) == ["rules", "complete"]


def sizes(members: Members) -> list[int]:
    return [int(path[len("heads/") : -len(".json")]) for path in sorted(members) if path.startswith("heads/")]


def test_heads_overlap(forger: Forger) -> None:
    """So that which of two covers an entry first, by whose count its key is judged, is nobody's choice."""
    members = dict(forger.exported.members)
    last = path_of(members, "heads", -1)
    change_json(last, _set("event", "oldSize", sizes(members)[-2] - 1), members, forger)
    change_json(last, _set("block", None), members, forger)
    assert forger.failing(forger.seal(members))[0] == "heads"


def test_no_head_is_the_checkpoints_own(forger: Forger) -> None:
    """Then that every block is proved says nothing of the checkpoint, which a revoked key may have signed."""
    members = dict(forger.exported.members)
    del members[path_of(members, "heads", -1)]
    judged = judge_evidence(forger.seal(members), forger.exported.trust)
    assert state(judged, "heads") == "FAILED" and "checkpoint's own" in judged.package.report.step("heads").said.en


def test_an_unproven_head_counts_no_further_than_the_trust_file(forger: Forger) -> None:
    """A role that only registry.json admits, under a head without proof that counts it."""
    members = dict(forger.exported.members)
    with_changes(forger, members, Change(1, 1, Action.ADMITTED, "SYN-COURT", "hospital"))
    count, head, _ = read_changes(members[forms.REGISTRY], "registry.json")
    for number in range(len(sizes(members))):
        path = path_of(members, "heads", number)
        change_json(path, _set("block", None), members, forger)
        change_json(path, _set("event", "registryCount", count), members, forger)
        change_json(path, _set("event", "registryHead", encode_hex(head)), members, forger)
    judged = judge_evidence(forger.seal(members), forger.exported.trust)
    assert state(judged, "heads") == "VERIFIED" and judged.package.report.holds
    assert judged.package.known_changes == forger.exported.trust.registry.count < count


def test_one_statement_twice(forger: Forger) -> None:
    """The operator logs a signed statement again: the key's own numbering tells."""
    judged = judge_evidence(forger.exported.package, forger.exported.trust)
    case = judged.package
    twice = replace(case.statements[0], index=case.manifest.size - 1)
    case.statements.append(twice)
    found = check_rules(case)
    assert found.state == "FAILED" and "there twice" in found.said.en


def test_a_long_list_of_roles_is_read_at_once() -> None:
    """A list as long as a manifest may have: looking each up in the whole of it would take days."""
    indexes = list(range(300_000))
    assert len(forms.Roles([], [], indexes).of()) == len(indexes)
    with pytest.raises(MalformedInput, match="twice"):
        forms.Roles([], [7], [*indexes]).of()


def test_a_circle_of_successors_hangs_nobody() -> None:
    ended = [
        Change(1, 1, Action.EXITED, "SYN-A", data=b"SYN-B".ljust(32, b"\x00")),
        Change(2, 1, Action.EXITED, "SYN-B", data=b"SYN-A".ljust(32, b"\x00")),
    ]
    attribution = Attribution(bytes(32), Registry(1, bytes(20)), ended)
    assert attribution.speaks_for("SYN-B", "SYN-A", 2)
    assert not attribution.speaks_for("SYN-C", "SYN-A", 2)


def test_a_list_of_too_many_members_is_refused_before_it_is_read() -> None:
    entry = struct.pack("<4s6H3L5H2L", b"PK\x01\x02", 20, 20, 0, 0, 0, 33, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0) + b"a"
    directory = entry * (MAX_MEMBERS * 4)
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 1, 1, len(directory), 0, 0)
    with pytest.raises(MalformedInput, match="a list of members"):
        read_archive(directory + end)
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, 0, 1)
    with pytest.raises(MalformedInput, match="its end"):
        read_archive(locator + struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 0, 0, 0, 0, 0))


def test_json_for_a_terminal_steers_none(capsys: pytest.CaptureFixture[str]) -> None:
    value = {"origin": "a\x9b2J\x1b[2J\u202egnp\ud800", "zh": "核验", "high": "\U000e0001"}
    Output(as_json=True).result(value)
    shown = capsys.readouterr().out
    assert shown.removesuffix("\n").isprintable() and "核验" in shown
    assert json.loads(shown) == value
