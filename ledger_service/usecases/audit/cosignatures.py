"""Step 13: each cosignature of a witness that the trust file names is over its checkpoint."""

from anchors.core.checkpoint import Checkpoint
from anchors.core.cosignature import open_cosignatures
from anchors.core.errors import Error
from anchors.core.note import split_note
from anchors.core.quorum import Policy
from ledger_service.usecases.audit.findings import Findings
from ledger_service.usecases.audit.rows import AuditRows, CheckpointRow

TABLE = "cosignatures"


def check_cosignatures(rows: AuditRows, findings: Findings, origin: str, policy: Policy | None) -> None:
    """Each by its size and witness. Those of others are counted and not checked."""
    keys = policy.keys if policy is not None else ()
    for row in rows.cosignatures():
        key = f"{row.size}/{row.witness}"
        root = rows.checkpoint_root(row.size)
        if root is None:
            findings.fault(13, TABLE, key, "checkpoint", f"one of {row.size} entries", "none")
            continue
        note = f"{Checkpoint(origin, row.size, root).to_text()}\n{row.line}".encode("utf-8", "surrogateescape")
        try:
            _, ((name, _),) = split_note(note)
            found = open_cosignatures(note, keys)
        except (Error, ValueError) as error:
            findings.fault(13, TABLE, key, "line", "one that verifies over its checkpoint", error)
            continue
        findings.compare(13, TABLE, key, "witness", name, row.witness)
        if not found:
            findings.leave(13, TABLE, key, "line", "by a witness of the trust file", "by another")
            continue
        findings.counts[TABLE] += 1
        findings.compare(13, TABLE, key, "cosigned_at", found[0].time, row.cosigned_at)


def check_note(row: CheckpointRow, findings: Findings, policy: Policy | None) -> None:
    """The cosignatures under a published checkpoint, by witnesses that the trust file names."""
    try:
        found = open_cosignatures(row.note, policy.keys if policy is not None else ())
    except Error as error:
        findings.fault(13, "checkpoints", row.size, "cosignature", "one that verifies over it", error)
        return
    findings.counts[TABLE] += len(found)
