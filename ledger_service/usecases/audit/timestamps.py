"""Step 10: each time-stamp token is over its checkpoint, by an authority that the trust file names, and in time."""

from collections.abc import Sequence

from anchors.clocks import Timestamp, UnknownAuthority, timestamp_message, verify_timestamp
from anchors.core.checkpoint import Checkpoint
from anchors.core.errors import Error
from anchors.core.trust import Authority
from ledger_service.usecases.audit.findings import Findings
from ledger_service.usecases.audit.rows import AuditRows, TimestampRow

TABLE = "timestamps"


def check_timestamps(rows: AuditRows, findings: Findings, origin: str, authorities: Sequence[Authority]) -> None:
    """Each token by its number. What a stranger stamped is counted and not checked."""
    judge = _Judge(rows, findings, origin, authorities)
    for row in rows.timestamps():
        judge.check(row)


class _Judge:
    """Judges tokens one by one, each with those that it renews."""

    def __init__(self, rows: AuditRows, findings: Findings, origin: str, authorities: Sequence[Authority]):
        self._rows = rows
        self._findings = findings
        self._origin = origin
        self._authorities = authorities

    def check(self, row: TimestampRow) -> None:
        """The token in `row`."""
        findings, before = self._findings, self._before(row)
        root = self._rows.checkpoint_root(row.size)
        if root is None:
            findings.fault(10, TABLE, row.number, "checkpoint", f"one of {row.size} entries", "none")
            return
        if before is None:
            return
        text = Checkpoint(self._origin, row.size, root).to_text().encode("utf-8")
        stamp = self._verified(row, timestamp_message(text, [one.token for one in before]))
        if stamp is None:
            return
        findings.counts[TABLE] += 1
        findings.compare(10, TABLE, row.number, "stamped_at", stamp.time, row.stamped_at)
        findings.compare(10, TABLE, row.number, "expires_at", stamp.expires, row.expires_at)
        # The token before was judged, with these two columns, in its own turn.
        if before and not before[-1].stamped_at <= stamp.time <= before[-1].expires_at:
            renewed = f"between {before[-1].stamped_at} and {before[-1].expires_at}"
            findings.fault(10, TABLE, row.number, "time of renewal", renewed, stamp.time)

    def _verified(self, row: TimestampRow, message: bytes) -> Timestamp | None:
        try:
            return verify_timestamp(row.token, message, self._authorities)
        except UnknownAuthority:
            self._findings.leave(10, TABLE, row.number, "token", "by an authority of the trust file", "by another")
        except Error as error:
            self._findings.fault(10, TABLE, row.number, "token", "one that holds over its checkpoint", error)
        return None

    def _before(self, row: TimestampRow) -> list[TimestampRow] | None:
        """The tokens that this one renews, the first one first; None where they do not lead to a first one."""
        found: list[TimestampRow] = []
        renews = row.renews
        while renews is not None:
            earlier = self._rows.timestamp(renews)
            if earlier is None or earlier.size != row.size or earlier.number >= (found or [row])[-1].number:
                what = f"an earlier token on {row.size} entries"
                self._findings.fault(10, TABLE, row.number, "renews", what, renews)
                return None
            found.append(earlier)
            renews = earlier.renews
        return found[::-1]
