"""Senders under load: they sign, store and send, and send again what has no receipt, whoever is killed meanwhile."""

import json
import os
import random
import secrets
import time
from dataclasses import dataclass, field
from pathlib import Path

from anchors import Part
from anchors.core.typed_data import Domain
from ledger_service.client.answers import ReceiptKeys
from ledger_service.client.api import Api
from ledger_service.client.compose import Draft, Material, compose
from ledger_service.client.errors import ServiceProblem, ServiceUnavailable
from ledger_service.client.sender import Sender
from ledger_service.client.store import Store

LARGEST_BATCH = 40
MOST_WAITING = 200
OPENED_AT_MOST = 5
RETRY_SECONDS = 0.05


@dataclass(frozen=True)
class Hospital:
    """What a sender knows: its key, the log it signs for, where the service is, its own folder."""

    folder: Path
    url: str
    origin: str
    domain: Domain
    institution: str
    key: bytes
    secret: bytes = field(repr=False)
    pause_seconds: float = 0.0

    @property
    def store_file(self) -> Path:
        """What it signed."""
        return self.folder / "store.db"

    @property
    def answers_file(self) -> Path:
        """Every answer it got, written before anything is done with it."""
        return self.folder / "answers"

    @property
    def stop_file(self) -> Path:
        """Where this exists nothing new is signed."""
        return self.folder / "stop"


class _RememberingApi(Api):
    """Keeps every answer on the disk before the sender sees it: what was promised stays known, whoever is killed."""

    def __init__(self, url: str, answers_file: Path):
        super().__init__(url, attempts=1, timeout_seconds=20)
        self._answers_file = answers_file
        with answers_file.open("ab") as file:
            file.write(b"\n")  # a sender that was killed may have left half a line

    def submit_body(self, body: bytes) -> bytes:
        answer = super().submit_body(body)
        with self._answers_file.open("ab") as file:
            file.write(answer + b"\n")
            file.flush()
            os.fsync(file.fileno())
        return answer


def promised(hospital: Hospital) -> list[tuple[str, int]]:
    """Every statement id with the index that an answer gave it; what is no whole line is left out."""
    found = []
    if not hospital.answers_file.exists():
        return found
    for line in hospital.answers_file.read_bytes().split(b"\n")[:-1]:
        try:
            results = json.loads(line)["results"]
        except ValueError:
            continue
        found += [(result["statement"], result["index"]) for result in results if "index" in result]
    return found


def run_sender(hospital: Hospital) -> None:
    """Sign, store, send, again and again; from the stop file on only send, until all is answered."""
    with Store(hospital.store_file) as store, _RememberingApi(hospital.url, hospital.answers_file) as api:
        store.open_stream(
            hospital.key,
            chain_id=hospital.domain.chain_id,
            registry=hospital.domain.registry,
            origin=hospital.origin,
            institution=hospital.institution,
        )
        sender = Sender(store, api, ReceiptKeys(None), batch=random.randint(1, LARGEST_BATCH))
        while True:
            stopping = hospital.stop_file.exists()
            if not stopping and len(store.waiting(hospital.key)) < MOST_WAITING:
                _sign_some(store, hospital)
            try:
                outcome = sender.send([hospital.key])
            except (ServiceUnavailable, ServiceProblem):
                time.sleep(RETRY_SECONDS)
                continue
            if outcome.refused:
                raise SystemExit(f"refused: {outcome.refused[0]}")
            if stopping and outcome.complete:
                return
            time.sleep(hospital.pause_seconds)


def _sign_some(store: Store, hospital: Hospital) -> None:
    reports = [(_report(), None) for _ in range(random.randint(1, LARGEST_BATCH))]
    signed = store.sign_all(hospital.key, hospital.secret, reports)
    subjects = [draft.subject for draft, _ in reports]
    opened = [(_opening(subject, report.statement), None) for subject, report in zip(subjects, signed, strict=True)]
    store.sign_all(hospital.key, hospital.secret, opened[:OPENED_AT_MOST])


def _report() -> Draft:
    document = {"bytes": 3, "format": "raw", "sha256": secrets.token_hex(32), "sm3": secrets.token_hex(32)}
    return compose("report.issued", secrets.token_bytes(32), Material(document=Part.create("document", document).value))


def _opening(subject: bytes, report: bytes) -> Draft:
    opened = {"at": int(time.time()), "basis": "synthetic consent"}
    return compose("access.granted", subject, Material(access=opened, links={"report": report}))
