"""Entries that break a rule and are in the log all the same: each is named, and spoils no other."""

import secrets
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from anchors.chain.acts import RevokeKey
from ledger_service.recognition.figures import Figures, Period
from ledger_service.storage.statistics import open_statistics_rows
from ledger_service.usecases.statistics import compute
from tests.audit.world import World, place
from tests.fixtures.ledger import LABORATORY, administrator_of
from tests.fixtures.signer import Signed, Signer, access, document, example, links, policy, reason


def _stranger(world: World) -> Signed:
    return Signer(world.city.domain, world.signers[0].institution, secrets.token_bytes(32)).issued()


def _other_institution(world: World) -> Signed:
    return world.signers[0].issued(institution=world.signers[1].institution)


def _fork(world: World) -> Signed:
    return world.signers[0].issued(sequence=0)


def _laboratory(world: World) -> Signed:
    version = world.story[0]
    return world.signers[LABORATORY].sign(
        "recognition.accepted", version.subject, policy(), links(access=world.story[1], report=version)
    )


def _unknown_kind(world: World) -> Signed:
    return world.signers[0].sign("report.invented", secrets.token_bytes(32), document())


def _taken_subject(world: World) -> Signed:
    return world.signers[0].issued(world.story[0].subject)


def _unknown_subject(world: World) -> Signed:
    return world.signers[0].sign("access.granted", secrets.token_bytes(32), access(), links(report=world.story[0]))


def _not_owner(world: World) -> Signed:
    # A report of institution 1: the third of the story issued it.
    return world.signers[0].amended(world.story[8])


def _not_current(world: World) -> Signed:
    return world.signers[0].amended(world.story[0])


def _unknown_link(world: World) -> Signed:
    return world.signers[0].sign(
        "access.granted", world.story[0].subject, access(), links(report=secrets.token_bytes(32))
    )


def _wrong_link(world: World) -> Signed:
    return world.signers[0].granted(world.story[1])


def _not_own_access(world: World) -> Signed:
    return world.signers[0].recognised(world.story[1], world.story[0])


def _other_version(world: World) -> Signed:
    # Institution 1 opened the first version and recognises the second.
    return world.signers[1].recognised(world.story[1], world.story[4])


def _missing_part(world: World) -> Signed:
    return world.signers[0].sign("report.issued", secrets.token_bytes(32), reason())


def _missing_link(world: World) -> Signed:
    return world.signers[0].sign("access.granted", world.story[0].subject, access(), links())


def _old_version_unknowingly(world: World) -> Signed:
    # Institution 2 opened the version that was withdrawn since.
    return world.signers[2].recognised(world.story[5], world.story[4])


def _other_rules(world: World) -> Signed:
    """A decision that names rules by a digest, and links to what is no such publication."""
    named = example("policy")
    linked = links(access=world.story[1], report=world.story[0], policy=world.story[8])
    return world.signers[1].sign("recognition.declined", world.story[0].subject, named, reason(), linked)


def _late_without_a_word(world: World) -> Signed:
    version, hours_ago = world.story[0], int(time.time()) - 7_200
    return world.signers[0].sign(
        "access.emergency", version.subject, access(at=hours_ago), reason(), links(report=version)
    )


WITHOUT_EFFECT: list[tuple[Callable[[World], Signed], str]] = [
    (_stranger, "attribution"),
    (_other_institution, "attribution"),
    (_laboratory, "role-missing"),
    (_unknown_kind, "unknown-kind"),
    (_taken_subject, "subject-taken"),
    (_unknown_subject, "subject-unknown"),
    (_not_owner, "not-owner"),
    (_not_current, "not-current"),
    (_unknown_link, "link-unknown"),
    (_wrong_link, "link-refused"),
    (_not_own_access, "link-refused"),
    (_other_version, "link-refused"),
    (_missing_part, "missing-part"),
    (_missing_link, "invalid-links"),
    (_old_version_unknowingly, "not-said-knowingly"),
    (_other_rules, "link-refused"),
    (_late_without_a_word, "not-said-late"),
]
NOT_COUNTED_BY = frozenset({"attribution", "role-missing"})
"""Signatures and roles are the audit's alone."""


