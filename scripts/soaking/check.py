"""What must hold whatever happened: nothing accepted is missing, nothing stands twice, an audit is clean."""

import os
import subprocess
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from anchors import Entry
from anchors.core.encoding import encode_hex
from ledger_service.client.store import Store
from ledger_service.storage.audit_rows import open_audit_rows
from scripts.city.service import HUZHENG
from scripts.soaking.senders import promised
from scripts.soaking.town import Town

ENTRIES_PER_READ = 5_120
AUDIT_SECONDS = 600
TOLD_CHARACTERS = 2_000


@dataclass(frozen=True)
class Logged:
    """One entry, as the log has it: statement id, institution, number in its stream."""

    id: str
    institution: str
    sequence: int


@dataclass(frozen=True)
class Checked:
    """`lost`: promises that the log does not keep. `repeated`: statement ids that stand more than once. `faults`: all
    that does not hold."""

    statements: int
    promises: int
    lost: int
    repeated: int
    audit_status: int
    faults: tuple[str, ...]


def broken_promises(log: Sequence[Logged], promises: Iterable[tuple[str, int]]) -> list[str]:
    """Every promised statement that is not in the log at its index."""
    found = []
    for id, index in promises:
        stands = log[index].id if 0 <= index < len(log) else "nothing"
        if stands != id:
            found.append(f"{id} was promised index {index}, where {stands} is")
    return found


def repeated_statements(log: Sequence[Logged]) -> list[str]:
    """Every statement id that stands more than once."""
    return [f"{id} stands {count} times" for id, count in Counter(entry.id for entry in log).items() if count > 1]


def broken_streams(log: Sequence[Logged]) -> list[str]:
    """Every institution, with one key each, whose numbers are not 0, 1, 2 and so on in the order of the log."""
    streams = defaultdict(list)
    for entry in log:
        streams[entry.institution].append(entry.sequence)
    return [f"the stream of {name} has a gap" for name, numbers in streams.items() if numbers != [*range(len(numbers))]]


def check_everything(town: Town) -> Checked:
    """Hold the log against every answer that a sender ever got and everything that was signed, then audit."""
    log = _read_log(town)
    promises, signed = [], set()
    for hospital in town.hospitals:
        promises += promised(hospital)
        if not hospital.store_file.exists():
            continue  # it was killed before it could begin
        with Store(hospital.store_file) as store:
            for one in store.statements(hospital.key):
                id = encode_hex(one.statement)
                signed.add(id)
                if one.index is not None:
                    promises.append((id, one.index))
    promises = sorted(set(promises))
    lost, repeated = broken_promises(log, promises), repeated_statements(log)
    faults = [*lost, *repeated, *broken_streams(log)]
    if signed != {entry.id for entry in log}:
        faults.append("the log holds what nobody signed, or lacks what was signed and answered")
    if not promises:
        faults.append("nothing was promised: this proves nothing")
    status, said = _audit(town)
    if status != 0:
        faults.append(f"the audit ended with {status}: {said[-TOLD_CHARACTERS:]}")
    for file in sorted(town.folder.glob("*.log")):
        written = file.read_text("utf-8", errors="replace")
        if (begin := written.find("Traceback")) >= 0:
            faults.append(f"{file} has a traceback: {written[begin : begin + TOLD_CHARACTERS]}")
    return Checked(len(log), len(promises), len(lost), len(repeated), status, tuple(faults))


def _read_log(town: Town) -> list[Logged]:
    log = []
    with open_audit_rows(town.database) as rows:
        extent = rows.extent()
        for begin in range(0, extent, ENTRIES_PER_READ):
            places = range(begin, min(extent, begin + ENTRIES_PER_READ))
            found = rows.stretch(places.start, places.stop).entries
            for place in places:
                statement = Entry.from_bytes(found[place]).statement
                id = encode_hex(statement.id(town.city.domain))
                log.append(Logged(id, statement.institution, statement.sequence))
    return log


def _audit(town: Town) -> tuple[int, str]:
    town.write_trust()
    command = [HUZHENG, "audit", "--database", town.database, "--trust", str(town.trust_file), "--rpc", town.chain.url]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HUZHENG_")}
    done = subprocess.run(
        command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=AUDIT_SECONDS
    )
    return done.returncode, done.stdout + done.stderr
