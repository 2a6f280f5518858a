"""The figures of the witness transactions, over SQLite and PostgreSQL: whoever counted before counts on, and says the
same as one that counts all of them now."""

import random
from collections import Counter

from ledger_service.storage.database import open_database
from ledger_service.storage.figures import SqlFigures, TransactionFigures
from ledger_service.storage.outbox import SqlOutbox
from ledger_service.usecases.ports import OutgoingTransaction

OUTCOMES = ("mined", "reverted", "replaced", "refused")


def test_counting_on_is_counting_all(store_url: str) -> None:
    engine, dice = open_database(store_url), random.Random(7)
    outbox, asked_often = SqlOutbox(engine), SqlFigures(engine)
    opened: dict[int, int] = {}
    closed: Counter[str] = Counter()
    gas_used = 0
    assert asked_often.transactions() == TransactionFigures(0, None, {}, 0)
    for time in range(60):
        if dice.random() < 0.5:
            id = outbox.add(OutgoingTransaction(0, bytes(20), 0, 1, time, time.to_bytes(32), b"raw", 1, 1, time))
            opened[id] = time
        elif opened:
            id, outcome = dice.choice(sorted(opened)), dice.choice(OUTCOMES)
            gas = 100 + time if outcome in ("mined", "reverted") else None
            outbox.close(id, outcome, gas)
            closed[outcome], gas_used = closed[outcome] + 1, gas_used + (gas or 0)
            del opened[id]
        since = min(opened.values(), default=None)
        expected = TransactionFigures(len(opened), since, dict(closed), gas_used)
        assert asked_often.transactions() == SqlFigures(engine).transactions() == expected
    for id in sorted(opened):
        outbox.close(id, "mined", 1)
    assert asked_often.transactions().open == 0 and asked_often.transactions().closed["mined"] > closed["mined"]
    engine.dispose()
