"""Who is the anchorer, for how long, and what it says of itself: one row
(docs/adr/0012-one-anchorer-by-lease.md).

Times are milliseconds by the database's own clock on PostgreSQL, by the machine's on SQLite.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import msgspec
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Engine,
    bindparam,
    cast,
    func,
    literal,
    select,
    text,
    update,
)

from ledger_service.storage import schema
from ledger_service.storage.database import begin_writing, unavailable_on_error
from ledger_service.storage.question import Question
from ledger_service.usecases.ports import Fence, LeaseLost, Standing, WorkerStanding

ANCHORER_ROW = 1
LOCK_SECONDS = 5
HANGING_SECONDS = 1
"""A transaction of a holder whose time is over hangs when it is older."""
_anchorer = schema.anchorer
_is_the_row = _anchorer.c.id == ANCHORER_ROW
_TERM = Question(select(_anchorer.c.term).where(_is_the_row, _anchorer.c.term == bindparam("term")).with_for_update())
_FIRST = text(
    "INSERT INTO anchorer (id, term, holder, expires_at, compared, caught_up, incident, workers) "
    f"VALUES ({ANCHORER_ROW}, 0, '', 0, false, false, '', '[]') ON CONFLICT DO NOTHING"
)
"""Before the first term nobody is the anchorer."""
_END_HANGING = text(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = :name "
    "AND usename = current_user AND xact_start < clock_timestamp() - make_interval(secs => :seconds)"
)


@contextmanager
def begin_fenced(engine: Engine, fence: Fence | None) -> Iterator[Connection]:
    """A transaction that will write as the anchorer of the fence's term. The row stays locked until it ends, so that
    nobody takes the lease over between the check and the commit. Raises `LeaseLost`.

    Without a fence nothing is checked: for whoever is known to be alone with the database."""
    with begin_writing(engine) as connection:
        if fence is not None and not _TERM.ask(connection, term=fence.term):
            raise _lost(fence)
        yield connection


def forget_tip(connection: Connection) -> None:
    """Until the chain was followed to its tip again, a revocation may be missing that stood in the forgotten blocks."""
    connection.execute(update(_anchorer).where(_is_the_row).values(caught_up=False))


def keep_incident(connection: Connection, incident: str) -> None:
    """Nothing may be signed or promised any more, for this reason, whoever is the anchorer; the first one stands."""
    first = _is_the_row & (_anchorer.c.incident == "")
    connection.execute(update(_anchorer).where(first).values(incident=incident))


class SqlLease:
    """`ports.Lease` over SQLAlchemy Core. `holder` names this process; unrenewed the lease lasts `seconds`."""

    def __init__(self, engine: Engine, holder: str, seconds: float):
        self._engine = engine
        self._holder = holder
        self._milliseconds = round(seconds * 1_000)

    def take(self) -> Fence | None:
        """See `ports.Lease`."""
        before = self.standing()
        if before.held and before.remaining_seconds * 1_000 <= 2 * self._milliseconds:
            return None
        fence, now = Fence(before.term + 1), _now(self._engine)
        # Nobody holds it for longer than it lasts: a clock that was set back must not keep a dead holder for hours.
        is_over = (_anchorer.c.expires_at <= now) | (_anchorer.c.expires_at > now + 2 * self._milliseconds)
        taken = {
            "term": fence.term,
            "holder": self._holder,
            "expires_at": self._expiry(),
            "compared": False,
            "caught_up": False,
            "workers": "[]",
        }
        free = select(_anchorer.c.term).where(_is_the_row, _anchorer.c.term == before.term, is_over)
        with unavailable_on_error():
            with self._begin() as connection:
                connection.execute(_FIRST)
                if connection.execute(free.with_for_update(skip_locked=True)).first():
                    connection.execute(update(_anchorer).where(_is_the_row).values(taken))
                    return fence
            self._end_transactions_of(before.holder)
        return None

    def renew(self, fence: Fence, workers: Sequence[WorkerStanding]) -> None:
        """See `ports.Lease`."""
        self._write(fence, expires_at=self._expiry(), workers=msgspec.json.encode(workers).decode())

    def give_back(self, fence: Fence) -> None:
        """See `ports.Lease`."""
        self._write(fence, holder="", expires_at=0, incident="", workers="[]")

    def passed_guard(self, fence: Fence) -> None:
        """See `ports.Lease`."""
        self._write(fence, compared=True)

    def reached_tip(self, fence: Fence) -> None:
        """See `ports.Lease`."""
        standing = self.standing()
        if not (standing.caught_up and standing.term == fence.term):
            self._write(fence, caught_up=True)

    def met_incident(self, fence: Fence, incident: str) -> None:
        """See `ports.Lease`."""
        self._write(fence, incident=incident)

    def standing(self) -> Standing:
        """See `ports.Lease`."""
        return read_standing(self._engine)

    def _write(self, fence: Fence, **values: object) -> None:
        statement = update(_anchorer).where(_is_the_row, _anchorer.c.term == fence.term).values(**values)
        with unavailable_on_error(), self._begin() as connection:
            if not connection.execute(statement).rowcount:
                raise _lost(fence)

    def _expiry(self) -> ColumnElement[int]:
        return _now(self._engine) + self._milliseconds

    @contextmanager
    def _begin(self) -> Iterator[Connection]:
        with begin_writing(self._engine) as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(text(f"SET LOCAL lock_timeout = '{LOCK_SECONDS}s'"))
            yield connection

    def _end_transactions_of(self, holder: str) -> None:
        """A holder that hangs inside a transaction keeps the row locked for as long as it hangs: end its connections,
        which are named after it (`anchorer_name`). Whatever it wrote there is undone."""
        if holder and self._engine.dialect.name == "postgresql":
            with self._engine.connect() as connection:
                connection.execute(_END_HANGING, {"name": anchorer_name(holder), "seconds": HANGING_SECONDS})


def _lost(fence: Fence) -> LeaseLost:
    return LeaseLost(f"term {fence.term} of the anchorer's lease is over; another process has taken it over")


def anchorer_name(holder: str) -> str:
    """The name under which a holder's connections are known to PostgreSQL, which keeps 63 bytes of it."""
    return f"anchorer {holder}"[:63]


def read_standing(engine: Engine) -> Standing:
    """What the row says now."""
    left = (_anchorer.c.expires_at - _now(engine)).label("left")
    with unavailable_on_error(), engine.connect() as connection:
        row = connection.execute(select(_anchorer, left).where(_is_the_row)).first()
    if row is None:
        return Standing()
    return Standing(
        row.term,
        row.holder,
        row.left / 1_000,
        bool(row.compared),
        bool(row.caught_up),
        row.incident,
        tuple(msgspec.json.decode(row.workers, type=list[WorkerStanding])),
    )


def _now(engine: Engine) -> ColumnElement[int]:
    if engine.dialect.name == "postgresql":
        return cast(func.extract("epoch", func.clock_timestamp()) * 1_000, BigInteger)
    return literal(time.time_ns() // 1_000_000, BigInteger)
