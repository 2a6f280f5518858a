"""The anchorer's side of a 409: a witness that knows another size is asked from there, one that never goes on fails."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from anchors.core.cosignature import Cosignature, WitnessSecret, open_cosignatures
from anchors.cosigner import SizeConflict, WitnessFailed
from ledger_service.storage.cosignatures import SqlCosignatures
from ledger_service.usecases.cosign import LONGEST_PAUSE_SECONDS, SHORTEST_PAUSE_SECONDS, Collector
from tests.audit.world import World, make_world
from tests.fixtures.chain import ScratchChain

SECRET = WitnessSecret("witness.example/1", b"\x11" * 32)
ENTRIES = 11


class Contradicting:
    """A witness that answers with these sizes, one after the other and the last one for ever, and cosigns what is
    asked from `last`; all that is asked once it is `well`."""

    key = SECRET.key

    def __init__(self, *sizes: int, last: int = -1):
        self.sizes = list(sizes)
        self.last = last
        self.well = False
        self.asked: list[int] = []

    def cosign(self, old_size: int, proof: Sequence[bytes], note: bytes) -> Cosignature:
        self.asked.append(old_size)
        if self.well or old_size == self.last:
            text = note.rpartition(b"\n\n")[0] + b"\n"
            line = SECRET.cosign(text.decode(), 1_800_000_000)
            return open_cosignatures(text + b"\n" + line.encode(), [self.key])[0]
        raise SizeConflict(self.sizes.pop(0) if len(self.sizes) > 1 else self.sizes[0])


@pytest.fixture(scope="module")
def world(module_chain: ScratchChain, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Eleven statements under a final head."""
    world = make_world(module_chain, f"sqlite:///{tmp_path_factory.mktemp('world') / 'ledger.sqlite'}")
    world.submit(*world.tell_story())
    world.settle()
    yield world
    world.engine.dispose()


class Asking:
    """A collector, and its clock."""

    def __init__(self, world: World, witness: Contradicting):
        self.seconds = 0.0
        self.collector = Collector(witness, SqlCosignatures(world.engine), world.tree, world.view, lambda: self.seconds)

    def more_at_once(self) -> bool | None:
        """One step; whether its worker would go on without waiting."""
        return self.collector.run_once()


def test_a_witness_that_knows_another_size_is_asked_from_there_at_the_next_look(world: World) -> None:
    witness = Contradicting(7, last=7)
    asking = Asking(world, witness)
    assert not asking.more_at_once()
    assert not asking.more_at_once()
    assert not asking.more_at_once()
    assert witness.asked == [0, 7]
    assert SqlCosignatures(world.engine).newest_size(SECRET.key.name) == ENTRIES


@pytest.mark.parametrize(("sizes", "steps"), [((0,), 1), ((3, 5, 3, 5, 3, 5), 2), ((3, 3, 3), 2)])
def test_a_witness_that_goes_on_from_no_size_fails_and_is_left_alone(
    module_chain: ScratchChain, tmp_path: Path, sizes: tuple[int, ...], steps: int
) -> None:
    world = make_world(module_chain, f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    world.submit(*world.tell_story())
    world.settle()
    witness = Contradicting(*sizes)
    asking = Asking(world, witness)
    for _ in range(steps - 1):
        assert not asking.more_at_once()
    for _ in range(20):
        with pytest.raises(WitnessFailed, match="goes on from neither") as failed:
            asking.more_at_once()
    assert len(witness.asked) == steps and "\n" not in str(failed.value)
    asking.seconds += SHORTEST_PAUSE_SECONDS
    for _ in range(20):
        with pytest.raises(WitnessFailed):
            asking.more_at_once()
    assert len(witness.asked) == steps + 1, "it is tried once after each pause"
    # Once it goes on again, so does the ledger.
    witness.well = True
    asking.seconds += LONGEST_PAUSE_SECONDS
    assert not asking.more_at_once()
    assert SqlCosignatures(world.engine).newest_size(SECRET.key.name) == ENTRIES
    world.engine.dispose()
