"""Which log this database holds: written at the first start, compared at every other."""

from dataclasses import dataclass

from sqlalchemy import Engine, select

from anchors.chain.port import ChainIdentity
from anchors.core.encoding import encode_hex
from ledger_service.storage import schema
from ledger_service.storage.database import begin_setting_up, unavailable_on_error
from ledger_service.storage.ledger import LOG_ROW
from ledger_service.usecases.incident import Incident


@dataclass(frozen=True)
class LogIdentity:
    """A log on a chain under two contracts."""

    origin: str
    chain_id: int
    genesis: bytes
    registry: bytes
    witness: bytes

    @property
    def chain(self) -> ChainIdentity:
        """The chain alone."""
        return ChainIdentity(self.chain_id, self.genesis)


def claim_log(engine: Engine, identity: LogIdentity) -> None:
    """Make the database this log's, or raise `Incident` where it is another's."""
    with unavailable_on_error(), begin_setting_up(engine) as connection:
        row = connection.execute(select(schema.log)).first()
        if row is None:
            values = {"id": LOG_ROW, "size": 0, **identity.__dict__}
            connection.execute(schema.log.insert(), values)
            return
    for name, wanted in identity.__dict__.items():
        stored = getattr(row, name)
        if stored != wanted:
            raise Incident(
                f"this database belongs to another log or chain: its {name} is {_show(stored)}, not {_show(wanted)}; "
                "name the right database, or start a new log under a new origin"
            )


def read_identity(engine: Engine) -> LogIdentity | None:
    """The identity of a database, None where it was not claimed yet."""
    with unavailable_on_error(), engine.connect() as connection:
        row = connection.execute(select(schema.log)).first()
    if row is None:
        return None
    return LogIdentity(row.origin, row.chain_id, row.genesis, row.registry, row.witness)


def _show(value: str | int | bytes) -> str:
    return encode_hex(value) if isinstance(value, bytes) else str(value)
