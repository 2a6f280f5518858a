"""Have witnessed checkpoints cosigned by one witness (docs/spec/cosigning.md, ADR 24)."""

from collections.abc import Callable

from anchors.core.merkle import consistency_proof
from anchors.cosigner import SizeConflict, WitnessFailed
from ledger_service.usecases.log_tiles import LogTiles
from ledger_service.usecases.outside_ports import Cosignatures, CosigningWitness, NewCosignature
from ledger_service.usecases.pause import Pause
from ledger_service.usecases.ports import ChainView, Tree

SHORTEST_PAUSE_SECONDS = 5.0
LONGEST_PAUSE_SECONDS = 600.0


class Collector:
    """Asks one witness about each newest witnessed head that it has not cosigned."""

    def __init__(
        self,
        witness: CosigningWitness,
        cosignatures: Cosignatures,
        tree: Tree,
        view: ChainView,
        passed: Callable[[], float],
    ):
        self._witness = witness
        self._cosignatures = cosignatures
        self._tree = tree
        self._view = view
        self._pause = Pause(SHORTEST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS, passed)
        self._size: int | None = None
        """What the witness cosigned last, as far as is known here; a witness that knows better says so."""

    def run_once(self) -> bool:
        """Ask once, if there is something to ask; whether the witness named another size, to be asked from at once.

        After a failure it pauses, longer each time, and says why. Raises `WitnessFailed` or `StoreUnavailable`."""
        with self._pause.around(WitnessFailed):
            return self._ask()

    def _ask(self) -> bool:
        if self._size is None:
            self._size = self._cosignatures.newest_size(self._witness.key.name)
        head = self._view.newest_head()
        checkpoint = self._tree.checkpoint_at(head.new_size) if head is not None else None
        if checkpoint is None or checkpoint.size <= self._size:
            return False
        proof = consistency_proof(self._size, checkpoint.size, LogTiles(self._tree).nodes(checkpoint.size))
        try:
            found = self._witness.cosign(self._size, proof, checkpoint.note)
        except SizeConflict as conflict:
            self._check_known(conflict.size)
            self._size = conflict.size
            return True
        self._cosignatures.add(NewCosignature(checkpoint.size, found.key.name, found.line, found.time))
        self._size = checkpoint.size
        return False

    def _check_known(self, size: int) -> None:
        """A witness that has seen more than is signed here has seen another log, or this is an older copy of it."""
        newest = self._tree.newest_checkpoint()
        if newest is None or size > newest.size:
            raise WitnessFailed(
                f"witness {self._witness.key.name}: has cosigned {size} entries of this log, which has "
                f"{newest.size if newest else 0} under its newest checkpoint: one of the two is wrong, ask its operator"
            )
