"""Receipts that the watcher was given: is what they promise there, and was it witnessed in time?"""

import os
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

from anchors.core.registry import Purpose
from anchors.core.typed_data import Domain
from ledger_service.client.answers import ReceiptKeys, read_kept_answer
from ledger_service.client.errors import BrokenAnswer
from ledger_service.kept_files import UnfitFile, read_kept
from ledger_service.published import Withheld
from ledger_service.usecases.audit.attribution import Attribution
from ledger_service.usecases.audit.history import ChainHistory

MAX_ANSWER_BYTES = 8 * 2**20


class ReceiptWatch:
    """Judges the files of a folder. `statement_at` gives the id of the statement at an index that the log's tree
    holds, verified."""

    def __init__(
        self,
        folder: Path,
        history: ChainHistory,
        domain: Domain,
        statement_at: Callable[[int], bytes],
        tell: Callable[..., None],
    ):
        self._folder = folder
        self._history = history
        self._domain = domain
        self._statement_at = statement_at
        self._tell = tell

    def check(self, settled: list[str], verified_size: int) -> list[str]:
        """Judge what is not settled; the names of all that is now. A file that cannot be read is told of, as is a
        folder; then nothing else is known, and what was settled stays so."""
        try:
            paths = sorted(path for path in self._folder.iterdir() if path.suffix == ".json")
        except OSError as error:
            self._tell("receipt", f"the folder of receipts cannot be read: {error.strerror}")
            return settled
        keys, before, found = self._keys(), frozenset(settled), []
        for path in paths:
            file = os.fsencode(path.name).decode("utf-8", "replace")
            try:
                data = read_kept(path, MAX_ANSWER_BYTES)
                name = sha256(data).hexdigest()
                if name in before or self._is_settled(file, data, keys, verified_size):
                    found.append(name)
            except OSError as error:
                self._tell("receipt", f"{file}: cannot be read: {error.strerror}")
            except (BrokenAnswer, UnfitFile) as error:
                self._tell("receipt", f"{file}: {error}")
        return found

    def _keys(self) -> ReceiptKeys:
        """Also those that were revoked: a promise outlives its key."""
        history = self._history
        attribution = Attribution(history.log_id, history.registry, [event.change for event in history.changes])
        every = history.registry.keys
        return ReceiptKeys(frozenset(key for key in every if attribution.is_operator_key(key, Purpose.RECEIPT)))

    def _is_settled(self, file: str, data: bytes, keys: ReceiptKeys, verified_size: int) -> bool:
        answer = read_kept_answer(data, self._domain, keys)
        accepted = [(result.statement, result.index) for result in answer.results if result.index is not None]
        if not accepted or answer.witness_by is None:
            raise BrokenAnswer("the answer has no receipt, for nothing was accepted")
        history, last = self._history, max(index for _, index in accepted)
        covering = history.covering(last)
        by = answer.witness_by
        if covering is None:
            if history.tip is not None and history.tip.timestamp > by:
                late = history.tip.timestamp - by
                self._tell("overdue", f"{file}: was to be witnessed {late} s ago, and is not", index=last)
            return False
        if last >= verified_size:
            return False
        if history.head_times[covering] > by:
            late = history.head_times[covering] - by
            self._tell("overdue", f"{file}: was witnessed {late} s later than promised", index=last)
        try:
            for id, index in accepted:
                if self._statement_at(index) != id:
                    self._tell("broken-receipt", f"{file}: entry {index} is another statement", index=index)
        except Withheld:
            pass  # entries are for auditors here: only the time can be judged
        return True
