"""Step 7, what is complete only at the end: subjects, streams, surplus rows, and the tables that follow the chain."""

from itertools import islice

from anchors.chain.port import Place, RegistryEvent, WitnessEvent
from anchors.core.encoding import keccak256
from ledger_service.usecases.audit.findings import Findings
from ledger_service.usecases.audit.history import ChainHistory
from ledger_service.usecases.audit.rows import AuditRows, BlockRow, ChainRow, ChangeRow, HeadRow
from ledger_service.usecases.audit.statements import StatementWalk
from ledger_service.usecases.ports import Stream, SubjectState

SUBJECTS_PER_LOOK = 1_024


def check_subjects(rows: AuditRows, findings: Findings, walk: StatementWalk) -> None:
    """Every subject of which the first entry about it does not tell all: owner, first and current version."""
    findings.counts["subjects"] = len(walk.subjects)
    walk.subjects.list_with_rows()
    stored = rows.subjects()
    while some := list(islice(stored, SUBJECTS_PER_LOOK)):
        known = walk.subjects.take_listed([row[0] for row in some])
        for subject, *found in some:
            _check_subject(findings, walk, subject, tuple(found), known.get(subject))
    for subject in walk.subjects.still_listed():
        if subject not in walk.damaged_subjects:
            findings.fault(7, "subjects", subject, "row", "one", "none")


def _check_subject(
    findings: Findings, walk: StatementWalk, subject: bytes, found: tuple, known: tuple[SubjectState, bool] | None
) -> None:
    if subject in walk.damaged_subjects or found[-1] in walk.unknown_positions:
        return
    if known is None:
        findings.fault(7, "subjects", subject, "row", "none: no statement opens it", "one")
        return
    expected, listed = known
    if not listed:
        findings.fault(7, "subjects", subject, "row", "none: its first entry tells all", "one")
        return
    says = (expected.owner, expected.first, expected.current)
    findings.compare_row(7, "subjects", subject, ("owner", "first", "current"), says, found)


def check_rulebook(rows: AuditRows, findings: Findings, walk: StatementWalk) -> None:
    """Every statement that makes rules or describes an institution, and nothing else."""
    findings.counts["rules"] = len(walk.rules)
    wanted = set(walk.rules)
    for position in rows.rulebook():
        if position not in wanted and position not in walk.unknown_positions:
            findings.fault(7, "rulebook", position, "row", "none: no rule stands there", "one")
        wanted.discard(position)
    for position in sorted(wanted):
        findings.fault(7, "rulebook", position, "row", "one", "none")


def check_streams(rows: AuditRows, findings: Findings, walk: StatementWalk) -> None:
    """Every key's next number and what it observed last. Whether a key is frozen is the operator's act alone."""
    for key, next_sequence, observed_size, frozen in rows.streams():
        findings.counts["streams"] += 1
        expected = walk.signing.streams.pop(key, None)
        if expected is None:
            if not frozen or (next_sequence, observed_size) != (0, 0):
                findings.fault(7, "streams", key, "row", "none: the key signed nothing", "one")
            continue
        found = Stream(next_sequence, observed_size)
        findings.compare(7, "streams", key, "next_sequence", expected.next_sequence, found.next_sequence)
        if key not in walk.damaged_keys:
            findings.compare(7, "streams", key, "observed_size", expected.observed_size, found.observed_size)
    for key in sorted(walk.signing.streams):
        findings.fault(7, "streams", key, "row", "one", "none")


def check_holds(rows: AuditRows, findings: Findings, walk: StatementWalk) -> None:
    """Which statement each hold or dispute names."""
    for about, position in rows.holds():
        findings.counts["holds"] += 1
        named, _ = walk.holds.take(position) or (position, False)
        if position in walk.unknown_positions or named is None:
            continue
        if named == position:
            findings.fault(7, "holds", position, "row", "none: no hold or dispute stands there", "one")
        else:
            findings.compare(7, "holds", position, "about", named, about)
    for position, named, effective in walk.holds:
        if effective and named is not None:
            findings.fault(7, "holds", position, "row", "one", "none")


def check_surplus(rows: AuditRows, findings: Findings, extent: int) -> None:
    """Rows of entries that are not there."""
    for table in ("entries", "contents"):
        position = rows.outside(table, extent)
        if position is not None:
            findings.fault(7, table, position, "row", f"none outside 0 to {extent - 1}", "one")


