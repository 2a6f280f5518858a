"""Receipts that the watcher was given: is what they promise there, and was it witnessed in time?"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from anchors.core import signature as signatures
from anchors.core.encoding import decode_hex
from anchors.core.errors import Error, MalformedInput
from anchors.core.promise import Receipt, accepted_hash
from anchors.core.registry import Purpose
from anchors.core.typed_data import Domain
from ledger_service.published import Withheld
from ledger_service.usecases.audit.attribution import Attribution
from ledger_service.usecases.audit.history import ChainHistory

MAX_RECEIPT_BYTES = 8 * 2**20


@dataclass(frozen=True)
class Promised:
    """A receipt with the statements that it covers: id and index."""

    receipt: Receipt
    accepted: list[tuple[bytes, int]]
    signature: bytes

    @classmethod
    def parse(cls, data: bytes) -> "Promised":
        """The answer to a submission, as the service gave it. Raises `MalformedInput`."""
        try:
            answer = json.loads(data)
            given = answer["receipt"]
            accepted = [
                (decode_hex(one["statement"], 32, "statement"), int(one["index"]))
                for one in answer["results"]
                if "index" in one
            ]
            receipt = Receipt(
                decode_hex(given["accepted"], 32, "accepted"), int(given["acceptedAt"]), int(given["witnessBy"])
            )
            signature = decode_hex(given["signature"], 65, "signature")
        except (ValueError, KeyError, TypeError, RecursionError, MalformedInput) as error:
            raise MalformedInput(f"no answer with a receipt ({type(error).__name__})") from None
        if not accepted or accepted_hash(accepted) != receipt.accepted:
            raise MalformedInput("the receipt is not about the statements beside it")
        return cls(receipt, accepted, signature)


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
        """Judge what is not settled; the names of all that is now."""
        history = self._history
        attribution = Attribution(history.log_id, history.registry, [event.change for event in history.changes])
        found = []
        for path in sorted(self._folder.glob("*.json")):
            data = path.read_bytes()[: MAX_RECEIPT_BYTES + 1]
            name = sha256(data).hexdigest()
            if name in settled or self._is_settled(path.name, data, attribution, verified_size):
                found.append(name)
        return found

    def _is_settled(self, file: str, data: bytes, attribution: Attribution, verified_size: int) -> bool:
        try:
            promised = Promised.parse(data)
            signer = signatures.recover(promised.receipt.digest(self._domain), promised.signature)
        except Error as error:
            self._tell("receipt", f"{file}: {error}")
            return False
        if not attribution.is_operator_key(signer, Purpose.RECEIPT):
            self._tell("receipt", f"{file}: is not signed by a receipt key of the log")
            return False
        history, last = self._history, max(index for _, index in promised.accepted)
        covering = history.covering(last)
        by = promised.receipt.witness_by
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
            for id, index in promised.accepted:
                if self._statement_at(index) != id:
                    self._tell("broken-receipt", f"{file}: entry {index} is another statement", index=index)
        except Withheld:
            pass  # entries are for auditors here: only the time can be judged
        return True
