"""Let the story happen: sign as the hospitals, send over HTTP, wait until all is final, prove and verify offline."""

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from anchors.core.encoding import encode_hex
from anchors.core.trust import Trust
from anchors.core.verify import verify_proof
from ledger_service.client.answers import ReceiptKeys
from ledger_service.client.api import Api
from ledger_service.client.sender import Sender
from ledger_service.client.store import Store
from ledger_service.client.stored import Observed
from scripts.city.acts import Act
from scripts.city.founding import City, Institution
from scripts.city.story import ROUNDS

FINAL_WITHIN_SECONDS = 180
SEND_PATIENCE_SECONDS = 60
LARGEST_PROVED_SHARE = 1_000

Progress = Callable[[int], None]


class StoryStopped(Exception):
    """Something in the city did not go as it must; the message says what."""


@dataclass
class Told:
    """What came of the story: ids by act name, in the order in which they were sent."""

    statements: dict[str, bytes] = field(default_factory=dict)
    last_index: int = -1


class Teller:
    """Plays all hospitals of a city. In life each has a store of its own; here they share one."""

    def __init__(self, city: City, store: Store, api: Api, trust: Trust):
        self._city = city
        self._store = store
        self._api = api
        self._receipt_keys = ReceiptKeys.of(trust.registry, city.domain.log)
        for institution in city.everybody:
            store.open_stream(
                institution.key,
                chain_id=city.domain.chain_id,
                registry=city.deployment.registry,
                origin=city.origin,
                institution=institution.code,
            )

    def tell(self, acts: Sequence[Act], progress: Progress) -> Told:
        """Make every statement, round by round.

        Each round waits until the one before is final, so that its statements can name a head that covers it: that
        proves that they were signed after it."""
        told = Told()
        for round_number in range(1, ROUNDS + 1):
            self.wait_final(told.last_index + 1)
            self._sign([act for act in acts if act.round == round_number], told)
            self._send(told, progress)
        return told

    def say(self, act: Act, told: Told) -> bytes:
        """Make one more statement; its id."""
        self._sign([act], told)
        self._send(told, lambda count: None)
        return told.statements[act.name]

    def _sign(self, acts: Sequence[Act], told: Told) -> None:
        observed = self._observed()
        now = int(time.time())
        for institution in self._city.everybody:
            own = [act for act in acts if act.by is institution]
            self._sign_own(institution, own, observed, now, told)

    def _sign_own(
        self, institution: Institution, acts: Sequence[Act], observed: Observed | None, now: int, told: Told
    ) -> None:
        def drafts():
            for act in acts:
                yield act.draft(lambda name: self._id_of(name, told), now), act.name

        stored = self._store.sign_all(institution.key, institution.secret, drafts(), observed=observed)
        told.statements.update({act.name: item.statement for act, item in zip(acts, stored, strict=True)})

    def _id_of(self, name: str, told: Told) -> bytes:
        if name in told.statements:
            return told.statements[name]
        return self._store.by_source(name).statement

    def _observed(self) -> Observed | None:
        head = self._api.final_head()
        return Observed(bytes.fromhex(head["witnessId"][2:]), head["newSize"]) if head else None

    def _send(self, told: Told, progress: Progress) -> None:
        sender = Sender(
            self._store,
            self._api,
            self._receipt_keys,
            patience_seconds=SEND_PATIENCE_SECONDS,
            batch=100,
            on_answer=lambda answer: progress(sum(result.index is not None for result in answer.results)),
        )
        outcome = sender.send([institution.key for institution in self._city.everybody])
        if not outcome.complete:
            first = (outcome.refused + outcome.waiting)[0]
            raise StoryStopped(f"a statement was not accepted: {first.problem}: {first.detail}")
        told.last_index = max([told.last_index, *outcome.accepted.values()])

    def wait_final(self, size: int, progress: Progress = lambda count: None) -> None:
        """Wait until a final head covers `size` entries."""
        deadline = time.monotonic() + FINAL_WITHIN_SECONDS
        reached = 0
        while reached < size:
            if time.monotonic() > deadline:
                raise StoryStopped(f"{reached} of {size} statements were final after {FINAL_WITHIN_SECONDS} s")
            time.sleep(0.2)
            head = self._api.final_head()
            newest = min(head["newSize"], size) if head else 0
            progress(newest - reached)
            reached = newest

    def prove(self, told: Told, trust: Trust, seed: str, example: str, progress: Progress) -> tuple[int, bytes]:
        """Fetch proofs of at most 1,000 statements and verify each offline; how many, and that of the act `example`."""
        names = sorted(told.statements)
        chosen = random.Random(f"proofs {seed}").sample(names, min(LARGEST_PROVED_SHARE, len(names)))
        for name in chosen:
            self._proof(told.statements[name], trust)
            progress(1)
        return len(chosen), self._proof(told.statements[example], trust)

    def _proof(self, statement: bytes, trust: Trust) -> bytes:
        proof = self._api.proof(statement)
        verdict = verify_proof(proof, trust)
        if not verdict.holds or verdict.statement_id != statement:
            why = "; ".join(f"{claim.name} {claim.state}: {claim.why}" for claim in verdict.claims)
            raise StoryStopped(f"the proof of {encode_hex(statement)} does not hold: {why}")
        return proof