def check_prefixes(rows: AuditRows, findings: Findings, extent: int) -> None:
    """What SQLite finds entries by. Nothing is said where entries themselves are damaged: it follows from them."""
    check = None if any(fault.first.table == "entries" for fault in findings.faults) else rows.prefixes()
    if check is None:
        return
    if not isinstance(check.indexed, int) or not 0 <= check.indexed <= extent:
        findings.fault(7, "log", "1", "indexed", f"0 to {extent}", check.indexed)
    elif check.missing is not None:
        findings.fault(7, "prefixes", check.missing, "rows", "one for its id, its subject and each digest", "fewer")
    elif findings.compare(7, "prefixes", "all", "rows", check.expected, check.found) and check.misplaced is not None:
        findings.fault(7, "prefixes", check.misplaced, "young", "old, as a later one is that begins alike", "young")


def check_chain_tables(rows: AuditRows, findings: Findings, history: ChainHistory) -> None:
    """What the follower stored: as far as it says it followed, all of it and nothing else."""
    status, count = rows.chain(), rows.count("chain")
    if status is None and (count or rows.count("blocks")):
        findings.fault(7, "chain", 1, "row", "one: blocks were followed", "none")
    elif count:
        findings.compare(7, "chain", 1, "rows", 1, count)
    followed = _check_followed(status, findings, history)
    for row in rows.blocks():
        findings.counts["blocks"] += 1
        block = history.block(row.number)
        if block is None:
            findings.fault(7, "blocks", row.number, "row", "none: the chain has no such block", "one")
        else:
            followed = max(followed, row.number)
            expected = (block.number, block.hash, block.parent, block.timestamp)
            findings.compare_row(7, "blocks", row.number, BlockRow._fields, expected, row)
    changes = {event.change.number: event for event in history.changes}
    for row in rows.registry_changes():
        findings.counts["registry change rows"] += 1
        event = changes.pop(row.number, None)
        if event is None:
            findings.fault(7, "registry_changes", row.number, "row", "none: the chain has no such change", "one")
        else:
            findings.compare_row(7, "registry_changes", row.number, ChangeRow._fields, _change_row(event), row)
    for number, event in changes.items():
        if event.place.block_number <= followed:
            findings.fault(7, "registry_changes", number, "row", "one", "none")
    _check_heads(rows, findings, history, followed)


def _check_heads(rows: AuditRows, findings: Findings, history: ChainHistory, followed: int) -> None:
    heads = {event.new_size: (event, time) for event, time in zip(history.heads, history.head_times, strict=True)}
    for row in rows.heads():
        findings.counts["head rows"] += 1
        found = heads.pop(row.new_size, None)
        if found is None:
            findings.fault(7, "heads", row.new_size, "row", "none: the contract emitted no such head", "one")
        else:
            findings.compare_row(7, "heads", row.new_size, HeadRow._fields, _head_row(*found), row)
    for size, (event, _) in heads.items():
        if event.place.block_number <= followed:
            findings.fault(7, "heads", size, "row", "one", "none")


def _check_followed(row: ChainRow | None, findings: Findings, history: ChainHistory) -> int:
    """The newest block that was followed, -1 before any."""
    if row is None:
        return -1
    block = history.block(row.tip_number)
    expected = block and (block.number, block.hash, block.parent, block.timestamp)
    findings.compare(7, "chain", 1, "tip", expected, tuple(row[:4]))
    if row.final_number > history.final_number:
        findings.fault(7, "chain", 1, "final_number", f"at most {history.final_number}", row.final_number)
    return row.tip_number


def _change_row(event: RegistryEvent) -> tuple:
    c = event.change
    return (
        c.number, c.time, int(c.action), c.institution, c.role, c.log, c.key, c.data, event.head, *_place(event.place)
    )  # fmt: skip


def _head_row(event: WitnessEvent, time: int) -> tuple:
    return (
        event.new_size,
        event.old_size,
        event.root,
        event.registry_head,
        event.registry_count,
        event.witness_id,
        time,
        *_place(event.place),
    )


def _place(place: Place) -> tuple:
    return (place.block_number, place.block_hash, place.transaction, place.position)


def check_outbox(rows: AuditRows, findings: Findings, history: ChainHistory) -> None:
    """Every transaction that went out is what it is called, and those that were mined moved the head."""
    for row in rows.outbox():
        findings.counts["outbox"] += 1
        findings.compare(8, "outbox", row.id, "hash", keccak256(row.raw), row.hash)
        if row.outcome == "mined" and row.new_size not in history.head_sizes:
            findings.fault(8, "outbox", row.id, "outcome", "not mined: there is no such head", row.outcome)
