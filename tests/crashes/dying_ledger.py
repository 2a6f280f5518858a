"""A ledger whose service dies at a step, a hospital that sends to it whatever happens, and the check of everything."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from anchors import Entry
from anchors.chain.ethereum import EthereumChain
from anchors.core.encoding import encode_hex
from anchors.core.trust import Finality
from scripts.city.founding import City, found_city
from scripts.city.service import free_port, service_settings
from scripts.soaking.killable import Killable, run_service
from tests.crashes.steps import Orders, wrap_ports
from tests.fixtures.audit import audit_everything
from tests.fixtures.chain import ScratchChain
from tests.fixtures.signer import Signed, Signer
from tests.independent.reader import LogReader, fetch_http

FINALITY_BLOCKS = 3
WITHIN_SECONDS = 60
LARGEST_REQUEST = 500
_QUICK = {
    "HUZHENG_CHECKPOINT_SECONDS": "0.05",
    "HUZHENG_WITNESS_SECONDS": "0.05",
    "HUZHENG_FOLLOW_SECONDS": "0.05",
    # Whoever was killed holds the lease until it ends.
    "HUZHENG_LEASE_SECONDS": "1",
}


def run_dying_service(settings: dict[str, str], folder: Path) -> None:
    """The service as `huzheng serve` runs it, its ports wrapped."""
    wrap_ports(folder)
    run_service(settings)


class DyingLedger:
    """The service, one hospital, and the hospital's memory of everything it signed and was promised."""

    def __init__(self, chain: ScratchChain, city: City, folder: Path, database: str):
        self.chain = chain
        self.city = city
        self.database = database
        self.orders = Orders(folder)
        settings = service_settings(city, folder, database, FINALITY_BLOCKS, free_port()) | _QUICK
        self.url = f"http://127.0.0.1:{settings['HUZHENG_PORT']}"
        self.service = Killable("service", folder / "service.log", run_dying_service, settings, folder)
        hospital = city.institutions[0]
        self._signer = Signer(city.domain, hospital.code, hospital.secret)
        self._signed: list[Signed] = []
        self._promised: dict[str, int] = {}
        self._http = httpx.Client(timeout=10, trust_env=False)

    def start(self) -> None:
        """Start the service where it does not run, and wait until it accepts and witnesses."""
        if not self.service.runs:
            self.service.start()
        self._wait_for("readiness", lambda: self._get("/readyz").status_code == 200)

    def start_and_hear(self, told: str) -> None:
        """Start the service and wait until it says why it is not ready."""
        self.service.start()
        self._wait_for(told, lambda: any(told in reason for reason in self._get("/readyz").json()["reasons"]))

    def close(self) -> None:
        """End it."""
        self.service.end()
        self._http.close()

    # Sending

    def send_something(self) -> bool:
        """Sign three statements and send all that has no index yet; whether an answer came."""
        report = self._signer.issued()
        self._signed += [report, self._signer.granted(report), self._signer.issued()]
        return self._send([one for one in self._signed if one.name not in self._promised])

    def _send(self, statements: list[Signed]) -> bool:
        body = {"origin": self.city.origin, "statements": [one.wire for one in statements[:LARGEST_REQUEST]]}
        try:
            response = self._http.post(f"{self.url}/v1/statements", content=json.dumps(body))
        except httpx.HTTPError:
            return False
        if response.status_code == 503:
            assert response.json()["retry"] and response.headers["retry-after"], response.text
            return False
        assert response.status_code == 200, response.text
        for result in response.json()["results"]:
            assert "index" in result, result
            known = self._promised.setdefault(result["statement"], result["index"])
            assert known == result["index"], f"{result['statement']} was promised index {known}, now {result['index']}"
        return True

    def send_everything_again(self) -> None:
        """Every statement that was ever signed has its index, and it is the one that was promised."""
        for begin in range(0, len(self._signed), LARGEST_REQUEST):
            chosen = self._signed[begin : begin + LARGEST_REQUEST]
            self._wait_for("an answer", lambda chosen=chosen: self._send(chosen))
        assert len(self._promised) == len(self._signed)

    # Waiting

    def wait_until_final(self) -> None:
        """Everything accepted is final; blocks are made meanwhile."""

        def all_is_final() -> bool:
            self.chain.mine()
            figures = self._get("/readyz").json()["figures"]
            return figures["accepted"]["entries"] == figures["final"]["entries"] > 0

        self._wait_for("finality of everything", all_is_final)

    def _get(self, path: str) -> httpx.Response:
        return self._http.get(self.url + path)

    def _wait_for(self, what: str, question: Any) -> None:
        deadline = time.monotonic() + WITHIN_SECONDS
        while True:
            try:
                if question():
                    return
            except httpx.HTTPError:
                pass
            assert time.monotonic() < deadline, f"{what} did not come within {WITHIN_SECONDS} s: {self.service.tail()}"
            time.sleep(0.02)

    # Checking

    def check_everything(self) -> None:
        """Nothing accepted is lost, nothing stands twice, no gap; the log hashes to the contract's head; the audit
        derives every row again."""
        log = LogReader(fetch_http(f"{self.url}/log/"), str(self.city.note_key.verifier)).read()
        entries = [Entry.from_bytes(entry) for entry in log.entries]
        ids = [encode_hex(entry.statement.id(self.city.domain)) for entry in entries]
        assert {id: index for index, id in enumerate(ids)} == self._promised, "the log is not what was promised"
        assert len(ids) == len(self._promised), "a statement stands in the log twice"
        assert [entry.statement.sequence for entry in entries] == list(range(len(ids))), "a gap, or the wrong order"
        deployment = self.city.deployment
        chain = EthereumChain(self.chain.url, deployment.registry, deployment.witness)
        try:
            head = chain.head(self.city.domain.log)
            assert (head.size, head.root) == (log.size, log.root)
            trust = self.city.trust(chain, Finality(FINALITY_BLOCKS))
            assert audit_everything(chain, self.city, trust, self.database).size == log.size
        finally:
            chain.close()


@contextmanager
def running_dying_ledger(chain: ScratchChain, folder: Path, database: str) -> Iterator[DyingLedger]:
    """A ledger of a city of one hospital; its service is started by the test."""
    administrator, relay = (bytes(account.key) for account in chain.accounts[:2])
    city = found_city(chain.url, "ledger.example/crashes", administrator, "crashes", 1, relay_secret=relay)
    chain.mine(FINALITY_BLOCKS)
    ledger = DyingLedger(chain, city, folder, database)
    try:
        yield ledger
    finally:
        ledger.close()
