"""A verifier that was written from docs/spec alone says the same of every package, true or forged."""

from dataclasses import replace

import pytest

from anchors.core.registry import Action, Change, Registry
from anchors.core.trust import format_trust, write_changes
from anchors.evidence import members as forms
from anchors.evidence.archive import write_archive
from ledger_service.client.accepted import acceptance_check
from ledger_service.usecases.judge_evidence import judge_evidence
from tests.evidence.conftest import Exported
from tests.evidence.test_hostile_packages import FORGERIES, Forger
from tests.independent.evidence import verify


@pytest.fixture(scope="module")
def forger(exported: Exported) -> Forger:
    """Somebody who has the exporter's key."""
    return Forger(exported)


def agree(package: bytes, exported: Exported, **trust: object) -> dict[str, str]:
    """What both say, for the claims that the second one knows."""
    believed = replace(exported.trust, **trust)
    second = verify(package, format_trust(believed))
    steps = judge_evidence(package, believed, {"acceptance": acceptance_check([])}).package.report.steps
    assert second == {step.claim: step.state for step in steps if step.claim in second}
    return second


def test_the_true_package(exported: Exported) -> None:
    states = agree(exported.package, exported)
    assert states.pop("complete") == "NOT_PROVABLE"
    absent = {"acceptance", "cosigned", "timestamps"}
    withheld = {"rules"}  # the amendment's document, which the exporter may not see
    assert {claim for claim, state in states.items() if state == "NOT_CHECKED"} == absent | withheld
    assert len(states) == 16 and set(states.values()) == {"VERIFIED", "NOT_CHECKED"}


@pytest.mark.parametrize("name", FORGERIES)
def test_a_sealed_forgery(forger: Forger, name: str) -> None:
    members, (forge, claim) = dict(forger.exported.members), FORGERIES[name]
    forge(members, forger)
    assert agree(forger.seal(members), forger.exported)[claim] == "FAILED"


def test_without_the_key(forger: Forger) -> None:
    members = dict(forger.exported.members)
    FORGERIES["a part is changed"][0](members, forger)
    assert agree(write_archive(members), forger.exported)["manifest"] == "FAILED"


def test_a_stranger_seals(forger: Forger) -> None:
    package = forger.seal(forger.exported.members, secret=b"\x05" * 32)
    assert agree(package, forger.exported)["exporter"] == "FAILED"


def test_no_archive(exported: Exported) -> None:
    assert agree(exported.package[:-1], exported)["archive"] == "FAILED"


def test_no_block_is_fixed(exported: Exported) -> None:
    assert agree(exported.package, exported, blocks=())["blocks"] == "NOT_CHECKED"


def _revoked(exported: Exported, purpose: str) -> tuple[Registry, tuple[Change, ...]]:
    """The registry after every key of a purpose was revoked, from sequence 0 on; all keys for ""."""
    trust, changes = exported.trust, list(exported.trust.changes)
    for change in trust.changes:
        if change.action is Action.KEY_ADDED and change.role.startswith(purpose):
            later = replace(change, number=len(changes) + 1, action=Action.KEY_REVOKED, data=bytes(32))
            changes.append(later)
    return Registry.fold(trust.chain_id, trust.registry_contract.address, changes), tuple(changes)


@pytest.mark.parametrize("blocks", [True, False])
def test_all_keys_are_revoked_by_now(exported: Exported, blocks: bool) -> None:
    """Who made the trust file knows of revocations that came after the package: from sequence 0 on, of every key."""
    registry, changes = _revoked(exported, "")
    fixed = exported.trust.blocks if blocks else ()
    states = agree(exported.package, exported, changes=changes, registry=registry, blocks=fixed)
    assert states["exporter"] == states["checkpoint"] == "NOT_PROVABLE"
    assert states["signed"] == ("VERIFIED" if blocks else "FAILED")


def test_the_package_knows_of_a_revocation_that_the_trust_file_does_not(forger: Forger) -> None:
    members = dict(forger.exported.members) | {forms.REGISTRY: write_changes(*_revoked(forger.exported, "note"))}
    states = agree(forger.seal(members), forger.exported)
    assert states["registry"] == states["heads"] == "VERIFIED" and states["checkpoint"] == "NOT_PROVABLE"
