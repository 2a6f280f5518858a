"""Any process may be killed at any time, under load: nothing accepted is missing, nothing stands twice.

The chain, the service and the senders are each killed twenty times at random moments and started again, on SQLite and
on PostgreSQL. The service's database server is not killed: its own durability is not ours to test.
"""

import random
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from anchors import Entry
from anchors.chain.ethereum import EthereumChain
from anchors.chain.trust_builder import build_trust
from anchors.core.encoding import encode_hex
from anchors.core.trust import Finality
from ledger_service.client.store import Store
from ledger_service.storage.audit_rows import open_audit_rows
from ledger_service.usecases.audit import Audit
from scripts.anvil import Rpc
from scripts.city.founding import City, found_city
from scripts.city.service import TOKEN, free_port, service_settings
from scripts.local_chain import FINALITY_CONFIRMATIONS
from tests.fixtures.chain import funded_accounts
from tests.fixtures.ledger import database_of
from tests.independent.reader import LogReader, ReadLog, fetch_http, tree_root
from tests.kills.processes import Hospital, Killable, promised, run_chain, run_sender, run_service

KILLS_OF_EACH = 20
SENDERS = 3
LONGEST_PAUSE_SECONDS = 0.8
SETTLED_WITHIN_SECONDS = 120


@dataclass(frozen=True)
class Town:
    """All processes, and how to reach them."""

    folder: Path
    city: City
    rpc: Rpc
    url: str
    chain: Killable
    service: Killable
    hospitals: tuple[Hospital, ...]
    senders: tuple[Killable, ...]


