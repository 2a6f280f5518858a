"""From a backup of one database to a service on the other: held, behind the contract, brought forward by the senders,
released. As an operator does it, with the command and nothing else."""

import io
import json
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from anchors.chain.ethereum import EthereumChain
from anchors.core.encoding import encode_hex
from anchors.core.trust import Finality, format_trust
from ledger_service.cli import main
from ledger_service.client.answers import ReceiptKeys
from ledger_service.client.api import Api
from ledger_service.client.sender import Sender
from ledger_service.client.store import Store
from scripts.city.founding import PASSPHRASE
from tests.cli.command import Ran, huzheng
from tests.client.conftest import report
from tests.fixtures.chain import ScratchChain
from tests.fixtures.ledger import FINALITY_BLOCKS, Ledger, database_of, running_ledger
from tests.service.test_states import check_refuses_to_promise, reasons

LATER = {0: 4, 1: 3}
"""How many statements each hospital sends after the backup."""


@dataclass
class Office:
    """One hospital's store."""

    ledger: Ledger
    number: int

    @property
    def path(self) -> Path:
        return self.ledger.folder / f"store-{self.number}.db"

    def send(self, count: int, first: int = 0) -> list[int]:
        """Sign, store and send so many reports; the indexes of all that was ever sent, in order."""
        ledger, institution = self.ledger, self.ledger.city.institutions[self.number]
        domain = ledger.city.domain
        with Store(self.path) as store, Api(ledger.service.url) as api:
            store.open_stream(
                institution.key,
                chain_id=domain.chain_id,
                registry=domain.registry,
                origin=ledger.city.origin,
                institution=institution.code,
            )
            for number in range(count):
                store.sign(institution.key, institution.secret, report(100_000 * self.number + first + number))
            assert Sender(store, api, ReceiptKeys(None)).send([institution.key]).complete
            return [stored.index for stored in store.statements(institution.key)]

    def last(self) -> str:
        """The newest statement's id, as the API writes it."""
        with Store(self.path) as store:
            return encode_hex(store.statements(self.ledger.city.institutions[self.number].key)[-1].statement)


def wait_final(ledger: Ledger, statement: str) -> None:
    """Make blocks until it is final."""

    def is_final() -> bool:
        ledger.chain.mine(1)
        return ledger.get(f"/v1/statements/{statement}").json()["state"] == "final"

    ledger.wait_for(is_final)


def write_trust(ledger: Ledger) -> Path:
    """A trust file as of now."""
    deployment, city = ledger.city.deployment, ledger.city
    chain = EthereumChain(ledger.chain.url, deployment.registry, deployment.witness)
    trust = city.trust(chain, Finality(FINALITY_BLOCKS))
    chain.close()
    path = ledger.folder / "trust.json"
    path.write_bytes(format_trust(trust))
    return path


def operate(ledger: Ledger, *arguments: object, apart: bool = False) -> Ran:
    """The command with the service's settings; `apart` in a process of its own, else in this one, which is quicker."""
    settings = {name: value for name, value in ledger.settings.items() if name != "HUZHENG_PASSPHRASE_FILE"}
    settings["HUZHENG_PASSPHRASE"] = PASSPHRASE
    if apart:
        return huzheng(*arguments, "--json", environment=settings)
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        for name, value in settings.items():
            patch.setenv(name, value)
        status = main([*map(str, arguments), "--json"])
    return Ran(status, out.getvalue(), err.getvalue())


@contextmanager
def serving(ledger: Ledger) -> Iterator[None]:
    """The service on the present database, which may never become ready."""
    ledger.start_unready()
    try:
        ledger.wait_for(lambda: _answers(ledger))
        yield
    finally:
        ledger.service.stop()


def _answers(ledger: Ledger) -> bool:
    try:
        return ledger.get("/healthz").status_code == 200
    except httpx.HTTPError:
        return False


