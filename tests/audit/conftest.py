"""The ledger that the tests of this folder share, and copies of it to be damaged."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger_service.storage import finder
from tests.audit.world import World, copy_database, make_world
from tests.fixtures.chain import ScratchChain

STORIES = 40


@pytest.fixture(scope="module")
def world(module_chain: ScratchChain, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """440 statements of all ten kinds under several final heads; the last 11 are accepted, and not witnessed.

    Of 451 entries the first 256 have a full tile, the rest have none; 264 are found by the table of prefixes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(finder, "BATCH_ENTRIES", 256)
        yield from _tell(module_chain, tmp_path_factory)


def _tell(module_chain: ScratchChain, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    world = make_world(module_chain, f"sqlite:///{tmp_path_factory.mktemp('audit') / 'ledger.sqlite'}")
    for number in range(STORIES):
        world.submit(*world.tell_story(number))
        if number % 4 == 3:
            world.integrate()
        if number % 10 == 9:
            world.settle()
    world.submit(*world.tell_story())
    yield world
    world.engine.dispose()


@pytest.fixture
def copy(world: World, tmp_path: Path) -> Path:
    """A copy of its database, to be damaged."""
    return copy_database(world, tmp_path)


@pytest.fixture
def small_world(module_chain: ScratchChain, tmp_path: Path) -> Iterator[World]:
    """One story under a final head."""
    world = make_world(module_chain, f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    world.submit(*world.tell_story())
    world.settle()
    yield world
    world.engine.dispose()