def _wait_for(what: str, question: object, seconds: float = SETTLED_WITHIN_SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            if question():
                return
        except (OSError, httpx.HTTPError, KeyError):
            pass
        assert time.monotonic() < deadline, f"{what} did not come within {seconds} s"
        time.sleep(0.1)


@contextmanager
def running_town(folder: Path, database: str) -> Iterator[Town]:
    """The chain and the service running, the senders ready to start; nothing runs afterwards."""
    chain_port, port = free_port(), free_port()
    rpc = Rpc(f"http://127.0.0.1:{chain_port}", timeout_seconds=5)
    chain = Killable("chain", folder / "chain.log", run_chain, folder / "chain", chain_port)
    processes = [chain]
    try:
        chain.start()
        _wait_for("the chain", lambda: rpc("eth_chainId"))
        administrator, relay = (bytes(account.key) for account in funded_accounts()[:2])
        city = found_city(rpc.url, "ledger.example/kills", administrator, "kills", SENDERS, relay_secret=relay)
        settings = service_settings(city, folder, database, FINALITY_CONFIRMATIONS, port) | {
            "HUZHENG_CHECKPOINT_SECONDS": "0.1",
            "HUZHENG_WITNESS_SECONDS": "0.1",
            "HUZHENG_FOLLOW_SECONDS": "0.1",
        }
        url = f"http://127.0.0.1:{port}"
        service = Killable("service", folder / "service.log", run_service, settings)
        hospitals = tuple(_hospitals(folder, city, url))
        senders = tuple(
            Killable(f"sender {number}", hospital.folder / "log", run_sender, hospital)
            for number, hospital in enumerate(hospitals)
        )
        processes += [service, *senders]
        service.start()
        _wait_for("the service", lambda: httpx.get(f"{url}/readyz").status_code == 200)
        yield Town(folder, city, rpc, url, chain, service, hospitals, senders)
    finally:
        for process in reversed(processes):
            process.end()


def _hospitals(folder: Path, city: City, url: str) -> Iterator[Hospital]:
    for number, institution in enumerate(city.institutions):
        own = folder / f"hospital-{number}"
        own.mkdir()
        yield Hospital(own, url, city.origin, city.domain, institution.code, institution.key, institution.secret)


def _kill_and_restart(town: Town, chance: random.Random) -> None:
    turns = ["chain", "service", "sender"] * KILLS_OF_EACH
    chance.shuffle(turns)
    for number, turn in enumerate(turns):
        time.sleep(chance.uniform(0.0, LONGEST_PAUSE_SECONDS))
        victim = town.senders[number % SENDERS] if turn == "sender" else getattr(town, turn)
        victim.kill()
        victim.start()


def _settle(town: Town) -> None:
    """Let the senders bring what they have, and wait until all of it is final."""
    for hospital in town.hospitals:
        hospital.stop_file.touch()
    for sender in town.senders:
        sender.wait(SETTLED_WITHIN_SECONDS)

    def all_is_final() -> bool:
        lines = httpx.get(f"{town.url}/metrics").text.splitlines()
        sizes = {line.split()[1] for line in lines if line.startswith("huzheng_entries{")}
        return len(sizes) == 1 and sizes != {"0.0"}

    _wait_for("finality of everything", all_is_final)
    _wait_for("readiness", lambda: httpx.get(f"{town.url}/readyz").status_code == 200)


def _read_log(town: Town) -> ReadLog:
    return LogReader(fetch_http(f"{town.url}/log/"), str(town.city.note_key.verifier)).read()


def _check_entries(town: Town, log: ReadLog) -> None:
    entries = [Entry.from_bytes(entry) for entry in log.entries]
    ids = [encode_hex(entry.statement.id(town.city.domain)) for entry in entries]
    assert len(set(ids)) == len(ids), "a statement stands in the log twice"
    places = {id: index for index, id in enumerate(ids)}
    signed = set()
    for hospital in town.hospitals:
        answered = promised(hospital)
        assert len(answered) > KILLS_OF_EACH, "too little was answered to prove anything"
        for id, index in answered:
            assert places.get(id) == index, f"{id} was promised index {index} and has {places.get(id)}"
        with Store(hospital.store_file) as store:
            stored = store.statements(hospital.key)
        assert all(places[encode_hex(one.statement)] == one.index for one in stored)
        numbers = [e.statement.sequence for e in entries if e.statement.institution == hospital.institution]
        assert numbers == list(range(len(stored))), "a stream has a gap, a fork or the wrong order"
        signed |= {encode_hex(one.statement) for one in stored}
    assert signed == set(ids), "the log holds what nobody sent, or lacks what was sent"


def _check_heads(town: Town, log: ReadLog) -> None:
    """Every checkpoint that was ever signed, and every head of the contract, is the root of its prefix."""
    sizes = Counter()
    before = None
    while True:
        page = httpx.get(f"{town.url}/v1/checkpoints", params={"before": before} if before else {}).json()
        for checkpoint in page["items"]:
            assert checkpoint["root"] == encode_hex(tree_root(log.leaves[: checkpoint["size"]]))
            sizes[checkpoint["size"]] += 1
        before = page["next"]
        if before is None:
            break
    assert sizes[log.size] == 1
    chain = EthereumChain(town.rpc.url, town.city.deployment.registry, town.city.deployment.witness)
    head = chain.head(town.city.domain.log)
    assert (head.size, head.root) == (log.size, log.root)
    events = chain.witness_events(0, chain.tip().number)
    assert [event.old_size for event in events] == [0, *(event.new_size for event in events)][: len(events)]
    assert all(event.root == tree_root(log.leaves[: event.new_size]) for event in events)
    chain.close()


def _check_answers(town: Town, log: ReadLog) -> None:
    """The index answers for each statement what the log holds."""
    chance = random.Random(7)
    for index in chance.sample(range(log.size), min(log.size, 50)):
        id = encode_hex(Entry.from_bytes(log.entries[index]).statement.id(town.city.domain))
        headers = {"Authorization": f"Bearer {TOKEN}"}
        found = httpx.get(f"{town.url}/v1/statements/{id}", headers=headers).json()
        assert (found["index"], found["state"], found["overdue"]) == (index, "final", False)


def _check_audit(town: Town, database: str) -> None:
    """An audit from entries and chain finds nothing."""
    deployment, city = town.city.deployment, town.city
    chain = EthereumChain(town.rpc.url, deployment.registry, deployment.witness)
    logs = [(city.origin, [city.note_key.verifier])]
    trust = build_trust(chain, deployment.registry, deployment.witness, logs, Finality(FINALITY_CONFIRMATIONS))
    audit = Audit(chain, trust, trust.log(city.origin), deployment.block_number)
    audit.read_chain()
    with open_audit_rows(database) as rows:
        result = audit.run(rows)
    chain.close()
    assert result.holds, [fault.first for fault in result.findings.faults]
    assert result.size == result.witnessed > SENDERS * KILLS_OF_EACH


@pytest.mark.timeout(400)
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_nothing_accepted_is_lost_by_any_kill(request: pytest.FixtureRequest, tmp_path: Path, kind: str) -> None:
    server = lambda: request.getfixturevalue("postgres_server")  # noqa: E731
    with database_of(kind, tmp_path, server) as database, running_town(tmp_path, database) as town:
        for sender in town.senders:
            sender.start()
        _kill_and_restart(town, random.Random(f"kills on {kind}"))
        assert town.chain.kills == town.service.kills == sum(s.kills for s in town.senders) == KILLS_OF_EACH
        _settle(town)
        log = _read_log(town)
        _check_entries(town, log)
        _check_heads(town, log)
        _check_answers(town, log)
        _check_audit(town, database)
        assert "Traceback" not in (tmp_path / "service.log").read_text()
