"""Proofs of the blocks of heads: derived from the chain, kept because nodes forget."""

import zlib
from collections.abc import Collection

from sqlalchemy import Engine, func, insert, select

from anchors.chain.port import WitnessEvent
from anchors.core.block.proof import MAX_PROOF_BYTES, BlockProof
from anchors.core.errors import MalformedInput
from ledger_service.storage import schema
from ledger_service.storage.bulk import in_pieces
from ledger_service.storage.chain_view import read_head
from ledger_service.storage.database import unavailable_on_error
from ledger_service.storage.lease import begin_fenced
from ledger_service.usecases.ports import Fence

_heads, _proofs = schema.heads.c, schema.head_proofs.c
_is_final = _heads.block_number <= select(schema.chain.c.final_number).scalar_subquery()


class SqlHeadProofs:
    """`ports.HeadProofs` over SQLAlchemy Core, for the log whose id it is given."""

    def __init__(self, engine: Engine, log: bytes, fence: Fence | None = None):
        self._engine = engine
        self._log = log
        self._fence = fence

    def unproven(self, above: int, below: int, limit: int) -> list[WitnessEvent]:
        """See `ports.HeadProofs`."""
        proven = select(_proofs.new_size).where(_proofs.new_size == _heads.new_size).exists()
        query = select(schema.heads).where(_heads.new_size > above, _heads.new_size < below, _is_final, ~proven)
        with unavailable_on_error(), self._engine.connect() as connection:
            rows = connection.execute(query.order_by(_heads.new_size.desc()).limit(limit))
            return [read_head(row, self._log) for row in rows]

    def missing(self) -> int:
        """See `ports.HeadProofs`."""
        final = select(func.count(_heads.block_number)).where(_is_final).scalar_subquery()
        stored = select(func.count(_proofs.block_number)).scalar_subquery()
        with unavailable_on_error(), self._engine.connect() as connection:
            return max(0, connection.execute(select(final - stored)).scalar_one())

    def add(self, event: WitnessEvent, proof: BlockProof) -> None:
        """See `ports.HeadProofs`."""
        place = event.place
        stands = select(_heads.new_size).where(
            _heads.new_size == event.new_size, _heads.block_hash == place.block_hash, _heads.place == place.position
        )
        known = select(_proofs.new_size).where(_proofs.new_size == event.new_size)
        with unavailable_on_error(), begin_fenced(self._engine, self._fence) as connection:
            if connection.execute(stands).first() is not None and connection.execute(known).first() is None:
                row = (event.new_size, place.block_number, zlib.compress(proof.encode()))
                connection.execute(insert(schema.head_proofs).values(row))

    def proofs(self, sizes: Collection[int]) -> dict[int, BlockProof]:
        """See `ports.HeadProofs`."""
        found = {}
        with unavailable_on_error(), self._engine.connect() as connection:
            for some in in_pieces(list(sizes)):
                query = select(_proofs.new_size, _proofs.proof).where(_proofs.new_size.in_(some))
                found.update({row.new_size: decode_proof(row.proof) for row in connection.execute(query)})
        return found


def decode_proof(stored: bytes) -> BlockProof:
    """A proof as it is stored. Raises `MalformedInput`."""
    try:
        text = zlib.decompressobj().decompress(stored, MAX_PROOF_BYTES + 1)
    except (zlib.error, TypeError) as error:
        raise MalformedInput(f"block proof: not deflated: {error}") from None
    return BlockProof.decode(text)
