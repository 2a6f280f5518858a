"""The processes that are killed: the chain, the service, senders. Each can be started again on what the last one left.

They are forked from a server that has the modules loaded, so that sixty restarts take seconds; what is killed is a
process of its own all the same, with its own files, threads and connections.
"""

import json
import os
import random
import secrets
import signal
import sys
import threading
import time
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from anchors.core.typed_data import Domain
from ledger_service.client.answers import ReceiptKeys
from ledger_service.client.api import Api
from ledger_service.client.compose import Draft, Material, compose
from ledger_service.client.errors import ServiceProblem, ServiceUnavailable
from ledger_service.client.sender import Sender
from ledger_service.client.store import Store
from scripts.anvil import ChainFailed
from scripts.local_chain import LocalChain
from tests.fixtures.forking import forking
from tests.fixtures.signer import document

BLOCK_SECONDS = 0.2
LARGEST_BATCH = 40
MOST_WAITING = 200


class Killable:
    """A process that can be started, killed and started again."""

    def __init__(self, name: str, log_file: Path, target: Any, *arguments: Any):
        self.name = name
        self.kills = 0
        self._log_file = log_file
        self._target = target
        self._arguments = arguments
        self._process: BaseProcess | None = None

    def start(self) -> None:
        """Start it."""
        arguments = (self._target, self._log_file, *self._arguments)
        self._process = forking.Process(target=_run, args=arguments, daemon=True)
        self._process.start()

    def kill(self) -> None:
        """End it at this moment; it must have been running."""
        assert self._process.is_alive(), f"{self.name} ended by itself with {self._process.exitcode}: {self.tail()}"
        self._process.kill()
        self._process.join()
        assert self._process.exitcode == -signal.SIGKILL, f"{self.name} ended with {self._process.exitcode}"
        self.kills += 1

    def wait(self, seconds: float) -> None:
        """Wait until it ends by itself, without an error."""
        self._process.join(seconds)
        assert self._process.exitcode == 0, f"{self.name} ended with {self._process.exitcode}: {self.tail()}"

    @property
    def runs(self) -> bool:
        """Whether it runs."""
        return self._process is not None and self._process.is_alive()

    def ended(self, seconds: float) -> int | None:
        """How it ended by itself: its exit status, or the signal's number below zero; None where it still runs."""
        self._process.join(seconds)
        return self._process.exitcode

    def end(self) -> None:
        """End it where it still runs."""
        if self._process is not None and self._process.is_alive():
            self._process.kill()
            self._process.join()

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def said(self, words: str) -> int:
        """How often its log has these words."""
        return self._log_file.read_text("utf-8", errors="replace").count(words)

    def tail(self) -> str:
        """The end of its log."""
        return self._log_file.read_text("utf-8", errors="replace")[-2_000:] if self._log_file.exists() else ""


def _run(target: Any, log_file: Path, *arguments: Any) -> None:
    log = os.open(log_file, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, 1)
    os.dup2(log, 2)
    target(*arguments)


def run_chain(folder: Path, port: int) -> None:
    """A local chain on a port that its predecessor may still be leaving."""
    for _ in range(50):
        try:
            LocalChain(folder, port, BLOCK_SECONDS).start()
            break
        except ChainFailed:
            time.sleep(0.1)
    else:
        sys.exit("the chain does not start")
    threading.Event().wait()


def run_service(settings: dict[str, str]) -> None:
    """The service, as `huzheng serve` runs it."""
    from ledger_service.app import serve
    from ledger_service.settings import read_settings

    os.environ.update(settings)
    serve(read_settings())


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

    def submit_body(self, body: bytes) -> bytes:
        answer = super().submit_body(body)
        with self._answers_file.open("ab") as file:
            file.write(answer + b"\n")
            file.flush()
            os.fsync(file.fileno())
        return answer


def promised(hospital: Hospital) -> list[tuple[str, int]]:
    """Every statement id with the index that an answer gave it. A killed sender may leave half a line."""
    found = []
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
                time.sleep(0.05)
                continue
            assert not outcome.refused, outcome.refused[0]
            if stopping and outcome.complete:
                return
            time.sleep(hospital.pause_seconds)


def _sign_some(store: Store, hospital: Hospital) -> None:
    reports = [(_report(), None) for _ in range(random.randint(1, LARGEST_BATCH))]
    signed = store.sign_all(hospital.key, hospital.secret, reports)
    subjects = [draft.subject for draft, _ in reports]
    opened = [(_opening(subject, report.statement), None) for subject, report in zip(subjects, signed, strict=True)]
    store.sign_all(hospital.key, hospital.secret, opened[:5])


def _report() -> Draft:
    return compose("report.issued", secrets.token_bytes(32), Material(document=document().value))


def _opening(subject: bytes, report: bytes) -> Draft:
    opened = {"at": int(time.time()), "basis": "synthetic consent"}
    return compose("access.granted", subject, Material(access=opened, links={"report": report}))
