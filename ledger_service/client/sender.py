"""Sending what is stored: in order, in batches, until all is answered or patience ends."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from anchors.core.encoding import encode_hex
from ledger_service.client.answers import Answer, ReceiptKeys, read_answer
from ledger_service.client.api import MAX_SUBMISSION_BYTES, Api, submission_body
from ledger_service.client.errors import BrokenAnswer, WrongInput
from ledger_service.client.store import SUBMISSION_LIMIT, Store
from ledger_service.client.stored import Stored, Stream

FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 5.0


@dataclass
class Outcome:
    """What became of one `send`: accepted ids with their indexes; refused; still waiting, with their last problem."""

    accepted: dict[bytes, int] = field(default_factory=dict)
    refused: list[Stored] = field(default_factory=list)
    waiting: list[Stored] = field(default_factory=list)
    requests: int = 0

    @property
    def complete(self) -> bool:
        """Whether everything is in the log."""
        return not self.refused and not self.waiting


class Sender:
    """Sends the unsent statements of a store to one service and keeps its answers.

    `keys` says whose receipts count. A problem of one key holds up that key's later statements and no others.
    """

    def __init__(
        self,
        store: Store,
        api: Api,
        receipt_keys: ReceiptKeys,
        *,
        patience_seconds: float = 0.0,
        batch: int = SUBMISSION_LIMIT,
        on_answer: Callable[[Answer], None] = lambda answer: None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._store = store
        self._api = api
        self._receipt_keys = receipt_keys
        self._patience_seconds = patience_seconds
        self._batch = batch
        self._on_answer = on_answer
        self._sleep = sleep

    def send(self, keys: Sequence[bytes]) -> Outcome:
        """Send everything unsent of `keys`, whose streams are all of one log.

        Statements answered with a problem that may pass are sent again, in order, for `patience_seconds`. Raises
        `BrokenAnswer`, `ServiceProblem` or `ServiceUnavailable`; whatever happens, the store can be sent again.
        """
        stream = self._one_log(keys)
        outcome = Outcome()
        waited, pause = 0.0, FIRST_PAUSE_SECONDS
        while True:
            progress = self._pass(keys, stream, outcome)
            if not self._store.unsent(keys, limit=1) or (not progress and waited >= self._patience_seconds):
                break
            if progress:
                pause = FIRST_PAUSE_SECONDS
                continue
            self._sleep(pause)
            waited, pause = waited + pause, min(2 * pause, LONGEST_PAUSE_SECONDS)
        outcome.refused = [stored for key in keys for stored in self._store.blocked(key)]
        outcome.waiting = [stored for key in keys for stored in self._store.waiting(key)]
        return outcome

    def _one_log(self, keys: Sequence[bytes]) -> Stream:
        streams = [self._store.stream(key) for key in keys]
        if len({(stream.chain_id, stream.registry, stream.origin) for stream in streams}) != 1:
            raise WrongInput("send the keys of one log at a time, and at least one key")
        return streams[0]

    def _pass(self, keys: Sequence[bytes], stream: Stream, outcome: Outcome) -> bool:
        """Offer every unsent statement once, but those of a key behind its first problem; whether any was accepted."""
        after, progress = 0, False
        free = list(keys)
        while batch := self._store.unsent(free, after=after, limit=self._batch):
            answer, count = self._submit(batch, stream, outcome)
            after = batch[count - 1].place
            stuck = set()
            for stored, result in zip(batch, answer.results, strict=False):
                if result.index is None:
                    stuck.add(stored.key)
                else:
                    outcome.accepted[stored.statement] = result.index
                    progress = True
            free = [key for key in free if key not in stuck]
        return progress

    def _submit(self, batch: list[Stored], stream: Stream, outcome: Outcome) -> tuple[Answer, int]:
        """Send as much of `batch` as one request may hold; the answer, and how many were sent."""
        wires = [stored.to_wire() for stored in batch]
        while len(body := submission_body(stream.origin, wires)) > MAX_SUBMISSION_BYTES and len(wires) > 1:
            del wires[max(1, len(wires) * MAX_SUBMISSION_BYTES // len(body)) :]
        sent = [stored.statement for stored in batch[: len(wires)]]
        outcome.requests += 1
        received = self._api.submit_body(body)
        text = received.decode("utf-8", errors="replace")
        try:
            answer = read_answer(received, sent, stream.domain, self._receipt_keys)
            self._check_indexes(answer, stream.origin)
        except BrokenAnswer as broken:
            self._store.record_answer(text, sent, (), str(broken))
            raise
        self._store.record_answer(text, sent, answer.results, "ok")
        self._on_answer(answer)
        return answer, len(wires)

    def _check_indexes(self, answer: Answer, origin: str) -> None:
        """Raise `BrokenAnswer` where an index was promised to another statement of ours before."""
        for result in answer.results:
            if result.index is None:
                continue
            owner = self._store.at_index(origin, result.index)
            if owner is not None and owner != result.statement:
                raise BrokenAnswer(
                    f"index {result.index} was promised to {encode_hex(owner)} before and now to "
                    f"{encode_hex(result.statement)}: both receipts are kept, show them to the operator"
                )
