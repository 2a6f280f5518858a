"""A small town on a network of validators: contracts, institutions, the real service, and senders that never pause."""

import json
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path

from anchors.chain.ethereum import EthereumChain
from anchors.core.encoding import encode_hex, keccak256
from anchors.core.trust import Finality
from scripts.city.founding import City, found_city
from tests.fixtures.audit import audit_everything
from tests.fixtures.ledger import Ledger
from tests.fixtures.signer import Signed, Signer
from tests.validators.network import ADMINISTRATOR, COUNT, RELAY, Network

FINALITY = Finality(COUNT)
"""Three of the four have built on such a block, and none of them builds beside it; one more to spare."""

INSTITUTIONS = 3
PROMISE_SECONDS = 10
SETTLED_WITHIN_SECONDS = 60
SEEN_WITHIN_SECONDS = 1.5
NEWEST = 30
_PAUSE_SECONDS = 0.25


@dataclass(frozen=True)
class _Blocks:
    """What `Ledger` asks of a chain; here blocks come by themselves."""

    network: Network

    def mine(self, blocks: int) -> None:
        """Nothing to do."""


@dataclass
class Senders:
    """One thread for each institution signs and sends, one statement at a time; every one has to be accepted.

    `put_off` counts the answers "send it again later"."""

    ledger: Ledger
    signers: list[Signer]
    sent: list[tuple[Signed, int]] = field(default_factory=list)
    failures: list[BaseException] = field(default_factory=list)
    put_off: int = 0
    _stop: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """They send while the block runs. Fails where one statement was not accepted."""
        self._stop.clear()
        threads = [threading.Thread(target=self._send, args=(signer,)) for signer in self.signers]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._stop.set()
            for thread in threads:
                thread.join()
        if self.failures:
            raise self.failures[0]

    def newest(self) -> Signed:
        """A statement that is sent from now on, as soon as it is accepted."""
        before, deadline = len(self.sent), time.monotonic() + SETTLED_WITHIN_SECONDS
        while len(self.sent) == before:
            assert not self.failures and time.monotonic() < deadline, f"nothing is accepted: {self.failures}"
            time.sleep(0.02)
        return self.sent[-1][0]

    def _send(self, signer: Signer) -> None:
        try:
            while not self._stop.wait(_PAUSE_SECONDS):
                signed = signer.issued()
                while (index := self._submit(signed)) is None:
                    self.put_off += 1
                    time.sleep(_PAUSE_SECONDS)
                self.sent.append((signed, index))
        except BaseException as failure:  # shown by the thread that waits for this one
            self.failures.append(failure)

    def _submit(self, signed: Signed) -> int | None:
        """Its index; None where the service asks to send it again later."""
        body = {"origin": self.ledger.city.origin, "statements": [signed.wire]}
        answer = self.ledger.post(json.dumps(body).encode())
        if answer.status_code == HTTPStatus.SERVICE_UNAVAILABLE and answer.json()["retry"]:
            return None
        assert answer.status_code == HTTPStatus.OK, answer.text
        (result,) = answer.json()["results"]
        return result["index"]


class Town:
    """A running service on a network, and its senders."""

    def __init__(self, network: Network, city: City, ledger: Ledger):
        self.network = network
        self.city = city
        self.ledger = ledger
        self.senders = Senders(ledger, [ledger.signer(number) for number in range(INSTITUTIONS)])

    def reasons(self) -> list[str]:
        """Why the service is not ready; none where it is."""
        return self.ledger.get("/readyz").json()["reasons"]

    def wait_for_state(self, signed: Signed, state: str) -> dict:
        """The statement once it is in this state."""

        def look() -> dict | None:
            found = self.ledger.get(f"/v1/statements/{signed.name}", token=True).json()
            return found if found["state"] == state else None

        return self.network.wait_for(f"{state} of a statement", look)

    def covered_in(self, block_hash: str) -> dict | None:
        """A statement, as the API shows it, that a head in this block covers first; None where there is none."""
        deadline = time.monotonic() + SEEN_WITHIN_SECONDS
        while time.monotonic() < deadline:
            for signed, _ in reversed(self.senders.sent[-NEWEST:]):
                found = self.ledger.get(f"/v1/statements/{signed.name}", token=True).json()
                if found["head"] and found["head"]["blockHash"] == block_hash:
                    return found
        return None

    def settle(self) -> None:
        """Wait until all that was sent is final and the service is ready."""
        assert self.senders.sent, "nothing was sent"
        for signed in {signed.entry.statement.institution: signed for signed, _ in self.senders.sent}.values():
            self.wait_for_state(signed, "final")
        self.network.wait_for("readiness", lambda: not self.reasons())

    def check_everything(self) -> None:
        """All is final where it was promised; the validators tell one story, in which no head stands twice; the audit
        finds nothing."""
        for signed, index in self.senders.sent:
            found = self.ledger.get(f"/v1/statements/{signed.name}", token=True).json()
            assert (found["index"], found["state"]) == (index, "final"), found
        self.network.check_agreement()
        stories = [self._heads(one.url) for one in self.network.running]
        assert all(story == stories[0] for story in stories)
        sizes = [size for size, _ in stories[0]]
        assert sizes == sorted(set(sizes)) and sizes[-1] == len(self.senders.sent)
        self._audit()

    def _heads(self, url: str) -> list[tuple[int, bytes]]:
        """Every head that ever was, as one validator tells it."""
        chain = EthereumChain(url, self.city.deployment.registry, self.city.deployment.witness)
        try:
            events = chain.witness_events(0, chain.tip().number)
        finally:
            chain.close()
        assert [event.old_size for event in events] == [0, *(event.new_size for event in events)][: len(events)]
        return [(event.new_size, event.root) for event in events]

    def _audit(self) -> None:
        deployment = self.city.deployment
        chain = EthereumChain(self.network.urls, deployment.registry, deployment.witness)
        trust = self.city.trust(chain, FINALITY)
        for contract in (trust.registry_contract, trust.witness_contract):
            codes = {one.rpc("eth_getCode", encode_hex(contract.address), "latest") for one in self.network.running}
            assert {keccak256(bytes.fromhex(code[2:])) for code in codes} == {contract.code_hash}
        result = audit_everything(chain, self.city, trust, self.ledger.database)
        chain.close()
        assert result.size == len(self.senders.sent)


@contextmanager
def running_town(
    network: Network, folder: Path, database: str, seed: str, endpoints: Sequence[str] | None = None
) -> Iterator[Town]:
    """Found a town on the network and start its service, which asks `endpoints`, else all validators."""
    city = found_city(network[0].url, f"ledger.example/{seed}", ADMINISTRATOR, seed, INSTITUTIONS, relay_secret=RELAY)
    settings = {
        "rpc": ",".join(endpoints or network.urls),
        "finality": str(FINALITY),
        "promise_seconds": str(PROMISE_SECONDS),
        "clock_seconds": "300",
    }
    ledger = Ledger(_Blocks(network), city, folder, database, **settings)
    try:
        ledger.start()
        yield Town(network, city, ledger)
    finally:
        ledger.close()
