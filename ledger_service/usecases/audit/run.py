"""The order of an audit: the chain first, so that the database must hold what was witnessed then; then the walk."""

import os
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field

from anchors.chain.port import Chain
from anchors.core.checkpoint import open_checkpoint
from anchors.core.encoding import encode_hex
from anchors.core.errors import Error
from anchors.core.note import VerifierKey
from anchors.core.trust import Trust, TrustedLog
from anchors.core.typed_data import Domain
from ledger_service.originals import TrustedOrigins
from ledger_service.usecases.audit.attribution import Attribution
from ledger_service.usecases.audit.cosignatures import check_cosignatures, check_note
from ledger_service.usecases.audit.decisions import Answers
from ledger_service.usecases.audit.figures import STEP as FIGURES
from ledger_service.usecases.audit.findings import STEPS, Enough, Findings
from ledger_service.usecases.audit.head_proofs import check_head_proofs
from ledger_service.usecases.audit.history import ChainHistory
from ledger_service.usecases.audit.index import (
    check_chain_tables,
    check_holds,
    check_outbox,
    check_prefixes,
    check_rulebook,
    check_streams,
    check_subjects,
    check_surplus,
)
from ledger_service.usecases.audit.measures import Measures, Missing, Promises, measure
from ledger_service.usecases.audit.readings import check_readings
from ledger_service.usecases.audit.receipts import ReceiptWalk
from ledger_service.usecases.audit.rows import AuditRows, LogRow, LogRows
from ledger_service.usecases.audit.scratch import Scratch
from ledger_service.usecases.audit.signers import RecoveryRate, Signers
from ledger_service.usecases.audit.state import Keeper
from ledger_service.usecases.audit.statements import StatementWalk
from ledger_service.usecases.audit.stretches import StretchReader
from ledger_service.usecases.audit.taking import open_takers
from ledger_service.usecases.audit.timestamps import check_timestamps
from ledger_service.usecases.audit.tree import TreeWalk
from ledger_service.usecases.ports import Logged

ONLY_IN_TABLES = {
    7: "what entries are found by, subjects, rulebook, holds, streams, older checkpoints, what follows the chain",
    8: "receipts, outbox",
    9: "the reading log",
    10: "time-stamps",
    13: "cosignatures of older checkpoints",
}
"""By step, what a published log does not show."""


@dataclass(frozen=True)
class AuditResult:
    """What was found, in which log of how many entries, witnessed up to which size; how long the walk took.

    `recovered_per_second` is the rate of signature recovery alone on all cores, by what one of them needs. `answers`
    are those of the policies, by policy, version and digest; `measures` what heads and receipts tell of time. What lies
    below `begun_at` was audited before."""

    origin: str
    size: int
    witnessed: int
    findings: Findings
    seconds: float
    recovered_per_second: float
    answers: Mapping[tuple[str, str, str], Answers] = field(default_factory=dict)
    measures: Measures = field(default_factory=Measures)
    begun_at: int = 0

    @property
    def holds(self) -> bool:
        """Whether nothing was found."""
        return self.findings.first is None

    @property
    def statements_per_second(self) -> float:
        """How many entries were audited in a second, every step included."""
        return max(0, self.size - self.begun_at) / self.seconds if self.seconds else 0.0


