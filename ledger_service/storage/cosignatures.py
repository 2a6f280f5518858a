"""Cosignatures of witnesses on checkpoints: originals."""

from sqlalchemy import Engine, func, insert, select

from anchors.core.quorum import MAX_WITNESSES
from ledger_service.storage import schema
from ledger_service.storage.database import unavailable_on_error
from ledger_service.storage.lease import begin_fenced
from ledger_service.usecases.outside_ports import NewCosignature
from ledger_service.usecases.ports import Fence

_c = schema.cosignatures.c


class SqlCosignatures:
    """`outside_ports.Cosignatures` over SQLAlchemy Core."""

    def __init__(self, engine: Engine, fence: Fence | None = None):
        self._engine = engine
        self._fence = fence

    def add(self, cosignature: NewCosignature) -> None:
        """See `outside_ports.Cosignatures`."""
        size, witness = cosignature.size, cosignature.witness
        values = {"size": size, "witness": witness, "line": cosignature.line, "cosigned_at": cosignature.cosigned_at}
        with unavailable_on_error(), begin_fenced(self._engine, self._fence) as connection:
            known = set(connection.execute(select(_c.witness).where(_c.size == size)).scalars())
            if witness not in known and len(known) < MAX_WITNESSES:
                connection.execute(insert(schema.cosignatures).values(values))

    def newest_size(self, witness: str) -> int:
        """See `outside_ports.Cosignatures`."""
        query = select(func.max(_c.size)).where(_c.witness == witness)
        with unavailable_on_error(), self._engine.connect() as connection:
            return connection.execute(query).scalar() or 0

    def sizes(self, limit: int) -> list[int]:
        """See `outside_ports.Cosignatures`."""
        query = select(_c.size).distinct().order_by(_c.size.desc()).limit(limit)
        with unavailable_on_error(), self._engine.connect() as connection:
            return list(connection.execute(query).scalars())
