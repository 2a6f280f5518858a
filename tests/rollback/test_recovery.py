"""Taking a lost tail back: the promised indexes or nothing, and forks are named."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec
import pytest

from anchors.core.typed_data import Domain
from ledger_service.client.answers import ReceiptKeys
from ledger_service.client.errors import WrongInput
from ledger_service.client.promised import read_lines, write_line
from ledger_service.client.store import Store
from ledger_service.usecases.incident import Incident
from ledger_service.usecases.recover import Promised, Recovery, sign_witnessed
from tests.client.conftest import DOMAIN, Office, office  # noqa: F401  (a fixture)
from tests.fixtures.signer import Signed, Signer
from tests.rollback.sealed import guard_of, settle
from tests.usecases.world import ORIGIN, InProcessLedger

KEPT, LOST = 20, 15


def promise(index: int, signed: Signed) -> Promised:
    """What a receipt promised."""
    return Promised(index, signed.id, msgspec.json.encode({"origin": ORIGIN, "statements": [signed.wire]}))


@dataclass
class LostTail:
    """A copy with the first entries of a log, what was promised for the rest, and the hospital that goes on."""

    copy: InProcessLedger
    promised: list[Promised]
    signer: Signer

    @property
    def recovery(self) -> Recovery:
        return Recovery(self.copy.door, self.copy.tree, self.copy.domain, ORIGIN)


@pytest.fixture
def lost(store_url: str, tmp_path: Path) -> Iterator[LostTail]:
    whole = InProcessLedger(f"sqlite:///{tmp_path / 'whole.db'}")
    signer = whole.found()
    copy = InProcessLedger(store_url, chain=whole.chain)
    whole.follower.run_once()
    copy.follower.run_once()
    kept, tail = ([signer.issued() for _ in range(count)] for count in (KEPT, LOST))
    for ledger in (whole, copy):
        ledger.submit(*(signed.wire for signed in kept))
    whole.submit(*(signed.wire for signed in tail))
    settle(whole)
    assert whole.chain.head(whole.domain.log).size == KEPT + LOST
    promised = [promise(KEPT + number, signed) for number, signed in enumerate(tail)]
    yield LostTail(copy, promised, signer)
    whole.engine.dispose()
    copy.engine.dispose()


def sign_again(lost: LostTail) -> None:
    """Sign what the contract witnessed."""
    lost.copy.follower.run_once()
    sign_witnessed(lost.copy.integrator, lost.copy.tree, lost.copy.view)


def test_the_tail_comes_back_in_whatever_order_it_is_given_and_fits_the_contract(lost: LostTail) -> None:
    with pytest.raises(Incident, match=f"is behind by {LOST}"):
        guard_of(lost.copy).check()
    given = random.Random(13).sample(lost.promised, LOST)
    found = lost.recovery.take_back(given + given[:4])
    assert (found.taken, found.known, found.size, found.beyond) == (LOST, 0, KEPT + LOST, ())
    with pytest.raises(Incident, match="under no checkpoint of it: checkpoints were lost"):
        guard_of(lost.copy).check()
    sign_again(lost)
    guard_of(lost.copy).check()
    again = lost.recovery.take_back(given)
    assert (again.taken, again.known) == (0, LOST)
    settle(lost.copy)
    assert lost.copy.tree.newest_checkpoint().size == KEPT + LOST


def test_nothing_is_taken_from_behind_a_gap(lost: LostTail) -> None:
    found = lost.recovery.take_back(lost.promised[:5] + lost.promised[7:])
    assert (found.taken, found.size) == (5, KEPT + 5) and found.beyond == tuple(range(KEPT + 7, KEPT + LOST))
    assert lost.copy.tree.size() == KEPT + 5
    with pytest.raises(Incident, match="is behind by 10"):
        guard_of(lost.copy).check()
    rest = lost.recovery.take_back(lost.promised)
    assert (rest.taken, rest.known) == (10, 5)
    sign_again(lost)
    guard_of(lost.copy).check()


def test_an_index_that_was_promised_twice_is_a_fork(lost: LostTail) -> None:
    other = promise(KEPT + 2, lost.signer.issued())
    with pytest.raises(Incident, match=f"index {KEPT + 2} was promised to 0x.* and to 0x.*: the log was forked"):
        lost.recovery.take_back([*lost.promised, other])
    assert lost.copy.tree.size() == KEPT, "nothing was taken"
    with pytest.raises(Incident, match=r"index 3 was promised to 0x.* and to 0x.*: the log was forked"):
        lost.recovery.take_back([replace(other, index=3)])


def test_another_statement_in_the_tail_does_not_pass_for_it(lost: LostTail) -> None:
    """Whoever promises wrongly cannot bring another root under the contract's head."""
    swapped = [replace(lost.promised[1], index=KEPT), replace(lost.promised[0], index=KEPT + 1)]
    with pytest.raises(Incident, match=f"of index {KEPT} is refused now: "):
        lost.recovery.take_back(swapped)
    assert lost.copy.tree.size() == KEPT
    lost.signer.sequence = KEPT + LOST - 1
    wrong = promise(KEPT + LOST - 1, lost.signer.issued())
    assert lost.recovery.take_back([*lost.promised[:-1], wrong]).taken == LOST
    for look in (lambda: guard_of(lost.copy).check(), lambda: sign_again(lost)):
        with pytest.raises(Incident, match="the log was forked or changed"):
            look()


def test_what_the_door_refuses_now_stops_it_with_the_reason(lost: LostTail) -> None:
    body = lost.promised[0].body.replace(b'"parts":[', b'"parts":[{"leaf":"00"},')
    with pytest.raises(Incident, match=f"of index {KEPT} is refused now: .*; put that right and go on"):
        lost.recovery.take_back([replace(lost.promised[0], body=body)])
    assert lost.copy.tree.size() == KEPT


def test_an_export_is_believed_by_its_receipts_alone(office: Office, tmp_path: Path) -> None:  # noqa: F811
    office.sign(1, 2, 3)
    keys = office.sender()._receipt_keys
    assert office.sender().send([office.open()]).complete
    path = tmp_path / "export.jsonl"
    lines = [write_line("ledger.example/senders", *found) for found in office.store.accepted_answers(_origin(office))]
    path.write_bytes(b"".join(lines))
    assert [index for index, _, _ in read_lines(path, _origin(office), DOMAIN, keys)] == [0, 1, 2]
    for wrong, origin, domain, trusted in (
        (path, "ledger.example/other", DOMAIN, keys),
        (path, _origin(office), Domain(DOMAIN.chain_id, b"\x12" * 20, DOMAIN.log), keys),
        (path, _origin(office), DOMAIN, ReceiptKeys(frozenset({b"\x01" * 20}))),
    ):
        with pytest.raises(WrongInput, match=r"export\.jsonl, line 1: "):
            list(read_lines(wrong, origin, domain, trusted))
    for number, garbage in enumerate(
        [b"\n", b"{}\n", b"[" * 90_000 + b"\n", b"\xff\xfe\n", lines[0][:-40], lines[0][1:]]
    ):
        broken = tmp_path / f"{number}.jsonl"
        broken.write_bytes(garbage)
        with pytest.raises(WrongInput) as refused:
            list(read_lines(broken, _origin(office), DOMAIN, keys))
        assert "\n" not in str(refused.value)


def _origin(office: Office) -> str:  # noqa: F811
    return office.store.streams()[0].origin


def test_an_export_names_only_what_is_in_the_log_asked_for(office: Office) -> None:  # noqa: F811
    office.sign(1)
    assert isinstance(office.store, Store) and list(office.store.accepted_answers(ORIGIN)) == []
