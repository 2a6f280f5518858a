"""A sender with its store, and a small ledger that it sends to."""

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import pytest

from anchors.core.signature import address_from_secret
from anchors.core.typed_data import Domain, log_id
from ledger_service.client.answers import ReceiptKeys
from ledger_service.client.api import Api
from ledger_service.client.compose import Draft, Material, compose
from ledger_service.client.sender import Sender
from ledger_service.client.store import Store
from tests.client.small_ledger import SmallLedger, served

ORIGIN = "ledger.example/senders"
INSTITUTION = "SAMPLE-HOSPITAL-01"
DOCUMENT = {"bytes": 3, "format": "raw", "sha256": "0" * 64, "sm3": "1" * 64}
DOMAIN = Domain(31337, b"\x11" * 20, log_id(ORIGIN))


def secret_of(name: str) -> bytes:
    """A key of the tests, worth nothing."""
    return sha256(name.encode()).digest()


def report(number: int, **more: object) -> Draft:
    """The draft of one report, synthetic."""
    return compose("report.issued", sha256(f"report {number}".encode()).digest(), Material(DOCUMENT, more=more))


@dataclass
class Office:
    """One sender: its store, its keys, and a ledger at `url`."""

    store: Store
    ledger: SmallLedger
    url: str
    path: Path

    def open(self, name: str = "ward") -> bytes:
        """A key with a stream; gives its address."""
        key = address_from_secret(secret_of(name))
        self.store.open_stream(key, chain_id=31337, registry=b"\x11" * 20, origin=ORIGIN, institution=INSTITUTION)
        return key

    def sign(self, *numbers: int, name: str = "ward", **settings: object) -> list:
        """Sign and store reports."""
        key = self.open(name)
        return [self.store.sign(key, secret_of(name), report(number), **settings) for number in numbers]

    def sender(self, keys: ReceiptKeys | None = None, **settings: object) -> Sender:
        """A sender that trusts the ledger's receipt key and does not really sleep."""
        keys = keys or ReceiptKeys(frozenset({address_from_secret(self.ledger.receipt_secret)}))
        api = Api(self.url, sleep=lambda seconds: None)
        return Sender(self.store, api, keys, sleep=lambda seconds: None, **settings)


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    ledger = SmallLedger(DOMAIN, secret_of("receipts"))
    path = tmp_path / "sender.sqlite"
    with served(ledger) as url, Store(path) as store:
        yield Office(store, ledger, url, path)
