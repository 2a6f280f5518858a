"""A log that is filled directly with entries that nobody signed, because signing millions takes hours and neither the
tree, the index nor a proof looks at a signature. They go through the ledger's own writing, with subjects, documents,
links and receipts as often as the load has them, so every table and index grows as under a real load."""

import secrets
import time
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import Engine, event

from anchors.chain.ethereum import EthereumChain
from anchors.core.encoding import ZERO_WORD, code_word, uint_word
from anchors.core.promise import Receipt
from ledger_service.storage.database import open_database
from ledger_service.storage.identity import LogIdentity, claim_log
from ledger_service.storage.ledger import SqlLedger, SqlSequencing
from ledger_service.usecases.ports import Logged, NewReceipt, NewStatement, SubjectState
from scripts.benchmark.positions import digest_at
from scripts.city.founding import City

KINDS = ("report.issued", "access.granted", "recognition.accepted")
STATEMENTS_PER_INSERT = 20_000
STATEMENTS_PER_TRANSACTION = 500_000
STATEMENTS_PER_RECEIPT = 100
MOST_CACHE_KIB = 2 * 1024 * 1024
PROMISED_SECONDS = 10 * 365 * 86_400
PARTS = b'[{"leaf":"' + b"0" * 64 + b'","name":"facts"}]'
BYTES_PER_STATEMENT = 900
"""What a filled statement takes on the disk at most, its content included, while it is measured."""


class FilledLog:
    """The log of a founded city, in an SQLite database of its own."""

    def __init__(self, city: City, url: str):
        self._url = url
        self._institutions = [item.code for item in city.institutions if item.role == "hospital"]
        self._key = city.institutions[0].key
        self.size = 0
        registry, witness = city.deployment.registry, city.deployment.witness
        chain = EthereumChain(city.rpc, registry, witness).identity()
        engine = open_database(url)
        claim_log(engine, LogIdentity(city.origin, chain.chain_id, chain.genesis, registry, witness))
        engine.dispose()

    def grow_to(self, size: int) -> float:
        """Fill until there are so many entries; the entries a second."""
        began, grown = time.perf_counter(), size - self.size
        engine = _open_carelessly(self._url)
        while self.size < size:
            with SqlLedger(engine).sequencing() as transaction:
                end = min(size, self.size + STATEMENTS_PER_TRANSACTION)
                for begin in range(self.size, end, STATEMENTS_PER_INSERT):
                    self._append(transaction, range(begin, min(begin + STATEMENTS_PER_INSERT, end)))
            self.size = end
        engine.dispose()
        return grown / (time.perf_counter() - began)

    def _append(self, transaction: SqlSequencing, positions: range) -> None:
        statements = [self._statement(position) for position in positions]
        subjects = {
            item.logged.subject: SubjectState(item.logged.institution, item.logged.index, item.logged.index)
            for item in statements
            if item.logged.kind == KINDS[0]
        }
        transaction.append(statements, {}, subjects, list(self._receipts(positions)))

    def _statement(self, position: int) -> NewStatement:
        """A report, access to it, its recognition, and again: each in the name of another hospital."""
        step = position % len(KINDS)
        report = position - step
        digest = digest_at(position)
        subject = digest[32:] if step == 0 else digest_at(report)[32:]
        links = ({}, {"report": report}, {"access": report + 1, "report": report})[step]
        institution = self._institutions[report % len(self._institutions)]
        words = (code_word(KINDS[step]), code_word(institution), subject, uint_word(position), uint_word(1), ZERO_WORD)
        entry = b"".join(words) + digest + digest[:33]
        logged = Logged(position, digest[:32], KINDS[step], institution, subject, links)
        digests = (digest[8:40], digest[16:48]) if step == 0 else None
        return NewStatement(logged, self._key, entry, PARTS, digests)

    def _receipts(self, positions: range) -> Iterator[NewReceipt]:
        now = int(time.time())
        for begin in range(positions.start, positions.stop, STATEMENTS_PER_RECEIPT):
            covered = range(begin, min(begin + STATEMENTS_PER_RECEIPT, positions.stop))
            signature = secrets.token_bytes(65)
            receipt = Receipt(secrets.token_bytes(32), now, now + PROMISED_SECONDS)
            yield NewReceipt(covered, receipt, signature)


def _open_carelessly(url: str) -> Engine:
    """Without a journal, without flushes, with much memory: a power cut loses the file, and it can be filled again."""
    engine = open_database(url)
    engine.dispose()
    cache_kib = min(MOST_CACHE_KIB, _available_kib() // 2)

    @event.listens_for(engine, "connect")
    def _relax(connection: object, _record: object) -> None:
        connection.execute("PRAGMA journal_mode = OFF")
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute(f"PRAGMA cache_size = -{cache_kib}")

    return engine


def _available_kib() -> int:
    """What a program can take without others having to give up theirs."""
    lines = Path("/proc/meminfo").read_text("ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("MemAvailable:"))
