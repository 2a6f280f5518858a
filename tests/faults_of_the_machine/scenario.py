"""What must be so while a cause lasts, and afterwards: told clearly, nothing lost, no restart."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.fixtures.ledger import Ledger, check_problem_response
from tests.fixtures.signer import Signed, Signer

QUICK_LEASE = {"lease_seconds": "2"}
"""While the database takes no writes the anchorer's lease runs out; afterwards nobody waits long for the next."""


def file_of(ledger: Ledger) -> Path:
    """The file of a ledger on SQLite."""
    return Path(ledger.database.removeprefix("sqlite:///"))


class Trial:
    """One ledger, one hospital, everything it was promised."""

    def __init__(self, ledger: Ledger, *, blocks_come_by_themselves: bool):
        self._ledger = ledger
        self._make_block = (lambda: None) if blocks_come_by_themselves else ledger.chain.mine
        self._signer: Signer = ledger.signer(0)
        self._promised: dict[str, tuple[Signed, int]] = {}
        self._waiting: list[Signed] = []
        self._pid = ledger.service.pid

    def accepts(self) -> None:
        """A statement, and all that were turned away before, get an index."""
        self._waiting.append(self._signer.issued())
        for signed in self._waiting:
            (index,) = self._ledger.submit(signed).outcomes
            assert isinstance(index, int), index
            self._promised[signed.name] = (signed, index)
        self._waiting.clear()

    def is_turned_away(self, told: str) -> None:
        """A statement is answered with a problem that says why, and when to come again."""
        self._waiting.append(self._signer.issued())
        self._ledger.wait_for(lambda: self._problem(told))

    def _problem(self, told: str) -> bool:
        signed = self._waiting[-1]
        response = self._ledger.http.post(
            "/v1/statements", json={"origin": self._ledger.city.origin, "statements": [signed.wire]}
        )
        if response.status_code == 200:  # the cause did not reach this far yet: what was promised counts
            (result,) = response.json()["results"]
            self._promised[signed.name] = (signed, result["index"])
            self._waiting[-1] = self._signer.issued()
            return False
        problem = check_problem_response(response, "not-ready", 503)
        assert problem["retry"] and int(response.headers["retry-after"]) > 0
        return re.search(told, problem["detail"]) is not None

    def is_not_ready(self, told: str) -> None:
        """The state says why; the process is alive all the same. Blocks are made meanwhile, as a chain does."""

        def look() -> bool:
            self._make_block()
            answer = self._ledger.get("/readyz")
            assert answer.json()["ready"] is (answer.status_code == 200)
            return answer.status_code == 503 and any(re.search(told, line) for line in answer.json()["reasons"])

        self._ledger.wait_for(look)
        assert self._ledger.get("/healthz").status_code == 200
        self._ledger.wait_for(lambda: re.search(told, self._ledger.log()))

    def is_over(self) -> None:
        """The same process accepts again, and everything that was ever promised is there, once, and becomes final."""

        def is_ready() -> bool:
            self._make_block()
            return self._ledger.get("/readyz").status_code == 200

        self._ledger.wait_for(is_ready)
        assert self._ledger.service.pid == self._pid
        self.accepts()
        indexes = [index for _, index in self._promised.values()]
        assert len(set(indexes)) == len(indexes)
        for signed, index in self._promised.values():
            assert self._ledger.submit(signed).outcomes == [index]
            assert self._ledger.wait_for_state(signed, "final")["index"] == index


@contextmanager
def trial(ledger: Ledger, told: str, *, blocks_come_by_themselves: bool = False) -> Iterator[Trial]:
    """Accept, then let the cause begin inside the block (it is told in these words), then see that all is well."""
    run = Trial(ledger, blocks_come_by_themselves=blocks_come_by_themselves)
    run.accepts()
    yield run
    run.is_over()
    assert re.search(told, ledger.log())
