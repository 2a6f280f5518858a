"""Step 9: the reading log is the chain of hashes that it says it is, and days that were closed are as they were."""

from collections.abc import Sequence
from datetime import date

import msgspec

from ledger_service.parts import Readings
from ledger_service.usecases.audit.findings import Findings
from ledger_service.usecases.audit.rows import AuditRows
from ledger_service.usecases.readings import ChainCheck


def check_readings(rows: AuditRows, findings: Findings, headed: Sequence[tuple[int, Readings]]) -> None:
    """The first record that is broken; else every `readings.headed`, given by position and part, against the days. A
    day that is over and was not closed is a warning: until then its records could still be made anew."""
    chain = ChainCheck()
    broken = chain.run(rows.readings())
    findings.counts["readings"] = chain.count
    if broken is not None:
        findings.fault(9, "readings", broken.number, broken.what, broken.expected, broken.found)
        return
    closed = set()
    for position, part in headed:
        try:
            day = date.fromisoformat(part.day)
        except ValueError as error:
            findings.fault(9, "entries", position, "day", "a day of the calendar", error)
            continue
        closed.add(day)
        head = chain.day(day)
        findings.compare(9, "entries", position, "readings", head.part(), msgspec.to_builtins(part))
    for day in chain.days()[:-1]:
        if day not in closed:
            findings.warn(9, "readings", day.isoformat(), "head", "published as readings.headed", "none")
