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
        self._contradicted = False
        """Whether its last answer named another size."""

    def run_once(self) -> None:
        """Ask once, if there is something to ask. Where the witness names another size, the next call asks from there.

        After a failure it pauses, longer each time, and says why. Raises `WitnessFailed` or `StoreUnavailable`."""
        with self._pause.around(WitnessFailed):
            self._ask()

    def _ask(self) -> None:
        if self._size is None:
            self._size = self._cosignatures.newest_size(self._witness.key.name)
        head = self._view.newest_head()
        checkpoint = self._tree.checkpoint_at(head.new_size) if head is not None else None
        if checkpoint is None or checkpoint.size <= self._size:
            return
        proof = consistency_proof(self._size, checkpoint.size, LogTiles(self._tree).nodes(checkpoint.size))
        try:
            found = self._witness.cosign(self._size, proof, checkpoint.note)
        except SizeConflict as conflict:
            self._turn_to(conflict.size)
            return
        self._cosignatures.add(NewCosignature(checkpoint.size, found.key.name, found.line, found.time))
        self._size, self._contradicted = checkpoint.size, False

    def _turn_to(self, size: int) -> None:
        """Ask from the size that the witness named. One that names a size and does not go on from it has failed."""
        self._check_known(size)
        asked, again = self._size, self._contradicted
        self._size, self._contradicted = size, True
        if again or size == asked:
            raise WitnessFailed(
                f"witness {self._witness.key.name}: names {size} entries as what it cosigned last, after it was asked "
                f"from {asked}, and goes on from neither: ask its operator"
            )

    def _check_known(self, size: int) -> None:
        """A witness that has seen more than is signed here has seen another log, or this is an older copy of it."""
        newest = self._tree.newest_checkpoint()
        if newest is None or size > newest.size:
            raise WitnessFailed(
                f"witness {self._witness.key.name}: has cosigned {size} entries of this log, which has "
                f"{newest.size if newest else 0} under its newest checkpoint: one of the two is wrong, ask its operator"
            )