class Audit:
    """One audit of one log. `read_chain`, then open the database, then `run`."""

    def __init__(
        self,
        chain: Chain,
        trust: Trust,
        log: TrustedLog,
        first_block: int = 0,
        *,
        stop_at_first: bool = False,
        originals: TrustedOrigins | None = None,
    ):
        """`originals` are the trust files for other logs, of which imports brought something in."""
        self._originals = originals or TrustedOrigins()
        self._trust = trust
        self._log = log
        self._domain = trust.domain(log)
        self._findings = Findings(stop_at_first)
        self._found = Findings(stop_at_first)
        """By the walk and after it: what of it was found before a state was saved is not found again."""
        self._history = ChainHistory(chain, trust, log, self._findings, first_block)
        self._answers: dict[tuple[str, str, str], Answers] = {}
        self._missing, self._promises = Missing(), Promises()
        self._settled_size = 0
        self._judgeable = False

    def read_chain(self) -> None:
        """Step 1. Raises `ChainUnavailable`. Where it fails, no other step can be judged."""
        try:
            history = self._history
            self._judgeable = history.check_identity() and history.read() and history.check_trusted_changes()
        except Enough:
            return
        self._settled_size = history.head_sizes[-1] if history.head_sizes else 0
        if self._judgeable:
            self._findings.finished.add(1)

    @property
    def domain(self) -> Domain:
        """In which the log's statements are signed."""
        return self._domain

    def run(
        self, rows: LogRows, advance: Callable[[int], object] = lambda count: None, scratch: Scratch | None = None
    ) -> AuditResult:
        """Steps 2 to 13, on a view of the database, or a published log, that was opened after `read_chain`. `advance`
        is told of entries; `scratch` is the one of `rows`, where these have one.

        Raises `ChainUnavailable` or `StoreUnavailable`; of a published log `Unreachable` or `Withheld`."""
        begin, rate, extent = time.perf_counter(), RecoveryRate(), rows.extent()
        self._begun_at = 0
        try:
            if self._judgeable:
                with nullcontext(scratch) if scratch is not None else Scratch() as remembered:
                    self._walk(rows, rate, extent, advance, remembered)
        except Enough:
            pass
        self._findings.add(self._found)
        return AuditResult(
            self._log.origin,
            extent,
            self._history.head_sizes[-1] if self._history.head_sizes else 0,
            self._findings,
            time.perf_counter() - begin,
            rate.per_second * (os.cpu_count() or 1),
            self._answers,
            measure(self._history, extent, self._missing, self._promises),
            self._begun_at,
        )

    def _walk(
        self, rows: LogRows, rate: RecoveryRate, extent: int, advance: Callable[[int], object], scratch: Scratch
    ) -> None:
        findings, history = self._found, self._history
        if rows.tables is not None:
            self._check_log(rows.tables, extent)
        if not history.read():
            return
        history.check_present_head()
        changes = [event.change for event in history.changes]
        attribution = Attribution(self._log.id, history.registry, changes)
        note_keys = {*self._log.keys, *(VerifierKey(self._log.origin, key) for key in attribution.note_keys())}
        if rows.tables is None and not self._is_signed(rows, note_keys):
            return
        tree = TreeWalk(
            rows, findings, self._log.origin, self._domain, tuple(note_keys), attribution, tuple(history.heads)
        )
        # Ordered: of a plain dict, finding the oldest takes longer with each that went before.
        known: OrderedDict[bytes, Logged] = OrderedDict()
        with open_takers(self._domain, extent) as takers:
            reader = StretchReader(rows, takers, rate, known)
            walk = StatementWalk(
                findings, history, attribution, tree, rows, scratch, self._originals, known, reader.report_of
            )
            self._answers = walk.decisions.answers
            keeper = Keeper(scratch, history, walk, tree, findings, extent)
            self._begun_at = position = keeper.resume()
            self._missing = walk.missing
            advance(position)
            for stretch in reader.read(position, extent):
                walk.judge(stretch)
                position = stretch.items[-1].position + 1
                keeper.take(position)
                advance(len(stretch.items))
        walk.end(extent)
        tree.finish(extent, self._settled_size)
        if rows.tables is not None:
            self._check_tables(rows.tables, attribution, walk, extent, scratch)
        else:
            self._leave_tables(scratch)
        findings.finished.update(STEPS.keys() - {FIGURES})
        walk.figures.check(rows, self._log.origin, self._domain, attribution.successors())
        findings.finished.add(FIGURES)

    def _check_tables(
        self, rows: AuditRows, attribution: Attribution, walk: StatementWalk, extent: int, scratch: Scratch
    ) -> None:
        """What only a database has, and is complete only now."""
        findings, history = self._found, self._history
        check_surplus(rows, findings, extent)
        check_prefixes(rows, findings, extent)
        check_subjects(rows, findings, walk)
        check_rulebook(rows, findings, walk)
        check_streams(rows, findings, walk)
        check_holds(rows, findings, walk)
        check_chain_tables(rows, findings, history)
        check_head_proofs(rows, findings, history, self._trust.witness_contract.address)
        receipts = ReceiptWalk(rows, findings, history, attribution, self._domain, extent, scratch)
        self._promises = receipts.promises
        with Signers() as signers:
            receipts.check(signers)
        check_outbox(rows, findings, history)
        check_readings(rows, findings, walk.headed)
        check_timestamps(rows, findings, self._log.origin, self._trust.authorities)
        check_cosignatures(rows, findings, self._log.origin, self._trust.policy)

    def _leave_tables(self, scratch: Scratch) -> None:
        """What was not checked, because no database was given."""
        for step, tables in ONLY_IN_TABLES.items():
            self._found.leave(step, "database", "", "tables", f"compared: {tables}", "no database was given")
        unused = scratch.given.unused()
        if unused:
            found = f"{unused} that no entry commits to"
            self._found.warn(6, "contents", "given", "content", "each of them of an entry", found)

    def _is_signed(self, rows: LogRows, keys: Collection[VerifierKey]) -> bool:
        """Step 3: whether a published log's checkpoint is one; step 13: its cosignatures."""
        for row in rows.checkpoints():
            try:
                open_checkpoint(row.note, keys)
            except Error as error:
                self._findings.fault(3, "checkpoints", row.size, "note", "signed by a note key of the log", error)
                return False
            check_note(row, self._findings, self._trust.policy)
        return True

    def _check_log(self, rows: AuditRows, extent: int) -> None:
        """Step 2: the log's own row."""
        row = rows.log()
        if row is None:
            self._findings.fault(2, "log", 1, "row", f"one of {self._log.origin}", "none")
            return
        self._findings.compare(2, "log", 1, "rows", 1, rows.count("log"))
        trust = self._trust
        expected = (
            self._log.origin,
            trust.chain_id,
            trust.genesis,
            trust.registry_contract.address,
            trust.witness_contract.address,
            # They are remembered when the chain was first compared with; a log that never was has none.
            trust.registry_contract.code_hash if row.registry_code is not None else None,
            trust.witness_contract.code_hash if row.witness_code is not None else None,
        )
        self._findings.compare_row(2, "log", encode_hex(self._log.id), LogRow._fields[:-1], expected, row[:-1])
        if row.size < extent:
            self._findings.fault(2, "log", encode_hex(self._log.id), "size", extent, row.size)
        elif row.size > extent:
            self._findings.fault(2, "entries", extent, "row", f"an entry: the log's size is {row.size}", "none")