@pytest.mark.parametrize(("source", "target"), [("sqlite", "postgresql"), ("postgresql", "sqlite")])
def test_a_lost_tail_comes_back_under_its_indexes(
    request: pytest.FixtureRequest, chain: ScratchChain, tmp_path: Path, source: str, target: str
) -> None:
    server, elsewhere = lambda: request.getfixturevalue("postgres_server"), tmp_path / "elsewhere"
    elsewhere.mkdir()
    with (
        database_of(source, tmp_path, server) as database,
        database_of(target, elsewhere, server) as other_database,
        running_ledger(chain, tmp_path, database) as ledger,
    ):
        offices = [Office(ledger, number) for number in LATER]
        for office in offices:
            office.send(3)
        wait_final(ledger, offices[-1].last())
        made = operate(ledger, "backup", tmp_path / "of-today.backup", apart=True)
        assert made.status == 0 and made.object["entries"] == 6, made.err
        indexes = [office.send(LATER[office.number], first=3) for office in offices]
        wait_final(ledger, offices[-1].last())
        trust = write_trust(ledger)
        ledger.service.stop()

        ledger.settings["HUZHENG_DATABASE"] = other_database
        restored = operate(ledger, "restore", tmp_path / "of-today.backup")
        assert restored.status == 1, (restored.out, restored.err)
        assert "this database has 6 and is behind by 7" in restored.object["problem"]
        again = operate(ledger, "restore", tmp_path / "of-today.backup")
        assert again.status == 2 and "the database is not empty" in again.err
        if target == "sqlite":
            _held_while_it_serves(ledger)
        _brought_forward(ledger, offices, trust)

        with serving(ledger):
            ledger.wait_for(lambda: reasons(ledger) == "")
            assert [office.send(0) for office in offices] == indexes
            after = [office.send(1, first=50) for office in offices]
            assert [found[-1] for found in after] == [13, 14]
            wait_final(ledger, offices[-1].last())
            audit = operate(ledger, "audit", "--trust", trust)
            assert audit.status == 0 and audit.object["size"] == 15, audit.out


def _held_while_it_serves(ledger: Ledger) -> None:
    """A service on the restored copy reads, and neither signs nor accepts; it says why in its log and in /readyz."""
    with serving(ledger):
        told = "restored from a backup of 6 entries and is not released"
        ledger.wait_for(lambda: told in reasons(ledger))
        assert told in check_refuses_to_promise(ledger)
        assert "huzheng recover" in reasons(ledger) and told in ledger.log()
        checkpoint = ledger.get("/log/checkpoint").text.splitlines()
        assert checkpoint[1] == "6", "what was signed is still served"
        busy = operate(ledger, "recover")
        assert busy.status == 2 and "stop the service first" in busy.err, busy.err


def _brought_forward(ledger: Ledger, offices: list[Office], trust: Path) -> None:
    files = [ledger.folder / f"hospital-{office.number}.jsonl" for office in offices]
    for office, file in zip(offices, files, strict=True):
        exported = operate(ledger, "stream", "export", file, "--store", office.path, "--trust", trust)
        assert exported.status == 0 and exported.object["statements"] == 3 + LATER[office.number], exported.err
    forged = ledger.folder / "forged.jsonl"
    lines = files[0].read_text("utf-8").splitlines()
    answer = json.loads(lines[-1])
    body = json.loads(answer["answer"])
    body["results"][0]["index"] += 5
    forged.write_text(json.dumps(answer | {"answer": json.dumps(body)}) + "\n", "utf-8")
    refused = operate(ledger, "recover", forged, "--release")
    assert refused.status == 2 and "forged.jsonl, line 1: the receipt is over other indexes" in refused.err
    half = operate(ledger, "recover", files[1], "--release")
    assert half.status == 1 and "behind by 7" in half.object["problem"] and not half.object["released"], half.out
    assert (half.object["taken"], half.object["beyond"]) == (0, 3)
    part = operate(ledger, "recover", files[0], "--release")
    assert part.status == 1 and part.object["taken"] == 4 and "behind by 3" in part.object["problem"], part.out
    whole = operate(ledger, "recover", *files)
    assert whole.status == 0, (whole.out, whole.err)
    assert (whole.object["taken"], whole.object["known"]) == (3, 10) and not whole.object["released"]
    _a_waiting_transaction_holds_it_back(ledger)
    released = operate(ledger, "recover", "--release")
    assert released.status == 0 and released.object["released"] is True, released.err


def _a_waiting_transaction_holds_it_back(ledger: Ledger) -> None:
    """Whatever the relay account sent and no block has may move the head yet."""
    chain, relay = ledger.chain, ledger.chain.accounts[1].address
    chain.set_automine(False)
    chain.rpc("eth_sendTransaction", {"from": relay, "to": relay, "value": "0x1"})
    early = operate(ledger, "recover", "--release")
    assert early.status == 2 and "1 transactions of the relay account wait in the node's pool" in early.err, early
    chain.mine(1)
    chain.set_automine(True)