def figures(world: World) -> Figures:
    """The figures of these days."""
    today = datetime.now(UTC).date()
    period = Period(today - timedelta(days=2), today + timedelta(days=2), "+08:00")
    with open_statistics_rows(world.database) as rows:
        return compute(rows, rows.log().size, period)


def broken_in_figures(world: World) -> dict[str, int]:
    """What they say of statements that break the rules of their kind."""
    return figures(world).broken


@pytest.mark.parametrize(("make", "what"), WITHOUT_EFFECT, ids=[make.__name__[1:] for make, _ in WITHOUT_EFFECT])
def test_it_is_named_and_spoils_no_other(small_world: World, make: Callable[[World], Signed], what: str) -> None:
    world = small_world
    signed = make(world)
    index = world.slip_in(signed)
    if what != "attribution":
        world.count_number(signed)  # whatever a key signed uses up its number
    elif make is _other_institution:
        world.signers[0].sequence -= 1
    world.settle()
    world.submit(*world.tell_story())
    result = world.audit()
    assert [place(fault.first) for fault in result.findings.faults] == [("entries", str(index), what)]
    assert result.findings.faults[0].count == 1
    # Figures have their own, quick reading of the rules: it says the same.
    if what not in NOT_COUNTED_BY:
        assert broken_in_figures(world) == {what: 1}


def test_a_fork(small_world: World) -> None:
    world = small_world
    index = world.slip_in(_fork(world))
    world.settle()
    world.submit(*world.tell_story())
    result = world.audit()
    assert [place(fault.first) for fault in result.findings.faults] == [("entries", str(index), "sequence-fork")]


def test_a_statement_that_is_logged_twice(small_world: World) -> None:
    """No index of the database forbids a second entry of one id."""
    world = small_world
    index = world.slip_in(world.story[3])
    faults = [place(fault.first) for fault in world.audit().findings.faults]
    assert ("entries", str(index), "sequence-fork") in faults, faults


def test_a_gap(small_world: World) -> None:
    """A number that is missing: a signed act was dropped. Those after it still count."""
    world = small_world
    world.signers[0].issued()  # signed, and never logged
    signed = world.signers[0].issued(world.story[0].subject[::-1])
    index = world.slip_in(signed)
    world.count_number(signed)
    result = world.audit()
    first, *others = result.findings.faults
    assert place(first.first) == ("entries", str(index), "sequence-gap") and first.count == 1
    assert others == []


@pytest.mark.parametrize(("observed", "what"), [(b"\x07" * 32, "observed-unknown"), (bytes(32), "observed-backwards")])
def test_what_a_signer_cannot_have_seen(small_world: World, observed: bytes, what: str) -> None:
    world = small_world
    world.submit(world.signers[0].issued())
    index = world.slip_in(world.signers[0].issued(observed=observed))
    found = [fault.first for fault in world.audit().findings.faults if fault.first.step == 5]
    assert [place(finding) for finding in found] == [("entries", str(index), what)]


def test_a_revoked_key(small_world: World) -> None:
    """What came before the revocation stands; a number at or past its end does not."""
    world, signer = small_world, small_world.signers[0]
    with administrator_of(world.chain, world.city) as administrator:
        administrator.perform(RevokeKey(signer.key, signer.sequence))
    world.chain.mine(3)
    world.follower.run_once()
    assert world.audit().holds
    index = world.slip_in(signer.issued())
    world.settle()
    assert [place(fault.first) for fault in world.audit().findings.faults] == [("entries", str(index), "attribution")]


def test_a_statement_accepted_before_a_stolen_key_was_revoked(small_world: World) -> None:
    """The chain learns of the revocation before the head that covers the statement: the number decides."""
    world, signer = small_world, small_world.signers[0]
    world.submit(signer.issued())
    with administrator_of(world.chain, world.city) as administrator:
        administrator.perform(RevokeKey(signer.key, signer.sequence))
    world.follower.run_once()
    world.settle()
    assert world.audit().holds
