"""A town on a chain of its own: its senders, and what must hold of its ledger whatever was killed meanwhile."""

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from anchors import Entry
from anchors.chain.ethereum import EthereumChain
from anchors.core.encoding import encode_hex
from anchors.core.trust import Finality
from ledger_service.client.store import Store
from scripts.anvil import Rpc
from scripts.city.founding import City, found_city
from scripts.city.service import TOKEN, free_port, service_settings
from scripts.local_chain import FINALITY_CONFIRMATIONS
from scripts.soaking.killable import Killable
from scripts.soaking.senders import Hospital, promised, run_sender
from tests.fixtures.audit import audit_everything
from tests.fixtures.chain import funded_accounts
from tests.independent.reader import LogReader, ReadLog, fetch_http, tree_root
from tests.kills.processes import run_chain

SENDERS = 3
SETTLED_WITHIN_SECONDS = 120
LEASE_SECONDS = 1


@dataclass(frozen=True)
class Town:
    """The chain, which runs, the senders, which do not yet, and the environment of a service for them."""

    folder: Path
    city: City
    rpc: Rpc
    url: str
    settings: dict[str, str]
    chain: Killable
    hospitals: tuple[Hospital, ...]
    senders: tuple[Killable, ...]

    def is_ready(self) -> bool:
        """Whether the service says so."""
        return httpx.get(f"{self.url}/readyz").status_code == 200


def wait_for(what: str, question: Callable[[], object], seconds: float = SETTLED_WITHIN_SECONDS) -> None:
    """Ask again until the answer is something; whoever asks may be cut off meanwhile."""
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
def founded_town(folder: Path, database: str, name: str, pause_seconds: float = 0.0) -> Iterator[Town]:
    """The chain with the town's city on it; neither chain nor senders run afterwards. A sender waits for
    `pause_seconds` between two requests."""
    chain_port, port = free_port(), free_port()
    rpc = Rpc(f"http://127.0.0.1:{chain_port}", timeout_seconds=5)
    chain = Killable("chain", folder / "chain.log", run_chain, folder / "chain", chain_port)
    senders: tuple[Killable, ...] = ()
    try:
        chain.start()
        wait_for("the chain", lambda: rpc("eth_chainId"))
        administrator, relay = (bytes(account.key) for account in funded_accounts()[:2])
        city = found_city(rpc.url, f"ledger.example/{name}", administrator, name, SENDERS, relay_secret=relay)
        settings = service_settings(city, folder, database, FINALITY_CONFIRMATIONS, port) | {
            "HUZHENG_CHECKPOINT_SECONDS": "0.1",
            "HUZHENG_WITNESS_SECONDS": "0.1",
            "HUZHENG_FOLLOW_SECONDS": "0.1",
            "HUZHENG_LEASE_SECONDS": str(LEASE_SECONDS),
        }
        url = f"http://127.0.0.1:{port}"
        hospitals = tuple(_hospitals(folder, city, url, pause_seconds))
        senders = tuple(
            Killable(f"sender {number}", hospital.folder / "log", run_sender, hospital)
            for number, hospital in enumerate(hospitals)
        )
        yield Town(folder, city, rpc, url, settings, chain, hospitals, senders)
    finally:
        for process in (*senders, chain):
            process.end()


def _hospitals(folder: Path, city: City, url: str, pause_seconds: float) -> Iterator[Hospital]:
    for number, institution in enumerate(city.institutions):
        own = folder / f"hospital-{number}"
        own.mkdir()
        yield Hospital(
            own, url, city.origin, city.domain, institution.code, institution.key, institution.secret, pause_seconds
        )


def settle(town: Town) -> None:
    """Let the senders bring what they have, and wait until all of it is final."""
    for hospital in town.hospitals:
        hospital.stop_file.touch()
    for sender in town.senders:
        sender.wait(SETTLED_WITHIN_SECONDS)

    def all_is_final() -> bool:
        lines = httpx.get(f"{town.url}/metrics").text.splitlines()
        sizes = {line.split()[1] for line in lines if line.startswith("huzheng_entries{")}
        return len(sizes) == 1 and sizes != {"0.0"}

    wait_for("finality of everything", all_is_final)
    wait_for("readiness", town.is_ready)


def check_everything(town: Town, database: str, answered_at_least: int) -> None:
    """Nothing accepted is missing, nothing stands twice, every promise is kept, and an audit finds nothing. Each sender
    must have got `answered_at_least` answers, or this would prove nothing."""
    log = LogReader(fetch_http(f"{town.url}/log/"), str(town.city.note_key.verifier)).read()
    _check_entries(town, log, answered_at_least)
    _check_heads(town, log)
    _check_answers(town, log)
    _check_audit(town, database, answered_at_least)


def _check_entries(town: Town, log: ReadLog, answered_at_least: int) -> None:
    entries = [Entry.from_bytes(entry) for entry in log.entries]
    ids = [encode_hex(entry.statement.id(town.city.domain)) for entry in entries]
    assert len(set(ids)) == len(ids), "a statement stands in the log twice"
    places = {id: index for index, id in enumerate(ids)}
    signed = set()
    for hospital in town.hospitals:
        answered = promised(hospital)
        assert len(answered) > answered_at_least, "too little was answered to prove anything"
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


def _check_audit(town: Town, database: str, answered_at_least: int) -> None:
    """An audit from entries and chain finds nothing."""
    chain = EthereumChain(town.rpc.url, town.city.deployment.registry, town.city.deployment.witness)
    result = audit_everything(chain, town.city, town.city.trust(chain, Finality(FINALITY_CONFIRMATIONS)), database)
    chain.close()
    assert result.size > SENDERS * answered_at_least
