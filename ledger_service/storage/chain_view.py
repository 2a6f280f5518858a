"""What the follower learned from the chain: blocks, registry changes, heads."""

from sqlalchemy import BigInteger, Connection, Engine, Row, bindparam, delete, select, update

from anchors.chain.port import Block, Place, RegistryEvent, WitnessEvent
from anchors.core.registry import Action, Change
from ledger_service.storage import schema
from ledger_service.storage.bulk import insert_rows, replace_rows
from ledger_service.storage.database import unavailable_on_error
from ledger_service.storage.lease import begin_fenced, forget_tip, keep_incident
from ledger_service.storage.question import Question
from ledger_service.usecases.ports import ChainStatus, Fence, FollowedBlocks

KEPT_BLOCKS = 256
"""How many of the newest blocks are kept, and all that are not final besides."""

CHAIN_ROW = 1
_newest = select(schema.heads).order_by(schema.heads.c.new_size.desc()).limit(1)
NEWEST_FINAL_HEAD = _newest.where(schema.heads.c.block_number <= select(schema.chain.c.final_number).scalar_subquery())
_CHAIN = Question(select(schema.chain))
_BLOCKS = Question(
    select(schema.blocks)
    .where(schema.blocks.c.number <= bindparam("up_to"))
    .order_by(schema.blocks.c.number.desc())
    .limit(bindparam("limit", type_=BigInteger))
)
_ALL = 2**63 - 1
_NEWEST_HEAD, _NEWEST_FINAL_HEAD = Question(_newest), Question(NEWEST_FINAL_HEAD)


class SqlChainView:
    """`ports.ChainView` over SQLAlchemy Core, for the log whose id it is given."""

    def __init__(self, engine: Engine, log: bytes, fence: Fence | None = None):
        self._engine = engine
        self._log = log
        self._fence = fence

    def status(self) -> ChainStatus:
        """See `ports.ChainView`."""
        with unavailable_on_error(), self._engine.connect() as connection:
            rows = _CHAIN.ask(connection)
        if not rows:
            return ChainStatus()
        (row,) = rows
        return ChainStatus(Block(row.tip_number, row.tip_hash, row.tip_parent, row.tip_time), row.final_number)

    def recent_blocks(self, up_to: int | None = None, limit: int | None = None) -> list[Block]:
        """See `ports.ChainView`."""
        bounds = {"up_to": _ALL if up_to is None else up_to, "limit": _ALL if limit is None else limit}
        with unavailable_on_error(), self._engine.connect() as connection:
            return [Block(*row) for row in _BLOCKS.ask(connection, **bounds)]

    def add(self, followed: FollowedBlocks) -> None:
        """See `ports.ChainView`."""
        with unavailable_on_error(), begin_fenced(self._engine, self._fence) as connection:
            insert_rows(connection, schema.blocks, [_block_row(block) for block in followed.blocks])
            insert_rows(connection, schema.registry_changes, [_change_row(event) for event in followed.registry_events])
            insert_rows(
                connection,
                schema.heads,
                [
                    _head_row(event, followed.head_times[event.place.block_number])
                    for event in followed.witness_events
                    if event.log == self._log
                ],
            )
            tip, final_number = followed.status.tip, followed.status.final_number
            replace_rows(
                connection, schema.chain, [(CHAIN_ROW, tip.number, tip.hash, tip.parent, tip.timestamp, final_number)]
            )
            if followed.blocks:
                oldest_kept = min(followed.blocks[-1].number - KEPT_BLOCKS, final_number)
                connection.execute(delete(schema.blocks).where(schema.blocks.c.number < oldest_kept))

    def roll_back(self, last_number: int, incident: str = "") -> None:
        """See `ports.ChainView`."""
        with unavailable_on_error(), begin_fenced(self._engine, self._fence) as connection:
            forget_tip(connection)
            if incident:
                keep_incident(connection, incident)
            connection.execute(delete(schema.blocks).where(schema.blocks.c.number > last_number))
            for table in (schema.registry_changes, schema.heads, schema.head_proofs):
                connection.execute(delete(table).where(table.c.block_number > last_number))
            beyond = schema.chain.c.final_number > last_number
            connection.execute(update(schema.chain).where(beyond).values(final_number=last_number))

    def registry_events(self) -> list[RegistryEvent]:
        """See `ports.ChainView`."""
        with unavailable_on_error(), self._engine.connect() as connection:
            return read_changes(connection)

    def covering_head(self, index: int) -> WitnessEvent | None:
        """See `ports.ChainView`."""
        query = select(schema.heads).where(schema.heads.c.new_size > index).order_by(schema.heads.c.new_size).limit(1)
        return next(iter(self._heads(query)), None)

    def head_of(self, witness_id: bytes) -> WitnessEvent | None:
        """See `ports.ChainView`."""
        return next(iter(self._heads(select(schema.heads).where(schema.heads.c.witness_id == witness_id))), None)

    def head_time(self, head: WitnessEvent) -> int | None:
        """See `ports.ChainView`."""
        query = select(schema.heads.c.time).where(schema.heads.c.new_size == head.new_size)
        with unavailable_on_error(), self._engine.connect() as connection:
            return connection.execute(query).scalar_one_or_none()

    def newest_head(self, *, final: bool = False) -> WitnessEvent | None:
        """See `ports.ChainView`."""
        newest = _NEWEST_FINAL_HEAD if final else _NEWEST_HEAD
        with unavailable_on_error(), self._engine.connect() as connection:
            return next((read_head(row, self._log) for row in newest.ask(connection)), None)

    def heads(self, before: int | None, limit: int) -> list[WitnessEvent]:
        """See `ports.ChainView`."""
        query = select(schema.heads).order_by(schema.heads.c.new_size.desc()).limit(limit)
        if before is not None:
            query = query.where(schema.heads.c.new_size < before)
        return self._heads(query)

    def _heads(self, query: object) -> list[WitnessEvent]:
        with unavailable_on_error(), self._engine.connect() as connection:
            return [read_head(row, self._log) for row in connection.execute(query)]


def read_head(row: Row, log: bytes) -> WitnessEvent:
    """A stored head of the log of this id."""
    return WitnessEvent(
        log,
        row.old_size,
        row.new_size,
        row.root,
        row.registry_head,
        row.registry_count,
        row.witness_id,
        _place(row),
    )


def read_changes(connection: Connection) -> list[RegistryEvent]:
    """All stored registry changes with their places, in order."""
    return [_event(row) for row in connection.execute(select(schema.registry_changes).order_by("number"))]


def _event(row: Row) -> RegistryEvent:
    change = Change(row.number, row.time, Action(row.action), row.institution, row.role, row.log, row.key, row.data)
    return RegistryEvent(change, row.head, _place(row))


def _place(row: Row) -> Place:
    return Place(row.block_number, row.block_hash, row.transaction, row.place)


def _place_row(place: Place) -> tuple:
    return (place.block_number, place.block_hash, place.transaction, place.position)


def _block_row(block: Block) -> tuple:
    return (block.number, block.hash, block.parent, block.timestamp)


def _change_row(event: RegistryEvent) -> tuple:
    change = event.change
    return (
        change.number,
        change.time,
        int(change.action),
        change.institution,
        change.role,
        change.log,
        change.key,
        change.data,
        event.head,
        *_place_row(event.place),
    )


def _head_row(event: WitnessEvent, time: int) -> tuple:
    return (
        event.new_size,
        event.old_size,
        event.root,
        event.registry_head,
        event.registry_count,
        event.witness_id,
        time,
        *_place_row(event.place),
    )
