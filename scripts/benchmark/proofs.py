"""How long the proof of any statement takes in a process that has just begun, and how fast the tree grows: both in
processes of their own, whose memory is measured too."""

import multiprocessing
import os
import random
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from anchors.core.note import SignerKey
from anchors.core.typed_data import Domain, log_id
from ledger_service.storage.chain_view import SqlChainView
from ledger_service.storage.database import open_database
from ledger_service.storage.identity import read_identity
from ledger_service.storage.reader import SqlReader
from ledger_service.storage.tree import SqlTree
from ledger_service.usecases.integrate import Integrator
from ledger_service.usecases.log_tiles import LogTiles
from ledger_service.usecases.look_up import LookUp
from ledger_service.usecases.reading import withhold
from scripts.benchmark.positions import id_at
from scripts.benchmark.processes import peak_mb

PROOFS = 1_000
BYTES_PER_READ = 16 * 1024 * 1024
_Result = TypeVar("_Result")


@dataclass(frozen=True)
class ProofTimes:
    """Milliseconds a proof: the median and the 99th percentile; KiB that a proof read from the disk; peak memory of the
    process in MiB."""

    p50_ms: float
    p99_ms: float
    read_kib: float
    peak_mb: float


@dataclass(frozen=True)
class Integration:
    """Leaves a second, and the peak memory of the process in MiB."""

    leaves_per_s: float
    peak_mb: float


def measure_proofs(database: Path, leaves: int, *, from_disk: bool) -> ProofTimes:
    """Prove at random in a new process. `from_disk`: nothing of the database is in the system's memory at first."""
    if from_disk:
        _forget(database)
    times, read_bytes, peak = _in_new_process(_prove, f"sqlite:///{database}", leaves)
    return ProofTimes(times[len(times) // 2], times[len(times) * 99 // 100], read_bytes / len(times) / 1024, peak)


def integrate(database: Path, note_secret: bytes, checkpoint_secret: bytes) -> Integration:
    """Bring all that a log has under checkpoints, signed with these secrets, in a new process."""
    leaves, seconds, peak = _in_new_process(_integrate, f"sqlite:///{database}", note_secret, checkpoint_secret)
    return Integration(leaves / seconds, peak)


def _in_new_process(act: Callable[..., _Result], *arguments: object) -> _Result:
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(act, *arguments).result()


def _prove(url: str, leaves: int) -> tuple[list[float], int, float]:
    """Milliseconds of each proof in order of size, bytes read from the disk, peak memory."""
    engine = open_database(url)
    log = log_id(read_identity(engine).origin)
    engine.dispose()
    tree = SqlTree(engine)
    tiles = LogTiles(tree)
    tiles.keep_upper(tree.newest_checkpoint().size)  # as a service does before it is ready
    look_up = LookUp(SqlReader(engine), tree, tiles, SqlChainView(engine, log), lambda: int(time.time()))
    ids = [id_at(position) for position in random.Random("proofs").choices(range(leaves), k=PROOFS)]
    before = _read_bytes()
    times = sorted(_time_proof(look_up, id) for id in ids)
    return times, _read_bytes() - before, peak_mb(os.getpid())


def _time_proof(look_up: LookUp, id: bytes) -> float:
    began = time.perf_counter()
    look_up.proof(id, lambda read: withhold(read.content))
    return (time.perf_counter() - began) * 1_000


def _integrate(url: str, note_secret: bytes, checkpoint_secret: bytes) -> tuple[int, float, float]:
    engine = open_database(url)
    tree, identity = SqlTree(engine), read_identity(engine)
    domain = Domain(identity.chain_id, identity.registry, log_id(identity.origin))
    note_key = SignerKey(identity.origin, note_secret)
    integrator = Integrator(tree, identity.origin, domain, note_key, checkpoint_secret, lambda: int(time.time()))
    newest = tree.newest_checkpoint()
    began, before = time.perf_counter(), newest.size if newest else 0
    while integrator.run_once():
        pass
    return tree.size() - before, time.perf_counter() - began, peak_mb(os.getpid())


def _forget(database: Path) -> None:
    """Flush the database's files and have the system drop what it keeps of them in memory, which needs no rights."""
    for file in database.parent.glob(f"{database.name}*"):
        with file.open("rb") as opened:
            os.fsync(opened.fileno())
            os.posix_fadvise(opened.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def read_through(database: Path) -> None:
    """Have the system keep in memory what it can of a database, as it does where a service has run for a while."""
    with database.open("rb", buffering=0) as opened:
        while opened.read(BYTES_PER_READ):
            pass


def _read_bytes() -> int:
    lines = Path("/proc/self/io").read_text("ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("read_bytes"))
