"""Step 8: promises. Each is signed, is about the statements at its places, and every entry has one."""

from collections.abc import Collection, Sequence
from itertools import islice
from struct import unpack

from anchors.core.encoding import MAX_UINT64
from anchors.core.promise import accepted_hash
from anchors.core.registry import Purpose
from anchors.core.typed_data import Domain
from ledger_service.usecases.audit.attribution import Attribution
from ledger_service.usecases.audit.bits import Bits
from ledger_service.usecases.audit.findings import Findings
from ledger_service.usecases.audit.history import ChainHistory
from ledger_service.usecases.audit.measures import Promises
from ledger_service.usecases.audit.rows import AuditRows, ReceiptRow
from ledger_service.usecases.audit.scratch import Scratch
from ledger_service.usecases.audit.signers import Signers, collect

RECEIPTS_PER_LOOK = 256
POSITION_BYTES = 8
LONGEST_GAP = 2**20


class ReceiptWalk:
    """Checks all receipts of a log of `extent` entries."""

    def __init__(
        self,
        rows: AuditRows,
        findings: Findings,
        history: ChainHistory,
        attribution: Attribution,
        domain: Domain,
        extent: int,
        scratch: Scratch,
    ):
        self._rows = rows
        self._findings = findings
        self._history = history
        self._attribution = attribution
        self._domain = domain
        self._extent = extent
        self.promises = Promises()
        # One bit an entry. Of a log with a huge gap, which is a fault by itself, the entries above it are left out.
        self._marked = min(extent, rows.count("entries") + LONGEST_GAP)
        self._promised = Bits(scratch)
        self._true_ids = scratch.true_ids

    def check(self, signers: Signers) -> None:
        """All receipts, then the entries that none of them covers."""
        receipts = self._rows.receipts()
        while some := list(islice(receipts, RECEIPTS_PER_LOOK)):
            positions = [_positions(row) for row in some]
            ids = self._ids({one for ones in positions for one in ones if one < self._extent})
            signed = [(self._digest(row, own, ids), row.signature) for row, own in zip(some, positions, strict=True)]
            recovering = signers.recover(signed)
            for row, own, signer in zip(some, positions, collect(recovering), strict=True):
                self._check_receipt(row, own, ids, signer)
        for id, count in self._rows.repeated_receipts():
            # Two equal requests within one second are promised the same in the same words.
            self._findings.warn(8, "receipts", id, "signature", "once", f"{count} times: one request sent again")
        self._check_promised()

    def _ids(self, positions: Collection[int]) -> dict[int, bytes]:
        """The ids of the entries there: as the index has them, which was compared, but where that is wrong."""
        ids = self._rows.ids_at(positions)
        ids |= self._true_ids.at(ids)
        return {position: id for position, id in ids.items() if id}

    def _digest(self, row: ReceiptRow, positions: Sequence[int], ids: dict[int, bytes]) -> bytes:
        """What the receipt key must have signed; zeros where that cannot be said."""
        times = (row.accepted_at, row.witness_by)
        if not all(0 <= time <= MAX_UINT64 for time in times) or not all(one in ids for one in positions):
            return bytes(32)
        return self._domain.receipt(accepted_hash((ids[one], one) for one in positions), *times)

    def _check_receipt(
        self, row: ReceiptRow, positions: Sequence[int], ids: dict[int, bytes], signer: bytes | None
    ) -> None:
        findings = self._findings
        findings.counts["receipts"] += 1
        if not positions:
            self.promises.unmeasured += 1
            findings.fault(8, "receipts", row.id, "positions", "one or more", "none that can be read")
            return
        findings.compare(8, "receipts", row.id, "first/last", (min(positions), max(positions)), (row.first, row.last))
        self._promised.set(position for position in positions if position < self._marked)
        missing = next((position for position in positions if position not in ids), None)
        sound = signer is not None and self._attribution.is_operator_key(signer, Purpose.RECEIPT)
        if missing is not None:
            sound = False
            findings.fault(8, "receipts", row.id, "positions", f"an entry at {missing}", "none: the promise is broken")
        elif not sound:
            expected = "by a receipt key of the log, about the statements at its places"
            findings.fault(8, "receipts", row.id, "signature", expected, signer)
        self._check_kept(row, max(positions), sound)

    def _check_kept(self, row: ReceiptRow, last: int, sound: bool) -> None:
        """A promise that was broken is no fault of the log: it is shown with its delay. Measured are `sound` ones."""
        covering = self._history.covering(last)
        if covering is not None:
            witnessed, what = self._history.head_times[covering], "witnessed"
        else:
            witnessed, what = self._history.tip.timestamp, "not witnessed"
        if sound:
            self.promises.take(row.accepted_at, row.witness_by, witnessed, covered=covering is not None)
        self.promises.unmeasured += not sound
        if witnessed > row.witness_by:
            found = f"{what} at {witnessed}, {witnessed - row.witness_by} s later"
            self._findings.warn(8, "receipts", row.id, "promise", f"witnessed by {row.witness_by}", found)

    def _check_promised(self) -> None:
        for position in self._promised.unset(self._marked):
            self._findings.fault(8, "entries", position, "receipt", "one or more", "none")


def _positions(row: ReceiptRow) -> Sequence[int]:
    if len(row.positions) % POSITION_BYTES:
        return ()
    return unpack(f">{len(row.positions) // POSITION_BYTES}Q", row.positions)
