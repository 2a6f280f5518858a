"""One signature over two parts named `document`, the other of which would be shown later (ADR 9)."""

import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ledger_service.usecases.submission import read_submission
from tests.audit.world import World, change, copy_database, make_world, place
from tests.fixtures.chain import ScratchChain
from tests.fixtures.signer import Signed, document
from tests.independent.vectors_content import content_hash, withheld_part

ONE, OTHER = document().text.decode(), document().text.decode()
SHOWINGS: dict[str, list[Any]] = {
    "first-shown": [ONE, withheld_part(OTHER)],
    "second-shown": [withheld_part(ONE), OTHER],
    "both-shown": [ONE, OTHER],
}


@pytest.fixture(scope="module")
def world(module_chain: ScratchChain, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One story under a final head."""
    world = make_world(module_chain, f"sqlite:///{tmp_path_factory.mktemp('one-name') / 'ledger.sqlite'}")
    world.submit(*world.tell_story())
    world.settle()
    yield world
    world.engine.dispose()


def _signed(world: World, shown: list[Any], **fields: Any) -> Signed:
    """A report whose signature is over both parts; no `Content` can be made of them, so the hash is made elsewhere."""
    subject = secrets.token_bytes(32)
    return world.signers[0].sign(
        "report.issued", subject, document(), content=content_hash(shown), shown=shown, **fields
    )


def test_every_showing_has_the_hash_that_was_signed() -> None:
    assert len({content_hash(shown) for shown in SHOWINGS.values()}) == 1


@pytest.mark.parametrize("shown", SHOWINGS.values(), ids=SHOWINGS)
def test_the_door_refuses_it(world: World, shown: list[Any]) -> None:
    signed = _signed(world, shown, sequence=world.signers[0].sequence)
    body = msgspec.json.encode({"origin": world.city.origin, "statements": [signed.wire]})
    (result,) = world.door.commit([world.door.check(read_submission(body, world.city.origin).statements)])[0].results
    assert result.refused.problem.code == "malformed-part" and "'document'" in result.refused.detail


def test_the_audit_names_it_whichever_is_shown(world: World, tmp_path: Path) -> None:
    """In the log past the door, and exchanged afterwards in the database."""
    signed = _signed(world, SHOWINGS["first-shown"])
    index = world.slip_in(signed)
    world.count_number(signed)
    world.settle()
    copy = copy_database(world, tmp_path)
    for shown in (SHOWINGS["second-shown"], SHOWINGS["both-shown"], SHOWINGS["first-shown"]):
        result = world.audit(
            change(copy, ("UPDATE contents SET parts = ? WHERE position = ?", (msgspec.json.encode(shown), index)))
        )
        assert not result.holds
        found = [fault.first for fault in result.findings.faults if fault.first.table == "contents"]
        assert [place(finding) for finding in found] == [("contents", str(index), "parts")]
        assert "'document'" in found[0].found
