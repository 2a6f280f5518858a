"""Witness transactions that went out, or were about to."""

from sqlalchemy import Engine, func, select, update

from ledger_service.storage import schema
from ledger_service.storage.database import unavailable_on_error
from ledger_service.storage.lease import begin_fenced
from ledger_service.usecases.ports import Fence, OutgoingTransaction


class SqlOutbox:
    """`ports.Outbox` over SQLAlchemy Core."""

    def __init__(self, engine: Engine, fence: Fence | None = None):
        self._engine = engine
        self._fence = fence

    def add(self, transaction: OutgoingTransaction) -> int:
        """See `ports.Outbox`."""
        with unavailable_on_error(), begin_fenced(self._engine, self._fence) as connection:
            added = connection.execute(
                schema.outbox.insert(),
                {
                    "account": transaction.account,
                    "old_size": transaction.old_size,
                    "new_size": transaction.new_size,
                    "nonce": transaction.nonce,
                    "hash": transaction.hash,
                    "raw": transaction.raw,
                    "fee_cap": str(transaction.fee_cap),
                    "fee_tip": str(transaction.fee_tip),
                    "sent_at": transaction.sent_at,
                },
            )
        return added.inserted_primary_key[0]

    def open(self) -> list[OutgoingTransaction]:
        """See `ports.Outbox`."""
        columns = schema.outbox.c
        with unavailable_on_error(), self._engine.connect() as connection:
            rows = connection.execute(select(schema.outbox).where(columns.outcome.is_(None)).order_by(columns.id)).all()
        return [
            OutgoingTransaction(
                row.id,
                row.account,
                row.old_size,
                row.new_size,
                row.nonce,
                row.hash,
                row.raw,
                int(row.fee_cap),
                int(row.fee_tip),
                row.sent_at,
            )
            for row in rows
        ]

    def close(self, id: int, outcome: str, gas_used: int | None) -> None:
        """See `ports.Outbox`."""
        with unavailable_on_error(), begin_fenced(self._engine, self._fence) as connection:
            connection.execute(
                update(schema.outbox).where(schema.outbox.c.id == id).values(outcome=outcome, gas_used=gas_used)
            )

    def next_nonce(self, account: bytes) -> int:
        """See `ports.Outbox`."""
        columns = schema.outbox.c
        used = (columns.account == account) & columns.outcome.not_in(("refused", "lost"))
        with unavailable_on_error(), self._engine.connect() as connection:
            largest = connection.execute(select(func.max(columns.nonce)).where(used)).scalar_one()
        return 0 if largest is None else largest + 1
