"""A whole town: a chain behind three endpoints, PostgreSQL, three API processes, two anchorers, senders."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from sqlalchemy import Engine

from anchors.chain.ethereum import EthereumChain
from anchors.core.trust import Finality, format_trust
from ledger_service.storage.database import open_database
from ledger_service.storage.lease import read_standing
from scripts.benchmark.processes import running_processes
from scripts.city.founding import City, found_city
from scripts.city.run import development_account
from scripts.city.service import free_port, service_settings
from scripts.soaking.chain import CONFIRMATIONS, Endpoint, RestlessChain
from scripts.soaking.killable import Killable, run_service
from scripts.soaking.senders import Hospital, run_sender

API_PROCESSES = 3
ANCHORERS = 2
ENDPOINTS = 3
SENDERS = 3
LEASE_SECONDS = 3.0
PAUSE_SECONDS = 0.1
"""Between two requests of a sender: processes that start must have something of the machine as well."""
READY_SECONDS = 60
SETTLED_SECONDS = 180
REQUEST_SECONDS = 5


class NotReached(Exception):
    """Something did not come within its time; the message says what."""


@dataclass(frozen=True)
class Town:
    """All that runs, and what is known of it."""

    folder: Path
    city: City
    chain: RestlessChain
    endpoints: tuple[Endpoint, ...]
    database: str
    engine: Engine
    url: str
    api: Killable
    anchorers: tuple[Killable, ...]
    senders: tuple[Killable, ...]
    hospitals: tuple[Hospital, ...]

    @property
    def trust_file(self) -> Path:
        """What an auditor believes."""
        return self.folder / "trust.json"

    def api_processes(self) -> list[int]:
        """The process ids of those that answer now."""
        return [pid for pid, process in running_processes().items() if process.parent == self.api.pid]

    def holder(self) -> Killable | None:
        """The anchorer that holds the lease, where it runs."""
        name = read_standing(self.engine).holder
        return next((one for one in self.anchorers if f":{one.pid}:" in name), None)

    def entries(self) -> dict[str, int]:
        """How many entries reached each state. Raises `httpx.HTTPError`."""
        lines = httpx.get(f"{self.url}/metrics", timeout=REQUEST_SECONDS).text.splitlines()
        found = [line for line in lines if line.startswith("huzheng_entries{")]
        return {line.split('"')[1]: int(float(line.split()[1])) for line in found}

    def is_ready(self) -> bool:
        """Whether the service says so."""
        return httpx.get(f"{self.url}/readyz", timeout=REQUEST_SECONDS).status_code == 200

    def is_final(self) -> bool:
        """Whether all that was accepted is final."""
        sizes = set(self.entries().values())
        return len(sizes) == 1 and sizes != {0}

    def ended_by_themselves(self) -> list[str]:
        """The processes that nobody killed and that do not run."""
        everybody = (self.api, *self.anchorers, *self.senders)
        return [f"{one.name} ended by itself: {one.tail()[-500:]}" for one in everybody if not one.runs]

    def settle(self) -> None:
        """Let the senders bring what they have, and wait until all of it is final. Raises `NotReached`."""
        for hospital in self.hospitals:
            hospital.stop_file.touch()
        for sender in self.senders:
            sender.wait(SETTLED_SECONDS)
        wait_for("finality of everything", self.is_final, SETTLED_SECONDS)
        wait_for("readiness", self.is_ready, SETTLED_SECONDS)

    def write_trust(self) -> None:
        """Write the trust file, by the chain as it stands."""
        deployment = self.city.deployment
        chain = EthereumChain(self.chain.url, deployment.registry, deployment.witness)
        self.trust_file.write_bytes(format_trust(self.city.trust(chain, Finality(CONFIRMATIONS))))
        chain.close()

    def heads(self) -> int:
        """How often the contract's head moved."""
        deployment = self.city.deployment
        chain = EthereumChain(self.chain.url, deployment.registry, deployment.witness)
        heads = len(chain.witness_events(0, chain.tip().number))
        chain.close()
        return heads


def wait_for(what: str, question: Callable[[], object], seconds: float) -> None:
    """Ask again until the answer is something; whoever asks may be cut off meanwhile. Raises `NotReached`."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            if question():
                return
        except httpx.HTTPError:
            pass
        if time.monotonic() > deadline:
            raise NotReached(f"{what} did not come within {seconds:.0f} s")
        time.sleep(0.2)


@contextmanager
def running_town(folder: Path, database: str) -> Iterator[Town]:
    """The town, ready and under load; nothing of it runs afterwards."""
    with ExitStack() as stack:
        chain = stack.enter_context(RestlessChain(folder))
        endpoints = tuple(stack.enter_context(Endpoint(chain.port)) for _ in range(ENDPOINTS))
        city = found_city(
            chain.url,
            "ledger.example/soak",
            development_account(0),
            "soak",
            SENDERS,
            relay_secret=development_account(1),
        )
        engine = open_database(database)
        stack.callback(engine.dispose)
        town = _plan(folder, city, chain, endpoints, database, engine)
        for process in (town.api, *town.anchorers, *town.senders):
            stack.callback(process.end)
        for process in (town.api, *town.anchorers):
            process.start()
        wait_for("the service", town.is_ready, READY_SECONDS)
        for sender in town.senders:
            sender.start()
        yield town


def _plan(
    folder: Path, city: City, chain: RestlessChain, endpoints: tuple[Endpoint, ...], database: str, engine: Engine
) -> Town:
    port = free_port()
    settings = service_settings(city, folder, database, CONFIRMATIONS, port) | {
        "HUZHENG_RPC": ",".join(endpoint.url for endpoint in endpoints),
        "HUZHENG_CHECKPOINT_SECONDS": "0.2",
        "HUZHENG_WITNESS_SECONDS": "1",
        "HUZHENG_FOLLOW_SECONDS": "0.5",
        "HUZHENG_LEASE_SECONDS": str(LEASE_SECONDS),
    }
    api = settings | {"HUZHENG_ROLE": "api", "HUZHENG_API_PROCESSES": str(API_PROCESSES)}
    anchorer = settings | {"HUZHENG_ROLE": "anchorer"}
    url = f"http://127.0.0.1:{port}"
    hospitals = tuple(_hospitals(folder, city, url))
    return Town(
        folder,
        city,
        chain,
        endpoints,
        database,
        engine,
        url,
        Killable("api", folder / "api.log", run_service, api),
        tuple(
            Killable(f"anchorer {number}", folder / f"anchorer-{number}.log", run_service, anchorer)
            for number in range(ANCHORERS)
        ),
        tuple(
            Killable(f"sender {number}", folder / f"sender-{number}.log", run_sender, hospital)
            for number, hospital in enumerate(hospitals)
        ),
        hospitals,
    )


def _hospitals(folder: Path, city: City, url: str) -> Iterator[Hospital]:
    for item in city.institutions:
        own = folder / item.code
        own.mkdir()
        yield Hospital(own, url, city.origin, city.domain, item.code, item.key, item.secret, PAUSE_SECONDS)
