"""What it costs to go on, from ten thousand to ten million statements: one log that grows."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from scripts.benchmark.filling import BYTES_PER_STATEMENT, FilledLog
from scripts.benchmark.ingest import FoundedCity, Ingest, Load, disk_use, founded_city, measure_ingest
from scripts.benchmark.proofs import Integration, ProofTimes, integrate, measure_proofs, read_through

SMALLEST = 10_000
FREE_BYTES = 2_000_000_000
"""What is left free on the disk."""


@dataclass(frozen=True)
class AtSize:
    """A log of so many leaves: how fast the newest of them were filled in and integrated, how long a proof takes with
    the database in the system's memory and with all of it on the disk, the bytes on disk a statement. `ingest` stands
    at the smallest and at the largest size alone."""

    leaves: int
    filled_per_s: float
    integration: Integration
    proofs: ProofTimes
    proofs_from_disk: ProofTimes
    bytes_per_statement: float
    ingest: Ingest | None = None


def sizes_to(leaves: int, folder: Path, say: Callable[[str], None]) -> list[int]:
    """Powers of ten from `SMALLEST` (less where the largest is less), and `leaves`, as far as the disk has room."""
    sizes = [min(SMALLEST, max(leaves // 10, 1))]
    while sizes[-1] * 10 < leaves:
        sizes.append(sizes[-1] * 10)
    sizes.append(leaves)
    free = shutil.disk_usage(folder).free
    room = (free - FREE_BYTES) // BYTES_PER_STATEMENT
    say(
        f"{leaves:,} statements take up to {leaves * BYTES_PER_STATEMENT / 1e9:,.1f} GB while they are measured; "
        f"{folder} has {free / 1e9:,.1f} GB free"
    )
    fitting = [size for size in sizes if size <= room]
    if len(fitting) < 2:
        raise RuntimeError(f"there is no room for {sizes[1]:,} statements in {folder}; set TMPDIR to a larger disk")
    if len(fitting) < len(sizes):
        say(f"which is too little: the largest size is {fitting[-1]:,}")
    return fitting


def measure_growth(folder: Path, sizes: list[int], load: Load, say: Callable[[str], None]) -> list[AtSize]:
    """Grow a log on SQLite from size to size, measure at each, and send at the first and at the last."""
    say(f"accepting on a log of {sizes[0]:,}")
    small = _measure_small(folder / "small", sizes[0], load)
    found = []
    with founded_city(folder / "large", load.streams) as founded:
        database = folder / "large" / "ledger.sqlite"
        log = FilledLog(founded.city, f"sqlite:///{database}")
        for size in sizes:
            say(f"growing a log to {size:,}")
            filled = log.grow_to(size)
            integration = _integrate(database, founded)
            _, stored = disk_use(f"sqlite:///{database}")
            say(f"proving in a log of {size:,}")
            from_disk = measure_proofs(database, size, from_disk=True)
            found.append(
                AtSize(size, filled, integration, measure_proofs(database, size, from_disk=False), from_disk, stored)
            )
        say(f"accepting on a log of {sizes[-1]:,}")
        read_through(database)
        large = measure_ingest(founded, folder / "large", f"sqlite:///{database}", load)
    return [replace(found[0], ingest=small), *found[1:-1], replace(found[-1], ingest=large)]


def _measure_small(folder: Path, size: int, load: Load) -> Ingest:
    """The same load on a log of the smallest size, which must not be the one that grows: it would have grown."""
    with founded_city(folder, load.streams) as founded:
        database = folder / "ledger.sqlite"
        FilledLog(founded.city, f"sqlite:///{database}").grow_to(size)
        _integrate(database, founded)
        return measure_ingest(founded, folder, f"sqlite:///{database}", load)


def _integrate(database: Path, founded: FoundedCity) -> Integration:
    operator = founded.city.operator
    return integrate(database, operator.note, operator.checkpoint)
