"""How long figures over a long log take, and how much memory: `python -m scripts.benchmark.statistics [ENTRIES]`.

The log is filled with statements that nobody signed: reports of items of a catalogue, reminders, accesses,
recognitions, refusals, and repeats among three hundred hospitals over a year, all synthetic. Ids and contents are
right, so that everything that counting checks is checked. Counting runs in a process of its own, as the command does.
"""

import json
import os
import resource
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any

from anchors.core import canonical
from anchors.core.content import CONTENT_PREFIX
from anchors.core.encoding import ZERO_WORD, code_word, encode_hex, uint_word
from anchors.core.merkle import leaf_hash
from anchors.core.typed_data import Domain, log_id
from ledger_service.collector import rest_what_was_loaded
from ledger_service.processes.beside import Beside
from ledger_service.recognition.figures import Period
from ledger_service.storage.database import open_database
from ledger_service.storage.identity import LogIdentity, claim_log
from ledger_service.storage.ledger import SqlLedger
from ledger_service.storage.statistics import log_taken_apart, open_statistics_rows
from ledger_service.usecases.ports import Logged, NewStatement, SubjectState
from ledger_service.usecases.statistics import compute
from scripts.benchmark.processes import peak_mb

ENTRIES = 1_000_000
HOSPITALS, ITEMS, YEAR_SECONDS = 300, 1_436, 365 * 86_400
FIRST_SECOND = 1_767_225_600
STATEMENTS_PER_TRANSACTION = 100_000
_LOG = LogIdentity("ledger.example/figures", 1_337, bytes(32), b"\x01" * 20, b"\x02" * 20)
_YEAR = Period(date(2026, 1, 1), date(2026, 12, 31), "+08:00")


@dataclass(frozen=True)
class Measured:
    """Counting so many entries: seconds of the whole run; of processor time in the process that counts and in the one
    beside, which hashes and takes apart: that says more where others work too; and the most memory of both (what they
    share counted twice)."""

    entries: int
    seconds: float
    counting_seconds: float
    apart_seconds: float
    peak_bytes: int

    @property
    def processor_seconds(self) -> float:
        """Processor time of both."""
        return self.counting_seconds + self.apart_seconds

    @property
    def entries_per_second(self) -> float:
        """How many entries were counted a second."""
        return self.entries / self.seconds


def measure(entries: int, folder: Path) -> Measured:
    """Fill a log of so many entries in the folder and count it."""
    url = f"sqlite:///{folder / 'figures.sqlite'}"
    fill(url, entries)
    return count(url, entries)


