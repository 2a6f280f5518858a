"""How long the proof of any statement takes, from a cold start, in a log of a given size."""

import random
import secrets
import time
from dataclasses import dataclass
from pathlib import Path

from anchors.core.encoding import ZERO_WORD, code_word, uint_word
from anchors.core.typed_data import Domain, log_id
from ledger_service.storage import schema
from ledger_service.storage.bulk import insert_rows
from ledger_service.storage.chain_view import SqlChainView
from ledger_service.storage.database import begin_writing, open_database
from ledger_service.storage.identity import LogIdentity, claim_log
from ledger_service.storage.reader import SqlReader
from ledger_service.storage.tree import SqlTree
from ledger_service.usecases.integrate import Integrator
from ledger_service.usecases.look_up import LookUp
from scripts.city.founding import derive_secret, sign_notes_as

ORIGIN = "bench.example/proofs"
ROWS_PER_INSERT = 20_000
PROOFS = 500
PARTS = b'[{"leaf":"' + b"0" * 64 + b'","name":"facts"}]'


@dataclass(frozen=True)
class ProofTimes:
    """Milliseconds a proof: the median and the 99th percentile. What it took to integrate: leaves a second."""

    p50_ms: float
    p99_ms: float
    integrated_per_s: float


def measure_proofs(folder: Path, leaves: int) -> ProofTimes:
    """Fill a log with `leaves` entries that nobody signed (a proof does not look), integrate it, prove at random."""
    folder.mkdir(parents=True)
    url = f"sqlite:///{folder / 'ledger.sqlite'}"
    domain = Domain(1, b"\x01" * 20, log_id(ORIGIN))
    _fill(url, leaves)
    integrated_per_s = _integrate(url, domain, leaves)
    look_up = _cold(url, domain)
    ids = [_id(position) for position in random.Random("proofs").choices(range(leaves), k=PROOFS)]
    times = sorted(_prove(look_up, id) for id in ids)
    return ProofTimes(times[PROOFS // 2], times[PROOFS * 99 // 100], integrated_per_s)


def _prove(look_up: LookUp, id: bytes) -> float:
    began = time.perf_counter()
    look_up.proof(id, parts_shown=False)
    return (time.perf_counter() - began) * 1_000


def _cold(url: str, domain: Domain) -> LookUp:
    """A look-up that has seen nothing yet, over connections of its own."""
    engine = open_database(url)
    return LookUp(SqlReader(engine), SqlTree(engine), SqlChainView(engine, domain.log), lambda: int(time.time()))


def _fill(url: str, leaves: int) -> None:
    engine = open_database(url)
    claim_log(engine, LogIdentity(ORIGIN, 1, ZERO_WORD, b"\x01" * 20, b"\x02" * 20))
    prefix = code_word("report.issued") + code_word("SYN-BENCH")
    for begin in range(0, leaves, ROWS_PER_INSERT):
        positions = range(begin, min(begin + ROWS_PER_INSERT, leaves))
        with begin_writing(engine) as connection:
            rows = [
                (position, _entry(prefix, position), _id(position), b"\x03" * 20, "{}", None, None)
                for position in positions
            ]
            insert_rows(connection, schema.entries, rows)
            insert_rows(connection, schema.contents, [(position, PARTS) for position in positions])
            connection.execute(schema.log.update().values(size=positions[-1] + 1))
    engine.dispose()


def _entry(prefix: bytes, position: int) -> bytes:
    return prefix + _id(position) + uint_word(position) + uint_word(1) + ZERO_WORD + secrets.token_bytes(97)


def _id(position: int) -> bytes:
    return random.Random(position).randbytes(32)


def _integrate(url: str, domain: Domain, leaves: int) -> float:
    engine = open_database(url)
    secret = derive_secret("bench", "checkpoint")
    integrator = Integrator(SqlTree(engine), ORIGIN, domain, sign_notes_as(ORIGIN, "bench"), secret, lambda: 1)
    began = time.perf_counter()
    while integrator.run_once():
        pass
    engine.dispose()
    return leaves / (time.perf_counter() - began)