def count(url: str, entries: int) -> Measured:
    """Count a filled log in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "scripts.benchmark.statistics", "--count", url, str(entries)],
        check=True,
        capture_output=True,
        text=True,
    )
    return Measured(entries, **json.loads(done.stdout))


def fill(url: str, entries: int) -> None:
    """A new log with so many entries."""
    engine = open_database(url)
    claim_log(engine, _LOG)
    story = _Story(entries)
    for begin in range(0, entries, STATEMENTS_PER_TRANSACTION):
        with SqlLedger(engine).sequencing() as transaction:
            statements = [story.next() for _ in range(min(STATEMENTS_PER_TRANSACTION, entries - begin))]
            transaction.append(statements, {}, story.new_subjects(), [])
    engine.dispose()


class _Story:
    """Statements one after the other, as if a city made them evenly over a year."""

    def __init__(self, entries: int):
        self._domain = Domain(_LOG.chain_id, _LOG.registry, log_id(_LOG.origin))
        self._spacing = YEAR_SECONDS / entries
        self._position = 0
        self._subjects: dict[bytes, SubjectState] = {}
        self._telling = self._tell()

    def next(self) -> NewStatement:
        """The next statement."""
        return next(self._telling)

    def new_subjects(self) -> dict[bytes, SubjectState]:
        """The subjects begun since the last call."""
        begun, self._subjects = self._subjects, {}
        return begun

    def _tell(self) -> Iterator[NewStatement]:
        yield self._make("catalogue.published", "SYN-COMMISSION", secrets.token_bytes(32), catalogue=_catalogue())
        for number in range(HOSPITALS):
            profile = _profile(number)
            yield self._make("institution.profiled", "SYN-COMMISSION", secrets.token_bytes(32), profile=profile)
        number = 0
        while True:
            number += 1
            yield from self._case(number)

    def _case(self, number: int) -> Iterator[NewStatement]:
        """A report; most are opened once, and relied on."""
        issuer, reader, subject = _hospital(number), _hospital(number * 7 + 1), secrets.token_bytes(32)
        report = self._make("report.issued", issuer, subject, document=_DOCUMENT, examination=_examination(number))
        yield report
        if number % 3 == 0:
            shown = {"at": FIRST_SECOND, "hook": "patient-view", "item": _item(number)}
            yield self._make("reminder.shown", reader, subject, {"report": report}, reminder=shown)
        opened = {"at": FIRST_SECOND, "basis": "treatment"}
        access = self._make("access.granted", reader, subject, {"report": report}, access=opened)
        yield access
        rests_on = {"access": access, "report": report}
        if number % 10 < 8:
            yield self._make("recognition.accepted", reader, subject, rests_on, policy=_POLICY, decision=_DECISION)
        elif number % 10 == 8:
            yield self._make("recognition.declined", reader, subject, rests_on, policy=_POLICY, reason=_REASON)
        else:
            again = {"access": access, "repeats": report}
            yield self._make("repeat.ordered", reader, subject, again, policy=_POLICY, reason=_REASON)

    def _make(
        self, kind: str, by: str, subject: bytes, links: dict[str, NewStatement] | None = None, **parts: Any
    ) -> NewStatement:
        targets = {rel: target.logged for rel, target in (links or {}).items()}
        if targets:
            parts["links"] = [{"rel": rel, "statement": encode_hex(one.id)} for rel, one in targets.items()]
        texts = [(name, _part_text(name, value)) for name, value in parts.items()]
        hashed = b"".join(name.encode() + b"\x00" + leaf_hash(text) for name, text in texts)
        words = b"".join(
            (
                code_word(kind),
                code_word(by),
                subject,
                uint_word(self._position),
                uint_word(FIRST_SECOND + int(self._position * self._spacing)),
                ZERO_WORD,
                sha256(CONTENT_PREFIX + hashed).digest(),
            )
        )
        id = self._domain.statement(words)
        positions = {rel: target.index for rel, target in targets.items()}
        logged = Logged(self._position, id, kind, by, subject, positions)
        if not targets:
            self._subjects[subject] = SubjectState(by, self._position, self._position)
        self._position += 1
        content = canonical.encode([text.decode() for _, text in texts])
        return NewStatement(logged, bytes(20), words + id + id[:32] + b"\x1b", content, None)


def _part_text(name: str, value: Any) -> bytes:
    return canonical.encode({"name": name, "salt": secrets.token_hex(32), "value": value})


def _hospital(number: int) -> str:
    return f"SYN{number % HOSPITALS:015}"


def _item(number: int) -> str:
    return f"S-{number * 31 % ITEMS:04}"


def _examination(number: int) -> dict[str, Any]:
    category = "laboratory" if number % 5 else "imaging"
    at = f"2026-03-{1 + number % 28:02}T08:30+08:00"
    return {"at": at, "category": category, "item": _item(number), "system": "SAMPLE-local"}


def _catalogue() -> dict[str, Any]:
    items = [
        {"category": "laboratory", "item": f"S-{number:04}", "name": "（样例）项目", "price": 100 + number}
        for number in range(0, ITEMS, 3)
    ]
    return {
        "catalogue": "SAMPLE",
        "items": items,
        "section": 1,
        "sections": 1,
        "since": "2026-01-01",
        "version": "2026-01",
    }


def _profile(number: int) -> dict[str, Any]:
    return {
        "city": "样例市",
        "district": f"样例{number % 11}区",
        "institution": _hospital(number),
        "name": "（合成）样例医院",
        "ownership": "private" if number % 6 == 0 else "public",
        "region": "样例省",
        "since": "2026-01-01",
        "tier": 1 + number % 3,
    }


_POLICY = {"digest": "ab" * 32, "policy": "SAMPLE-policy", "version": "2026-01"}
_DECISION = {"at": "2026-03-02T10:15:00+08:00", "extent": ["result"]}
_REASON = {"code": "SAMPLE-reason"}
_DOCUMENT = {"bytes": 1_477, "format": "hl7v2", "sha256": "ab" * 32, "sm3": "01" * 32}


def _count_here(url: str, entries: int) -> None:
    rest_what_was_loaded()
    began = time.perf_counter()
    with Beside(log_taken_apart, url, entries) as beside, open_statistics_rows(url) as rows:
        figures = compute(rows, entries, _YEAR, beside)
    seconds = time.perf_counter() - began
    assert not figures.broken and figures.figures["recognitions"].gross
    here, beside = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    found = {
        "seconds": seconds,
        "counting_seconds": here.ru_utime + here.ru_stime,
        "apart_seconds": beside.ru_utime + beside.ru_stime,
        # Not here.ru_maxrss: in that is what the program had in memory that started this one.
        "peak_bytes": int(2**20 * peak_mb(os.getpid())) + 1024 * beside.ru_maxrss,
    }
    sys.stdout.write(json.dumps(found) + "\n")


def _main(arguments: list[str], show: Callable[[str], object] = sys.stdout.write) -> None:
    if arguments[:1] == ["--count"]:
        _count_here(arguments[1], int(arguments[2]))
        return
    with tempfile.TemporaryDirectory(prefix="huzheng-figures-") as folder:
        found = measure(int(arguments[0]) if arguments else ENTRIES, Path(folder))
    show(
        f"{found.entries:,} entries in {found.seconds:.1f} s ({found.entries_per_second:,.0f} a second), of processor "
        f"time {found.counting_seconds:.1f} s counting and {found.apart_seconds:.1f} s hashing and taking apart; "
        f"at most {found.peak_bytes / 2**20:.0f} MiB\n"
    )


if __name__ == "__main__":
    _main(sys.argv[1:])
